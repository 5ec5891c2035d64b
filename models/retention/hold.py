"""Holds: a request that must not be destroyed, whatever its retention says, while an inquiry or a dispute lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import is_permitted, require_permission
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp, partial_index, session_of
from models.changes.change import ChangeRequest
from models.hybrids import is_null
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.retention.request_number import find_request
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from models.accounts.user import User

_PLACED = AuditAction("hold.place", _("Put a request under a hold"))
_LIFTED = AuditAction("hold.lift", _("Lifted a hold"))
_NOT_ALLOWED = _("Only the head puts a request under a hold, and lifts it.")


class Hold(Base):
    """A hold on a request, until it is lifted."""

    __tablename__ = "hold"
    is_office_record = True
    __table_args__ = (
        CheckConstraint("(lifted_at IS NULL) = (lift_reason IS NULL)", name="lifted_with_a_reason"),
        Index("ix_hold_in_force", "change_id", unique=True, **partial_index("lifted_at IS NULL")),
        Index(None, "agency_id", "placed_at", "id"),
    )
    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "hold_lifted_once",
            "a hold is lifted once, and keeps what it says",
            (Immutable(mutable=("lifted_at", "lifted_by_id", "lift_reason")), Immutable("OLD.lifted_at IS NOT NULL")),
        ),
        DeleteRule("hold_kept", "a hold is lifted, not deleted"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    reason: Mapped[LongText]
    placed_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    placed_by_name: Mapped[str | None] = snapshot_of("placed_by_id")
    placed_at: Mapped[Timestamp]
    lifted_at: Mapped[Timestamp | None]
    lifted_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    lifted_by_name: Mapped[str | None] = snapshot_of("lifted_by_id")
    lift_reason: Mapped[LongText | None]

    change: Mapped[ChangeRequest] = relationship()

    @hybrid_property
    def is_in_force(self) -> bool:
        """Whether it was not lifted."""
        return is_null(self.lifted_at)

    def can_be_lifted_by(self, user: User, _now: dt.datetime) -> bool:
        """Whether it is in force and ``user`` may lift it."""
        return self.is_in_force and is_permitted(user, Verb.EDIT, Resource.HOLD, self.agency_id)

    def lift(self, *, by: User, now: dt.datetime, reason: str) -> None:
        """Lift it; raises NotAllowed, NoSuchMove and ValidationFailed."""
        require_permission(by, Verb.EDIT, Resource.HOLD, self.agency_id, _NOT_ALLOWED)
        if not self.is_in_force:
            raise NoSuchMove(_("This hold is lifted already."))
        if error := text_error(reason, required_label=_("Reason")):
            raise ValidationFailed(error, field_errors={"reason": error})
        self.lifted_at, self.lifted_by_id, self.lift_reason = now, by.id, reason.strip()
        _LIFTED.describe(session_of(self), reason=self.lift_reason)

    def __str__(self) -> str:
        """Return the number of the request."""
        return self.change.number or ""


def place_hold(session: Session, *, by: User, now: dt.datetime, number: str, reason: str) -> Hold:
    """Put the request with this number under a hold; raises NotAllowed and ValidationFailed ("number", "reason")."""
    require_permission(by, Verb.CREATE, Resource.HOLD, by.agency_id, _NOT_ALLOWED)
    errors = {"reason": error} if (error := text_error(reason, required_label=_("Reason"))) else {}
    try:
        change = find_request(session, by, number)
    except ValidationFailed as refusal:
        raise ValidationFailed(refusal.message, field_errors={**refusal.field_errors, **errors}) from None
    session.refresh(change, ["version"], with_for_update=True)
    if holds_in_force(session, [change.id]):
        errors["number"] = _("This request is under a hold already.")
    if errors:
        raise ValidationFailed(next(iter(errors.values())), field_errors=errors)
    hold = Hold(agency_id=change.agency_id, change=change, reason=reason.strip(), placed_by_id=by.id, placed_at=now)
    session.add(hold)
    _PLACED.describe(session, reason=hold.reason)
    session.flush()
    return hold


def holds_in_force(session: Session, change_ids: Collection[int]) -> Mapping[int, Hold]:
    """Return the holds in force on these requests, by request."""
    holds = session.scalars(select(Hold).where(Hold.change_id.in_(change_ids), Hold.is_in_force))
    return {hold.change_id: hold for hold in holds}
