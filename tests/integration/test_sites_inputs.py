# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people, AWX and mounted secrets hand to the role, its playbooks and the connection options."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.vault import VaultLib, VaultSecret
from harness import API_TOKEN, DEMO, PASSWORD, Controller, Server, given
from test_role_options import VARIABLES
from warm_modules import ROOT

# As a survey of AWX answers what was left blank, and what people leave between quotes.
BLANKS = (None, "", " \t")
VAULT_PASSWORD = "of the vault"
# What the role says where the rest is not given.
NEEDED = ("mstr_base_url", "mstr_username", "mstr_password")
TUTORIAL_NAME = "MicroStrategy Tutorial"


def described() -> list[dict[str, Any]]:
    """Return the options of the role's argument specs."""
    specs = yaml.safe_load((ROOT / "roles" / "mstr" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return [entry["options"] for entry in specs["argument_specs"].values()]


def all_variables() -> list[str]:
    """Return the names of the role's variables."""
    return sorted({name for options in described() for name in options})


def prepared(server: Server, **variables: Any) -> dict[str, Any]:
    """Return the variables of an environment that has all that a log-in needs."""
    connection = {"mstr_base_url": server.base_url, "mstr_username": "administrator", "mstr_password": PASSWORD}
    return {**connection, **variables}


def site(controller: Controller, *plays: dict[str, Any]) -> str:
    """Write a playbook of these plays, and return its name."""
    (controller.directory / "site.yml").write_text(json.dumps(plays), encoding="utf-8")
    return "site.yml"


DEPLOY = {"ansible.builtin.import_playbook": "mstr.migration.deploy"}


def rollback_of(name: str) -> dict[str, Any]:
    return {"ansible.builtin.import_playbook": "mstr.migration.rollback", "vars": {"mstr_package": name}}


@pytest.mark.every_core
def test_what_is_left_blank_is_as_if_it_was_not_given(server: Server, controller: Controller) -> None:
    src = str(controller.packages / "finance.mmp")
    blank = itertools.cycle(BLANKS)
    item = {key: next(blank) for key in ("name", "type", "state", "checksum", "generate_undo", "force", "project")}
    everything = {name: next(blank) for name in all_variables() if name not in (*NEEDED, "mstr_packages")}
    plays = {name: next(blank) for name in ("mstr_hosts", "mstr_serial", "mstr_max_fail_percentage")}
    # Of the same name, so that both are taken back in one run; the project is not for this one.
    users = controller.sample("users", name="finance", type="configuration")
    # With a project, since there is none by default.
    own = {"mstr_project": DEMO, "mstr_packages": [{**item, "src": src}, users]}
    controller.inventory({"prod": prepared(server, **{**everything, **own})})
    by_role = controller.playbook(
        "-i", "inventory.yml", "-e", json.dumps(plays), site(controller, DEPLOY, rollback_of("finance"))
    )
    assert by_role.code == 0, by_role.output
    server.reset()
    controller.history.rename(controller.directory / "before")
    controller.inventory({"prod": prepared(server, mstr_project=DEMO, mstr_packages=[{"src": src}, users])})
    deployed, taken_back = controller.steps("deploy"), controller.steps("rollback", "-e", "mstr_package=finance")
    assert (deployed.code, taken_back.code) == (0, 0)
    assert given(by_role) == given(deployed) + given(taken_back)


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_the_argument_specs_let_through_what_is_left_blank(blank: str | None) -> None:
    """As Ansible asks them; the test above leaves each variable blank in one way only."""
    for options in described():
        found = ArgumentSpecValidator(options).validate(dict.fromkeys(options, blank), validate_role_argument_spec=True)
        assert found.error_messages == []


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_a_list_that_is_left_blank_is_empty(blank: str | None, server: Server, controller: Controller) -> None:
    controller.inventory({"prod": prepared(server, mstr_packages=blank, mstr_project=blank)})
    run = controller.deploy()
    assert run.code == 0, run.output
    assert "the list is empty" in run.warnings


def test_false_and_zero_are_values(server: Server, controller: Controller) -> None:
    package = controller.sample("keep_both", generate_undo=False)
    controller.declare(server, package, mstr_validate_certs=False, mstr_retries=0, mstr_undo_timeout=0)
    run = controller.deploy()
    assert run.code == 0, run.output
    options = dict(given(run))
    assert options["mstr_session"]["validate_certs"] is False
    assert (options["mstr_session"]["retries"], options["mstr_session"]["undo_timeout"]) == (0, 0)
    assert options["mstr_package_import"]["packages"][0]["generate_undo"] is False


def test_an_answer_of_a_survey_may_be_a_text(server: Server, controller: Controller) -> None:
    values: dict[str, Any] = {
        "mstr_validate_certs": False,
        "mstr_timeout": 60.5,
        "mstr_retries": 0,
        "mstr_wait_timeout": 100,
        "mstr_undo_timeout": 0,
        "mstr_poll_interval": 0.7,
        "mstr_history_keep": 3,
        "mstr_lease_timeout": 41,
        "mstr_lock_timeout": 11,
        "mstr_server_moved": False,
        "mstr_history_must_exist": False,
        "mstr_progress": False,
    }
    ran = []
    for change in (lambda value: value, lambda value: str(value).lower(), lambda value: " %s " % value):
        package = controller.sample("finance", force=change(True), generate_undo=change(False))
        controller.declare(server, package, **{name: change(value) for name, value in values.items()})
        run = controller.deploy()
        assert run.code == 0, run.output
        assert controller.receipts()
        # The list is shown as it was given.
        ran.append([(module, {**options, "packages": None}) for module, options in given(run)])
    assert ran[1] == ran[0]
    assert ran[2] == ran[0]


# Each with what its message says: the words that are taken.
WRONG: dict[str, tuple[Any, str]] = {
    "mstr_package": (["finance"], "a text, not a list"),
    "mstr_run": (["last"], "a text, not a list"),
    "mstr_entry": ({"a": 1}, "a text, not a dictionary"),
    "mstr_force": ("perhaps", "true or false"),
    "mstr_on_failure": ("sometimes", 'stop or rollback, not "sometimes"'),
    "mstr_manifest_dir": (["a"], "a text"),
    "mstr_history_keep": (0, "a whole number, 1 or more, not 0"),
    "mstr_project": (["a"], "a text"),
    "mstr_base_url": ([], "a text"),
    "mstr_username": (["a"], "a text"),
    "mstr_password": (["s3cret-1"], "a text, not a list"),
    "mstr_api_token": ({"s3cret-2": 1}, "a text, not a dictionary"),
    "mstr_login_mode": ("LDAP", 'standard, ldap, anonymous or api_token, not "LDAP"'),
    "mstr_validate_certs": ("maybe", 'true or false, not "maybe"'),
    "mstr_ca_path": (["a"], "a text"),
    "mstr_client_cert": (["a"], "a text"),
    "mstr_client_key": (["a"], "a text"),
    "mstr_environment_name": (["a"], "a text"),
    "mstr_base_dir": ("..", 'an absolute path, since others mean it, or to begin with ~ or $, not ".."'),
    "mstr_history_dir": (["a"], "a text"),
    "mstr_history_mode": ("0666", "a mode such as 0600, 0640 or 0660: read and write for the owner"),
    "mstr_server_moved": ("sometimes", "true or false"),
    "mstr_history_must_exist": (2, "true or false, not 2"),
    "mstr_session_dir": (["a"], "a text"),
    "mstr_timeout": ("soon", 'a number of seconds, more than 0, not "soon"'),
    "mstr_retries": ("1.5", 'a whole number, 0 or more, not "1.5"'),
    "mstr_wait_timeout": (0, "a number of seconds, more than 0, not 0"),
    "mstr_undo_timeout": (-1, "a number of seconds, 0 or more, not -1"),
    "mstr_lease_timeout": (True, "a number of seconds, 0 or more, not true"),
    "mstr_lock_timeout": ("inf", 'a number of seconds, 0 or more, not "inf"'),
    "mstr_plan_file": (["a"], "a text"),
    "mstr_plan_max_age": (0, "a number of seconds, more than 0, not 0"),
    "mstr_poll_interval": ("5s", 'a number of seconds, 0 or more, not "5s"'),
    "mstr_progress": ("maybe", 'true or false, not "maybe"'),
    "mstr_schema": ("yes", 'auto, reload or none, not "yes"'),
    "mstr_caches": (True, "purge or none, not true"),
    "mstr_window": ("maybe", 'true or false, not "maybe"'),
    "mstr_proven_on": ({"host": "test"}, "a list of hosts of the inventory, not a dictionary"),
    "mstr_soak": (-1, "a number of hours, 0 or more, not -1"),
    "mstr_refuse": ("drop", 'a list of delete, duplicate, missing and older_target; [] for none, not "drop"'),
    "mstr_preflight": ("maybe", 'true or false, not "maybe"'),
    "mstr_journal": ("maybe", 'true or false, not "maybe"'),
    "mstr_exports": ("finance.mmp", "a list of packages, as docs/export.md has them"),
    "mstr_packages": ("finance.mmp", "a list of packages, "),
}


@pytest.mark.every_core
def test_what_is_wrong_with_variables_is_said_before_the_log_in(server: Server, controller: Controller) -> None:
    assert sorted(WRONG) == all_variables()
    controller.inventory({"prod": prepared(server, **{name: value for name, (value, _words) in WRONG.items()})})
    run = controller.deploy()
    assert run.code != 0
    (message,) = run.failures
    for name, (_value, words) in WRONG.items():
        assert "%s: it is to be %s" % (name, words) in message
    for word in ("<class", "class '", "s3cret", "Traceback", "AnsibleFilterError"):
        assert word not in run.output
    assert server.log() == []


# The packages, what the message says.
LISTS: dict[str, tuple[Any, list[str]]] = {
    "a dictionary": ({"src": "a.mmp"}, ["mstr_packages: it is to be a list of packages", "not a dictionary"]),
    "a text": ("a.mmp", ["mstr_packages: it is to be a list of packages", 'not "a.mmp"']),
    "an item that is a text": ([{"src": "a.mmp"}, "b.mmp"], ["item 2 is to be a package", 'not "b.mmp"']),
    "an item that is null": ([None], ["item 1 is to be a package", "not null"]),
    "a key that is misspelt": (
        [{"src": "a.mmp"}, {"src": "b.mmp", "chekcsum": ""}],
        ["item 2 (b)", "has no chekcsum; checksum is meant, perhaps", "name, src, project"],
    ),
    "a manifest": ([{"manifest": "a.json"}], ["item 1", "has no manifest"]),
    "no file": ([{"name": "a"}], ["item 1 (a)", "needs its src"]),
    "nothing at all": ([{"src": " ", "state": "undone"}], ["item 1", "needs its src"]),
    "a state that there is not": ([{"src": "a.mmp", "state": "absent"}], ["item 1 (a)", "imported or undone"]),
    "a type that there is not": ([{"src": "a.mmp", "type": "object"}], ["item 1 (a)", "project_security or conf"]),
    "a checksum without its kind": ([{"src": "a.mmp", "checksum": "0" * 64}], ["checksum is to be sha256: and 64"]),
    "a switch that is none": ([{"src": "a.mmp", "force": "always"}], ["item 1 (a)", "force is to be true or false"]),
    "a name that is a list": ([{"src": "a.mmp", "name": ["a"]}], ["name is to be a text, not a list"]),
    "two of one name": (
        [{"src": "a.mmp"}, {"src": "b.mmp"}, {"src": "c.mmp", "name": "a", "project": TUTORIAL_NAME}],
        ["item 3 (a)", "item 1 is called the same, and is for the same project"],
    ),
    "two of one name, for no project": (
        [{"src": "a.mmp", "type": "configuration"}, {"src": "x/a.mmp", "type": "configuration", "project": "P"}],
        ["item 2 (a)", "item 1 is called the same."],
    ),
}


@pytest.mark.parametrize("playbook", ["deploy", "rollback"])
@pytest.mark.parametrize("case", LISTS)
def test_what_is_wrong_with_the_list_is_said_before_the_log_in(
    case: str, playbook: str, server: Server, controller: Controller
) -> None:
    packages, said = LISTS[case]
    controller.inventory({"prod": prepared(server, mstr_project=TUTORIAL_NAME, mstr_packages=packages)})
    run = controller.deploy() if playbook == "deploy" else controller.rollback("a")
    assert run.code != 0
    (message,) = run.failures
    for words in ("mstr_packages: ", *said):
        assert words in message
    assert server.log() == []


def test_packages_of_one_name_for_two_projects_are_two(server: Server, controller: Controller) -> None:
    both = [controller.sample("finance"), controller.sample("finance", project=DEMO)]
    controller.declare(server, *both)
    assert controller.deploy().changed == ["finance", "finance"]


def test_which_package_is_meant_is_looked_at_before_the_log_in(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"), controller.sample("inc2", name="second"))
    run = controller.deploy("-e", "mstr_package=inc2")
    assert run.code != 0
    assert run.failures == ['mstr_package: no package of mstr_packages is called "inc2"; there is: inc1, second.']
    run = controller.rollback("inc2", "-e", "mstr_run=last")
    assert run.code != 0
    assert "mstr_run: it is not to be together with mstr_package" in run.failures[0]
    assert server.log() == []


def vaulted(text: str) -> str:
    """Return a text as people put it into an inventory with ``ansible-vault encrypt_string``."""
    encrypted = VaultLib().encrypt(text, VaultSecret(VAULT_PASSWORD.encode())).decode()
    return "!vault |\n" + "".join("        %s\n" % line for line in encrypted.splitlines())


@pytest.mark.every_core
def test_any_text_may_be_of_the_vault(server: Server, controller: Controller) -> None:
    """Texts of the vault stand in the inventory itself; so do the log-in of a user, and, blank, the token."""
    texts = {
        **{name: value for name, value in VARIABLES.items() if isinstance(value, str)},
        "mstr_base_url": server.base_url,
        "mstr_username": "administrator",
        "mstr_login_mode": "standard",
        "mstr_on_failure": "stop",
        "mstr_base_dir": str(controller.directory),
        "mstr_timeout": "17.5",
        "mstr_retries": "1",
        "mstr_validate_certs": "false",
        "mstr_api_token": " ",
    }
    for name in ("mstr_ca_path", "mstr_client_cert", "mstr_client_key"):
        del texts[name]
    lines = ["mstr:", " hosts:", "  prod:", "   mstr_packages: [{src: %s}]" % (controller.packages / "finance.mmp")]
    lines += ["   %s: %s" % (name, vaulted(value)) for name, value in texts.items()]
    (controller.directory / "inventory.yml").write_text("\n".join(lines), encoding="utf-8")
    key = controller.directory / "key"
    key.write_text(VAULT_PASSWORD, encoding="utf-8")
    run = controller.deploy("--vault-password-file", str(key), "-vvv")
    assert run.code == 0, run.output
    options = dict(given(run))
    assert (options["mstr_session"]["timeout"], options["mstr_session"]["retries"]) == (17.5, 1)
    assert options["mstr_package_import"]["history_dir"] == str(controller.directory / texts["mstr_history_dir"])
    assert list(controller.directory.glob("kept/alpha/*/*/receipt.json"))
    assert PASSWORD not in run.output


@pytest.mark.oldest_core
def test_hosts_that_are_not_there_are_no_success(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    missing = {"all": {"children": {"environments": {"hosts": {"prod": None}}}}}
    (controller.directory / "other.yml").write_text(json.dumps(missing), encoding="utf-8")
    runs = [
        ("prdo", "mstr", ("mstr.migration.deploy", "-i", "inventory.yml", "-e", "mstr_hosts=prdo")),
        ("mstr", "environments", ("mstr.migration.rollback", "-i", "other.yml", "-e", "mstr_package=inc1")),
    ]
    for pattern, group, arguments in runs:
        run = controller.playbook(*arguments)
        assert run.code != 0
        output = " ".join(run.output.split())
        assert "mstr_hosts: no host of the inventory matches %s, so nothing would be done" % pattern in output
        assert "Put the environments into the group mstr, or name in mstr_hosts" in output
        assert "Its groups with hosts are: %s." % group in output
        assert "Traceback" not in run.output
        assert "<class" not in run.output
    assert server.log() == []


@pytest.mark.ansible
def test_the_playbooks_are_for_the_hosts_that_are_named(controller: Controller) -> None:
    controller.inventory({"dev": {}, "prod": {}})
    plays = (DEPLOY, rollback_of("inc1"))
    run = controller.playbook("-i", "inventory.yml", "-e", "mstr_hosts=dev", "--list-hosts", site(controller, *plays))
    assert run.code == 0, run.output
    lines = [line.strip() for line in run.output.splitlines()]
    assert lines.count("hosts (1):") == lines.count("dev") == len(plays)
    assert "prod" not in lines


@pytest.mark.ansible
def test_a_limit_to_other_hosts_does_not_break_a_larger_playbook(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    (controller.directory / "web.yml").write_text(json.dumps({"web": {"hosts": {"www": None}}}), encoding="utf-8")
    own = {"hosts": "web", "gather_facts": False, "tasks": [{"name": "own", "ansible.builtin.debug": {"msg": "mine"}}]}
    run = controller.playbook("-i", "inventory.yml", "-i", "web.yml", "--limit", "web", site(controller, DEPLOY, own))
    assert run.code == 0, run.output
    assert run.named("own")["msg"] == "mine"
    assert server.log() == []


@pytest.mark.ansible
def test_the_syntax_can_be_checked_without_an_inventory(controller: Controller) -> None:
    run = controller.playbook("mstr.migration.deploy", "--syntax-check")
    assert run.code == 0, run.output


@pytest.mark.oldest_core
def test_variables_of_the_plays_that_cannot_be_used_are_named(server: Server, controller: Controller) -> None:
    controller.declare(server, controller.sample("inc1"))
    wrong = {"mstr_serial": "many", "mstr_max_fail_percentage": "half"}
    for name, value in wrong.items():
        run = controller.deploy("-e", "%s=%s" % (name, value))
        assert run.code != 0
        assert "%s: it is to be a " % name in run.output
        assert 'not "%s"' % value in run.output
        assert "Traceback" not in run.output
    assert server.log() == []


SESSION = {"session_file": "{{ here }}/session.json"}
LOG_IN = {"name": "log in", "mstr.migration.mstr_session": SESSION}
LOG_OUT = {"name": "log out", "mstr.migration.mstr_session": {**SESSION, "state": "absent"}}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"], ids=repr)
@pytest.mark.parametrize("what", ["password", "token"])
def test_a_secret_of_the_environment_may_end_in_a_line_break(
    what: str, end: str, tls_server: Server, controller: Controller, ca_file: Any
) -> None:
    values = {"BASE_URL": tls_server.base_url, "CA_PATH": str(ca_file), "TIMEOUT": "30", "VALIDATE_CERTS": "true"}
    if what == "token":
        values.update(API_TOKEN=" " + API_TOKEN, LOGIN_MODE="api_token")
    else:
        values.update(USERNAME="administrator", PASSWORD=PASSWORD, LOGIN_MODE="standard")
    controller.environment = {"MSTR_" + name: value + end for name, value in values.items()}
    controller.inventory({"prod": {"mstr_project": DEMO, "mstr_packages": [controller.sample("finance")]}})
    run = controller.deploy("--check")
    assert run.code == 0, run.output
    assert run.changed == ["finance"]
    assert tls_server.state()["refused_logins"] == 0
    assert tls_server.held() == []


@pytest.mark.parametrize("blank", ["\n", " \n", "  "], ids=repr)
def test_what_is_blank_in_the_environment_is_not_given(blank: str, server: Server, controller: Controller) -> None:
    names = ("API_TOKEN", "LOGIN_MODE", "CA_PATH", "PROJECT", "TIMEOUT", "VALIDATE_CERTS")
    controller.environment = {"MSTR_" + name: blank for name in names}
    assert controller.tasks(server, [LOG_IN, LOG_OUT]).code == 0
    assert server.held() == []


def test_a_token_of_the_task_may_end_in_a_line_break_and_is_hidden_all_the_same(
    server: Server, controller: Controller
) -> None:
    server.fault(
        "POST",
        "/auth/login",
        {"kind": "status", "status": 400, "body": {"code": "ERR001", "message": "no, %s" % API_TOKEN}},
        # The second time without the field for the language.
        times=2,
    )
    options = {"username": None, "password": None, "api_token": API_TOKEN + "\n", "retries": 0}
    run = controller.tasks(server, [LOG_IN], **options)
    assert run.code != 0
    assert API_TOKEN not in run.output
    server.reset_faults()
    run = controller.tasks(server, [LOG_IN, LOG_OUT], **options)
    assert run.code == 0, run.output
    assert server.state()["refused_logins"] == 0
    assert API_TOKEN not in run.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"password": PASSWORD + "\n"}, "The password that was given begins or ends in white space"),
        ({"password": " " + PASSWORD}, "The password that was given begins or ends in white space"),
        ({"username": "administrator "}, "The user name that was given begins or ends in white space"),
        ({"password": "wrong"}, None),
    ],
    ids=["line break", "before", "user", "wrong"],
)
def test_a_refused_log_in_says_that_a_value_has_white_space_at_its_end(
    options: dict[str, Any], said: str | None, server: Server, controller: Controller
) -> None:
    (message,) = controller.tasks(server, [LOG_IN], **options).failures
    assert "401" in message
    assert (said or "log in") in message
    assert ("white space" in message) == (said is not None)
    assert PASSWORD not in message
    assert server.state()["refused_logins"] == 1
