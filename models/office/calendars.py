"""The working time of an office as it has set it: hours, days that it changed, months of Ramadan."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Date, String, bindparam, cast, literal, null, select, type_coerce, union_all

from lpse_admin.worktime.national_holidays import DateRange
from lpse_admin.worktime.office_hours import Timetable, WeeklyHours, parse_spans
from lpse_admin.worktime.working_calendar import DayOverride, DayOverrideKind, WorkCalendar
from models.office.office_day import OfficeDay
from models.office.setting import DEFAULT_WARNING_SHARE, Threshold
from models.office.working_hours import RAMADAN_WEEK, WEEK, RamadanMonth, WorkingHours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, CompoundSelect, Select
    from sqlalchemy.orm import Session

    from models.office.agency import Agency

    #: A row of what an office has set: which table, first and last day, kind, name, hours.
    SettingRow = tuple[str, dt.date, dt.date | None, str | None, str | None, str | None]

_DAY, _HOURS, _MONTH = "day", "hours", "month"
_SETTINGS = frozenset({_DAY, _HOURS, _MONTH})
#: The parameter of ``settings_statement``: the ids of the agencies.
AGENCIES: ColumnElement[Any] = bindparam("agencies", expanding=True)
NO_TEXT: ColumnElement[Any] = cast(null(), String)
NO_DATE: ColumnElement[Any] = cast(null(), Date)
_DAY_SEPARATOR = "\n"


def load_calendar(session: Session, agency: Agency) -> WorkCalendar:
    """Return the calendar by which every clock of ``agency`` runs; the same object while nothing has changed in it."""
    return load_calendars(session, [agency])[agency.id]


def load_calendars(session: Session, agencies: Sequence[Agency]) -> dict[int, WorkCalendar]:
    """Return the calendars of ``agencies`` by their ids, read by one statement."""
    return load_calendars_with(session, _CALENDARS, agencies)[0]


def load_calendars_with(
    session: Session, statement: CompoundSelect[Any], agencies: Sequence[Agency]
) -> tuple[dict[int, WorkCalendar], list[tuple[Any, ...]]]:
    """Return the calendars of ``agencies`` by their ids, and the rows of ``statement`` that are no settings.

    ``statement`` is made by ``settings_statement``.
    """
    settings: dict[int, list[SettingRow]] = {agency.id: [] for agency in agencies}
    others: list[tuple[Any, ...]] = []
    for row in session.connection().execute(statement, {"agencies": list(settings)}).all():
        agency_id, *setting = row
        if setting[0] in _SETTINGS:
            settings[agency_id].append(tuple(setting))
        else:
            others.append(tuple(row))
    return {agency.id: _build_calendar(agency.time_zone, tuple(settings[agency.id])) for agency in agencies}, others


def load_warning_share(session: Session, agency_id: int) -> int:
    """Return at how many percent of a standard time somebody is told that they are about to be late."""
    share = session.scalar(select(Threshold.warning_share).where(Threshold.agency_id == agency_id))
    return DEFAULT_WARNING_SHARE if share is None else share


# Saves the tables of the years, 1.1 ms each, on every page with times.
@lru_cache(maxsize=64)
def _build_calendar(time_zone: str, settings: tuple[SettingRow, ...]) -> WorkCalendar:
    """Make the calendar; kept by its content, so that its tables of years are made once, whoever asks."""
    overrides: dict[dt.date, DayOverride] = {}
    months: list[DateRange] = []
    timetables: list[Timetable] = []
    for which, first, last, kind, name, hours in settings:
        if which == _DAY:
            overrides[first] = DayOverride(DayOverrideKind(kind or ""), name or "", parse_spans(hours or ""))
        elif last is not None:
            months.append(DateRange(first, last))
        else:
            week = (hours or "").split(_DAY_SEPARATOR)
            days = len(WEEK)
            timetables.append(
                Timetable(first, WeeklyHours.from_texts(*week[:days]), WeeklyHours.from_texts(*week[days:]))
            )
    return WorkCalendar(
        ZoneInfo(time_zone), overrides=overrides, ramadans=tuple(months), later_timetables=tuple(timetables)
    )


def settings_statement(*also: Select[Any]) -> CompoundSelect[Any]:
    """Return the statement for everything that a calendar is built from; every page executes it.

    ``also`` are read with it: the agency's id, which kind of row, two dates and three texts each.
    """
    texts = [getattr(WorkingHours, day) for day in (*WEEK, *RAMADAN_WEEK)]
    week: Any = texts[0]
    for text in texts[1:]:
        week = week + literal(_DAY_SEPARATOR) + text
    day = (literal(_DAY).label("which"), OfficeDay.date.label("first"), NO_DATE)
    named = (type_coerce(OfficeDay.kind, String), OfficeDay.name, OfficeDay.hours)
    month = (literal(_MONTH), RamadanMonth.first_day, RamadanMonth.last_day, NO_TEXT, NO_TEXT, NO_TEXT)
    hours = (literal(_HOURS), WorkingHours.since, NO_DATE, NO_TEXT, NO_TEXT, week)
    return union_all(
        select(OfficeDay.agency_id, *day, *named).where(OfficeDay.agency_id.in_(AGENCIES)),
        select(RamadanMonth.agency_id, *month).where(RamadanMonth.agency_id.in_(AGENCIES)),
        select(WorkingHours.agency_id, *hours).where(WorkingHours.agency_id.in_(AGENCIES)),
        *also,
    ).order_by("which", "first")


_CALENDARS = settings_statement()
