"""Who may do what to which records: one table of role × resource × verb, read by every screen and by the tests.

Moves are not here: they follow from the paper (``workflow.transitions``). What is not granted is refused. The
rows that somebody sees of a resource are in ``models.scope``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Verb(StrEnum):
    """What can be done to the records of a screen."""

    READ = "read"
    EXPORT = "export"
    CREATE = "create"
    EDIT = "edit"
    DELETE = "delete"
    ENACT = "enact"


class Resource(StrEnum):
    """The records that have a screen; the value is the last part of its address."""

    CHANGE = "change"
    EVALUATION = "evaluation"
    URGENCY = "urgency"
    APPROVAL = "approval"
    IMPLEMENTATION = "implementation"
    TEST = "test"
    ROLLBACK = "rollback"
    REPORT = "report"
    VERIFICATION = "verification"
    RELEASE = "release"
    ASSET_REVIEW = "asset-review"
    ASSET_UPDATE = "asset-update"
    ASSET = "asset"
    DOCUMENT = "document"
    DEVIATION = "deviation"
    DELEGATION = "delegation"
    ABSENCE = "absence"
    FREEZE = "freeze"
    SOP = "sop"
    NOTIFICATION = "notification"
    MAIL = "mail"
    USER = "user"
    HOLIDAY = "holiday"
    SETTING = "setting"
    AUDIT = "audit"


_ALL_ROLES = frozenset(Role)
_OFFICE_ROLES = frozenset({Role.CHANGE_MANAGER, Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR})
_NO_ROLES: frozenset[Role] = frozenset()


def _grants(**roles: frozenset[Role]) -> Mapping[Verb, frozenset[Role]]:
    return {verb: roles.get(verb.value, _NO_ROLES) for verb in Verb}


_STEP_RECORD_GRANTS = _grants(read=_ALL_ROLES, export=_ALL_ROLES, edit=frozenset({Role.CHANGE_MANAGER}))
_HEAD_RECORD_GRANTS = _grants(read=_ALL_ROLES, export=_ALL_ROLES, edit=frozenset({Role.HEAD}))

#: The table. ``edit`` of a step's record also asks that the step is open and that it is this person's turn.
GRANTS: Mapping[Resource, Mapping[Verb, frozenset[Role]]] = {
    Resource.CHANGE: _grants(
        read=_ALL_ROLES,
        export=_ALL_ROLES,
        create=frozenset({Role.REQUESTER}),
        edit=frozenset({Role.REQUESTER}),
        delete=frozenset({Role.REQUESTER}),
    ),
    Resource.EVALUATION: _STEP_RECORD_GRANTS,
    Resource.URGENCY: _STEP_RECORD_GRANTS,
    Resource.APPROVAL: _HEAD_RECORD_GRANTS,
    Resource.IMPLEMENTATION: _STEP_RECORD_GRANTS,
    Resource.TEST: _STEP_RECORD_GRANTS,
    Resource.ROLLBACK: _STEP_RECORD_GRANTS,
    Resource.REPORT: _STEP_RECORD_GRANTS,
    Resource.VERIFICATION: _HEAD_RECORD_GRANTS,
    Resource.RELEASE: _STEP_RECORD_GRANTS,
    Resource.ASSET_REVIEW: _STEP_RECORD_GRANTS,
    Resource.ASSET_UPDATE: _STEP_RECORD_GRANTS,
    Resource.ASSET: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        # Entered once, and corrected until a request names it; from then on an item changes through a request
        # alone (the paper's asset update).
        create=frozenset({Role.CHANGE_MANAGER}),
        edit=frozenset({Role.CHANGE_MANAGER}),
    ),
    Resource.DOCUMENT: _grants(read=_ALL_ROLES, export=_ALL_ROLES),
    # Raised and accounted for by the procedure; edited is its disposal by the head. A delegate's is judged by the row.
    Resource.DEVIATION: _grants(read=_ALL_ROLES, export=_ALL_ROLES, edit=frozenset({Role.HEAD})),
    Resource.DELEGATION: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
        edit=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
    ),
    # A head may be taken ill: those who work beside them then say so, and why it is they who do.
    Resource.ABSENCE: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.HEAD, Role.CHANGE_MANAGER, Role.ADMINISTRATOR}),
        edit=frozenset({Role.HEAD, Role.CHANGE_MANAGER, Role.ADMINISTRATOR}),
    ),
    # That a release is allowed in a freeze is the head's word, and no right of a role (``releases.freeze_permit``).
    Resource.FREEZE: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.ADMINISTRATOR}),
        edit=frozenset({Role.ADMINISTRATOR}),
    ),
    Resource.SOP: _grants(
        read=_ALL_ROLES,
        export=_ALL_ROLES,
        create=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
        enact=frozenset({Role.HEAD}),
    ),
    # Each their own (models.scope); to mark one as read is the reader's by nature.
    Resource.NOTIFICATION: _grants(read=_ALL_ROLES, export=_ALL_ROLES),
    # Who was told of what, and what became of the mail: for those who look after it. Edited is: sent again.
    Resource.MAIL: _grants(
        read=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
        export=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
        edit=frozenset({Role.ADMINISTRATOR}),
    ),
    Resource.USER: _grants(
        read=frozenset({Role.ADMINISTRATOR, Role.INSPECTOR}),
        export=frozenset({Role.ADMINISTRATOR, Role.INSPECTOR}),
        create=frozenset({Role.ADMINISTRATOR}),
        edit=frozenset({Role.ADMINISTRATOR}),
    ),
    Resource.HOLIDAY: _grants(
        read=_ALL_ROLES,
        export=_ALL_ROLES,
        create=frozenset({Role.ADMINISTRATOR}),
        edit=frozenset({Role.ADMINISTRATOR}),
        delete=frozenset({Role.ADMINISTRATOR}),
    ),
    Resource.SETTING: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.ADMINISTRATOR}),
        edit=frozenset({Role.ADMINISTRATOR}),
        delete=frozenset({Role.ADMINISTRATOR}),
    ),
    Resource.AUDIT: _grants(
        read=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
        export=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
    ),
}

#: What somebody who stands in for the head may do as the head: see, and no more. The two decisions are moves;
#: delegating further, enacting a paper and the like are not (procedure.md, reading 4).
_ACTING_HEAD_VERBS = frozenset({Verb.READ, Verb.EXPORT})


def is_granted(roles: Collection[Role], verb: Verb, resource: Resource, *, is_acting_head: bool = False) -> bool:
    """Whether somebody with ``roles`` may do ``verb`` to records of ``resource`` at all."""
    granted = GRANTS[resource][verb]
    if is_acting_head and verb in _ACTING_HEAD_VERBS and Role.HEAD in granted:
        return True
    return not granted.isdisjoint(roles)
