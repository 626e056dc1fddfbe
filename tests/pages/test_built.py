# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file for Galaxy has what users need, and nothing else."""

from __future__ import annotations

import fnmatch
import json
import tarfile

import pytest
import yaml
from pages import ROOT, tracked

# Each is a pattern in which * stands for a name and ** for any path.
ALLOWED = [
    "CHANGELOG.rst",
    "FILES.json",
    "LICENSE",
    "LICENSES/GPL-3.0-or-later.txt",
    "MANIFEST.json",
    "README.md",
    "REUSE.toml",
    "SECURITY.md",
    "changelogs/*.yaml",
    "docs/*.md",
    "docs/performance.svg",
    "examples/**.cfg",
    "examples/**.md",
    "examples/**.yml",
    "examples/packages/*.mmp",
    "examples/packages/*.mmp.manifest.json",
    "extensions/**",
    "meta/*.txt",
    "meta/*.yml",
    "playbooks/**.yml",
    "plugins/**.py",
    "plugins/filter/*.yml",
    "roles/mstr/**.md",
    "roles/mstr/**.yml",
    "tests/config.yml",
]
NEEDED = [
    "CHANGELOG.rst",
    "LICENSE",
    "README.md",
    "docs/README.md",
    "docs/first-deployment.md",
    "docs/rollback.md",
    "examples/README.md",
    "examples/ansible.cfg",
    "examples/inventory/group_vars/mstr/vault.yml",
    "examples/inventory/hosts.yml",
    "examples/packages/finance.mmp",
    "examples/packages/finance.mmp.manifest.json",
    "meta/runtime.yml",
    "playbooks/deploy.yml",
    "playbooks/rollback.yml",
    "plugins/modules/mstr_package_import.py",
    "roles/mstr/meta/argument_specs.yml",
    "tests/config.yml",
]


@pytest.fixture(scope="module")
def built() -> tarfile.TarFile:
    (path,) = (ROOT / ".cache" / "artifacts").glob("mstr-migration-*.tar.gz")
    with tarfile.open(path) as archive:
        yield archive


def is_allowed(name: str) -> bool:
    for pattern in ALLOWED:
        # fnmatch's star takes any path.
        if fnmatch.fnmatchcase(name, pattern) and ("**" in pattern or name.count("/") == pattern.count("/")):
            return True
    return False


def test_it_has_nothing_else(built: tarfile.TarFile) -> None:
    names = [member.name for member in built.getmembers() if not member.isdir()]
    assert len(names) > 100
    assert [name for name in names if not is_allowed(name)] == []
    directories = [member.name.rstrip("/") for member in built.getmembers() if member.isdir()]
    assert [path for path in directories if not any(name.startswith(path + "/") for name in names)] == []


def test_it_has_what_users_need(built: tarfile.TarFile) -> None:
    names = set(built.getnames())
    missing = [name for name in NEEDED if name not in names]
    # Until the first release there is no changelog.
    assert [name for name in missing if name != "CHANGELOG.rst" or (ROOT / name).exists()] == []


def test_it_has_all_that_runs(built: tarfile.TarFile) -> None:
    runs = [name for name in tracked() if name.startswith(("plugins/", "roles/", "playbooks/", "meta/"))]
    assert set(runs) <= set(built.getnames())


def test_links_in_the_file_itself_stay_in_it(built: tarfile.TarFile) -> None:
    members = built.getmembers()
    assert [member.name for member in members if not (member.isfile() or member.isdir())] == []
    assert [member.name for member in members if member.size > 256 * 1024] == []


def test_what_galaxy_is_told(built: tarfile.TarFile) -> None:
    handle = built.extractfile("MANIFEST.json")
    assert handle is not None
    told = json.load(handle)["collection_info"]
    assert (told["namespace"], told["name"]) == ("mstr", "migration")
    assert told["authors"]
    assert told["license"] == ["GPL-3.0-or-later"]
    assert told["dependencies"] == {}
    assert "application" in told["tags"]


def test_one_version_says_it_all() -> None:
    """What came with the first release says so; nothing says that it came later than the version of galaxy.yml."""
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    numbers = tuple(map(int, version.partition("-")[0].split(".")))
    added = {}
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith("version_added:"):
                added.setdefault(line.split(":")[1].strip(" \"'"), path.name)
    assert "0.1.0" in added
    assert {word: name for word, name in added.items() if tuple(map(int, word.split("."))) > numbers} == {}


def test_the_licence_is_one_text() -> None:
    assert (ROOT / "LICENSE").read_bytes() == (ROOT / "LICENSES" / "GPL-3.0-or-later.txt").read_bytes()
