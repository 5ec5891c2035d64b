"""Deviations of a demo request: what its steps did not keep, the accounts of that and what the head made of them.

They are found by the same rules and measured by the same calendar as the program's own (``deviations.deviation``,
``models.worktime.timing``); only how often something is amiss, and what is said of it, is made up here.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from demo.bulk import inserted, updated
from demo.wording import say
from lpse_admin.accounts.roles import Role
from lpse_admin.sop import ItemKind
from lpse_admin.workflow.deviations import (
    OUTPUT_LACKING,
    DetectedDeviation,
    DeviationKind,
    Disposal,
    Lateness,
    LatenessBasis,
    account_field,
    output_field,
)
from lpse_admin.worktime.step_timing import StepTimestamps, measure_timing, round_up_to_minutes, standard_time_of
from models.base import SHORT_TEXT_LENGTH
from models.delegation.delegation import capacity
from models.deviations.deviation import Deviation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from demo.bulk import Row, Told
    from demo.journey import Journey
    from demo.office import Player
    from lpse_admin.sop import RequiredItem
    from lpse_admin.sop.steps import Step
    from lpse_admin.worktime.step_timing import StepTiming
    from models.delegation.delegation import Delegation

_TABLE = Deviation.__tablename__
_BLANK: Row = dict.fromkeys(column.name for column in Deviation.__table__.columns)
#: How often an item is not at hand, and an output not as it should be.
_ABSENT, _LACKING = 1 / 60, 1 / 150
#: What the head makes of an account, and how often something is said to one that is accepted.
_DISPOSALS = {Disposal.ACCEPTED: 76, Disposal.FOLLOW_UP: 17, Disposal.NOT_ACCEPTED: 7}
_REMARKED = 0.2
#: Days until something is to be followed up.
_FOLLOW_UP_DAYS = (5, 30)


def _times(journey: Journey, at: dt.datetime) -> StepTiming:
    activity, office = journey.activities[-1], journey.office
    standard = standard_time_of(office.paper, activity["step"])
    clock = StepTimestamps(activity["arrived_at"], activity["taken_up_at"], activity["finished_at"])
    return measure_timing(office.calendar, standard, office.paper.switches.timing_basis, clock, at)


def lateness(journey: Journey, at: dt.datetime) -> Lateness | None:
    """Return how late the present step is, as ``models.worktime.timing.lateness`` says it."""
    standard = standard_time_of(journey.office.paper, journey.step)
    if standard is None or not journey.office.paper.switches.deviations:
        return None
    activity = journey.activities[-1]
    since = activity["taken_up_at"] or activity["arrived_at"]
    if not standard.days and activity["taken_up_at"] and at - since <= dt.timedelta(minutes=standard.minutes):
        return None  # not even by the clock on the wall
    times = _times(journey, at)
    if not times.is_late or times.allowed_time is None:
        return None
    return Lateness(
        LatenessBasis(times.basis),
        standard.text,
        round_up_to_minutes(times.allowed_time),
        round_up_to_minutes(times.measured_time),
    )


def absent_items(journey: Journey, items: Iterable[RequiredItem]) -> frozenset[str]:
    """Choose the keys of those of ``items`` that are not at hand this time."""
    if not journey.office.paper.switches.deviations:
        return frozenset()
    random = journey.random.random
    return frozenset(
        item.key
        for item in items
        if (item.kind is ItemKind.EQUIPMENT or (item.kind is ItemKind.DOCUMENT and item.key not in journey.documents))
        and random() < _ABSENT
    )


def lacking_outputs(journey: Journey, step: Step) -> Row:
    """Choose what the executor says of outputs that are not as they should be."""
    if not journey.office.paper.switches.deviations:
        return {}
    outputs = journey.office.paper.rules[step].outputs
    return {output_field(place): OUTPUT_LACKING for place in range(len(outputs)) if journey.random.random() < _LACKING}


def accounts(journey: Journey, found: Iterable[DetectedDeviation]) -> Row:
    """Return the executor's accounts of ``found`` by form field."""
    said: Row = {}
    for one in found:
        field = account_field(one.kind, one.subject)
        if field not in said:
            key = one.subject.partition("-")[0] if one.kind is DeviationKind.EQUIPMENT else one.kind.value
            said[field] = say(journey.random, "account", one.subject if key == "time" else key, journey.places)
    return said


def found_of(row: Row) -> DetectedDeviation:
    """Return a raised deviation as the rules see it."""
    return DetectedDeviation(
        row["kind"], row["subject"], row["what"], row["standard"], row["allowed_minutes"], row["measured_minutes"]
    )


def raise_on(journey: Journey, found: Iterable[DetectedDeviation], at: dt.datetime, *, while_open: bool) -> list[Row]:
    """Keep and return those of ``found`` that the present step has not yet."""
    activity = journey.activities[-1]
    known = {(row["kind"], row["subject"]) for row in journey.deviations if row["activity_id"] == activity["id"]}
    raised = [
        {
            **_BLANK,
            "id": journey.ledger.next_id(_TABLE),
            "agency_id": journey.office.agency.id,
            "change_id": journey.id,
            "activity_id": activity["id"],
            "step": activity["step"],
            "kind": one.kind,
            "subject": str(one.subject),
            "what": one.what,
            "standard": one.standard[:SHORT_TEXT_LENGTH],
            "allowed_minutes": one.allowed_minutes,
            "measured_minutes": one.measured_minutes,
            "raised_at": at,
            "was_open": while_open,
            "executor_id": activity["held_by_id"],
        }
        for one in found
        if (one.kind, one.subject) not in known
    ]
    journey.deviations += raised
    return raised


def answer(journey: Journey, found: Iterable[DetectedDeviation], said: Row, by: Player, at: dt.datetime) -> list[Told]:
    """Raise ``found`` as the present step ends, and account for all of its deviations as ``said``."""
    earlier = [row for row in journey.deviations if row["activity_id"] == journey.activities[-1]["id"]]
    told: list[Told] = []
    times = _times(journey, at) if earlier else None
    for row in earlier:
        values = _accounted(row, said, by, at)
        if times is not None and row["kind"] is DeviationKind.TIME:
            values["measured_minutes"] = round_up_to_minutes(
                times.measured_time if row["subject"] == times.basis else times.waiting_time
            )
        told += updated(_TABLE, row["id"], row, values, change=journey.id)
        row.update(values)
    for row in raise_on(journey, found, at, while_open=False):
        row.update(_accounted(row, said, by, at))
        told += inserted(_TABLE, row, change=journey.id)
    return told


def _accounted(row: Row, said: Row, by: Player, at: dt.datetime) -> Row:
    account = said[account_field(row["kind"], row["subject"])]
    return {"executor_id": by.id, "account": account, "accounted_at": at, "accounted_by_id": by.id}


def undisposed(journey: Journey) -> list[Row]:
    """Return those that wait for the head."""
    return [row for row in journey.deviations if row["account"] is not None and row["disposal"] is None]


def dispose(journey: Journey, row: Row, by: Player, delegation: Delegation | None, at: dt.datetime) -> list[Told]:
    """Write down what the head, or who stands in for them, makes of it."""
    random, office = journey.random, journey.office
    disposal = random.choices(list(_DISPOSALS), list(_DISPOSALS.values()))[0]
    is_remarked = disposal is not Disposal.ACCEPTED or random.random() < _REMARKED
    values: Row = {
        "disposal": disposal,
        "disposal_note": say(random, "disposal", disposal.value, journey.places) if is_remarked else None,
        "disposed_at": at,
        "disposed_by_id": by.id,
        "disposed_capacity": capacity(office.paper, Role.HEAD, delegation),
        "delegation_id": delegation.id if delegation else None,
    }
    if disposal is Disposal.FOLLOW_UP:
        values["follow_up_by_id"] = _follower(journey, row, random).id
        days = dt.timedelta(random.randrange(*_FOLLOW_UP_DAYS))
        values["follow_up_until"] = office.agency.local_date(at) + days
    told = updated(_TABLE, row["id"], row, values, change=journey.id)
    row.update(values)
    return told


def _follower(journey: Journey, row: Row, random: Random) -> Player:
    """Return who is to follow it up: the manager whose deviation it is, or any."""
    managers = journey.office.people[Role.CHANGE_MANAGER]
    own = next((player for player in managers if player.id == row["executor_id"]), None)
    return own or random.choice(managers)


def follow_up(journey: Journey, row: Row, at: dt.datetime) -> list[Told]:
    """Write down that what was to be followed up is done."""
    values = {
        "followed_up_at": at,
        "followed_up_by_id": row["follow_up_by_id"],
        "follow_up_note": say(journey.random, "disposal", "followed-up", journey.places),
    }
    told = updated(_TABLE, row["id"], row, values, change=journey.id)
    row.update(values)
    return told
