"""Who stands in for an absent head: by a decree, between two dates of the office's own zone, and no further."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.transitions import Principal
from models.delegation.delegation import DelegationKind, load_active_delegation
from models.delegation.grant import grant_delegation
from tests.support.cast import NOW, change_at_step, delegation, make_move, official, set_test_audit_context, user
from tests.support.present import present

if TYPE_CHECKING:
    from typing import Any

    from models.delegation.delegation import Delegation
    from tests.support.cast import AuditedSession, Cast, Office

TODAY = dt.date(2026, 3, 2)
#: Of decrees; each serves one delegation.
_numbers = itertools.count(1000)


def decree(session: AuditedSession, office: Office, **changes: Any) -> Delegation:
    """Grant a delegation for two days, with ``changes``."""
    official(session, office.delegate)
    values = {
        "head": office.head, "delegate": office.delegate, "kind": DelegationKind.PLH,
        "decree_number": f"800/{next(_numbers)}/2026", "from_date": TODAY,
        "until_date": TODAY + dt.timedelta(days=1), "by": office.head, "now": NOW, **changes,
    }  # fmt: skip
    return grant_delegation(session, **values)


@pytest.mark.parametrize("key", ["lumajang", "tana_tidung"])
def test_it_holds_from_midnight_to_midnight_of_the_office_s_own_zone(
    key: str, session: AuditedSession, cast: Cast
) -> None:
    office = getattr(cast, key)
    granted = delegation(session, office, days=2)

    def local(day: int, hour: int, minute: int) -> dt.datetime:
        return dt.datetime(2026, 3, day, hour, minute, tzinfo=office.agency.zone)

    for moment, holds in (
        (local(1, 23, 59), False),
        (local(2, 0, 1), True),
        (local(3, 23, 59), True),
        (local(4, 0, 1), False),
    ):
        assert granted.is_in_force(moment) is holds
        assert (load_active_delegation(session, office.delegate, moment) is not None) is holds


@pytest.mark.parametrize(("kind", "capacity"), [("plh", "Plh. Kepala LPSE"), ("plt", "Plt. Kepala LPSE")])
def test_the_delegate_decides_and_verifies_in_a_capacity_that_says_so(
    kind: str, capacity: str, session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.APPROVAL)
    assert change.open_moves(office.delegate, NOW) == ()
    set_test_audit_context(session)
    granted = decree(session, office, kind=DelegationKind(kind))
    session.commit()
    approved = make_move(session, change, Outcome.APPROVED, office.delegate)
    assert (approved.capacity, approved.delegation_id, approved.actor_id) == (capacity, granted.id, office.delegate.id)
    for outcome in (Outcome.DONE, Outcome.PASSED, Outcome.REPORTED):
        assert make_move(session, change, outcome, office.manager).delegation_id is None
    assert make_move(session, change, Outcome.VERIFIED, office.delegate).capacity == capacity


def test_the_head_who_is_there_after_all_decides_as_the_head(session: AuditedSession, cast: Cast) -> None:
    delegation(session, cast.lumajang)
    approved = make_move(
        session, change_at_step(session, cast.lumajang, Step.APPROVAL), Outcome.APPROVED, cast.lumajang.head
    )
    assert (approved.capacity, approved.delegation_id) == ("Kepala LPSE", None)


def test_without_a_delegation_the_request_waits_and_silence_approves_nothing(
    session: AuditedSession, cast: Cast
) -> None:
    change = change_at_step(session, cast.lumajang, Step.APPROVAL)
    much_later = NOW + dt.timedelta(days=400)
    with pytest.raises(NotAllowed):
        make_move(session, change, Outcome.APPROVED, cast.lumajang.delegate, now=much_later)
    assert (change.step, present(change.current_activity).is_open) == (Step.APPROVAL, True)


def test_withdrawn_it_ends_at_once_and_what_was_decided_stands(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    granted = delegation(session, office, days=3)
    decided, waiting = change_at_step(session, office, Step.APPROVAL), change_at_step(session, office, Step.APPROVAL)
    make_move(session, decided, Outcome.APPROVED, office.delegate)
    set_test_audit_context(session)
    granted.withdraw(now=NOW, by=office.head)
    session.commit()
    assert not granted.is_in_force(NOW)
    with pytest.raises(NotAllowed):
        make_move(session, waiting, Outcome.APPROVED, office.delegate)
    assert decided.step is Step.IMPLEMENTATION
    with pytest.raises(NoSuchMove, match="already"):
        granted.withdraw(now=NOW, by=office.head)


def test_one_whose_last_day_is_over_is_not_withdrawn(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    granted = delegation(session, office, days=2)
    over = NOW + dt.timedelta(days=2)
    with pytest.raises(NoSuchMove, match="has ended already"):
        granted.withdraw(now=over, by=office.head)
    assert granted.withdrawn_at is None
    set_test_audit_context(session)
    granted.withdraw(now=over - dt.timedelta(days=1), by=office.head)
    session.commit()


def test_nobody_but_a_head_or_an_administrator_grants_or_withdraws(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    strangers = (
        office.requester, office.manager, office.delegate, office.inspector,
        cast.tana_tidung.head, cast.tana_tidung.administrator,
    )  # fmt: skip
    for stranger in strangers:
        with pytest.raises(NotAllowed):
            decree(session, office, by=stranger)
    granted = delegation(session, office)
    for stranger in strangers:
        with pytest.raises(NotAllowed):
            granted.withdraw(now=NOW, by=stranger)
    granted.withdraw(now=NOW, by=office.administrator)
    assert decree(session, office, by=cast.superadmin).recorded_by is cast.superadmin


def test_a_delegation_cannot_be_delegated(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    delegation(session, office)
    with pytest.raises(NotAllowed):
        decree(session, office, delegate=office.manager2, by=office.delegate)
    with pytest.raises(NotAllowed):
        decree(session, office, head=office.delegate, delegate=office.manager2, by=office.delegate)
    with pytest.raises(ValidationFailed) as refusal:
        decree(session, office, head=office.delegate, delegate=office.manager2, by=office.administrator)
    assert set(refusal.value.field_errors) == {"head_id"}


def test_each_wrong_part_of_a_decree_is_named(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    set_test_audit_context(session)
    second_head = user(session, office.agency, "kepala2", Role.HEAD)
    absent = user(session, office.agency, "cuti", Role.REQUESTER)
    absent.is_active = False
    session.commit()
    yesterday, before = TODAY - dt.timedelta(days=1), TODAY - dt.timedelta(days=2)
    for changes, field in (
        ({"decree_number": "  "}, "decree_number"),
        ({"decree_number": "8" * 301}, "decree_number"),
        ({"delegate": office.head}, "delegate_id"),
        ({"delegate": second_head}, "delegate_id"),
        ({"delegate": absent}, "delegate_id"),
        ({"delegate": cast.tana_tidung.delegate}, "delegate_id"),
        ({"until_date": yesterday}, "until_date"),
        ({"from_date": before, "until_date": yesterday}, "until_date"),
    ):
        with pytest.raises(ValidationFailed) as refusal:
            decree(session, office, **changes)
        assert set(refusal.value.field_errors) == {field}


def test_two_delegations_do_not_overlap_unless_one_is_withdrawn(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    granted = delegation(session, office, days=3)
    for first, last in ((0, 0), (2, 5), (-3, 0), (-3, 9), (1, 1)):
        with pytest.raises(ValidationFailed) as refusal:
            decree(
                session, office, delegate=office.manager2,
                from_date=TODAY + dt.timedelta(days=first), until_date=TODAY + dt.timedelta(days=last),
            )  # fmt: skip
        assert set(refusal.value.field_errors) == {"from_date"}
    decree(session, office, from_date=TODAY + dt.timedelta(days=3), until_date=TODAY + dt.timedelta(days=4))
    delegation(session, cast.tana_tidung, days=3)
    granted.withdraw(now=NOW, by=office.head)
    decree(session, office, delegate=office.manager2, until_date=TODAY)


def test_it_ends_with_its_giver_s_office_but_not_with_a_disabled_account(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    delegation(session, office, days=30)
    office.head.is_active = False
    assert load_active_delegation(session, office.delegate, NOW) is not None
    office.head.roles = {Role.INSPECTOR}
    assert load_active_delegation(session, office.delegate, NOW) is None
    set_test_audit_context(session)
    successor = user(session, office.agency, "kepala2", Role.HEAD)
    decree(session, office, head=successor, delegate=office.manager2, by=successor)
    session.commit()


def test_a_disabled_delegate_decides_nothing(session: AuditedSession, cast: Cast) -> None:
    change = change_at_step(session, cast.lumajang, Step.APPROVAL)
    delegation(session, cast.lumajang)
    delegate = cast.lumajang.delegate
    assert change.open_moves(delegate, NOW) != ()
    delegate.is_active = False
    assert load_active_delegation(session, delegate, NOW) is None
    assert change.as_actor(delegate, NOW) == (Principal(delegate.id, frozenset()), None)


def test_the_database_keeps_a_delegation_as_it_was_granted(session: AuditedSession, cast: Cast) -> None:
    granted = delegation(session, cast.lumajang)
    granted.withdraw(now=NOW, by=cast.lumajang.head)
    set_test_audit_context(session)
    session.commit()
    for statement in (
        "UPDATE delegation SET until_date = '2099-12-31'",
        f"UPDATE delegation SET delegate_id = {cast.lumajang.manager.id}",
        "UPDATE delegation SET withdrawn_at = NULL, withdrawn_by_id = NULL",
        "DELETE FROM delegation",
    ):
        with pytest.raises(IntegrityError):
            session.connection().execute(text(statement))
        session.rollback()
