"""A hold stands against a destruction, whenever it was placed."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select

from lpse_admin.errors import NoSuchMove
from lpse_admin.retention.rules import Disposition, RecordClass
from lpse_admin.sop.steps import Outcome
from models.assessment.entry import FindingValues, Subject, enter_finding
from models.assessment.finding import Priority
from models.retention import due
from models.retention.destruction import destructible, propose_destruction
from models.retention.hold import place_hold
from models.retention.rule import RetentionRule, set_rule
from tests.support.cast import (  # noqa: F401 - fixtures
    NOW,
    cast,
    move_through,
    session,
    set_test_audit_context,
)

if TYPE_CHECKING:
    from models.changes.change import ChangeRequest
    from tests.support.cast import AuditedSession, Cast, Office

#: A request without a release, from its draft to its end.
CLOSED_WAY = (Outcome.SUBMITTED, Outcome.ACCEPTED, Outcome.NORMAL, Outcome.DONE, Outcome.PASSED, Outcome.REPORTED,
              Outcome.VERIFIED, Outcome.NO_RELEASE, Outcome.UNCHANGED)  # fmt: skip
LATER = NOW + dt.timedelta(days=6 * 366)


def closed_requests(session: AuditedSession, office: Office, count: int) -> list[ChangeRequest]:
    """Return closed requests of an office whose rule has them destroyed after five years."""
    result = [move_through(session, office, *CLOSED_WAY) for _each in range(count)]
    set_test_audit_context(session)
    set_rule(session, by=office.head, now=NOW, record_class=RecordClass.REQUEST, active_years=2, inactive_years=3,
             disposition=Disposition.DESTROY, basis="Perbup 12/2025")  # fmt: skip
    session.commit()
    return result


def hold(session: AuditedSession, office: Office, change: ChangeRequest) -> None:
    set_test_audit_context(session)
    place_hold(session, by=office.head, now=LATER, number=change.number or "", reason="Pemeriksaan")
    session.commit()


def test_held_requests_take_no_place_among_those_that_can_be_destroyed(
    session: AuditedSession, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "MOST_LISTED", 1)
    office = cast.lumajang
    first, second = closed_requests(session, office, 2)
    hold(session, office, first)
    assert [one.record_id for one in destructible(session, office.agency, LATER)] == [second.id]


def test_a_request_is_kept_while_a_finding_of_an_assessor_on_it_or_its_release_is_open(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    first, second = closed_requests(session, office, 2)
    set_test_audit_context(session)
    proposed = propose_destruction(
        session, by=office.administrator, now=LATER, record_ids=[first.id], reason="Masa simpan habis"
    )
    entry = FindingValues("T-1", NOW.date(), "Asesor", "", "Tidak dicatat.", "Catat.", Priority.HIGH, NOW.date(),
                          Subject.CHANGE, first.number or "")  # fmt: skip
    enter_finding(session, by=office.manager, now=LATER, entry=entry)
    session.commit()
    assert [one.record_id for one in destructible(session, office.agency, LATER)] == [second.id]
    with pytest.raises(NoSuchMove) as refused:
        proposed.approve(by=office.head, now=LATER, note="")
    assert str(refused.value.message) == f"Not to be destroyed while a finding of an assessor is open: {first.number}."


def test_a_rule_that_was_changed_lately_destroys_nothing_yet(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    (change,) = closed_requests(session, office, 1)
    set_test_audit_context(session)
    (rule,) = session.scalars(select(RetentionRule))
    rule.alter(by=office.head, now=LATER, active_years=1, inactive_years=0, disposition=Disposition.DESTROY, basis="B")
    session.commit()
    propose = partial(propose_destruction, session, by=office.administrator, record_ids=[change.id], reason="Habis")
    assert list(destructible(session, office.agency, LATER)) == []
    with pytest.raises(NoSuchMove, match="30 days"):
        propose(now=LATER)
    assert propose(now=LATER + dt.timedelta(days=30)).items[0].record_id == change.id


def test_the_requests_of_a_destruction_are_locked_before_their_holds_are_read(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    changes = closed_requests(session, office, 2)
    set_test_audit_context(session)
    proposed = propose_destruction(
        session, by=office.administrator, now=LATER, record_ids=[one.id for one in changes], reason="Masa simpan habis"
    )
    session.commit()
    hold(session, office, changes[1])
    statements: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *told: statements.append(told[2]))
    with pytest.raises(NoSuchMove):
        proposed.approve(by=office.head, now=LATER, note="")
    of_requests = next(index for index, one in enumerate(statements) if "ORDER BY change_request.id" in one)
    of_holds = next(index for index, one in enumerate(statements) if "FROM hold" in one)
    assert of_requests < of_holds
    if session.get_bind().dialect.name == "postgresql":
        assert "FOR UPDATE" in statements[of_requests]
