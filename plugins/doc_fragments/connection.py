# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the connection options, shared by all modules."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments C(mstr.migration.connection) and C(mstr.migration.connection.project)."""

    DOCUMENTATION = r"""
options:
  base_url:
    description:
      - Where the Library server is, for example V(https://host/MicroStrategyLibrary). A trailing V(/), V(/api) or V(/app) is
        accepted.
      - If not set, the environment variable E(MSTR_BASE_URL) is used.
      - Needed unless O(session_file) is given, which knows it.
    type: str
  username:
    description:
      - The user who logs in.
      - If the task gives none of O(username), O(password) and O(api_token), the environment variable E(MSTR_USERNAME) is used,
        without line breaks at its end.
    type: str
  password:
    description:
      - The user's password. What the task gives is sent as it is.
      - If the task does not give O(password) or O(api_token), the environment variable E(MSTR_PASSWORD) is used, without line breaks
        at its end, which mounted secrets have.
    type: str
  api_token:
    description:
      - An API token to log in with instead of O(username) and O(password). It implies O(login_mode=api_token). White space around it
        is left out.
      - If the task gives none of O(username), O(password) and O(api_token), the environment variable E(MSTR_API_TOKEN) is used.
    type: str
  login_mode:
    description:
      - How the user is authenticated.
      - If not set, the environment variable E(MSTR_LOGIN_MODE) is used.
    type: str
    choices: [standard, ldap, anonymous, api_token]
    default: standard
  session_file:
    description:
      - The file of a session that M(mstr.migration.mstr_session) made. It is used instead of credentials.
      - It is refused when others can read it, when it belongs to another user, and when O(base_url) is given and is another one.
    type: path
  validate_certs:
    description:
      - Whether the server's TLS certificate is checked. V(false) also beats E(REQUESTS_CA_BUNDLE).
      - A session that was made with V(false) keeps to it in the tasks that use its O(session_file).
      - If not set, the environment variable E(MSTR_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file, or a directory prepared with C(openssl rehash), of the CA certificates to check the server's certificate against.
      - If not set, the environment variable E(MSTR_CA_PATH) is used, then E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE).
    type: path
  client_cert:
    description:
      - A client certificate in PEM format, for servers that ask for one.
    type: path
  client_key:
    description:
      - The key of O(client_cert) in PEM format, where that file does not hold it. It must have no passphrase.
    type: path
  timeout:
    description:
      - Seconds within which a connection must be made, and the longest silence within one request.
      - Also how long a task keeps trying while a server or gateway refuses every request for now (429, or 503 with
        C(Retry-After)).
      - An upload is not cut while bytes flow. Where a module uploads, the answer is waited for up to its O(ignore:wait_timeout).
      - If not set, the environment variable E(MSTR_TIMEOUT) is used.
    type: float
    default: 60
  retries:
    description:
      - How often a request is sent again, where sending it again is safe.
      - These are reads, releases, the upload, and what the server plainly refused before acting. The start of an import is
        never sent again when it is unknown whether the server received it. A refused log-in is never tried again.
      - What a server or gateway refuses for now (429, or 503 with C(Retry-After)) is not counted. All requests of the task
        then slow down together, and it fails once no request has got through for O(timeout) and as many as this were refused.
    type: int
    default: 3
  environment_name:
    description:
      - What to call the environment in the history and in messages.
      - Up to 100 letters, digits and C(. _ -). If not set, it is made from host, port and path of O(base_url).
    type: str
requirements:
  - Python >= 3.9
  - requests
"""

    PROJECT = r"""
options:
  project:
    description:
      - The destination project, by name or by its id of 32 hexadecimal digits.
      - V('') means none, which is right for configuration packages, and beats the environment variable.
      - If not set, the environment variable E(MSTR_PROJECT) is used.
    type: str
"""
