"""Appointments: by which decree somebody holds the post of an SOP's actor, and between which days.

A post is named by the key of the actor, which the revisions of an SOP keep. As long as nobody was ever appointed to it,
it belongs to all who have its role; from then on, to those who are appointed (docs/procedure.md, Actors). The role
stays needed: an appointment gives no right that the role does not give.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, bindparam, select
from sqlalchemy.ext.hybrid import hybrid_method
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.parsing.blank import strip_blank
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
from models.hybrids import first_true, is_null, lasts_until
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency, lock_agency
from models.sops.sop import sop_in_force
from models.validation import is_plausible_date, text_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpse_admin.i18n import Message
    from lpse_admin.sop import SopActor

#: The roles whose posts people are appointed to; a requester is whoever makes a request.
APPOINTED_ROLES = (Role.CHANGE_MANAGER, Role.HEAD)

_ONLY_THESE = _("Only the head or an administrator records appointments.")
_RECORDED = AuditAction("appointment.record", _("Recorded an appointment"))
_ENDED = AuditAction("appointment.end", _("Ended an appointment"))


class AppointmentState(LabelledEnum):
    """What an appointment is on a day."""

    IN_FORCE = "in-force", _("In force")
    UPCOMING = "coming", _("Not yet in force")
    ENDED = "ended", _("Ended")


class Appointment(Base):
    """One person's appointment to the post of an actor; without ``until_date``, until it is ended."""

    __tablename__ = "appointment"
    is_office_record = True
    __table_args__ = (
        CheckConstraint("until_date IS NULL OR from_date <= until_date", name="dates_in_order"),
        CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name="ended_by_somebody"),
        CheckConstraint("(ended_at IS NULL) = (ended_reason IS NULL)", name="ended_with_a_reason"),
        Index(None, "agency_id", "from_date", "id"),
        Index(None, "user_id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "appointment_stands",
            "an appointment can only be ended, once",
            (
                Immutable(mutable=("ended_at", "ended_by_id", "ended_reason")),
                Immutable("OLD.ended_at IS NOT NULL"),
            ),
        ),
        DeleteRule("appointment_kept", "an appointment is ended, not deleted"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    actor_key: Mapped[ShortText]
    #: What the SOP in force called the post when it was recorded, and its role.
    actor_title: Mapped[ShortText]
    role: Mapped[Role] = mapped_column(enum_type(Role, "role"))
    user_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    user_name: Mapped[str | None] = snapshot_of("user_id")
    user_title: Mapped[str | None] = snapshot_of("user_id", "position")
    user_nip: Mapped[str | None] = snapshot_of("user_id", "nip")
    decree_number: Mapped[ShortText]
    decree_date: Mapped[dt.date]
    from_date: Mapped[dt.date]
    #: The last day; None: until it is ended.
    until_date: Mapped[dt.date | None]
    recorded_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    recorded_by_name: Mapped[str | None] = snapshot_of("recorded_by_id")
    recorded_by_title: Mapped[str | None] = snapshot_of("recorded_by_id", "position")
    recorded_by_capacity: Mapped[str | None] = snapshot_of("recorded_by_id", "capacity")
    recorded_at: Mapped[Timestamp]
    ended_at: Mapped[Timestamp | None]
    ended_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    ended_by_name: Mapped[str | None] = snapshot_of("ended_by_id")
    ended_by_title: Mapped[str | None] = snapshot_of("ended_by_id", "position")
    ended_by_capacity: Mapped[str | None] = snapshot_of("ended_by_id", "capacity")
    ended_reason: Mapped[LongText | None]

    agency: Mapped[Agency] = relationship()
    user: Mapped[User] = relationship(foreign_keys=user_id)
    recorded_by: Mapped[User] = relationship(foreign_keys=recorded_by_id)
    ended_by: Mapped[User | None] = relationship(foreign_keys=ended_by_id)

    @hybrid_method
    def is_in_force_on(self, today: dt.date) -> bool:
        """Whether the post is held by it on the day ``today`` of the LPSE's time zone."""
        return is_null(self.ended_at) & (self.from_date <= today) & lasts_until(self.until_date, today)

    @hybrid_method
    def state(self, today: dt.date) -> AppointmentState:
        """Return the state on the day ``today`` of the LPSE's time zone."""
        return first_true(
            (self.is_in_force_on(today), AppointmentState.IN_FORCE),
            (is_null(self.ended_at) & (self.from_date > today), AppointmentState.UPCOMING),
            default=AppointmentState.ENDED,
        )

    def can_be_ended_by(self, user: User, now: dt.datetime) -> bool:
        """Whether it has not ended, and ``user`` may end it."""
        is_over = self.state(self.agency.local_date(now)) is AppointmentState.ENDED
        return not is_over and is_permitted(user, Verb.EDIT, Resource.APPOINTMENT, self.agency_id)

    def end(self, reason: str, *, by: User, now: dt.datetime) -> None:
        """End it now, with a reason; what was decided under it stays.

        Raises NotAllowed for anybody but a head or an administrator, NoSuchMove if it has ended, ValidationFailed for
        an empty reason.
        """
        require_permission(by, Verb.EDIT, Resource.APPOINTMENT, self.agency_id, _ONLY_THESE)
        session = session_of(self)
        session.flush()
        session.refresh(self, with_for_update=True)
        if self.state(self.agency.local_date(now)) is AppointmentState.ENDED:
            raise NoSuchMove(_("This appointment has already ended."))
        if error := text_error(reason, required_label=_("Reason")):
            raise ValidationFailed(error, field_errors={"reason": error})
        self.ended_at, self.ended_by_id, self.ended_reason = now, by.id, strip_blank(reason)
        _ENDED.describe(session, reason=self.ended_reason)
        session.flush()

    def __str__(self) -> str:
        """Return post and person."""
        return f"{self.actor_title}: {self.user_name or ''}".strip()


@dataclass(frozen=True, slots=True)
class Decree:
    """What a decree says: who is appointed to which post; ``until_date`` None is until it is ended."""

    actor_key: str
    users: Sequence[User]
    number: str
    date: dt.date | None
    from_date: dt.date | None
    until_date: dt.date | None = None


def appoint(session: Session, agency: Agency, decree: Decree, *, by: User, now: dt.datetime) -> list[Appointment]:
    """Appoint people to the post of an actor of the SOP in force, by one decree, and return their appointments.

    Raises NotAllowed for anybody but a head or an administrator, ValidationFailed with an error for each wrong field.
    """
    require_permission(by, Verb.CREATE, Resource.APPOINTMENT, agency.id, _ONLY_THESE)
    session.flush()
    lock_agency(session, agency.id)  # otherwise concurrent records would not see each other
    actor = next((one for one in posts_of(session, agency.id) if one.key == decree.actor_key), None)
    errors = _decree_errors(decree, agency.local_date(now))
    if actor is None:
        errors["actor_key"] = _("Choose an item from the list.")
    elif error := _people_error(session, agency, actor, decree, has_dates=not errors):
        errors["users"] = error
    if errors or actor is None or decree.date is None or decree.from_date is None:
        raise ValidationFailed(_("The appointment cannot be recorded with these values."), field_errors=errors)
    appointments = [
        Appointment(
            agency=agency, actor_key=actor.key, actor_title=actor.title, role=actor.role, user=user,
            decree_number=strip_blank(decree.number), decree_date=decree.date,
            from_date=decree.from_date, until_date=decree.until_date, recorded_by=by, recorded_at=now,
        )
        for user in decree.users
    ]  # fmt: skip
    session.add_all(appointments)
    agency.narrows_actors = True
    _RECORDED.describe(session)
    session.flush()
    return appointments


def posts_of(session: Session, agency_id: int) -> list[SopActor]:
    """Return the actors of the SOP in force that people can be appointed to."""
    revision = sop_in_force(session, agency_id)
    return [actor for actor in revision.sop.actors if actor.role in APPOINTED_ROLES] if revision is not None else []


def _decree_errors(decree: Decree, today: dt.date) -> dict[str, Message]:
    errors: dict[str, Message] = {}
    if error := text_error(decree.number, required_label=_("Decree number"), max_length=SHORT_TEXT_LENGTH):
        errors["decree_number"] = error
    dates = {"decree_date": decree.date, "from_date": decree.from_date}
    for key, date in dates.items():
        if date is None or not is_plausible_date(date):
            errors[key] = _("This is not a date.")
    if decree.date is not None and decree.date > today:
        errors["decree_date"] = _("The date of the decree is in the future.")
    if decree.until_date is not None and decree.from_date is not None and decree.until_date < decree.from_date:
        errors["until_date"] = _("The last day is before the first.")
    elif decree.until_date is not None and (decree.until_date < today or not is_plausible_date(decree.until_date)):
        errors["until_date"] = _("The last day is in the past.")
    return errors


def _people_error(
    session: Session, agency: Agency, actor: SopActor, decree: Decree, *, has_dates: bool
) -> Message | None:
    """Return why these people cannot be appointed, or None."""
    if not decree.users:
        return _("Choose at least one person.")
    for user in decree.users:
        if user.agency_id != agency.id or not user.is_active or actor.role not in user.roles:
            return _(
                "%(person)s has not the role %(role)s, or no active account: an administrator gives the role first.",
                person=user.full_name,
                role=actor.role.title,
            )
    if not has_dates or decree.from_date is None:
        return None
    known = session.scalars(
        select(Appointment).where(
            Appointment.agency_id == agency.id,
            Appointment.actor_key == actor.key,
            Appointment.user_id.in_([user.id for user in decree.users]),
            Appointment.ended_at.is_(None),
        )
    )
    for one in known:
        if one.from_date <= (decree.until_date or dt.date.max) and lasts_until(one.until_date, decree.from_date):
            return _("%(person)s is appointed to this post already on some of these days.", person=one.user_name or "")
    return None


@dataclass(frozen=True, slots=True)
class Appointments:
    """Who holds the posts of an agency on a day, by the key of the actor: its role, and the ids of its holders.

    Posts that nobody was ever appointed to are not in it: they belong to all who have the role.
    """

    posts: Mapping[str, tuple[Role, frozenset[int]]] = field(default_factory=lambda: MappingProxyType({}))

    def barred(self, user_id: int, *, acts_for: int | None = None, is_acting_head: bool = False) -> frozenset[str]:
        """Return the keys of the actors that others are appointed to, and not this user.

        An acting head holds the posts of the head ``acts_for``; of a vacant post (None), all of the head's.
        """
        barred = set()
        for key, (role, holders) in self.posts.items():
            is_vacant = is_acting_head and acts_for is None and role is Role.HEAD
            if not is_vacant and holders.isdisjoint({user_id, acts_for} if is_acting_head else {user_id}):
                barred.add(key)
        return frozenset(barred)


#: Of an agency in which nobody was ever appointed.
NO_APPOINTMENTS = Appointments()


def load_appointments(session: Session, agency: Agency, now: dt.datetime) -> Appointments:
    """Return who holds the posts of ``agency`` at ``now``."""
    if not agency.narrows_actors:
        return NO_APPOINTMENTS
    today = agency.local_date(now)
    posts: dict[str, tuple[Role, frozenset[int]]] = {}
    for row in session.connection().execute(_OF_AGENCY, {"agency": agency.id}):
        _role, holders = posts.get(row.actor_key, (row.role, frozenset()))
        is_in_force = row.ended_at is None and row.from_date <= today and lasts_until(row.until_date, today)
        posts[row.actor_key] = (row.role, holders | {row.user_id} if is_in_force else holders)
    return Appointments(MappingProxyType(posts))


_columns: Any = Appointment.__table__.c
_OF_AGENCY = (
    select(
        _columns.actor_key, _columns.role, _columns.user_id, _columns.from_date, _columns.until_date, _columns.ended_at
    )
    .where(_columns.agency_id == bindparam("agency"))
    .order_by(_columns.id)
)
