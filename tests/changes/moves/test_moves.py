"""All moves of both SOPs can be made, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NoSuchMove, NotAllowed, NotFound, ValidationFailed
from lpse_admin.sop import ItemKind, bundled_sops, parse
from lpse_admin.sop.steps import Outcome, Result, Step
from lpse_admin.workflow.record_fields import REASON_FIELD, ChangeKind, fields_of_step
from lpse_admin.workflow.transitions import Evidence, Position, Principal, available_moves, decide
from models.changes.moves.drafts import discard_draft
from tests.support.cast import (
    LUMAJANG,
    NOW,
    OUTCOMES_TO,
    TANA_TIDUNG,
    attach_required,
    change_at_step,
    make_move,
    move_through,
    new_change,
    values_for,
)
from tests.support.papers import LUMAJANG_MOVES, LUMAJANG_STEPS, TANA_TIDUNG_MOVES, TANA_TIDUNG_STEPS
from tests.support.present import present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.cast import AuditedSession, Cast

SIGNED = {LUMAJANG: LUMAJANG_MOVES, TANA_TIDUNG: TANA_TIDUNG_MOVES}
STEPS = {LUMAJANG: LUMAJANG_STEPS, TANA_TIDUNG: TANA_TIDUNG_STEPS}
LOADED = {key: parse(text, key) for key, text in bundled_sops()}
EVERY_STEP = [(key, step) for key, paper in LOADED.items() for step in (*paper.steps, Step.CLOSED)]

both_papers = pytest.mark.parametrize("key", [LUMAJANG, TANA_TIDUNG])


@pytest.fixture
def session(shared: tuple[AuditedSession, Cast]) -> Iterator[AuditedSession]:
    yield shared[0]
    shared[0].rollback()


@pytest.fixture
def cast(shared: tuple[AuditedSession, Cast]) -> Cast:
    return shared[1]


@both_papers
def test_the_loaded_moves_are_those_of_the_signed_sop(key: str) -> None:
    assert sorted((move.origin, move.outcome, move.target) for move in LOADED[key].moves) == sorted(SIGNED[key])


@pytest.mark.parametrize(("key", "step"), EVERY_STEP)
def test_from_each_step_the_sop_s_moves_are_made_and_every_other_outcome_is_refused(
    key: str, step: Step, session: AuditedSession, cast: Cast
) -> None:
    office = cast.office(key)
    leads_to = {outcome: target for origin, outcome, target in SIGNED[key] if origin == step}
    change = change_at_step(session, office, step)
    actor = office.manager if step is Step.CLOSED else office.actor(step)

    for outcome in Outcome:
        if outcome not in leads_to:
            with pytest.raises(NoSuchMove):
                make_move(session, change, outcome, actor)
            assert change.step is step

    for index, (name, target) in enumerate(leads_to.items()):
        moving = change if index == 0 else change_at_step(session, office, step)
        finished = make_move(session, moving, Outcome(name), actor)
        assert (finished.outcome, moving.step) == (name, target)
        assert (moving.current_activity is None) == (target == "closed")


@pytest.mark.parametrize(("key", "step"), EVERY_STEP)
def test_at_each_step_everybody_but_its_actor_is_refused_whatever_they_try(
    key: str, step: Step, session: AuditedSession, cast: Cast
) -> None:
    office = cast.office(key)
    change = change_at_step(session, office, step)
    role = next((role for _no, name, role, _time in STEPS[key] if name == step), None)
    acting = {
        "requester": {office.requester},
        "change_manager": {office.manager, office.manager2},
        "head": {office.head},
        None: set(),
    }[role]
    refusal = NoSuchMove if step is Step.CLOSED else NotAllowed
    signed = {outcome for origin, outcome, _target in SIGNED[key] if origin == step}
    for person in {*office.people, cast.superadmin} - acting:
        assert change.open_moves(person, NOW) == ()
        assert change.reason_cannot_act(person, NOW) is not None
        for outcome in (*map(Outcome, signed), Outcome.SUBMITTED):
            with pytest.raises(refusal):
                change.advance(outcome, person, now=NOW, values=values_for(step, outcome))
        if step is not Step.CLOSED:
            with pytest.raises(NotAllowed):
                change.save(person, now=NOW, values={})
        session.rollback()
    for person in acting:
        assert {open_.outcome for open_ in change.open_moves(person, NOW)} == signed


def test_nobody_of_another_agency_finds_a_request(session: AuditedSession, cast: Cast) -> None:
    change = change_at_step(session, cast.lumajang, Step.EVALUATION)
    for stranger in cast.tana_tidung.people:
        assert change.open_moves(stranger, NOW) == ()
        with pytest.raises(NotFound):
            make_move(session, change, Outcome.ACCEPTED, stranger)
        with pytest.raises(NotFound):
            change.save(stranger, now=NOW, values={})


def test_a_disabled_user_makes_no_move(session: AuditedSession, cast: Cast) -> None:
    change = change_at_step(session, cast.lumajang, Step.EVALUATION)
    cast.lumajang.manager.is_active = False
    with pytest.raises(NotAllowed):
        change.advance(Outcome.ACCEPTED, cast.lumajang.manager, now=NOW)


def _needed(step: Step, outcome: Outcome) -> list[str]:
    return [field.key for field in (*fields_of_step(step), REASON_FIELD) if outcome in field.required_for]


@pytest.mark.parametrize(("step", "outcome"), [(move.origin, move.outcome) for move in LOADED[LUMAJANG].moves])
def test_each_required_field_is_asked_for_by_name_and_nothing_is_written_without_it(
    step: Step, outcome: Outcome, session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, step)
    before = (change.version, len(change.activities))
    for key in _needed(step, outcome):
        empty: tuple[object, ...] = (None, "", "   ", [])
        for nothing in empty:
            if isinstance(nothing, str) and not isinstance(values_for(step, outcome).get(key), str):
                continue
            with pytest.raises(ValidationFailed) as refusal:
                make_move(session, change, outcome, office.actor(step), values={key: nothing})
            assert key in refusal.value.field_errors
    assert (change.step, change.version, len(change.activities)) == (step, *before)


@both_papers
def test_each_item_that_the_sop_requires_is_asked_for_by_name(key: str, session: AuditedSession, cast: Cast) -> None:
    office = cast.office(key)
    change = new_change(session, office)
    way = (
        *OUTCOMES_TO[Step.RETURNED], Outcome.RESUBMITTED, Outcome.ACCEPTED, Outcome.EMERGENCY, Outcome.APPROVED,
        Outcome.DONE, Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.REPORTED, Outcome.VERIFIED, Outcome.NO_RELEASE,
        Outcome.CHANGED, Outcome.UPDATED,
    )  # fmt: skip
    for outcome in way:
        rule = office.sop_revision.sop.rules[change.step]
        asked = {
            f"{item.kind}-{item.key}"
            for item in rule.requires
            if item.kind is not ItemKind.RECORD and item.condition is None
        }
        there = {f"document-{document.item_key}" for document in change.documents}
        if asked - there and outcome is not Outcome.RETURNED:
            with pytest.raises(ValidationFailed) as refusal:
                change.advance(outcome, office.actor(rule.step), now=NOW, values=values_for(rule.step, outcome))
            session.rollback()
            assert set(refusal.value.field_errors) == asked
        make_move(session, change, outcome, office.actor(rule.step))


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ({"on_behalf_of": "PT Penyedia Satu"}, {"Surat Kuasa", "SK Pengangkatan / Penunjukkan"}),
        ({"kind": "account"}, {"Surat permohonan perubahan email dan/atau password akun"}),
    ],
)
def test_letters_for_a_proxy_or_an_account_are_asked_for_only_where_they_apply(
    values: dict[str, str], labels: set[str], session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = new_change(session, office)
    attach_required(session, change)
    typed = {key: (ChangeKind(value),) if key == "kind" else value for key, value in values.items()}
    with pytest.raises(ValidationFailed) as refusal:
        change.advance(Outcome.SUBMITTED, office.requester, now=NOW, values=typed)
    told = " ".join(str(message) for message in refusal.value.field_errors.values())
    assert len(refusal.value.field_errors) == len(labels)
    assert all(label in told for label in labels)


@pytest.mark.parametrize(
    ("outcomes", "minutes"),
    [
        ((*OUTCOMES_TO[Step.CLOSED],), 460),
        ((*OUTCOMES_TO[Step.APPROVAL], Outcome.APPROVED, Outcome.DONE, Outcome.PASSED, Outcome.REPORTED,
          Outcome.VERIFIED,
          Outcome.SCHEDULED, Outcome.CHANGED, Outcome.UPDATED), 640),
        ((*OUTCOMES_TO[Step.APPROVAL], Outcome.APPROVED, Outcome.DONE, Outcome.FAILED, Outcome.ROLLED_BACK,
          Outcome.REPORTED, Outcome.VERIFIED, Outcome.NO_RELEASE, Outcome.CHANGED, Outcome.UPDATED), 700),
    ],
)  # fmt: skip
def test_the_standard_times_along_a_way_add_up_to_the_sop_s(
    outcomes: tuple[Outcome, ...], minutes: int, session: AuditedSession, cast: Cast
) -> None:
    change = move_through(session, cast.lumajang, *outcomes)
    assert change.step is Step.CLOSED
    standards = [activity.standard_minutes for activity in change.activities if activity.step is not Step.REQUEST]
    assert sum(map(present, standards)) == minutes


def test_an_sop_without_times_judges_by_none(session: AuditedSession, cast: Cast) -> None:
    change = move_through(session, cast.tana_tidung, *OUTCOMES_TO[Step.CLOSED])
    assert {activity.standard_minutes for activity in change.activities} == {None}


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        (OUTCOMES_TO[Step.CLOSED], Result.COMPLETED),
        ((*OUTCOMES_TO[Step.EVALUATION], Outcome.REJECTED), Result.REJECTED),
        ((*OUTCOMES_TO[Step.RETURNED], Outcome.WITHDRAWN), Result.WITHDRAWN),
        ((*OUTCOMES_TO[Step.ROLLBACK], Outcome.ROLLED_BACK, Outcome.REPORTED, Outcome.VERIFIED, Outcome.NO_RELEASE,
          Outcome.UNCHANGED), Result.ROLLED_BACK),
    ],
)  # fmt: skip
def test_a_closed_request_says_what_became_of_it(
    outcomes: tuple[Outcome, ...], result: Result, session: AuditedSession, cast: Cast
) -> None:
    change = move_through(session, cast.tana_tidung, *outcomes)
    assert (change.step, change.result, change.closed_at) == (Step.CLOSED, result, NOW)


def test_after_a_roll_back_no_release_is_recorded_with_its_reason_and_never_a_schedule(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = move_through(
        session, office, *OUTCOMES_TO[Step.ROLLBACK], Outcome.ROLLED_BACK, Outcome.REPORTED, Outcome.VERIFIED
    )
    assert [open_.outcome for open_ in change.open_moves(office.manager, NOW)] == [Outcome.NO_RELEASE]
    with pytest.raises(NoSuchMove, match="rolled back"):
        make_move(session, change, Outcome.SCHEDULED, office.manager)
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, Outcome.NO_RELEASE, office.manager, values={"reason": " "})
    assert set(refusal.value.field_errors) == {"reason"}
    make_move(session, change, Outcome.NO_RELEASE, office.manager)
    assert change.step is Step.ASSET_REVIEW


@both_papers
def test_the_rules_know_by_themselves_what_is_closed_and_what_a_failed_test_bars(key: str) -> None:
    anybody = Principal(1, frozenset(Role))
    for outcome in Outcome:
        with pytest.raises(NoSuchMove, match="closed"):
            decide(LOADED[key], Position(Step.CLOSED), outcome, anybody, Evidence())
    assert available_moves(LOADED[key], Position(Step.CLOSED), anybody) == ()
    failed = Position(Step.RELEASE, test_failed=True)
    assert [open_.outcome for open_ in available_moves(LOADED[key], failed, anybody)] == [Outcome.NO_RELEASE]
    with pytest.raises(NoSuchMove, match="test failed"):
        decide(LOADED[key], failed, Outcome.SCHEDULED, anybody, Evidence(values_for(Step.RELEASE, Outcome.SCHEDULED)))


def test_a_returned_request_comes_back_as_a_new_revision_and_the_former_one_stays(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.RETURNED)
    make_move(session, change, Outcome.RESUBMITTED, office.requester, values={"title": "Judul yang diperbaiki"})
    assert change.revision == 2
    assert [revision.content["title"] for revision in change.revisions] == [
        values_for(Step.REQUEST, Outcome.SUBMITTED)["title"],
        "Judul yang diperbaiki",
    ]
    assert [activity.revision for activity in change.activities] == [1, 1, 1, 2]


def test_a_form_that_is_older_than_the_request_is_refused(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.EVALUATION)
    shown = change.version
    change.save(office.manager2, now=NOW, values={"findings": "Sementara"}, version=shown)
    session.commit()
    attempts: tuple[Callable[[], object], ...] = (
        lambda: change.save(office.manager, now=NOW, values={}, version=shown),
        lambda: change.advance(
            Outcome.ACCEPTED, office.manager, now=NOW, values=values_for(Step.EVALUATION, Outcome.ACCEPTED),
            version=shown,
        ),
    )  # fmt: skip
    for attempt in attempts:
        with pytest.raises(NoSuchMove, match="Conflict"):
            attempt()


def test_what_was_kept_before_is_enough_for_the_move(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.IMPLEMENTATION)
    saved = change.save(
        office.manager2, now=NOW, values=values_for(Step.IMPLEMENTATION, Outcome.DONE), equipment=["pc", "sihir"]
    )
    assert saved.equipment == ["pc"]
    session.commit()
    finished = change.advance(Outcome.DONE, office.manager, now=NOW, equipment=["pc", "sihir"])
    assert (finished.equipment, finished.actor_id, change.step) == (["pc"], office.manager.id, Step.TEST)


def test_the_actor_of_a_step_is_recorded_with_the_sop_s_title(session: AuditedSession, cast: Cast) -> None:
    change = move_through(session, cast.tana_tidung, *OUTCOMES_TO[Step.RELEASE])
    assert [activity.capacity for activity in change.activities if not activity.is_open] == [
        "Pemohon", *["Pengelola Perubahan"] * 5, "Kepala LPSE",
    ]  # fmt: skip


def test_assets_cannot_be_named_by_a_review_that_finds_none_changed(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.ASSET_REVIEW)
    with pytest.raises(ValidationFailed) as refusal:
        make_move(
            session, change, Outcome.UNCHANGED, office.manager,
            values={"assets": [{"asset_id": None, "finding": "Laptop baru"}]},
        )  # fmt: skip
    assert set(refusal.value.field_errors) == {"assets"}


def test_a_draft_can_be_thrown_away_with_its_files_and_a_submitted_request_cannot(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = new_change(session, office)
    attach_required(session, change)
    session.commit()
    with pytest.raises(NotAllowed):
        discard_draft(change, office.requester2)
    discard_draft(change, office.requester)
    session.commit()
    change = change_at_step(session, office, Step.EVALUATION)
    with pytest.raises(NoSuchMove):
        discard_draft(change, office.requester)
