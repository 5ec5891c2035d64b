"""The virus scanner beside the program: a stand-in for clamd that speaks its protocol and says what the test wants."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.config import ConfigurationError, ScannerAddress, read_settings
from lpse_admin.errors import ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from models.documents.document import Document
from models.documents.scanner import HeldBackError, require_clean
from tests.support.cast import LUMAJANG
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture
from views.app.access import _SETTINGS_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.running_app import RunningApp


class StandIn:
    """Answers as clamd does: it reads INSTREAM, and finds what holds ``WORD``."""

    WORD = b"berkas yang terjangkit"

    def __init__(self, path: Path) -> None:
        self.address = ScannerAddress(path=str(path))
        self.seen: list[bytes] = []
        self.answer: bytes | None = None
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                assert stream.read(10) == b"zINSTREAM\0"
                content = b""
                while length := struct.unpack(">I", stream.read(4))[0]:
                    content += stream.read(length)
                self.seen.append(content)
                result = b"stream: Uji.Coba FOUND\0" if self.WORD in content else b"stream: OK\0"
                connection.sendall(result if self.answer is None else self.answer)

    def close(self) -> None:
        """Answer no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[StandIn]:
    created = StandIn(tmp_path / "clamd.ctl")
    yield created
    if created._thread.is_alive():
        created.close()


def test_a_clean_file_passes_whole_and_one_with_a_finding_is_named(scanner: StandIn) -> None:
    content = bytes(range(256)) * 1000
    require_clean("surat.pdf", content, scanner.address)
    assert scanner.seen == [content]
    with pytest.raises(ValidationFailed, match="virus scanner found") as refused:
        require_clean("surat.pdf", StandIn.WORD, scanner.address)
    assert not isinstance(refused.value, HeldBackError)


@pytest.mark.parametrize("answer", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"stream: OK FOUNDED\0", b"\xff\0"])
def test_without_a_plain_answer_the_file_is_held_back(scanner: StandIn, answer: bytes) -> None:
    scanner.answer = answer
    with pytest.raises(HeldBackError):
        require_clean("surat.pdf", b"x", scanner.address)


def test_without_a_scanner_at_its_address_the_file_is_held_back(tmp_path: Path) -> None:
    with pytest.raises(HeldBackError):
        require_clean("surat.pdf", b"x", ScannerAddress(path=str(tmp_path / "nobody")))
    with pytest.raises(HeldBackError):
        require_clean("surat.pdf", b"x", ScannerAddress(host="127.0.0.1", port=1))


@pytest.mark.rules
@pytest.mark.parametrize("value", ["3310", "host:", ":3310", "host:0", "host:65536", "host:x"])
def test_an_address_that_is_none_stops_the_start(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigurationError):
        read_settings({"LPSE_CLAMD": value}, instance=tmp_path)


@pytest.mark.rules
def test_an_address_is_a_path_or_a_host_with_its_port(tmp_path: Path) -> None:
    for value, address in (
        ("/run/clamav/clamd.ctl", ScannerAddress(path="/run/clamav/clamd.ctl")),
        ("127.0.0.1:3310", ScannerAddress(host="127.0.0.1", port=3310)),
        ("", None),
    ):
        assert read_settings({"LPSE_CLAMD": value}, instance=tmp_path).scanner == address


def test_a_file_of_a_step_is_held_until_the_scanner_has_passed_it(running_app: RunningApp, scanner: StandIn) -> None:
    settings = running_app.app.extensions[_SETTINGS_KEY]
    running_app.app.extensions[_SETTINGS_KEY] = replace(settings, scanner=scanner.address)
    try:
        change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
        form = running_app.move_form(change_id, Outcome.ACCEPTED)
        actor, path = running_app.actor(change_id), f"/admin/change/{change_id}/move"
        infected = actor.post(path, **form, document=upload_file("catatan.txt", StandIn.WORD))
        assert (infected.status_code, "Uji.Coba" in infected.text) == (422, True)
        scanner.answer = b""
        form = running_app.move_form(change_id, Outcome.ACCEPTED)  # what was typed was kept, under a new version
        held = actor.post(path, **form, document=upload_file("catatan.txt", b"Catatan"))
        assert (held.status_code, "ditahan" in held.text) == (422, True)
        with running_app.session() as session:
            names = session.scalars(select(Document.name).where(Document.change_id == change_id)).all()
        assert "catatan.txt" not in names
        scanner.answer = None
        form = running_app.move_form(change_id, Outcome.ACCEPTED)
        assert actor.post(path, **form, document=upload_file("catatan.txt", b"Catatan")).status_code == 303
    finally:
        running_app.app.extensions[_SETTINGS_KEY] = settings
