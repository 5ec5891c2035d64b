"""The head's refusal cannot be bypassed; switches that require the head's approval, or return the report."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpse_admin.errors import NoSuchMove, ValidationFailed
from lpse_admin.sop import bundled_sops, parse, to_toml, with_switches
from lpse_admin.sop.steps import Outcome, Result, Step
from lpse_admin.workflow.transitions import result_of
from models.changes.steps.activity import Evaluation
from models.sops import sop
from tests.support.cast import (
    LUMAJANG,
    NOW,
    OUTCOMES_TO,
    change_at_step,
    make_move,
    move_through,
    new_change,
    set_test_audit_context,
    values_for,
)
from tests.support.present import one_of

if TYPE_CHECKING:
    from typing import Any

    from models.changes.change import ChangeRequest
    from models.sops.sop import SopRevision
    from tests.support.cast import AuditedSession, Cast, Office

TOMORROW = NOW + dt.timedelta(days=1)


@pytest.fixture
def refused(session: AuditedSession, cast: Cast) -> ChangeRequest:
    return move_through(session, cast.lumajang, *OUTCOMES_TO[Step.APPROVAL], Outcome.REFUSED)


def test_a_refused_request_never_reaches_implementation_without_the_head(
    session: AuditedSession, cast: Cast, refused: ChangeRequest
) -> None:
    office = cast.lumajang
    assert refused.step is Step.EVALUATION
    move_through(session, office, Outcome.ACCEPTED, change=refused)
    assert [move_.outcome for move_ in refused.open_moves(office.manager, NOW)] == [Outcome.EMERGENCY]
    with pytest.raises(NoSuchMove, match="head has refused"):
        make_move(session, refused, Outcome.NORMAL, office.manager)
    move_through(session, office, Outcome.EMERGENCY, Outcome.REFUSED, Outcome.ACCEPTED, change=refused)
    with pytest.raises(NoSuchMove, match="head has refused"):
        make_move(session, refused, Outcome.NORMAL, office.manager2)
    move_through(session, office, Outcome.EMERGENCY, Outcome.APPROVED, change=refused)
    assert (refused.step, refused.is_refused) == (Step.IMPLEMENTATION, False)


def test_sending_a_refused_request_round_by_its_requester_opens_no_way_around_the_head(
    session: AuditedSession, cast: Cast, refused: ChangeRequest
) -> None:
    office = cast.lumajang
    move_through(session, office, Outcome.RETURNED, Outcome.RESUBMITTED, Outcome.ACCEPTED, change=refused)
    with pytest.raises(NoSuchMove, match="head has refused"):
        make_move(session, refused, Outcome.NORMAL, office.manager)


def test_clearing_the_flag_beside_the_history_opens_no_way_around_the_head(
    session: AuditedSession, cast: Cast, refused: ChangeRequest
) -> None:
    move_through(session, cast.lumajang, Outcome.ACCEPTED, change=refused)
    set_test_audit_context(session)
    refused.is_refused = False
    session.commit()
    with pytest.raises(NoSuchMove, match="head has refused"):
        make_move(session, refused, Outcome.NORMAL, cast.lumajang.manager)


def test_the_next_evaluation_names_the_refusal_and_says_what_it_answers(
    session: AuditedSession, cast: Cast, refused: ChangeRequest
) -> None:
    office = cast.lumajang
    approval = refused.activities[3]
    assert (approval.step, one_of(Evaluation, refused.current_activity).answers_id) == (Step.APPROVAL, approval.id)
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, refused, Outcome.ACCEPTED, office.manager, values={"answer_to_refusal": " "})
    assert set(refusal.value.field_errors) == {"answer_to_refusal"}
    make_move(session, refused, Outcome.RETURNED, office.manager, values={"answer_to_refusal": None})
    move_through(session, office, Outcome.RESUBMITTED, change=refused)
    assert one_of(Evaluation, refused.current_activity).answers_id == approval.id


def test_a_refusal_tells_its_reason(session: AuditedSession, cast: Cast) -> None:
    change = change_at_step(session, cast.lumajang, Step.APPROVAL)
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, Outcome.REFUSED, cast.lumajang.head, values={"reason": "\n"})
    assert set(refusal.value.field_errors) == {"reason"}


def enact(
    session: AuditedSession,
    office: Office,
    *,
    key: str = LUMAJANG,
    now: dt.datetime = NOW,
    revised: dt.date | None = None,
    **switches: Any,
) -> SopRevision:
    """Enact a revision of the office's SOP with other switches."""
    paper = office.sop_revision.sop
    text = to_toml(replace(paper, revised=revised, switches=replace(paper.switches, **switches)))
    set_test_audit_context(session, "sop.enact")
    revision = sop.load_revision(session, text, key, now=now, by=office.head)
    revision.enact(now=now, by=office.head)
    session.commit()
    return revision


def test_where_the_head_approves_every_change_a_normal_one_waits_for_the_head_too(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    enact(session, office, revised=dt.date(2026, 3, 1), head_approves_every_change=True)
    change = move_through(session, office, *OUTCOMES_TO[Step.URGENCY], Outcome.NORMAL)
    assert (change.step, change.urgency) == (Step.APPROVAL, "normal")
    move_through(session, office, Outcome.REFUSED, Outcome.ACCEPTED, Outcome.NORMAL, Outcome.APPROVED, change=change)
    assert change.step is Step.IMPLEMENTATION


def test_by_default_the_head_can_only_verify(session: AuditedSession, cast: Cast) -> None:
    change = change_at_step(session, cast.lumajang, Step.VERIFICATION)
    with pytest.raises(NoSuchMove):
        make_move(session, change, Outcome.REVISE, cast.lumajang.head)


def test_where_a_report_may_be_given_back_it_goes_to_the_report_and_comes_back_to_the_head(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    enact(session, office, revised=dt.date(2026, 3, 1), verification_may_return_report=True)
    change = change_at_step(session, office, Step.VERIFICATION)
    with pytest.raises(ValidationFailed) as refusal:
        make_move(session, change, Outcome.REVISE, office.head, values={"reason": None})
    assert set(refusal.value.field_errors) == {"reason"}
    make_move(session, change, Outcome.REVISE, office.head)
    assert change.step is Step.REPORT
    move_through(session, office, *OUTCOMES_TO[Step.CLOSED][-4:], change=change)
    assert change.result is Result.COMPLETED


def test_a_request_stays_under_the_sop_in_force_when_it_was_submitted(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    former = office.sop_revision
    submitted, kept_as_draft = change_at_step(session, office, Step.EVALUATION), new_change(session, office)
    later = enact(session, office, now=TOMORROW, revised=dt.date(2026, 3, 3), head_approves_every_change=True)
    assert (former.state, later.state) == (sop.SopState.SUPERSEDED, sop.SopState.IN_FORCE)

    move_through(session, office, Outcome.ACCEPTED, Outcome.NORMAL, change=submitted)
    assert (submitted.sop_id, submitted.step) == (former.id, Step.IMPLEMENTATION)

    move_through(session, office, *OUTCOMES_TO[Step.URGENCY], Outcome.NORMAL, change=kept_as_draft)
    assert (kept_as_draft.sop_id, kept_as_draft.step) == (later.id, Step.APPROVAL)
    assert {activity.sop_id for activity in kept_as_draft.activities} == {later.id}


def test_a_draft_is_judged_by_the_times_of_the_sop_under_which_it_is_submitted(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = new_change(session, office)
    text = to_toml(replace(office.sop_revision.sop, revised=dt.date(2026, 3, 1)))
    set_test_audit_context(session)
    revision = sop.load_revision(session, text.replace('time = "1 hari"', 'time = "3 jam"'), LUMAJANG, now=NOW)
    revision.enact(now=NOW, by=None)
    session.commit()
    move_through(session, office, Outcome.SUBMITTED, change=change)
    assert change.activities[0].standard_minutes == 180


def test_a_refusal_that_ends_a_request_closes_it_as_rejected() -> None:
    texts = dict(bundled_sops())
    paper = parse(texts[LUMAJANG].replace('refused = "evaluation"', 'refused = "closed"'), LUMAJANG)
    refusal = next(move_ for move_ in paper.moves if move_.outcome is Outcome.REFUSED)
    assert result_of(refusal, rolled_back=False) is Result.REJECTED


def test_a_failed_test_bars_the_release_until_a_later_one_passes(session: AuditedSession, cast: Cast) -> None:
    office = cast.lumajang
    text = to_toml(
        replace(with_switches(office.sop_revision.sop, office.sop_revision.sop.switches), revised=dt.date(2026, 3, 1))
    )
    text = text.replace('failed = "rollback"', 'failed = "implementation"')
    head, _row, tail = text.partition('[[steps]]\nkey = "rollback"')
    set_test_audit_context(session)
    revision = sop.load_revision(session, head + tail[tail.index("[[steps]]") :], LUMAJANG, now=NOW)
    revision.enact(now=NOW, by=None)
    session.commit()
    change = move_through(session, office, *OUTCOMES_TO[Step.TEST], Outcome.FAILED)
    assert (change.step, change.position.test_failed) == (Step.IMPLEMENTATION, True)
    move_through(session, office, Outcome.DONE, Outcome.PASSED, change=change)
    assert not change.position.test_failed
    move_through(session, office, *OUTCOMES_TO[Step.CLOSED][-4:], change=change)
    assert change.result is Result.COMPLETED


def test_only_a_head_of_the_agency_puts_a_draft_in_force_and_only_once(session: AuditedSession, cast: Cast) -> None:
    from lpse_admin.errors import NotAllowed  # noqa: PLC0415

    office = cast.lumajang
    text = to_toml(replace(office.sop_revision.sop, revised=dt.date(2026, 3, 1)))
    set_test_audit_context(session)
    revision = sop.load_revision(session, text, LUMAJANG, now=NOW)
    for person in (office.manager, office.administrator, office.delegate, cast.superadmin, cast.tana_tidung.head):
        with pytest.raises(NotAllowed):
            revision.enact(now=NOW, by=person)
    revision.enact(now=NOW, by=office.head)
    session.commit()
    for known in (revision, office.sop_revision):
        with pytest.raises(NoSuchMove):
            known.enact(now=NOW, by=office.head)
    with pytest.raises(NotAllowed):
        sop.load_revision(session, text, LUMAJANG, now=NOW, by=cast.tana_tidung.head)


def test_no_request_is_created_without_an_sop_in_force_or_without_the_role(session: AuditedSession, cast: Cast) -> None:
    from lpse_admin.errors import NotAllowed  # noqa: PLC0415
    from models.changes.moves.drafts import create_draft  # noqa: PLC0415

    office = cast.lumajang
    for person in (office.manager, office.head, cast.superadmin):
        with pytest.raises(NotAllowed):
            create_draft(session, person, now=NOW, values={})
    set_test_audit_context(session)
    office.sop_revision.state, office.sop_revision.superseded_at = sop.SopState.SUPERSEDED, NOW
    session.commit()
    with pytest.raises(NoSuchMove):
        create_draft(session, office.requester, now=NOW, values=values_for(Step.REQUEST, Outcome.SUBMITTED))
