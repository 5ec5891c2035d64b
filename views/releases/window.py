"""What stands in the way of a release window while it is typed, and what else is in the week in which it begins."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from models.releases.conflicts import freeze_error, overlap_error
from models.validation import is_plausible_date
from views.i18n.language import tr
from views.releases.calendar import CalendarMode, CalendarPage

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from models.reports.waiting import ActingUser
    from views.releases.calendar import CalendarDay
    from views.releases.conflicts import ReleaseConflicts


def describe_conflicts(found: ReleaseConflicts, zone: ZoneInfo) -> dict[str, str]:
    """Return the sentences on freezes and overlapping releases; "" where there are none."""
    return {
        "freezes": tr(freeze_error(list(found.freezes), zone)) if found.freezes else "",
        "overlaps": tr(overlap_error(list(found.overlapping), zone)) if found.overlapping else "",
    }


def week_of_window(
    start: object, end: object, reader: ActingUser, now: dt.datetime, zone: ZoneInfo
) -> list[dict[str, Any]]:
    """Return the days of the week in which a window begins, with what is planned; none while there is no start."""
    if not (isinstance(start, dt.datetime) and is_plausible_date(start)):
        return []
    until = end if isinstance(end, dt.datetime) and end > start else start
    first, last = start.astimezone(zone).date(), until.astimezone(zone).date()
    args = {"view": CalendarMode.WEEK.value, "date": first.isoformat()}
    page = CalendarPage.from_args(args, reader, now, zone)
    return [_day(day, is_chosen=first <= day.date <= last) for week in page.weeks for day in week]


def _day(day: CalendarDay, *, is_chosen: bool) -> dict[str, Any]:
    return {
        "text": day.date_text,
        "holiday": day.holiday[1],
        "chosen": is_chosen,
        "entries": [
            {
                "text": " ".join(filter(None, ("".join(one.time_text), one.entry.number, one.entry.title))),
                "kind": one.kind_text,
                "url": one.url,
            }
            for one in day.entries
        ],
    }
