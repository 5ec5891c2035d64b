"""The form values of each step of a demo request, by field of ``lpse_admin.workflow.record_fields``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo.content.wording import fill, reason, say
from lpse_admin.sop.steps import NEEDS_REASON, Outcome, Step
from lpse_admin.workflow.record_fields import ChangeKind, EmergencyGround, Environment, Risk
from models.base import session_of
from models.releases.conflicts import overlapping_releases

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from demo.agency.office import Office
    from demo.cast import Player
    from demo.content.wording import Topic
    from demo.requests.journey import Journey
    from models.changes.change import ChangeRequest

    #: By field key.
    Values = dict[str, Any]

#: Probabilities of optional values.
_WANTED_BY, _TIMES_STATED, _FOLLOW_UP, _NOTES = 0.5, 0.4, 0.6, 0.5
#: Probabilities of a request on behalf of somebody else: for an account, and for other kinds.
_ACCOUNT_BY_PROXY, _BY_PROXY = 0.25, 0.06
#: Probability that a release affects an asset.
_TOUCHES = 0.3
_WINDOW_OPENS = dt.time(17, 0)
_UNASKED_REASONS = frozenset({Outcome.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Turn:
    """A move to be made: ``actor`` finishes the current step of ``change`` with ``outcome`` at ``at``."""

    journey: Journey
    change: ChangeRequest
    outcome: Outcome
    actor: Player
    at: dt.datetime

    @property
    def random(self) -> Random:
        """The random generator of the office."""
        return self.journey.random

    def say(self, section: str, key: str) -> str:
        """Return a random sentence of ``section`` and ``key``."""
        return say(self.random, section, key, self.journey.texts)

    def text_of_topic(self, key: str) -> str:
        """Return the text of the topic with this key."""
        return fill(self.journey.topic.texts[key], self.journey.texts)


def request(office: Office, requester: Player, topic: Topic, texts: dict[str, str], at: dt.datetime) -> Values:
    """Return the values of a new request."""
    random = office.random
    topic_texts = {key: fill(text, texts) for key, text in topic.texts.items()}
    by_proxy = random.random() < (_ACCOUNT_BY_PROXY if topic.kind is ChangeKind.ACCOUNT else _BY_PROXY)
    return {
        "title": topic_texts["title"],
        "kind": (topic.kind,),
        "source": random.choice(topic.sources),
        "description": topic_texts["description"],
        "purpose": topic_texts["purpose"],
        "impact": topic_texts["impact"],
        "risk_if_not_done": topic_texts["risk"],
        "wanted_by": at.date() + dt.timedelta(random.randrange(21, 60)) if random.random() < _WANTED_BY else None,
        "test_plan": topic_texts["test"],
        "rollback_plan": topic_texts["rollback"],
        "requester_name": requester.name,
        "requester_contact": f"{requester.username}@example.invalid",
        "requester_institution": texts["unit"],
        "on_behalf_of": f"{texts['akun']}, {texts['unit']}" if by_proxy else None,
        "linked_change_id": None,
    }


def filled_in(turn: Turn) -> Values:
    """Return the values of the record of the step that ``turn`` finishes."""
    writer = _WRITERS.get(turn.journey.step)
    return writer(turn) if writer else {}


def reason_for(turn: Turn) -> str | None:
    """Return the reason for the outcome, or None if it needs none."""
    if turn.outcome not in NEEDS_REASON | _UNASKED_REASONS:
        return None
    key = turn.outcome.value
    position = turn.journey.position
    if turn.outcome is Outcome.NO_RELEASE and (position.test_failed or position.rolled_back):
        key = "no-release-after-failure"
    return reason(turn.random, key, turn.journey.texts)


def _resubmission(turn: Turn) -> Values:
    if turn.outcome is not Outcome.RESUBMITTED:
        return {}
    return {"description": f"{turn.change.description}\n{turn.say('resubmission', 'additions')}"}


def _evaluation(turn: Turn) -> Values:
    record: Values = {"findings": turn.say("evaluation", turn.outcome.value)}
    if turn.outcome is Outcome.ACCEPTED:
        record["resources"] = turn.say("evaluation", "resources")
        record["risk"] = turn.random.choices(list(Risk), (5, 3, 1))[0]
        if turn.journey.position.refused:
            record["answer_to_refusal"] = turn.say("evaluation", "answer")
    return record


def _urgency(turn: Turn) -> Values:
    record: Values = {"assessment": turn.say("urgency", turn.outcome.value)}
    if turn.outcome is Outcome.EMERGENCY:
        record["ground"] = turn.journey.topic.ground or EmergencyGround.OTHER
    return record


def _approval(turn: Turn) -> Values:
    return {"considerations": turn.say("approval", turn.outcome.value)}


def _implementation(turn: Turn) -> Values:
    journey = turn.journey
    record: Values = {
        "environment": _environment(turn.random),
        "steps_taken": turn.text_of_topic("steps"),
        "participants": turn.say("implementation", "participants"),
    }
    if turn.random.random() < _TIMES_STATED:
        started = journey.arrived if journey.taken_up is None else journey.taken_up
        record["claimed_start_at"] = journey.office.hours.at(started)
        record["claimed_end_at"] = turn.at
    return record


def _test(turn: Turn) -> Values:
    has_failed = turn.outcome is Outcome.FAILED
    cases = []
    for number, sentences in enumerate(turn.journey.topic.cases):
        name, expected, seen = (fill(sentence, turn.journey.texts) for sentence in sentences)
        cases.append({"name": name, "expected": expected, "actual": seen if has_failed and number == 0 else expected})
    cases.append({"name": "Catatan galat", "expected": "Tidak ada galat baru", "actual": "Tidak ada galat baru"})
    return {"cases": cases, "documentation": turn.say("test", turn.outcome.value)}


def _rollback(turn: Turn) -> Values:
    texts = {**turn.journey.texts, "rencana": turn.change.rollback_plan or ""}
    return {
        "cause": turn.text_of_topic("cause"),
        "steps_taken": say(turn.random, "rollback", "steps", texts),
        "state_restored": turn.say("rollback", "state"),
        "verified_how": turn.say("rollback", "verified"),
    }


def _report(turn: Turn) -> Values:
    record: Values = {"summary": turn.say("report", "undone" if turn.journey.position.test_failed else "done")}
    if turn.random.random() < _FOLLOW_UP:
        record["follow_up"] = turn.say("report", "follow_up")
    return record


def _verification(turn: Turn) -> Values:
    return {"notes": turn.say("verification", "mend" if turn.outcome is Outcome.REVISE else "notes")}


def _release(turn: Turn) -> Values:
    if turn.outcome is not Outcome.SCHEDULED:
        return {}
    random, journey = turn.random, turn.journey
    start, end = _window(turn)
    environment = _environment(random)
    touched = journey.office.inventory.touched() if random.random() < _TOUCHES else []
    others = overlapping_releases(session_of(turn.change), turn.change, (start, end), environment, touched)
    is_application = journey.topic.kind is ChangeKind.APPLICATION
    return {
        "version": journey.texts["versi"] if is_application else f"1.{random.randrange(9)}",
        "window_start_at": start,
        "window_end_at": end,
        "environment": environment,
        "touched_assets": [{"asset_id": asset_id} for asset_id in touched],
        "overlap_reason": turn.say("release", "overlap") if others else None,
        "downtime_minutes": random.choice((0, 0, 15, 30, 60)),
        "audience": turn.say("release", "audience"),
        "person_in_charge": turn.actor.name,
        "actual_at": turn.at if journey.is_emergency else None,
    }


def _window(turn: Turn) -> tuple[dt.datetime, dt.datetime]:
    """Choose an evening within six days, or the first one after a freeze."""
    office = turn.journey.office
    day = office.date_of(turn.at) + dt.timedelta(turn.random.randrange(6))
    length = dt.timedelta(hours=turn.random.randrange(1, 4))
    while True:
        start = dt.datetime.combine(day, _WINDOW_OPENS, office.zone).astimezone(dt.UTC)
        if not office.is_frozen(start, start + length):
            return start, start + length
        day += dt.timedelta(1)


def _asset_review(turn: Turn) -> Values:
    record: Values = {"assessment": turn.say("asset_review", turn.outcome.value)}
    if turn.outcome is Outcome.CHANGED:
        turn.journey.choices = turn.journey.office.inventory.choose()
        record["assets"] = [
            {"asset_id": asset_id, "finding": turn.say("asset_review", kind.value)}
            for kind, asset_id in turn.journey.choices
        ]
    return record


def _asset_update(turn: Turn) -> Values:
    record: Values = {"mutations": turn.journey.office.inventory.rows(turn.journey.choices, turn.at.year)}
    if turn.random.random() < _NOTES:
        record["notes"] = turn.say("asset_update", "notes")
    return record


def _environment(random: Random) -> Environment:
    return random.choices(list(Environment), (8, 1, 1, 2))[0]


_WRITERS: dict[Step, Callable[[Turn], dict[str, Any]]] = {
    Step.RETURNED: _resubmission,
    Step.EVALUATION: _evaluation,
    Step.URGENCY: _urgency,
    Step.APPROVAL: _approval,
    Step.IMPLEMENTATION: _implementation,
    Step.TEST: _test,
    Step.ROLLBACK: _rollback,
    Step.REPORT: _report,
    Step.VERIFICATION: _verification,
    Step.RELEASE: _release,
    Step.ASSET_REVIEW: _asset_review,
    Step.ASSET_UPDATE: _asset_update,
}
