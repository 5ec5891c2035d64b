"""The permission table: which roles may do which verb to the records of which resource.

Whatever is not granted is refused. Moves are not in it: they follow from the SOP (``workflow.transitions``). Which rows
of a resource a user sees is decided by ``models.scope``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Verb(StrEnum):
    """An operation on the records of a screen."""

    READ = "read"
    EXPORT = "export"
    CREATE = "create"
    EDIT = "edit"
    DELETE = "delete"
    ENACT = "enact"


class Resource(StrEnum):
    """A kind of records with a screen; the value is the last part of its address."""

    CHANGE = "change"
    COMMENT = "comment"
    EVALUATION = "evaluation"
    RETURNED = "returned"
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
    OWN_STEP = "own-step"
    ASSET = "asset"
    ASSET_CODE = "asset-code"
    ASSET_IMPORT = "asset-import"
    ASSET_PERIOD = "asset-period"
    ROOM = "room"
    DOCUMENT = "document"
    PAPER = "paper"
    PAPER_SETTING = "paper-setting"
    DEVIATION = "deviation"
    DELEGATION = "delegation"
    ABSENCE = "absence"
    FREEZE = "freeze"
    SOP = "sop"
    EDITED_SOP = "edited-sop"
    APPOINTMENT = "appointment"
    NOTIFICATION = "notification"
    MAIL = "mail"
    USER = "user"
    ACCOUNT_REQUEST = "account-request"
    HOLIDAY = "holiday"
    SETTING = "setting"
    AUDIT = "audit"
    INSPECTION = "inspection"
    FINDING = "finding"
    SELF_CHECK = "self-check"
    INTEGRITY = "integrity"
    RETENTION = "retention"
    HOLD = "hold"
    DESTRUCTION = "destruction"
    ARCHIVE_REFERENCE = "archive-reference"


_ALL_ROLES = frozenset(Role)
_OFFICE_ROLES = frozenset({Role.CHANGE_MANAGER, Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR})
_NO_ROLES: frozenset[Role] = frozenset()


def _grants(**roles: frozenset[Role]) -> Mapping[Verb, frozenset[Role]]:
    return {verb: roles.get(verb.value, _NO_ROLES) for verb in Verb}


_STEP_RECORD_GRANTS = _grants(read=_ALL_ROLES, export=_ALL_ROLES, edit=frozenset({Role.CHANGE_MANAGER}))
_HEAD_RECORD_GRANTS = _grants(read=_ALL_ROLES, export=_ALL_ROLES, edit=frozenset({Role.HEAD}))
_INVENTORY_KEEPERS = frozenset({Role.CHANGE_MANAGER, Role.ADMINISTRATOR})
_INVENTORY_GRANTS = _grants(
    read=_OFFICE_ROLES, export=_OFFICE_ROLES, create=_INVENTORY_KEEPERS, edit=_INVENTORY_KEEPERS
)

#: The table. To ``edit`` a step's record, the step must also be open and the user its actor.
GRANTS: Mapping[Resource, Mapping[Verb, frozenset[Role]]] = {
    Resource.CHANGE: _grants(
        read=_ALL_ROLES,
        export=_ALL_ROLES,
        create=frozenset({Role.REQUESTER}),
        edit=frozenset({Role.REQUESTER}),
        delete=frozenset({Role.REQUESTER}),
    ),
    # On a request that one may read; an acting head writes them too (``changes.comment``).
    Resource.COMMENT: _grants(
        read=_ALL_ROLES,
        export=_ALL_ROLES,
        create=frozenset({Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD}),
    ),
    Resource.EVALUATION: _STEP_RECORD_GRANTS,
    # The requester's own step: it is written on the request's page.
    Resource.RETURNED: _grants(read=_ALL_ROLES, export=_ALL_ROLES),
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
    # Whose step it is, its SOP says.
    Resource.OWN_STEP: _grants(read=_ALL_ROLES, export=_ALL_ROLES, edit=frozenset({Role.CHANGE_MANAGER, Role.HEAD})),
    Resource.ASSET: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        # An entry can be corrected until a request refers to the item; from then on it changes only through the asset
        # update of a request.
        create=frozenset({Role.CHANGE_MANAGER}),
        edit=frozenset({Role.CHANGE_MANAGER}),
    ),
    Resource.ASSET_CODE: _INVENTORY_GRANTS,
    Resource.ASSET_IMPORT: _INVENTORY_GRANTS,
    # ``create`` is to lock a half-year, ``edit`` to set who signs the printed cards.
    Resource.ASSET_PERIOD: _INVENTORY_GRANTS,
    Resource.ROOM: _INVENTORY_GRANTS,
    # ``edit`` is to let the content of a file be erased, on record.
    Resource.DOCUMENT: _grants(read=_ALL_ROLES, export=_ALL_ROLES, edit=frozenset({Role.HEAD})),
    # ``edit`` is to file a paper that came back signed. Who sees a request prints its papers.
    Resource.PAPER: _grants(
        read=_ALL_ROLES,
        export=_ALL_ROLES,
        edit=frozenset({Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD, Role.ADMINISTRATOR}),
    ),
    Resource.PAPER_SETTING: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.ADMINISTRATOR}),
        edit=frozenset({Role.ADMINISTRATOR}),
    ),
    # ``edit`` is the head's disposal; a delegate's is checked by the row.
    Resource.DEVIATION: _grants(read=_ALL_ROLES, export=_ALL_ROLES, edit=frozenset({Role.HEAD})),
    Resource.DELEGATION: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
        edit=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
    ),
    # A head who is ill cannot record it: change managers and administrators can, with a reason.
    Resource.ABSENCE: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.HEAD, Role.CHANGE_MANAGER, Role.ADMINISTRATOR}),
        edit=frozenset({Role.HEAD, Role.CHANGE_MANAGER, Role.ADMINISTRATOR}),
    ),
    # A release in a freeze needs the head's permit, which is not in this table (``releases.freeze_permit``).
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
    # Whoever may load an SOP may edit one.
    Resource.EDITED_SOP: _grants(
        read=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
        export=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
        create=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
        edit=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
        delete=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
    ),
    # It narrows who takes a step, and gives nobody a right that the role does not give.
    Resource.APPOINTMENT: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
        edit=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
    ),
    # Users see their own only (models.scope), and may mark them as read.
    Resource.NOTIFICATION: _grants(read=_ALL_ROLES, export=_ALL_ROLES),
    # All notifications with the state of their mail. ``edit`` is to send a mail again.
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
    # What waits for a second person; ``edit`` is to approve or refuse it (``accounts.four_eyes``).
    Resource.ACCOUNT_REQUEST: _grants(
        read=frozenset({Role.HEAD, Role.ADMINISTRATOR, Role.INSPECTOR}),
        export=frozenset({Role.HEAD, Role.ADMINISTRATOR, Role.INSPECTOR}),
        edit=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
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
    # The dossier of a period: everything that the office has, the trail included.
    Resource.INSPECTION: _grants(
        read=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
        export=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
    ),
    # What an outside assessor found; whoever answers for the procedure enters it, and what was done about it.
    Resource.FINDING: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.CHANGE_MANAGER, Role.HEAD, Role.ADMINISTRATOR}),
        edit=frozenset({Role.CHANGE_MANAGER, Role.HEAD, Role.ADMINISTRATOR}),
    ),
    # What verifications found. ``export`` is also to have one made now.
    Resource.INTEGRITY: _grants(
        read=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
        export=frozenset({Role.HEAD, Role.INSPECTOR, Role.ADMINISTRATOR}),
    ),
    # Written by the server and the command alone; what was found can only be put right.
    Resource.SELF_CHECK: _grants(read=_OFFICE_ROLES, export=_OFFICE_ROLES),
    Resource.RETENTION: _grants(
        read=_OFFICE_ROLES,
        export=_OFFICE_ROLES,
        create=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
        edit=frozenset({Role.HEAD, Role.ADMINISTRATOR}),
    ),
    # ``edit`` is to lift it.
    Resource.HOLD: _grants(
        read=_OFFICE_ROLES, export=_OFFICE_ROLES, create=frozenset({Role.HEAD}), edit=frozenset({Role.HEAD})
    ),
    # ``create`` is to propose, ``edit`` the head's decision.
    Resource.DESTRUCTION: _grants(
        read=_OFFICE_ROLES, export=_OFFICE_ROLES, create=_INVENTORY_KEEPERS, edit=frozenset({Role.HEAD})
    ),
    Resource.ARCHIVE_REFERENCE: _INVENTORY_GRANTS,
}

#: What an acting head may do with the head's rights: read. The head's two decisions are moves; delegating further,
#: enacting an SOP and the like are reserved to the head (procedure.md, reading 4).
_ACTING_HEAD_VERBS = frozenset({Verb.READ, Verb.EXPORT})


def is_granted(roles: Collection[Role], verb: Verb, resource: Resource, *, is_acting_head: bool = False) -> bool:
    """Whether a user with ``roles`` may do ``verb`` to any record of ``resource``."""
    granted = GRANTS[resource][verb]
    if is_acting_head and verb in _ACTING_HEAD_VERBS and Role.HEAD in granted:
        return True
    return not granted.isdisjoint(roles)
