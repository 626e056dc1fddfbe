# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions that build, check and show the collection; docs/development.md describes them.

``make test`` runs the gates, which are those that nox takes by default.
"""

from __future__ import annotations

import configparser
import contextlib
import fcntl
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv"
nox.options.envdir = ".cache/nox"
# An interpreter that this machine lacks is neither fetched nor a failure: its session is reported as skipped.
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
# Sessions can run side by side: each has an environment, a home and a copy of the tree of its own.
nox.options.allow_parallel = True

ROOT = Path(__file__).resolve().parent
CACHE = ROOT / ".cache"
# pytest's reports, and what sessions have to say in the end; tests/summary.py reads both.
REPORTS = CACHE / "reports"
ARTIFACTS = CACHE / "artifacts"
# Where the built collection is installed: for the integration tests, the demo, and whoever tries a playbook.
COLLECTIONS = CACHE / "collections"
# A directory for sys.path in which this checkout is importable as ansible_collections.mstr.migration.
IMPORT_ROOT = CACHE / "tree"

# Modules run on 3.9 too; no supported ansible-core does.
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
# How many tests run at a time where they wait for other programs.
WORKERS = str(2 * (os.cpu_count() or 2))
# The same where they wait most of the time.
MANY_WORKERS = str(3 * (os.cpu_count() or 2))
# The same where they wait less. Each worker takes seconds to get ready.
FEW_WORKERS = str(os.cpu_count() or 2)
# Settings of this user that are none of a session's.
FOREIGN = re.compile(
    r"(ANSIBLE|GALAXY|GIT|MSTR|PYTEST)_|(FORCE_COLOR|MYPYPATH|PYTHONDONTWRITEBYTECODE|PYTHONHOME|PYTHONPATH)$"
)
# What the session that asks a real server needs of them, by name; see prepare_environment.
LIVE: dict[str, str] = {}
# Where packages come from, in pip's words and in uv's.
SOURCES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}
# The marks of the tests that go through ansible-playbook; pyproject.toml describes them.
WITH_ANSIBLE = "ansible or oldest_core or every_core"
# Says that a process above this one holds the checkout.
HELD = "NOX_HOLDS_CHECKOUT"


def prepare_environment() -> None:
    """Make this process's environment what all sessions need."""
    for name in list(os.environ):
        if name.startswith("MSTR_"):
            LIVE[name] = os.environ[name]
        if FOREIGN.match(name):
            del os.environ[name]
    for pip, uv in SOURCES.items():
        if pip in os.environ:
            os.environ.setdefault(uv, os.environ[pip])
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    if "utf" not in locale.lower():
        # Ansible refuses to run otherwise.
        os.environ["LC_ALL"] = "C.UTF-8"
    # The programs of pyenv's interpreters: its own shims run only those that it would choose in this directory.
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    programs = [str(path) for path in sorted(pyenv.glob("versions/3.*/bin"))]
    os.environ["PATH"] = os.pathsep.join([*programs, os.environ.get("PATH", os.defpath)])


def prepare_checkout() -> None:
    """Wait for another run in this checkout, since two would share environments and collection; make what all share."""
    CACHE.mkdir(exist_ok=True)
    if HELD not in os.environ:
        # Never closed, so that it is held until this process ends.
        held = os.open(CACHE / "lock", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.stderr.write("waiting for another run in this checkout to end\n")
            fcntl.flock(held, fcntl.LOCK_EX)
        os.environ[HELD] = "1"
        if "--report" in sys.argv:
            shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(exist_ok=True)
    link = IMPORT_ROOT / "ansible_collections" / "mstr" / "migration"
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(os.path.relpath(ROOT, link.parent), target_is_directory=True)


prepare_environment()
prepare_checkout()


def newest(*versions: str) -> str | None:
    """Return the newest of these versions of Python that is there."""
    return next((version for version in reversed(versions) if shutil.which(f"python{version}")), None)


# The Python of most sessions. The one that runs nox can be newer than those that are looked for, and serves then.
PYTHON = newest(*PYTHONS[1:]) or getattr(sys, "_base_executable", sys.executable)
OLDEST = next((version for version in PYTHONS if shutil.which(f"python{version}")), PYTHON)
CONNECTIONS = [
    f"rest/test_{name}.py"
    for name in ("certificates", "cookies", "http", "multipart", "pace", "proxies", "tls", "wire")
]
# The unit tests of what leans on the standard library, and of what a Python can be too old for.
UNIT_OF_EVERY_PYTHON = [f"tests/unit/{name}" for name in ("test_imports.py", "session", "support", *CONNECTIONS)]
# The releases of the vendor's client that hold the server double to what a real client sends, each with the tests of
# what only it has: one that imports packages by itself, for Python 3.10 and 3.11, and the current one, which has the
# server's storage service do it.
VENDOR_CLIENTS = [
    nox.param(newest("3.10", "3.11") or "3.11", "mstrio-11.3.9", "test_mstrio_packages.py", id="11.3.9"),
    nox.param(PYTHON, "mstrio", "test_mstrio_storage.py test_mstrio_exchange.py", id="current"),
]
# Older cores that are tested too, each with its tests: 2.17 is the oldest supported one, 2.19 the first to tag data.
OLDER_CORES = [
    nox.param(newest("3.10", "3.11", "3.12") or "3.12", "core-2.17", "oldest_core or every_core", id="2.17"),
    nox.param(newest("3.11", "3.12", "3.13") or "3.13", "core-2.19", "every_core", id="2.19"),
]


def install(session: nox.Session, *names: str) -> None:
    """Install what files of tests/requirements name."""
    session.install(*(argument for name in names for argument in ("-r", f"tests/requirements/{name}.txt")))


def use(session: nox.Session, name: str) -> None:
    """Let a session that makes no environment use that of another one, which it requires.

    An environment takes five seconds, most of them for compiling what is imported.
    """
    programs = python_of(name).parent
    session.env["VIRTUAL_ENV"] = str(programs.parent)
    session.env["PATH"] = os.pathsep.join([str(programs), os.environ["PATH"]])


def python_of(name: str) -> Path:
    """Return the interpreter of a session's environment."""
    return CACHE / "nox" / name / "bin" / "python"


def run(session: nox.Session, *command: str, cwd: Path = ROOT, show: bool = False, **environment: str) -> str:
    """Run a program of the session's environment.

    It has a home of its own: this user's caches and settings stay out of the session, and the session's out of theirs.

    :param show: show its output also where it succeeds.
    :returns: its output where that is not shown.
    """
    variables = {"HOME": str(home(session)), "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1", **environment}
    if session.python is False:
        # nox would look for it where this process does.
        command = (f"{session.env['VIRTUAL_ENV']}/bin/{command[0]}", *command[1:])
    try:
        with session.chdir(cwd):
            output = session.run(*command, env=variables, silent=not show)
    finally:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Of this session alone, since each has a process where they run side by side.
        (REPORTS / f"{slug(session)}.cpu").write_text(f"{used.ru_utime + used.ru_stime}\n", encoding="utf-8")
    return output if isinstance(output, str) else ""


def slug(session: nox.Session) -> str:
    """Return the session's name as one of a file."""
    return re.sub(r"[^\w.]+", "-", session.name).strip("-")


def home(session: nox.Session) -> Path:
    directory = CACHE / "home" / slug(session)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def pytest(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run pytest. tests/conftest.py makes a run in which no test passed a failure."""
    name = slug(session)
    command = ["python", "-m", "pytest", "-q", f"--junitxml={REPORTS / name}.xml"]
    command += ["-o", f"cache_dir=.cache/pytest/{name}", *arguments, *session.posargs]
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(CACHE / "hypothesis")
    with tempfile.TemporaryDirectory(prefix="mstr_tests_", dir=memory(), ignore_cleanup_errors=True) as temporary:
        # A job of AWX runs as another user.
        os.chmod(temporary, 0o711)
        run(session, *command, show=True, TMPDIR=temporary, **environment)


def memory() -> str | None:
    """Return a directory that is in memory; None where there is none with room for the files of tests.

    The modules make sure that each file is on the disk. In memory that takes no time, and no work of the kernel.
    """
    shared = "/dev/shm"
    try:
        about = os.statvfs(shared)
    except OSError:
        return None
    # Containers often have 64 MiB there, and let no program run from it.
    fits = about.f_bavail * about.f_frsize >= 1 << 30 and not about.f_flag & os.ST_NOEXEC
    return shared if fits and os.access(shared, os.W_OK) else None


def note(session: nox.Session, text: str) -> None:
    """Say something that is to be seen in the end of the run too."""
    session.warn(text)
    with (REPORTS / f"{slug(session)}.txt").open("a", encoding="utf-8") as handle:
        handle.write(text + "\n")


def copy_tree(session: nox.Session) -> Path:
    """Copy what Git has or would take to a directory where ansible-test and others expect a collection.

    It becomes a work tree of its own there: otherwise the tools that ask Git would learn from this checkout that
    all of the copy is ignored, and look at nothing.
    """
    git = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    target = CACHE / "copies" / slug(session) / "ansible_collections" / "mstr" / "migration"
    shutil.rmtree(target, ignore_errors=True)
    for name in filter(None, subprocess.run(git, check=True, capture_output=True, text=True).stdout.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        # A file can be deleted and not yet be removed from the index, or go away right now.
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    become_work_tree(target)
    return target


def copy_built(session: nox.Session) -> Path:
    """Copy what users get, which is what was built, to where ansible-test expects a collection."""
    target = CACHE / "copies" / slug(session) / "ansible_collections" / "mstr" / "migration"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(COLLECTIONS / "ansible_collections" / "mstr" / "migration", target)
    become_work_tree(target)
    return target


def become_work_tree(directory: Path) -> None:
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", "-C", str(directory), *command], check=True)


def expect(session: nox.Session, pattern: str, output: str) -> list[str]:
    """Return what a pattern finds in the output of a tool; that it finds nothing means that nothing was checked."""
    found = re.findall(pattern, output, re.MULTILINE)
    if not found:
        session.error(f"nothing was checked: no {pattern!r} in:\n{output}")
    return found


# The gates, in the order in which they start: the longest first, so that in the end both cores have something to do.


@nox.session(python=PYTHON)
def build(session: nox.Session) -> None:
    """Build the collection, and install it where the tests that follow look for it, with all that these need."""
    install(session, "core-newest", "test", "awx")
    source = copy_tree(session)
    shutil.rmtree(ARTIFACTS, ignore_errors=True)
    galaxy = ["ansible-galaxy", "collection"]
    run(session, *galaxy, "build", "--output-path", str(ARTIFACTS), cwd=source)
    fresh, old = COLLECTIONS.with_suffix(".new"), COLLECTIONS.with_suffix(".old")
    for path in (fresh, old):
        shutil.rmtree(path, ignore_errors=True)
    command = [*galaxy, "install", str(artifact()), "-p", str(fresh), "--offline", "--no-deps"]
    run(session, *command, ANSIBLE_COLLECTIONS_PATH=str(fresh))
    # Swapped in as a whole, so that no old file stays.
    with contextlib.suppress(FileNotFoundError):
        COLLECTIONS.rename(old)
    fresh.rename(COLLECTIONS)
    shutil.rmtree(old, ignore_errors=True)


def artifact() -> Path:
    (built,) = ARTIFACTS.glob("mstr-migration-*.tar.gz")
    return built


@nox.session(python=False, requires=["build"])
def integration(session: nox.Session) -> None:
    """Run the role and the playbooks by ansible-playbook, newest ansible-core, against the server double."""
    use(session, "build")
    pytest(session, "tests/integration", "-m", WITH_ANSIBLE, "-n", FEW_WORKERS, "--dist", "worksteal")


@nox.session(python=False, requires=["build"])
def awx(session: nox.Session) -> None:
    """Set AWX up, played by a stand-in, and run its jobs as AWX runs them."""
    use(session, "build")
    collections = os.pathsep.join([str(COLLECTIONS), str(unpack_awx_modules(session))])
    pytest(session, "tests/awx", "-n", "2", "--dist", "loadfile", ANSIBLE_COLLECTIONS_PATH=collections)


def unpack_awx_modules(session: nox.Session) -> Path:
    """Return where the modules of awx.awx are, which are taken out of the package ansible and kept.

    PyPI has them there alone, and the rest of that package is large.
    """
    requirements = ROOT / "tests" / "requirements" / "awx-modules.txt"
    (version,) = re.findall(r"^ansible==(\S+)$", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    target = CACHE / "awx" / version
    if not target.exists():
        download, fresh = CACHE / "awx" / "download", CACHE / "awx" / "new"
        for path in (download, fresh):
            shutil.rmtree(path, ignore_errors=True)
        # Of the runner's environment, since uv has no download. Nothing of it is run but the modules.
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "-d", str(download)]
        session.run(sys.executable, "-m", "pip", "download", *options, "-r", str(requirements), external=True)
        (wheel,) = download.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith("ansible_collections/awx/awx/")]
            archive.extractall(fresh, names)
        fresh.rename(target)
        shutil.rmtree(download)
    return target


@nox.session(python=False, requires=["build"])
def reliability(session: nox.Session) -> None:
    """Run every call of the workflows with every fault."""
    use(session, "build")
    pytest(session, "tests/reliability", "-n", WORKERS, "--dist", "worksteal")


@nox.session(python=False, requires=["build"])
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity on what is built, without an ignore file.

    The tests are none of it. Ruff looks at them. The sanity test "import" takes long, so it runs on the oldest and the
    newest Python alone; the unit tests import everything on each.
    """
    for path in (ROOT / "tests" / "sanity").glob("ignore*"):
        session.error(f"{path.name}: findings are to be mended, not ignored")
    use(session, "build")
    source = copy_built(session)
    give_pip_to_ansible_test(session)
    command = ["ansible-test", "sanity", "--color", "no"]
    output = run(session, *command, "--skip-test", "import", cwd=source)
    pythons = [f"--target-python={python}" for python in dict.fromkeys((OLDEST, PYTHON))]
    output += run(session, *command, "--test", "import", *pythons, cwd=source)
    checks = set(expect(session, r'^Running sanity test "(.+?)"', output))
    session.log(f"{len(checks)} sanity tests")
    for line in dict.fromkeys(re.findall(r"^WARNING: (Skipping sanity test .*)$", output, re.MULTILINE)):
        note(session, line)


# A script that its environments run, each with its own Python.
PIP_FOR_ANSIBLE_TEST = """\
import ensurepip, pathlib, shutil, sys, sysconfig

shared = pathlib.Path(__file__).with_name("pip for %d.%d" % sys.version_info[:2])
if not shared.exists():
    # Renamed in the end, so that one that was cut off is made anew.
    fresh = shared.with_name("unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    ensurepip.bootstrap(root=str(fresh))
    fresh.rename(shared)
(pip,) = shared.rglob("pip/__init__.py")
pathlib.Path(sysconfig.get_path("purelib"), "pip.pth").write_text(str(pip.parent.parent))
"""


def give_pip_to_ansible_test(session: nox.Session) -> None:
    """Let ansible-test make its environments without a download from its own host.

    It makes them without pip and then runs a bootstrap script that it downloads, unless the script is in its cache.
    Python's own ensurepip does as well. It takes two seconds, and there are eleven environments, so those of one Python
    share a pip.
    """
    packages = next(python_of("build").parents[1].glob("lib/python*/site-packages"))
    source = (packages / "ansible_test" / "_internal" / "python_requirements.py").read_text(encoding="utf-8")
    cache = home(session) / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in expect(session, r"\bpip=['\"]([\d.]+)['\"]", source):
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        script.write_text(PIP_FOR_ANSIBLE_TEST, encoding="utf-8")
    # ansible-test hands no PIP_* variable on, so where pip's registry is must come from the user's files.
    for name in (".config/pip", ".pip"):
        real, link = Path.home() / name, home(session) / name
        if real.exists() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(real)


@nox.session(python=False, requires=["build"], tags=["quick"])
def modules(session: nox.Session) -> None:
    """Run the modules against the server double, without Ansible."""
    use(session, "build")
    pytest(
        session,
        "tests/integration",
        "-m",
        "not ansible and not oldest_core and not every_core",
        "-n",
        MANY_WORKERS,
        "--dist",
        "worksteal",
    )


@nox.session(requires=["build"])
@nox.parametrize(["python", "core", "marks"], OLDER_CORES)
def integration_older(session: nox.Session, core: str, marks: str) -> None:
    """Run what an older ansible-core can do otherwise."""
    install(session, core, "test")
    pytest(session, "tests/integration", "-m", marks, "-n", FEW_WORKERS, "--dist", "worksteal")


@nox.session(python=PYTHONS, tags=["quick"])
def unit(session: nox.Session) -> None:
    """Run the unit tests: all on the oldest and the newest Python, between them those that can differ there."""
    install(session, "core-newest", "unit")
    # As many drawn examples as tests/unit/conftest.py says on the newest Python, some on the others: they are the same.
    profile = "unit" if session.python == PYTHON else "few"
    paths = ["tests/unit"] if session.python in (OLDEST, PYTHON) else UNIT_OF_EVERY_PYTHON
    # No unit test waits for anything, so a minute is a hang; one that loops can fill the memory meanwhile.
    pytest(session, *paths, "--timeout=60", f"--hypothesis-profile={profile}")


def example(session: nox.Session, *arguments: str, show: bool) -> None:
    """Deploy examples/ from the built file, by an environment that has only what README.md asks users to install."""
    install(session, "core-newest", "client")
    command = ["python", "tests/demo.py", "--collection", str(artifact()), "--servers", str(python_of("build"))]
    run(session, *command, *arguments, *session.posargs, show=show)


@nox.session(python=PYTHON, requires=["build"])
def installed(session: nox.Session) -> None:
    """Do what the demonstration does, from the built file in an environment of its own, and say only what is wrong."""
    example(session, "--directory", ".cache/installed", show=False)


@nox.session(python=False, requires=["build"])
def conformance(session: nox.Session) -> None:
    """Hold the server double against the vendor's documents."""
    use(session, "build")
    pytest(session, "tests/conformance", "--ignore-glob=*/test_mstrio*.py")


@nox.session
@nox.parametrize(["python", "client", "own"], VENDOR_CLIENTS)
def mstrio(session: nox.Session, client: str, own: str) -> None:
    """Hold the server double against the vendor's client."""
    if client == "mstrio":
        # With ansible-core, since the collection and the client exchange packages there.
        install(session, client, "core-newest", "test")
    else:
        # Its archive builds with the setuptools of its time only, and asks for Jupyter, which it does not need.
        install(session, f"{client}-needs")
        session.install("--no-deps", "--no-build-isolation", "-r", f"tests/requirements/{client}.txt")
    pytest(session, "tests/conformance/test_mstrio.py", *(f"tests/conformance/{name}" for name in own.split()))


@nox.session(python=False, requires=["build", "tools"])
def importer(session: nox.Session) -> None:
    """Do what Galaxy does with an uploaded collection, less ansible-test and ansible-lint: these are sessions."""
    use(session, "tools")
    directory = CACHE / "importer"
    directory.mkdir(parents=True, exist_ok=True)
    settings = configparser.ConfigParser()
    settings["galaxy-importer"] = {
        "run_ansible_doc": "true",
        # The session ansible_lint does so, and asks for more.
        "run_ansible_lint": "false",
        "run_ansible_test": "false",
        "check_changelog": "true",
        "check_required_tags": "true",
    }
    configuration = directory / "galaxy-importer.cfg"
    with configuration.open("w", encoding="utf-8") as handle:
        settings.write(handle)
    command = ["python", "-m", "galaxy_importer.main", str(artifact())]
    output = run(session, *command, cwd=directory, GALAXY_IMPORTER_CONFIG=str(configuration))
    for line in re.findall(r"^WARNING: (.*)$", output, re.MULTILINE):
        note(session, line)
    if errors := re.findall(r"^(?:ERROR|CRITICAL): .*$", output, re.MULTILINE):
        session.error("\n".join(errors))
    expect(session, "Importer processing completed successfully", output)


@nox.session(python=False, requires=["tools"])
def ansible_lint(session: nox.Session) -> None:
    """Run ansible-lint with the profile production."""
    use(session, "tools")
    source = copy_tree(session)
    # The path makes the copy's own modules and roles known by their full names.
    command = ["ansible-lint", "--offline", "--profile", "production", "--nocolor"]
    output = run(session, *command, cwd=source, ANSIBLE_COLLECTIONS_PATH=str(source.parents[2]))
    expect(session, r"in [1-9]\d* files processed", output)


@nox.session(python=False, requires=["tools"])
def docs(session: nox.Session) -> None:
    """Check the documentation of all plugins."""
    use(session, "tools")
    source = copy_tree(session)
    command = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", "."]
    run(session, *command, cwd=source, ANSIBLE_COLLECTIONS_PATH=str(source.parents[2]))


@nox.session(python=False, requires=["build"])
def pages(session: nox.Session) -> None:
    """Hold the pages to the code: blocks, commands, links, messages; and the built file to what it is to have."""
    use(session, "build")
    pytest(session, "tests/pages")


@nox.session(python=False, requires=["tools"])
def docs_site(session: nox.Session) -> None:
    """Build the documentation as a site; a link to a page or a heading that is not there is an error."""
    use(session, "tools")
    source = copy_tree(session)
    run(session, "python", "docs/site/contents.py", ".", cwd=source)
    reference = source / "reference"
    reference.mkdir(mode=0o755)
    command = ["antsibull-docs", "--config-file", "docs/site/antsibull-docs.cfg", "collection", "--use-current"]
    command += ["--squash-hierarchy", "--fail-on-error", "--dest-dir", str(reference), "mstr.migration"]
    run(session, *command, cwd=source, ANSIBLE_COLLECTIONS_PATH=str(source.parents[2]))
    built = CACHE / "docs"
    shutil.rmtree(built, ignore_errors=True)
    sphinx = ["sphinx-build", "-c", "docs/site", "-d", str(built / "doctrees"), "-W", "--keep-going", "-q"]
    run(session, *sphinx, ".", str(built / "html"), cwd=source)
    session.log(f"{len(list((built / 'html').rglob('*.html')))} pages in {built / 'html'}")


@nox.session(python=False, requires=["tools"])
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments, and that a release can be made of them: in a copy."""
    use(session, "tools")
    source = copy_tree(session)
    run(session, "antsibull-changelog", "lint", cwd=source)
    if fragments_of(source):
        make_release(session, source)
    elif not has_release(source):
        session.error("there are no fragments, and the changelog does not have the version of galaxy.yml")


def fragments_of(tree: Path) -> list[Path]:
    return sorted((tree / "changelogs" / "fragments").glob("*.yml"))


def version_of(tree: Path) -> str:
    (version,) = re.findall(r"^version: (\S+)$", (tree / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return str(version)


def has_release(tree: Path) -> bool:
    """Return whether the changelog has the version of galaxy.yml."""
    written = tree / "CHANGELOG.rst"
    return written.exists() and f"v{version_of(tree)}\n" in written.read_text(encoding="utf-8")


def make_release(session: nox.Session, tree: Path) -> None:
    """Turn the fragments of a tree into the changelog of the version in galaxy.yml, and see that all are in it."""
    fragments, version = fragments_of(tree), version_of(tree)
    if not fragments:
        session.error("there are no fragments: nothing has changed since the last release")
    if has_release(tree):
        session.error(f"{version} is released already: raise version in galaxy.yml")
    # ansible-doc finds the plugins of a tree only where collections are looked for.
    run(
        session,
        *("antsibull-changelog", "release", "--version", version),
        cwd=tree,
        ANSIBLE_COLLECTIONS_PATH=str(tree.parents[2]),
    )
    written = (tree / "changelogs" / "changelog.yaml").read_text(encoding="utf-8")
    missing = [path.name for path in fragments if path.name not in written or path.exists()]
    if missing or not has_release(tree):
        session.error(f"CHANGELOG.rst has no version {version}, or lacks {missing}")
    session.log(f"{len(fragments)} fragments are {version} in CHANGELOG.rst")


@nox.session(python=False, requires=["tools"], tags=["quick"])
def types(session: nox.Session) -> None:
    """Run mypy on the plugins, by the names under which Ansible imports them."""
    use(session, "tools")
    packages = []
    for kind in ("action", "filter", "lookup", "module_utils", "modules", "plugin_utils"):
        if not any((ROOT / "plugins" / kind).rglob("*.py")):
            session.error(f"there is nothing to check in plugins/{kind}")
        packages += ["-p", f"ansible_collections.mstr.migration.plugins.{kind}"]
    run(session, "mypy", "--no-color-output", *packages, show=True)


@nox.session(python=False, requires=["tools"], tags=["quick"])
def ruff(session: nox.Session) -> None:
    """Run ruff: its findings, and the format."""
    use(session, "tools")
    run(session, "ruff", "check", "--output-format", "concise", ".", show=True)
    run(session, "ruff", "format", "--check", ".", show=True)


@nox.session(python=False, requires=["tools"], tags=["quick"])
def reuse(session: nox.Session) -> None:
    """Check that each file says whose it is and under which licence."""
    use(session, "tools")
    output = run(session, "reuse", "lint", "--lines")
    session.log(output.strip() or "every file says so")


# What is no gate.


def program(session: nox.Session, *command: str) -> None:
    """Run a program of the test tree against the built collection."""
    run(session, "python", *command, *session.posargs, show=True, ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS))


@nox.session(python=PYTHON, default=False)
def tools(session: nox.Session) -> None:
    """Make an environment with the tools that look at files, for the sessions that run them."""
    install(session, "lint", "importer", "docs")


@nox.session(python=PYTHON, default=False)
def double(session: nox.Session) -> None:
    """Make an environment in which the server double runs, for ``make servers``."""
    install(session, "test")


@nox.session(python=PYTHON, requires=["build"], default=False)
def demo(session: nox.Session) -> None:
    """Deploy examples/ to three environments, played by servers on this machine, and roll back."""
    example(session, show=True)


@nox.session(python=PYTHON, default=False)
def livetest(session: nox.Session) -> None:
    """Ask the server that MSTR_BASE_URL names how it answers; docs/livetest.md says what that does there."""
    install(session, "core-newest", "client")
    command = ["python", "tests/live/livetest.py", *session.posargs]
    run(session, *command, show=True, PYTHONPATH=str(IMPORT_ROOT), **LIVE)


@nox.session(python=False, requires=["build"], default=False)
def soak(session: nox.Session) -> None:
    """Deploy 200 times to 10 environments, with faults and kills at random."""
    use(session, "build")
    program(session, "tests/reliability/soak.py")


@nox.session(python=False, requires=["build"], default=False)
def fault_matrix(session: nox.Session) -> None:
    """Run every call with every fault, and write docs/fault-matrix.md."""
    use(session, "build")
    pytest(session, "tests/reliability/test_matrix.py", "--write-table", "-n", WORKERS, "--dist", "worksteal")


@nox.session(python=PYTHON, default=False)
def vendor_client(session: nox.Session) -> None:
    """Make an environment with the vendor's client, for the benchmarks."""
    install(session, "mstrio")


@nox.session(python=PYTHON, requires=["build", "vendor_client"], default=False)
def bench(session: nox.Session) -> None:
    """Measure what has a goal, and write docs/performance.md."""
    install(session, "core-newest", "test", "bench")
    program(session, "tests/benchmarks/bench.py")


@nox.session(python=False, requires=["tools"], default=False)
def release(session: nox.Session) -> None:
    """Turn the fragments into CHANGELOG.rst, for the version in galaxy.yml; CONTRIBUTING.md has what comes next."""
    use(session, "tools")
    source = copy_tree(session)
    make_release(session, source)
    for name in ("CHANGELOG.rst", "changelogs/changelog.yaml"):
        shutil.copy2(source / name, ROOT / name)
    for path in fragments_of(ROOT):
        path.unlink()


@nox.session(python=False, requires=["tools"], default=False)
def format(session: nox.Session) -> None:
    """Format the Python code."""
    use(session, "tools")
    run(session, "ruff", "check", "--fix", ".", show=True)
    run(session, "ruff", "format", ".", show=True)
