"""Delegations: who decides for an absent head, by which decree, between which dates (procedure.md, reading 4)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    and_,
    bindparam,
    event,
    exists,
    inspect,
    select,
)
from sqlalchemy.ext.hybrid import hybrid_method, hybrid_property
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.notifications.events import Event
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.acting_head import reason_cannot_act_for_head
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import can_second, is_permitted, require_permission
from models.accounts.user import User
from models.audit import trail
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
from models.hybrids import date_parameter, first_true, is_null, is_set
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.notifications.notification import notify
from models.office.agency import Agency
from models.validation import text_error

if TYPE_CHECKING:
    from sqlalchemy import BindParameter

    from lpse_admin.accounts.roles import Role
    from lpse_admin.sop import Sop
    from models.documents.document import Document


_WITHDRAWN = AuditAction("delegation.withdraw", _("Revoked a delegation"))


class DelegationKind(LabelledEnum):
    """Plh. acts for a temporary absence, Plt. for a vacancy."""

    PLH = "plh", _("Acting during a temporary absence (Plh.)")
    PLT = "plt", _("Acting head (Plt.)")

    @property
    def prefix(self) -> str:
        """The prefix of the head's title, as in 'Plh. Kepala LPSE'."""
        return "Plh." if self is DelegationKind.PLH else "Plt."


class DelegationState(LabelledEnum):
    """State of a delegation on a day."""

    IN_FORCE = "in-force", _("In force")
    UPCOMING = "coming", _("Not yet in force")
    ENDED = "ended", _("Ended")
    WITHDRAWN = "withdrawn", _("Revoked")
    VOID = "void", _("Void: the post of head has changed hands")
    UNCONFIRMED = "unconfirmed", _("Waiting for confirmation")


class Delegation(Base):
    """The head's written delegation to a named official, between two dates in the LPSE's time zone, inclusive."""

    __tablename__ = "delegation"
    is_office_record = True
    __table_args__ = (
        CheckConstraint("from_date <= until_date", name="dates_in_order"),
        CheckConstraint("delegate_id <> head_id", name="not_to_oneself"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawn_by_somebody"),
        CheckConstraint("withdrawn_reason IS NULL OR withdrawn_at IS NOT NULL", name="reason_of_a_withdrawal"),
        CheckConstraint(
            "head_id IS NOT NULL OR (kind = 'plt' AND head_name IS NOT NULL AND head_title IS NOT NULL"
            " AND decree_date IS NOT NULL)",
            name="given_by_somebody",
        ),
        Index(None, "agency_id", "from_date", "id"),
        Index(None, "delegate_id", "until_date"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "delegation_stands",
            "a delegation ends once, and stays ended",
            (
                Immutable(
                    mutable=(
                        "withdrawn_at",
                        "withdrawn_by_id",
                        "withdrawn_reason",
                        "void_at",
                        "unconfirmed_since",
                        "confirmed_at",
                        "confirmed_by_id",
                    )
                ),
                Immutable(
                    "OLD.unconfirmed_since IS NULL",
                    mutable=(
                        "withdrawn_at",
                        "withdrawn_by_id",
                        "withdrawn_reason",
                        "void_at",
                    ),
                ),
                Immutable("OLD.withdrawn_at IS NOT NULL"),
                Immutable("OLD.void_at IS NOT NULL"),
            ),
        ),
        DeleteRule("delegation_kept", "a delegation is withdrawn, not deleted"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    #: The head who granted it; None if the post is vacant: ``head_name`` and ``head_title`` are then the superior's.
    head_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    head_name: Mapped[str | None] = snapshot_of("head_id")
    head_title: Mapped[str | None] = snapshot_of("head_id", "position")
    delegate_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    delegate_name: Mapped[str | None] = snapshot_of("delegate_id")
    delegate_title: Mapped[str | None] = snapshot_of("delegate_id", "position")
    kind: Mapped[DelegationKind] = mapped_column(enum_type(DelegationKind, "kind"))
    decree_number: Mapped[ShortText]
    decree_date: Mapped[dt.date | None]
    from_date: Mapped[dt.date]
    until_date: Mapped[dt.date]
    reason: Mapped[LongText | None]
    recorded_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    recorded_by_name: Mapped[str | None] = snapshot_of("recorded_by_id")
    recorded_by_title: Mapped[str | None] = snapshot_of("recorded_by_id", "position")
    recorded_by_capacity: Mapped[str | None] = snapshot_of("recorded_by_id", "capacity")
    recorded_at: Mapped[Timestamp]
    withdrawn_at: Mapped[Timestamp | None]
    withdrawn_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    withdrawn_by_name: Mapped[str | None] = snapshot_of("withdrawn_by_id")
    withdrawn_by_title: Mapped[str | None] = snapshot_of("withdrawn_by_id", "position")
    withdrawn_by_capacity: Mapped[str | None] = snapshot_of("withdrawn_by_id", "capacity")
    withdrawn_reason: Mapped[LongText | None]
    #: Why it starts in the past, or lasts longer than an acting head may.
    exception_reason: Mapped[LongText | None]
    #: When it lost its ground: the head who granted it ceased to be head, or the vacant post was filled. For good.
    void_at: Mapped[Timestamp | None]
    #: Since when it waits for the head or another second person; None where it does not, or not any more.
    unconfirmed_since: Mapped[Timestamp | None]
    confirmed_at: Mapped[Timestamp | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    confirmed_by_name: Mapped[str | None] = snapshot_of("confirmed_by_id")
    confirmed_by_title: Mapped[str | None] = snapshot_of("confirmed_by_id", "position")

    agency: Mapped[Agency] = relationship()
    head: Mapped[User | None] = relationship(foreign_keys=head_id)
    delegate: Mapped[User] = relationship(foreign_keys=delegate_id)
    recorded_by: Mapped[User] = relationship(foreign_keys=recorded_by_id)
    withdrawn_by: Mapped[User | None] = relationship(foreign_keys=withdrawn_by_id)
    confirmed_by: Mapped[User | None] = relationship(foreign_keys=confirmed_by_id)
    documents: Mapped[list[Document]] = relationship(back_populates="delegation")

    @hybrid_property
    def is_standing(self) -> bool:
        """Whether it is neither withdrawn nor void; its days may be over."""
        return is_null(self.withdrawn_at) & is_null(self.void_at)

    @hybrid_method
    def is_in_force_on(self, today: dt.date) -> bool:
        """Whether the delegate may decide in the head's place on the day ``today`` of the LPSE's time zone."""
        is_between = (self.from_date <= today) & (self.until_date >= today)
        return self.is_standing & is_null(self.unconfirmed_since) & is_between

    @hybrid_method
    def state(self, today: dt.date) -> DelegationState:
        """Return the state on the day ``today`` of the LPSE's time zone."""
        return first_true(
            (is_set(self.withdrawn_at), DelegationState.WITHDRAWN),
            (is_set(self.void_at), DelegationState.VOID),
            (self.until_date < today, DelegationState.ENDED),
            (is_set(self.unconfirmed_since), DelegationState.UNCONFIRMED),
            (self.is_in_force_on(today), DelegationState.IN_FORCE),
            default=DelegationState.UPCOMING,
        )

    def is_in_force(self, now: dt.datetime) -> bool:
        """Whether the delegate may decide in the head's place at ``now``."""
        return self.is_in_force_on(self.agency.local_date(now))

    def can_be_withdrawn_by(self, user: User, now: dt.datetime) -> bool:
        """Whether it has not ended, and ``user`` may withdraw it."""
        is_over = not self.is_standing or self.until_date < self.agency.local_date(now)
        return not is_over and is_permitted(user, Verb.EDIT, Resource.DELEGATION, self.agency_id)

    def can_be_confirmed_by(self, user: User, now: dt.datetime) -> bool:
        """Whether it waits, and ``user`` may confirm it: a head, or another administrator; never the delegate."""
        if self.unconfirmed_since is None or not self.is_standing or self.until_date < self.agency.local_date(now):
            return False
        is_head = self.head_id is not None and user.id == self.head_id and user.is_active and user.is_head
        return is_head or can_second(user, self.agency_id, asker_id=self.recorded_by_id, owner_id=self.delegate_id)

    def withdraw(self, *, now: dt.datetime, by: User, reason: str | None = None) -> None:
        """Withdraw the delegation now; decisions made under it stay valid.

        Raises NotAllowed unless ``by`` is a head of the agency or an administrator, NoSuchMove if it is withdrawn or
        has ended, ValidationFailed if the reason is empty.
        """
        require_permission(
            by,
            Verb.EDIT,
            Resource.DELEGATION,
            self.agency_id,
            _("Only the head revokes a delegation, or an administrator records the revocation."),
        )
        if self.withdrawn_at is not None:
            raise NoSuchMove(_("This delegation is already revoked."))
        if self.void_at is not None:
            raise NoSuchMove(_("This delegation is void already: the post of head has changed hands."))
        if self.until_date < self.agency.local_date(now):
            raise NoSuchMove(_("This delegation has ended already: its last day is over."))
        if reason is not None and (error := text_error(reason, required_label=_("Reason"))):
            raise ValidationFailed(error, field_errors={"reason": error})
        self.withdrawn_at, self.withdrawn_by_id = now, by.id
        self.withdrawn_reason = strip_blank(reason) if reason else None
        _WITHDRAWN.describe(session_of(self), reason=self.withdrawn_reason)
        self.notify_parties(Event.DELEGATION_WITHDRAWN, by, now, reason=self.withdrawn_reason)

    def notify_parties(self, event: Event, by: User, now: dt.datetime, *, reason: str | None) -> None:
        """Notify the delegate and the head of ``event``, except for ``by``, who caused it."""
        session = Session.object_session(self)
        if session is not None:
            notify(
                session,
                event,
                [user for user in (self.delegate, self.head) if user is not None and user.id != by.id],
                now=now,
                key=f"{event}-{self.id}",
                delegate=f"{self.kind.prefix} {self.delegate.full_name}",
                first_day=self.from_date,
                last_day=self.until_date,
                decree=self.decree_number,
                by=by.full_name,
                reason=reason,
            )


def capacity(
    sop: Sop, step_or_role: Step | Role, user: User, delegation: Delegation | None, *, is_appointed: bool = False
) -> str:
    """Return the capacity of ``user`` as the actor of a step or role, in the SOP's wording: 'Plh. Kepala LPSE'.

    Where the SOP has several columns of the role, each may take the other's step: it is then the title of the person,
    or of whoever delegated, and not that of the column; the column's only for who has no title on record. Where people
    are appointed to the post (``is_appointed``), it is the column's.
    """
    if is_appointed and isinstance(step_or_role, Step):
        return capacity_of_post(sop, sop.rules[step_or_role].actor_key, delegation)
    titles = sop.titles_of(sop.rules[step_or_role].actor if isinstance(step_or_role, Step) else step_or_role)
    own = (delegation.head_title if delegation else user.position) if len(titles) > 1 else None
    title = own or sop.actor_title(step_or_role)
    return f"{delegation.kind.prefix} {title}"[:SHORT_TEXT_LENGTH] if delegation else str(title)[:SHORT_TEXT_LENGTH]


def capacity_of_post(sop: Sop, actor_key: str, delegation: Delegation | None) -> str:
    """Return the capacity of who holds the post of an actor: its title, with 'Plh.' before it for an acting head."""
    title = sop.title_of_key(actor_key)
    return f"{delegation.kind.prefix} {title}"[:SHORT_TEXT_LENGTH] if delegation else title[:SHORT_TEXT_LENGTH]


def is_post_vacant(session: Session, agency_id: int) -> bool:
    """Whether nobody with an enabled account is head of this agency."""
    in_office = exists().where(User.agency_id == agency_id, User.is_head, User.is_active)
    return not session.scalar(select(in_office))


@event.listens_for(Session, "before_flush")
def _void_on_change_of_head(session: Session, _context: object, _instances: object) -> None:
    """Void what loses its ground: a head's delegations when the head leaves, a superior's when the post is filled."""
    now = trail.context_time(session)
    if now is None:
        return
    users = [row for row in (*session.new, *session.dirty) if isinstance(row, User) and row.agency_id is not None]
    for user in users:
        is_head = inspect(user).attrs.is_head.history
        is_active = inspect(user).attrs.is_active.history
        if True in is_head.deleted:
            _void(session, now, Delegation.head_id == user.id)
        if user.is_head and user.is_active and (is_head.added or is_active.added):
            _void(session, now, and_(Delegation.agency_id == user.agency_id, Delegation.head_id.is_(None)))


def _void(session: Session, now: dt.datetime, criterion: ColumnElement[bool]) -> None:
    with session.no_autoflush:
        for delegation in session.scalars(select(Delegation).where(criterion, Delegation.is_standing)):
            if delegation.until_date >= delegation.agency.local_date(now):
                delegation.void_at = now


def heads_acted_for(session: Session, agency: Agency, now: dt.datetime) -> dict[int, int | None]:
    """Return for whom each acting head of ``agency`` acts: the head's id, None for a vacancy, by the delegate's."""
    in_force = select(Delegation.delegate_id, Delegation.head_id).where(
        Delegation.agency_id == agency.id, Delegation.is_in_force_on(agency.local_date(now))
    )
    return {row[0]: row[1] for row in session.execute(in_force)}


def load_active_delegation(session: Session, user: User, now: dt.datetime) -> Delegation | None:
    """Return the delegation under which ``user`` may decide in the head's place at ``now``, if any.

    It stays in force while the account of the head who granted it is disabled. Returns None for a head, and for a user
    whose roles no longer allow it.
    """
    if user.agency is None or not user.is_active or reason_cannot_act_for_head(user.roles):
        return None
    today = user.agency.local_date(now)
    params = {"delegate": user.id, "agency": user.agency_id, "today": today}
    return session.scalars(_DELEGATION_IN_FORCE, params).one_or_none()


def delegations_in_force(agency_id: int | BindParameter[int], today: dt.date) -> Select[Delegation]:
    """Return the statement for the delegations of this agency that are in force on ``today``."""
    return select(Delegation).where(Delegation.agency_id == agency_id, Delegation.is_in_force_on(today))


def acting_head_ids(agency_id: int | BindParameter[int], today: dt.date) -> Select[Any]:
    """Return the statement for the ids of the acting heads of this agency on ``today``."""
    return delegations_in_force(agency_id, today).with_only_columns(Delegation.delegate_id)


#: Executed at every request, so built once.
_DELEGATION_IN_FORCE = (
    select(Delegation)
    .where(
        Delegation.delegate_id == bindparam("delegate"),
        Delegation.agency_id == bindparam("agency"),
        Delegation.is_in_force_on(date_parameter("today")),
    )
    .order_by(Delegation.id.desc())
    .limit(1)
)
