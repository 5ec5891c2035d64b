"""Time stamps are asked for and verified with a real time-stamp server: `openssl ts`."""

from __future__ import annotations

import base64
import datetime as dt
import subprocess
from typing import TYPE_CHECKING

import pytest

from models.integrity.anchors.time_stamps import TimeStampError, TimeStampServer, request_stamp, verify_stamp
from tests.support.servers.time_stamps import Tsa, make_authority, running_tsa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = f"0:12:{'a' * 64}\n1:345:{'b' * 64}\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def tsa(authority: Path) -> Iterator[Tsa]:
    with running_tsa(authority) as running:
        yield running


def test_a_stamp_says_when_a_text_was_there_and_openssl_agrees(tsa: Tsa, tmp_path: Path) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    stamp = request_stamp(tsa.server, TEXT)
    assert stamp.server == tsa.url
    assert before <= stamp.at <= dt.datetime.now(dt.UTC)
    assert verify_stamp(stamp.encoded, TEXT, str(tsa.ca_file)) == stamp.at
    (tmp_path / "jangkar.txt").write_bytes(TEXT.encode())
    (tmp_path / "jangkar.tsr").write_bytes(base64.b64decode(stamp.encoded))
    said = subprocess.run(
        ["openssl", "ts", "-verify", "-data", "jangkar.txt", "-in", "jangkar.tsr", "-CAfile", str(tsa.ca_file)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr


def test_a_stamp_holds_for_no_other_text_no_other_authority_and_no_altered_bytes(tsa: Tsa, tmp_path: Path) -> None:
    stamp = request_stamp(tsa.server, TEXT)
    other = make_authority(tmp_path / "lain") / "ca.pem"
    content = base64.b64decode(stamp.encoded)
    altered = base64.b64encode(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]).decode()
    for encoded, text, ca_file in (
        (stamp.encoded, TEXT.replace("345", "344"), tsa.ca_file),
        (stamp.encoded, TEXT, other),
        (stamp.encoded, TEXT, tmp_path / "tidak-ada.pem"),
        (altered, TEXT, tsa.ca_file),
        ("bukan base64!", TEXT, tsa.ca_file),
        (base64.b64encode(b"apa saja").decode(), TEXT, tsa.ca_file),
    ):
        with pytest.raises(TimeStampError):
            verify_stamp(encoded, text, str(ca_file))


def test_a_server_that_answers_with_an_older_stamp_or_with_anything_else_is_refused(tsa: Tsa) -> None:
    older = base64.b64decode(request_stamp(tsa.server, TEXT).encoded)
    for answer, status in ((older, 200), (b"<html>", 200), (b"", 200), (older, 500)):
        tsa.answer, tsa.status = answer, status
        with pytest.raises(TimeStampError):
            request_stamp(tsa.server, TEXT)


def test_a_server_that_is_not_there_is_said_not_to_be(authority: Path) -> None:
    for url in ("http://127.0.0.1:9/tsr", "https://127.0.0.1:9"):
        with pytest.raises(TimeStampError, match="Error"):
            request_stamp(TimeStampServer(url, str(authority / "ca.pem")), TEXT)
