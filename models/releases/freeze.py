"""Freeze periods: no release while tenders close, say; entered by an administrator, lifted with a reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, exists, select
from sqlalchemy.ext.hybrid import hybrid_method
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.workflow.record_fields import Environment
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import is_permitted, require_permission
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import (
    SHORT_TEXT_LENGTH,
    Base,
    IdType,
    LongText,
    PrimaryKey,
    ShortText,
    Timestamp,
    enum_type,
    session_of,
)
from models.hybrids import first_true, is_set
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule, no_update_or_delete
from models.office.agency import Agency, lock_agency
from models.validation import is_plausible_date, text_error

if TYPE_CHECKING:
    from models.changes.change import ChangeRequest
    from models.delegation.delegation import Delegation
    from models.documents.document import Document


_ONLY_ADMINISTRATORS = _("Only an administrator manages freeze periods.")
_ENTERED = AuditAction("freeze.enter", _("Entered a freeze period"))
_CORRECTED = AuditAction("freeze.alter", _("Corrected a freeze period"))
_LIFTED = AuditAction("freeze.lift", _("Lifted a freeze period"))


class FreezeState(LabelledEnum):
    """What a freeze is at a moment."""

    IN_FORCE = "now", _("In force")
    UPCOMING = "coming", _("Not yet in force")
    PAST = "past", _("Ended")
    LIFTED = "lifted", _("Lifted")


_LIFTING_COLUMNS = ("changed_at", "revision", "lifted_at", "lifted_by_id", "lifted_reason")


class Freeze(Base):
    """A stretch of time in which nothing is released into one environment, or into any."""

    __tablename__ = "freeze_period"  # "freeze" itself is a reserved word of PostgreSQL
    is_office_record = True
    __table_args__ = (
        CheckConstraint("from_at < until_at", name="moments_in_order"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by_id IS NULL)", name="lifted_by_somebody"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_reason IS NULL)", name="lifted_with_a_reason"),
        Index(None, "agency_id", "from_at", "id"),
        Index(None, "agency_id", "until_at"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "freeze_stands",
            "a freeze that is lifted, or that the head has allowed a release in, stays as it is",
            (
                Immutable("OLD.lifted_at IS NOT NULL"),
                Immutable(
                    "EXISTS (SELECT 1 FROM freeze_permit p WHERE p.freeze_id = OLD.id)", mutable=_LIFTING_COLUMNS
                ),
                Immutable(mutable=("name", "from_at", "until_at", "environment", "reason", *_LIFTING_COLUMNS)),
            ),
        ),
        DeleteRule("freeze_kept", "a freeze is lifted, not deleted"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    name: Mapped[ShortText]
    from_at: Mapped[Timestamp]
    until_at: Mapped[Timestamp]
    #: None for every environment.
    environment: Mapped[Environment | None] = mapped_column(enum_type(Environment, "environment"))
    reason: Mapped[LongText]
    entered_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    entered_by_name: Mapped[str | None] = snapshot_of("entered_by_id")
    entered_by_title: Mapped[str | None] = snapshot_of("entered_by_id", "position")
    entered_by_capacity: Mapped[str | None] = snapshot_of("entered_by_id", "capacity")
    entered_at: Mapped[Timestamp]
    #: When it was last written, and how often since it was entered: what a calendar that keeps a copy goes by.
    changed_at: Mapped[Timestamp]
    revision: Mapped[int] = mapped_column(default=0)
    lifted_at: Mapped[Timestamp | None]
    lifted_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    lifted_by_name: Mapped[str | None] = snapshot_of("lifted_by_id")
    lifted_by_title: Mapped[str | None] = snapshot_of("lifted_by_id", "position")
    lifted_by_capacity: Mapped[str | None] = snapshot_of("lifted_by_id", "capacity")
    lifted_reason: Mapped[LongText | None]

    agency: Mapped[Agency] = relationship()
    entered_by: Mapped[User] = relationship(foreign_keys=entered_by_id)
    lifted_by: Mapped[User | None] = relationship(foreign_keys=lifted_by_id)
    permits: Mapped[list[FreezePermit]] = relationship(back_populates="freeze", order_by="FreezePermit.id")

    @hybrid_method
    def state(self, now: dt.datetime) -> FreezeState:
        """Return what it is at this moment."""
        return first_true(
            (is_set(self.lifted_at), FreezeState.LIFTED),
            (self.until_at <= now, FreezeState.PAST),
            (self.from_at > now, FreezeState.UPCOMING),
            default=FreezeState.IN_FORCE,
        )

    def can_be_altered_by(self, user: User, now: dt.datetime) -> bool:
        """Whether ``user`` may correct it now: it has not begun, nothing was allowed in it, and it is not lifted."""
        is_ahead = self.state(now) is FreezeState.UPCOMING
        return is_ahead and is_permitted(user, Verb.EDIT, Resource.FREEZE, self.agency_id) and not self._has_permits()

    def can_be_lifted_by(self, user: User, now: dt.datetime) -> bool:
        """Whether ``user`` may lift it now: it is not over."""
        is_left = self.state(now) in {FreezeState.UPCOMING, FreezeState.IN_FORCE}
        return is_left and is_permitted(user, Verb.EDIT, Resource.FREEZE, self.agency_id)

    def alter(self, entry: FreezeValues, *, why: str, by: User, now: dt.datetime) -> None:
        """Correct it before it begins; ``why`` is the reason of the correction.

        Raises NotAllowed for anybody but an administrator, NoSuchMove once it has begun, is lifted or the head has
        allowed a release in it, ValidationFailed with an error for each wrong field.
        """
        require_permission(by, Verb.EDIT, Resource.FREEZE, self.agency_id, _ONLY_ADMINISTRATORS)
        session = session_of(self)
        self._lock(session)
        if not self.can_be_altered_by(by, now):
            raise NoSuchMove(
                _("This freeze has started, is lifted, or the head has permitted a release in it: lift it instead.")
            )
        errors = _entry_errors(entry, now)
        if error := text_error(why, required_label=_("Reason for the correction")):
            errors["why"] = error
        if errors:
            raise ValidationFailed(_("The freeze cannot be saved with these values."), field_errors=errors)
        entry.apply_to(self)
        self.changed_at, self.revision = now, self.revision + 1
        _CORRECTED.describe(session, reason=strip_blank(why))
        session.flush()

    def lift(self, reason: str, *, by: User, now: dt.datetime) -> None:
        """End it at once, with a reason.

        Raises NotAllowed for anybody but an administrator, NoSuchMove where it is over or lifted already,
        ValidationFailed for an empty reason.
        """
        require_permission(by, Verb.EDIT, Resource.FREEZE, self.agency_id, _ONLY_ADMINISTRATORS)
        session = session_of(self)
        self._lock(session)
        if not self.can_be_lifted_by(by, now):
            raise NoSuchMove(_("This freeze has already ended or been lifted."))
        if error := text_error(reason, required_label=_("Reason")):
            raise ValidationFailed(error, field_errors={"reason": error})
        self.lifted_at, self.lifted_by_id, self.lifted_reason = now, by.id, strip_blank(reason)
        self.changed_at, self.revision = now, self.revision + 1
        _LIFTED.describe(session, reason=self.lifted_reason)
        session.flush()

    def _has_permits(self) -> bool:
        return bool(session_of(self).scalar(select(exists().where(FreezePermit.freeze_id == self.id))))

    def _lock(self, session: Session) -> None:
        """Lock agency and row, so that no release is scheduled or permitted meanwhile."""
        session.flush()
        lock_agency(session, self.agency_id)
        session.refresh(self, with_for_update=True)

    def __str__(self) -> str:
        """Return the name that people know it by."""
        return self.name


class FreezePermit(Base):
    """The head's written permission to release one request in a freeze (``freeze_permit`` writes it)."""

    __tablename__ = "freeze_permit"
    belongs_to_change = True
    __table_args__ = (
        UniqueConstraint("freeze_id", "change_id"),
        Index(None, "change_id"),
        Index(None, "letter_id"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("what the head has allowed stays as it is")
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"reason"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    freeze_id: Mapped[int] = mapped_column(IdType, ForeignKey("freeze_period.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    allowed_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    allowed_by_name: Mapped[str | None] = snapshot_of("allowed_by_id")
    allowed_by_title: Mapped[str | None] = snapshot_of("allowed_by_id", "position")
    allowed_at: Mapped[Timestamp]
    #: In what capacity, in the paper's own words: "Plh. Kepala LPSE".
    capacity: Mapped[ShortText]
    delegation_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("delegation.id"))
    reason: Mapped[LongText]
    #: The scanned letter, where there is one; it is one of the request's files.
    letter_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("document.id"))

    freeze: Mapped[Freeze] = relationship(back_populates="permits")
    change: Mapped[ChangeRequest] = relationship()
    allowed_by: Mapped[User] = relationship()
    delegation: Mapped[Delegation | None] = relationship()
    letter: Mapped[Document | None] = relationship()


@dataclass(frozen=True, slots=True)
class FreezeValues:
    """A freeze as it is typed in; ``environment`` None is all of them."""

    name: str
    from_at: dt.datetime | None
    until_at: dt.datetime | None
    environment: Environment | None
    reason: str

    def apply_to(self, freeze: Freeze) -> None:
        """Write it into the row."""
        if self.from_at is None or self.until_at is None:
            raise ValueError("the period has not been validated")
        freeze.name = " ".join(self.name.split())
        freeze.from_at, freeze.until_at = self.from_at, self.until_at
        freeze.environment, freeze.reason = self.environment, strip_blank(self.reason)


def create_freeze(session: Session, agency: Agency, entry: FreezeValues, *, by: User, now: dt.datetime) -> Freeze:
    """Enter a freeze of ``agency`` and return it; releases that are planned in it already stay as they are.

    Raises NotAllowed for anybody but an administrator of the agency or of the installation, Incomplete with a
    sentence beside each wrong field.
    """
    require_permission(by, Verb.CREATE, Resource.FREEZE, agency.id, _ONLY_ADMINISTRATORS)
    if errors := _entry_errors(entry, now):
        raise ValidationFailed(_("The freeze cannot be saved with these values."), field_errors=errors)
    session.flush()
    lock_agency(session, agency.id)  # whoever schedules a release meanwhile would not see it
    freeze = Freeze(agency=agency, entered_by_id=by.id, entered_at=now, changed_at=now, revision=0)
    entry.apply_to(freeze)
    session.add(freeze)
    _ENTERED.describe(session, reason=freeze.reason)
    session.flush()
    return freeze


def _entry_errors(entry: FreezeValues, now: dt.datetime) -> dict[str, Message]:
    """Return an error for each wrong field."""
    errors = _time_errors(entry, now)
    name = " ".join(entry.name.split())
    if error := text_error(name, required_label=_("Freeze name"), max_length=SHORT_TEXT_LENGTH):
        errors["name"] = error
    if error := text_error(entry.reason, required_label=_("Reason")):
        errors["reason"] = error
    return errors


def _time_errors(entry: FreezeValues, now: dt.datetime) -> dict[str, Message]:
    errors = {
        key: _("This is not a date and time.")
        for key, at in (("from_at", entry.from_at), ("until_at", entry.until_at))
        if at is None or not is_plausible_date(at)
    }
    if errors or entry.from_at is None or entry.until_at is None:
        return errors
    if entry.until_at <= entry.from_at:
        return {"until_at": _("The end must be after the start.")}
    return {"until_at": _("The end is in the past.")} if entry.until_at <= now else {}
