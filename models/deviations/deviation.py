"""Deviations: raised by the program, accounted for by the executor, disposed of by the head, and followed up.

See procedure.md, reading 13. ``lpse_admin.workflow.deviations`` detects deviations; this module stores them.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, UniqueConstraint, and_, or_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.sop.steps import HEAD_STEPS, Step
from lpse_admin.workflow.deviations import (
    ACCOUNT_PREFIX,
    OUTPUT_LACKING,
    OUTPUT_PREFIX,
    DetectedDeviation,
    DeviationKind,
    Disposal,
    LatenessBasis,
    account_field,
)
from lpse_admin.workflow.record_fields import is_empty
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import is_permitted
from models.accounts.person import accounts_of_people
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
    is_id,
    partial_index,
    session_of,
    to_json_value,
)
from models.delegation.delegation import Delegation, capacity, load_active_delegation
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.notifications import rules
from models.office.agency import Agency
from models.step_types import is_of_kind, step_type
from models.validation import text_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.changes.change import ChangeRequest
    from models.changes.steps.activity import Activity

#: Maximum length of accounts and notes, in characters.
_MAX_ACCOUNT_LENGTH = 10_000
#: Latest due date of a follow-up, from today.
_MAX_FOLLOW_UP = dt.timedelta(days=366 * 2)

#: The key of the disposals among a step's values: {deviation id: the ``values`` of ``Deviation.dispose``}.
DISPOSALS = "disposals"


class DeviationState(LabelledEnum):
    """State of a deviation."""

    RAISED = "raised", _("Explanation missing")
    ACCOUNTED = "accounted", _("Waiting for the head")
    FOLLOW_UP = "follow-up", _("In follow-up")
    SETTLED = "settled", _("Resolved")


#: Columns written after a deviation was raised: each group once, in this order.
_ACCOUNT_COLUMNS = (
    "account",
    "accounted_at",
    "accounted_by_id",
    "accounted_capacity",
    "measured_minutes",
    "executor_id",
)
_DISPOSAL_COLUMNS = (
    "disposal", "disposal_note", "disposed_at", "disposed_by_id", "disposed_capacity", "delegation_id",
    "follow_up_by_id", "follow_up_until",
)  # fmt: skip
_FOLLOW_UP_COLUMNS = ("followed_up_at", "followed_up_by_id", "follow_up_note")


class Deviation(Base):
    """One deviation of a step from its standard: kind, measure and standard, account, disposal, follow-up."""

    __tablename__ = "deviation"
    belongs_to_change = True
    __table_args__ = (
        UniqueConstraint("activity_id", "kind", "subject"),
        CheckConstraint(
            "(account IS NULL) = (accounted_at IS NULL) AND (account IS NULL) = (accounted_by_id IS NULL)",
            name="accounted_whole",
        ),
        CheckConstraint(
            "(disposal IS NULL) = (disposed_at IS NULL) AND (disposal IS NULL) = (disposed_by_id IS NULL)"
            " AND (disposal IS NULL) = (disposed_capacity IS NULL)",
            name="disposed_whole",
        ),
        CheckConstraint("disposal IS NULL OR account IS NOT NULL", name="accounted_before_disposed"),
        CheckConstraint(
            "(follow_up_by_id IS NOT NULL) = (disposal IS NOT NULL AND disposal = 'follow-up')"
            " AND (follow_up_by_id IS NULL) = (follow_up_until IS NULL)",
            name="follow_up_whole",
        ),
        CheckConstraint(
            "(followed_up_at IS NULL) = (followed_up_by_id IS NULL)"
            " AND (followed_up_at IS NULL) = (follow_up_note IS NULL)"
            " AND (followed_up_at IS NULL OR follow_up_by_id IS NOT NULL)",
            name="followed_up_whole",
        ),
        CheckConstraint(
            "(kind = 'time') = (measured_minutes IS NOT NULL) AND (kind = 'time') = (allowed_minutes IS NOT NULL)",
            name="time_is_measured",
        ),
        Index(None, "agency_id", "raised_at", "id"),
        Index("ix_deviation_raised_everywhere", "raised_at", "id"),
        Index(None, "change_id"),
        # Who is among the executors and followers of an office.
        Index(None, "executor_id", "agency_id"),
        Index(None, "follow_up_by_id", "agency_id"),
        Index(
            "ix_deviation_undisposed",
            "agency_id",
            "id",
            **partial_index("disposal IS NULL"),
        ),
        Index(
            "ix_deviation_follow_up",
            "follow_up_by_id",
            "follow_up_until",
            **partial_index("follow_up_by_id IS NOT NULL AND followed_up_at IS NULL"),
        ),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "deviation_stands",
            "a deviation is accounted for and disposed of once, and keeps what it says",
            (
                Immutable(mutable=(*_ACCOUNT_COLUMNS, *_DISPOSAL_COLUMNS, *_FOLLOW_UP_COLUMNS)),
                Immutable("OLD.account IS NOT NULL", mutable=(*_DISPOSAL_COLUMNS, *_FOLLOW_UP_COLUMNS)),
                Immutable("OLD.disposal IS NOT NULL", mutable=_FOLLOW_UP_COLUMNS),
                Immutable("OLD.followed_up_at IS NOT NULL"),
            ),
        ),
        DeleteRule("deviation_kept", "a deviation is settled, not deleted"),
    )

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"account", "disposal_note", "follow_up_note"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int] = mapped_column(IdType, ForeignKey("activity.id"))
    step: Mapped[Step] = mapped_column(step_type())
    kind: Mapped[DeviationKind] = mapped_column(enum_type(DeviationKind, "kind"))
    #: Identifies it within step and kind: a ``LatenessBasis`` value, or the field of the SOP's item or output.
    subject: Mapped[str] = mapped_column(String(120))
    #: The SOP's item or output; empty for time.
    what: Mapped[LongText]
    #: The standard in the SOP's wording, and in working minutes (None unless the kind is time).
    standard: Mapped[ShortText]
    allowed_minutes: Mapped[int | None]
    #: Working minutes when it was raised; updated when the step is finished.
    measured_minutes: Mapped[int | None]
    raised_at: Mapped[Timestamp]
    #: Whether the step was still open when this was raised.
    was_open: Mapped[bool]
    #: Who finished the step; while it is open, its assignee.
    executor_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    executor_name: Mapped[str | None] = snapshot_of("executor_id")
    executor_title: Mapped[str | None] = snapshot_of("executor_id", "position")

    account: Mapped[LongText | None]
    accounted_at: Mapped[Timestamp | None]
    accounted_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    accounted_by_name: Mapped[str | None] = snapshot_of("accounted_by_id")
    accounted_by_title: Mapped[str | None] = snapshot_of("accounted_by_id", "position")
    #: Capacity of ``accounted_by``, in the SOP's wording.
    accounted_capacity: Mapped[ShortText | None]

    disposal: Mapped[Disposal | None] = mapped_column(enum_type(Disposal, "disposal"))
    disposal_note: Mapped[LongText | None]
    disposed_at: Mapped[Timestamp | None]
    disposed_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    disposed_by_name: Mapped[str | None] = snapshot_of("disposed_by_id")
    disposed_by_title: Mapped[str | None] = snapshot_of("disposed_by_id", "position")
    #: Capacity of ``disposed_by``: "Kepala LPSE", "Plh. Kepala LPSE".
    disposed_capacity: Mapped[ShortText | None]
    delegation_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("delegation.id"))

    follow_up_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    follow_up_by_name: Mapped[str | None] = snapshot_of("follow_up_by_id")
    follow_up_by_title: Mapped[str | None] = snapshot_of("follow_up_by_id", "position")
    follow_up_until: Mapped[dt.date | None]
    followed_up_at: Mapped[Timestamp | None]
    followed_up_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    followed_up_by_name: Mapped[str | None] = snapshot_of("followed_up_by_id")
    followed_up_by_title: Mapped[str | None] = snapshot_of("followed_up_by_id", "position")
    followed_up_by_capacity: Mapped[str | None] = snapshot_of("followed_up_by_id", "capacity")
    follow_up_note: Mapped[LongText | None]

    agency: Mapped[Agency] = relationship()
    change: Mapped[ChangeRequest] = relationship(back_populates="deviations")
    activity: Mapped[Activity] = relationship(back_populates="deviations")
    executor: Mapped[User | None] = relationship(foreign_keys=executor_id, viewonly=True)
    disposed_by: Mapped[User | None] = relationship(foreign_keys=disposed_by_id, viewonly=True)
    follow_up_by: Mapped[User | None] = relationship(foreign_keys=follow_up_by_id, viewonly=True)
    delegation: Mapped[Delegation | None] = relationship(viewonly=True)

    @property
    def title(self) -> Message | str:
        """The title on screen: the SOP's item or output, or the title of the lateness basis."""
        return self.what or LatenessBasis(self.subject).title

    @property
    def state(self) -> DeviationState:
        """Current state."""
        if self.account is None:
            return DeviationState.RAISED
        if self.disposal is None:
            return DeviationState.ACCOUNTED
        if self.disposal is Disposal.FOLLOW_UP and self.followed_up_at is None:
            return DeviationState.FOLLOW_UP
        return DeviationState.SETTLED

    @property
    def detected(self) -> DetectedDeviation:
        """The deviation for the rules."""
        return DetectedDeviation(
            self.kind, self.subject, self.what, self.standard, self.allowed_minutes, self.measured_minutes
        )

    def dispose(self, by: User, *, now: dt.datetime, values: Mapping[str, object]) -> None:
        """Record the head's disposal.

        ``values``: ``disposal`` (a Disposal or its value), ``note``, ``follow_up_by`` (a user id) and
        ``follow_up_until`` (a date). Raises NotAllowed unless ``by`` is the head or an acting head whose own deviation
        it is not; NoSuchMove if it has no account or already has a disposal; ValidationFailed with an error for each
        wrong value.
        """
        in_capacity, delegation = self._require_disposer(by, now)
        if self.account is None:
            raise NoSuchMove(_("The executor has not explained this deviation yet."))
        if self.disposal is not None:
            raise NoSuchMove(_("This deviation has already been decided."))
        disposal, errors = self.validate_disposal(values, now)
        if errors:
            raise ValidationFailed(_("The deviation cannot be decided with these values."), field_errors=errors)
        self.disposal, self.disposal_note = disposal["disposal"], disposal["note"]
        self.follow_up_by_id, self.follow_up_until = disposal["follow_up_by"], disposal["follow_up_until"]
        self.disposed_at, self.disposed_by_id, self.disposed_capacity = now, by.id, in_capacity
        self.delegation_id = delegation.id if delegation else None
        session = session_of(self)
        session.flush()
        session.refresh(self, ["disposed_by", "follow_up_by"])
        rules.notify_disposal(session, self, by, now)

    def _require_disposer(self, by: User, now: dt.datetime) -> tuple[str, Delegation | None]:
        """Return the capacity and the delegation of ``by`` for a disposal. Raises NotAllowed if they may not."""
        if by.agency_id == self.agency_id and by.is_active:
            if Role.HEAD in by.roles:
                return capacity(self.change.sop, Role.HEAD, by, None), None
            delegation = load_active_delegation(session_of(self), by, now)
            if delegation is not None and not self._is_own_deviation_of(by):
                return capacity(self.change.sop, Role.HEAD, by, delegation), delegation
        raise NotAllowed(_("Only the head or the acting head decides on a deviation, and never on their own."))

    def _is_own_deviation_of(self, by: User) -> bool:
        """Whether ``by`` is the executor; steps of the head do not count, since ``by`` acted there as the head."""
        if self.step.kind in HEAD_STEPS:
            return False
        return self.executor_id in accounts_of_people(session_of(self), self.agency_id, {by.id})

    def can_be_disposed_by(self, user: User, now: dt.datetime) -> bool:
        """Whether it waits for the head, and ``user`` may dispose of it as head or acting head."""
        if self.state is not DeviationState.ACCOUNTED:
            return False
        try:
            self._require_disposer(user, now)
        except NotAllowed:
            return False
        return True

    def validate_disposal(
        self, values: Mapping[str, object], now: dt.datetime
    ) -> tuple[dict[str, Any], dict[str, Message]]:
        """Return the cleaned ``values``, and an error for each that is missing or wrong."""
        errors: dict[str, Message] = {}
        clean: dict[str, Any] = {"disposal": None, "note": None, "follow_up_by": None, "follow_up_until": None}
        try:
            clean["disposal"] = Disposal(str(values.get("disposal") or ""))
        except ValueError:
            errors["disposal"] = _("Choose a decision on this deviation.")
        note = values.get("note")
        if error := account_error(note):
            errors["note"] = error
        clean["note"] = strip_blank(note) if isinstance(note, str) and strip_blank(note) else None
        if clean["disposal"] is Disposal.NOT_ACCEPTED and clean["note"] is None:
            errors["note"] = _("State why the explanation is not accepted.")
        if clean["disposal"] is Disposal.FOLLOW_UP:
            clean["follow_up_by"], clean["follow_up_until"] = (
                values.get("follow_up_by"),
                _parse_date(values.get("follow_up_until")),
            )
            errors |= self._follow_up_errors(clean["follow_up_by"], clean["follow_up_until"], now)
        return clean, errors

    def _follow_up_errors(self, by: object, until: object, now: dt.datetime) -> dict[str, Message]:
        errors: dict[str, Message] = {}
        user = session_of(self).get(User, by) if is_id(by) else None
        if user is None or user.agency_id != self.agency_id or not can_follow_up(user):
            errors["follow_up_by"] = _("Choose who is responsible for the follow-up.")
        today = self.agency.local_date(now)
        if type(until) is not dt.date:
            errors["follow_up_until"] = _("State when the follow-up is due.")
        elif not today <= until <= today + _MAX_FOLLOW_UP:
            errors["follow_up_until"] = _("The day must be today or later, and within two years.")
        return errors

    def follow_up(self, by: User, *, now: dt.datetime, note: str) -> None:
        """Record the follow-up as done, with a note of what was done.

        Raises NotAllowed unless ``by`` is responsible for the follow-up or the head, NoSuchMove if there is no open
        follow-up, ValidationFailed if the note is empty.
        """
        is_head = is_permitted(by, Verb.EDIT, Resource.DEVIATION, self.agency_id)
        if by.id != self.follow_up_by_id and not is_head:
            raise NotAllowed(_("Only the person responsible for the follow-up, or the head, can record it as done."))
        if self.state is not DeviationState.FOLLOW_UP:
            raise NoSuchMove(_("There is no open follow-up here."))
        error = account_error(note) or (_("State what was done.") if is_empty(note) else None)
        if error:
            raise ValidationFailed(error, field_errors={"note": error})
        self.followed_up_at, self.followed_up_by_id, self.follow_up_note = now, by.id, strip_blank(note)

    def __str__(self) -> str:
        """Return kind and title in English, for the terminal."""
        return f"{self.kind.title}: {self.title}"


def not_own_deviation_of(user: User) -> ColumnElement[bool]:
    """Return the criterion for deviations that are not ``user``'s own (``Deviation.can_be_disposed_by``)."""
    return or_(Deviation.executor_id != user.id, is_of_kind(Deviation.step, *HEAD_STEPS))


def can_follow_up(user: User) -> bool:
    """Whether a follow-up can be assigned to ``user``: an active change manager or head."""
    return user.is_active and (user.is_change_manager or user.is_head)


def in_state(state: DeviationState) -> ColumnElement[bool]:
    """Return the SQL criterion for the deviations in ``state``."""
    if state is DeviationState.RAISED:
        return Deviation.account.is_(None)
    if state is DeviationState.ACCOUNTED:
        return and_(Deviation.account.is_not(None), Deviation.disposal.is_(None))
    is_pending = and_(Deviation.disposal == Disposal.FOLLOW_UP, Deviation.followed_up_at.is_(None))
    return is_pending if state is DeviationState.FOLLOW_UP else and_(Deviation.disposal.is_not(None), ~is_pending)


def raise_deviations(
    change: ChangeRequest,
    activity: Activity,
    detected: Iterable[DetectedDeviation],
    *,
    now: dt.datetime,
    while_open: bool = True,
) -> list[Deviation]:
    """Add those of ``detected`` that ``activity`` does not have yet; ``while_open`` is False when the step ends now."""
    known = {(one.kind, one.subject) for one in activity.deviations}
    raised = [
        Deviation(
            agency_id=change.agency_id,
            agency=change.agency,
            change=change,
            activity=activity,
            step=activity.step,
            kind=one.kind,
            subject=one.subject,
            what=one.what,
            standard=one.standard[:SHORT_TEXT_LENGTH],
            allowed_minutes=one.allowed_minutes,
            measured_minutes=one.measured_minutes,
            raised_at=now,
            was_open=while_open,
            executor_id=activity.held_by_id,
        )
        for one in detected
        if (one.kind, one.subject) not in known
    ]
    session_of(change).add_all(raised)
    return raised


def store_accounts(
    activity: Activity, values: Mapping[str, object], actor: User, in_capacity: str, *, now: dt.datetime
) -> None:
    """Store the accounts among ``values`` in the deviations of ``activity`` that have none; ``actor`` is executor."""
    for deviation in activity.deviations:
        deviation.executor_id = actor.id
        account = values.get(account_field(deviation.kind, deviation.subject))
        if deviation.account is None and isinstance(account, str) and strip_blank(account):
            deviation.account, deviation.accounted_at, deviation.accounted_by_id = strip_blank(account), now, actor.id
            deviation.accounted_capacity = in_capacity


def disposal_errors(waiting: Iterable[Deviation], values: Mapping[str, object], now: dt.datetime) -> dict[str, Message]:
    """Return the errors of the disposals in ``values``, by the name of the verification form's field."""
    errors: dict[str, Message] = {}
    for deviation in waiting:
        disposal = values.get(str(deviation.id))
        _clean, own_errors = deviation.validate_disposal(disposal if isinstance(disposal, dict) else {}, now)
        errors |= {disposal_field(name, deviation.id): message for name, message in own_errors.items()}
    return errors


def dispose_all(waiting: Iterable[Deviation], values: Mapping[str, object], actor: User, *, now: dt.datetime) -> None:
    """Dispose of every deviation in ``waiting``.

    ``values`` maps each deviation id to the values of ``Deviation.dispose``, checked with ``disposal_errors``.
    Raises NotAllowed as ``Deviation.dispose`` does.
    """
    for deviation in waiting:
        disposal = values[str(deviation.id)]
        deviation.dispose(actor, now=now, values=disposal if isinstance(disposal, dict) else {})


def disposal_field(name: str, deviation_id: int) -> str:
    """Return the name of the verification form's field, such as 'follow-up-by-12'."""
    return f"{name.replace('_', '-')}-{deviation_id}"


def account_error(value: object) -> Message | None:
    """Return the error of an account or a note; None if it is valid or None."""
    if value is None:
        return None
    if not isinstance(value, str):
        return _("This is not text.")
    return text_error(value, max_length=_MAX_ACCOUNT_LENGTH)


def declared_values(values: Mapping[str, object]) -> dict[str, Any]:
    """Return the values on deviations, JSON-serializable: accounts, statements on outputs, and disposals.

    Raises ValidationFailed with an error for each invalid text.
    """
    declared = {key: value for key, value in values.items() if key.startswith((ACCOUNT_PREFIX, OUTPUT_PREFIX))}
    errors = {key: error for key, value in declared.items() if (error := account_error(value))}
    errors |= {
        key: _("Choose an item from the list.")
        for key, value in declared.items()
        if key.startswith(OUTPUT_PREFIX) and value not in {None, "", OUTPUT_LACKING} and key not in errors
    }
    if errors:
        raise ValidationFailed(_("Some of the values entered cannot be saved."), field_errors=errors)
    disposals = values.get(DISPOSALS)
    if isinstance(disposals, dict):
        declared[DISPOSALS] = {
            key: {name: to_json_value(part) for name, part in one.items()} for key, one in disposals.items()
        }
    return declared


def _parse_date(value: object) -> object:
    """Parse an ISO date; None if invalid. Other values are returned unchanged."""
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
