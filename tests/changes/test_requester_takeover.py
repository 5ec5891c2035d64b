"""Another requester takes over the part of one who has left, so that no request is stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from models.changes.history import verify_histories
from models.changes.requester_takeover import RequesterTakeover, open_requests_of, take_over_request
from models.notifications.notification import Notification
from models.reports import totals
from models.search import index
from tests.support.cast import (
    NOW,
    cast,  # noqa: F401 - fixtures
    change_at_step,
    make_move,
    session,  # noqa: F401
    set_test_audit_context,
    user,
)

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast


def test_another_requester_resubmits_what_was_returned_and_it_is_on_record(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.RETURNED)
    set_test_audit_context(session, "user.disable")
    office.requester.is_active = False
    session.flush()
    asked_by = change.asked_by_name
    created = take_over_request(change, office.requester2, by=office.administrator, now=NOW, reason="Pensiun")
    session.commit()
    assert (created.from_name, created.to_name) == (office.requester.full_name, office.requester2.full_name)
    assert (change.asked_by_name, change.requester_id) == (asked_by, office.requester2.id)
    told = select(Notification.id).where(Notification.user_id == office.requester2.id)
    assert session.scalars(told).first() is not None
    done = make_move(session, change, Outcome.RESUBMITTED, office.requester2)
    assert (done.actor_name, change.step) == (office.requester2.full_name, Step.EVALUATION)
    assert change.activities[0].actor_name == asked_by
    assert [str(problem) for problem in verify_histories(session)] == []
    assert list(index.stale_records(session.connection())) == []
    assert list(totals.differences(session.connection())) == []
    assert [one.id for one in open_requests_of(session, office.requester2)] == [change.id]
    assert open_requests_of(session, office.requester) == []


def test_whoever_evaluated_it_cannot_become_its_requester(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    set_test_audit_context(session)
    office.manager.roles = {Role.CHANGE_MANAGER, Role.REQUESTER}
    session.commit()
    change = change_at_step(session, office, Step.RETURNED)
    for other in (office.manager, office.manager2, office.requester, cast.tana_tidung.requester):
        with pytest.raises(ValidationFailed) as refusal:
            take_over_request(change, other, by=office.administrator, now=NOW, reason="Pensiun")
        assert set(refusal.value.field_errors) == {"to"}
    with pytest.raises(ValidationFailed) as refusal:
        take_over_request(change, office.requester2, by=office.administrator, now=NOW, reason="\u200b")
    assert set(refusal.value.field_errors) == {"reason"}
    for somebody in (office.manager, office.head, cast.tana_tidung.administrator):
        with pytest.raises(NotAllowed):
            take_over_request(change, office.requester2, by=somebody, now=NOW, reason="Pensiun")
    assert session.scalars(select(RequesterTakeover.id)).all() == []


def test_a_closed_request_and_a_draft_keep_their_requester(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    for step in (Step.CLOSED, Step.REQUEST):
        change = change_at_step(session, office, step)
        with pytest.raises(NoSuchMove):
            take_over_request(change, office.requester2, by=office.administrator, now=NOW, reason="Pensiun")


def test_who_took_it_over_still_does_not_evaluate_it(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    set_test_audit_context(session)
    both = user(session, office.agency, "dua.peran", Role.REQUESTER, Role.CHANGE_MANAGER)
    session.commit()
    change = change_at_step(session, office, Step.EVALUATION)
    take_over_request(change, both, by=office.administrator, now=NOW, reason="Mutasi")
    session.commit()
    with pytest.raises(NotAllowed):
        make_move(session, change, Outcome.ACCEPTED, both)
