"""Posts, separations and consents that an SOP lays down, by the rules alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message
from lpse_admin.sop import Move, check, digest, parse, to_toml
from lpse_admin.sop.editor.comparison import compare
from lpse_admin.sop.editor.document import SopDocument
from lpse_admin.sop.export import to_json, to_text
from lpse_admin.sop.steps import Duty, Outcome, Step
from lpse_admin.workflow.consents import (
    GivenConsent,
    count_consents,
    post_to_consent_for,
    reason_cannot_consent,
)
from lpse_admin.workflow.transitions import (
    Evidence,
    Position,
    Principal,
    is_actor,
    position_after,
    reason_not_eligible,
    validation_errors,
)
from tests.changes.consents.office import KEY, TEXT

SOP = parse(TEXT, KEY)
EVERY_POST = frozenset(actor.key for actor in SOP.actors)


def holder(id_: int, role: Role, post: str) -> Principal:
    """Return a user with one post, while others are appointed to all posts."""
    return Principal(id_, frozenset({role}), barred_actors=EVERY_POST - {post})


REQUESTER = Principal(1, frozenset({Role.REQUESTER}))
EVALUATOR = holder(2, Role.CHANGE_MANAGER, "manajer")
TECHNICIAN = holder(3, Role.CHANGE_MANAGER, "petugas")
MEMBER, CHAIR = holder(4, Role.HEAD, "dewan"), holder(5, Role.HEAD, "kepala")


def test_a_step_belongs_to_those_appointed_to_its_post() -> None:
    approval = Position(Step.APPROVAL, requester_id=1)
    assert is_actor(SOP.rules[Step.APPROVAL], approval, CHAIR)
    assert "Only the Kepala LPSE" in str(reason_not_eligible(SOP, approval, MEMBER))
    assert reason_not_eligible(SOP, approval, Principal(9, frozenset({Role.HEAD}))) is None, "nobody is appointed"
    acting = Principal(8, frozenset({Role.CHANGE_MANAGER}), is_acting_head=True, barred_actors=frozenset({"kepala"}))
    assert reason_not_eligible(SOP, approval, acting) is not None


def test_steps_that_the_sop_keeps_apart_are_nobody_s_together_in_either_order() -> None:
    assert set(SOP.steps_apart_from(Step.TEST)) == {Step.EVALUATION, Step.IMPLEMENTATION}
    assert SOP.steps_apart_from(Step.EVALUATION) == (Step.TEST,)
    assert SOP.steps_apart_from(Step.CLOSED) == ()
    after = position_after(
        Position(Step.EVALUATION, requester_id=1), Move(Step.EVALUATION, Outcome.ACCEPTED, Step.APPROVAL), 2
    )
    test = replace(after, step=Step.TEST)
    assert "keeps apart" in str(reason_not_eligible(SOP, test, EVALUATOR))
    assert reason_not_eligible(SOP, test, holder(7, Role.CHANGE_MANAGER, "manajer")) is None


def test_whoever_spoke_on_a_step_took_part_in_it() -> None:
    move = Move(Step.APPROVAL, Outcome.APPROVED, Step.IMPLEMENTATION)
    after = position_after(Position(Step.APPROVAL, requester_id=1), move, 5, frozenset({4}))
    assert after.duties[Duty.DECIDE] == {4, 5}
    assert after.takers[Step.APPROVAL] == {4, 5}


def test_a_board_has_its_quorum_and_whoever_objects_does_not_count() -> None:
    approval = Position(Step.APPROVAL, requester_id=1)
    given = [GivenConsent(id_, "dewan", agrees=id_ != 12) for id_ in (11, 12, 13)]
    (count,) = count_consents(SOP, approval, given, finisher=CHAIR, holders={})
    assert (count.agreed, count.objected, count.needed, count.is_complete) == (2, 1, 3, False)
    (count,) = count_consents(
        SOP, approval, [*given, GivenConsent(14, "dewan", agrees=True)], finisher=None, holders={}
    )
    assert count.is_complete
    assert count_consents(SOP, Position(Step.TEST), given, finisher=None, holders={}) == ()
    assert count_consents(SOP, Position(Step.CLOSED), given, finisher=None, holders={}) == ()


def test_whoever_finishes_a_step_is_one_of_the_people_of_their_post() -> None:
    work = Position(Step.IMPLEMENTATION, requester_id=1)
    alone = count_consents(SOP, work, [GivenConsent(3, "petugas", agrees=False)], finisher=TECHNICIAN, holders={})
    assert [(one.agreed, one.objected) for one in alone] == [(1, 0)]
    both = count_consents(SOP, work, [GivenConsent(6, "petugas", agrees=True)], finisher=TECHNICIAN, holders={})
    assert both[0].is_complete


def test_everybody_means_those_who_hold_the_post_now_and_is_never_nobody() -> None:
    verification = Position(Step.VERIFICATION, requester_id=1)
    given = [GivenConsent(11, "dewan", agrees=True), GivenConsent(99, "dewan", agrees=True)]
    (count,) = count_consents(SOP, verification, given, finisher=CHAIR, holders={"dewan": frozenset({11, 12})})
    assert (count.agreed, count.needed) == (1, 2)
    (count,) = count_consents(SOP, verification, given, finisher=CHAIR, holders={})
    assert (count.agreed, count.needed) == (0, 1)


def test_who_is_asked_and_who_is_not() -> None:
    evaluation, approval = Position(Step.EVALUATION, requester_id=1), Position(Step.APPROVAL, requester_id=1)
    assert reason_cannot_consent(SOP, evaluation, REQUESTER) is None, "the requester is asked as such"
    assert "does not ask" in str(reason_cannot_consent(SOP, evaluation, MEMBER))
    assert reason_cannot_consent(SOP, approval, MEMBER) is None
    evaluated = replace(approval, duties={Duty.EVALUATE: frozenset({4})})
    assert "already evaluated" in str(reason_cannot_consent(SOP, evaluated, MEMBER))
    assert "closed" in str(reason_cannot_consent(SOP, Position(Step.CLOSED), MEMBER))
    assert post_to_consent_for(SOP, Position(Step.CLOSED), MEMBER) is None
    assert "does not ask" in str(reason_cannot_consent(SOP, Position(Step.TEST, requester_id=1), TECHNICIAN))
    text = TEXT.replace("number = 2\n", "number = 2\n", 1).replace(
        'outcomes = { done = "test" }', 'outcomes = { done = "test" }\napart_from = ["report"]'
    )
    apart = Position(Step.IMPLEMENTATION, requester_id=1, takers={Step.REPORT: frozenset({3})})
    assert "keeps apart" in str(reason_cannot_consent(parse(text, KEY), apart, TECHNICIAN))


def test_a_lacking_consent_is_an_error_of_the_outcomes_that_need_it() -> None:
    lacking = {"consent-dewan": Message("two more")}
    position = Position(Step.APPROVAL, requester_id=1)
    assert "consent-dewan" in validation_errors(SOP, position, Outcome.APPROVED, Evidence(missing_consents=lacking))
    refused = Evidence({"reason": "Belum perlu"}, missing_consents=lacking)
    assert "consent-dewan" not in validation_errors(SOP, position, Outcome.REFUSED, refused)


def test_an_sop_with_consents_and_separations_is_the_same_in_every_form() -> None:
    again = parse(to_toml(SOP), KEY)
    assert again == SOP
    assert digest(parse(SopDocument.read(TEXT).toml, KEY)) == digest(SOP)
    assert SOP.narrows_actors
    assert SOP.asks_for_consent
    text = to_text(SOP)
    assert "Persetujuan: Anggota Dewan Perubahan, 3 orang" in text
    assert "Persetujuan: Anggota Dewan Perubahan, semua yang ditunjuk" in text
    assert "Bukan orang yang sama dengan: Evaluation, Implementation" in text
    steps = to_json(SOP)["steps"]
    assert isinstance(steps, list)
    assert {"actor": "dewan", "number": 3} in [one for step in steps for one in step.get("consents", [])]
    assert SOP.title_of_key("tidak-ada") == "tidak-ada"


@pytest.mark.parametrize(
    ("former", "latter", "error"),
    [
        ('apart_from = ["evaluation", "implementation"]', 'apart_from = ["test"]', "cannot be kept apart from itself"),
        ('apart_from = ["evaluation", "implementation"]', 'apart_from = ["urgency"]', "this SOP leaves that step out"),
        ('apart_from = ["evaluation", "implementation"]', 'apart_from = ["evaluasi"]', "did you mean evaluation"),
        (
            'outcomes = { resubmitted = "evaluation", withdrawn = "closed" }',
            'outcomes = { resubmitted = "evaluation", withdrawn = "closed" }\napart_from = ["request"]',
            "both the requester's",
        ),
        ('actor = "dewan"\nnumber = 3', 'actor = "dewen"\nnumber = 3', "unknown actor dewen"),
        ('actor = "dewan"\nnumber = 3', 'actor = "dewan"\nnumber = 0', "number must be a whole number from 1 to 50"),
        ('actor = "dewan"\nnumber = 3', 'actor = "pemohon"\nnumber = 2', "a request has one requester"),
        ('actor = "petugas"\nnumber = 2', 'actor = "petugas"\nnumber = 1', "whoever finishes the step consents by it"),
        (
            'actor = "dewan"\nnumber = 3',
            'actor = "dewan"\nnumber = 3\n[[steps.consents]]\nactor = "dewan"',
            "dewan stands there twice",
        ),
        (
            'outcomes = { submitted = "evaluation" }',
            'outcomes = { submitted = "evaluation" }\n[[steps.consents]]\nactor = "dewan"',
            "request needs nobody's consent",
        ),
    ],
)
def test_what_an_sop_says_wrongly_of_consents_and_separations_is_told(former: str, latter: str, error: str) -> None:
    assert former in TEXT
    assert any(error in str(one) for one in check(TEXT.replace(former, latter, 1), KEY))


def test_a_consent_goes_with_its_actor_and_revisions_are_compared_by_it() -> None:
    before, after = SopDocument.read(TEXT), SopDocument.read(TEXT)
    after.remove_actor(3)
    assert [one.get("actor") for step in after.steps for one in step.get("consents", [])] == ["pemohon", "petugas"]
    labels = {str(cell.label) for change in compare(before, after) for cell in change.cells}
    assert "Consent of" in labels
    other = SopDocument.read(TEXT.replace('apart_from = ["evaluation", "implementation"]', 'apart_from = ["report"]'))
    (change,) = compare(before, other)
    assert [str(cell.label) for cell in change.cells] == ["Not by who took"]
