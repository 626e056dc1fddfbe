# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: server doubles over HTTP and TLS, sample packages, a controller to run ansible-playbook from."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from harness import Controller, Server, running_server, write_samples
from warm_modules import Modules, WarmModules


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ansible", action="store_true", help="deploy and roll back by ansible-playbook in all tests")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the sample packages."""
    directory = tmp_path_factory.mktemp("packages")
    write_samples(directory)
    return directory


@pytest.fixture(scope="session")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of the CA that signed ``certificate``."""
    directory = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
        str(directory / "server.pem")
    )
    authority.issue_cert("client@example.com").private_key_and_cert_chain_pem.write_to_path(
        str(directory / "client.pem")
    )
    return directory / "ca.pem"


@pytest.fixture(scope="session")
def http_process() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def tls_process(ca_file: Path) -> Iterator[Server]:
    certificate = str(ca_file.parent / "server.pem")
    with running_server("--tls-cert", certificate, "--tls-key", certificate, ca_file=ca_file) as server:
        yield server


@pytest.fixture
def server(http_process: Server) -> Server:
    """A server double over HTTP, as new."""
    http_process.reset()
    return http_process


@pytest.fixture
def tls_server(tls_process: Server) -> Server:
    """A server double over TLS, as new."""
    tls_process.reset()
    return tls_process


@pytest.fixture(scope="session")
def modules() -> Iterator[Modules]:
    """What runs modules without Ansible."""
    running = WarmModules()
    yield running
    running.stop()


@pytest.fixture
def controller(
    request: pytest.FixtureRequest, tmp_path: Path, packages: Path, modules: Modules
) -> Iterator[Controller]:
    """An empty directory to work from, by ansible-playbook where the test is marked so."""
    marks = {mark.name for mark in request.node.iter_markers()}
    with_ansible = bool(marks & {"ansible", "oldest_core", "every_core"}) or request.config.getoption("--ansible")
    with tempfile.TemporaryDirectory(prefix="mstr") as temporary:
        yield Controller(tmp_path, packages, Path(temporary), modules, with_ansible)
