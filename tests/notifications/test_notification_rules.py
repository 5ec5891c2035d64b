"""The notification rules: who is notified of a move, once, in the move's own transaction."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotAllowed
from lpse_admin.notifications.events import Event
from lpse_admin.sop.steps import Outcome, Step
from models.audit.trail import entries_for_record
from models.changes.moves.assignment import reassign, take_up
from models.delegation.delegation import DelegationKind
from models.delegation.grant import grant_delegation
from models.notifications import rules
from models.notifications.mail import Mail, MailState
from models.notifications.notification import LINK_BASE, MAX_UNREAD, Notification, count_unread, mark_all_read, notify
from models.scope import visible
from models.worktime.deadlines import sweep
from tests.support.cast import (
    NOW,
    attach_required,
    change_at_step,
    delegation,
    make_move,
    move_through,
    new_change,
    official,
    set_test_audit_context,
    user,
    values_for,
)
from tests.support.present import present

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from tests.support.cast import AuditedSession, Cast, Office

REASON = "Sebab yang diberitahukan kepada pemohon"


@pytest.fixture
def office(session: AuditedSession, cast: Cast) -> Office:
    """Give an office whose people have addresses."""
    set_test_audit_context(session, "addresses")
    for person in cast.lumajang.people:
        person.email = f"{person.username}@kantor.example"
    session.commit()
    return cast.lumajang


def told(session: AuditedSession, change: ChangeRequest | None = None) -> list[tuple[Event, str]]:
    """Return (event, user name) of everything that was told, in order."""
    result = select(Notification).order_by(Notification.id)
    if change is not None:
        result = result.where(Notification.change_id == change.id)
    return [(one.event, one.user.username) for one in session.scalars(result)]


def told_of(
    session: AuditedSession, change: ChangeRequest, outcome: Outcome, actor: User, **more: Any
) -> dict[Event, set[str]]:
    """Make a move and return what it told, by event."""
    before = len(told(session))
    make_move(session, change, outcome, actor, **more)
    result: dict[Event, set[str]] = {}
    for kind, name in told(session)[before:]:
        result.setdefault(kind, set()).add(name)
    assert sum(map(len, result.values())) == len(told(session)) - before
    return result


def test_the_way_of_a_request_tells_its_requester_and_whoever_is_next(session: AuditedSession, office: Office) -> None:
    change = new_change(session, office)
    requester, manager, head = office.requester, office.manager, office.head
    outcome, others = {"pemohon"}, {"pengelola2"}
    assert told_of(session, change, Outcome.SUBMITTED, requester) == {Event.WAITING: {"pengelola", "pengelola2"}}
    assert told_of(session, change, Outcome.RETURNED, manager) == {Event.OUTCOME: outcome}
    assert told_of(session, change, Outcome.RESUBMITTED, requester) == {Event.WAITING: {"pengelola", "pengelola2"}}
    assert told_of(session, change, Outcome.ACCEPTED, manager) == {Event.OUTCOME: outcome, Event.WAITING: others}
    assert told_of(session, change, Outcome.EMERGENCY, manager) == {Event.OUTCOME: outcome, Event.EMERGENCY: {"kepala"}}
    both = {"pengelola", "pengelola2"}
    assert told_of(session, change, Outcome.APPROVED, head) == {Event.OUTCOME: outcome, Event.WAITING: both}
    for created in (Outcome.DONE, Outcome.PASSED):
        assert told_of(session, change, created, manager) == {Event.OUTCOME: outcome, Event.WAITING: others}
    assert told_of(session, change, Outcome.REPORTED, manager) == {Event.OUTCOME: outcome, Event.WAITING: {"kepala"}}
    assert told_of(session, change, Outcome.VERIFIED, head) == {Event.OUTCOME: outcome, Event.WAITING: both}
    assert told_of(session, change, Outcome.SCHEDULED, manager) == {Event.OUTCOME: outcome, Event.WAITING: others}
    assert told_of(session, change, Outcome.UNCHANGED, manager) == {Event.OUTCOME: outcome}


def test_the_requester_reads_the_reason_and_what_is_next(session: AuditedSession, office: Office) -> None:
    change = change_at_step(session, office, Step.RETURNED)
    (one,) = session.scalars(select(Notification).where(Notification.user_id == office.requester.id))
    assert one.details["reason"] == REASON
    assert one.details["outcome"]["text"] == "Returned"
    assert one.details["next"]["text"] == "Returned to the requester"
    assert (one.details["number"], one.details["title"]) == (change.number, change.title)
    assert (one.agency_id, one.change_id, one.at, one.read_at) == (office.agency.id, change.id, NOW, None)


def test_every_notification_has_its_mail_in_the_same_transaction(session: AuditedSession, office: Office) -> None:
    session.info[LINK_BASE] = "https://lpse.example"
    change_at_step(session, office, Step.URGENCY)
    mails = session.scalars(select(Mail)).all()
    assert len(mails) == session.scalar(select(func.count()).select_from(Notification))
    for mail in mails:
        assert mail.address == f"{mail.notification.user.username}@kantor.example"
        assert (mail.state, mail.attempts, mail.next_try_at) == (MailState.WAITING, 0, NOW)
        assert (mail.link_base, mail.message_id, mail.sent_at) == ("https://lpse.example", None, None)


def test_a_move_that_is_refused_or_rolled_back_tells_nobody(session: AuditedSession, office: Office) -> None:
    change = change_at_step(session, office, Step.EVALUATION)
    before = told(session)
    with pytest.raises(NotAllowed):
        make_move(session, change, Outcome.ACCEPTED, office.requester)
    set_test_audit_context(session)
    change.advance(
        Outcome.ACCEPTED, office.manager, now=NOW, values=values_for(Step.EVALUATION, Outcome.ACCEPTED),
        equipment=attach_required(session, change),
    )  # fmt: skip
    assert len(told(session)) > len(before)
    session.rollback()
    assert told(session) == before
    assert session.scalar(select(func.count()).select_from(Mail)) == len(before)


def test_who_may_not_act_is_not_told_that_something_waits(session: AuditedSession, office: Office) -> None:
    set_test_audit_context(session)
    office.requester.is_change_manager = office.manager.is_head = True
    other = user(session, office.agency, "pengelola3", Role.CHANGE_MANAGER)
    other.is_active = False
    session.commit()
    change = new_change(session, office)
    assert told_of(session, change, Outcome.SUBMITTED, office.requester)[Event.WAITING] == {"pengelola", "pengelola2"}
    make_move(session, change, Outcome.ACCEPTED, office.manager)
    # Whoever evaluated does not decide, though a head by role.
    assert told_of(session, change, Outcome.EMERGENCY, office.manager)[Event.EMERGENCY] == {"kepala"}


def test_whoever_stands_in_for_the_head_is_told_as_the_head_is_while_it_lasts(
    session: AuditedSession, office: Office
) -> None:
    delegation(session, office)
    change = change_at_step(session, office, Step.URGENCY)
    result = told_of(session, change, Outcome.EMERGENCY, office.manager)
    assert result[Event.EMERGENCY] == {"kepala", "plh"}
    later = NOW + dt.timedelta(days=3)
    change = change_at_step(session, office, Step.URGENCY)
    result = told_of(session, change, Outcome.EMERGENCY, office.manager, now=later)
    assert result[Event.EMERGENCY] == {"kepala"}


def test_nobody_of_another_agency_and_nobody_without_one_is_told(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    change = change_at_step(session, office, Step.URGENCY)
    set_test_audit_context(session)
    people = [cast.tana_tidung.head, cast.superadmin, office.head]
    notify(session, Event.OVERDUE, people, now=NOW, key="k", change=change)
    session.commit()
    assert told(session)[-1] == (Event.OVERDUE, "kepala")
    assert not {name for _kind, name in told(session)} & {person.username for person in cast.tana_tidung.people}


def test_nobody_is_told_of_the_same_event_twice(session: AuditedSession, office: Office) -> None:
    for _again in range(2):
        set_test_audit_context(session)
        notify(session, Event.OVERDUE, [office.manager, office.manager], now=NOW, key="k", step=Step.TEST)
        session.commit()
    set_test_audit_context(session)
    notify(session, Event.OVERDUE, [office.manager, office.head], now=NOW, key="k", step=Step.TEST)
    assert notify(session, Event.OVERDUE, [], now=NOW, key="k") == []
    session.commit()
    assert told(session) == [(Event.OVERDUE, "pengelola"), (Event.OVERDUE, "kepala")]


def test_muted_events_are_told_and_not_mailed_and_emergencies_are_never_muted(
    session: AuditedSession, office: Office
) -> None:
    set_test_audit_context(session)
    for person in office.people:
        person.muted_events = [kind.value for kind in Event]
    office.head.muted_events = [Event.EMERGENCY.value]
    office.manager2.email = None
    session.commit()
    change = change_at_step(session, office, Step.APPROVAL)
    mailed = [mail.notification.event for mail in session.scalars(select(Mail))]
    assert mailed == [Event.EMERGENCY]
    make_move(session, change, Outcome.REFUSED, office.head)
    assert (Event.WAITING, "pengelola2") in told(session)


def test_what_came_back_to_the_requester_is_mailed_also_to_one_who_reads_no_outcomes(
    session: AuditedSession, office: Office
) -> None:
    set_test_audit_context(session)
    office.requester.muted_events = [Event.OUTCOME.value]
    session.commit()
    change = change_at_step(session, office, Step.URGENCY)
    to_requester = select(Mail).where(Mail.address == "pemohon@kantor.example")
    assert not session.scalars(to_requester).all()
    move_through(session, office, Outcome.EMERGENCY, Outcome.REFUSED, Outcome.RETURNED, change=change)
    (mail,) = session.scalars(to_requester)
    assert mail.notification.details["outcome"]["text"] == "Returned"


def test_a_move_takes_as_many_statements_however_many_are_told(session: AuditedSession, office: Office) -> None:
    statements = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = []
    for round_ in range(2):
        change = new_change(session, office)
        equipment = attach_required(session, change)
        set_test_audit_context(session)
        session.commit()
        statements.clear()
        change.advance(Outcome.SUBMITTED, office.requester, now=NOW, values={}, equipment=equipment)
        session.commit()
        # Rows that go in together are one statement for PostgreSQL; SQLite, which is no journey away, takes each.
        counts.append(len([here for before, here in pairwise(["", *statements]) if before != here]))
        set_test_audit_context(session)
        for number in range(20) if round_ == 0 else ():
            user(session, office.agency, f"pengelola{number:03}", Role.CHANGE_MANAGER).email = "a@kantor.example"
        session.commit()
    assert len(told(session)) == 2 + 22
    assert counts[1] <= counts[0]


def test_taking_up_tells_the_others_and_handing_over_tells_the_one_it_goes_to(
    session: AuditedSession, office: Office
) -> None:
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    before = len(told(session))
    take_up(change, office.manager, now=NOW)
    reassign(change, office.manager2, office.manager, now=NOW, reason="Cuti")
    reassign(change, office.manager, office.manager2, now=NOW + dt.timedelta(hours=1), reason="Kembali")
    session.commit()
    assert told(session)[before:] == [
        (Event.TAKEN_UP, "pengelola2"), (Event.HANDED_OVER, "pengelola2"), (Event.HANDED_OVER, "pengelola"),
    ]  # fmt: skip
    last = session.scalars(select(Notification).order_by(Notification.id.desc()).limit(1)).one()
    assert last.details["reason"] == "Kembali"


def test_who_took_it_up_is_told_that_it_is_late_else_all_and_the_head_of_what_is_overdue(
    session: AuditedSession, office: Office
) -> None:
    change = change_at_step(session, office, Step.EVALUATION)
    before = len(told(session))
    for _sweep in range(2):
        set_test_audit_context(session)
        rules.notify_due_soon(session, change, present(change.current_activity), NOW + dt.timedelta(hours=1), NOW)
        rules.notify_overdue(session, change, present(change.current_activity), NOW)
        session.commit()
    managers = ["pengelola", "pengelola2"]
    assert sorted(told(session)[before:]) == sorted(
        [*((Event.SOON_LATE, name) for name in managers), *((Event.OVERDUE, name) for name in (*managers, "kepala"))]
    )
    change = change_at_step(session, office, Step.EVALUATION)
    before = len(told(session))
    set_test_audit_context(session)
    take_up(change, office.manager, now=NOW)
    before = len(told(session))
    rules.notify_due_soon(session, change, present(change.current_activity), NOW, NOW)
    rules.notify_overdue(session, change, present(change.current_activity), NOW)
    session.commit()
    assert told(session)[before:] == [
        (Event.SOON_LATE, "pengelola"), (Event.OVERDUE, "pengelola"), (Event.OVERDUE, "kepala"),
    ]  # fmt: skip


def test_what_is_closed_waits_for_nobody(session: AuditedSession, office: Office) -> None:
    assert rules.eligible_users(session, change_at_step(session, office, Step.CLOSED), NOW) == []


def test_a_delegation_is_told_to_its_delegate_and_to_a_head_who_did_not_grant_it(
    session: AuditedSession, office: Office
) -> None:
    created = delegation(session, office)
    set_test_audit_context(session)
    created.withdraw(now=NOW, by=office.administrator, reason="Kepala telah kembali")
    session.commit()
    assert told(session) == [
        (Event.DELEGATION_GRANTED, "plh"), (Event.DELEGATION_WITHDRAWN, "plh"), (Event.DELEGATION_WITHDRAWN, "kepala"),
    ]  # fmt: skip


def test_a_delegate_is_told_at_once_of_what_waits_for_the_head_already_each_once(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    urgent, report = change_at_step(session, office, Step.APPROVAL), change_at_step(session, office, Step.VERIFICATION)
    change_at_step(session, office, Step.EVALUATION)
    change_at_step(session, cast.tana_tidung, Step.APPROVAL)
    before = len(told(session))
    granted = delegation(session, office)
    assert told(session)[before:] == [
        (Event.DELEGATION_GRANTED, "plh"), (Event.EMERGENCY, "plh"), (Event.WAITING, "plh"),
    ]  # fmt: skip
    *_, one, other = session.scalars(select(Notification).order_by(Notification.id))
    assert (one.key, one.change_id) == (f"waiting-{present(urgent.current_activity).id}", urgent.id)
    assert (other.key, other.change_id) == (f"waiting-{present(report.current_activity).id}", report.id)
    of_the_head = session.scalars(
        select(Notification).where(Notification.key == one.key, Notification.user_id == office.head.id)
    ).one()
    assert one.details == of_the_head.details
    assert present(one.mail).address == "plh@kantor.example"
    set_test_audit_context(session)
    granted.withdraw(now=NOW, by=office.head)
    session.commit()
    before = len(told(session))
    delegation(session, office)
    assert told(session)[before:] == [(Event.DELEGATION_GRANTED, "plh")]


def test_a_delegate_is_not_told_of_what_they_may_not_decide_nor_before_their_first_day(
    session: AuditedSession, office: Office
) -> None:
    change_at_step(session, office, Step.APPROVAL)
    before = len(told(session))
    delegation(session, office, office.manager)  # who evaluated it
    assert told(session)[before:] == [(Event.DELEGATION_GRANTED, "pengelola")]
    before, tomorrow = len(told(session)), NOW.date() + dt.timedelta(days=1)
    set_test_audit_context(session)
    grant_delegation(
        session, head=office.head, delegate=official(session, office.delegate),
        kind=DelegationKind.PLH, decree_number="800/13/2026",
        from_date=tomorrow, until_date=tomorrow, by=office.head, now=NOW,
    )  # fmt: skip
    session.commit()
    assert told(session)[before:] == [(Event.DELEGATION_GRANTED, "plh")]


def test_the_first_sweep_of_a_delegate_s_first_day_tells_them_of_what_waits_and_no_other_does(
    session: AuditedSession, office: Office
) -> None:
    urgent, begins = change_at_step(session, office, Step.APPROVAL), NOW + dt.timedelta(days=1)
    set_test_audit_context(session)
    grant_delegation(
        session, head=office.head, delegate=official(session, office.delegate),
        kind=DelegationKind.PLH, decree_number="800/14/2026",
        from_date=begins.date(), until_date=begins.date(), by=office.head, now=NOW,
    )  # fmt: skip
    what_waits = [f"waiting-{present(urgent.current_activity).id}", f"overdue-{present(urgent.current_activity).id}"]
    for moment, expected in ((NOW, []), (begins, what_waits), (begins, [])):
        before = len(_keys_of(session, office.delegate))
        sweep(session, office.agency, moment)
        session.flush()
        assert _keys_of(session, office.delegate)[before:] == expected
    session.commit()


def _keys_of(session: AuditedSession, user: User) -> Sequence[str]:
    return session.scalars(
        select(Notification.key).where(Notification.user_id == user.id).order_by(Notification.id)
    ).all()


def test_each_sees_their_own_and_not_even_the_installation_s_administrator_more(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    change_at_step(session, office, Step.CLOSED)
    for person in (*office.people, *cast.tana_tidung.people, cast.superadmin):
        seen = session.scalars(select(Notification).where(visible(Notification, person, is_acting_head=True)))
        assert {one.user_id for one in seen} <= {person.id}


def test_the_unread_are_counted_to_a_hundred_and_read_at_one_stroke(session: AuditedSession, office: Office) -> None:
    set_test_audit_context(session)
    for number in range(MAX_UNREAD + 20):
        notify(session, Event.OVERDUE, [office.manager], now=NOW, key=f"k{number}", step=Step.TEST)
    session.commit()
    assert count_unread(session, office.manager) == MAX_UNREAD + 1
    assert count_unread(session, office.head) == 0
    set_test_audit_context(session)
    assert mark_all_read(session, office.manager, NOW) == MAX_UNREAD + 20
    session.commit()
    assert count_unread(session, office.manager) == 0


def test_reading_is_told_and_leaves_no_mark_in_the_request_s_own_history(
    session: AuditedSession, office: Office
) -> None:
    change = change_at_step(session, office, Step.RETURNED)
    entries = len(entries_for_record(session, "change_request", change.id))
    one = session.scalars(select(Notification).where(Notification.user_id == office.requester.id)).one()
    for later in range(2):
        set_test_audit_context(session, "notification.read")
        one.mark_read(NOW + dt.timedelta(minutes=later))
        session.commit()
    assert one.read_at == NOW
    assert entries_for_record(session, "notification", one.id)[0].action == "notification.read"
    assert len(entries_for_record(session, "change_request", change.id)) == entries


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE notification SET event = 'overdue'",
        "UPDATE notification SET details = '{}'",
        "UPDATE notification SET read_at = at WHERE read_at IS NOT NULL",
        "UPDATE notification SET read_at = NULL WHERE read_at IS NOT NULL",
        "DELETE FROM notification",
        "DELETE FROM mail",
        "UPDATE mail SET address = 'x@y.id'",
        "UPDATE mail SET message_id = 'x' WHERE message_id IS NOT NULL",
        "UPDATE mail SET state = 'waiting', sent_at = NULL WHERE state = 'sent'",
        "UPDATE mail SET state = 'waiting' WHERE state = 'sent'",
        "UPDATE mail SET state = 'sent' WHERE state = 'waiting'",
        "INSERT INTO mail (agency_id, notification_id, address, state, attempts, next_try_at)"
        " SELECT agency_id, notification_id, address, 'waiting', 0, next_try_at FROM mail",
        "INSERT INTO notification (agency_id, user_id, event, details, key, at)"
        " SELECT agency_id, user_id, event, details, key, at FROM notification",
    ],
)
def test_the_database_itself_refuses_it(session: AuditedSession, office: Office, statement: str) -> None:
    change_at_step(session, office, Step.URGENCY)
    set_test_audit_context(session)
    first, second = session.scalars(select(Mail).order_by(Mail.id).limit(2))
    first.state, first.sent_at, first.message_id = MailState.SENT, NOW, "<a@b>"
    second.message_id = "<c@d>"
    first.notification.mark_read(NOW - dt.timedelta(hours=1))
    session.commit()
    with pytest.raises(DBAPIError):
        session.connection().execute(text(statement))
    session.rollback()
