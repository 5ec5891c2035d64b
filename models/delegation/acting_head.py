"""Notification of the delegate about the steps that wait for the head, when a delegation begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from lpse_admin.accounts.roles import Role
from models.changes.change import ChangeRequest
from models.notifications import rules
from models.sops.sop import SopRevision

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

    from models.delegation.delegation import Delegation


def notify_of_waiting_steps(session: Session, delegation: Delegation, now: dt.datetime) -> None:
    """Notify the delegate once of each step that waits for the head, oldest first, in the caller's transaction.

    Steps for which the delegate has a conflicting duty are skipped.
    """
    sops = session.scalars(select(SopRevision).where(SopRevision.agency_id == delegation.agency_id)).all()
    steps = {step for sop in sops for step, rule in sop.sop.rules.items() if rule.actor is Role.HEAD}
    of_the_head = (
        select(ChangeRequest)
        .where(ChangeRequest.agency_id == delegation.agency_id, ChangeRequest.step.in_(steps))
        .options(selectinload(ChangeRequest.activities))
        .order_by(ChangeRequest.id)
    )
    for change in session.scalars(of_the_head).all():
        rules.notify_acting_head(session, change, delegation.delegate, now)
