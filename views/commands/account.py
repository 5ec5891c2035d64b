"""How each minute of a request was counted, step by step, for the terminal."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click
from sqlalchemy import select

from lpse_admin.errors import Incomplete, NotFound
from lpse_admin.i18n import _
from lpse_admin.worktime.step_timing import Clock, reading
from lpse_admin.worktime.working_calendar import Kind
from models.changes.change import ChangeRequest
from models.office.agency import Agency
from models.office.calendars import calendar_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy.orm import Session

    from lpse_admin.worktime.step_timing import Reading
    from lpse_admin.worktime.working_calendar import Entry, WorkCalendar
    from models.changes.activity import Activity

_SECOND = dt.timedelta(seconds=1)
_SECONDS_OF_A_MINUTE = 60


def find(session: Session, number: str, agency_key: str | None) -> ChangeRequest:
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
        raise Incomplete(_("Several agencies have a request %(number)s; name one with --agency: %(keys)s.",
                           number=number, keys=keys))  # fmt: skip
    return found[0]


def show(session: Session, change: ChangeRequest, now: dt.datetime) -> None:
    """Print every step of ``change`` in order, and how the time of each was counted; open ones until ``now``."""
    calendar = calendar_of(session, change.agency)
    click.echo(f"{change.number}  {change.title or ''}".rstrip())
    click.echo(f"{change.agency.name}, {change.agency.time_zone}; SOP {change.paper.number or change.paper.key}")
    for activity in change.activities:
        _step(calendar, activity, change, now)


def _step(calendar: WorkCalendar, activity: Activity, change: ChangeRequest, now: dt.datetime) -> None:
    paper = change.paper
    rule = paper.rules[activity.step]
    times = Clock(activity.arrived_at, activity.taken_up_at, activity.finished_at)
    read = reading(calendar, rule.standard, paper.switches.clock, times, now)
    zone = calendar.zone
    click.echo()
    click.echo(f"{activity.sequence}. {activity.step.title}")
    click.echo(f"   arrived:   {_moment(times.arrived, zone)}")
    click.echo(f"   taken up:  {_moment(times.taken_up, zone) if times.taken_up else 'not taken up'}")
    click.echo(f"   finished:  {_moment(times.finished, zone) if times.finished else f'open at {_moment(now, zone)}'}")
    _counted("waiting", calendar.account(times.arrived, times.taken_up or read.end), zone)
    if times.taken_up:
        _counted("handling", calendar.account(times.taken_up, read.end), zone)
    _sums(read, rule.standard.text if rule.standard else None, zone)


def _counted(part: str, entries: tuple[Entry, ...], zone: ZoneInfo) -> None:
    click.echo(f"   {part}:")
    so_far = dt.timedelta()
    for entry in entries:
        start, end = entry.start.astimezone(zone), entry.end.astimezone(zone)
        until = f"{end:%H:%M:%S}" if end.date() == start.date() else "24:00:00"
        # Parts of a second are left out of the sum, so that the lines come to what stands below them.
        whole = (so_far + entry.counted) // _SECOND - so_far // _SECOND
        so_far += entry.counted
        counted = _length(whole * _SECOND) if entry.kind is Kind.WORK else "-"
        click.echo(f"     {start:%a %Y-%m-%d  %H:%M:%S}-{until}  {counted:>8}  {entry.remark}")


def _sums(read: Reading, standard: str | None, zone: ZoneInfo) -> None:
    click.echo("   sums (minutes:seconds of working time):")
    click.echo(f"     waiting    {_length(read.waiting):>10}")
    click.echo(f"     handling   {'-' if read.handling is None else _length(read.handling):>10}")
    if read.allowed is None or read.due is None:
        click.echo("     standard            -  not laid down: nothing is judged")
        return
    click.echo(f"     standard   {_length(read.allowed):>10}  {standard}")
    click.echo(f"     judged     {_length(read.measured):>10}  {read.basis}, from {_moment(read.since, zone)}")
    click.echo(f"     due        {_moment(read.due, zone)}")
    over = read.measured - read.allowed
    click.echo(f"     {f'late by {_length(over)}' if read.is_late else 'not late'}")


def _moment(moment: dt.datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"


def _length(length: dt.timedelta) -> str:
    """Return working time in minutes and seconds; a part of a second is left out."""
    minutes, seconds = divmod(length // _SECOND, _SECONDS_OF_A_MINUTE)
    return f"{minutes}:{seconds:02}"
