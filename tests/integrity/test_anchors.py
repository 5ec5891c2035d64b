"""The anchors of each day: made once, mailed out of the house, stamped, and read back from whatever was kept."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.audit.anchors import Anchor, chain_anchors, read_anchors
from models.audit.trail import AuditEntry
from models.integrity.anchors import delivery
from models.integrity.anchors.delivery import AnchorDelivery
from models.office.options import MAX_ANCHOR_ADDRESSES
from tests.commands.test_commands import run
from tests.support.cast import set_test_audit_context
from tests.support.insider import insider
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from tests.support.servers.mail_server import running_server
from tests.support.servers.time_stamps import make_authority, running_tsa
from views.notifications.anchoring import AnchoringResult, anchor_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.running_app import RunningApp
    from tests.support.servers.mail_server import Mailbox

SETTING = "/admin/setting/anchors"
HASH = "0123456789abcdef" * 4
FIRST, SECOND = Anchor(0, 12, HASH), Anchor(1, 34567, HASH[::-1])


def anchored(running_app: RunningApp) -> AnchoringResult:
    with running_app.app.app_context():
        return anchor_all(by="Sistem")


def rows(running_app: RunningApp) -> list[AnchorDelivery]:
    with running_app.session() as session:
        result = session.scalars(select(AnchorDelivery).order_by(AnchorDelivery.id)).all()
        session.expunge_all()
    return list(result)


@contextmanager
def settings(running_app: RunningApp, **changed: object) -> Iterator[Mailbox]:
    before = running_app.app.extensions["lpse_settings"]
    with running_server() as box:
        changed = {"mail_server": box.server()} | changed
        running_app.app.extensions["lpse_settings"] = replace(before, **changed)
        yield box
    running_app.app.extensions["lpse_settings"] = before


@pytest.fixture(autouse=True)
def next_day(running_app: RunningApp) -> None:
    """Let each test have a day of its own, on which what failed before is not tried any more."""
    running_app.now += dt.timedelta(days=10)
    running_app._visitors.clear()  # their sessions have ended by then


@pytest.mark.parametrize(
    "kept",
    [
        f"{FIRST}\n{SECOND}\n",
        f"\ufeff# kemarin\r\n\r\n{FIRST}\r\n  {SECOND}  \r\n",
        f"Tanggal 12:30:45, jangkar {FIRST} dan {SECOND}.",
        f"> > {FIRST}\n> > {SECOND}\n> --\n> Inspektorat",
        f"{str(FIRST).upper()}|{SECOND}|{FIRST}",
        f"From: lpse@example.go.id\nDate: Kam, 26 Nov 2026 00:12:34 +0700\n\n{FIRST}\n{SECOND}\n",
        f"Perihal: jangkar\n\n{FIRST}\n{SECOND}\n",
    ],
)
def test_anchors_are_found_in_whatever_they_were_kept_in(kept: str) -> None:
    assert read_anchors(kept) == [FIRST, SECOND]


@pytest.mark.parametrize(
    "kept", ["", "\n# kosong\n", "tidak ada", f"{FIRST}"[:-1], f"{FIRST}\n1:2:{HASH}a", "1:2:zzzzzzzzz"]
)
def test_what_holds_no_anchor_or_a_damaged_one_is_refused(kept: str) -> None:
    with pytest.raises(ValueError, match="anchor"):
        read_anchors(kept)


def test_each_office_and_the_whole_get_one_anchor_a_day_that_the_trail_tells(running_app: RunningApp) -> None:
    before = len(rows(running_app))
    with running_app.session() as session:
        heads = {anchor.chain: anchor for anchor in chain_anchors(session)}
    anchored(running_app)
    anchored(running_app)
    created = rows(running_app)[before:]
    assert sorted(row.agency_id or 0 for row in created) == [0, 1, 2]
    lines = {row.agency_id: read_anchors(row.lines) for row in created}
    # Each is made by an entry of its own, which the next ones hold.
    assert lines[1] == [heads[chain] for chain in sorted(heads) if chain < 2]
    assert {anchor.chain for anchor in lines[2]} <= {0, 2}
    assert {anchor.chain for anchor in lines[None]} >= {1, 2}
    assert {anchor.chain: anchor for anchor in lines[None]}[1].number > heads[1].number
    assert {row.day for row in created} == {running_app.now.date()}
    with running_app.session() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "audit.anchor")).all()
        assert {entry.chain for entry in told} == {0, 1, 2}
        assert all(entry.actor_name == "Sistem" for entry in told)


def test_an_administrator_names_the_recipients_with_a_reason_and_the_trail_tells_who_they_were(
    running_app: RunningApp,
) -> None:
    administrator = running_app.visitor("administrator")
    typed = "Inspektorat <inspektorat@lumajang.example>; arsip@lumajang.example\nARSIP@lumajang.example"
    assert administrator.post(SETTING, anchor_addresses=typed, reason="Surat Inspektur 7").status_code == 303
    page = administrator.get("/admin/setting/").text
    assert "<li>inspektorat@lumajang.example</li>" in page
    assert administrator.get(SETTING).text.count("lumajang.example") == 2
    with running_app.session() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "setting.anchors")).all()[-1]
        assert entry.reason == "Surat Inspektur 7"
        assert "inspektorat@lumajang.example arsip@lumajang.example" in entry.rows
    assert administrator.post(SETTING, anchor_addresses="", reason="Dihentikan").status_code == 303
    assert "Tidak dikirim kepada siapa pun" in administrator.get("/admin/setting/").text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("inspektorat@", "inspektorat@"),
        ("a@b.example, bukan alamat", "bukan, alamat"),
        ("Nama <>", "bukan alamat surel"),
        (" ".join(f"a{number}@b.example" for number in range(MAX_ANCHOR_ADDRESSES + 1)), "Paling banyak 20"),
    ],
)
def test_what_is_no_address_is_named_and_what_was_typed_stays(
    running_app: RunningApp, typed: str, sentence: str
) -> None:
    answer = running_app.visitor("administrator").post(SETTING, anchor_addresses=typed, reason="x")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert typed.split(maxsplit=1)[0].replace("<", "&lt;") in answer.text


@pytest.mark.parametrize("username", ["pengelola", "kepala", "pemeriksa"])
def test_nobody_else_names_the_recipients(running_app: RunningApp, username: str) -> None:
    answer = running_app.visitor(username).post(SETTING, anchor_addresses="saya@example.id", reason="x")
    assert answer.status_code == 403


def test_the_anchors_go_to_each_address_once_and_the_mail_is_read_back_as_it_came(
    running_app: RunningApp, tmp_path: Path
) -> None:
    with settings(running_app, anchor_addresses=("arsip@pusat.example",)) as box:
        running_app.visitor("administrator").post(
            SETTING, anchor_addresses="satu@luar.example dua@luar.example", reason="Dua penerima"
        )
        assert anchored(running_app) == AnchoringResult(sent=3)
        assert anchored(running_app) == AnchoringResult()
        assert sorted(box.recipients) == ["arsip@pusat.example", "dua@luar.example", "satu@luar.example"]
    *_rest, first, _second, whole = rows(running_app)
    assert first.sent_to == ["satu@luar.example", "dua@luar.example"]
    assert first.sent_at == whole.sent_at == running_app.now
    mail = box.received[0]
    assert "Jangkar jejak audit" in str(mail["Subject"])
    assert "Kabupaten Lumajang" in str(mail["From"])
    # Saved whole, pasted from the screen, forwarded with marks, and the file that came with it.
    pasted = present(mail.get_body(("plain",))).get_content()
    (file,) = mail.iter_attachments()
    for kept in (mail.as_string(), pasted, pasted.replace("\n", "\n> "), file.get_content()):
        assert read_anchors(kept) == read_anchors(first.lines)
    saved = tmp_path / "jangkar.eml"
    saved.write_bytes(mail.as_bytes())
    assert run(running_app.app, "audit", "verify", "--anchor", str(saved)).exit_code == 0
    assert run(running_app.app, "audit", "verify", "--anchor", "-", typed=pasted).exit_code == 0
    assert run(running_app.app, "audit", "verify", "--anchor", first.lines, "--since", first.lines).exit_code == 0


def test_a_refused_address_and_a_server_that_is_away_are_tried_again_later_and_the_trail_says_why(
    running_app: RunningApp,
) -> None:
    running_app.visitor("administrator").post(SETTING, anchor_addresses="a@luar.example b@luar.example", reason="x")
    with settings(running_app) as box:
        box.recipient_replies.extend(["550 tidak dikenal"])
        assert anchored(running_app) == AnchoringResult(sent=1, failed=1)
        assert anchored(running_app) == AnchoringResult()
        row = rows(running_app)[-3]
        assert row.sent_to == ["b@luar.example"]
        running_app.now += dt.timedelta(minutes=6)
        assert anchored(running_app) == AnchoringResult(sent=1)
    with settings(running_app) as box:
        running_app.visitor("administrator").post(SETTING, anchor_addresses="c@luar.example", reason="x")
    with settings(running_app, mail_server=box.server()):
        assert anchored(running_app).failed == 1
        assert "c@luar.example: " in str(rows(running_app)[-3].error)
        # By hand it need not wait.
        ended = run(running_app.app, "audit", "anchor", "--send")
        assert ended.exit_code == 1
        assert "gagal 1" in ended.stderr


def test_the_anchors_are_stamped_and_a_server_that_fails_is_asked_again(
    running_app: RunningApp, tmp_path: Path
) -> None:
    running_app.visitor("administrator").post(SETTING, anchor_addresses="arsip@luar.example", reason="x")
    with (
        running_tsa(make_authority(tmp_path / "tsa")) as tsa,
        settings(running_app, tsa_url=tsa.url, tsa_ca=str(tsa.ca_file)) as box,
    ):
        tsa.answer = b"rusak"
        assert anchored(running_app) == AnchoringResult(sent=1, failed=3)
        assert tsa.url in str(rows(running_app)[-2].error)
        tsa.answer = None
        running_app.now += dt.timedelta(minutes=6)
        assert anchored(running_app) == AnchoringResult(stamped=3)
        running_app.now += dt.timedelta(days=1)
        assert anchored(running_app) == AnchoringResult(sent=1, stamped=3)
        names = [file.get_filename() for file in box.received[-1].iter_attachments()]
    assert [str(name)[-4:] for name in names] == [".txt", ".tsr"]
    assert all(row.stamped_by == tsa.url and row.time_stamp for row in rows(running_app)[-3:])


def test_what_could_not_be_sent_on_a_day_is_sent_on_the_next_and_its_error_goes_when_all_is_done(
    running_app: RunningApp,
) -> None:
    running_app.visitor("administrator").post(SETTING, anchor_addresses="a@luar.example b@luar.example", reason="x")
    with settings(running_app) as box:
        box.recipient_replies.extend(["550 tidak dikenal"])
        assert anchored(running_app) == AnchoringResult(sent=1, failed=1)
        row = rows(running_app)[-3]
        assert "a@luar.example: 550" in str(row.error)
        running_app.now += dt.timedelta(days=1)
        assert anchored(running_app) == AnchoringResult(sent=3)
        former = next(one for one in rows(running_app) if one.id == row.id)
        assert (former.sent_to, former.error) == (["b@luar.example", "a@luar.example"], None)
        assert anchored(running_app) == AnchoringResult()


def test_a_stamp_that_came_later_leaves_no_error(running_app: RunningApp, tmp_path: Path) -> None:
    with (
        running_tsa(make_authority(tmp_path / "tsa")) as tsa,
        settings(running_app, tsa_url=tsa.url, tsa_ca=str(tsa.ca_file), mail_server=None),
    ):
        tsa.answer = b"rusak"
        assert anchored(running_app) == AnchoringResult(failed=3)
        tsa.answer = None
        running_app.now += dt.timedelta(minutes=6)
        assert anchored(running_app) == AnchoringResult(stamped=3)
    assert [row.error for row in rows(running_app)[-3:]] == [None] * 3


def test_what_another_server_is_at_is_left_to_it_and_what_it_has_sent_is_not_sent_again(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_app.visitor("administrator").post(SETTING, anchor_addresses="a@luar.example", reason="x")
    with running_app.app.app_context():
        anchor_all(by="Sistem")
    row = rows(running_app)[-3]
    with running_app.session() as session:
        assert delivery.claim(session, session.get_one(AnchorDelivery, row.id), running_app.now)
    with settings(running_app) as box:
        with running_app.app.app_context():
            assert anchor_all(by="terminal", at_once=True) == AnchoringResult()
        with running_app.session() as session:
            delivery.release(session, session.get_one(AnchorDelivery, row.id), running_app.now, failed=False)
        really = delivery.claim

        def overtaken(session: Session, one: AnchorDelivery, now: dt.datetime, *, at_once: bool = False) -> bool:
            """Claim it just after another server has sent it."""
            id_ = one.id
            session.commit()
            with Session(running_app.engine) as other:
                set_test_audit_context(other)
                delivery.record_sent(other.get_one(AnchorDelivery, id_), other, "a@luar.example", now, is_all=True)
                other.commit()
            return really(session, one, now, at_once=at_once)

        monkeypatch.setattr(delivery, "claim", overtaken)
        assert anchored(running_app) == AnchoringResult()
        assert box.recipients == []


def test_the_anchors_of_a_day_stay_as_they_are_whoever_asks(running_app: RunningApp) -> None:
    anchored(running_app)
    row = rows(running_app)[-1]
    with running_app.session() as session, pytest.raises(Exception, match="stay as they are"):
        session.connection().execute(text(f"UPDATE audit_anchor SET lines = '' WHERE id = {row.id}"))
    with insider(running_app.engine.url.render_as_string(hide_password=False)) as connection:
        connection.execute(text(f"UPDATE audit_anchor SET lines = 'x' WHERE id = {row.id}"))
    ended = run(running_app.app, "audit", "verify")
    assert ended.exit_code == 1
    assert "Jangkar" in ended.stderr


def test_the_lines_that_the_command_prints_are_those_that_are_kept(running_app: RunningApp) -> None:
    ended = run(running_app.app, "audit", "anchor")
    anchored(running_app)
    printed = read_anchors(ended.stdout)
    assert set(read_anchors(rows(running_app)[-3].lines)) <= set(printed)
    assert ended.exit_code == 0
