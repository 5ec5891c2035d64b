"""The audit trail: who did what, when, in what capacity, from where and why, with each row before and after."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import BigInteger, case, cast, exists, func, literal, literal_column, or_, select
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import _
from lpse_admin.search.query import parse_search
from lpse_admin.sop.steps import Outcome
from models.audit.actions import AUDIT_ACTIONS, AuditAction
from models.audit.search import TrailSearch
from models.audit.trail import AuditEntry, AuditRow, RowAction
from models.changes.change import ChangeRequest
from models.database import db
from models.search.search import number_matches
from views.app.access import get_current_user
from views.audit.words import TABLES, column_title, table_title, value_text
from views.exports.columns import CellKind
from views.i18n.language import tr
from views.listing.filters.kinds import CaseFilter, DateRangeFilter, OptionFilter, TextFilter, WordsFilter
from views.listing.filters.order import ListIndex, Shortcut
from views.listing.lists import MAX_COUNT, Column, ComputedColumns
from views.listing.page.cells import full_text, shortened_text
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from lpse_admin.i18n import Message
    from views.listing.lists import ListQuery

#: Actions that no operation of the models names. What has no title (a command, an address) is shown as it is stored.
_ACTIONS = (
    AuditAction("change.draft", _("Started a request")),
    AuditAction("change.save", _("Saved a step's record")),
    AuditAction("change.discard", _("Discarded a draft")),
    *(AuditAction(f"change.{outcome}", _("Move: %(outcome)s", outcome=outcome.title)) for outcome in Outcome),
    AuditAction("document.remove", _("Removed a file")),
    AuditAction("release.actual", _("Recorded the actual time of a release")),
    AuditAction("sop.load", _("Loaded an SOP")),
    AuditAction("sop.enact", _("Enacted an SOP")),
    AuditAction("asset.enter", _("Entered an item in the asset list")),
    AuditAction("asset.correct", _("Corrected an entry of the asset list")),
    AuditAction("change.take-up", _("Assigned a step to themselves")),
    AuditAction("change.hand-over", _("Reassigned a step")),
    AuditAction("deviation.dispose", _("Decided on a deviation")),
    AuditAction("deviation.follow-up", _("Recorded a follow-up of a deviation")),
    AuditAction("demo.start", _("Filled the demo")),
    AuditAction("deadline.sweep", _("Checked for overdue steps")),
    AuditAction("notification.read", _("Read a notification")),
    AuditAction("mail.send", _("Sent a mail")),
    AuditAction("mail.again", _("Requeued a failed mail")),
    AuditAction("profile.mail", _("Chose their mail notifications")),
    AuditAction("profile.colours", _("Chose their colour theme")),
    AuditAction("feed.make", _("Created a calendar address")),
    AuditAction("feed.revoke", _("Revoked a calendar address")),
    AuditAction("list.columns", _("Chose the columns of a list")),
    AuditAction("list.view.save", _("Saved a list view")),
    AuditAction("list.view.alter", _("Changed a saved view")),
    AuditAction("list.view.begin", _("Chose the default view of a list")),
    AuditAction("list.view.discard", _("Removed a saved view")),
    AuditAction("clock.compare", _("Told of a wrong clock")),
    AuditAction("factor.encrypt", _("Encrypted the seeds of second factors with the present key")),
    AuditAction("POST access.login", _("Logged in")),
    AuditAction("POST access.enter_second_step", _("Logged in")),
    AuditAction("POST access.logout", _("Logged out")),
    AuditAction("POST language.choose", _("Chose a language")),
    AuditAction("POST profile.change_password", _("Changed their own password")),
    AuditAction("POST profile.confirm_second_factor", _("Enabled their second factor")),
    AuditAction("POST profile.turn_off_second_factor", _("Disabled their second factor")),
)
#: Whether an entry tells of a request that is not submitted, or was thrown away before it was. The trail says that
#: there was a draft; what stands in it is the requester's own.
_change_id: Any = cast(case((AuditRow.table_name == ChangeRequest.__tablename__, AuditRow.row_id)), BigInteger)
_IS_OF_DRAFT = exists().where(
    AuditRow.entry_id == AuditEntry.id,
    AuditRow.table_name == ChangeRequest.__tablename__,
    ~exists().where(ChangeRequest.id == _change_id, ChangeRequest.submitted_at.is_not(None)),
)
_ROWS = case((_IS_OF_DRAFT, literal("***")), else_=AuditEntry.rows)


def audit_action_label(action: str) -> str:
    """Return what an action is called on screen."""
    return tr(next((known.title for known in AUDIT_ACTIONS if known.value == action), action))


#: The entries of an office's work: who came in and went is asked for by itself.
_LOGINS = ("POST access.login", "POST access.enter_second_step", "POST access.logout")
#: Written out and not bound, so that it is known when the plan is made.
_IS_LOGIN = AuditEntry.action.in_([literal_column(f"'{action}'") for action in _LOGINS])

_IS_OF_REQUEST = AuditRow.table_name == ChangeRequest.__tablename__
#: The request that an entry tells of, else the first table that it tells of.
_NUMBER = (
    select(func.min(ChangeRequest.number))
    .select_from(AuditRow)
    .join(ChangeRequest, ChangeRequest.id == _change_id)
    .where(AuditRow.entry_id == AuditEntry.id)
    .correlate(AuditEntry)
    .scalar_subquery()
)
_TABLE = (
    select(func.coalesce(func.min(case((_IS_OF_REQUEST, AuditRow.table_name))), func.min(AuditRow.table_name)))
    .where(AuditRow.entry_id == AuditEntry.id)
    .correlate(AuditEntry)
    .scalar_subquery()
)


def _load_objects(_session: Session) -> Callable[..., Mapping[str, object]]:
    """Return a function from request number and table to the cell that says what an entry is about."""

    def cells(number: str | None, table: str | None) -> Mapping[str, object]:
        if number or table != ChangeRequest.__tablename__:
            return {"object": number or (table and table_title(table))}
        return {"object": gettext("Draft")}

    return cells


@dataclass(frozen=True, slots=True)
class ObjectFilter(TextFilter):
    """Entries that tell of a request, by its number in any notation: ``?object=2026/81``."""

    @override
    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the entries of the requests with this number."""
        if not (values.get(self.key) or "").strip():
            return None
        asked = number_matches(parse_search(values[self.key]))
        ids = db.session.scalars(select(ChangeRequest.id).where(or_(*asked)).limit(_MAX_OBJECTS)).all()
        told = select(AuditRow.entry_id).where(
            AuditRow.table_name == ChangeRequest.__tablename__, AuditRow.row_id.in_([str(id_) for id_ in ids])
        )
        result: ColumnElement[bool] = AuditEntry.id.in_(told)
        return result


@dataclass(frozen=True, slots=True)
class RecordKindFilter(OptionFilter):
    """Entries that tell of a row of a table: ``?record=asset``."""

    @override
    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the tables, each with its title."""
        return sorted(TABLES.items(), key=lambda item: item[1].text)

    @override
    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the entries that tell of the table."""
        value = values.get(self.key)
        if not value:
            return None
        if value not in TABLES:
            raise self._malformed(value)
        told = select(AuditRow.entry_id).where(AuditRow.entry_id == AuditEntry.id, AuditRow.table_name == value)
        return told.correlate(AuditEntry).exists()


@dataclass(frozen=True, slots=True)
class ActionFilter(TextFilter):
    """Entries of an action, by what is stored: ``?action=list.export``."""

    @override
    def describe(self, values: Mapping[str, str]) -> str | Message | None:
        """Return what the action is called, in quotes."""
        action = (values.get(self.key) or "").strip()
        return f"“{audit_action_label(action)}”" if action else None


#: What the reason of a reading ends with: the kind and the number of the record (``views.audit.readings``).
_PLACE = re.compile(r"(.*) (\[[a-z-]+/\d+(?:/[a-z]+)?\])", re.DOTALL)


def _reason_writer(write_text: Callable[[object], Markup | str]) -> Callable[[str | None], Markup | str]:
    """Return the function that writes a reason, and the place of a record in it as code."""

    def write(reason: str | None) -> Markup | str:
        place = _PLACE.fullmatch(reason or "")
        return Markup("{} <code>{}</code>").format(write_text(place[1]), place[2]) if place else write_text(reason)

    return write


#: How many requests a number may name: one of each office and year, say.
_MAX_OBJECTS = 100


def _search(query: ListQuery) -> TrailSearch:
    user = get_current_user()
    leave_out = _IS_LOGIN if query.arguments.filter_values.get("logins") == "without" else None
    chain = None if user.is_superadmin else user.agency_id
    return TrailSearch(db.session(), query.arguments.search, chain, leave_out)


def _search_criterion(query: ListQuery) -> ColumnElement[bool]:
    return _search(query).criterion()


def _search_shortcut(query: ListQuery, _session: Session) -> Shortcut | None:
    """Return the entries of a page that a text is searched for, where nothing else is asked of the list."""
    asked = query.arguments
    limit = (asked.page + 1) * asked.size + 1
    set_by_itself = {"logins": "without"}
    if not asked.search or dict(asked.filter_values) != set_by_itself or limit > MAX_COUNT:
        return None
    search = _search(query)
    return Shortcut(search.newest(limit, oldest=not asked.sort.startswith("-")), lambda: search.count(MAX_COUNT))


class AuditView(RecordView):
    """The trail of the reader's agency."""

    resource = Resource.AUDIT
    title = _("Audit trail")
    empty_message = _("No entry yet. Every write adds one here.")
    details_template = "audit/details.html"
    model = AuditEntry
    column_list = (
        Column("at", _("Date and time"), AuditEntry.at, CellKind.DATETIME, sortable=True, is_link=True),
        Column("chain", _("Chain"), AuditEntry.chain, CellKind.NUMBER, superadmin_only=True, in_list=False),
        Column("number", _("Entry"), AuditEntry.number, CellKind.NUMBER, in_list=False),
        Column("actor", _("User"), AuditEntry.actor_name),
        Column("capacity", _("Capacity"), AuditEntry.capacity),
        Column("action", _("Action performed"), AuditEntry.action, CellKind.CHOICE, AUDIT_ACTIONS),
        Column("object", _("About"), ComputedColumns((_NUMBER, _TABLE), _load_objects)),
        Column(
            "reason",
            _("Reason given"),
            AuditEntry.reason,
            make_formatter=lambda: _reason_writer(shortened_text),
            full_formatter=_reason_writer(full_text),
        ),
        Column("address", _("Client address"), AuditEntry.address, in_list=False),
        Column("request", _("HTTP request ID"), AuditEntry.request_id, in_list=False),
        Column("rows", _("Changed rows"), _ROWS, in_list=False),
        Column("previous_hash", _("Hash of the previous entry"), AuditEntry.previous_hash, in_list=False),
        Column("hash", _("Hash"), AuditEntry.hash, in_list=False),
    )
    column_filters = (
        DateRangeFilter("at", _("Date and time"), column=AuditEntry.at),
        CaseFilter(
            "logins",
            _("Logging in and out"),
            cases=(("without", _("left out"), ~_IS_LOGIN), ("only", _("only these"), _IS_LOGIN)),
            default="without",
        ),
        WordsFilter("actor", _("User"), columns=(AuditEntry.actor_name,)),
        ObjectFilter("object", _("Number of the request")),
        RecordKindFilter("record", _("Kind of record")),
        ActionFilter("action", _("Action performed"), column=AuditEntry.action),
    )
    column_searchable_list = (AuditEntry.actor_name, AuditEntry.reason)
    search_hint = _("Name of the user, and reason given.")
    list_index = ListIndex(_search_shortcut, _search_criterion)
    column_default_sort = "-at"

    def details_context(self, id: int) -> dict[str, Any]:
        """Return each row that the entry tells of, before and after; what a draft says is left out."""
        entry = self.get_one(str(id))
        is_of_a_draft = bool(db.session.scalar(select(_IS_OF_DRAFT).where(AuditEntry.id == entry.id)))
        messages = [
            {
                "table": row["table"],
                "title": table_title(row["table"]),
                "id": row["id"],
                "action": tr(RowAction(row["action"]).title),
                "raw": json.dumps(row, ensure_ascii=False, indent=1, sort_keys=True) if not is_of_a_draft else "",
                "columns": [
                    (
                        column_title(name),
                        *(value_text(row["table"], name, row[when].get(name)) for when in ("before", "after")),
                    )
                    for name in sorted({*row["before"], *row["after"]} if not is_of_a_draft else ())
                    if row["before"].get(name) != row["after"].get(name)
                ],
            }
            for row in entry.row_changes
        ]
        return {"told": messages, "is_of_a_draft": is_of_a_draft}

    @override
    def history(self, id: int) -> list[Any]:
        """Return nothing: the trail does not tell of itself."""
        return []
