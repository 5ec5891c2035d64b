"""Classes of records, the events that start their retention, and when it is over."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, Message, _

if TYPE_CHECKING:
    from collections.abc import Mapping

_FEBRUARY, _LEAP_DAY = 2, 29
#: As many years as a rule may say.
MAX_YEARS = 100
#: Records that are destroyed are kept for so many years at least, and by a rule that has stood for so many days.
MIN_YEARS_TO_DESTROY, DAYS_BEFORE_DESTRUCTION = 1, 30


class RecordClass(LabelledEnum):
    """A class of records that has a retention."""

    REQUEST = "request", _("Requests with their records and files")
    RELEASE = "release", _("Releases")
    ASSET = "asset", _("Asset cards")
    NOTIFICATION = "notification", _("Notifications and mails")
    PAPER = "paper", _("Printed papers and signed files")
    AUDIT = "audit", _("Audit trail")


class RetentionEvent(LabelledEnum):
    """What starts the retention of a record."""

    CLOSED = "closed", _("The request is closed")
    RELEASED = "released", _("The release took place")
    RETIRED = "retired", _("The item has left the list")
    WRITTEN = "written", _("The record was written")


class Disposition(LabelledEnum):
    """What becomes of records whose retention is over."""

    DESTROY = "destroy", _("Destroy")
    PERMANENT = "permanent", _("Keep for ever")
    ASSESS = "assess", _("Assess again")


#: The event that starts the retention of each class.
EVENTS: Mapping[RecordClass, RetentionEvent] = {
    RecordClass.REQUEST: RetentionEvent.CLOSED,
    RecordClass.RELEASE: RetentionEvent.RELEASED,
    RecordClass.ASSET: RetentionEvent.RETIRED,
    RecordClass.NOTIFICATION: RetentionEvent.WRITTEN,
    RecordClass.PAPER: RetentionEvent.WRITTEN,
    RecordClass.AUDIT: RetentionEvent.WRITTEN,
}
#: The classes that can be destroyed; what belongs to a request is destroyed with it, and the trail proves the rest.
DESTRUCTIBLE = frozenset({RecordClass.REQUEST})


def due_date(started: dt.date, active_years: int, inactive_years: int) -> dt.date:
    """Return the day on which a retention that began with ``started`` is over."""
    year = started.year + active_years + inactive_years
    if (started.month, started.day) == (_FEBRUARY, _LEAP_DAY):
        return started.replace(year=year, month=3, day=1)
    return started.replace(year=year)


def rule_errors(
    record_class: RecordClass, active_years: int | None, inactive_years: int | None, disposition: Disposition
) -> dict[str, Message]:
    """Return what is wrong with a rule, by field."""
    errors: dict[str, Message] = {}
    for key, years in (("active_years", active_years), ("inactive_years", inactive_years)):
        if years is None or not 0 <= years <= MAX_YEARS:
            errors[key] = _("Enter a number of years from 0 to %(most)s.", most=MAX_YEARS)
    if disposition is Disposition.DESTROY and record_class not in DESTRUCTIBLE:
        errors["disposition"] = _(
            "Only requests can be destroyed, with all that belongs to them; choose to keep or to assess these records."
        )
    elif disposition is Disposition.DESTROY and not errors and not lets_destroy(active_years or 0, inactive_years or 0):
        errors["inactive_years"] = _("What is destroyed is kept for at least one year; enter the years.")
    return errors


def lets_destroy(active_years: int, inactive_years: int) -> bool:
    """Whether a rule with these years lets records be destroyed at all."""
    return active_years + inactive_years >= MIN_YEARS_TO_DESTROY


def counts_for_destruction(set_at: dt.datetime, now: dt.datetime) -> bool:
    """Whether a rule that was set, or changed, at a time has stood long enough for records to be destroyed by it."""
    return now - set_at >= dt.timedelta(days=DAYS_BEFORE_DESTRUCTION)
