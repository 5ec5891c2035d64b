"""The head's absence: who records and ends it, when it holds, and since when nobody decides."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from models.delegation.absence import AbsenceState, record_absence
from models.delegation.delegation import DelegationKind
from models.delegation.grant import grant_delegation
from models.delegation.head_absence import AbsenceCause, head_absence
from tests.support.cast import (
    NOW,
    absence,
    change_at_step,
    delegation,
    make_move,
    official,
    set_test_audit_context,
    user,
)
from tests.support.present import present

if TYPE_CHECKING:
    from typing import Any

    from models.delegation.absence import Absence
    from tests.support.cast import AuditedSession, Cast, Office

TODAY = NOW.date()
DAY = dt.timedelta(days=1)


def away(session: AuditedSession, office: Office, first: int = 0, last: int | None = None, **changes: Any) -> Absence:
    """Record that the head is away from the day ``first`` to ``last``, counted from today, and commit."""
    values = {
        "head": office.head, "from_date": TODAY + first * DAY,
        "until_date": None if last is None else TODAY + last * DAY,
        "reason": "Sakit", "by": office.head, "now": NOW, **changes,
    }  # fmt: skip
    created = record_absence(session, **values)
    session.commit()
    return created


def local(office: Office, day: int, hour: int = 0, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, day, hour, minute, tzinfo=office.agency.zone)


@pytest.fixture
def office(session: AuditedSession, cast: Cast) -> Office:
    set_test_audit_context(session, "absence.record")
    return cast.lumajang


def test_while_the_head_is_there_nobody_is_absent_and_asking_takes_one_statement(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    asked = []
    agency = office.agency

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    assert head_absence(session, agency, NOW) is None
    assert len(asked) == 1
    away(session, cast.tana_tidung)
    assert head_absence(session, office.agency, NOW) is None


@pytest.mark.parametrize("key", ["lumajang", "tana_tidung"])
def test_it_holds_from_midnight_to_midnight_of_the_office_s_own_zone(
    key: str, session: AuditedSession, cast: Cast
) -> None:
    set_test_audit_context(session)
    here = getattr(cast, key)
    created = away(session, here, 1, 2)
    for moment, holds in (
        (local(here, 2, 23, 59), False),
        (local(here, 3, 0, 0), True),
        (local(here, 4, 23, 59), True),
        (local(here, 5, 0, 0), False),
    ):
        result = head_absence(session, here.agency, moment)
        assert (result is not None) is holds
        if result:
            assert (result.cause, result.since, result.until) == (AbsenceCause.RECORDED, TODAY + DAY, TODAY + 2 * DAY)
            assert (result.reason, result.absence, result.delegation) == ("Sakit", created, None)
            assert result.uncovered_since == TODAY + DAY


def test_without_a_last_day_it_lasts_until_it_is_ended(session: AuditedSession, office: Office) -> None:
    created = away(session, office, -2)
    assert present(head_absence(session, office.agency, NOW + 300 * DAY)).until is None
    created.end(now=NOW + dt.timedelta(hours=1), by=office.head)
    session.commit()
    assert head_absence(session, office.agency, NOW + dt.timedelta(hours=1)) is None
    assert (created.ended_by_id, created.ended_because) == (office.head.id, None)
    with pytest.raises(NoSuchMove, match="already ended"):
        created.end(now=NOW + 2 * DAY, by=office.head)


def test_others_of_the_office_record_and_end_it_only_with_a_reason_why_they_do(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    for person in (office.manager, office.administrator, cast.superadmin):
        with pytest.raises(ValidationFailed) as refusal:
            away(session, office, by=person)
        assert set(refusal.value.field_errors) == {"because"}
        created = away(session, office, by=person, because=" Dirawat di rumah sakit ")
        assert (created.recorded_by, created.recorded_because) == (person, "Dirawat di rumah sakit")
        with pytest.raises(ValidationFailed) as refusal:
            created.end(now=NOW, by=person, because=" ")
        assert set(refusal.value.field_errors) == {"because"}
        created.end(now=NOW, by=person, because="Sudah masuk kantor")
        session.commit()
    away(session, office)


def test_nobody_else_records_or_ends_it(session: AuditedSession, cast: Cast, office: Office) -> None:
    created = away(session, office)
    other = cast.tana_tidung
    strangers = (
        office.requester, office.requester2, office.inspector, other.head, other.manager, other.administrator,
    )  # fmt: skip
    delegation(session, office)
    for stranger in strangers:
        with pytest.raises(NotAllowed):
            away(session, office, 5, 6, by=stranger, because="Sebab")
        with pytest.raises(NotAllowed):
            created.end(now=NOW, by=stranger, because="Sebab")
    set_test_audit_context(session)
    office.manager.is_active = False
    session.commit()
    with pytest.raises(NotAllowed):
        created.end(now=NOW, by=office.manager, because="Sebab")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
        ({"because": "a\x00b"}, "because"),
        ({"first": 2, "last": 1}, "until_date"),
        ({"first": -3, "last": -1}, "until_date"),
        ({"first": -367}, "from_date"),
    ],
)
def test_each_wrong_part_is_named(changes: dict[str, Any], field: str, session: AuditedSession, office: Office) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        away(session, office, **changes)
    assert set(refusal.value.field_errors) == {field}
    with pytest.raises(ValidationFailed) as refusal:
        away(session, office, head=office.requester, by=office.manager, because="Sebab")
    assert set(refusal.value.field_errors) == {"head_id"}


def test_absences_of_one_head_do_not_overlap_but_may_follow_one_another(
    session: AuditedSession, office: Office
) -> None:
    away(session, office, 2, 4)
    for first, last in ((0, 2), (4, 9), (3, 3), (0, None), (-1, 9)):
        with pytest.raises(ValidationFailed) as refusal:
            away(session, office, first, last)
        assert set(refusal.value.field_errors) == {"from_date"}
    away(session, office, 0, 1)
    open_ended = away(session, office, 5)
    with pytest.raises(ValidationFailed):
        away(session, office, 30, 31)
    result = head_absence(session, office.agency, NOW + 3 * DAY)
    assert (present(result).since, present(result).until, present(result).reason) == (TODAY, None, "Sakit")
    open_ended.end(now=NOW, by=office.head)
    session.commit()
    result = head_absence(session, office.agency, NOW + 3 * DAY)
    assert (present(result).since, present(result).until) == (TODAY, TODAY + 4 * DAY)


def test_a_head_who_came_back_may_leave_again_on_the_same_day(session: AuditedSession, office: Office) -> None:
    created = away(session, office, -3, 3)
    created.end(now=NOW, by=office.head)
    session.commit()
    again = away(session, office, 0, 1)
    assert created.state(TODAY) is AbsenceState.OVER
    assert again.state(TODAY) is AbsenceState.NOW
    assert again.state(TODAY - DAY) is AbsenceState.UPCOMING
    assert again.state(TODAY + 2 * DAY) is AbsenceState.OVER
    assert present(head_absence(session, office.agency, NOW)).since == TODAY


def test_one_head_of_two_who_is_there_is_enough_and_the_last_to_leave_counts(
    session: AuditedSession, office: Office
) -> None:
    second = user(session, office.agency, "kepala2", Role.HEAD)
    away(session, office, -5, 9)
    assert head_absence(session, office.agency, NOW) is None
    away(session, office, -1, 4, head=second, by=second, reason="Dinas luar")
    result = head_absence(session, office.agency, NOW)
    assert (present(result).since, present(result).until, present(result).reason) == (
        TODAY - DAY,
        TODAY + 4 * DAY,
        "Dinas luar",
    )


def test_a_head_whose_account_is_disabled_is_absent_since_the_trail_tells_it(
    session: AuditedSession, office: Office
) -> None:
    then = NOW + dt.timedelta(hours=3)
    set_test_audit_context(session, "user.disable", now=then)
    office.head.is_active = False
    session.commit()
    result = head_absence(session, office.agency, NOW + DAY)
    assert (present(result).cause, present(result).since, present(result).until, present(result).reason) == (
        AbsenceCause.DISABLED,
        then,
        None,
        None,
    )
    assert present(result).uncovered_since == then
    away(session, office, -1, 9, by=office.manager, because="Pensiun")
    result = head_absence(session, office.agency, NOW + DAY)
    assert (present(result).cause, present(result).since, present(result).until) == (
        AbsenceCause.RECORDED,
        TODAY - DAY,
        None,
    )


def test_an_agency_without_a_head_has_none_since_the_last_ceased_to_be_it(
    session: AuditedSession, office: Office
) -> None:
    then = NOW + dt.timedelta(hours=3)
    set_test_audit_context(session, "user.edit", now=then)
    office.head.roles = [Role.INSPECTOR]
    session.commit()
    result = head_absence(session, office.agency, NOW + DAY)
    assert (present(result).cause, present(result).since, present(result).delegation) == (
        AbsenceCause.VACANT,
        then,
        None,
    )


def test_where_nothing_tells_it_it_is_not_known_since_when(session: AuditedSession, office: Office) -> None:
    session.connection().execute(text("UPDATE user_account SET is_active = (1 = 0) WHERE is_head"))
    session.commit()
    session.expire_all()
    result = head_absence(session, office.agency, NOW)
    assert (present(result).cause, present(result).since, present(result).uncovered_since) == (
        AbsenceCause.DISABLED,
        None,
        None,
    )


def test_a_delegation_covers_it_and_says_by_itself_that_the_head_is_not_there(
    session: AuditedSession, office: Office
) -> None:
    granted = delegation(session, office, days=3)
    result = head_absence(session, office.agency, NOW)
    assert (present(result).cause, present(result).since, present(result).until) == (
        AbsenceCause.DELEGATED,
        TODAY,
        TODAY + 2 * DAY,
    )
    assert (present(result).delegation, present(result).uncovered_since) == (granted, None)
    set_test_audit_context(session)
    away(session, office, -2)
    result = head_absence(session, office.agency, NOW)
    assert (present(result).cause, present(result).since, present(result).delegation) == (
        AbsenceCause.RECORDED,
        TODAY - 2 * DAY,
        granted,
    )
    assert present(head_absence(session, office.agency, local(office, 4, 23, 59))).delegation is granted
    result = head_absence(session, office.agency, local(office, 5))
    assert (present(result).delegation, present(result).uncovered_since) == (None, TODAY + 3 * DAY)


def test_from_the_withdrawal_on_nobody_stands_in(session: AuditedSession, office: Office) -> None:
    granted = delegation(session, office, days=3)
    set_test_audit_context(session)
    absence(session, office)
    set_test_audit_context(session)
    then = NOW + dt.timedelta(hours=2)
    granted.withdraw(now=then, by=office.head)
    session.commit()
    result = head_absence(session, office.agency, then)
    assert (present(result).since, present(result).delegation, present(result).uncovered_since) == (TODAY, None, then)
    granted_later = grant_delegation(
        session, head=office.head, delegate=official(session, office.delegate), kind=DelegationKind.PLT,
        decree_number="800/2/2026", from_date=TODAY + 5 * DAY, until_date=TODAY + 6 * DAY, by=office.head, now=NOW,
    )  # fmt: skip
    granted_later.withdraw(now=then + DAY, by=office.head)
    session.commit()
    assert present(head_absence(session, office.agency, NOW + 9 * DAY)).uncovered_since == then


def test_one_withdrawn_after_its_last_day_ended_with_that_day(session: AuditedSession, office: Office) -> None:
    granted = delegation(session, office, days=2)
    set_test_audit_context(session)
    away(session, office)
    # As version 0.1.0 allowed it: what it has left behind is read all the same.
    granted.withdrawn_at, granted.withdrawn_by_id = NOW + 5 * DAY, office.head.id
    session.commit()
    assert present(head_absence(session, office.agency, NOW + 6 * DAY)).uncovered_since == TODAY + 2 * DAY


def test_a_delegate_whose_account_is_disabled_covers_nothing(session: AuditedSession, office: Office) -> None:
    delegation(session, office, days=3)
    set_test_audit_context(session)
    away(session, office)
    then = NOW + dt.timedelta(hours=1)
    set_test_audit_context(session, "user.disable", now=then)
    office.delegate.is_active = False
    session.commit()
    result = head_absence(session, office.agency, then)
    assert (present(result).delegation, present(result).uncovered_since) == (None, then)


def test_an_absence_bars_no_head_who_is_there_after_all_and_approves_nothing_by_silence(
    session: AuditedSession, office: Office
) -> None:
    change, silent = change_at_step(session, office, Step.APPROVAL), change_at_step(session, office, Step.APPROVAL)
    set_test_audit_context(session)
    away(session, office)
    with pytest.raises(NotAllowed):
        make_move(session, silent, Outcome.APPROVED, office.delegate, now=NOW + 400 * DAY)
    approved = make_move(session, change, Outcome.APPROVED, office.head)
    assert (approved.capacity, approved.delegation_id) == ("Kepala LPSE", None)
    assert silent.step is Step.APPROVAL


def test_nobody_records_a_delegation_to_themselves(session: AuditedSession, office: Office) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        grant_delegation(
            session, head=office.head, delegate=office.administrator, kind=DelegationKind.PLH, decree_number="800/9",
            from_date=TODAY, until_date=TODAY, by=office.administrator, now=NOW,
        )  # fmt: skip
    assert set(refusal.value.field_errors) == {"delegate_id"}


_COLUMNS = (
    "agency_id, head_id, from_date, until_date, reason, recorded_by_id, recorded_at, recorded_because, ended_at,"
    " ended_by_id, ended_because"
)
_AT = "'2026-03-01 00:00:00'"


@pytest.mark.parametrize(
    "values",
    [
        "{agency}, {head}, '2027-03-02', '2027-03-01', 'x', {head}, {at}, NULL, NULL, NULL, NULL",
        "{agency}, {head}, '2027-03-02', NULL, 'x', {manager}, {at}, NULL, NULL, NULL, NULL",
        "{agency}, {head}, '2027-03-02', NULL, 'x', {head}, {at}, NULL, {at}, NULL, NULL",
        "{agency}, {head}, '2027-03-02', NULL, 'x', {head}, {at}, NULL, {at}, {manager}, NULL",
        "{agency}, {head}, '2027-03-02', NULL, 'x', {head}, {at}, NULL, NULL, NULL, 'x'",
        "{agency}, {head}, '2027-03-02', NULL, 'x', {head}, {at}, NULL, '2026-02-01 00:00:00', {head}, NULL",
        "{agency}, {head}, '2026-01-01', '2026-03-02', 'x', {head}, {at}, NULL, NULL, NULL, NULL",
        "{agency}, {head}, '2026-03-04', NULL, 'x', {head}, {at}, NULL, NULL, NULL, NULL",
        "{agency}, {manager}, '2027-03-02', NULL, 'x', {manager}, {at}, NULL, NULL, NULL, NULL",
        "{other}, {head}, '2027-03-02', NULL, 'x', {head}, {at}, NULL, NULL, NULL, NULL",
    ],
)
def test_the_database_refuses_an_absence_that_cannot_be(
    values: str, session: AuditedSession, cast: Cast, office: Office
) -> None:
    away(session, office, 0, 2)
    filled = values.format(
        agency=office.agency.id,
        other=cast.tana_tidung.agency.id,
        head=office.head.id,
        manager=office.manager.id,
        at=_AT,
    )
    with pytest.raises(IntegrityError):
        session.connection().execute(text(f"INSERT INTO absence ({_COLUMNS}) VALUES ({filled})"))
    session.rollback()


def test_the_database_keeps_what_was_recorded(session: AuditedSession, office: Office) -> None:
    created = away(session, office)
    created.end(now=NOW, by=office.head)
    session.commit()
    for statement in (
        "UPDATE absence SET from_date = '2026-01-01'",
        "UPDATE absence SET reason = 'Lain'",
        "UPDATE absence SET ended_at = NULL, ended_by_id = NULL",
        "DELETE FROM absence",
    ):
        with pytest.raises(IntegrityError):
            session.connection().execute(text(statement))
        session.rollback()
