"""Print how the working time of a request was counted, step by step."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click
from sqlalchemy import select

from lpse_admin.errors import NotFound, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.worktime.step_timing import measure_step
from lpse_admin.worktime.working_calendar import TimeKind
from models.changes.change import ChangeRequest
from models.office.agency import Agency
from models.office.calendars import load_calendar

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy.orm import Session

    from lpse_admin.sop import Sop, StandardTime
    from lpse_admin.worktime.step_timing import StepTiming
    from lpse_admin.worktime.working_calendar import TimeSegment, WorkCalendar
    from models.changes.activity import Activity

_SECOND = dt.timedelta(seconds=1)
_SECONDS_PER_MINUTE = 60


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
    return _format_datetime(finished_at, zone) if finished_at else f"open at {_format_datetime(now, zone)}"


def _print_step(calendar: WorkCalendar, activity: Activity, sop: Sop, now: dt.datetime) -> None:
    times, zone = activity.timestamps, calendar.time_zone
    timing = measure_step(calendar, sop, activity.step, times, now)
    click.echo()
    click.echo(f"{activity.sequence}. {activity.step.title}")
    click.echo(f"   arrived:   {_format_datetime(times.arrived_at, zone)}")
    click.echo(f"   taken up:  {_format_datetime(times.taken_up_at, zone) if times.taken_up_at else 'not taken up'}")
    click.echo(f"   finished:  {_finished_text(times.finished_at, now, zone)}")
    _print_segments("waiting", calendar.breakdown(times.arrived_at, times.taken_up_at or timing.measured_until), zone)
    if times.taken_up_at:
        _print_segments("handling", calendar.breakdown(times.taken_up_at, timing.measured_until), zone)
    _print_totals(timing, sop.rules[activity.step].standard, zone)


def _print_segments(label: str, segments: tuple[TimeSegment, ...], zone: ZoneInfo) -> None:
    click.echo(f"   {label}:")
    total = dt.timedelta()
    for segment in segments:
        start, end = segment.start.astimezone(zone), segment.end.astimezone(zone)
        until = f"{end:%H:%M:%S}" if end.date() == start.date() else "24:00:00"
        # Fractions of a second are carried over, so that the lines add up to the sums below them.
        seconds = (total + segment.working_time) // _SECOND - total // _SECOND
        total += segment.working_time
        counted = _format_duration(seconds * _SECOND) if segment.kind is TimeKind.WORK else "-"
        click.echo(f"     {start:%a %Y-%m-%d  %H:%M:%S}-{until}  {counted:>8}  {segment.explanation}")


def _print_totals(timing: StepTiming, standard: StandardTime | None, zone: ZoneInfo) -> None:
    """Print the sums; ``standard`` is what the SOP sets, whether or not the step is judged by it."""
    click.echo("   sums (minutes:seconds of working time):")
    click.echo(f"     waiting    {_format_duration(timing.waiting_time):>10}")
    click.echo(f"     handling   {'-' if timing.handling_time is None else _format_duration(timing.handling_time):>10}")
    if standard is None:
        click.echo("     standard            -  not specified: nothing is measured")
    elif timing.allowed_time is None or timing.due is None:
        click.echo(f"     standard            -  {standard.text}: the requester's own step is not judged")
    else:
        _print_lateness(timing, timing.allowed_time, timing.due, standard.text, zone)


def _print_lateness(timing: StepTiming, allowed: dt.timedelta, due: dt.datetime, standard: str, zone: ZoneInfo) -> None:
    click.echo(f"     standard   {_format_duration(allowed):>10}  {standard}")
    click.echo(
        f"     measured   {_format_duration(timing.measured_time):>10}  {timing.basis}, "
        f"from {_format_datetime(timing.measured_from, zone)}"
    )
    click.echo(f"     due        {_format_datetime(due, zone)}")
    over = timing.measured_time - allowed
    click.echo(f"     {f'late by {_format_duration(over)}' if timing.is_late else 'not late'}")


def _format_datetime(value: dt.datetime, zone: ZoneInfo) -> str:
    return f"{value.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"


def _format_duration(duration: dt.timedelta) -> str:
    """Return minutes and seconds; fractions of a second are dropped."""
    minutes, seconds = divmod(duration // _SECOND, _SECONDS_PER_MINUTE)
    return f"{minutes}:{seconds:02}"
