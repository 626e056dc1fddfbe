# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job that a run is, as AWX tells of it."""

from __future__ import annotations

from ansible_collections.mstr.migration.plugins.module_utils.session.job import Job


def test_the_id_is_in_the_environment_and_the_rest_in_an_option(monkeypatch):
    monkeypatch.setenv("JOB_ID", "7")
    job = Job.of({"job": {"template": "deploy", "user": "alice"}})
    assert job.as_imported() == {"job_id": "7", "job_template": "deploy", "job_user": "alice"}
    assert job.as_undone() == {"undone_job_id": "7", "undone_job_template": "deploy", "undone_job_user": "alice"}


def test_without_awx_there_is_none(monkeypatch):
    monkeypatch.delenv("JOB_ID", raising=False)
    # The role gives what is not given as an empty text.
    for params in ({}, {"job": None}, {"job": {"template": None, "user": ""}}):
        assert Job.of(params) == Job()
