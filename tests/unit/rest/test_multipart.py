# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package file as a multipart body: what any parser reads out of it is the file."""

from __future__ import annotations

import email
import hashlib
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mstr.migration.plugins.module_utils.errors import InputError
from ansible_collections.mstr.migration.plugins.module_utils.rest.multipart import MultipartFile


@pytest.fixture(name="package")
def package_file(tmp_path):
    path = tmp_path / "finance.mmp"
    path.write_bytes(b"\x00\r\n--boundary\xff" * 100)
    return path


def files_in(upload, body):
    """Return the parts of a multipart body as a parser that knows nothing of this collection reads them."""
    message = email.message_from_bytes(b"Content-Type: %s\r\n\r\n" % upload.content_type.encode() + body)
    assert message.is_multipart()
    assert not message.defects
    assert message.get_content_type() == "multipart/form-data"
    return [
        (
            part.get_content_disposition(),
            part.get_param("name", header="content-disposition"),
            part.get("Content-Transfer-Encoding"),
        )
        for part in message.get_payload()
    ]


@given(st.binary(max_size=300))
def test_the_body_is_the_documented_one(data):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, 'any name\r\n".mmp')
        path.write_bytes(data)
        with MultipartFile(str(path)) as upload:
            body = b"".join(upload)
            assert len(body) == len(upload)
            assert upload.sha256 == hashlib.sha256(data).hexdigest()
            boundary = upload.content_type.partition("boundary=")[2].encode()
            opening, head, rest = (
                body.partition(b"\r\n\r\n")[0],
                b"--" + boundary + b"\r\n",
                body.partition(b"\r\n\r\n")[2],
            )
            assert opening.startswith(head)
            assert b"any name" not in opening
            assert rest == data + b"\r\n--" + boundary + b"--\r\n"
            assert files_in(upload, body) == [("form-data", "file", None)]


def test_the_local_file_name_stays_here(package):
    with MultipartFile(str(package)) as upload:
        assert b"finance" not in b"".join(upload)


def test_two_uploads_have_two_boundaries(package):
    with MultipartFile(str(package)) as one, MultipartFile(str(package)) as two:
        assert one.content_type != two.content_type


def test_a_file_that_grows_while_it_is_sent_keeps_its_announced_length(package):
    data = package.read_bytes()
    with MultipartFile(str(package)) as upload:
        parts = iter(upload)
        body = next(parts)
        with package.open("ab") as handle:
            handle.write(b"more")
        body += b"".join(parts)
        assert len(body) == len(upload)
        assert b"more" not in body
        assert upload.sha256 == hashlib.sha256(data).hexdigest()


def test_a_file_that_shrinks_while_it_is_sent_is_an_error(package):
    with MultipartFile(str(package)) as upload:
        parts = iter(upload)
        next(parts)
        package.write_bytes(b"")
        with pytest.raises(InputError, match="shorter"):
            next(parts)


def test_the_file_is_closed_afterwards(package):
    with MultipartFile(str(package)) as upload:
        parts = iter(upload)
        next(parts)
    with pytest.raises(ValueError, match="closed"):
        next(parts)


def test_large_parts_are_hashed_like_small_ones_and_a_second_time_from_the_beginning(tmp_path):
    data = bytes(range(256)) * 12_345
    path = tmp_path / "large.mmp"
    path.write_bytes(data)
    with MultipartFile(str(path)) as upload:
        # Broken off in the middle, as by a lost connection.
        parts = iter(upload)
        for _number in range(2):
            next(parts)
        upload.rewind()
        assert data in b"".join(upload)
        assert upload.is_sent
        assert upload.sha256 == hashlib.sha256(data).hexdigest()
    assert all("_work" not in thread.name for thread in threading.enumerate())
