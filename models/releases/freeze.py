"""Freeze periods: no release while tenders close, say; entered by an administrator, lifted with a reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint, and_, case, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.workflow.record_fields import Environment
from models.accounts.user import User
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
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule, no_update_or_delete
from models.office.agency import Agency, lock_agency
from models.validation import is_plausible_date, text_error

if TYPE_CHECKING:
    from models.changes.change import ChangeRequest
    from models.delegation.delegation import Delegation
    from models.documents.document import Document


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
    entered_at: Mapped[Timestamp]
    #: When it was last written, and how often since it was entered: what a calendar that keeps a copy goes by.
    changed_at: Mapped[Timestamp]
    revision: Mapped[int] = mapped_column(default=0)
    lifted_at: Mapped[Timestamp | None]
    lifted_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    lifted_reason: Mapped[LongText | None]

    agency: Mapped[Agency] = relationship()
    entered_by: Mapped[User] = relationship(foreign_keys=entered_by_id)
    permits: Mapped[list[FreezePermit]] = relationship(back_populates="freeze", order_by="FreezePermit.id")

    def can_be_altered(self, now: dt.datetime) -> bool:
        """Whether it can still be corrected: it has not begun, nothing was allowed in it, and it is not lifted."""
        return self.lifted_at is None and now < self.from_at and not self._has_permits()

    def can_be_lifted(self, now: dt.datetime) -> bool:
        """Whether there is anything left of it to lift."""
        return self.lifted_at is None and now < self.until_at

    def alter(self, entry: FreezeValues, *, by: User, now: dt.datetime) -> None:
        """Correct it before it begins.

        Raises NotAllowed for anybody but an administrator, NoSuchMove once it has begun, is lifted or the head has
        allowed a release in it, Incomplete with a sentence beside each wrong field.
        """
        _require_administrator(by, self.agency_id)
        session = session_of(self)
        self._lock(session)
        if not self.can_be_altered(now):
            raise NoSuchMove(
                _("This freeze has started, is lifted, or the head has permitted a release in it: lift it instead.")
            )
        _require_valid(entry, now)
        entry.apply_to(self)
        self.changed_at, self.revision = now, self.revision + 1
        session.flush()

    def lift(self, reason: str, *, by: User, now: dt.datetime) -> None:
        """End it at once, with a reason.

        Raises NotAllowed for anybody but an administrator, NoSuchMove where it is over or lifted already, Incomplete
        for a reason that says nothing.
        """
        _require_administrator(by, self.agency_id)
        session = session_of(self)
        self._lock(session)
        if not self.can_be_lifted(now):
            raise NoSuchMove(_("This freeze has already ended or been lifted."))
        if fault := text_error(reason, required_label=_("Reason")):
            raise ValidationFailed(fault, field_errors={"reason": fault})
        self.lifted_at, self.lifted_by_id, self.lifted_reason = now, by.id, reason.strip()
        self.changed_at, self.revision = now, self.revision + 1
        session.flush()

    def _has_permits(self) -> bool:
        return bool(session_of(self).scalar(select(exists().where(FreezePermit.freeze_id == self.id))))

    def _lock(self, session: Session) -> None:
        """Let nobody schedule a release or allow one in it while it changes."""
        session.flush()
        lock_agency(session, self.agency_id)
        session.refresh(self, with_for_update=True)

    def __str__(self) -> str:
        """Return the name that people know it by."""
        return self.name


class FreezePermit(Base):
    """The head's written word that one request may be released in a freeze (``releases.freeze_permit`` writes it)."""

    __tablename__ = "freeze_permit"
    __table_args__ = (
        UniqueConstraint("freeze_id", "change_id"),
        Index(None, "change_id"),
        Index(None, "letter_id"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("what the head has allowed stays as it is")

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    freeze_id: Mapped[int] = mapped_column(IdType, ForeignKey("freeze_period.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    allowed_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
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
        assert self.from_at is not None  # noqa: S101 - checked before
        assert self.until_at is not None  # noqa: S101
        freeze.name = " ".join(self.name.split())
        freeze.from_at, freeze.until_at = self.from_at, self.until_at
        freeze.environment, freeze.reason = self.environment, self.reason.strip()


def create_freeze(session: Session, agency: Agency, entry: FreezeValues, *, by: User, now: dt.datetime) -> Freeze:
    """Enter a freeze of ``agency`` and return it; releases that are planned in it already stay as they are.

    Raises NotAllowed for anybody but an administrator of the agency or of the installation, Incomplete with a
    sentence beside each wrong field.
    """
    _require_administrator(by, agency.id)
    _require_valid(entry, now)
    session.flush()
    lock_agency(session, agency.id)  # whoever schedules a release meanwhile would not see it
    freeze = Freeze(agency=agency, entered_by_id=by.id, entered_at=now, changed_at=now, revision=0)
    entry.apply_to(freeze)
    session.add(freeze)
    session.flush()
    return freeze


def in_state(state: FreezeState, now: dt.datetime) -> ColumnElement[bool]:
    """Return the criterion for the freezes that are in ``state`` at this moment."""
    stands = Freeze.lifted_at.is_(None)
    match state:
        case FreezeState.LIFTED:
            return Freeze.lifted_at.is_not(None)
        case FreezeState.PAST:
            return and_(stands, Freeze.until_at <= now)
        case FreezeState.UPCOMING:
            return and_(stands, Freeze.from_at > now)
        case FreezeState.IN_FORCE:
            return and_(stands, Freeze.from_at <= now, Freeze.until_at > now)


def state_at(now: dt.datetime) -> ColumnElement[str]:
    """Return the expression for the state of a freeze at this moment."""
    return case(*((in_state(state, now), state.value) for state in FreezeState))


def _require_administrator(by: User, agency_id: int) -> None:
    if Role.ADMINISTRATOR not in by.roles or by.agency_id not in {None, agency_id} or not by.is_active:
        raise NotAllowed(_("Only an administrator manages freeze periods."))


def _require_valid(entry: FreezeValues, now: dt.datetime) -> None:
    faults = _time_errors(entry, now)
    name = " ".join(entry.name.split())
    if fault := text_error(name, required_label=_("Freeze name"), max_length=SHORT_TEXT_LENGTH):
        faults["name"] = fault
    if fault := text_error(entry.reason, required_label=_("Reason")):
        faults["reason"] = fault
    if faults:
        raise ValidationFailed(_("The freeze cannot be saved with these values."), field_errors=faults)


def _time_errors(entry: FreezeValues, now: dt.datetime) -> dict[str, Message]:
    faults = {
        key: _("This is not a date and time.")
        for key, at in (("from_at", entry.from_at), ("until_at", entry.until_at))
        if at is None or not is_plausible_date(at)
    }
    if faults or entry.from_at is None or entry.until_at is None:
        return faults
    if entry.until_at <= entry.from_at:
        return {"until_at": _("The end must be after the start.")}
    return {"until_at": _("The end is in the past.")} if entry.until_at <= now else {}
