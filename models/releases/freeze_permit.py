"""Permits of the head to release one request in a freeze."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.transitions import conflicting_duty, is_head
from models.audit.actions import AuditAction
from models.base import session_of
from models.changes.change import ChangeRequest
from models.changes.moves.case_file import read_case, with_record
from models.delegation.delegation import capacity, load_active_delegation
from models.documents.document import attach
from models.hybrids import joined_texts
from models.releases.freeze import Freeze, FreezePermit
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt

    from lpse_admin.sop import Sop
    from models.accounts.user import User
    from models.changes.moves.case_file import CaseFile
    from models.documents.document import Document


_PERMITTED = AuditAction("freeze.permit", _("Permitted a release in a freeze"))

#: SQL expression for the permits of a freeze, joined to one text.
PERMITTED_RELEASES = joined_texts(
    select(ChangeRequest.number + " (" + FreezePermit.capacity + "): " + FreezePermit.reason)
    .join(FreezePermit, FreezePermit.change_id == ChangeRequest.id)
    .where(FreezePermit.freeze_id == Freeze.id)
    .correlate(Freeze),
    FreezePermit.id,
)


@dataclass(frozen=True, slots=True)
class PermitLetter:
    """The scanned letter of a permit; the file must be checked (``lpse_admin.documents.inspection``)."""

    name: str
    media_type: str
    content: bytes


def reason_cannot_permit(change: ChangeRequest, user: User, now: dt.datetime) -> Message | None:
    """Return why ``user`` may not permit this release in a freeze, or None if they may."""
    delegation = load_active_delegation(session_of(change), user, now)
    return reason_actor_cannot_permit(read_case(change, user, now, delegation=delegation))


def reason_actor_cannot_permit(case: CaseFile) -> Message | None:
    """Return why the actor of ``case`` may not permit this release in a freeze, or None if they may.

    The rule is the same as for approving an emergency: the head or an acting head without a conflicting duty
    (procedure.md, Actors and reading 4).
    """
    if not is_head(case.person):
        return _(
            "Only the %(actor)s permits a release in a freeze.",
            actor=case.sop.actor_title(_head_step_or_role(case.sop)),
        )
    if duty := conflicting_duty(replace(case.position, step=Step.APPROVAL), case.person):
        return _("You have already %(part)s, so somebody else must permit this release.", part=duty.title)
    return None


def permittable_freezes(session: Session, change: ChangeRequest, sop: Sop | None = None) -> list[Freeze]:
    """Return the freezes in which the head may still permit this release, earliest first.

    They are not lifted, have no permit for this request yet, and ended after the request was submitted (an emergency
    may be recorded after the freeze in which it happened).
    """
    if change.submitted_at is None or not _may_be_released(sop or change.sop, change.step):
        return []
    parameters = {"agency": change.agency_id, "change": change.id, "submitted": change.submitted_at}
    return list(session.scalars(_NOT_PERMITTED_YET, parameters))


def _may_be_released(sop: Sop, step: Step) -> bool:
    """Whether a release can still follow from ``step``."""
    return any(reached.kind is Step.RELEASE for reached in sop.reachable_steps(step))


# On every page of an open request that the head sees, so put together once.
_NOT_PERMITTED_YET = (
    select(Freeze)
    .where(
        Freeze.agency_id == bindparam("agency"),
        Freeze.lifted_at.is_(None),
        Freeze.until_at > bindparam("submitted"),
        Freeze.id.not_in(select(FreezePermit.freeze_id).where(FreezePermit.change_id == bindparam("change"))),
    )
    .order_by(Freeze.from_at, Freeze.id)
)


def permits_of(session: Session, change: ChangeRequest) -> list[FreezePermit]:
    """Return the freeze permits of this request, oldest first."""
    if session.connection().execute(_FIRST_PERMIT, {"change": change.id}).first() is None:
        return []  # the usual case: no need for the joins
    return list(
        session.scalars(
            select(FreezePermit)
            .where(FreezePermit.change_id == change.id)
            .options(
                joinedload(FreezePermit.freeze),
                joinedload(FreezePermit.allowed_by),
                joinedload(FreezePermit.delegation),
                joinedload(FreezePermit.letter),
            )
            .order_by(FreezePermit.id)
        )
    )


_FIRST_PERMIT = select(FreezePermit.id).where(FreezePermit.change_id == bindparam("change")).limit(1)


def grant_permit(  # noqa: PLR0913 - the columns of a permit
    session: Session,
    freeze: Freeze,
    change: ChangeRequest,
    *,
    by: User,
    now: dt.datetime,
    reason: str,
    letter: PermitLetter | None = None,
) -> FreezePermit:
    """Record that the head permits the release of ``change`` in ``freeze``, and return the permit.

    Raises NotAllowed unless ``by`` is the head or an acting head without a conflicting duty, NoSuchMove if the request
    is past its release, the freeze is lifted or a permit exists already, ValidationFailed if the reason is empty.
    """
    session.flush()
    session.refresh(change, ["version", "step"], with_for_update=True)
    delegation = load_active_delegation(session, by, now)
    case = with_record(read_case(change, by, now, delegation=delegation))
    if refusal := reason_actor_cannot_permit(case):
        raise NotAllowed(refusal)
    session.refresh(freeze, with_for_update=True)  # serializes with changes of the freeze
    if freeze.id not in {one.id for one in permittable_freezes(session, change, case.sop)}:
        raise NoSuchMove(_("This release is in the past, is already permitted, or is not blocked by the freeze."))
    if error := text_error(reason, required_label=_("Reason")):
        raise ValidationFailed(error, field_errors={"reason": error})
    permit = FreezePermit(
        agency_id=change.agency_id,
        freeze=freeze,
        change_id=change.id,
        allowed_by_id=by.id,
        allowed_at=now,
        capacity=capacity(case.sop, _head_step_or_role(case.sop), by, delegation),
        delegation_id=delegation.id if delegation else None,
        reason=strip_blank(reason),
        letter_id=None if letter is None else _attach(session, letter, case, now=now).id,
    )
    session.add(permit)
    _PERMITTED.describe(session, reason=permit.reason, capacity=permit.capacity)
    session.flush()
    return permit


def _attach(session: Session, letter: PermitLetter, case: CaseFile, *, now: dt.datetime) -> Document:
    """Attach the letter of a permit to the current step of the request."""
    return attach(
        session,
        name=letter.name,
        media_type=letter.media_type,
        content=letter.content,
        by=case.actor,
        now=now,
        activity=case.current,
    )


def _head_step_or_role(sop: Sop) -> Step | Role:
    """Return the approval step if the SOP has one, else the role of the head; for the actor title."""
    return next(iter(sop.steps_of(Step.APPROVAL)), Role.HEAD)
