"""`flask events`: the event log of the procedure, for tools of process mining."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lpse_admin.i18n import _
from models.audit.trail import AuditContext, append_entry
from views.app.clock import now
from views.commands.inspection.dossier import find_office
from views.commands.terminal import CommandGroup, os_user_name, say, write_session
from views.exports.event_log import csv_log_stream, xes_stream
from views.i18n.wording import terminal_text
from views.inspection.contents.event_log import events_of
from views.inspection.contents.period import Period, require_period
from views.inspection.reader import office_reader
from views.listing.export_log import EXPORTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from views.exports.event_log import Event

group = CommandGroup("events", help=terminal_text(_("The event log of the procedure: export.")))

_DAY = click.DateTime(["%Y-%m-%d"])
_FIRST, _LAST = dt.datetime(1900, 1, 2, tzinfo=dt.UTC), dt.datetime(2199, 12, 30, tzinfo=dt.UTC)


@group.command("export")
@click.option("--format", "format_", type=click.Choice(["xes", "csv"]), required=True)
@click.option("--from", "first", type=_DAY, default=_FIRST)
@click.option("--to", "--until", "last", type=_DAY, default=_LAST)
@click.option(
    "--agency", "--office", "office", help=terminal_text(_("Key or name of the LPSE; needed where there are several."))
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def export(format_: str, first: dt.datetime, last: dt.datetime, office: str | None, out: Path) -> None:
    """Write each finished step of the requests of a period, as XES 2.0 or CSV, for tools of process mining."""
    require_period(first.date(), last.date())
    agency_id, name = find_office(office)
    count = 0
    partial = out.with_name(out.name + ".part")

    def counted(events: Iterator[Event]) -> Iterator[Event]:
        nonlocal count
        for event in events:
            count += 1
            yield event

    with partial.open("wb") as file, office_reader(agency_id) as (session, agency, _moment):
        events = counted(events_of(session, agency_id, Period(first.date(), last.date(), agency.zone)))
        file.writelines(xes_stream(events, name) if format_ == "xes" else csv_log_stream(events))
    partial.replace(out)
    with write_session("events export") as session:
        actor = f"terminal ({os_user_name()})"
        note = f"{format_}; {first:%Y-%m-%d} – {last:%Y-%m-%d}"
        append_entry(session, agency_id, AuditContext(now(), None, actor, EXPORTED.value, reason=note), [])
    say(_("%(file)s: %(count)s events.", file=str(out), count=count))
