# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates with one thing wrong: a CA of its own for each test, and a server's certificate for 127.0.0.1."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    def pem(self) -> bytes:
        """Return the certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, path: Path) -> Path:
        """Write the key and the certificate into a file."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(key + self.pem())
        return path


def make_ca(without: Collection[str] = ()) -> Certificate:
    """Return a CA's certificate.

    Args:
        without: What it lacks: ``subject key``, ``key usage``, ``critical`` (of the Basic Constraints).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    extensions: list[tuple[Any, bool]] = [(x509.BasicConstraints(ca=True, path_length=None), "critical" not in without)]
    if "subject key" not in without:
        extensions.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
    if "key usage" not in without:
        extensions.append((_signs_certificates(), True))
    return _signed("Test CA", key, None, extensions, NOW - 10 * DAY, NOW + 10 * DAY)


def make_server(
    issuer: Certificate | None,
    without: Collection[str] = (),
    begins: datetime.datetime = NOW - DAY,
    ends: datetime.datetime = NOW + DAY,
    usage: Any = ExtendedKeyUsageOID.SERVER_AUTH,
    address: str = "127.0.0.1",
) -> Certificate:
    """Return a server's certificate.

    Args:
        issuer: Who signs it; None for itself.
        without: What it lacks: ``authority key``.
        begins: From when on it is valid.
        ends: Until when it is valid.
        usage: Its extended key usage.
        address: The address that it is for.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    extensions: list[tuple[Any, bool]] = [
        (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False),
        (x509.ExtendedKeyUsage([usage]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
    ]
    if issuer is not None and "authority key" not in without:
        extensions.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False))
    return _signed("Test server", key, issuer, extensions, begins, ends)


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    name: str,
    key: Any,
    issuer: Certificate | None,
    extensions: list[tuple[Any, bool]],
    begins: datetime.datetime,
    ends: datetime.datetime,
) -> Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Certificate(builder.sign(key if issuer is None else issuer.key, hashes.SHA256()), key)
