"""Planned releases beside one another: what overlaps is named, and goes on only with a reason."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.errors import ValidationFailed
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.record_fields import Environment
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Release
from models.releases import conflicts
from tests.changes.test_numbers import Another
from tests.support.cast import (
    NOW,
    AuditedSession,
    Office,
    asset,
    attach_required,
    change_at_step,
    freeze,
    make_move,
    set_test_audit_context,
    values_for,
)
from tests.support.present import one_of, present
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.inventory.asset import Asset
    from tests.support.cast import Cast

#: What makes a release overlap with the others of these tests.
BESIDE = {"environment": Environment.PRODUCTION, "overlap_reason": None}
BASE = NOW + dt.timedelta(days=100)


def hours(first: float, last: float) -> dict[str, dt.datetime]:
    """Return the fields of a window that many hours after BASE."""
    return {"window_start_at": BASE + dt.timedelta(hours=first), "window_end_at": BASE + dt.timedelta(hours=last)}


def plan(
    session: AuditedSession,
    office: Office,
    first: float,
    last: float,
    *,
    reason: str | None = None,
    change: ChangeRequest | None = None,
    assets: Sequence[Asset] = (),
    environment: Environment = Environment.PRODUCTION,
) -> ChangeRequest:
    """Schedule a new request's release, without a reason for an overlap unless one is given."""
    change = change or change_at_step(session, office, Step.RELEASE)
    make_move(
        session, change, Outcome.SCHEDULED, office.manager,
        values={**hours(first, last), "environment": environment, "overlap_reason": reason,
                "touched_assets": [{"asset_id": one.id} for one in assets]},
    )  # fmt: skip
    return change


@pytest.fixture
def office(cast: Cast) -> Office:
    return cast.lumajang


def test_a_release_beside_another_needs_a_reason_which_is_kept(session: AuditedSession, office: Office) -> None:
    first = plan(session, office, 0, 2)
    second = change_at_step(session, office, Step.RELEASE)
    with pytest.raises(ValidationFailed) as refusal:
        plan(session, office, 1, 3, change=second)
    assert set(refusal.value.field_errors) == {"overlap_reason"}
    assert f"{first.number} (10-06-2026 09.00–11.00 WIB)" in terminal_text(refusal.value.field_errors["overlap_reason"])
    assert second.step is Step.RELEASE
    plan(session, office, 1, 3, change=second, reason="  Dikerjakan bersama ")
    release = next(one for one in second.activities if isinstance(one, Release))
    assert (second.step, release.overlap_reason) == (Step.ASSET_REVIEW, "Dikerjakan bersama")


def test_a_freeze_an_overlap_and_a_missing_field_are_told_at_once(session: AuditedSession, office: Office) -> None:
    plan(session, office, 0, 2)
    freeze(session, office, first=100, last=101)
    change = change_at_step(session, office, Step.RELEASE)
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, Outcome.SCHEDULED, office.manager, values={**hours(1, 3), **BESIDE, "version": " "})
    assert set(refusal.value.field_errors) == {"version", "window_start_at", "overlap_reason"}
    with pytest.raises(ValidationFailed) as refusal:
        make_move(
            session,
            change,
            Outcome.SCHEDULED,
            office.manager,
            values={**hours(1, 3), **BESIDE, "window_start_at": None},
        )
    assert set(refusal.value.field_errors) == {"window_start_at"}


def test_windows_that_merely_touch_do_not_overlap(session: AuditedSession, office: Office) -> None:
    plan(session, office, 0, 2)
    plan(session, office, 2, 4)
    plan(session, office, -2, 0)


def test_another_environment_does_not_matter_unless_an_asset_is_the_same(
    session: AuditedSession, office: Office
) -> None:
    laptop, other = asset(session, office), asset(session, office, "0002")
    plan(session, office, 0, 2, assets=[laptop])
    plan(session, office, 0, 2, environment=Environment.TRAINING, assets=[other])
    with pytest.raises(ValidationFailed) as refusal:
        plan(session, office, 1, 2, environment=Environment.STAGING, assets=[laptop])
    assert set(refusal.value.field_errors) == {"overlap_reason"}


def test_what_is_not_scheduled_and_what_is_another_agency_s_is_not_in_the_way(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    plan(session, cast.tana_tidung, 0, 2)
    waiting = change_at_step(session, office, Step.RELEASE)
    set_test_audit_context(session)
    waiting.save(office.manager, now=NOW, values={**hours(0, 2), "environment": Environment.PRODUCTION})
    session.commit()
    make_move(
        session, change_at_step(session, office, Step.RELEASE), Outcome.NO_RELEASE, office.manager, values=hours(0, 2)
    )
    plan(session, office, 0, 2)


def test_a_window_without_length_is_refused(session: AuditedSession, office: Office) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        plan(session, office, 1, 1)
    assert set(refusal.value.field_errors) == {"window_end_at"}


def test_assets_are_the_agency_s_own_and_named_once(session: AuditedSession, cast: Cast, office: Office) -> None:
    laptop, foreign = asset(session, office), asset(session, cast.tana_tidung)
    change = change_at_step(session, office, Step.RELEASE)
    unsound: tuple[object, ...] = (
        [{"asset_id": foreign.id}], [{"asset_id": laptop.id}] * 2, [{"asset_id": -1}], [{"asset_id": None}],
        [{}], ["x"], "x", [{"asset_id": laptop.id, "position": 7}],
    )  # fmt: skip
    for wrong in unsound:
        with pytest.raises(ValidationFailed) as refusal:
            change.save(office.manager, now=NOW, values={"touched_assets": wrong})
        assert set(refusal.value.field_errors) == {"touched_assets"}
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, Outcome.NO_RELEASE, office.manager,
             values={"touched_assets": [{"asset_id": laptop.id}]})  # fmt: skip
    assert set(refusal.value.field_errors) == {"touched_assets"}
    for saved in ([laptop], [], [laptop]):
        set_test_audit_context(session)
        change.save(office.manager, now=NOW, values={"touched_assets": [{"asset_id": one.id} for one in saved]})
        session.commit()
        assert [item.asset for item in one_of(Release, change.current_activity).release_assets] == saved


def test_of_two_managers_who_schedule_at_once_one_sees_the_other(
    session: AuditedSession, office: Office, database_url: str
) -> None:
    first, second = change_at_step(session, office, Step.RELEASE), change_at_step(session, office, Step.RELEASE)
    second_id, other_id = second.id, office.manager2.id
    set_test_audit_context(session)
    second.save(office.manager2, now=NOW, values={"audience": "Kantor"})
    attach_required(session, second)
    session.commit()
    values = {**values_for(Step.RELEASE, Outcome.SCHEDULED), **hours(0, 2), "overlap_reason": None}

    def schedule(theirs: AuditedSession, ready: Callable[[], None]) -> None:
        change, by = theirs.get_one(ChangeRequest, second_id), theirs.get_one(User, other_id)
        ready()
        change.advance(Outcome.SCHEDULED, by, now=NOW, values=values, equipment=attach_required(theirs, change))

    set_test_audit_context(session)
    first.advance(Outcome.SCHEDULED, office.manager, now=NOW, values=values, equipment=attach_required(session, first))
    told = Another(database_url, schedule).meanwhile(session)
    assert isinstance(told, ValidationFailed)
    assert set(told.field_errors) == {"overlap_reason"}


Planned = tuple[AuditedSession, ChangeRequest, dict[int, tuple[int, int, str]]]


@pytest.fixture(scope="module")
def planned(shared: tuple[AuditedSession, Cast]) -> Planned:
    """Plan a week of windows, all given a reason; give (first hour, last hour, environment) of each."""
    session, cast = shared
    windows = [(start, start + length, location) for start, length, location in (
        (0, 4, "production"), (4, 2, "production"), (5, 9, "training"), (10, 1, "production"), (10, 30, "staging"),
        (24, 24, "production"), (47, 3, "production"), (50, 1, "training"),
    )]  # fmt: skip
    numbers = {}
    for first, last, location in windows:
        change = plan(session, cast.lumajang, first, last, reason="Disengaja", environment=Environment(location))
        numbers[change.id] = (first, last, location)
    asking = change_at_step(session, cast.lumajang, Step.RELEASE)
    return session, asking, numbers


@given(first=st.integers(-3, 55), length=st.integers(1, 30), place=st.sampled_from(["production", "training"]))
def test_what_overlaps_is_what_shares_an_hour(planned: Planned, first: int, length: int, place: str) -> None:
    session, asking, windows = planned
    asked = set(range(first, first + length))
    naive = {id_ for id_, (begin, stop, where) in windows.items() if where == place and asked & set(range(begin, stop))}
    start, end = hours(first, first + length).values()
    result = conflicts.overlapping_releases(session, asking, (start, end), Environment(place))
    assert {release.change_id for release in result} == naive
    assert [release.window_start_at for release in result] == sorted(
        present(release.window_start_at) for release in result
    )
