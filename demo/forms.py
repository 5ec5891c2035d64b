"""What is filled in at each step of a demo request, by field of ``lpse_admin.workflow.record_fields``."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from demo.wording import fill, reason, say
from lpse_admin.sop.steps import NEEDS_REASON, Outcome, Step, Urgency
from lpse_admin.workflow.record_fields import ChangeKind, EmergencyGround, Environment, Risk

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from demo.bulk import Row
    from demo.journey import Journey
    from demo.office import Office, Player
    from demo.wording import Topic

#: How often something that nobody has to say is said.
_WANTED_BY, _TIMES_STATED, _FOLLOW_UP, _NOTES = 0.5, 0.4, 0.6, 0.5
#: How often a request is made for somebody else: an account's owner, or anybody.
_ACCOUNT_BY_PROXY, _BY_PROXY = 0.25, 0.06
#: How often a release names an asset that it touches.
_TOUCHES = 0.3
_WINDOW_OPENS = dt.time(17, 0)
_UNASKED_REASONS = frozenset({Outcome.WITHDRAWN})


def asked(office: Office, requester: Player, topic: Topic, places: dict[str, str], at: dt.datetime) -> Row:
    """Return what a request says when it is first written down."""
    random = office.random
    said = {key: fill(text, places) for key, text in topic.texts.items()}
    by_proxy = random.random() < (_ACCOUNT_BY_PROXY if topic.kind is ChangeKind.ACCOUNT else _BY_PROXY)
    return {
        "title": said["title"],
        "kind": topic.kind,
        "source": random.choice(topic.sources),
        "description": said["description"],
        "purpose": said["purpose"],
        "impact": said["impact"],
        "risk_if_not_done": said["risk"],
        "wanted_by": at.date() + dt.timedelta(random.randrange(3, 45)) if random.random() < _WANTED_BY else None,
        "test_plan": said["test"],
        "rollback_plan": said["rollback"],
        "requester_name": requester.name,
        "requester_contact": f"{requester.username}@example.invalid",
        "requester_institution": places["unit"],
        "on_behalf_of": f"{places['akun']}, {places['unit']}" if by_proxy else None,
        "linked_change_id": None,
    }


def filled_in(journey: Journey, step: Step, outcome: Outcome, actor: Player, at: dt.datetime) -> Row:
    """Return the record's values for finishing ``step`` with ``outcome``."""
    writer = _WRITERS.get(step)
    return writer(journey, outcome, actor, at) if writer else {}


def reason_for(journey: Journey, outcome: Outcome) -> str | None:
    """Return the reason that is given for ``outcome``, or None where none is asked for."""
    if outcome not in NEEDS_REASON | _UNASKED_REASONS:
        return None
    key = outcome.value
    if outcome is Outcome.NO_RELEASE and (journey.change["is_undone"] or journey.change["is_rolled_back"]):
        key = "no-release-after-failure"
    return reason(journey.random, key, journey.places)


def _resubmission(journey: Journey, outcome: Outcome, _actor: Player, _at: dt.datetime) -> Row:
    if outcome is not Outcome.RESUBMITTED:
        return {}
    addition = say(journey.random, "resubmission", "additions", journey.places)
    return {"description": f"{journey.change['description']}\n{addition}"}


def _evaluation(journey: Journey, outcome: Outcome, _actor: Player, _at: dt.datetime) -> Row:
    random, places = journey.random, journey.places
    found: Row = {"findings": say(random, "evaluation", outcome.value, places)}
    if outcome is Outcome.ACCEPTED:
        found["risk"] = random.choices(list(Risk), (5, 3, 1))[0]
        if journey.change["is_refused"]:
            found["answer_to_refusal"] = say(random, "evaluation", "answer", places)
    return found


def _urgency(journey: Journey, outcome: Outcome, _actor: Player, _at: dt.datetime) -> Row:
    found: Row = {"assessment": say(journey.random, "urgency", outcome.value, journey.places)}
    if outcome is Outcome.EMERGENCY:
        found["ground"] = journey.topic.ground or EmergencyGround.OTHER
    return found


def _approval(journey: Journey, outcome: Outcome, _actor: Player, _at: dt.datetime) -> Row:
    return {"considerations": say(journey.random, "approval", outcome.value, journey.places)}


def _implementation(journey: Journey, _outcome: Outcome, _actor: Player, at: dt.datetime) -> Row:
    random = journey.random
    found: Row = {
        "environment": _environment(random),
        "steps_taken": fill(journey.topic.texts["steps"], journey.places),
        "participants": say(random, "implementation", "participants", journey.places),
    }
    if random.random() < _TIMES_STATED:
        begun = journey.arrived if journey.taken_up is None else journey.taken_up
        found["claimed_start_at"] = journey.office.hours.at(begun)
        found["claimed_end_at"] = at
    return found


def _test(journey: Journey, outcome: Outcome, _actor: Player, _at: dt.datetime) -> Row:
    has_failed = outcome is Outcome.FAILED
    cases = []
    for place, texts in enumerate(journey.topic.cases):
        name, expected, seen = (fill(text, journey.places) for text in texts)
        cases.append({"name": name, "expected": expected, "actual": seen if has_failed and place == 0 else expected})
    cases.append({"name": "Catatan galat", "expected": "Tidak ada galat baru", "actual": "Tidak ada galat baru"})
    return {"cases": cases, "documentation": say(journey.random, "test", outcome.value, journey.places)}


def _rollback(journey: Journey, _outcome: Outcome, _actor: Player, _at: dt.datetime) -> Row:
    random, places = journey.random, journey.places
    return {
        "cause": fill(journey.topic.texts["cause"], places),
        "steps_taken": say(random, "rollback", "steps", {**places, "rencana": journey.change["rollback_plan"]}),
        "state_restored": say(random, "rollback", "state", places),
        "verified_how": say(random, "rollback", "verified", places),
    }


def _report(journey: Journey, _outcome: Outcome, _actor: Player, _at: dt.datetime) -> Row:
    kind = "undone" if journey.change["is_undone"] else "done"
    found: Row = {"summary": say(journey.random, "report", kind, journey.places)}
    if journey.random.random() < _FOLLOW_UP:
        found["follow_up"] = say(journey.random, "report", "follow_up", journey.places)
    return found


def _verification(journey: Journey, outcome: Outcome, _actor: Player, _at: dt.datetime) -> Row:
    key = "mend" if outcome is Outcome.REVISE else "notes"
    return {"notes": say(journey.random, "verification", key, journey.places)}


def _release(journey: Journey, outcome: Outcome, actor: Player, at: dt.datetime) -> Row:
    if outcome is not Outcome.SCHEDULED:
        return {}
    random, zone = journey.random, journey.office.agency.zone
    day = at.astimezone(zone).date() + dt.timedelta(random.randrange(6))
    opens = dt.datetime.combine(day, _WINDOW_OPENS, zone).astimezone(dt.UTC)
    environment = _environment(random)
    touched = journey.office.inventory.touched() if random.random() < _TOUCHES else []
    # All windows of a day open at the same hour, so that two of a day overlap where they share anything.
    shares = journey.office.plan_release(day, environment, *touched)
    return {
        "version": journey.places["versi"]
        if journey.topic.kind is ChangeKind.APPLICATION
        else f"1.{random.randrange(9)}",
        "window_start_at": opens,
        "window_end_at": opens + dt.timedelta(hours=random.randrange(1, 4)),
        "environment": environment,
        "touched_assets": [{"asset_id": asset_id} for asset_id in touched],
        "overlap_reason": say(random, "release", "overlap", journey.places) if shares else None,
        "downtime_minutes": random.choice((0, 0, 15, 30, 60)),
        "audience": say(random, "release", "audience", journey.places),
        "person_in_charge": actor.name,
        "actual_at": at if journey.change["urgency"] is Urgency.EMERGENCY else None,
    }


def _asset_review(journey: Journey, outcome: Outcome, _actor: Player, _at: dt.datetime) -> Row:
    random = journey.random
    found: Row = {"assessment": say(random, "asset_review", outcome.value, journey.places)}
    if outcome is Outcome.CHANGED:
        journey.choices = journey.office.inventory.choose()
        found["assets"] = [
            {"asset_id": asset_id, "finding": say(random, "asset_review", kind.value, journey.places)}
            for kind, asset_id in journey.choices
        ]
    return found


def _asset_update(journey: Journey, _outcome: Outcome, _actor: Player, at: dt.datetime) -> Row:
    inventory = journey.office.inventory
    found: Row = {"mutations": inventory.rows(journey.choices or inventory.choose(), at.year)}
    if journey.random.random() < _NOTES:
        found["notes"] = say(journey.random, "asset_update", "notes", journey.places)
    return found


def _environment(random: Random) -> Environment:
    return random.choices(list(Environment), (8, 1, 1, 2))[0]


_WRITERS: dict[Step, Callable[[Journey, Outcome, Player, dt.datetime], dict[str, Any]]] = {
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
