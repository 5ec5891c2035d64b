"""What of each table the audit trail tells, and what it does not, with the reason.

A table that is named nowhere here is told whole: each of its rows, each column, before and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpse_admin.i18n import Message, _
from models.base import Base

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Table

_DELIVERY = _("how far a mail has come; its address, state and time of sending are told")
_SESSION = _("when a session was last used; its beginning and its end are told")

#: Columns that the trail does not tell.
UNTOLD_COLUMNS: Mapping[str, Mapping[str, Message]] = {
    "login": dict.fromkeys(("seen_at", "idle_until"), _SESSION),
    "audit_anchor": dict.fromkeys(
        ("next_try_at", "claimed_until"), _("when an anchor is sent next; where and when it was sent is told")
    ),
    "audit_job": {"claimed_until": _("who is at it just now; when it was asked for and what it came to is told")},
    "mail": dict.fromkeys(("attempts", "next_try_at", "claimed_until", "fault", "last_error", "message_id"), _DELIVERY),
}

_TRAIL = _("the trail itself: its chains and seals are verified")
_DERIVED = _("made of other rows at any time: counted anew and compared")

#: Tables whose rows the trail does not tell, since something else says whether they are right.
CHECKED_OTHERWISE: Mapping[str, Message] = {
    **dict.fromkeys(("audit_entry", "audit_row", "audit_chain"), _TRAIL),
    **dict.fromkeys(
        (
            "search_record", "step_time", "request_total", "requester_total", "step_total",
            "deviation_total", "requester_deviation", "requester_deviation_total",
        ),
        _DERIVED,
    ),
}  # fmt: skip

#: Tables that nothing says anything of: nobody may rely on what stands in them.
NOT_VERIFIED: Mapping[str, Message] = {
    "step_due": _("when open steps are due, for the order of lists; each sweep computes it anew"),
    "reckoned_month": _("which months are counted by the present calendar; a wrong one is counted again"),
    "submission": _("which form was taken already, kept for hours; nothing of a record"),
    "upload": _("how much was sent in files on a day; what they belong to is told"),
    "pending_upload": _("files of forms that nobody has sent yet, kept for a day; nothing of a record"),
}


@dataclass(frozen=True, slots=True)
class ToldTable:
    """A table that the trail tells, and the columns that are compared."""

    table: Table
    columns: tuple[str, ...]
    secrets: frozenset[str]

    @property
    def name(self) -> str:
        """The name of the table."""
        return str(self.table.name)

    @property
    def key(self) -> list[str]:
        """The columns of the primary key."""
        return [column.name for column in self.table.primary_key.columns]

    @property
    def has_number_key(self) -> bool:
        """Whether its rows are known by a number."""
        key: list[Any] = list(self.table.primary_key.columns)
        return len(key) == 1 and key[0].type.python_type is int


def told_tables() -> list[ToldTable]:
    """Return the tables whose rows the trail tells, in the order of their names."""
    secrets = _secrets()
    return [
        ToldTable(table, _told_columns(table, secrets.get(name, frozenset())), secrets.get(name, frozenset()))
        for name, table in sorted(Base.metadata.tables.items())
        if name not in CHECKED_OTHERWISE and name not in NOT_VERIFIED
    ]


def _told_columns(table: Table, secrets: Collection[str]) -> tuple[str, ...]:
    untold = UNTOLD_COLUMNS.get(table.name, {})
    return tuple(
        column.name
        for column in table.columns
        # Of a file's content the hash is told, which is its key.
        if column.name not in untold and not (column.name in secrets and column.type.python_type is bytes)
    )


def _secrets() -> dict[str, frozenset[str]]:
    return {
        str(mapper.class_.__tablename__): mapper.class_.secret_columns
        for mapper in Base.registry.mappers
        if mapper.class_.secret_columns
    }
