"""The head's refusal cannot be walked around; switches bring the head in, or the report back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from lpse_admin.errors import Incomplete, NoSuchMove
from lpse_admin.sop import papers, parse, to_toml, with_switches
from lpse_admin.sop.steps import Outcome, Result, Step
from lpse_admin.workflow.transitions import result_of
from models.sops import sop
from tests.support.cast import LUMAJANG, NOW, ROUTES, answer, at, move, new, values_for, walk

TOMORROW = NOW + dt.timedelta(days=1)


@pytest.fixture
def refused(session, cast):
    return walk(session, cast.lumajang, *ROUTES[Step.APPROVAL], Outcome.REFUSED)


def test_a_refused_request_never_reaches_implementation_without_the_head(session, cast, refused):
    office = cast.lumajang
    assert refused.step is Step.EVALUATION
    walk(session, office, Outcome.ACCEPTED, change=refused)
    assert [move_.outcome for move_ in refused.open_moves(office.manager, NOW)] == [Outcome.EMERGENCY]
    with pytest.raises(NoSuchMove, match="head has refused"):
        move(session, refused, Outcome.NORMAL, office.manager)
    walk(session, office, Outcome.EMERGENCY, Outcome.REFUSED, Outcome.ACCEPTED, change=refused)
    with pytest.raises(NoSuchMove, match="head has refused"):
        move(session, refused, Outcome.NORMAL, office.manager2)
    walk(session, office, Outcome.EMERGENCY, Outcome.APPROVED, change=refused)
    assert (refused.step, refused.is_refused) == (Step.IMPLEMENTATION, False)


def test_sending_a_refused_request_round_by_its_requester_opens_no_way_around_the_head(session, cast, refused):
    office = cast.lumajang
    walk(session, office, Outcome.RETURNED, Outcome.RESUBMITTED, Outcome.ACCEPTED, change=refused)
    with pytest.raises(NoSuchMove, match="head has refused"):
        move(session, refused, Outcome.NORMAL, office.manager)


def test_clearing_the_flag_beside_the_history_opens_no_way_around_the_head(session, cast, refused):
    walk(session, cast.lumajang, Outcome.ACCEPTED, change=refused)
    answer(session)
    refused.is_refused = False
    session.commit()
    with pytest.raises(NoSuchMove, match="head has refused"):
        move(session, refused, Outcome.NORMAL, cast.lumajang.manager)


def test_the_next_evaluation_names_the_refusal_and_says_what_it_answers(session, cast, refused):
    office = cast.lumajang
    approval = refused.activities[3]
    assert (approval.step, refused.current.answers_id) == (Step.APPROVAL, approval.id)
    with pytest.raises(Incomplete) as refusal:
        move(session, refused, Outcome.ACCEPTED, office.manager, values={"answer_to_refusal": " "})
    assert set(refusal.value.fields) == {"answer_to_refusal"}
    move(session, refused, Outcome.RETURNED, office.manager, values={"answer_to_refusal": None})
    walk(session, office, Outcome.RESUBMITTED, change=refused)
    assert refused.current.answers_id == approval.id


def test_a_refusal_tells_its_reason(session, cast):
    change = at(session, cast.lumajang, Step.APPROVAL)
    with pytest.raises(Incomplete) as refusal:
        move(session, change, Outcome.REFUSED, cast.lumajang.head, values={"reason": "\n"})
    assert set(refusal.value.fields) == {"reason"}


def enact(session, office, *, key=LUMAJANG, now=NOW, revised=None, **switches):
    """Put a revision of the office's paper in force that differs in its switches."""
    paper = office.sop.paper
    text = to_toml(replace(paper, revised=revised, switches=replace(paper.switches, **switches)))
    answer(session, "sop.enact")
    revision = sop.load(session, text, key, now=now, by=office.head)
    revision.enact(now=now, by=office.head)
    session.commit()
    return revision


def test_where_the_head_approves_every_change_a_normal_one_waits_for_the_head_too(session, cast):
    office = cast.lumajang
    enact(session, office, revised=dt.date(2026, 3, 1), head_approves_every_change=True)
    change = walk(session, office, *ROUTES[Step.URGENCY], Outcome.NORMAL)
    assert (change.step, change.urgency) == (Step.APPROVAL, "normal")
    walk(session, office, Outcome.REFUSED, Outcome.ACCEPTED, Outcome.NORMAL, Outcome.APPROVED, change=change)
    assert change.step is Step.IMPLEMENTATION


def test_by_default_the_head_can_only_verify(session, cast):
    change = at(session, cast.lumajang, Step.VERIFICATION)
    with pytest.raises(NoSuchMove):
        move(session, change, Outcome.MEND, cast.lumajang.head)


def test_where_a_report_may_be_given_back_it_goes_to_the_report_and_comes_back_to_the_head(session, cast):
    office = cast.lumajang
    enact(session, office, revised=dt.date(2026, 3, 1), verification_may_return_report=True)
    change = at(session, office, Step.VERIFICATION)
    with pytest.raises(Incomplete) as refusal:
        move(session, change, Outcome.MEND, office.head, values={"reason": None})
    assert set(refusal.value.fields) == {"reason"}
    move(session, change, Outcome.MEND, office.head)
    assert change.step is Step.REPORT
    walk(session, office, *ROUTES[Step.CLOSED][-4:], change=change)
    assert change.result is Result.COMPLETED


def test_a_request_stays_under_the_paper_in_force_when_it_was_submitted(session, cast):
    office = cast.lumajang
    former = office.sop
    submitted, kept_as_draft = at(session, office, Step.EVALUATION), new(session, office)
    later = enact(session, office, now=TOMORROW, revised=dt.date(2026, 3, 3), head_approves_every_change=True)
    assert (former.state, later.state) == (sop.SopState.SUPERSEDED, sop.SopState.IN_FORCE)

    walk(session, office, Outcome.ACCEPTED, Outcome.NORMAL, change=submitted)
    assert (submitted.sop_id, submitted.step) == (former.id, Step.IMPLEMENTATION)

    walk(session, office, *ROUTES[Step.URGENCY], Outcome.NORMAL, change=kept_as_draft)
    assert (kept_as_draft.sop_id, kept_as_draft.step) == (later.id, Step.APPROVAL)
    assert {activity.sop_id for activity in kept_as_draft.activities} == {later.id}


def test_a_draft_is_judged_by_the_times_of_the_paper_under_which_it_is_submitted(session, cast):
    office = cast.lumajang
    change = new(session, office)
    text = to_toml(replace(office.sop.paper, revised=dt.date(2026, 3, 1)))
    answer(session)
    revision = sop.load(session, text.replace('time = "1 hari"', 'time = "3 jam"'), LUMAJANG, now=NOW)
    revision.enact(now=NOW, by=None)
    session.commit()
    walk(session, office, Outcome.SUBMITTED, change=change)
    assert change.activities[0].standard_minutes == 180


def test_a_refusal_that_ends_a_request_closes_it_as_rejected():
    texts = dict(papers())
    paper = parse(texts[LUMAJANG].replace('refused = "evaluation"', 'refused = "closed"'), LUMAJANG)
    refusal = next(move_ for move_ in paper.moves if move_.outcome is Outcome.REFUSED)
    assert result_of(refusal, rolled_back=False) is Result.REJECTED


def test_a_failed_test_bars_the_release_until_a_later_one_passes(session, cast):
    office = cast.lumajang
    text = to_toml(replace(with_switches(office.sop.paper, office.sop.paper.switches), revised=dt.date(2026, 3, 1)))
    text = text.replace('failed = "rollback"', 'failed = "implementation"')
    head, _row, tail = text.partition('[[steps]]\nkey = "rollback"')
    answer(session)
    revision = sop.load(session, head + tail[tail.index("[[steps]]") :], LUMAJANG, now=NOW)
    revision.enact(now=NOW, by=None)
    session.commit()
    change = walk(session, office, *ROUTES[Step.TEST], Outcome.FAILED)
    assert (change.step, change.position.undone) == (Step.IMPLEMENTATION, True)
    walk(session, office, Outcome.DONE, Outcome.PASSED, change=change)
    assert not change.position.undone
    walk(session, office, *ROUTES[Step.CLOSED][-4:], change=change)
    assert change.result is Result.COMPLETED


def test_only_a_head_of_the_agency_puts_a_draft_in_force_and_only_once(session, cast):
    from lpse_admin.errors import NotAllowed  # noqa: PLC0415

    office = cast.lumajang
    text = to_toml(replace(office.sop.paper, revised=dt.date(2026, 3, 1)))
    answer(session)
    revision = sop.load(session, text, LUMAJANG, now=NOW)
    for person in (office.manager, office.administrator, office.delegate, cast.installer, cast.tana_tidung.head):
        with pytest.raises(NotAllowed):
            revision.enact(now=NOW, by=person)
    revision.enact(now=NOW, by=office.head)
    session.commit()
    for known in (revision, office.sop):
        with pytest.raises(NoSuchMove):
            known.enact(now=NOW, by=office.head)
    with pytest.raises(NotAllowed):
        sop.load(session, text, LUMAJANG, now=NOW, by=cast.tana_tidung.head)


def test_no_request_is_begun_without_a_paper_in_force_or_without_the_role(session, cast):
    from lpse_admin.errors import NotAllowed  # noqa: PLC0415
    from models.changes.drafts import draft  # noqa: PLC0415

    office = cast.lumajang
    for person in (office.manager, office.head, cast.installer):
        with pytest.raises(NotAllowed):
            draft(session, person, now=NOW, values={})
    answer(session)
    office.sop.state, office.sop.superseded_at = sop.SopState.SUPERSEDED, NOW
    session.commit()
    with pytest.raises(NoSuchMove):
        draft(session, office.requester, now=NOW, values=values_for(Step.REQUEST, Outcome.SUBMITTED))
