"""Whom a move concerns, and how they are told: the requester of every outcome, and whoever is next of what waits.

Everything here is written in the caller's transaction and nothing is sent (``models.outbox`` does that).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, false, or_, select

from lpse_admin.accounts.roles import Role
from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Step, Urgency
from lpse_admin.workflow.transitions import Principal, reason_not_eligible
from models.accounts.user import User
from models.delegation.delegation import acting_head_ids
from models.notifications.notification import Notice, Recipient, create_notifications, notify

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from lpse_admin.workflow.transitions import Position
    from models.changes.activity import Activity
    from models.changes.case_file import CaseFile
    from models.changes.change import ChangeRequest
    from models.deviations.deviation import Deviation


def notify_move(
    session: Session, case: CaseFile, finished: Activity, following: Activity | None, position: Position
) -> None:
    """Tell of the move by which the actor of ``case`` has ``finished`` a step; both the steps are flushed.

    The requester is told the outcome with its reason, and everybody who may take the next step that it waits for
    them: an emergency as an emergency. The actor, who was there, is told nothing. What is told is new by nature, so
    that nobody has to be looked up: one statement finds the people, and two write what they are told.
    ``position`` is where the request stands now.
    """
    people = _concerned(session, case, position)
    requester, is_theirs = people.pop(case.change.requester_id)
    notices = []
    if requester.id != case.actor.id:
        # What came back to the requester is told once, with the reasons, and not as a second event beside it.
        mail_events = (Event.WAITING,) if is_theirs else ()
        told = _of_outcome(finished, following)
        notices.append(Notice(Event.OUTCOME, [requester], f"outcome-{finished.id}", finished, told, mail_events))
    if following is not None:
        next_ = [one for one, may_take in people.values() if may_take and one.id != case.actor.id]
        event, told = _event_of_waiting_step(case.change, following), _waiting_step_values(finished, following)
        notices.append(Notice(event, next_, f"waiting-{following.id}", following, told))
    create_notifications(session, notices, change=case.change, now=case.now)


def _of_outcome(finished: Activity, following: Activity | None) -> dict[str, object]:
    return {
        "step": finished.step.title,
        "outcome": finished.outcome,
        "reason": finished.reason,
        "by": finished.capacity,
        "next": None if following is None else following.step.title,
    }


def _concerned(session: Session, case: CaseFile, position: Position) -> dict[int, tuple[Recipient, bool]]:
    """Return the requester and all others whom the next step may be for, each with whether they may take it."""
    change, rule = case.change, case.sop.rules.get(position.step)
    asked = {
        "agency": change.agency_id,
        "requester": change.requester_id,
        "today": change.agency.local_date(case.now),
    }
    found = {}
    for row in session.connection().execute(_people(rule.actor if rule else None), asked):
        roles = frozenset(role for role in Role if getattr(row, f"is_{role.value}"))
        person = Principal(row.id, roles, is_acting_head=Role.HEAD not in roles)
        may_take = row.acts and row.is_active and reason_not_eligible(case.sop, position, person) is None
        recipient = Recipient(row.id, row.agency_id, row.is_active, row.email, row.muted_events)
        found[row.id] = (recipient, bool(may_take))
    return found


@cache
def _people(acting: Role | None) -> Select[Any]:
    """Return the statement for the requester and whoever acts as ``acting``, with a column ``acts`` that tells them."""
    user = User.__table__.c
    acts: ColumnElement[bool]
    if acting is None:
        acts = false()
    elif acting is Role.REQUESTER:
        acts = user.id == bindparam("requester")
    else:
        acts = user[f"is_{acting.value}"]
        if acting is Role.HEAD:
            acts = or_(acts, user.id.in_(acting_head_ids(bindparam("agency"), bindparam("today"))))
    is_next = and_(user.agency_id == bindparam("agency"), user.is_active, acts)
    roles = (user[f"is_{role.value}"] for role in Role)
    columns = (user.id, user.agency_id, user.is_active, user.email, user.muted_events, *roles)
    return select(*columns, acts.label("acts")).where(or_(user.id == bindparam("requester"), is_next)).order_by(user.id)


def _event_of_waiting_step(change: ChangeRequest, following: Activity) -> Event:
    is_emergency = following.step is Step.APPROVAL and change.urgency is Urgency.EMERGENCY
    return Event.EMERGENCY if is_emergency else Event.WAITING


def _waiting_step_values(finished: Activity, following: Activity) -> dict[str, object]:
    return {
        "step": following.step.title,
        "outcome": finished.outcome,
        "reason": finished.reason,
        "by": finished.capacity,
        "ground": getattr(finished, "ground", None),
    }


def notify_acting_head(session: Session, change: ChangeRequest, user: User, now: dt.datetime) -> None:
    """Tell ``user``, who stands in for the head from now on, of the step that waits; once, and if they may take it."""
    following = change.current_activity
    if following is None or not _is_eligible(change, change.position, user):
        return
    finished = next(one for one in reversed(change.activities) if not one.is_open)
    notify(
        session, _event_of_waiting_step(change, following), [user], now=now,
        key=f"waiting-{following.id}", change=change,
        activity=following, **_waiting_step_values(finished, following),
    )  # fmt: skip


def eligible_users(session: Session, change: ChangeRequest, now: dt.datetime) -> list[User]:
    """Return everybody who may take the present step at this moment: by role, delegation, and duties kept apart."""
    rule = change.sop.rules.get(change.step)
    if rule is None:
        return []
    if rule.actor is Role.REQUESTER:
        found = [change.requester]
    else:
        criterion = getattr(User, f"is_{rule.actor.value}")
        if rule.actor is Role.HEAD:
            today = change.agency.local_date(now)
            criterion = or_(criterion, User.id.in_(acting_head_ids(change.agency_id, today)))
        found = list(
            session.scalars(
                select(User).where(User.agency_id == change.agency_id, User.is_active, criterion).order_by(User.id)
            )
        )
    position = change.position
    return [user for user in found if user.is_active and _is_eligible(change, position, user)]


def _is_eligible(change: ChangeRequest, position: Position, user: User) -> bool:
    """Whether the present step can be theirs, whom a role or a delegation has put among its actors."""
    person = Principal(user.id, user.roles, is_acting_head=Role.HEAD not in user.roles)
    return reason_not_eligible(change.sop, position, person) is None


def notify_taken_up(session: Session, change: ChangeRequest, activity: Activity, now: dt.datetime) -> None:
    """Tell the others for whom the step waited whose hands it is in now."""
    holder = activity.taken_up_by
    people = [user for user in eligible_users(session, change, now) if user is not holder]
    notify(
        session, Event.TAKEN_UP, people, now=now, key=f"taken-up-{activity.id}", change=change, activity=activity,
        step=activity.step.title, by=holder and holder.full_name,
    )  # fmt: skip


def notify_reassigned(  # noqa: PLR0913, PLR0917 - from whom, to whom, what, why and when
    session: Session, change: ChangeRequest, activity: Activity, to: User, by: User, reason: str, now: dt.datetime
) -> None:
    """Tell ``to``, and the others for whom the step waits, that ``by`` has handed it over and why."""
    people = {user.id: user for user in (to, *eligible_users(session, change, now)) if user.id != by.id}
    notify(
        session, Event.HANDED_OVER, people.values(), now=now, key=f"handed-over-{activity.id}-{now.timestamp():.6f}",
        change=change, activity=activity, step=activity.step.title, to=to.full_name, by=by.full_name, reason=reason,
    )  # fmt: skip


def notify_due_soon(
    session: Session, change: ChangeRequest, activity: Activity, due: dt.datetime, now: dt.datetime
) -> None:
    """Tell whoever took the step up, else everybody it waits for, that it is due before long; each once."""
    _lock_change(session, change)
    notify(
        session, Event.SOON_LATE, _assignee_or_eligible(session, change, activity, now), now=now,
        key=f"soon-late-{activity.id}",
        change=change, activity=activity, step=activity.step.title, arrived=activity.arrived_at, due=due,
    )  # fmt: skip


def notify_overdue(session: Session, change: ChangeRequest, activity: Activity, now: dt.datetime) -> None:
    """Tell whoever took the step up (else everybody it waits for), and the head, that it is overdue; each once."""
    _lock_change(session, change)
    people = {
        user.id: user
        for user in (
            *_assignee_or_eligible(session, change, activity, now),
            *heads_and_acting_heads(session, change, now),
        )
    }
    notify(
        session, Event.OVERDUE, people.values(), now=now, key=f"overdue-{activity.id}", change=change,
        activity=activity, step=activity.step.title, arrived=activity.arrived_at,
        by=activity.assignee and activity.assignee.full_name,
    )  # fmt: skip


def _assignee_or_eligible(session: Session, change: ChangeRequest, activity: Activity, now: dt.datetime) -> list[User]:
    holder = activity.assignee
    return [holder] if holder is not None and holder.is_active else eligible_users(session, change, now)


def heads_and_acting_heads(session: Session, change: ChangeRequest, now: dt.datetime) -> list[User]:
    """Return the agency's heads and whoever stands in for them at this moment."""
    today = change.agency.local_date(now)
    return list(
        session.scalars(
            select(User)
            .where(User.agency_id == change.agency_id, User.is_active)
            .where(or_(User.is_head, User.id.in_(acting_head_ids(change.agency_id, today))))
            .order_by(User.id)
        )
    )


def _lock_change(session: Session, change: ChangeRequest) -> None:
    """Let two sweeps at once, of the server and of a command, tell of a request one after the other."""
    of = type(change)
    session.execute(select(of.id).where(of.id == change.id).with_for_update())


def notify_pending_deviations(
    session: Session, change: ChangeRequest, deviations: Iterable[Deviation], now: dt.datetime
) -> None:
    """Tell the heads of deviations that wait for them and will be met by no verification any more."""
    people = heads_and_acting_heads(session, change, now)
    for one in deviations:
        notify(
            session, Event.DEVIATION, people, now=now, key=f"deviation-{one.id}", change=change, activity=one.activity,
            step=one.step.title,
        )  # fmt: skip


def notify_disposal(session: Session, deviation: Deviation, by: User, now: dt.datetime) -> None:
    """Tell the executor what the head has made of their deviation, and whoever is to follow it up."""
    for event, person, key, due in (
        (Event.DEVIATION_DISPOSED, deviation.executor, f"disposed-{deviation.id}", None),
        (Event.FOLLOW_UP, deviation.follow_up_by, f"follow-up-{deviation.id}", deviation.follow_up_until),
    ):
        if person is not None and person.id != by.id:
            notify(
                session, event, [person], now=now, key=key, change=deviation.change, activity=deviation.activity,
                step=deviation.step.title, disposal=deviation.disposal, reason=deviation.disposal_note, due=due,
            )  # fmt: skip
