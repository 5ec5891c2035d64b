"""What a verification found is shown, told to heads and administrators once an hour, and made again at a button."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, text

from app import _look_at_triggers
from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Step
from models.audit.anchors import chain_anchors
from models.audit.trail import AuditEntry
from models.integrity.jobs import LEASE, VerificationJob, ask_daily
from models.integrity.record import VerificationFinding, VerificationRun, last_run, newest_run_id
from models.notifications.notification import Notification
from tests.support.cast import LUMAJANG, set_test_audit_context
from tests.support.insider import insider
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.audit.verifying import run_waiting_verification, verify_and_save

if TYPE_CHECKING:
    from models.integrity.run import Report
    from tests.support.running_app import RunningApp

SCREEN = "/admin/integrity/"
READERS = ("kepala", "pemeriksa", "administrator")


def tamper(running_app: RunningApp, statement: str) -> None:
    with insider(running_app.engine.url.render_as_string(hide_password=False)) as connection:
        connection.execute(text(statement))


def verified(running_app: RunningApp) -> Report:
    with running_app.app.app_context():
        return verify_and_save(by="Sistem")


def round_made(running_app: RunningApp) -> Report | None:
    with running_app.app.app_context():
        return run_waiting_verification(lambda: False)


def told(running_app: RunningApp) -> list[tuple[str, str]]:
    """Return whom the latest verification was told, and of which kinds."""
    with running_app.session() as session:
        rows = session.scalars(select(Notification).where(Notification.event == Event.INTEGRITY)).all()
        return sorted((row.user.username, str(row.details["kinds"])) for row in rows if row.at == running_app.now)


@pytest.fixture(autouse=True)
def later(running_app: RunningApp) -> None:
    running_app.now += dt.timedelta(hours=2)
    running_app._visitors.clear()  # their sessions have ended by then


def test_nothing_was_verified_yet_and_the_page_says_so(running_app: RunningApp) -> None:
    running_app.change_at_step(LUMAJANG, Step.URGENCY)
    page = running_app.visitor("pemeriksa").get(SCREEN).text
    assert "Register belum pernah diverifikasi" in page
    assert "Belum ada jangkar" in page


def test_who_asks_for_a_verification_gets_one_from_the_next_round_and_nobody_asks_twice(
    running_app: RunningApp,
) -> None:
    inspector = running_app.visitor("pemeriksa")
    assert inspector.post(f"{SCREEN}run").status_code == 303
    assert "Verifikasi menunggu giliran" in inspector.get(SCREEN).text
    assert running_app.visitor("kepala").post(f"{SCREEN}run").status_code == 409
    report = round_made(running_app)
    assert report is not None
    assert report.found == 0
    page = inspector.get(SCREEN).text
    assert "Utuh" in page
    assert f"{report.entries}" in page
    with running_app.session() as session:
        job = session.scalars(select(VerificationJob)).one()
        assert (job.run_id, job.error) == (session.scalars(select(VerificationRun.id)).one(), None)
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "audit.verify-ask")).one()
        assert entry.actor_id == job.asked_by_id
    assert "alert-danger" not in inspector.get("/").text


def test_a_verification_that_breaks_off_says_why_and_another_can_be_asked_for(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_app.visitor("kepala").post(f"{SCREEN}run")

    def fail(*_values: object, **_more: object) -> Any:
        raise OSError("disk penuh")

    with monkeypatch.context() as patch:
        patch.setattr("views.audit.verifying.verify_register", fail)
        with pytest.raises(OSError, match="disk penuh"):
            round_made(running_app)
    with running_app.session() as session:
        assert session.scalars(select(VerificationJob.error).order_by(VerificationJob.id.desc())).first() == (
            "OSError: disk penuh"
        )
    assert running_app.visitor("kepala").post(f"{SCREEN}run").status_code == 303
    assert round_made(running_app) is not None


def test_a_daily_verification_that_fails_is_made_again_a_day_later_and_not_at_each_round(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask() -> bool:
        with running_app.app.app_context(), running_app.session() as session:
            set_test_audit_context(session)
            job = ask_daily(session, now=running_app.now)
            session.commit()
            return job is not None

    def fail(*_values: object, **_more: object) -> Any:
        raise OSError("disk penuh")

    monkeypatch.setattr("views.audit.verifying.verify_register", fail)
    running_app.now += dt.timedelta(days=1)
    assert ask()
    with pytest.raises(OSError, match="disk penuh"):
        round_made(running_app)
    running_app.now += dt.timedelta(hours=23)
    assert not ask()
    running_app.now += dt.timedelta(hours=2)
    assert ask()
    with pytest.raises(OSError, match="disk penuh"):
        round_made(running_app)


def test_a_verification_from_an_anchor_on_is_not_the_last_of_the_whole_register(running_app: RunningApp) -> None:
    verified(running_app)
    with running_app.session() as session:
        whole = last_run(session)
        assert whole is not None
        since = chain_anchors(session)
    running_app.now += dt.timedelta(hours=1)
    with running_app.app.app_context():
        verify_and_save(by="Sistem", since=since)
    with running_app.session() as session:
        assert session.scalar(select(func.max(VerificationRun.id))) != whole.id
        assert present(last_run(session)).id == whole.id
        assert session.scalar(select(newest_run_id())) == whole.id


def test_a_server_that_stops_leaves_its_verification_to_the_next_and_one_that_goes_on_keeps_it(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_app.visitor("kepala").post(f"{SCREEN}run")
    leases: list[dt.datetime | None] = []
    asked: list[dt.datetime] = []

    def is_stopped() -> bool:
        running_app.now += dt.timedelta(seconds=61)
        asked.append(running_app.now)
        with running_app.engine.connect() as connection:
            newest = select(VerificationJob.claimed_until).order_by(VerificationJob.id.desc())
            leases.append(connection.scalar(newest.limit(1)))
        return len(asked) > 30

    with running_app.app.app_context():
        assert run_waiting_verification(is_stopped) is None
    last, before = leases[-1], asked[-2]
    assert last == before + LEASE
    with running_app.session() as session:
        job = session.scalars(select(VerificationJob).order_by(VerificationJob.id.desc())).first()
        assert job is not None
        assert (job.claimed_until, job.run_id, job.error) == (None, None, None)
    assert round_made(running_app) is not None


def test_a_finding_is_shown_with_its_row_request_and_time_to_those_whom_it_concerns(running_app: RunningApp) -> None:
    tamper(
        running_app,
        "UPDATE evaluation SET risk = CASE WHEN risk = 'low' THEN 'high' ELSE 'low' END",
    )
    verified(running_app)
    for name in READERS:
        page = running_app.visitor(name).get(SCREEN).text
        assert "Diubah di luar aplikasi" in page
        assert "padahal menurut jejak audit" in page
    head = running_app.visitor("kepala")
    row = head.get(f"{SCREEN}export/json/?run=last").get_json()
    details = head.get(f"{SCREEN}details/?id={finding_id(running_app)}").text
    assert "Ke permintaan" in details
    assert "Ke entri jejak audit" in details
    assert "RFC" in str(row)
    assert "register tidak sesuai dengan jejak audit" in head.get("/").text
    for name in ("pemohon", "pengelola"):
        assert running_app.visitor(name).get(SCREEN).status_code == 403
        assert "alert-danger" not in running_app.visitor(name).get("/").text
    # It is the first office's own.
    other = running_app.visitor("kepala.tt")
    assert "padahal menurut jejak audit" not in other.get(SCREEN).text
    assert other.get(f"{SCREEN}details/?id={finding_id(running_app)}").status_code == 404
    assert "alert-danger" not in other.get("/").text
    assert told(running_app) == [(name, "changed") for name in ("admin", "administrator", "kepala")]


def finding_id(running_app: RunningApp) -> int:
    with running_app.session() as session:
        return session.scalars(select(VerificationFinding.id).order_by(VerificationFinding.id.desc())).first() or 0


def test_heads_and_administrators_are_told_of_a_kind_once_an_hour_by_mail_too(running_app: RunningApp) -> None:
    verified(running_app)
    assert told(running_app) == [(name, "changed") for name in ("admin", "administrator", "kepala")]
    running_app.now += dt.timedelta(minutes=30)
    verified(running_app)
    assert told(running_app) == []
    # Of another kind they are told at once; what is of no office concerns all.
    with insider(running_app.engine.url.render_as_string(hide_password=False)) as connection:
        connection.execute(text("UPDATE agency SET region = 'Kota lain' WHERE id = 2"))
        connection.execute(
            text("DELETE FROM notification WHERE id IN (SELECT min(id) FROM notification WHERE agency_id = 1)")
        )
    verified(running_app)
    assert ("kepala", "missing") in told(running_app)
    with running_app.session() as session:
        newest = select(Notification).where(Notification.event == Event.INTEGRITY).order_by(Notification.id.desc())
        one = session.scalars(newest).first()
        assert one is not None
        assert one.mail is not None or not one.user.email


def test_triggers_that_are_gone_are_said_at_the_start_and_told(running_app: RunningApp, capsys: Any) -> None:
    with running_app.session() as session:
        connection = session.connection()
        is_sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("DROP TRIGGER mail_kept" + ("" if is_sqlite else " ON mail"))
        session.commit()
    _look_at_triggers(running_app.app)
    assert "mail_kept" in capsys.readouterr().err
    assert ("kepala.tt", "schema") in told(running_app)


def test_the_server_verifies_once_a_day_and_not_in_its_first_minutes(running_app: RunningApp) -> None:
    running_app.app.extensions.pop("verification_started_at", None)
    running_app.now += dt.timedelta(days=2)
    assert round_made(running_app) is None
    running_app.now += dt.timedelta(minutes=11)
    assert round_made(running_app) is not None
    running_app.now += dt.timedelta(hours=23)
    assert round_made(running_app) is None
    running_app.now += dt.timedelta(hours=2)
    assert round_made(running_app) is not None
