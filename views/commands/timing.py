"""Print how the working time of a request was counted, step by step."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click
from babel.dates import format_date
from sqlalchemy import select

from lpse_admin.errors import NotFound, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.worktime.step_timing import measure_step
from lpse_admin.worktime.working_calendar import TimeKind
from models.changes.change import ChangeRequest
from models.office.agency import Agency
from models.office.calendars import load_calendar
from views.commands.terminal import localized

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy.orm import Session

    from lpse_admin.sop import Sop, StandardTime
    from lpse_admin.worktime.step_timing import StepTiming
    from lpse_admin.worktime.working_calendar import TimeSegment, WorkCalendar
    from models.changes.steps.activity import Activity

_SECOND = dt.timedelta(seconds=1)
_SECONDS_PER_MINUTE = 60
_LOCALE = "id"
_BASIS = {"handling": _("Handling time"), "arrival": _("Time since the request arrived")}


def find_change(session: Session, number: str, agency_key: str | None) -> ChangeRequest:
    """Return the request of this number.

    Raises NotFound, and ValidationFailed if several agencies have the number and ``agency_key`` is None.
    """
    if agency_key is not None and session.scalar(select(Agency.id).where(Agency.key == agency_key)) is None:
        raise NotFound(_("There is no agency %(key)s.", key=agency_key))
    statement = select(ChangeRequest).join(Agency, Agency.id == ChangeRequest.agency_id)
    statement = statement.where(ChangeRequest.number == number)
    if agency_key is not None:
        statement = statement.where(Agency.key == agency_key)
    changes = session.scalars(statement.order_by(Agency.key)).all()
    if not changes:
        raise NotFound(_("There is no request %(number)s.", number=number))
    if len(changes) > 1:
        keys = ", ".join(change.agency.key for change in changes)
        raise ValidationFailed(_("Several agencies have a request %(number)s; choose one with --agency: %(keys)s.",
                           number=number, keys=keys))  # fmt: skip
    return changes[0]


def print_timing(session: Session, change: ChangeRequest, now: dt.datetime) -> None:
    """Print each step of ``change`` in order and how its time was counted; the open step's until ``now``."""
    calendar = load_calendar(session, change.agency)
    click.echo(f"{change.number}  {change.title or ''}".rstrip())
    click.echo(f"{change.agency.name}, {change.agency.time_zone}; SOP {change.sop.number or change.sop.key}")
    for activity in change.activities:
        _print_step(calendar, activity, change.sop, now)


def _finished_text(finished_at: dt.datetime | None, now: dt.datetime, zone: ZoneInfo) -> str:
    if finished_at:
        return _format_datetime(finished_at, zone)
    return localized(_("open on %(moment)s", moment=_format_datetime(now, zone)))


def _print_step(calendar: WorkCalendar, activity: Activity, sop: Sop, now: dt.datetime) -> None:
    times, zone = activity.timestamps, calendar.time_zone
    timing = measure_step(calendar, sop, activity.step, times, now)
    click.echo()
    click.echo(f"{activity.sequence}. {localized(activity.step.title)}")
    taken_up = _format_datetime(times.taken_up_at, zone) if times.taken_up_at else localized(_("not taken up"))
    _print_field(_("Received"), _format_datetime(times.arrived_at, zone))
    _print_field(_("Taken up"), taken_up)
    _print_field(_("Finished"), _finished_text(times.finished_at, now, zone))
    _print_segments(
        _("Waiting"), calendar.breakdown(times.arrived_at, times.taken_up_at or timing.measured_until), zone
    )
    if times.taken_up_at:
        _print_segments(_("Handling"), calendar.breakdown(times.taken_up_at, timing.measured_until), zone)
    _print_totals(timing, sop.rules[activity.step].standard, zone)


def _print_field(label: Message, value: str, indent: int = 3) -> None:
    click.echo(f"{' ' * indent}{localized(label):<16}  {value}")


def _print_segments(label: Message, segments: tuple[TimeSegment, ...], zone: ZoneInfo) -> None:
    click.echo(f"   {localized(label)}:")
    total = dt.timedelta()
    for segment in segments:
        start, end = segment.start.astimezone(zone), segment.end.astimezone(zone)
        until = f"{end:%H:%M:%S}" if end.date() == start.date() else "24:00:00"
        # Fractions of a second are carried over, so that the lines add up to the sums below them.
        seconds = (total + segment.working_time) // _SECOND - total // _SECOND
        total += segment.working_time
        counted = _format_duration(seconds * _SECOND) if segment.kind is TimeKind.WORK else "-"
        day = format_date(start, "EEE d MMM y", locale=_LOCALE)
        click.echo(f"     {day:<16}  {start:%H:%M:%S}-{until}  {counted:>8}  {localized(segment.explanation)}")


def _print_totals(timing: StepTiming, standard: StandardTime | None, zone: ZoneInfo) -> None:
    """Print the sums; ``standard`` is what the SOP sets, whether or not the step is judged by it."""
    handling = "-" if timing.handling_time is None else _format_duration(timing.handling_time)
    heading = localized(_("Sums of working time (minutes:seconds)"))
    click.echo(f"   {heading}:")
    _print_field(_("Waiting"), f"{_format_duration(timing.waiting_time):>10}", 5)
    _print_field(_("Handling"), f"{handling:>10}", 5)
    if standard is None:
        _print_field(_("Standard time"), localized(_("not specified: nothing is measured")), 5)
    elif timing.allowed_time is None or timing.due is None:
        note = _("%(standard)s: the requester's own step is not measured", standard=standard.text)
        _print_field(_("Standard time"), localized(note), 5)
    else:
        _print_lateness(timing, timing.allowed_time, timing.due, standard.text, zone)


def _print_lateness(timing: StepTiming, allowed: dt.timedelta, due: dt.datetime, standard: str, zone: ZoneInfo) -> None:
    _print_field(_("Standard time"), f"{_format_duration(allowed):>10}  {standard}", 5)
    basis = _(
        "%(basis)s, since %(moment)s", basis=_BASIS[timing.basis], moment=_format_datetime(timing.measured_from, zone)
    )
    _print_field(_("Measured"), f"{_format_duration(timing.measured_time):>10}  {localized(basis)}", 5)
    _print_field(_("Due date"), _format_datetime(due, zone), 5)
    over = _format_duration(timing.measured_time - allowed)
    verdict = _("late by %(time)s", time=over) if timing.is_late else _("not late")
    _print_field(_("Timeliness"), localized(verdict), 5)


def _format_datetime(value: dt.datetime, zone: ZoneInfo) -> str:
    local = value.astimezone(zone)
    return f"{format_date(local, 'EEE d MMM y', locale=_LOCALE)} {local:%H:%M:%S %Z}"


def _format_duration(duration: dt.timedelta) -> str:
    """Return minutes and seconds; fractions of a second are dropped."""
    minutes, seconds = divmod(duration // _SECOND, _SECONDS_PER_MINUTE)
    return f"{minutes}:{seconds:02}"
