# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from mstr_double.package_spec import write_package
from mstr_double.samples import write_samples
from mstr_double.seed import DEFAULT_SEED
from mstr_double.settings import RELEASES


def main(arguments: list[str]) -> int:
    """Run the program. :returns: its exit status"""
    try:
        if arguments[:1] == ["make-package"]:
            return _make_package(arguments[1:])
        if arguments[:1] == ["sample-packages"]:
            return _sample_packages(arguments[1:])
        return _serve(arguments)
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"library_server: {error}\n")
        return 1


def _serve(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="library_server",
        description="A double of a MicroStrategy Library server.",
        epilog="Other commands: make-package SPEC.json OUT.mmp; sample-packages DIR.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="serve https with this certificate")
    parser.add_argument("--tls-key", type=Path, metavar="FILE")
    parser.add_argument("--tls-client-ca", type=Path, metavar="FILE", help="require a client certificate of this CA")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="JSON with users, projects and objects")
    parser.add_argument("--release", choices=[name for name in RELEASES if name], help="play a version of the server")
    parser.add_argument("--storage", type=Path, metavar="DIR", help="the storage that environments share")
    parser.add_argument("--verbose", action="store_true", help="log to standard error")
    options = parser.parse_args(arguments)
    if options.tls_cert is None and (options.tls_key or options.tls_client_ca):
        parser.error("--tls-key and --tls-client-ca need --tls-cert")
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if options.verbose else logging.CRITICAL,
        format="%(asctime)s %(name)s %(message)s",
    )
    # Only here, so that package files can be made without aiohttp.
    from mstr_double.serve import serve, tls_context
    from mstr_double.server import Server

    tls = tls_context(options.tls_cert, options.tls_key, options.tls_client_ca) if options.tls_cert else None
    seed = json.loads(options.seed.read_text(encoding="utf-8")) if options.seed else DEFAULT_SEED
    if options.release:
        seed = {**seed, "settings": {**(seed.get("settings") or {}), "release": options.release}}
    asyncio.run(serve(Server(seed, options.storage), options.host, options.port, tls))
    return 0


def _make_package(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="library_server make-package")
    parser.add_argument("spec", type=Path, metavar="SPEC.json")
    parser.add_argument("out", type=Path, metavar="OUT.mmp")
    options = parser.parse_args(arguments)
    write_package(json.loads(options.spec.read_text(encoding="utf-8")), options.out)
    return 0


def _sample_packages(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="library_server sample-packages")
    parser.add_argument("directory", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    for path, rows, note in write_samples(options.directory):
        sys.stdout.write(f"{path}  {rows} objects  {note}\n")
    return 0
