# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the stand-in for AWX, and makes there what a test begins with."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

from stand_in import Awx


class Client:
    """Asks the stand-in as a user of AWX does.

    Args:
        awx: The stand-in.
        user: Who logs in; None for nobody.
    """

    def __init__(self, awx: Awx, user: str | None = "admin") -> None:
        self._url = awx.url
        self._headers: dict[str, str] = {}
        if user is not None:
            basic = base64.b64encode(("%s:awx-demo" % user).encode()).decode()
            _status, answer = self.ask("POST", "tokens/", {}, Authorization="Basic " + basic)
            self._headers = {"Authorization": "Bearer " + answer["token"]}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send a request. :returns: the status, and the body"""
        data = None if body is None else json.dumps(body).encode()
        url = "%s/api/v2/%s" % (self._url, path)
        json_headers = {"Content-Type": "application/json", **self._headers, **headers}
        request = urllib.request.Request(url, data, json_headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def make(self, kind: str, /, **fields: Any) -> dict[str, Any]:
        """Make an object."""
        status, answer = self.ask("POST", kind + "/", fields)
        assert status == 201, answer
        return answer


def organization(client: Client) -> int:
    return client.ask("GET", "organizations/?name=Default")[1]["results"][0]["id"]


def template(client: Client, **fields: Any) -> dict[str, Any]:
    """Make a job template, with a project that is fetched and an inventory."""
    own = organization(client)
    project = client.make("projects", name="p", organization=own, scm_type="git", scm_url="https://x/y.git")
    update = project["summary_fields"]["current_update"]["id"]
    for _time in range(2):
        client.ask("GET", "project_updates/%d/" % update)
    inventory = client.make("inventories", name="i", organization=own)
    needed = {"project": project["id"], "inventory": inventory["id"], "playbook": "deploy.yml"}
    return client.make("job_templates", name="t", **needed, **fields)
