"""`flask deadline account`: the time breakdown of a request."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.worktime.working_calendar import DayOverrideKind
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.moves.assignment import take_up
from models.office.office_day import set_day
from tests.support.cast import make_move, new_change, set_test_audit_context
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from click.testing import Result

    from tests.support.cast import AuditedSession, Office
    from tests.support.running_app import RunningApp

#: A Friday in Ramadan, 14.30 in Lumajang; then the next Tuesday, a little after opening.
FRIDAY = dt.datetime(2026, 3, 6, 7, 30, tzinfo=dt.UTC)
TUESDAY = dt.datetime(2026, 3, 10, 1, 30, 0, 900_000, tzinfo=dt.UTC)


def account(running_app: RunningApp, *words: str) -> Result:
    result = running_app.app.test_cli_runner().invoke(args=["deadline", "account", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def submitted(session: AuditedSession, office: Office) -> str:
    """Return the number of a request that was submitted on Friday and accepted on Tuesday, untouched in between."""
    change = new_change(session, office, now=FRIDAY - dt.timedelta(hours=1))
    make_move(session, change, Outcome.SUBMITTED, office.requester, now=FRIDAY)
    make_move(session, change, Outcome.ACCEPTED, office.manager, now=TUESDAY)
    assert change.number
    return change.number


@pytest.fixture(scope="module")
def number(running_app: RunningApp) -> str:
    """Give a request of Lumajang, whose Monday was made a holiday; Tana Tidung has one of the same number."""
    with running_app.session() as session:
        cast = running_app.cast(session)
        given = submitted(session, cast.lumajang)
        assert submitted(session, cast.tana_tidung) == given
        set_test_audit_context(session, "holiday.set")
        set_day(
            session, cast.lumajang.agency, date=dt.date(2026, 3, 9), kind=DayOverrideKind.HOLIDAY, name="Hari jadi",
            by=cast.superadmin, now=TUESDAY, reason="SK Bupati",
        )  # fmt: skip
        session.commit()
    running_app.now = TUESDAY + dt.timedelta(minutes=30)
    return given


def agency(running_app: RunningApp, username: str) -> str:
    with running_app.session() as session:
        of = session.scalars(select(User).where(User.username == username)).one().agency
        return of.key if of else ""


def test_every_stretch_is_shown_with_what_it_was_and_the_sums_below(running_app: RunningApp, number: str) -> None:
    result = account(running_app, number, "--agency", agency(running_app, "kepala"))
    assert (result.exit_code, result.stderr) == (0, "")
    evaluation = result.stdout.partition("2. Evaluasi")[2].partition("3. ")[0]
    for wanted in (
        "Diterima Jum 6 Mar 2026 14:30:00 WIB",
        "Mulai ditangani belum ditangani",
        "Selesai Sel 10 Mar 2026 08:30:00 WIB",
        "Jum 6 Mar 2026 14:30:00-15:30:00 60:00 Jam kerja pada bulan Ramadan",
        "Jum 6 Mar 2026 15:30:00-24:00:00 - Di luar jam kerja",
        "Sab 7 Mar 2026 00:00:00-24:00:00 - Bukan hari kerja",
        "Sen 9 Mar 2026 00:00:00-24:00:00 - Hari libur: Hari jadi (hari ditetapkan LPSE)",
        "Sel 10 Mar 2026 08:00:00-08:30:00 30:00 Jam kerja pada bulan Ramadan",
        "Menunggu 90:00",
        "Ditangani -",
        "Waktu baku 120:00 2 jam",
        "Terukur 90:00 Waktu sejak permintaan diterima, sejak Jum 6 Mar 2026 14:30:00 WIB",
        "Batas waktu Sel 10 Mar 2026 09:00:00 WIB",
        "Ketepatan waktu tidak terlambat",
    ):
        assert wanted in [" ".join(line.split()) for line in evaluation.splitlines()], wanted
    assert "Waktu penanganan" not in evaluation


def test_an_open_step_is_counted_until_now_and_one_that_was_taken_up_has_both_accounts(
    running_app: RunningApp, number: str
) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        number_of = ChangeRequest.number == number
        change = session.scalars(select(ChangeRequest).where(number_of, ChangeRequest.agency == office.agency)).one()
        take_up(change, office.manager, now=TUESDAY + dt.timedelta(minutes=10))
        session.commit()
    shown = account(running_app, number, "--agency", agency(running_app, "kepala")).stdout.partition("3. ")[2]
    assert "masih terbuka pada Sel 10 Mar 2026 09:00:00 WIB" in shown
    assert "Mulai ditangani   Sel 10 Mar 2026 08:40:00 WIB" in shown
    assert shown.count("Jam kerja pada bulan Ramadan") == 2
    assert "terlambat 5:00" in shown


def test_a_paper_without_times_is_counted_and_not_judged(running_app: RunningApp, number: str) -> None:
    shown = account(running_app, number, "--agency", agency(running_app, "kepala.tt")).stdout
    assert "WITA" in shown
    assert "tidak ditetapkan: tidak diukur" in shown
    assert "Batas waktu" not in shown
    assert "Hari jadi" not in shown


def test_what_cannot_be_found_is_refused_with_a_reason(running_app: RunningApp, number: str) -> None:
    for words in ((number,), ("RFC/1999/0001",), (number, "--agency", "nowhere")):
        result = account(running_app, *words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "Traceback" not in result.stderr
        assert result.stderr.strip()
    assert agency(running_app, "kepala") in account(running_app, number).stderr
    assert account(running_app).exit_code == 2
    assert account(running_app, number, "--agenci", "x").exit_code == 2


def test_a_request_by_its_number_alone_where_only_one_office_has_it(running_app: RunningApp, number: str) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).tana_tidung
        change = new_change(session, office, now=TUESDAY)
        make_move(session, change, Outcome.SUBMITTED, office.requester, now=TUESDAY)
        assert change.number != number
        only = change.number
    assert only
    assert account(running_app, only).exit_code == 0


def test_the_requester_s_own_step_is_not_judged_whatever_the_sop_sets(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        change = new_change(session, office, now=FRIDAY - dt.timedelta(days=3))
        make_move(session, change, Outcome.SUBMITTED, office.requester, now=FRIDAY)
        assert change.sop.rules[Step.REQUEST].standard is not None
        key, number = office.agency.key, str(change.number)
    request = account(running_app, number, "--agency", key).stdout.partition("2. ")[0]
    assert "terlambat" not in request
    assert "Batas waktu" not in request
    assert "langkah Pemohon sendiri tidak diukur" in request
