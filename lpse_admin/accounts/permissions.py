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


_EVERYBODY = frozenset(Role)
_OFFICE = frozenset({Role.CHANGE_MANAGER, Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR})
_NOBODY: frozenset[Role] = frozenset()


def _grants(**roles: frozenset[Role]) -> Mapping[Verb, frozenset[Role]]:
    return {verb: roles.get(verb.value, _NOBODY) for verb in Verb}


_RECORD_OF_A_STEP = _grants(read=_EVERYBODY, export=_EVERYBODY, edit=frozenset({Role.CHANGE_MANAGER}))
_RECORD_OF_THE_HEAD = _grants(read=_EVERYBODY, export=_EVERYBODY, edit=frozenset({Role.HEAD}))

#: The table. ``edit`` of a step's record also asks that the step is open and that it is this person's turn.
GRANTS: Mapping[Resource, Mapping[Verb, frozenset[Role]]] = {
    Resource.CHANGE: _grants(
        read=_EVERYBODY,
        export=_EVERYBODY,
        create=frozenset({Role.REQUESTER}),
        edit=frozenset({Role.REQUESTER}),
        delete=frozenset({Role.REQUESTER}),
    ),
    Resource.EVALUATION: _RECORD_OF_A_STEP,
    Resource.URGENCY: _RECORD_OF_A_STEP,
    Resource.APPROVAL: _RECORD_OF_THE_HEAD,
    Resource.IMPLEMENTATION: _RECORD_OF_A_STEP,
    Resource.TEST: _RECORD_OF_A_STEP,
    Resource.ROLLBACK: _RECORD_OF_A_STEP,
    Resource.REPORT: _RECORD_OF_A_STEP,
    Resource.VERIFICATION: _RECORD_OF_THE_HEAD,
    Resource.RELEASE: _RECORD_OF_A_STEP,
    Resource.ASSET_REVIEW: _RECORD_OF_A_STEP,
    Resource.ASSET_UPDATE: _RECORD_OF_A_STEP,
    Resource.ASSET: _grants(
        read=_OFFICE,
        export=_OFFICE,
        # Entered once, and corrected until a request names it; from then on an item changes through a request
        # alone (the paper's asset update).
        create=frozenset({Role.CHANGE_MANAGER}),
        edit=frozenset({Role.CHANGE_MANAGER}),
    ),
    Resource.DOCUMENT: _grants(read=_EVERYBODY, export=_EVERYBODY),
    # Raised and accounted for by the procedure; edited is its disposal by the head. A delegate's is judged by the row.
    Resource.DEVIATION: _grants(read=_EVERYBODY, export=_EVERYBODY, edit=frozenset({Role.HEAD})),
    Resource.DELEGATION: _grants(
        read=_OFFICE,
        export=_OFFICE,
        create=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
        edit=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
    ),
    # A head may be taken ill: those who work beside them then say so, and why it is they who do.
    Resource.ABSENCE: _grants(
        read=_OFFICE,
        export=_OFFICE,
        create=frozenset({Role.HEAD, Role.CHANGE_MANAGER, Role.ADMINISTRATOR}),
        edit=frozenset({Role.HEAD, Role.CHANGE_MANAGER, Role.ADMINISTRATOR}),
    ),
    # That a release is allowed in a freeze is the head's word, and no right of a role (``releases.freeze_permit``).
    Resource.FREEZE: _grants(
        read=_OFFICE,
        export=_OFFICE,
        create=frozenset({Role.ADMINISTRATOR}),
        edit=frozenset({Role.ADMINISTRATOR}),
    ),
    Resource.SOP: _grants(
        read=_EVERYBODY,
        export=_EVERYBODY,
        create=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
        enact=frozenset({Role.HEAD}),
    ),
    # Each their own (models.scope); to mark one as read is the reader's by nature.
    Resource.NOTIFICATION: _grants(read=_EVERYBODY, export=_EVERYBODY),
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
        read=_EVERYBODY,
        export=_EVERYBODY,
        create=frozenset({Role.ADMINISTRATOR}),
        edit=frozenset({Role.ADMINISTRATOR}),
        delete=frozenset({Role.ADMINISTRATOR}),
    ),
    Resource.SETTING: _grants(
        read=_OFFICE,
        export=_OFFICE,
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
#: delegating further, enacting a paper and the like are not (SOP page, silences 4).
_OF_A_DELEGATE = frozenset({Verb.READ, Verb.EXPORT})


def may(roles: Collection[Role], verb: Verb, resource: Resource, *, stands_in_for_head: bool = False) -> bool:
    """Whether somebody with ``roles`` may do ``verb`` to records of ``resource`` at all."""
    granted = GRANTS[resource][verb]
    if stands_in_for_head and verb in _OF_A_DELEGATE and Role.HEAD in granted:
        return True
    return not granted.isdisjoint(roles)
