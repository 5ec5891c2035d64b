"""Consents: what others than the actor of a step say to it, where the SOP asks for their agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ForeignKey, Index, bindparam, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.workflow.consents import GivenConsent, post_to_consent_for, reason_cannot_consent
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, session_of
from models.changes.steps.activity import Activity
from models.delegation.delegation import acting_head_ids, capacity_of_post
from models.immutability import RowRules, no_update_or_delete
from models.validation import text_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from lpse_admin.sop import ConsentRule, Sop
    from models.changes.moves.case_file import CaseFile

_GIVEN = AuditAction("change.consent", _("Agreed or objected to a step"))
_MAX_LENGTH = 10_000


class Consent(Base):
    """What one person said to a step, for one actor of the SOP. The last word of a person on a step counts."""

    __tablename__ = "step_consent"
    belongs_to_change = True
    __table_args__ = (Index(None, "change_id", "id"), Index(None, "activity_id", "user_id"))

    row_rules: ClassVar[RowRules] = no_update_or_delete("what somebody said to a step stays as it is")
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"reason"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int] = mapped_column(IdType, ForeignKey("activity.id"))
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    user_name: Mapped[str | None] = snapshot_of("user_id")
    user_title: Mapped[str | None] = snapshot_of("user_id", "position")
    user_nip: Mapped[str | None] = snapshot_of("user_id", "nip")
    actor_key: Mapped[ShortText]
    #: In what capacity, in the SOP's own words: "Anggota Tim Perubahan".
    capacity: Mapped[ShortText]
    delegation_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("delegation.id"))
    agrees: Mapped[bool]
    reason: Mapped[LongText]
    at: Mapped[Timestamp]

    activity: Mapped[Activity] = relationship(viewonly=True)


def consents_of(session: Session, change_id: int) -> Sequence[Consent]:
    """Return all consents and objections on a request, oldest first."""
    return session.scalars(select(Consent).where(Consent.change_id == change_id).order_by(Consent.id)).all()


def load_given(session: Session, change_id: int) -> Sequence[Any]:
    """Return what was said to the steps of a request, as plain rows, oldest first."""
    return session.connection().execute(_GIVEN_TO, {"change": change_id}).all()


_consent: Any = Consent.__table__.c
_GIVEN_TO = (
    select(_consent.activity_id, _consent.user_id, _consent.user_nip, _consent.actor_key, _consent.agrees)
    .where(_consent.change_id == bindparam("change"))
    .order_by(_consent.id)
)


def last_words(rows: Sequence[Row[Any]], activity_id: int) -> list[GivenConsent]:
    """Return the last word of each person on a step; two accounts of one person are one."""
    last = {row.user_nip or row.user_id: row for row in rows if row.activity_id == activity_id}
    return [GivenConsent(row.user_id, row.actor_key, agrees=row.agrees) for row in last.values()]


def holders_of_posts(case: CaseFile, rules: Sequence[ConsentRule]) -> Mapping[str, frozenset[int]]:
    """Return the ids of all who hold the posts of which everybody is to agree, by the key of the actor."""
    session, change = session_of(case.change), case.change
    holders: dict[str, frozenset[int]] = {}
    for rule in rules:
        if rule.number is not None:
            continue
        if rule.actor is Role.REQUESTER:
            holders[rule.actor_key] = frozenset({change.requester_id})
            continue
        has_role = getattr(User, f"is_{rule.actor.value}")
        if rule.actor is Role.HEAD:
            has_role = or_(has_role, User.id.in_(acting_head_ids(change.agency_id, change.agency.local_date(case.now))))
        people = select(User.id).where(User.agency_id == change.agency_id, User.is_active, has_role)
        _role, appointed = case.appointments.posts.get(rule.actor_key, (None, None))
        ids = frozenset(session.scalars(people))
        holders[rule.actor_key] = ids if appointed is None else ids & appointed
    return holders


def give_consent(case: CaseFile, *, agrees: bool, reason: str, activity_id: int | None = None) -> Consent:
    """Record what the actor of ``case`` says to the current step, for the post that they hold.

    ``activity_id`` is the step that they read. The request's version stays: whoever is filling in the step's form goes
    on. Raises NoSuchMove (409) if another step is open by now, NotAllowed (403) if the SOP does not ask them,
    ValidationFailed (422) without a reason.
    """
    current = case.require_open()
    if activity_id is not None and activity_id != current.id:
        raise NoSuchMove(_("Conflict: this request has been moved or changed since you opened it."))
    rule = post_to_consent_for(case.sop, case.position, case.person)
    if refusal := reason_cannot_consent(case.sop, case.position, case.person):
        raise NotAllowed(refusal)
    if rule is None:
        raise ValueError("whoever may consent holds a post")
    if error := text_error(reason, required_label=_("Reason"), max_length=_MAX_LENGTH):
        raise ValidationFailed(error, field_errors={"consent_reason": error})
    session = session_of(case.change)
    is_for_head = rule.actor is Role.HEAD and case.actor_delegation is not None
    consent = Consent(
        agency_id=case.change.agency_id,
        change_id=case.change.id,
        activity_id=current.id,
        user_id=case.actor.id,
        actor_key=rule.actor_key,
        capacity=capacity_of_post(case.sop, rule.actor_key, case.actor_delegation if is_for_head else None),
        delegation_id=case.actor_delegation.id if is_for_head and case.actor_delegation is not None else None,
        agrees=agrees,
        reason=strip_blank(reason),
        at=case.now,
    )
    session.add(consent)
    session.flush()
    _GIVEN.describe(session, reason=consent.reason)
    return consent


def takers_by_consent(sop: Sop, rows: Sequence[Row[Any]]) -> Mapping[int, frozenset[int]]:
    """Return who spoke on which activity besides its actor, by the id of the activity; not the requester."""
    requesters = {
        rule.actor_key for step in sop.rules.values() for rule in step.consents if rule.actor is Role.REQUESTER
    }
    takers: dict[int, frozenset[int]] = {}
    for row in rows:
        if row.actor_key not in requesters:
            takers[row.activity_id] = takers.get(row.activity_id, frozenset()) | {row.user_id}
    return takers
