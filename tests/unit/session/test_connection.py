# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: the task beats the environment, and what cannot go together is refused."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.history.environment import environment_name
from ansible_collections.mstr.migration.plugins.module_utils.history.receipt import Receipt
from ansible_collections.mstr.migration.plugins.module_utils.history.store import History
from ansible_collections.mstr.migration.plugins.module_utils.rest.address import normalise_base_url, same_base_url
from ansible_collections.mstr.migration.plugins.module_utils.session import connection
from ansible_collections.mstr.migration.plugins.module_utils.session.file import SessionFile

URL = "https://mstr.example.com/MicroStrategyLibrary"
SESSION = SessionFile(
    base_url=URL,
    environment="prod",
    user="deploy",
    token="t0ken",
    cookies=[],
    server={},
    tls={"validate_certs": True, "ca_path": None, "client_cert": None, "client_key": None},
)


def params_of(**task):
    """Return a task's options as Ansible hands them to a module."""
    result = ArgumentSpecValidator(connection.connection_spec()).validate(task)
    assert not result.error_messages
    return result.validated_parameters


@pytest.fixture(name="environment")
def set_environment(monkeypatch):
    def set_all(**values):
        for name, value in values.items():
            monkeypatch.setenv("MSTR_" + name.upper(), value)

    return set_all


# What the task says, what the environment says, and who logs in how.
USER = {"username": "tina", "password": "t-pass"}
TOKEN = {"api_token": "t-token"}
ENV_USER = {"username": "enno", "password": "e-pass"}
ENV_TOKEN = {"api_token": "e-token"}
MATRIX = [
    (USER, {}, ("standard", "tina", "t-pass", None)),
    (USER, ENV_USER, ("standard", "tina", "t-pass", None)),
    (USER, ENV_TOKEN, ("standard", "tina", "t-pass", None)),
    (USER, {**ENV_USER, **ENV_TOKEN}, ("standard", "tina", "t-pass", None)),
    (USER, {"login_mode": "ldap"}, ("ldap", "tina", "t-pass", None)),
    (USER, {"login_mode": "api_token", **ENV_TOKEN}, ("standard", "tina", "t-pass", None)),
    ({**USER, "login_mode": "ldap"}, {"login_mode": "standard"}, ("ldap", "tina", "t-pass", None)),
    (TOKEN, {}, ("api_token", None, None, "t-token")),
    (TOKEN, ENV_USER, ("api_token", None, None, "t-token")),
    (TOKEN, ENV_TOKEN, ("api_token", None, None, "t-token")),
    (TOKEN, {**ENV_USER, **ENV_TOKEN}, ("api_token", None, None, "t-token")),
    (TOKEN, {**ENV_USER, "login_mode": "ldap"}, ("api_token", None, None, "t-token")),
    ({**TOKEN, "login_mode": "api_token"}, {}, ("api_token", None, None, "t-token")),
    ({}, ENV_USER, ("standard", "enno", "e-pass", None)),
    ({}, {**ENV_USER, "login_mode": "ldap"}, ("ldap", "enno", "e-pass", None)),
    ({}, ENV_TOKEN, ("api_token", None, None, "e-token")),
    ({}, {**ENV_TOKEN, "login_mode": "api_token"}, ("api_token", None, None, "e-token")),
    ({"username": "tina"}, ENV_USER, ("standard", "tina", "e-pass", None)),
    ({"username": "tina"}, {**ENV_USER, **ENV_TOKEN}, ("standard", "tina", "e-pass", None)),
    ({"password": "t-pass"}, {**ENV_USER, **ENV_TOKEN}, ("standard", "enno", "t-pass", None)),
    ({"username": "tina", "password": ""}, ENV_USER, ("standard", "tina", "", None)),
    ({"login_mode": "ldap"}, ENV_USER, ("ldap", "enno", "e-pass", None)),
    ({"login_mode": "ldap"}, {**ENV_USER, **ENV_TOKEN}, ("ldap", "enno", "e-pass", None)),
    ({"login_mode": "api_token"}, {**ENV_USER, **ENV_TOKEN}, ("api_token", None, None, "e-token")),
    ({"login_mode": "anonymous"}, {}, ("anonymous", None, None, None)),
    ({"login_mode": "anonymous"}, ENV_USER, ("anonymous", None, None, None)),
    ({"login_mode": "anonymous"}, ENV_TOKEN, ("anonymous", None, None, None)),
    ({}, {"login_mode": "anonymous"}, ("anonymous", None, None, None)),
]


def case_id(value):
    return "+".join("%s=%s" % item for item in sorted(value.items())) or "nothing" if isinstance(value, dict) else "->"


@pytest.mark.parametrize(("task", "in_environment", "expected"), MATRIX, ids=case_id)
def test_who_logs_in(environment, task, in_environment, expected):
    environment(**in_environment)
    found = connection.Credentials(params_of(**task))
    assert (found.login_mode, found.username, found.password, found.api_token) == expected


def test_a_task_that_names_a_user_does_not_log_in_anonymously(environment):
    environment(login_mode="anonymous")
    assert connection.Credentials(params_of(**USER)).username == "tina"


@pytest.mark.parametrize(
    ("task", "in_environment", "option"),
    [
        ({}, {}, "username"),
        ({"username": "tina"}, {}, "password"),
        ({"username": "tina"}, ENV_TOKEN, "password"),
        ({"password": "t-pass"}, {}, "username"),
        ({"login_mode": "api_token"}, {}, "api_token"),
        ({"login_mode": "api_token", **USER}, {}, "api_token"),
        ({**USER, **TOKEN}, {}, "api_token"),
        ({"username": "tina", **TOKEN}, {}, "api_token"),
        ({"password": "t-pass", **TOKEN}, {}, "api_token"),
        ({**TOKEN, "login_mode": "ldap"}, {}, "login_mode"),
        ({**TOKEN, "login_mode": "anonymous"}, {}, "login_mode"),
        ({}, {**ENV_USER, **ENV_TOKEN}, "api_token"),
    ],
    ids=case_id,
)
def test_who_cannot_log_in_is_told_which_option_to_change(environment, task, in_environment, option):
    environment(**in_environment)
    with pytest.raises(InputError, match=r"^%s: " % option) as refused:
        connection.Credentials(params_of(**task))
    assert not [secret for secret in ("t-pass", "t-token", "e-pass", "e-token") if secret in refused.value.message]


def test_secrets_of_the_environment_are_hidden_like_those_of_the_task(environment):
    environment(**ENV_USER, **ENV_TOKEN)
    hidden = ArgumentSpecValidator(connection.connection_spec()).validate({"password": "t-pass"})._no_log_values
    assert {"t-pass", "e-token"} <= hidden
    hidden = ArgumentSpecValidator(connection.connection_spec()).validate({})._no_log_values
    assert {"e-pass", "e-token"} <= hidden


@pytest.mark.parametrize(
    ("option", "given", "in_environment", "value"),
    [
        ("validate_certs", None, "false", False),
        ("validate_certs", True, "false", True),
        ("ca_path", None, "/srv/ca.pem", "/srv/ca.pem"),
        ("timeout", None, "7.5", 7.5),
        ("timeout", 5, "7.5", 5.0),
        ("project", None, "Tutorial", "Tutorial"),
        ("project", "Finance", "Tutorial", "Finance"),
        ("project", "", "Tutorial", ""),
    ],
)
def test_other_options_come_from_the_environment_where_the_task_says_nothing(
    environment, option, given, in_environment, value
):
    environment(**{option: in_environment})
    assert params_of(**({} if given is None else {option: given}))[option] == value


@pytest.mark.parametrize("option", ["base_url", "api_token", "ca_path", "project", "login_mode", "timeout"])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"], ids=repr)
def test_what_the_environment_says_has_no_white_space_around_it(environment, option, end):
    value = {"login_mode": "ldap", "timeout": "7.5", "ca_path": "/srv/ca.pem"}.get(option, "a value")
    environment(**{option: " " + value + end})
    assert str(params_of()[option]) == value


@pytest.mark.parametrize("option", ["username", "password"])
def test_a_password_of_the_environment_loses_line_breaks_at_its_end_only(environment, option):
    for given, value in ((" a b\n", " a b"), ("a \r\n\n", "a "), ("\na", "\na"), ("  ", "  ")):
        environment(**{option: given})
        assert params_of()[option] == value
    environment(**{option: "\n"})
    assert params_of()[option] is None


def test_a_password_of_the_task_stays_as_it_is():
    params = params_of(username="tina", password=" two words \n")
    assert connection.Credentials(params).password == " two words \n"
    assert connection.secrets_of(params) == {" two words \n", "two words"}


def test_a_token_is_taken_without_white_space_around_it(environment):
    found = connection.Credentials(params_of(api_token=" t-token\n"))
    assert (found.api_token, found.doubts()) == ("t-token", "")
    assert connection.secrets_of(params_of(api_token=" t-token\n")) == {" t-token\n", "t-token"}
    environment(api_token="e-token\n")
    assert connection.Credentials(params_of()).api_token == "e-token"


def test_a_token_of_white_space_alone_is_none():
    with pytest.raises(InputError, match=r"^api_token: "):
        connection.Credentials(params_of(api_token=" \n"))


@pytest.mark.parametrize(
    ("task", "doubted"),
    [
        ({}, []),
        ({"password": "a b"}, []),
        ({"password": ""}, []),
        ({"password": "a\n"}, ["password"]),
        ({"password": "\ta"}, ["password"]),
        ({"username": "tina ", "password": "a "}, ["user name", "password"]),
    ],
)
def test_white_space_around_a_value_is_doubted(task, doubted):
    doubts = connection.Credentials(params_of(**{**USER, **task})).doubts()
    assert [what for what in ("user name", "password") if what in doubts] == doubted


def test_defaults():
    params = params_of()
    assert (params["login_mode"], params["validate_certs"]) == ("standard", True)
    assert (params["timeout"], params["retries"], params["project"]) == (60.0, 3, None)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (URL, URL),
        (URL + "/", URL),
        (URL + "/api", URL),
        (URL + "/api/", URL),
        (URL + "/app", URL),
        # Applications whose own path, or whose host, is called so.
        ("https://mstr.example.com/app", "https://mstr.example.com/app"),
        ("https://app", "https://app"),
        (" %s/ " % URL, URL),
        ("http://localhost:8080/Library", "http://localhost:8080/Library"),
        ("https://mstr.example.com/team/api/Library", "https://mstr.example.com/team/api/Library"),
        ("https://[::1]:8443/Library", "https://[::1]:8443/Library"),
    ],
)
def test_a_base_url_may_end_in_a_slash_or_api(given, url):
    assert connection.base_url(params_of(base_url=given), None) == url
    assert normalise_base_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "mstr.example.com/MicroStrategyLibrary",
        "ftp://mstr.example.com/x",
        "https://",
        "https:///MicroStrategyLibrary",
        "https://mstr.example.com:port/x",
        "https://mstr.example.com:99999/x",
        "https://[::1/x",
        "https://tina:s3cret@mstr.example.com/x",
        "https://s3cret@mstr.example.com/x",
        "s3cret://tina:s3cret@mstr.example.com:x",
        "https://mstr.example.com/x?token=1",
        "https://mstr.example.com/x#top",
        "https://mstr.example.com/x?",
        "https://mstr.example.com/x#",
    ],
)
def test_what_is_no_base_url_is_refused(url):
    with pytest.raises(InputError, match=r"^base_url: ") as refused:
        connection.base_url(params_of(base_url=url), None)
    assert ":s3cret" not in refused.value.message


def test_the_base_url_comes_from_the_task_then_the_environment(environment):
    with pytest.raises(InputError, match="MSTR_BASE_URL"):
        connection.base_url(params_of(), None)
    environment(base_url="https://other/Library")
    assert connection.base_url(params_of(), None) == "https://other/Library"
    assert connection.base_url(params_of(base_url=URL), None) == URL


@pytest.mark.parametrize("given", [None, URL, URL + "/api/", "HTTPS://MSTR.example.com:443/MicroStrategyLibrary"])
def test_a_session_goes_with_its_own_base_url(given):
    assert connection.base_url(params_of(base_url=given), SESSION) == URL


@pytest.mark.parametrize(
    "given",
    [
        "https://other.example.com/MicroStrategyLibrary",
        "https://mstr.example.com:8443/MicroStrategyLibrary",
        "http://mstr.example.com/MicroStrategyLibrary",
        "https://mstr.example.com/Other",
    ],
)
def test_a_session_with_another_server_is_refused(given):
    with pytest.raises(InputError, match=r"^session_file: "):
        connection.base_url(params_of(base_url=given), SESSION)


def test_two_spellings_of_one_base_url_are_the_same():
    assert same_base_url("https://A/x", "https://a:443/x")
    assert not same_base_url("https://a/x", "https://a/X")


@pytest.mark.parametrize("name", ["prod", "prod-eu_1.2", "P" * 100, "-x"])
def test_an_environments_name_that_is_given_is_used(name):
    assert environment_name(params_of(environment_name=name), URL, SESSION) == name


@pytest.mark.parametrize(
    "name", ["../prod", "a/b", "..", ".", "prod eu", "prod\n", "P" * 101, "pröd", "a\\b", "\x1b[2J"]
)
def test_an_environments_name_that_is_no_directorys_is_refused(name):
    with pytest.raises(InputError, match=r"^environment_name: ") as refused:
        environment_name(params_of(environment_name=name), URL, None)
    assert "\x1b" not in refused.value.message


def test_an_environment_without_a_name_has_the_sessions_or_its_urls():
    assert environment_name(params_of(), URL, SESSION) == "prod"
    assert environment_name(params_of(), URL, None) == "mstr.example.com_MicroStrategyLibrary"


def test_an_environment_that_has_a_history_keeps_its_name(tmp_path):
    url = "https://mstr.example.com/a_b"
    options = {**params_of(), "history_dir": str(tmp_path)}
    name = environment_name(options, url, None)
    assert name.startswith("mstr.example.com_a_b-")
    # Of another address that had the same one.
    receipt = Receipt("imported", "x", "a" * 64, base_url="https://mstr.example.com/a/b")
    before = History(str(tmp_path), "mstr.example.com_a_b")
    before.begin(receipt)
    assert environment_name(options, url, None) == name
    before.begin(replace(receipt, base_url=url))
    assert environment_name(options, url, None) == "mstr.example.com_a_b"
    (tmp_path / name).mkdir()
    assert environment_name(options, url, None) == name


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"timeout": -1}, {"timeout": "nan"}, {"retries": -1}], ids=str)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=r"^%s: " % next(iter(wrong))):
        connection.transport_options(params_of(**wrong), URL, None)


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_files_that_are_missing_are_named(tmp_path, option):
    with pytest.raises(InputError, match=r"^%s: " % option):
        connection.transport_options(params_of(**{option: str(tmp_path / "missing.pem")}), URL, None)


def test_a_key_needs_its_certificate(tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("key")
    with pytest.raises(InputError, match=r"^client_key: "):
        connection.transport_options(params_of(client_key=str(key)), URL, None)


def test_a_sessions_tls_settings_stand_in_for_those_left_out(tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_text("ca")
    session = dataclasses.replace(SESSION, tls=dict(SESSION.tls, validate_certs=False, ca_path=str(ca)))
    options = connection.transport_options(params_of(), URL, session)
    assert (options.validate_certs, options.ca_path) == (False, str(ca))
    assert connection.transport_options(params_of(), URL, SESSION).validate_certs is True
    assert connection.transport_options(params_of(validate_certs=False), URL, SESSION).validate_certs is False
