"""The summaries by month: kept on every path, equal to a recount, and the figures read from them exact."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select, update

from lpse_admin.sop.steps import Outcome, Result, Step, Urgency
from lpse_admin.workflow.deviations import DeviationKind
from lpse_admin.worktime.periods import PeriodKind, ReportPeriod, report_period
from models.accounts.user import User
from models.base import Base
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from models.deviations.deviation import Deviation, DeviationState
from models.reports import figures, totals
from models.reports.figures import AgencyScope
from models.reports.totals import RequestTotal
from models.reports.waiting import count_own_requests
from models.worktime.deadlines import sweep
from tests.support.cast import (
    NOW,
    OUTCOMES_TO,
    change_at_step,
    deviation,
    move_through,
    new_change,
    set_test_audit_context,
)
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp

STEP_TIMES, REQUESTS, DEVIATIONS, TOTALS = (
    Base.metadata.tables[name] for name in ("step_time", "change_request", "deviation", "request_total")
)
#: To the end, with a roll back.
WAY = (*OUTCOMES_TO[Step.ROLLBACK], *map(Outcome, ("rolled-back", "reported", "verified", "no-release", "unchanged")))
#: Moments around the ends of months and days in the zones of Indonesia.
MOMENTS = [
    dt.datetime(2026, month, day, hour, minute, tzinfo=dt.UTC)
    for month, day in ((1, 1), (1, 14), (1, 15), (1, 16), (1, 31), (2, 28), (3, 1))
    for hour, minute in ((0, 0), (14, 59), (15, 0), (16, 0), (16, 59), (17, 0), (23, 59))
]
PERIODS = [
    *(report_period(kind, dt.date(2026, 2, 28)) for kind in (PeriodKind.TWELVE_MONTHS, PeriodKind.MONTH)),
    report_period(PeriodKind.QUARTER, dt.date(2026, 1, 15)),
    ReportPeriod(dt.date(2026, 1, 31), dt.date(2026, 1, 31)),
    ReportPeriod(dt.date(2026, 1, 15), dt.date(2026, 1, 16)),
    ReportPeriod(dt.date(2026, 1, 20), dt.date(2026, 3, 1)),
]


def fill(session: AuditedSession, cast: Cast) -> None:
    """Write what is counted: requests that are closed, open and drafts, late steps, deviations of several states."""
    for office in (cast.lumajang, cast.tana_tidung):
        move_through(session, office, *WAY)
        change_at_step(session, office, Step.APPROVAL)
        deviation(session, office, "Antrean panjang")
        new_change(session, office)
    set_test_audit_context(session)
    for office in (cast.lumajang, cast.tana_tidung):
        sweep(session, office.agency, NOW + dt.timedelta(30))
    session.commit()


def test_the_totals_are_those_of_a_recount_whoever_writes(session: AuditedSession, cast: Cast) -> None:
    fill(session, cast)
    connection = session.connection()
    assert session.scalar(select(RequestTotal.number).limit(1)) is not None
    assert list(totals.differences(connection)) == []
    # By SQL, past the objects: added, altered and removed.
    visit = dict(session.execute(select(STEP_TIMES).limit(1)).mappings().one())
    connection.execute(
        update(STEP_TIMES).where(STEP_TIMES.c.activity_id == visit["activity_id"]).values(waited_minutes=4711)
    )
    assert list(totals.differences(connection)) == []
    connection.execute(delete(STEP_TIMES).where(STEP_TIMES.c.activity_id == visit["activity_id"]))
    assert list(totals.differences(connection)) == []
    connection.execute(insert(STEP_TIMES).values(**visit))
    assert list(totals.differences(connection)) == []


def test_merging_and_rebuilding_leave_each_total_as_it_is(session: AuditedSession, cast: Cast) -> None:
    fill(session, cast)
    change_at_step(session, cast.lumajang, Step.REPORT)
    connection = session.connection()
    assert totals.merge(connection, cast.lumajang.agency.id) > 0
    assert list(totals.differences(connection)) == []
    assert totals.merge(connection, cast.lumajang.agency.id) == 0
    merged = len(connection.execute(select(RequestTotal.id)).all())
    totals.rebuild(connection)
    assert list(totals.differences(connection)) == []
    assert len(connection.execute(select(RequestTotal.id)).all()) <= merged


def test_a_total_that_differs_is_found_and_recomputed(running_app: RunningApp) -> None:
    with running_app.session() as session:
        fill(session, running_app.cast(session))
    run = running_app.app.test_cli_runner().invoke
    assert run(args=["report", "verify"]).exit_code == 0
    with running_app.session() as session:
        session.connection().execute(update(TOTALS).values(number=TOTALS.c.number + 1))
        session.connection().commit()
    result = run(args=["report", "verify"])
    assert result.exit_code == 1
    assert "request_total" in result.stderr
    assert run(args=["report", "rebuild"]).exit_code == 0
    assert run(args=["report", "verify"]).exit_code == 0


def test_a_requester_s_deviations_are_counted_and_in_order_as_the_register_has_them(
    session: AuditedSession, cast: Cast
) -> None:
    fill(session, cast)
    scope = AgencyScope([cast.lumajang.agency, cast.tana_tidung.agency], ZoneInfo("Asia/Jakarta"))
    result: set[int] = set()
    for requester in {one.requester_id for one in session.scalars(select(ChangeRequest))}:
        of_requester = session.scalars(
            select(Deviation)
            .join(ChangeRequest, ChangeRequest.id == Deviation.change_id)
            .where(ChangeRequest.requester_id == requester)
            .order_by(Deviation.raised_at, Deviation.id)
        ).all()
        ids = [one.id for one in of_requester]
        result.update(ids)
        assert figures.newest_deviations_of(session, requester, 1000, oldest=True) == ids
        assert figures.newest_deviations_of(session, requester, 2) == ids[::-1][:2]
        assert figures.count_deviations_of(session, requester) == len(ids)
        counts = figures.count_all_deviations(session, scope, {}, requester)
        assert sum(row[-1] for row in counts.groups) == sum(number for _month, number in counts.months) == len(ids)
        assert {row[2] for row in counts.groups} == {one.executor_id for one in of_requester}
        raised = figures.count_all_deviations(session, scope, {"state": DeviationState.RAISED}, requester)
        assert sum(row[-1] for row in raised.groups) == sum(one.state is DeviationState.RAISED for one in of_requester)
        executors = {one.executor_id for one in of_requester if one.executor_id is not None}
        assert set(session.scalars(figures.people_in_deviations(requester, "executor_id"))) == executors
    assert result == set(session.scalars(select(Deviation.id)))


def test_a_requester_s_list_of_deviations_has_their_own_and_no_other(running_app: RunningApp) -> None:
    with running_app.session() as session:
        fill(session, running_app.cast(session))
        number = len(
            session.scalars(
                select(Deviation.id)
                .join(ChangeRequest, ChangeRequest.id == Deviation.change_id)
                .join(User, User.id == ChangeRequest.requester_id)
                .where(User.username == "pemohon")
            ).all()
        )
    assert number
    own = running_app.visitor("pemohon")
    for order in ("", "?sort=raised", "?sort=-raised"):
        shown = re.search(r'<span role="status">\s*(\d+)', own.get(f"/admin/deviation/{order}").text)
        assert shown
        assert int(shown[1]) == number
    assert 'class="nothing-here"' in running_app.visitor("pemohon2").get("/admin/deviation/").text


@dataclass(frozen=True)
class Written:
    """What was written by SQL at all ``MOMENTS``, as mappings of columns."""

    session: AuditedSession
    cast: Cast
    requests: list[dict[str, Any]]
    visits: list[dict[str, Any]]
    deviations: list[dict[str, Any]]


@pytest.fixture(scope="module")
def written(shared: tuple[AuditedSession, Cast]) -> Written:
    session, cast = shared
    office = cast.lumajang
    activities = [one for _number in range(6) for one in move_through(session, office, *WAY).activities]
    connection = session.connection()
    connection.execute(delete(STEP_TIMES))
    like = dict(session.execute(select(REQUESTS).limit(1)).mappings().one())
    agency_id = office.agency.id
    requests, visits, deviations = [], [], []
    for number, moment in enumerate(MOMENTS):
        result = (None, Result.COMPLETED, Result.REJECTED)[number % 3]
        closed = {"step": Step.CLOSED, "result": result, "closed_at": moment} if result else {"step": Step.EVALUATION}
        requests.append(
            like
            | {"result": None, "closed_at": None}
            | closed
            | {
                "id": 5000 + number, "year": 2026, "serial": 5000 + number, "number": f"X-{number}",
                "submitted_at": moment, "urgency": (None, Urgency.NORMAL, Urgency.EMERGENCY)[number % 5 % 3],
            }
        )  # fmt: skip
        visits.append(
            {
                "activity_id": activities[number].id, "agency_id": agency_id, "finished_at": moment,
                "step": (Step.EVALUATION, Step.TEST, Step.REPORT)[number % 3],
                "is_late": (None, True, False)[number % 5 % 3], "waited_minutes": number * number % 97,
            }
        )  # fmt: skip
        deviations.append(
            {
                "agency_id": agency_id, "change_id": activities[number].change_id, "raised_at": moment,
                "activity_id": activities[number].id, "step": Step.TEST, "subject": f"x-{number}", "what": "x",
                "kind": (DeviationKind.OUTPUT, DeviationKind.EQUIPMENT)[number % 2], "standard": "", "was_open": False,
            }
        )  # fmt: skip
    connection.execute(insert(REQUESTS), requests)
    connection.execute(insert(STEP_TIMES), visits)
    connection.execute(insert(DEVIATIONS), deviations)
    own = [dict(row) for row in session.execute(select(REQUESTS)).mappings()]
    every = [dict(row) for row in session.execute(select(DEVIATIONS)).mappings()]
    return Written(session, cast, own, visits, every)


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "UTC"])
@pytest.mark.parametrize("period", PERIODS, ids=str)
def test_the_figures_are_exact_in_every_zone_and_period(written: Written, zone: str, period: ReportPeriod) -> None:
    session, scope = written.session, AgencyScope([written.cast.lumajang.agency], ZoneInfo(zone))

    def inside(moment: dt.datetime, of: ReportPeriod = period) -> bool:
        return of.first <= moment.astimezone(scope.zone).date() <= of.last

    for step, result in figures.step_figures(session, scope, period, list(Step)).items():
        mine = [one for one in written.visits if one["step"] is step and inside(one["finished_at"])]
        waits = sorted(one["waited_minutes"] for one in mine)
        judged = Counter(one["is_late"] for one in mine)
        assert (result.finished, result.late, result.in_time) == (len(mine), judged[True], judged[False])
        assert result.median_wait == (waits[len(waits) // 2] if waits else None)
        assert result.longest_wait == (waits[-1] if waits else None)

    months = period.months()
    requests = Counter(
        (index, one["result"], one["urgency"])
        for one in written.requests
        for index, month in enumerate(months)
        if one["submitted_at"] and inside(one["submitted_at"], month)
    )
    assert figures.count_requests(session, scope, months).counts == requests

    deviations = Counter((one["kind"], DeviationState.RAISED) for one in written.deviations if inside(one["raised_at"]))
    assert figures.count_deviations(session, scope, period) == deviations
    assert list(totals.differences(session.connection())) == []


def test_the_request_that_waited_longest_is_the_latest_of_those(written: Written) -> None:
    scope = AgencyScope([written.cast.lumajang.agency], ZoneInfo("Asia/Jakarta"))
    result = figures.step_figures(written.session, scope, PERIODS[0], list(Step))
    longest = figures.longest_waits(written.session, scope, PERIODS[0], result)
    for step in (Step.EVALUATION, Step.TEST, Step.REPORT):
        alike = (step, result[step].longest_wait)
        latest = max(one["activity_id"] for one in written.visits if (one["step"], one["waited_minutes"]) == alike)
        visit = written.session.get_one(Activity, latest)
        assert longest[step] == (visit.change.id, visit.change.number)


def test_a_requester_s_own_requests_are_counted_by_where_they_stand(session: AuditedSession, cast: Cast) -> None:
    fill(session, cast)
    move_through(session, cast.lumajang, *OUTCOMES_TO[Step.RETURNED])
    own = count_own_requests(session, cast.lumajang.requester)
    requests = session.scalars(
        select(ChangeRequest).where(ChangeRequest.requester_id == cast.lumajang.requester.id)
    ).all()
    where = Counter(
        "drafts" if one.is_draft else "returned" if one.step is Step.RETURNED else one.result or "with office"
        for one in requests
    )
    assert (own.drafts, own.returned, own.with_office) == (where["drafts"], where["returned"], where["with office"])
    assert own.results == {result: where[result] for result in Result if where[result]}
    assert own.drafts
    assert own.returned
    assert own.with_office
    assert own.results
