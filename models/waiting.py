"""What waits for whom: the open steps that are a reader's to take, and those they sent on to somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from lpse_admin.roles import ACTING, Role
from lpse_admin.steps import CHECKS_ANOTHER, PARTS, Part, Step, Urgency
from models.activity import Activity, Approval
from models.change import ChangeRequest
from models.scope import visible
from models.sop import SopRevision

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence

    from models.user import User


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose home it is, and whether they may decide in the head's place at this moment."""

    user: User
    stands_in_for_head: bool = False

    @property
    def decides(self) -> bool:
        """Whether emergencies are theirs to decide."""
        return Role.HEAD in self.user.roles or self.stands_in_for_head

    def sees(self) -> ColumnElement[bool]:
        """Return the criterion for the steps that they may see."""
        return visible(Activity, self.user, stands_in_for_head=self.stands_in_for_head)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits; ``actor`` is whom it waits for, in its paper's words."""

    id: int
    number: str | None
    title: str | None
    step: Step
    actor: str
    urgency: Urgency | None
    since: dt.datetime
    #: Whether it is the head whom it waits for.
    waits_for_head: bool = False


def emergencies(session: Session, reader: Reader) -> tuple[int, dt.datetime | None]:
    """Return the number of emergencies that wait for the head, and the arrival of the oldest."""
    theirs = visible(Approval, reader.user, stands_in_for_head=reader.stands_in_for_head)
    row = session.connection().execute(_EMERGENCIES.where(theirs)).one()
    return row[0], row[1]


_EMERGENCIES = (
    select(func.count(), func.min(Activity.arrived_at))
    .join(ChangeRequest, ChangeRequest.id == Activity.change_id)
    .where(Activity.step == Step.APPROVAL, Activity.finished_at.is_(None), ChangeRequest.urgency == Urgency.EMERGENCY)
)


def for_reader(session: Session, reader: Reader, most: int) -> list[Waiting]:
    """Return what waits for the reader, emergencies first and then the oldest; at most ``most``."""
    return _read(session, reader, _mine(reader) & ~_barred(reader.user), most)


def sent_on(session: Session, reader: Reader, most: int) -> list[Waiting]:
    """Return the reader's own requests, and those that they took a step of, while they wait for somebody else."""
    taken = aliased(Activity)
    theirs = or_(
        Activity.requester_id == reader.user.id,
        exists().where(taken.change_id == Activity.change_id, taken.actor_id == reader.user.id),
    )
    return _read(session, reader, theirs & ~(_mine(reader) & ~_barred(reader.user)), most)


def _mine(reader: Reader) -> ColumnElement[bool]:
    """Return the criterion for the open steps whose actor the reader is."""
    roles = {role for role in reader.user.roles if role in ACTING}
    if reader.stands_in_for_head:
        roles.add(Role.HEAD)
    parts: list[ColumnElement[bool]] = [Activity.actor_role.in_(sorted(roles - {Role.REQUESTER}))]
    if Role.REQUESTER in roles:
        parts.append(and_(Activity.actor_role == Role.REQUESTER, Activity.requester_id == reader.user.id))
    return or_(*parts)


def _barred(user: User) -> ColumnElement[bool]:
    """Return the criterion for the steps that ``user`` may not take because of a part they took before."""
    taken = aliased(Activity)
    pairs = [
        and_(Activity.step.in_(_steps_of({part})), taken.step.in_(_steps_of(CHECKS_ANOTHER[part]))) for part in Part
    ]
    return exists().where(taken.change_id == Activity.change_id, taken.actor_id == user.id, or_(*pairs))


def _steps_of(parts: Collection[Part]) -> list[Step]:
    return [step for step, part in PARTS.items() if part in parts]


def _read(session: Session, reader: Reader, criterion: ColumnElement[bool], most: int) -> list[Waiting]:
    rows: Sequence[Any] = session.execute(
        select(
            ChangeRequest.id,
            ChangeRequest.number,
            ChangeRequest.title,
            Activity.step,
            ChangeRequest.urgency,
            Activity.arrived_at,
            Activity.sop_id,
            Activity.actor_role,
        )
        .join(ChangeRequest, ChangeRequest.id == Activity.change_id)
        .where(Activity.finished_at.is_(None), criterion, reader.sees())
        .order_by(case((ChangeRequest.urgency == Urgency.EMERGENCY, 0), else_=1), Activity.arrived_at, Activity.id)
        .limit(most)
    ).all()
    ids = {row.sop_id for row in rows}
    papers = {sop.id: sop.paper for sop in session.scalars(select(SopRevision).where(SopRevision.id.in_(ids)))}
    return [
        Waiting(
            row.id,
            row.number,
            row.title,
            row.step,
            str(papers[row.sop_id].actor_title(row.step)),
            row.urgency,
            row.arrived_at,
            row.actor_role is Role.HEAD,
        )
        for row in rows
    ]
