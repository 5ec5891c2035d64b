"""The working calendar of an agency: overridden days, working hours and months of Ramadan, with a reason each."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.worktime.office_hours import DEFAULT_HOURS, RAMADAN_HOURS, WeeklyHours
from lpse_admin.worktime.working_calendar import DayOverrideKind, TimeKind, WorkCalendar
from models.audit.trail import AuditEntry, entries_for_record
from models.changes.steps.timing import measure_activity
from models.office.calendars import load_calendar, load_warning_share
from models.office.office_day import OfficeDay, set_day
from models.office.setting import Threshold, set_warning_share
from models.office.working_hours import RAMADAN_WEEK, WEEK, RamadanMonth, WorkingHours, set_hours, set_ramadan
from tests.support.cast import NOW, change_at_step, make_move, set_test_audit_context
from tests.support.present import present

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from lpse_admin.worktime.step_timing import StepTiming
    from tests.support.cast import AuditedSession, Cast, Office

WIB = ZoneInfo("Asia/Jakarta")
TUESDAY = dt.date(2026, 3, 3)
SET_TABLES = ("office_day", "working_hours", "ramadan_month", "threshold")
LIBUR: dict[str, Any] = {"kind": DayOverrideKind.HOLIDAY, "name": "Libur"}
MANY_SPANS = ", ".join(f"0{n // 60}.{n % 60:02}–0{n // 60}.{n % 60 + 1:02}" for n in range(0, 118, 2))


def typed(hours: WeeklyHours = DEFAULT_HOURS, ramadan: WeeklyHours = RAMADAN_HOURS, **changes: str) -> dict[str, str]:
    return dict(zip((*WEEK, *RAMADAN_WEEK), (*hours.texts, *ramadan.texts), strict=True)) | changes


def day(
    session: AuditedSession,
    office: Office,
    date: dt.date = TUESDAY,
    kind: DayOverrideKind = DayOverrideKind.HOLIDAY,
    name: str = "Hari jadi",
    **parts: Any,
) -> OfficeDay:
    set_test_audit_context(session, "holiday.set")
    given = {"by": office.administrator, "now": NOW, "reason": "Keputusan Bupati", **parts}
    created = set_day(session, office.agency, date=date, kind=kind, name=name, **given)
    session.commit()
    return created


def hours_from(
    session: AuditedSession, office: Office, since: dt.date, week: Mapping[str, str] | None = None, **parts: Any
) -> WorkingHours:
    set_test_audit_context(session, "setting.hours")
    given = {"by": office.administrator, "now": NOW, "reason": "Peraturan Bupati", **parts}
    created = set_hours(session, office.agency, since, week or typed(), **given)
    session.commit()
    return created


def month(session: AuditedSession, office: Office, first: dt.date, last: dt.date, **parts: Any) -> RamadanMonth:
    set_test_audit_context(session, "setting.ramadan")
    given = {"by": office.administrator, "now": NOW, "reason": "Sidang isbat", **parts}
    created = set_ramadan(session, office.agency, first, last, **given)
    session.commit()
    return created


def reasons(session: AuditedSession, table: str, id_: int) -> list[str | None]:
    return [entry.reason for entry in entries_for_record(session, table, id_)]


# The calendar


def test_an_office_that_has_set_nothing_has_the_calendar_of_its_zone_and_is_warned_at_80_percent(
    session: AuditedSession, cast: Cast
) -> None:
    for office, zone in ((cast.lumajang, "Asia/Jakarta"), (cast.tana_tidung, "Asia/Makassar")):
        assert load_calendar(session, office.agency) == WorkCalendar(ZoneInfo(zone))
        assert load_warning_share(session, office.agency.id) == 80


def test_the_calendar_is_the_same_object_until_something_is_set_and_follows_each_change(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    before = load_calendar(session, office.agency)
    assert load_calendar(session, office.agency) is before
    assert before.day(TUESDAY).kind is TimeKind.WORK
    created = day(session, office)
    after = load_calendar(session, office.agency)
    assert (after.day(TUESDAY).kind, after.day(TUESDAY).name) == (TimeKind.HOLIDAY, "Hari jadi")
    assert load_calendar(session, office.agency) is after
    set_test_audit_context(session)
    created.alter(kind=DayOverrideKind.WORKDAY, name="Setengah hari", hours="8.00-11.00", by=office.administrator,
               now=NOW, reason="Surat edaran")  # fmt: skip
    session.commit()
    altered = load_calendar(session, office.agency)
    assert altered.elapsed(NOW, NOW + dt.timedelta(days=1)) == dt.timedelta(hours=6, minutes=30)
    assert created.hours == "08.00–11.00"
    set_test_audit_context(session)
    created.remove(by=office.administrator, reason="Keliru")
    session.commit()
    assert load_calendar(session, office.agency) == before


def test_what_one_office_sets_is_no_other_office_s(session: AuditedSession, cast: Cast) -> None:
    other = load_calendar(session, cast.tana_tidung.agency)
    day(session, cast.lumajang)
    hours_from(session, cast.lumajang, TUESDAY)
    month(session, cast.lumajang, dt.date(2027, 2, 9), dt.date(2027, 3, 9))
    set_test_audit_context(session)
    set_warning_share(session, cast.lumajang.agency, 50, by=cast.lumajang.administrator, now=NOW, reason="Sebab")
    session.commit()
    assert load_calendar(session, cast.tana_tidung.agency) is other
    assert [load_warning_share(session, one.agency.id) for one in (cast.lumajang, cast.tana_tidung)] == [50, 80]


def test_new_hours_hold_from_their_day_on_and_do_not_judge_the_time_before_them(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    longer = WeeklyHours.from_texts(*["07.00–12.00, 13.00–17.00"] * 5)
    created = hours_from(session, office, TUESDAY, typed(longer, longer))
    calendar = load_calendar(session, office.agency)
    monday, wednesday = TUESDAY - dt.timedelta(days=1), TUESDAY + dt.timedelta(days=1)
    assert [calendar.day(date).spans for date in (monday, TUESDAY, wednesday)] == [
        RAMADAN_HOURS.spans_on(monday), longer.spans_on(TUESDAY), longer.spans_on(wednesday),
    ]  # fmt: skip
    set_test_audit_context(session)
    created.alter(typed(longer, RAMADAN_HOURS), by=office.administrator, now=NOW, reason="Jam Ramadan tetap")
    session.commit()
    assert load_calendar(session, office.agency).day(TUESDAY).spans == RAMADAN_HOURS.spans_on(TUESDAY)
    set_test_audit_context(session)
    created.remove(by=office.administrator, reason="Dicabut")
    session.commit()
    assert load_calendar(session, office.agency) == WorkCalendar(WIB)


def test_a_month_of_ramadan_that_is_set_replaces_the_calculated_one(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    decreed = month(session, office, dt.date(2026, 2, 20), dt.date(2026, 3, 20))
    calendar = load_calendar(session, office.agency)
    assert not calendar.day(dt.date(2026, 2, 19)).in_ramadan
    assert calendar.day(dt.date(2026, 2, 20)).in_ramadan
    set_test_audit_context(session)
    decreed.remove(by=office.administrator, reason="Keliru")
    session.commit()
    assert load_calendar(session, office.agency).day(dt.date(2026, 2, 19)).in_ramadan


# Who, and what is refused


def test_nobody_but_an_administrator_of_the_office_or_the_installation_sets_anything(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    created, hours = day(session, office), hours_from(session, office, TUESDAY)
    for stranger in (*office.people[:-1], *cast.tana_tidung.people):
        given = {"by": stranger, "now": NOW, "reason": "Sebab"}
        for attempt in (
            lambda given=given: set_day(session, office.agency, date=NOW.date(), **LIBUR, **given),
            lambda given=given: created.alter(**LIBUR, hours="", **given),
            lambda stranger=stranger: created.remove(by=stranger, reason="Sebab"),
            lambda given=given: set_hours(session, office.agency, NOW.date(), typed(), **given),
            lambda given=given: hours.alter(typed(), **given),
            lambda stranger=stranger: hours.remove(by=stranger, reason="Sebab"),
            lambda given=given: set_ramadan(session, office.agency, dt.date(2027, 2, 9), dt.date(2027, 3, 9), **given),
            lambda given=given: set_warning_share(session, office.agency, 50, **given),
        ):  # fmt: skip
            with pytest.raises(NotAllowed):
                attempt()
    day(session, office, dt.date(2026, 3, 4), by=cast.superadmin)
    set_test_audit_context(session)
    office.administrator.is_active = False
    session.commit()
    with pytest.raises(NotAllowed):
        day(session, office, dt.date(2026, 3, 5))
    assert Role.ADMINISTRATOR in office.administrator.roles


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        ({"reason": "  "}, {"reason"}),
        ({"reason": "a\x00"}, {"reason"}),
        ({"name": " "}, {"name"}),
        ({"name": "x" * 301}, {"name"}),
        ({"name": "a\x07"}, {"name"}),
        ({"hours": "08.00–11.00"}, {"hours"}),
        ({"kind": DayOverrideKind.WORKDAY, "hours": "pagi"}, {"hours"}),
        ({"kind": DayOverrideKind.WORKDAY, "hours": "13.00–15.00, 08.00–11.00"}, {"hours"}),
        ({"kind": DayOverrideKind.WORKDAY, "hours": MANY_SPANS}, {"hours"}),
        ({"date": dt.date(1989, 12, 31)}, {"date"}),
        ({"date": dt.date(2051, 1, 1)}, {"date"}),
        ({"name": "", "hours": "pagi", "reason": ""}, {"name", "hours", "reason"}),
    ],
)  # fmt: skip
def test_each_wrong_part_of_a_day_is_named(
    session: AuditedSession, cast: Cast, parts: dict[str, Any], fields: set[str]
) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        day(session, cast.lumajang, **parts)
    assert set(refusal.value.field_errors) == fields


def test_a_day_is_set_once_in_an_office_and_altered_from_then_on(session: AuditedSession, cast: Cast) -> None:
    day(session, cast.lumajang)
    day(session, cast.tana_tidung)
    with pytest.raises(ValidationFailed) as refusal:
        day(session, cast.lumajang)
    assert set(refusal.value.field_errors) == {"date"}


def test_each_wrong_part_of_working_hours_is_named(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    for since, week, reason, fields in (
        (TUESDAY, typed(monday="pagi"), "Sebab", {"monday"}),
        (TUESDAY, typed(sunday=MANY_SPANS), "Sebab", {"sunday"}),
        (TUESDAY, typed(ramadan_friday="13.00-12.00"), "", {"ramadan_friday", "reason"}),
        (TUESDAY, {}, "Sebab", {"monday", "ramadan_monday"}),
        (dt.date(2051, 1, 1), typed(), "Sebab", {"since"}),
    ):
        with pytest.raises(ValidationFailed) as refusal:
            hours_from(session, office, since, week or {"x": ""}, reason=reason)
        assert set(refusal.value.field_errors) == fields
    hours_from(session, office, TUESDAY)
    with pytest.raises(ValidationFailed) as refusal:
        hours_from(session, office, TUESDAY)
    assert set(refusal.value.field_errors) == {"since"}


def test_each_wrong_part_of_a_month_of_ramadan_is_named(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    for first, last, field in (
        (dt.date(2026, 2, 19), dt.date(2026, 3, 18), "last_day"),
        (dt.date(2026, 2, 19), dt.date(2026, 3, 21), "last_day"),
        (dt.date(2026, 3, 20), dt.date(2026, 2, 19), "last_day"),
        (dt.date(2026, 6, 1), dt.date(2026, 6, 30), "first_day"),
        (dt.date(1989, 4, 1), dt.date(1989, 4, 30), "first_day"),
    ):
        with pytest.raises(ValidationFailed) as refusal:
            month(session, office, first, last)
        assert field in refusal.value.field_errors
    month(session, office, dt.date(2026, 2, 19), dt.date(2026, 3, 20))
    with pytest.raises(ValidationFailed) as refusal:
        month(session, office, dt.date(2026, 2, 20), dt.date(2026, 3, 20))
    assert set(refusal.value.field_errors) == {"first_day"}


@pytest.mark.parametrize("percent", [None, 0, -1, 101])
def test_a_share_is_a_percentage(session: AuditedSession, cast: Cast, percent: int | None) -> None:
    set_test_audit_context(session)
    with pytest.raises(ValidationFailed) as refusal:
        set_warning_share(session, cast.lumajang.agency, percent, by=cast.lumajang.administrator, now=NOW, reason="x")
    assert set(refusal.value.field_errors) == {"warning_share"}


def test_a_row_that_is_gone_is_not_altered(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    created, hours = day(session, office), hours_from(session, office, TUESDAY)
    set_test_audit_context(session)
    assert created.agency_id == hours.agency_id
    session.connection().execute(text("DELETE FROM office_day"))
    session.connection().execute(text("DELETE FROM working_hours"))
    attempts: tuple[Callable[[], object], ...] = (
        lambda: created.alter(**LIBUR, hours="", by=office.administrator, now=NOW, reason="x"),
        lambda: created.remove(by=office.administrator, reason="x"),
        lambda: hours.alter(typed(), by=office.administrator, now=NOW, reason="x"),
        lambda: hours.remove(by=office.administrator, reason="x"),
    )  # fmt: skip
    for attempt in attempts:
        with pytest.raises(NoSuchMove):
            attempt()


# The trail and the database


def test_every_write_leaves_its_reason_and_both_states_in_the_trail_of_its_office(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    created = day(session, office)
    set_test_audit_context(session)
    created.alter(kind=DayOverrideKind.JOINT_LEAVE, name="Cuti bersama", hours="", by=office.administrator, now=NOW,
               reason="SKB baru")  # fmt: skip
    session.commit()
    set_test_audit_context(session)
    created.remove(by=office.administrator, reason=" SKB dicabut ")
    session.commit()
    assert reasons(session, "office_day", created.id) == ["SKB dicabut", "SKB baru", "Keputusan Bupati"]
    removed = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    (row,) = json.loads(present(removed).rows)
    assert (present(removed).chain, row["action"], row["before"]["name"]) == (
        office.agency.id,
        "deleted",
        "Cuti bersama",
    )
    hours = hours_from(session, office, TUESDAY)
    assert reasons(session, "working_hours", hours.id) == ["Peraturan Bupati"]
    ramadan = month(session, office, dt.date(2027, 2, 9), dt.date(2027, 3, 9))
    assert reasons(session, "ramadan_month", ramadan.id) == ["Sidang isbat"]
    for percent, reason in ((50, "Lebih awal"), (90, "Lebih lambat")):
        set_test_audit_context(session)
        threshold = set_warning_share(session, office.agency, percent, by=cast.superadmin, now=NOW, reason=reason)
        session.commit()
    assert reasons(session, "threshold", threshold.id) == ["Lebih lambat", "Lebih awal"]
    assert load_warning_share(session, office.agency.id) == 90


def test_the_database_keeps_what_is_set_with_its_office_and_its_day(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    day(session, office)
    hours_from(session, office, TUESDAY)
    month(session, office, dt.date(2027, 2, 9), dt.date(2027, 3, 9))
    set_test_audit_context(session)
    set_warning_share(session, office.agency, 50, by=office.administrator, now=NOW, reason="x")
    session.commit()
    other = cast.tana_tidung.agency.id
    for statement in (
        *(f"UPDATE {table} SET agency_id = {other}" for table in SET_TABLES),
        "UPDATE office_day SET date = '2026-03-04'",
        "UPDATE office_day SET hours = '08.00–11.00'",
        "UPDATE office_day SET name = ''",
        "UPDATE office_day SET kind = 'party'",
        "UPDATE working_hours SET since = '2026-03-04'",
        "UPDATE ramadan_month SET last_day = '2027-02-01'",
        "UPDATE threshold SET warning_share = 0",
        "UPDATE threshold SET warning_share = 101",
    ):  # fmt: skip
        with pytest.raises(IntegrityError):
            session.connection().execute(text(statement))
        session.rollback()
    tables: tuple[type[Any], ...] = (OfficeDay, WorkingHours, RamadanMonth, Threshold)
    for table in tables:
        assert session.scalars(select(table)).one().agency_id == office.agency.id


# Judging


def test_a_holiday_put_in_after_the_fact_changes_what_is_counted_of_a_finished_step(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    make_move(session, change, Outcome.ACCEPTED, office.manager, now=NOW + dt.timedelta(days=2))

    def evaluation() -> StepTiming:
        activity = next(one for one in change.activities if one.step is Step.EVALUATION)
        return measure_activity(change, activity, NOW)

    late = evaluation()
    assert (late.is_late, late.basis, late.measured_time) == (True, "arrival", dt.timedelta(hours=13))
    day(session, office, dt.date(2026, 3, 2))
    day(session, office, dt.date(2026, 3, 3))
    assert (evaluation().is_late, evaluation().measured_time) == (False, dt.timedelta(hours=1))
