"""Freeze periods: nothing is released in one, unless the head has allowed this one in writing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import Environment
from models.audit.trail import entries_for_record
from models.documents.document import Document, detach
from models.releases.freeze import Freeze, FreezeState, FreezeValues, create_freeze
from models.releases.freeze_permit import (
    PermitLetter,
    grant_permit,
    permits_of,
    permittable_freezes,
    reason_cannot_permit,
)
from tests.support.cast import NOW, change_at_step, delegation, freeze, make_move, new_change, set_test_audit_context
from tests.support.present import present
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from models.changes.steps.activity import Activity
    from models.releases.freeze import FreezePermit
    from tests.support.cast import AuditedSession, Cast, Office

DAY = dt.timedelta(days=1)


@pytest.fixture
def office(cast: Cast) -> Office:
    return cast.lumajang


def schedule(
    session: AuditedSession,
    office: Office,
    change: ChangeRequest,
    first: float,
    last: float,
    *,
    by: User | None = None,
    **values: Any,
) -> Activity:
    """Schedule the release from ``first`` days after NOW until ``last``."""
    window = {"window_start_at": NOW + first * DAY, "window_end_at": NOW + last * DAY}
    return make_move(session, change, Outcome.SCHEDULED, by or office.manager, values={**window, **values})


def allow(
    session: AuditedSession,
    frozen: Freeze,
    change: ChangeRequest,
    by: User,
    *,
    now: dt.datetime = NOW,
    reason: str = "Perbaikan keamanan tidak dapat ditunda",
    letter: Any = None,
) -> FreezePermit:
    set_test_audit_context(session, "freeze.permit", now=now)
    try:
        given = grant_permit(session, frozen, change, by=by, now=now, reason=reason, letter=letter)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    return given


@pytest.mark.parametrize(
    ("first", "last", "met"),
    [(9, 10.5, True), (10.5, 13, True), (9, 13, True), (10.2, 10.4, True), (9, 10, False), (12, 13, False)],
)  # fmt: skip
def test_a_window_that_a_freeze_covers_in_part_is_refused_and_one_that_touches_it_is_not(
    first: float, last: float, met: bool, session: AuditedSession, office: Office
) -> None:
    freeze(session, office, first=10, last=12)
    change = change_at_step(session, office, Step.RELEASE)
    if not met:
        schedule(session, office, change, first, last)
        return
    with pytest.raises(ValidationFailed) as refusal:
        schedule(session, office, change, first, last)
    assert set(refusal.value.field_errors) == {"window_start_at"}
    assert "Penutupan tender (12-03-2026 09.00–14-03-2026 09.00 WIB)" in terminal_text(
        refusal.value.field_errors["window_start_at"]
    )
    assert change.step is Step.RELEASE


def test_a_freeze_of_one_environment_of_another_agency_or_lifted_holds_nothing_else_back(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    freeze(session, office, first=10, last=12, environment=Environment.TRAINING)
    freeze(session, cast.tana_tidung, first=10, last=12)
    lifted = freeze(session, office, first=10, last=12)
    with pytest.raises(ValidationFailed):
        schedule(session, office, change_at_step(session, office, Step.RELEASE), 10, 11)
    set_test_audit_context(session)
    lifted.lift("Tender dibatalkan", by=office.administrator, now=NOW)
    session.commit()
    schedule(session, office, change_at_step(session, office, Step.RELEASE), 10, 11)
    with pytest.raises(ValidationFailed):
        schedule(
            session, office, change_at_step(session, office, Step.RELEASE), 10, 11, environment=Environment.TRAINING
        )


def test_the_head_allows_one_release_in_writing(session: AuditedSession, office: Office) -> None:
    frozen = freeze(session, office, first=10, last=12)
    change, other = change_at_step(session, office, Step.RELEASE), change_at_step(session, office, Step.RELEASE)
    given = allow(
        session, frozen, change, office.head, letter=PermitLetter("izin.pdf", "application/pdf", b"%PDF-1.4\n")
    )
    assert (given.capacity, given.delegation_id, given.allowed_at) == ("Kepala LPSE", None, NOW)
    assert [present(one.letter).name for one in permits_of(session, change)] == ["izin.pdf"]
    with pytest.raises(NoSuchMove, match="letter cannot be removed"):
        detach(session, session.get_one(Document, given.letter_id), office.manager, NOW)
    session.rollback()
    schedule(session, office, change, 10, 11)
    with pytest.raises(ValidationFailed):
        schedule(session, office, other, 10, 11)
    entries = entries_for_record(session, "freeze_permit", given.id)
    assert [entry.action for entry in entries] == ["freeze.permit"]


def test_a_delegate_allows_it_in_a_capacity_that_says_so_and_only_while_the_delegation_lasts(
    session: AuditedSession, office: Office
) -> None:
    frozen = freeze(session, office, first=10, last=12)
    change = change_at_step(session, office, Step.RELEASE)
    assert reason_cannot_permit(change, office.delegate, NOW) is not None
    granted = delegation(session, office)
    with pytest.raises(NotAllowed):
        allow(session, frozen, change, office.delegate, now=NOW + 3 * DAY)
    given = allow(session, frozen, change, office.delegate)
    assert (given.capacity, given.delegation_id) == ("Plh. Kepala LPSE", granted.id)
    schedule(session, office, change, 10, 11)


def test_nobody_else_allows_it_and_no_head_who_took_another_part(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    frozen = freeze(session, office, first=10, last=12)
    change = change_at_step(session, office, Step.RELEASE)
    strangers = (
        office.requester, office.requester2, office.manager, office.manager2, office.inspector, office.administrator,
        office.delegate, cast.tana_tidung.head, cast.superadmin,
    )  # fmt: skip
    for stranger in strangers:
        with pytest.raises(NotAllowed):
            allow(session, frozen, change, stranger)
    for taken in (office.requester, office.manager):  # asked; evaluated and carried out
        set_test_audit_context(session)
        taken.roles = {*taken.roles, Role.HEAD}
        session.commit()
        with pytest.raises(NotAllowed, match="already"):
            allow(session, frozen, change, taken)


def test_a_permission_counts_no_more_once_its_giver_takes_a_part_or_schedules_the_release(
    session: AuditedSession, office: Office
) -> None:
    frozen = freeze(session, office, first=10, last=12)
    change = change_at_step(session, office, Step.EVALUATION)
    set_test_audit_context(session)
    office.manager2.roles = {Role.HEAD, Role.CHANGE_MANAGER}
    session.commit()
    allow(session, frozen, change, office.manager2)
    for outcome in (Outcome.ACCEPTED, Outcome.NORMAL, Outcome.DONE, Outcome.PASSED, Outcome.REPORTED):
        make_move(session, change, outcome, office.manager)
    make_move(session, change, Outcome.VERIFIED, office.head)
    with pytest.raises(ValidationFailed) as refusal:
        schedule(session, office, change, 10, 11, by=office.manager2)
    assert set(refusal.value.field_errors) == {"window_start_at"}
    schedule(session, office, change, 10, 11, by=office.manager)
    second = change_at_step(session, office, Step.EVALUATION)
    allow(session, frozen, second, office.manager2)
    make_move(session, second, Outcome.ACCEPTED, office.manager2)
    for outcome in (Outcome.NORMAL, Outcome.DONE, Outcome.PASSED, Outcome.REPORTED):
        make_move(session, second, outcome, office.manager)
    make_move(session, second, Outcome.VERIFIED, office.head)
    with pytest.raises(ValidationFailed):
        schedule(session, office, second, 10, 11, by=office.manager)


def test_it_is_allowed_once_in_time_and_with_words(session: AuditedSession, cast: Cast, office: Office) -> None:
    frozen = freeze(session, office, first=10, last=12)
    change = change_at_step(session, office, Step.EVALUATION)
    with pytest.raises(ValidationFailed) as refusal:
        allow(session, frozen, change, office.head, reason=" ")
    assert set(refusal.value.field_errors) == {"reason"}
    assert permittable_freezes(session, change) == [frozen]
    allow(session, frozen, change, office.head)
    assert permittable_freezes(session, change) == []
    with pytest.raises(NoSuchMove):
        allow(session, frozen, change, office.head)
    for late in (
        change_at_step(session, office, Step.ASSET_REVIEW),
        change_at_step(session, office, Step.CLOSED),
        new_change(session, office),
    ):
        with pytest.raises(NoSuchMove):
            allow(session, frozen, late, office.head)
    with pytest.raises(NoSuchMove):
        allow(session, freeze(session, cast.tana_tidung), change, office.head)
    over = freeze(session, office, first=-3, last=0.1)
    assert permittable_freezes(session, change) == [
        over
    ]  # an emergency is written down after the freeze that it fell into


def test_only_an_administrator_enters_corrects_and_lifts(session: AuditedSession, cast: Cast, office: Office) -> None:
    entry = FreezeValues("Pembekuan", NOW + DAY, NOW + 2 * DAY, None, "Sebab")
    frozen = freeze(session, office)
    strangers = (
        office.requester, office.manager, office.head, office.inspector, cast.tana_tidung.administrator,
    )  # fmt: skip
    for stranger in strangers:
        with pytest.raises(NotAllowed):
            create_freeze(session, office.agency, entry, by=stranger, now=NOW)
        with pytest.raises(NotAllowed):
            frozen.alter(entry, why="Salah tanggal", by=stranger, now=NOW)
        with pytest.raises(NotAllowed):
            frozen.lift("Sebab", by=stranger, now=NOW)
    set_test_audit_context(session)
    assert create_freeze(session, office.agency, entry, by=cast.superadmin, now=NOW).revision == 0
    frozen.alter(entry, why="Salah tanggal", by=office.administrator, now=NOW)
    session.commit()
    assert (frozen.name, frozen.from_at, frozen.revision) == ("Pembekuan", NOW + DAY, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 301}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"from_at": None}, "from_at"),
        ({"until_at": None}, "until_at"),
        ({"until_at": NOW + DAY}, "until_at"),
        ({"from_at": NOW - 2 * DAY, "until_at": NOW - DAY}, "until_at"),
        ({"from_at": dt.datetime(1, 1, 1, tzinfo=dt.UTC)}, "from_at"),
        ({"reason": " "}, "reason"),
        ({"reason": "a\x00"}, "reason"),
    ],
)
def test_each_wrong_part_is_named(changes: dict[str, Any], field: str, session: AuditedSession, office: Office) -> None:
    said = {"name": "A", "from_at": NOW + DAY, "until_at": NOW + 2 * DAY, "environment": None, "reason": "B", **changes}
    with pytest.raises(ValidationFailed) as refusal:
        create_freeze(session, office.agency, FreezeValues(**said), by=office.administrator, now=NOW)
    assert set(refusal.value.field_errors) == {field}


def test_it_is_corrected_until_it_begins_and_lifted_until_it_ends(session: AuditedSession, office: Office) -> None:
    entry = FreezeValues("Lain", NOW + DAY, NOW + 2 * DAY, Environment.STAGING, "Sebab")
    by = office.administrator
    frozen = freeze(session, office, first=1, last=2)
    with pytest.raises(NoSuchMove):
        frozen.alter(entry, why="Salah tanggal", by=by, now=NOW + DAY)
    with pytest.raises(NoSuchMove):
        frozen.lift("Sebab", by=by, now=NOW + 2 * DAY)
    with pytest.raises(ValidationFailed):
        frozen.lift(" ", by=by, now=NOW)
    session.rollback()
    set_test_audit_context(session)
    frozen.lift("Sebab", by=by, now=NOW + 1.5 * DAY)
    session.commit()
    attempts: tuple[Callable[[], object], ...] = (
        lambda: frozen.lift("Lagi", by=by, now=NOW),
        lambda: frozen.alter(entry, why="Salah tanggal", by=by, now=NOW),
    )
    for again in attempts:
        with pytest.raises(NoSuchMove):
            again()


def test_one_that_the_head_has_allowed_a_release_in_is_not_corrected_any_more(
    session: AuditedSession, office: Office
) -> None:
    frozen = freeze(session, office)
    allow(session, frozen, change_at_step(session, office, Step.EVALUATION), office.head)
    assert not frozen.can_be_altered_by(office.administrator, NOW)
    entry = FreezeValues("Lain", NOW + DAY, NOW + 9 * DAY, None, "Sebab")
    with pytest.raises(NoSuchMove):
        frozen.alter(entry, why="Salah tanggal", by=office.administrator, now=NOW)


def test_each_freeze_is_in_one_state(session: AuditedSession, office: Office) -> None:
    frozen = freeze(session, office, first=1, last=2)
    states = {
        days: session.scalar(select(Freeze.state(NOW + days * DAY)).where(Freeze.id == frozen.id)) for days in (0, 1, 2)
    }
    assert states == {days: frozen.state(NOW + days * DAY) for days in (0, 1, 2)}
    assert states == {0: "coming", 1: "now", 2: "past"}
    set_test_audit_context(session)
    frozen.lift("Sebab", by=office.administrator, now=NOW)
    session.commit()
    held = [s for s in FreezeState if session.scalars(select(Freeze).where(Freeze.state(NOW + DAY) == s)).all()]
    assert held == [FreezeState.LIFTED]


def test_the_database_keeps_freezes_and_permissions_as_they_are(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    frozen, change = freeze(session, office), change_at_step(session, office, Step.EVALUATION)
    allow(session, frozen, change, office.head)
    foreign = freeze(session, cast.tana_tidung)
    for statement in (
        f"UPDATE freeze_period SET until_at = '2099-01-01' WHERE id = {frozen.id}",
        f"UPDATE freeze_period SET agency_id = {cast.tana_tidung.agency.id} WHERE id = {frozen.id}",
        "DELETE FROM freeze_period",
        "UPDATE freeze_permit SET reason = 'lain'",
        "DELETE FROM freeze_permit",
        "INSERT INTO freeze_permit (agency_id, freeze_id, change_id, allowed_by_id, allowed_at, capacity, reason)"
        f" VALUES ({office.agency.id}, {foreign.id}, {change.id}, {office.head.id}, '2026-03-02', 'x', 'x')",
        f"UPDATE freeze_period SET until_at = from_at WHERE id = {foreign.id}",
    ):
        with pytest.raises(IntegrityError):
            session.connection().execute(text(statement))
        session.rollback()
