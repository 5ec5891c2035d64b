"""What a user may see: one criterion for each table, used by lists, counts, single rows, lookups and exports.

Nobody sees anything of another agency, save an administrator of the installation; a requester who is nothing
else sees their own requests and what belongs to them. A table that is not named here is seen by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, false, or_, select, true

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Step
from models.accounts.user import User
from models.audit.trail import AuditEntry
from models.changes.activity import ACTIVITY_CLASSES, Activity
from models.changes.change import ChangeRequest
from models.delegation.absence import Absence
from models.delegation.delegation import Delegation
from models.deviations.deviation import Deviation
from models.documents.document import Document
from models.inventory.asset import Asset, AssetMutation
from models.listing.saved_view import visible_to
from models.notifications.notification import Notification
from models.office.office_day import OfficeDay
from models.office.setting import Threshold
from models.office.working_hours import RamadanMonth, WorkingHours
from models.releases.freeze import Freeze, FreezePermit
from models.sops.sop import SopRevision, SopState

if TYPE_CHECKING:
    from collections.abc import Callable

#: Roles that see all requests of their agency.
_OFFICE_ROLES = frozenset({Role.CHANGE_MANAGER, Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class UserScope:
    """What of a user their sight depends on; an agency_id of None reaches across all agencies."""

    id: int
    agency_id: int | None


def visible(model: type[Any], user: User, *, is_acting_head: bool = False) -> ColumnElement[bool]:
    """Return the criterion for the rows of ``model`` that ``user`` may see."""
    if not user.is_active:
        return false()
    table: Any = model
    return _criterion(table, UserScope(user.id, user.agency_id), is_acting_head or sees_all_requests(user))


@lru_cache(maxsize=1024)
def _criterion(model: Any, sight: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: ANN401, FBT001
    """Put the criterion together; every page asks for the same few again and again."""
    rule = next((rule for table, rule in _RULES if issubclass(model, table)), None)
    return false() if rule is None else rule(sight, office)


def visible_agency_notifications(user: User, *, is_acting_head: bool = False) -> ColumnElement[bool]:
    """Return the criterion for the notifications that ``user`` may look into as one of the office: the agency's.

    ``visible`` gives each their own; this is for who was told of what, and whether the mail of it went out.
    """
    is_of_office = user.is_active and (is_acting_head or sees_all_requests(user))
    return _of_agency(Notification.agency_id, user) if is_of_office else false()


def visible_saved_views(user: User) -> ColumnElement[bool]:
    """Return the criterion for the saved views that ``user`` has: their own, and those shared with a role of theirs.

    They lead to lists, in which ``visible`` says what is seen.
    """
    return visible_to(user.id, user.agency_id, sorted(role.value for role in user.roles))


def sees_all_requests(user: User) -> bool:
    """Whether ``user`` sees all requests of their agency and not only their own."""
    return not _OFFICE_ROLES.isdisjoint(user.roles)


def _of_agency(column: Any, user: User | UserScope) -> ColumnElement[bool]:  # noqa: ANN401 - a mapped column
    return true() if user.agency_id is None else column == user.agency_id


def _changes(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: FBT001
    if not office:
        return ChangeRequest.requester_id == user.id
    # A draft is the requester's own.
    submitted = or_(ChangeRequest.submitted_at.is_not(None), ChangeRequest.requester_id == user.id)
    return _of_agency(ChangeRequest.agency_id, user) & submitted


def _activities(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: FBT001
    own = Activity.requester_id == user.id
    a_draft = (Activity.step == Step.REQUEST) & Activity.finished_at.is_(None)
    return _of_agency(Activity.agency_id, user) & (own | ~a_draft) if office else own


def _step_records(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: FBT001
    # None of these is ever a draft's: their lists are read along the index, without a look at each row.
    return _of_agency(Activity.agency_id, user) if office else Activity.requester_id == user.id


def _documents(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: FBT001
    own = Document.change_id.in_(select(ChangeRequest.id).where(ChangeRequest.requester_id == user.id))
    if not office:
        return own
    is_others = ChangeRequest.submitted_at.is_(None) & (ChangeRequest.requester_id != user.id)
    drafts = Document.change_id.in_(select(ChangeRequest.id).where(is_others))
    return _of_agency(Document.agency_id, user) & (Document.change_id.is_(None) | ~drafts)


def _deviations(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: FBT001
    if office:
        return _of_agency(Deviation.agency_id, user)
    return Deviation.change_id.in_(select(ChangeRequest.id).where(ChangeRequest.requester_id == user.id))


def _permits(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: FBT001
    own = FreezePermit.change_id.in_(select(ChangeRequest.id).where(ChangeRequest.requester_id == user.id))
    return _of_agency(FreezePermit.agency_id, user) if office else own


def _sops(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: FBT001
    mine = _of_agency(SopRevision.agency_id, user)
    return mine if office else mine & (SopRevision.state != SopState.DRAFT)


def _office_only(column: Any) -> Callable[[UserScope, bool], ColumnElement[bool]]:  # noqa: ANN401
    return lambda user, office: _of_agency(column, user) if office else false()


def _office_days(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: FBT001, ARG001
    # Whoever waits may know on which days the office works.
    return _of_agency(OfficeDay.agency_id, user)


def _own_notifications(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: ARG001, FBT001
    # What somebody was told is theirs alone, also before those who see all else.
    return Notification.user_id == user.id


def _users(user: UserScope, office: bool) -> ColumnElement[bool]:  # noqa: FBT001
    return _of_agency(User.agency_id, user) if office else User.id == user.id


_RULES: tuple[tuple[type[Any], Callable[[UserScope, bool], ColumnElement[bool]]], ...] = (
    (ChangeRequest, _changes),
    *((record, _step_records) for step, record in ACTIVITY_CLASSES.items() if step is not Step.REQUEST),
    (Activity, _activities),
    (Document, _documents),
    (Deviation, _deviations),
    (SopRevision, _sops),
    (Asset, _office_only(Asset.agency_id)),
    (AssetMutation, _office_only(AssetMutation.agency_id)),
    (Delegation, _office_only(Delegation.agency_id)),
    (OfficeDay, _office_days),
    (WorkingHours, _office_only(WorkingHours.agency_id)),
    (RamadanMonth, _office_only(RamadanMonth.agency_id)),
    (Threshold, _office_only(Threshold.agency_id)),
    (Absence, _office_only(Absence.agency_id)),
    (Freeze, _office_only(Freeze.agency_id)),
    (FreezePermit, _permits),
    (AuditEntry, _office_only(AuditEntry.chain)),
    (Notification, _own_notifications),
    (User, _users),
)
