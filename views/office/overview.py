"""What counts in an office: the days of a year, and its settings as they are today."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request

from lpse_admin.documents.file_types import ALL_FILE_TYPES, FileType
from lpse_admin.notifications.digest import DEFAULT_DIGEST_TIME
from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR, national_holidays, ramadan_periods
from lpse_admin.worktime.office_hours import WEEKDAYS, Timetable
from models.database import db
from models.office.calendars import load_calendar
from models.office.office_day import OfficeDay, load_office_days
from models.office.options import load_options
from models.office.setting import DEFAULT_WARNING_SHARE, load_threshold
from models.office.working_hours import RAMADAN_WEEK, WEEK, load_ramadan_months
from models.sops.sop import sop_in_force
from views.app.clock import now
from views.i18n.language import tr
from views.office.agencies import agency_by_key, selectable_agencies
from views.office.forms import FILE_TYPE_LABELS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lpse_admin.worktime.national_holidays import DateRange, Holiday
    from lpse_admin.worktime.working_calendar import WorkCalendar, WorkCalendarDay
    from models.office.agency import Agency

_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OverviewDay:
    """A day of a year: what the national list says, and what the office has set."""

    date: dt.date
    weekday: str
    national: Holiday | None
    office_day: OfficeDay | None
    day: WorkCalendarDay


def agency_context() -> dict[str, Any]:
    """Return the office whose settings are shown, and those to choose from; None where there is none."""
    agencies = selectable_agencies()
    agency = agency_by_key(agencies, request.args.get("agency"))
    return {"agency": agency, "agencies": agencies if len(agencies) > 1 else []}


def year_context(agency: Agency) -> dict[str, Any]:
    """Return the days of the year in the address, of this year without one."""
    text = request.args.get("year", "")
    year = int(text) if text.isdigit() else now().astimezone(agency.zone).year
    return {
        "year": year,
        "years": [near for near in (year - 1, year + 1) if FIRST_YEAR <= near <= LAST_YEAR],
        "lines": _year_overview(agency, year),
    }


def settings_context(agency: Agency) -> dict[str, Any]:
    """Return all that counts in the office today, and what is to come."""
    session, today = db.session(), agency.local_date(now())
    calendar = load_calendar(session, agency)
    present = _hours_on(calendar, today)
    return {
        "present": present,
        "week": weekday_rows(present),
        "coming": [later.since for later in calendar.later_timetables if later.since > today],
        "is_default": present.since == dt.date.min,
        "months": load_ramadan_months(session, agency.id),
        "calculated": _calculated_ramadans(calendar, today),
        "threshold": load_threshold(session, agency.id),
        **_options_context(session, agency),
        "default_share": DEFAULT_WARNING_SHARE,
        "sop": sop_in_force(session, agency.id),
    }


def _options_context(session: Session, agency: Agency) -> dict[str, Any]:
    """Return what the office has chosen of files and mail."""
    options = load_options(session, agency.id)
    accepted = ALL_FILE_TYPES if options is None else options.accepted_types
    digest_time = DEFAULT_DIGEST_TIME if options is None else options.digest_at
    return {
        "options": options,
        "file_types": [tr(FILE_TYPE_LABELS[kind]) for kind in FileType if kind in accepted],
        "digest_time": f"{digest_time:%H.%M}",
    }


def default_hours() -> dict[str, Any]:
    """Return what the form for new hours begins with: the present ones, from tomorrow on."""
    agency = agency_context()["agency"]
    if agency is None:
        return {}
    today = agency.local_date(now())
    present = _hours_on(load_calendar(db.session(), agency), today)
    texts = (*present.hours.texts, *present.ramadan_hours.texts)
    return {"since": today + _ONE_DAY, **dict(zip((*WEEK, *RAMADAN_WEEK), texts, strict=True))}


def weekday_rows(timetable: Timetable) -> list[tuple[str, str, str]]:
    """Return (day, hours, hours in Ramadan) for each day of the week."""
    texts = zip(WEEKDAYS, timetable.hours.texts, timetable.ramadan_hours.texts, strict=True)
    return [(tr(day), hours, ramadan) for day, hours, ramadan in texts]


def _year_overview(agency: Agency, year: int) -> list[OverviewDay]:
    """Return every day of ``year`` that the national list names or the office has set, in order."""
    session = db.session()
    calendar = load_calendar(session, agency)
    national = national_holidays(year)
    own = {day.date: day for day in load_office_days(session, agency.id, year)}
    return [
        OverviewDay(date, tr(WEEKDAYS[date.weekday()]), national.get(date), own.get(date), calendar.day(date))
        for date in sorted({*national, *own})
    ]


def _hours_on(calendar: WorkCalendar, date: dt.date) -> Timetable:
    """Return the hours of ``date``; those that nobody set have ``date.min`` as their first day."""
    first = Timetable(dt.date.min, calendar.hours, calendar.ramadan_hours)
    return next((later for later in reversed(calendar.later_timetables) if later.since <= date), first)


def _calculated_ramadans(calendar: WorkCalendar, today: dt.date) -> list[DateRange]:
    """Return the calculated months of this year and the next that no month that is set replaces."""
    years = [year for year in (today.year, today.year + 1) if FIRST_YEAR <= year <= LAST_YEAR]
    months = {month for year in years for month in ramadan_periods(year)}
    return sorted(month for month in months if not any(month.overlaps(own) for own in calendar.ramadans))
