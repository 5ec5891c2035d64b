"""The registers of a dossier: every list of the program within the period, and those that no screen has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import select

from lpse_admin.i18n import Message, _
from lpse_admin.notifications.events import DOSSIER_EVENTS
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from models.database import is_sqlite
from models.inventory.asset import Asset, AssetMutation, MutationKind
from models.notifications.notification import Notification
from models.scope import visible
from views.app.access import get_current_user
from views.exports.columns import CellKind, ExportColumn
from views.i18n.wording import tr
from views.listing.exporting import finished_rows
from views.listing.lists import ListArguments, ListQuery
from views.listing.page.cells import export_columns

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from views.inspection.contents.period import Period
    from views.listing.read_only_view import ReadOnlyView

    Rows = Iterator[Sequence[object]]

_FETCHED = 2_000
#: Where the program keeps its screens, in the order of the menu.
SCREENS_KEY = "lpse_screens"


@dataclass(frozen=True, slots=True)
class Register:
    """A table of the dossier; ``rows`` reads it anew each time."""

    name: str
    title: str
    columns: Sequence[ExportColumn]
    rows: Callable[[], Rows]
    count: int


def registers(session: Session, period: Period, trail: tuple[int, int]) -> Iterator[Register]:
    """Yield the registers in the order of the menu, then those of the asset list and the event log.

    ``trail`` is the number of the entry before the first of the audit trail, and that of the last.
    """
    screens: Sequence[ReadOnlyView] = current_app.extensions[SCREENS_KEY]
    for screen in screens:
        table = screen.spec.model.__table__
        is_trail = screen.spec.model is AuditEntry
        criterion = table.c.number.between(trail[0] + 1, trail[1]) if is_trail else period.criterion(screen.spec)
        if screen.spec.model is Notification:
            # What only tells that a dossier is ready is no part of the next one.
            criterion &= Notification.event.not_in(DOSSIER_EVENTS)
        yield _of_screen(session, period, screen, criterion)
    for name, title, at in (
        ("aset-awal", _("Asset list at the beginning of the period"), period.start),
        ("aset-akhir", _("Asset list at the end of the period"), period.end),
    ):
        yield _counted(name, title, _ASSET_COLUMNS, partial(assets_at, session, at))
    yield _counted(
        "mutasi-aset", _("Mutations of the asset list"), _MUTATION_COLUMNS, lambda: _mutations(session, period)
    )
    yield _counted("log-peristiwa", _("Event log"), _EVENT_COLUMNS, lambda: events(session, period))


def _of_screen(session: Session, period: Period, screen: ReadOnlyView, within: ColumnElement[bool]) -> Register:
    spec = screen.reader_spec()
    criterion = visible(spec.model, get_current_user()) & within
    arguments = ListArguments.parse(spec, {entry.key: "all" for entry in spec.column_filters if entry.default})
    query = ListQuery(spec, arguments, criterion, period.zone)
    columns = screen.sort_for_details(screen.get_columns(in_export=True))
    statement = query.export_statement(columns, as_text=is_sqlite(session))

    def rows() -> Rows:
        result = session.connection().execute(statement, execution_options={"yield_per": _FETCHED})
        return finished_rows(columns, (row for part in result.partitions() for row in part), session)

    return Register(
        screen.resource.value, tr(screen.title), export_columns(columns), rows, query.count(session, limit=None)
    )


def _counted(
    name: str, title: Message, columns: Sequence[tuple[Message, CellKind]], rows: Callable[[], Rows]
) -> Register:
    described = [ExportColumn(tr(heading), kind, key=heading.text) for heading, kind in columns]
    return Register(name, tr(title), described, rows, sum(1 for _row in rows()))


# -- the asset list --------------------------------------------------------------------------------------------

_COMMON = ("card", "code", "register", "name", "condition", "price", "origin", "remarks")
_ASSET_COLUMNS = (
    (_("Code"), CellKind.TEXT),
    (_("Register number"), CellKind.TEXT),
    (_("Card"), CellKind.TEXT),
    (_("Name"), CellKind.TEXT),
    (_("Condition"), CellKind.TEXT),
    (_("Price"), CellKind.MONEY),
    (_("Origin"), CellKind.TEXT),
    (_("Remarks"), CellKind.TEXT),
    (_("Further columns of the card"), CellKind.TEXT),
)


def assets_at(session: Session, at: dt.datetime) -> Rows:
    """Yield the items on the list at ``at``: as the next mutation after it found them, else as they are."""
    later: dict[int, dict[str, Any]] = {}
    statement = (
        select(AssetMutation.asset_id, AssetMutation.kind, AssetMutation.before)
        .join(Activity, Activity.id == AssetMutation.update_id)
        .where(Activity.finished_at >= at, Activity.agency_id == get_current_user().agency_id)
        .order_by(AssetMutation.id)
    )
    for asset_id, kind, before in session.execute(statement):
        later.setdefault(asset_id, {} if kind is MutationKind.ADDED else json.loads(before or "{}"))
    table: Any = Asset.__table__
    items = select(table).where(table.c.agency_id == get_current_user().agency_id, table.c.entered_at < at)
    ordered = items.order_by(table.c.code, table.c.register)
    for row in session.connection().execute(ordered, execution_options={"yield_per": _FETCHED}).mappings():
        if row["id"] not in later and row["is_retired"]:
            continue
        if (former := later.get(row["id"])) is not None and not former:
            continue
        now = {name: row[name] for name in _COMMON} | (row["details"] or {})
        values = now | (former or {})
        further = {key: value for key, value in values.items() if key not in _COMMON and value not in {None, ""}}
        yield (
            values["code"], values["register"], str(getattr(values["card"], "value", values["card"])), values["name"],
            _text(values["condition"]), values["price"], values["origin"], values["remarks"],
            json.dumps(further, ensure_ascii=False, sort_keys=True, default=str) if further else "",
        )  # fmt: skip


def _text(value: object) -> str:
    return "" if value is None else tr(value)


_MUTATION_COLUMNS = (
    (_("Number"), CellKind.TEXT),
    (_("Date and time"), CellKind.DATETIME),
    (_("Kind of mutation"), CellKind.TEXT),
    (_("Asset"), CellKind.TEXT),
    (_("Reason"), CellKind.TEXT),
    (_("Before"), CellKind.TEXT),
    (_("After"), CellKind.TEXT),
)


def _mutations(session: Session, period: Period) -> Rows:
    statement = (
        select(AssetMutation, ChangeRequest.number, Activity.finished_at)
        .join(Activity, Activity.id == AssetMutation.update_id)
        .join(ChangeRequest, ChangeRequest.id == AssetMutation.change_id)
        .where(
            AssetMutation.agency_id == get_current_user().agency_id,
            Activity.finished_at >= period.start,
            Activity.finished_at < period.end,
        )
        .order_by(AssetMutation.id)
    )
    for mutation, number, at in session.execute(statement.execution_options(yield_per=_FETCHED)):
        kind = tr(mutation.kind.title)
        yield number, at, kind, str(mutation.asset), mutation.reason, mutation.before, mutation.after


# -- the event log ---------------------------------------------------------------------------------------------

_EVENT_COLUMNS = (
    (_("Number"), CellKind.TEXT),
    (_("Step"), CellKind.TEXT),
    (_("Outcome"), CellKind.TEXT),
    (_("Arrived"), CellKind.DATETIME),
    (_("Assigned"), CellKind.DATETIME),
    (_("Finished"), CellKind.DATETIME),
    (_("By"), CellKind.TEXT),
    (_("Capacity"), CellKind.TEXT),
)


def events(session: Session, period: Period) -> Rows:
    """Yield each step that was finished in the period, request by request."""
    table: Any = Activity.__table__
    statement = (
        select(
            ChangeRequest.number, table.c.step, table.c.outcome, table.c.arrived_at, table.c.taken_up_at,
            table.c.finished_at, table.c.actor_name, table.c.capacity,
        )
        .join(ChangeRequest, ChangeRequest.id == table.c.change_id)
        .where(
            table.c.agency_id == get_current_user().agency_id,
            table.c.finished_at >= period.start,
            table.c.finished_at < period.end,
        )
        .order_by(table.c.change_id, table.c.sequence)
    )  # fmt: skip
    for row in session.connection().execute(statement, execution_options={"yield_per": _FETCHED}):
        yield row[0], tr(row[1].title), tr(row[2].title), *row[3:]


__all__ = ["SCREENS_KEY", "Register", "registers"]
