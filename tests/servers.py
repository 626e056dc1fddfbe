# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the servers of examples/ on this machine: one server double with TLS for each environment of its inventory.

``python tests/servers.py [--free-ports] CA``: CA is the file to which the certificate of their authority goes. It
prints ``NAME URL`` for each, and ends with them by SIGINT or SIGTERM. With ``--free-ports`` they take free ports
instead of those that the inventory names. ``make servers`` runs it for ``examples/ca.pem``.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import trustme
import yaml

ROOT = Path(__file__).resolve().parent.parent
DOUBLE = ROOT / "tests" / "library_server"
HOSTS = ROOT / "examples" / "inventory" / "hosts.yml"


def environments() -> dict[str, int]:
    """Return the port of each environment of the inventory."""
    hosts = yaml.safe_load(HOSTS.read_text(encoding="utf-8"))["mstr"]["hosts"]
    return {name: urlsplit(host["mstr_base_url"]).port or 443 for name, host in hosts.items()}


def start(port: int, certificate: Path) -> subprocess.Popen[str]:
    """Start a server; it prints its address as soon as it can be reached."""
    command = [sys.executable, str(DOUBLE), "--port", str(port), "--tls-cert", str(certificate)]
    return subprocess.Popen([*command, "--tls-key", str(certificate)], stdout=subprocess.PIPE, text=True)


def main() -> int:
    """Run the servers until they are to end; return the exit code."""
    parser = argparse.ArgumentParser(description="Start the servers of examples/ on this machine.")
    parser.add_argument("ca", type=Path, help="the file to which the certificate of their authority goes")
    parser.add_argument("--free-ports", action="store_true", help="take free ports, not those of the inventory")
    options = parser.parse_args()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(options.ca))
    # As SIGINT does it, so that the servers end with this program.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        certificate = Path(directory) / "server.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        servers = {}
        with contextlib.suppress(KeyboardInterrupt):
            for name, port in environments().items():
                servers[name] = start(0 if options.free_ports else port, certificate)
                stack.callback(servers[name].wait, 10)
                stack.callback(servers[name].terminate)
            for name, server in servers.items():
                address = server.stdout.readline().strip() if server.stdout else ""
                if not address:
                    print("the server of %s did not start" % name, file=sys.stderr)
                    return 1
                print(name, address, flush=True)
            for server in servers.values():
                server.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
