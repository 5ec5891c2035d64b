"""A finished release: its window is moved, its plan set aside, its actual time corrected, all of it on record."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Release
from models.notifications.notification import Notification
from models.office.agency import Agency
from models.releases.release_revision import ReleaseRevisionKind
from models.worktime.deadlines import sweep
from tests.releases.test_calendar_feed import address, events, fetch
from tests.support.cast import LUMAJANG, freeze, set_test_audit_context
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp


def window(day: int) -> dict[str, Any]:
    """Return an hour of the evening of a day of April; each test has a day of its own."""
    return {"window_start_at": f"2026-04-{day:02}T19:00", "window_end_at": f"2026-04-{day:02}T20:00"}


@pytest.fixture
def planned(running_app: RunningApp) -> int:
    """Give the id of a release that is planned and has no actual time."""
    change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    assert running_app.make_move(change_id, Outcome.SCHEDULED).status_code == 303
    with running_app.session() as session:
        activities = session.get_one(ChangeRequest, change_id).activities
        return next(one.id for one in activities if one.step is Step.RELEASE)


def release_of(running_app: RunningApp, id_: int) -> Release:
    with running_app.session() as session:
        release = session.get_one(Release, id_)
        assert release.revisions is not None
        session.expunge_all()
        return release


def test_a_window_is_moved_with_a_reason_and_both_stand_on_the_page(running_app: RunningApp, planned: int) -> None:
    manager, before = running_app.visitor("pengelola"), release_of(running_app, planned)
    details = f"/admin/release/details/?id={planned}"
    assert f"/admin/release/{planned}/move-window" in manager.get(details).text
    page = manager.get(f"/admin/release/{planned}/move-window")
    assert page.status_code == 200
    refused = manager.post(f"/admin/release/{planned}/move-window", **window(1), reason="\u200b")
    assert (refused.status_code, 'value="2026-04-01T19:00"' in refused.text) == (422, True)
    backwards = window(1) | {"window_end_at": "2026-04-01T18:00"}
    assert manager.post(f"/admin/release/{planned}/move-window", **backwards, reason="Listrik padam").status_code == 422
    assert manager.post(f"/admin/release/{planned}/move-window", **window(1), reason="Listrik padam").status_code == 303
    after = release_of(running_app, planned)
    assert after.window_start_at == dt.datetime(2026, 4, 1, 12, 0, tzinfo=dt.UTC)
    (revision,) = after.revisions
    assert (revision.kind, revision.number, revision.reason) == (ReleaseRevisionKind.MOVED, 1, "Listrik padam")
    assert (revision.former_start_at, revision.former_end_at) == (before.window_start_at, before.window_end_at)
    shown = manager.get(details).text
    for text in ("Listrik padam", "1\xa0Apr\xa02026 19.00"):
        assert text in shown
    with running_app.session() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (entry.action, entry.reason) == ("release.move", "Listrik padam")
        people = {
            one.user.username for one in session.scalars(select(Notification)) if one.event is Event.RELEASE_REVISED
        }
    assert people >= {"pemohon", "kepala"}


def test_the_calendar_feed_follows_with_the_same_uid_and_a_higher_sequence(
    running_app: RunningApp, planned: int
) -> None:
    path, manager = address(running_app, "kepala"), running_app.visitor("pengelola")
    uid = f"planned-{planned}@"

    def event() -> dict[str, str]:
        return next(one for key, one in events(fetch(running_app, path)).items() if key.startswith(uid))

    first = event()
    assert manager.post(f"/admin/release/{planned}/move-window", **window(2), reason="Digeser").status_code == 303
    moved = event()
    assert manager.post(f"/admin/release/{planned}/set-aside", reason="Tidak jadi").status_code == 303
    cancelled = event()
    assert [one["SEQUENCE"] for one in (first, moved, cancelled)] == ["0", "1", "2"]
    assert first["UID"] == moved["UID"] == cancelled["UID"]
    assert (moved["DTSTART"], moved["STATUS"]) == ("20260402T120000Z", "CONFIRMED")
    assert cancelled["STATUS"] == "CANCELLED"


def test_a_plan_is_set_aside_once_leaves_the_calendar_and_can_be_planned_anew(
    running_app: RunningApp, planned: int
) -> None:
    manager, path = running_app.visitor("pengelola"), f"/admin/release/{planned}"
    assert manager.post(f"{path}/move-window", **window(3), reason="Digeser").status_code == 303
    calendar, link = (
        "/admin/release/calendar?month=2026-04",
        f"details/?id={release_of(running_app, planned).change_id}",
    )
    assert link in manager.get(calendar).text
    assert manager.post(f"{path}/set-aside", reason="").status_code == 422
    assert manager.post(f"{path}/set-aside", reason="Tidak jadi").status_code == 303
    assert manager.post(f"{path}/set-aside", reason="Tidak jadi").status_code == 409
    assert link not in manager.get(calendar).text
    row = f"/admin/release/details/?id={planned}"
    assert row in manager.get("/admin/release/?plan=set-aside&size=100").text
    assert row not in manager.get("/admin/release/?plan=unrecorded&size=100").text
    other = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    answer = running_app.make_move(other, Outcome.SCHEDULED, **window(3))
    assert answer.status_code == 303
    assert manager.post(f"{path}/move-window", **window(3), reason="Jadi").status_code == 422
    together = manager.post(f"{path}/move-window", **window(3), reason="Jadi", overlap_reason="Tidak saling mengganggu")
    assert together.status_code == 303
    assert release_of(running_app, planned).set_aside_at is None


def test_an_actual_time_is_corrected_with_a_reason_and_the_window_then_stays(
    running_app: RunningApp, planned: int
) -> None:
    manager, path = running_app.visitor("pengelola"), f"/admin/release/{planned}"
    assert manager.post(f"{path}/correct-actual", actual_at="2026-03-02T09:00", reason="Keliru").status_code == 409
    assert manager.post(f"{path}/actual", actual_at="2026-03-02T09:00").status_code == 303
    times: list[dict[str, Any]] = [{"actual_at": text} for text in ("2027-01-01T10:00", "", "2020-01-01T10:00")]
    for wrong in times:
        assert manager.post(f"{path}/correct-actual", **wrong, reason="Keliru").status_code == 422
    assert manager.post(f"{path}/correct-actual", actual_at="2026-03-02T08:59", reason="").status_code == 422
    corrected = manager.post(f"{path}/correct-actual", actual_at="2-3-2026 09.00", reason="Salah ketik")
    assert corrected.status_code == 303
    (revision,) = release_of(running_app, planned).revisions
    assert (revision.kind, revision.reason) == (ReleaseRevisionKind.CORRECTED, "Salah ketik")
    assert manager.post(f"{path}/move-window", **window(4), reason="Digeser").status_code == 409


def test_a_freeze_counts_when_a_window_is_moved(running_app: RunningApp, planned: int) -> None:
    with running_app.session() as session:
        freeze(session, running_app.cast(session).office(LUMAJANG), first=34, last=35)
    answer = running_app.visitor("pengelola").post(
        f"/admin/release/{planned}/move-window", **window(5), reason="Digeser"
    )
    assert answer.status_code == 422
    assert release_of(running_app, planned).plan_revision == 0


@pytest.mark.parametrize("name", ["kepala", "pemohon", "pemeriksa", "pengelola.tt"])
def test_only_a_change_manager_of_the_office_revises(name: str, running_app: RunningApp, planned: int) -> None:
    visitor = running_app.visitor(name)
    for action in ("move-window", "set-aside", "correct-actual"):
        answer = visitor.post(f"/admin/release/{planned}/{action}", **window(6), reason="x")
        assert answer.status_code in {403, 404}, action
    assert release_of(running_app, planned).plan_revision == 0


def test_the_database_refuses_a_plan_that_changes_without_its_revision(running_app: RunningApp, planned: int) -> None:
    table: Any = Release.__table__
    for values in ({"window_end_at": None}, {"set_aside_at": running_app.now}, {"plan_revision": 1}):
        with running_app.session() as session, pytest.raises(IntegrityError, match="revision"):
            session.connection().execute(update(table).where(table.c.id == planned).values(values))


def test_a_window_that_has_passed_without_its_actual_time_is_listed_and_reminds_once(
    running_app: RunningApp, planned: int
) -> None:
    release = release_of(running_app, planned)
    assert release.window_end_at is not None
    later = release.window_end_at + dt.timedelta(hours=1)

    def reminded() -> list[str]:
        with running_app.session() as session:
            result = session.scalars(
                select(Notification).where(
                    Notification.activity_id == planned, Notification.event == Event.RELEASE_UNRECORDED
                )
            )
            return sorted(one.user.username for one in result)

    def run(moment: dt.datetime) -> None:
        with running_app.session() as session:
            set_test_audit_context(session, "deadline.sweep")
            agency = session.get_one(Agency, session.get_one(Release, planned).agency_id)
            sweep(session, agency, moment)
            session.commit()

    run(release.window_end_at)
    assert reminded() == []
    run(later)
    run(later + dt.timedelta(hours=1))
    assert reminded() == ["pengelola", "pengelola2", "plh"]


def test_releases_without_an_actual_time_are_counted_on_the_homes_of_managers_and_the_head(
    running_app: RunningApp, planned: int
) -> None:
    release, link = release_of(running_app, planned), 'href="/admin/release/?plan=unrecorded"'
    assert release.window_end_at is not None
    names = ("pengelola", "kepala", "pemohon", "pemeriksa")
    assert not any(link in running_app.visitor(name).get("/").text for name in names)
    before, running_app.now = running_app.now, release.window_end_at + dt.timedelta(hours=1)
    try:
        homes = {name: running_app.visitor(name) for name in names}
        assert {name for name, one in homes.items() if link in one.get("/").text} == {"pengelola", "kepala"}
        listed = homes["pengelola"].get("/admin/release/?plan=unrecorded").text.count('<th scope="row">')
        counted = homes["pengelola"].get("/").text.partition(f"{link}>")[2].partition("<")[0]
        assert int(counted) == listed >= 1
    finally:
        running_app.now = before


def test_any_two_plans_of_a_release_stand_side_by_side(running_app: RunningApp, planned: int) -> None:
    manager, details = running_app.visitor("pengelola"), f"/admin/release/details/?id={planned}"
    for day in (21, 24):
        assert 'id="comparison"' not in manager.get(details).text
        moved = manager.post(f"/admin/release/{planned}/move-window", **window(day), reason="Listrik padam")
        assert moved.status_code == 303
    first_and_last = comparison(manager.get(details).text)
    assert first_and_last[0][2] == "24 Apr 2026 19.00 WIB"
    chosen = comparison(manager.get(f"{details}&plan=1&with=2").text)
    assert chosen[0][1:] == ["21 Apr 2026 19.00 WIB", "24 Apr 2026 19.00 WIB", "3 hari kalender lebih lambat"]
    back = comparison(manager.get(f"{details}&plan=2&with=1").text)
    assert back[1][1:] == ["24 Apr 2026 20.00 WIB", "21 Apr 2026 20.00 WIB", "3 hari kalender lebih awal"]
    assert comparison(manager.get(f"{details}&plan=9&with=x").text) == first_and_last


def comparison(page: str) -> list[list[str]]:
    """Return the rows of the table with two plans, as text."""
    table = page.partition('<section aria-labelledby="comparison">')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell).replace("\xa0", " ") for cell in row] for row in cells]
