"""Drafts: a request before it is submitted, which is its requester's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed
from lpse_admin.i18n import _
from models.base import session_of
from models.changes import record_store
from models.changes.case_file import lock
from models.changes.change import ChangeRequest
from models.changes.transition import open_activity
from models.sops.sop import sop_in_force

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from models.accounts.user import User


def new_draft(session: Session, requester: User, *, now: dt.datetime) -> ChangeRequest:
    """Return a request that is not kept yet, as its first form shows it.

    Raises NotAllowed for somebody who is no requester of an agency, NoSuchMove where no paper is in force.
    """
    if Role.REQUESTER not in requester.roles or requester.agency_id is None:
        raise NotAllowed(_("Only a requester can create a request."))
    paper = sop_in_force(session, requester.agency_id)
    if paper is None:
        raise NoSuchMove(_("No SOP is in force in this agency, so no request can be created yet."))
    change = ChangeRequest(
        agency_id=requester.agency_id,
        agency=requester.agency,
        sop_id=paper.id,
        sop_revision=paper,
        requester_id=requester.id,
        created_at=now,
        step=paper.sop.first_step,
        is_refused=False,
        is_undone=False,
        is_rolled_back=False,
        revision=1,
        version=1,
    )
    open_activity(change, paper.sop, now)
    return change


def create_draft(session: Session, requester: User, *, now: dt.datetime, values: Mapping[str, object]) -> ChangeRequest:
    """Begin a request and return it: the requester's own until it is submitted. Raises like ``blank``."""
    change = new_draft(session, requester, now=now)
    session.add(change)
    record_store.write_record(change, change.activities[0], values, now)
    session.flush()
    return change


def discard_draft(change: ChangeRequest, actor: User) -> None:
    """Delete the draft ``change`` with the files attached to it.

    Raises NoSuchMove (409) once it is submitted, NotAllowed (403) for anybody but its requester.
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
