"""Drafts: requests that are not submitted yet. Only the requester can see and discard them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed
from lpse_admin.i18n import _
from lpse_admin.sop.steps import REQUESTER_STEPS
from lpse_admin.workflow.record_fields import REQUEST_FIELDS, is_empty, sop_fields
from models.base import session_of
from models.changes.change import ChangeRequest
from models.changes.moves.case_file import lock
from models.changes.moves.transition import open_activity
from models.changes.steps import record_store
from models.changes.steps.field_value import field_value_error, read_field_values, store_field_values
from models.sops.sop import sop_in_force

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from models.accounts.user import User


def new_draft(session: Session, requester: User, *, now: dt.datetime) -> ChangeRequest:
    """Return a new request that is not added to the session, for the empty form.

    Raises NotAllowed if ``requester`` is not a requester of an agency, NoSuchMove if no SOP is in force.
    """
    if Role.REQUESTER not in requester.roles or requester.agency_id is None:
        raise NotAllowed(_("Only a requester can create a request."))
    sop = sop_in_force(session, requester.agency_id)
    if sop is None:
        raise NoSuchMove(_("No SOP is in force in this agency, so no request can be created yet."))
    change = ChangeRequest(
        agency_id=requester.agency_id,
        agency=requester.agency,
        sop_id=sop.id,
        sop_revision=sop,
        requester_id=requester.id,
        created_at=now,
        step=sop.sop.first_step,
        is_refused=False,
        is_undone=False,
        is_rolled_back=False,
        revision=1,
        version=1,
    )
    open_activity(change, sop.sop, now)
    return change


def create_draft(session: Session, requester: User, *, now: dt.datetime, values: Mapping[str, object]) -> ChangeRequest:
    """Create a draft with ``values`` and return it. Raises what ``new_draft`` and ``write_record`` raise."""
    change = new_draft(session, requester, now=now)
    session.add(change)
    record_store.write_record(change, change.activities[0], values, now)
    session.flush()
    return change


#: What a copy of a request does not take over: times of the past, and what it followed.
_NOT_COPIED = frozenset({"incident_at", "done_before_at", "linked_change_id"})


def content_to_copy(change: ChangeRequest, now: dt.datetime) -> dict[str, object]:
    """Return the content of ``change`` for a new request: no number, no files, no dates of the past."""
    content = {field.key: getattr(change, field.key) for field in REQUEST_FIELDS if field.key not in _NOT_COPIED}
    if change.wanted_by is not None and change.wanted_by < change.agency.local_date(now):
        content["wanted_by"] = None
    return content


def write_content(change: ChangeRequest, content: Mapping[str, object]) -> None:
    """Write ``content`` into a new request that is not saved yet."""
    for key, value in content.items():
        setattr(change, key, value)


def copy_own_fields(copied: ChangeRequest, change: ChangeRequest) -> None:
    """Write what ``copied`` says in fields of its SOP into ``change``, which is not saved yet, where its SOP has them.

    What can no longer be chosen is left out.
    """
    (activity,) = change.activities
    fields = sop_fields(change.sop, change.step)
    former = next(one for one in reversed(copied.activities) if one.step in REQUESTER_STEPS)
    values = read_field_values(former, fields)
    possible = [
        field
        for field in fields
        if not is_empty(values[field.key]) and field_value_error(field, values[field.key], change, activity) is None
    ]
    store_field_values(change, activity, possible, values)


def discard_draft(change: ChangeRequest, actor: User) -> None:
    """Delete the draft ``change`` with the files attached to it.

    Raises NoSuchMove (409) if it is submitted, NotAllowed (403) if ``actor`` is not its requester.
    """
    session = session_of(change)
    lock(change, actor)
    if not change.is_draft:
        raise NoSuchMove(_("Only a draft can be discarded; a submitted request cannot."))
    if actor.id != change.requester_id:
        raise NotAllowed(_("Only its requester can discard a draft."))
    for document in change.documents:
        session.delete(document)
    session.flush()
    session.expire(change)
    session.delete(change)
    session.flush()
