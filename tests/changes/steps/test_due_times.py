"""The stored due times of open steps, and the lists that are sorted by them and by the windows of releases."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from lpse_admin.sop.steps import Outcome, Step
from models.changes.moves.assignment import take_up
from models.changes.steps.activity import Release
from models.changes.steps.due_times import StepDue, recompute_due_times
from models.changes.steps.timing import measure_activity
from tests.support.cast import (
    NOW,
    cast,  # noqa: F401 - fixtures
    change_at_step,
    make_move,
    new_change,
    session,  # noqa: F401
    set_test_audit_context,
)
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from models.changes.change import ChangeRequest
    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp


def stored(session: AuditedSession, change: ChangeRequest) -> dt.datetime | None:
    return session.scalar(select(StepDue.due_at).where(StepDue.change_id == change.id))


def test_the_due_time_of_the_open_step_is_stored_by_each_move_and_by_taking_it_up(
    session: AuditedSession, cast: Cast
) -> None:
    change = change_at_step(session, cast.lumajang, Step.EVALUATION)
    current = change.current_activity
    assert current is not None
    assert stored(session, change) == measure_activity(change, current, NOW).due is not None
    set_test_audit_context(session)
    take_up(change, cast.lumajang.manager, now=NOW + dt.timedelta(minutes=3))
    session.commit()
    assert stored(session, change) == measure_activity(change, current, NOW).due
    make_move(session, change, Outcome.ACCEPTED, cast.lumajang.manager, now=NOW + dt.timedelta(minutes=4))
    following = change.current_activity
    assert following is not None
    assert session.scalars(select(StepDue.activity_id)).all() == [following.id]
    assert stored(session, change) == measure_activity(change, following, NOW).due


def test_a_closed_request_has_no_due_time(session: AuditedSession, cast: Cast) -> None:
    change = change_at_step(session, cast.lumajang, Step.EVALUATION)
    make_move(session, change, Outcome.REJECTED, cast.lumajang.manager)
    assert stored(session, change) is None


def test_the_sweep_corrects_what_is_missing_wrong_or_left_over(session: AuditedSession, cast: Cast) -> None:
    office, connection = cast.lumajang, session.connection
    change, other = (change_at_step(session, office, Step.EVALUATION) for _ in range(2))
    before = stored(session, change)
    assert before is not None
    assert recompute_due_times(session, office.agency, NOW) == 0
    connection().execute(delete(StepDue))
    assert recompute_due_times(session, cast.tana_tidung.agency, NOW) == 0
    assert recompute_due_times(session, office.agency, NOW) == 2
    connection().execute(update(StepDue).where(StepDue.change_id == change.id).values(due_at=NOW))
    assert recompute_due_times(session, office.agency, NOW) == 1
    assert stored(session, change) == before
    make_move(session, other, Outcome.REJECTED, office.manager)
    row = {"change_id": other.id, "activity_id": other.activities[-1].id, "agency_id": other.agency_id}
    connection().execute(insert(StepDue).values(**row, step=Step.EVALUATION, due_at=NOW))
    assert recompute_due_times(session, office.agency, NOW) == 1
    assert session.scalars(select(StepDue.change_id)).all() == [change.id]


def numbers(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"RFC/\d{4}/\d{4}", text)))


def test_lists_are_sorted_by_due_time_and_what_has_none_comes_last(running_app: RunningApp) -> None:
    due: dict[str, dt.datetime | None] = {}
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        for minutes in (30, 10, 20, *range(60, 84)):
            change = new_change(session, office)
            make_move(session, change, Outcome.SUBMITTED, office.requester, now=NOW + dt.timedelta(minutes=minutes))
            if minutes % 4 == 0 and minutes > 60:
                make_move(session, change, Outcome.REJECTED, office.manager, now=NOW + dt.timedelta(minutes=90))
            due[str(change.number)] = stored(session, change)
    rising = sorted((number for number, at in due.items() if at is not None), key=lambda number: str(due[number]))
    rest = [number for number in reversed(due) if due[number] is None]
    reader = running_app.visitor("kepala")
    for path in ("change", "evaluation"):
        for sort, expected in (("due", rising), ("-lateness", rising[::-1])):
            pages = [numbers(reader.get(f"/admin/{path}/?sort={sort}&page={page}").text) for page in (0, 1)]
            assert pages == [[*expected, *rest][:25], [*expected, *rest][25:]]
            assert numbers(reader.get(f"/admin/{path}/export/csv/?sort={sort}").text) == [*expected, *rest]
        assert numbers(reader.get(f"/admin/{path}/?sort=due&state=open").text) == rising
        assert numbers(reader.get(f"/admin/{path}/?sort=due&search={rest[0]}").text) == [rest[0]]


def test_releases_are_sorted_by_their_windows(running_app: RunningApp) -> None:
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        windows = {}
        for days in (3, 1, 2):
            change = change_at_step(session, office, Step.RELEASE)
            start = NOW + dt.timedelta(days=days)
            window = {"window_start_at": start, "window_end_at": start + dt.timedelta(hours=1)}
            make_move(session, change, Outcome.SCHEDULED, office.actor(Step.RELEASE), values=window)
            windows[str(change.number)] = start
        waiting = str(change_at_step(session, office, Step.RELEASE).number)
        assert session.scalars(select(Release.window_start_at)).all()
    reader = running_app.visitor("kepala")
    ours = [*windows, waiting]
    rising = [one for one in numbers(reader.get("/admin/release/?sort=window_start_at&size=100").text) if one in ours]
    assert rising == [*sorted(windows, key=lambda one: windows[one]), waiting]
    falling = [one for one in numbers(reader.get("/admin/release/?sort=-window_start_at&size=100").text) if one in ours]
    assert falling == [*rising[2::-1], waiting]
