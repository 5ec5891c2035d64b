"""Deviations: raised by the program when they become true, accounted for by the executor, disposed of by the head.

The procedure's own warning (L) and how it is read: SOP page, silences 13. What is a deviation is decided by
``lpse_admin.workflow.deviations``; here stands what becomes of one.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, UniqueConstraint, and_, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.sop.steps import HEAD_STEPS, Step
from lpse_admin.workflow.deviations import (
    ACCOUNT_PREFIX,
    OUTPUT_PREFIX,
    DetectedDeviation,
    DeviationKind,
    Disposal,
    LatenessBasis,
    account_field,
)
from lpse_admin.workflow.record_fields import is_empty
from models.accounts.permission import is_permitted
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
from models.changes.activity import Activity
from models.delegation.delegation import Delegation, capacity, load_active_delegation
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.notifications import rules
from models.office.agency import Agency
from models.validation import text_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.changes.change import ChangeRequest

#: What the accounts and notes of a deviation can hold, in characters.
_MAX_ACCOUNT_LENGTH = 10_000
#: Nobody's follow-up is due later than this.
_MAX_FOLLOW_UP = dt.timedelta(days=366 * 2)

#: The key among a step's values under which disposals are given: {deviation's id: a dict of what was typed}.
DISPOSALS = "disposals"


class DeviationState(LabelledEnum):
    """How far a deviation is on its way."""

    RAISED = "raised", _("Explanation missing")
    ACCOUNTED = "accounted", _("Waiting for the head")
    FOLLOW_UP = "follow-up", _("In follow-up")
    SETTLED = "settled", _("Resolved")


#: What is written of a deviation after it was raised, in this order; each once.
_ACCOUNT_COLUMNS = ("account", "accounted_at", "accounted_by_id", "measured_minutes", "executor_id")
_DISPOSAL_COLUMNS = (
    "disposal", "disposal_note", "disposed_at", "disposed_by_id", "disposed_capacity", "delegation_id",
    "follow_up_by_id", "follow_up_until",
)  # fmt: skip
_FOLLOW_UP_COLUMNS = ("followed_up_at", "followed_up_by_id", "follow_up_note")


class Deviation(Base):
    """What one step did not keep of its standard: class, measure and standard, account, disposal, follow-up."""

    __tablename__ = "deviation"
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

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int] = mapped_column(IdType, ForeignKey("activity.id"))
    step: Mapped[Step] = mapped_column(enum_type(Step, "step"))
    kind: Mapped[DeviationKind] = mapped_column(enum_type(DeviationKind, "kind"))
    #: Which of the step's deviations it is: a member of ``Subject``, or the field of the paper's item or output.
    subject: Mapped[str] = mapped_column(String(120))
    #: The paper's item or output; empty for time.
    what: Mapped[LongText]
    #: The standard in the paper's words, and in working minutes; None where it is no time.
    standard: Mapped[ShortText]
    allowed_minutes: Mapped[int | None]
    #: Working minutes when it was raised; brought up to date when the step is finished.
    measured_minutes: Mapped[int | None]
    raised_at: Mapped[Timestamp]
    #: Whether the step was still open when this was raised.
    was_open: Mapped[bool]
    #: Who finished the step; while it is open, in whose hands it is.
    executor_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))

    account: Mapped[LongText | None]
    accounted_at: Mapped[Timestamp | None]
    accounted_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))

    disposal: Mapped[Disposal | None] = mapped_column(enum_type(Disposal, "disposal"))
    disposal_note: Mapped[LongText | None]
    disposed_at: Mapped[Timestamp | None]
    disposed_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    #: In what capacity: "Kepala LPSE", "Plh. Kepala LPSE".
    disposed_capacity: Mapped[ShortText | None]
    delegation_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("delegation.id"))

    follow_up_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    follow_up_until: Mapped[dt.date | None]
    followed_up_at: Mapped[Timestamp | None]
    followed_up_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
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
        """What it is about, as it is shown: the paper's own words, or those of the subject."""
        return self.what or LatenessBasis(self.subject).title

    @property
    def state(self) -> DeviationState:
        """How far it is on its way."""
        if self.account is None:
            return DeviationState.RAISED
        if self.disposal is None:
            return DeviationState.ACCOUNTED
        if self.disposal is Disposal.FOLLOW_UP and self.followed_up_at is None:
            return DeviationState.FOLLOW_UP
        return DeviationState.SETTLED

    @property
    def detected(self) -> DetectedDeviation:
        """The deviation as the rules see it."""
        return DetectedDeviation(
            self.kind, self.subject, self.what, self.standard, self.allowed_minutes, self.measured_minutes
        )

    def dispose(self, by: User, *, now: dt.datetime, values: Mapping[str, object]) -> None:
        """Write down what the head makes of it.

        ``values``: ``disposal`` (a Disposal or its value), ``note``, ``follow_up_by`` (a user's id) and
        ``follow_up_until`` (a date). Raises NotAllowed for anybody but a head or the delegate, and for a delegate
        whose own deviation it is; NoSuchMove before its account and after its disposal; Incomplete with a sentence
        beside each of those names.
        """
        in_capacity, delegation = self._require_disposer(by, now)
        if self.account is None:
            raise NoSuchMove(_("The executor has not explained this deviation yet."))
        if self.disposal is not None:
            raise NoSuchMove(_("This deviation has already been decided."))
        kept, faults = self.validate_disposal(values, now)
        if faults:
            raise ValidationFailed(_("The deviation cannot be decided with these values."), field_errors=faults)
        self.disposal, self.disposal_note = kept["disposal"], kept["note"]
        self.follow_up_by_id, self.follow_up_until = kept["follow_up_by"], kept["follow_up_until"]
        self.disposed_at, self.disposed_by_id, self.disposed_capacity = now, by.id, in_capacity
        self.delegation_id = delegation.id if delegation else None
        session = session_of(self)
        session.flush()
        session.refresh(self, ["disposed_by", "follow_up_by"])
        rules.notify_disposal(session, self, by, now)

    def _require_disposer(self, by: User, now: dt.datetime) -> tuple[str, Delegation | None]:
        """Return the capacity in which ``by`` may dispose of this, and the delegation that they do it under."""
        if by.agency_id == self.agency_id and by.is_active:
            if Role.HEAD in by.roles:
                return capacity(self.change.sop, Role.HEAD, None), None
            delegation = load_active_delegation(session_of(self), by, now)
            if delegation is not None and not self._is_own_deviation_of(by):
                return capacity(self.change.sop, Role.HEAD, delegation), delegation
        raise NotAllowed(_("Only the head or the acting head decides on a deviation, and never on their own."))

    def _is_own_deviation_of(self, by: User) -> bool:
        """Whether this is ``by``'s own, of a step that is not the head's: there they stand where the head stands."""
        return self.executor_id == by.id and self.step not in HEAD_STEPS

    def can_be_disposed_by(self, user: User, now: dt.datetime) -> bool:
        """Whether it waits for the head, and ``user`` is the head or may stand in for them here."""
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
        """Return what ``values`` says, and a sentence beside each name that is missing or wrong."""
        faults: dict[str, Message] = {}
        kept: dict[str, Any] = {"disposal": None, "note": None, "follow_up_by": None, "follow_up_until": None}
        try:
            kept["disposal"] = Disposal(str(values.get("disposal") or ""))
        except ValueError:
            faults["disposal"] = _("Choose a decision on this deviation.")
        note = values.get("note")
        if fault := account_error(note):
            faults["note"] = fault
        kept["note"] = note.strip() if isinstance(note, str) and note.strip() else None
        if kept["disposal"] is Disposal.NOT_ACCEPTED and kept["note"] is None:
            faults["note"] = _("State why the explanation is not accepted.")
        if kept["disposal"] is Disposal.FOLLOW_UP:
            kept["follow_up_by"], kept["follow_up_until"] = (
                values.get("follow_up_by"),
                _parse_date(values.get("follow_up_until")),
            )
            faults |= self._follow_up_errors(kept["follow_up_by"], kept["follow_up_until"], now)
        return kept, faults

    def _follow_up_errors(self, by: object, until: object, now: dt.datetime) -> dict[str, Message]:
        faults: dict[str, Message] = {}
        somebody = session_of(self).get(User, by) if is_id(by) else None
        if somebody is None or somebody.agency_id != self.agency_id or not can_follow_up(somebody):
            faults["follow_up_by"] = _("Choose who is responsible for the follow-up.")
        today = self.agency.local_date(now)
        if type(until) is not dt.date:
            faults["follow_up_until"] = _("State when the follow-up is due.")
        elif not today <= until <= today + _MAX_FOLLOW_UP:
            faults["follow_up_until"] = _("The day must be today or later, and within two years.")
        return faults

    def follow_up(self, by: User, *, now: dt.datetime, note: str) -> None:
        """Write down that what was to be followed up is done, and what was done.

        Raises NotAllowed for anybody but the one who was to do it or the head, NoSuchMove where nothing is to be
        followed up any more, Incomplete for a note that says nothing.
        """
        is_head = is_permitted(by, Verb.EDIT, Resource.DEVIATION, self.agency_id)
        if by.id != self.follow_up_by_id and not is_head:
            raise NotAllowed(_("Only the person responsible for the follow-up, or the head, can record it as done."))
        if self.state is not DeviationState.FOLLOW_UP:
            raise NoSuchMove(_("There is no open follow-up here."))
        fault = account_error(note) or (_("State what was done.") if is_empty(note) else None)
        if fault:
            raise ValidationFailed(fault, field_errors={"note": fault})
        self.followed_up_at, self.followed_up_by_id, self.follow_up_note = now, by.id, note.strip()

    def __str__(self) -> str:
        """Return class and subject in English, for the terminal."""
        return f"{self.kind.title}: {self.title}"


def not_own_deviation_of(user: User) -> ColumnElement[bool]:
    """Return the criterion for what is not ``user``'s own in the sense of ``Deviation.may_be_disposed_by``."""
    return or_(Deviation.executor_id != user.id, Deviation.step.in_(HEAD_STEPS))


def can_follow_up(user: User) -> bool:
    """Whether ``user`` can be told to follow something up: who takes steps in the office, and nobody who only reads."""
    return user.is_active and (user.is_change_manager or user.is_head)


def in_state(state: DeviationState) -> ColumnElement[bool]:
    """Return the criterion for the deviations that are in ``state``."""
    if state is DeviationState.RAISED:
        return Deviation.account.is_(None)
    if state is DeviationState.ACCOUNTED:
        return and_(Deviation.account.is_not(None), Deviation.disposal.is_(None))
    followed = and_(Deviation.disposal == Disposal.FOLLOW_UP, Deviation.followed_up_at.is_(None))
    return followed if state is DeviationState.FOLLOW_UP else and_(Deviation.disposal.is_not(None), ~followed)


def raise_deviations(
    change: ChangeRequest,
    activity: Activity,
    detected: Iterable[DetectedDeviation],
    *,
    now: dt.datetime,
    while_open: bool = True,
) -> list[Deviation]:
    """Raise those of ``detected`` that ``activity`` has not yet, and return them; ``while_open`` unless it ends now."""
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


def store_accounts(activity: Activity, values: Mapping[str, object], actor: User, *, now: dt.datetime) -> None:
    """Write the executor's accounts among ``values`` beside the deviations of ``activity`` that have none yet."""
    for deviation in activity.deviations:
        deviation.executor_id = actor.id
        account = values.get(account_field(deviation.kind, deviation.subject))
        if deviation.account is None and isinstance(account, str) and account.strip():
            deviation.account, deviation.accounted_at, deviation.accounted_by_id = account.strip(), now, actor.id


def undisposed(change: ChangeRequest) -> list[Deviation]:
    """Return the deviations of the finished steps of ``change`` that still wait for the head, in order."""
    waiting = (
        select(Deviation)
        .where(Deviation.change_id == change.id, Deviation.disposal.is_(None))
        .where(Deviation.activity.has(Activity.finished_at.is_not(None)))
        .order_by(Deviation.id)
    )
    return list(session_of(change).scalars(waiting))


def disposal_errors(waiting: Iterable[Deviation], values: Mapping[str, object], now: dt.datetime) -> dict[str, Message]:
    """Return a sentence for each field of the disposals that a verification still lacks, by the field's name."""
    faults: dict[str, Message] = {}
    for deviation in waiting:
        typed = values.get(str(deviation.id))
        _kept, found = deviation.validate_disposal(typed if isinstance(typed, dict) else {}, now)
        faults |= {disposal_field(name, deviation.id): message for name, message in found.items()}
    return faults


def dispose_all(waiting: Iterable[Deviation], values: Mapping[str, object], actor: User, *, now: dt.datetime) -> None:
    """Dispose of every deviation that waits for the head, as a verification does.

    ``given`` has for each deviation's id what ``Deviation.dispose`` takes, without faults (``disposal_faults``).
    Raises NotAllowed as ``dispose`` does.
    """
    for deviation in waiting:
        typed = values[str(deviation.id)]
        deviation.dispose(actor, now=now, values=typed if isinstance(typed, dict) else {})


def disposal_field(name: str, deviation_id: int) -> str:
    """Return the name of a verification form's field: 'follow-up-by-12'."""
    return f"{name.replace('_', '-')}-{deviation_id}"


def account_error(value: object) -> Message | None:
    """Return why an account or a note cannot be kept, or None where it can."""
    if value is None:
        return None
    if not isinstance(value, str):
        return _("This is not text.")
    return text_error(value, max_length=_MAX_ACCOUNT_LENGTH)


def declared_values(values: Mapping[str, object]) -> dict[str, Any]:
    """Return what ``values`` say of deviations: accounts, statements on outputs, disposals, as they can be kept.

    Raises Incomplete with a sentence beside each text that cannot be kept.
    """
    said = {key: value for key, value in values.items() if key.startswith((ACCOUNT_PREFIX, OUTPUT_PREFIX))}
    faults = {key: fault for key, value in said.items() if (fault := account_error(value))}
    if faults:
        raise ValidationFailed(_("Some of the values entered cannot be saved."), field_errors=faults)
    disposals = values.get(DISPOSALS)
    if isinstance(disposals, dict):
        said[DISPOSALS] = {
            key: {name: to_json_value(part) for name, part in one.items()} for key, one in disposals.items()
        }
    return said


def _parse_date(value: object) -> object:
    """Return a day as it was typed, or as ``declared`` keeps it."""
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
