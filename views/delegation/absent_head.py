"""What pages say of a head who is not there: since when, why, and who decides meanwhile."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import _
from lpse_admin.workflow.transitions import Principal, conflicting_duty
from models.accounts.person import OtherAccounts
from models.base import session_of
from models.database import db
from models.delegation.head_absence import head_absence
from views.app.access import can, get_current_user
from views.app.clock import now
from views.i18n.language import format_date, format_datetime, tr

if TYPE_CHECKING:
    from lpse_admin.workflow.transitions import Position
    from models.accounts.user import User
    from models.delegation.head_absence import HeadAbsence
    from models.office.agency import Agency


@dataclass(frozen=True, slots=True)
class AbsentHead:
    """The parts of the sentence, written for the reader; ``reason`` is "" where it is not theirs to read."""

    head: str
    since: str
    until: str
    reason: str
    #: Without a delegation in force: since when there is none.
    no_delegation_since: str
    #: "Plh. Kepala LPSE, with their name", or "" while nobody decides.
    delegate: str
    decree: str
    delegated_from: str
    delegated_until: str
    #: Whether the delegate has taken a part in the request that bars them from deciding on it.
    delegate_has_conflict: bool
    #: Where it can be mended or looked up, for those who may.
    new_delegation_url: str | None
    absence_url: str | None
    may_read_absence: bool


def absent_head(
    agency: Agency | None,
    *,
    head: str | None = None,
    arrived: dt.datetime | None = None,
    position: Position | None = None,
) -> AbsentHead | None:
    """Return what to say while no head of ``agency`` is there, or None.

    ``head`` is the head in the paper's words; ``arrived`` when what waits has come, for an absence of which nobody
    knows when it began; ``position`` is that of the request that waits.
    """
    result = head_absence(db.session(), agency, now()) if agency is not None else None
    if result is None:
        return None
    title = head or tr(Role.HEAD.title)
    delegation = result.delegation
    reads = can(Verb.READ, Resource.ABSENCE)
    return AbsentHead(
        head=title,
        since=_format_date(result.since or arrived),
        until=_format_date(result.until) if result.until else "",
        reason=_reason(result) if reads else "",
        no_delegation_since=_format_date(result.uncovered_since or arrived),
        delegate=f"{delegation.kind.prefix} {title} {delegation.delegate}" if delegation else "",
        decree=delegation.decree_number if delegation else "",
        delegated_from=format_date(delegation.from_date) if delegation else "",
        delegated_until=format_date(delegation.until_date) if delegation else "",
        delegate_has_conflict=position is not None
        and delegation is not None
        and _delegate_has_conflict(position, delegation.delegate),
        new_delegation_url=url_for("delegation.create_view") if can(Verb.CREATE, Resource.DELEGATION) else None,
        absence_url=url_for("absence.details_view", id=result.absence.id) if reads and result.absence else None,
        may_read_absence=reads,
    )


def may_record_absence() -> bool:
    """Whether the current user may record the absence of a head other than themselves."""
    return Role.HEAD not in get_current_user().roles and can(Verb.CREATE, Resource.ABSENCE)


def _reason(found: HeadAbsence) -> str:
    return found.reason or tr(found.cause.title)


def _delegate_has_conflict(position: Position, user: User) -> bool:
    person = Principal(user.id, frozenset(), accounts=OtherAccounts(session_of(user), user))
    return conflicting_duty(position, person) is not None


def _format_date(at: dt.date | None) -> str:
    """Return a moment with its time, a day without one."""
    if at is None:
        return tr(_("an unrecorded day"))
    return format_datetime(at) if isinstance(at, dt.datetime) else format_date(at)


__all__ = ["AbsentHead", "absent_head", "may_record_absence"]
