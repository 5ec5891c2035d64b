"""How each minute of a request was counted, step by step, for the terminal."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click
from sqlalchemy import select

from lpse_admin.errors import NotFound, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.worktime.step_timing import StepTimestamps, measure_timing
from lpse_admin.worktime.working_calendar import TimeKind
from models.changes.change import ChangeRequest
from models.office.agency import Agency
from models.office.calendars import load_calendar

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy.orm import Session

    from lpse_admin.worktime.step_timing import StepTiming
    from lpse_admin.worktime.working_calendar import TimeSegment, WorkCalendar
    from models.changes.activity import Activity

_SECOND = dt.timedelta(seconds=1)
_SECONDS_OF_A_MINUTE = 60


def find_change(session: Session, number: str, agency_key: str | None) -> ChangeRequest:
    """Return the request of this number; raises NotFound, and Incomplete where several agencies have the number."""
    if agency_key is not None and session.scalar(select(Agency.id).where(Agency.key == agency_key)) is None:
        raise NotFound(_("There is no agency %(key)s.", key=agency_key))
    question = select(ChangeRequest).join(Agency, Agency.id == ChangeRequest.agency_id)
    question = question.where(ChangeRequest.number == number)
    if agency_key is not None:
        question = question.where(Agency.key == agency_key)
    found = session.scalars(question.order_by(Agency.key)).all()
    if not found:
        raise NotFound(_("There is no request %(number)s.", number=number))
    if len(found) > 1:
        keys = ", ".join(change.agency.key for change in found)
        raise ValidationFailed(_("Several agencies have a request %(number)s; choose one with --agency: %(keys)s.",
                           number=number, keys=keys))  # fmt: skip
    return found[0]


def print_timing(session: Session, change: ChangeRequest, now: dt.datetime) -> None:
    """Print every step of ``change`` in order, and how the time of each was counted; open ones until ``now``."""
    calendar = load_calendar(session, change.agency)
    click.echo(f"{change.number}  {change.title or ''}".rstrip())
    click.echo(f"{change.agency.name}, {change.agency.time_zone}; SOP {change.sop.number or change.sop.key}")
    for activity in change.activities:
        _print_step(calendar, activity, change, now)


def _finished_text(finished_at: dt.datetime | None, now: dt.datetime, zone: ZoneInfo) -> str:
    return _format_datetime(finished_at, zone) if finished_at else f"open at {_format_datetime(now, zone)}"


def _print_step(calendar: WorkCalendar, activity: Activity, change: ChangeRequest, now: dt.datetime) -> None:
    paper = change.sop
    rule = paper.rules[activity.step]
    times = StepTimestamps(activity.arrived_at, activity.taken_up_at, activity.finished_at)
    read = measure_timing(calendar, rule.standard, paper.switches.timing_basis, times, now)
    zone = calendar.time_zone
    click.echo()
    click.echo(f"{activity.sequence}. {activity.step.title}")
    click.echo(f"   arrived:   {_format_datetime(times.arrived_at, zone)}")
    click.echo(f"   taken up:  {_format_datetime(times.taken_up_at, zone) if times.taken_up_at else 'not taken up'}")
    click.echo(f"   finished:  {_finished_text(times.finished_at, now, zone)}")
    _print_entries("waiting", calendar.breakdown(times.arrived_at, times.taken_up_at or read.measured_until), zone)
    if times.taken_up_at:
        _print_entries("handling", calendar.breakdown(times.taken_up_at, read.measured_until), zone)
    _print_totals(read, rule.standard.text if rule.standard else None, zone)


def _print_entries(label: str, entries: tuple[TimeSegment, ...], zone: ZoneInfo) -> None:
    click.echo(f"   {label}:")
    so_far = dt.timedelta()
    for entry in entries:
        start, end = entry.start.astimezone(zone), entry.end.astimezone(zone)
        until = f"{end:%H:%M:%S}" if end.date() == start.date() else "24:00:00"
        # Parts of a second are left out of the sum, so that the lines come to what stands below them.
        whole = (so_far + entry.working_time) // _SECOND - so_far // _SECOND
        so_far += entry.working_time
        counted = _format_duration(whole * _SECOND) if entry.kind is TimeKind.WORK else "-"
        click.echo(f"     {start:%a %Y-%m-%d  %H:%M:%S}-{until}  {counted:>8}  {entry.explanation}")


def _print_totals(timing: StepTiming, standard: str | None, zone: ZoneInfo) -> None:
    click.echo("   sums (minutes:seconds of working time):")
    click.echo(f"     waiting    {_format_duration(timing.waiting_time):>10}")
    click.echo(f"     handling   {'-' if timing.handling_time is None else _format_duration(timing.handling_time):>10}")
    if timing.allowed_time is None or timing.due is None:
        click.echo("     standard            -  not specified: nothing is judged")
        return
    click.echo(f"     standard   {_format_duration(timing.allowed_time):>10}  {standard}")
    click.echo(
        f"     judged     {_format_duration(timing.measured_time):>10}  {timing.basis}, "
        f"from {_format_datetime(timing.measured_from, zone)}"
    )
    click.echo(f"     due        {_format_datetime(timing.due, zone)}")
    over = timing.measured_time - timing.allowed_time
    click.echo(f"     {f'late by {_format_duration(over)}' if timing.is_late else 'not late'}")


def _format_datetime(moment: dt.datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"


def _format_duration(length: dt.timedelta) -> str:
    """Return working time in minutes and seconds; a part of a second is left out."""
    minutes, seconds = divmod(length // _SECOND, _SECONDS_OF_A_MINUTE)
    return f"{minutes}:{seconds:02}"
