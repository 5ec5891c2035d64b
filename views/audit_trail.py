"""The audit trail: who did what, when, in what capacity, from where and why, with each row before and after."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import gettext

from lpse_admin.message import _
from lpse_admin.permissions import Resource
from lpse_admin.steps import Outcome
from models.audit import AuditEntry, RowAction
from views.base import RecordView
from views.exporting import CellKind
from views.language import tr
from views.lists import Column, ListSpec, PeriodFilter, TextFilter

#: What the trail's actions are called; an address of the program that has no name of its own is shown as it is.
_ACTIONS = {
    "change.draft": _("Began a request"),
    "change.save": _("Kept a step's record"),
    "change.discard": _("Threw a draft away"),
    "release.actual": _("Recorded the actual time of a release"),
    "sop.load": _("Loaded an SOP"),
    "sop.enact": _("Put an SOP in force"),
    "user.create": _("Made an account"),
    "user.edit": _("Changed an account"),
    "user.password": _("Set a new password for somebody"),
    "user.disable": _("Disabled an account"),
    "user.enable": _("Opened an account again"),
    "asset.enter": _("Entered an item in the asset list"),
    "asset.correct": _("Corrected an entry of the asset list"),
    "delegation.grant": _("Recorded a delegation"),
    "delegation.withdraw": _("Withdrew a delegation"),
    "login": _("Logged in"),
    "logout": _("Logged out"),
}


def audit_action(action: str) -> str:
    """Return what an action is called on screen."""
    if action in _ACTIONS:
        return tr(_ACTIONS[action])
    kind, _dot, outcome = action.partition(".")
    if kind == "change" and outcome in set(Outcome):
        return gettext("Move: %(outcome)s", outcome=tr(Outcome(outcome).title))
    return action


class AuditView(RecordView):
    """The trail of the reader's agency."""

    resource = Resource.AUDIT
    title = _("Audit trail")
    empty = _("No entry matches.")
    details_template = "audit/details.html"
    spec: ClassVar[ListSpec] = ListSpec(
        model=AuditEntry,
        columns=(
            Column("id", _("Id"), AuditEntry.id, CellKind.NUMBER, listed=False, exported=False),
            Column("at", _("When"), AuditEntry.at, CellKind.MOMENT, leads=True),
            Column("chain", _("Chain"), AuditEntry.chain, CellKind.NUMBER, across_only=True),
            Column("number", _("Entry"), AuditEntry.number, CellKind.NUMBER),
            Column("actor", _("Who"), AuditEntry.actor_name),
            Column("capacity", _("In the capacity of"), AuditEntry.capacity),
            Column("action", _("What"), AuditEntry.action),
            Column("reason", _("Why"), AuditEntry.reason),
            Column("address", _("From where"), AuditEntry.address),
            Column("request", _("Request of the browser"), AuditEntry.request_id, listed=False),
            Column("rows", _("Rows"), AuditEntry.rows, listed=False),
            Column("previous_hash", _("Hash of the entry before"), AuditEntry.previous_hash, listed=False),
            Column("hash", _("Hash"), AuditEntry.hash, listed=False),
        ),
        filters=(
            PeriodFilter("at", _("When"), of=AuditEntry.at),
            TextFilter("action", _("What"), of=AuditEntry.action),
        ),
        search=(AuditEntry.actor_name, AuditEntry.reason),
        order="-id",
    )

    def details_extras(self, id: int) -> dict[str, Any]:  # noqa: A002
        """Return each row that the entry tells of, before and after."""
        entry = self.get_one(str(id))
        told = [
            {
                "table": row["table"],
                "id": row["id"],
                "action": tr(RowAction(row["action"]).title),
                "columns": [
                    (name, row["before"].get(name), row["after"].get(name))
                    for name in sorted({*row["before"], *row["after"]})
                ],
            }
            for row in entry.told
        ]
        return {"told": told}

    def history(self, id: int) -> list[Any]:  # noqa: A002, ARG002
        """Return nothing: the trail does not tell of itself."""
        return []
