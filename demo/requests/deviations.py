"""Deviations of demo requests: their probabilities, accounts and disposals."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from demo.content.wording import say
from lpse_admin.accounts.roles import Role
from lpse_admin.sop import ItemKind
from lpse_admin.workflow.deviations import (
    OUTPUT_LACKING,
    DeviationKind,
    Disposal,
    LatenessBasis,
    account_field,
    output_field,
)
from models.changes.steps.undisposed import undisposed
from models.deviations.deviation import DISPOSALS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from demo.requests.journey import Journey
    from lpse_admin.sop import RequiredItem
    from lpse_admin.sop.steps import Step
    from models.changes.change import ChangeRequest

#: Probabilities of a missing item and of a lacking output.
_ABSENT, _LACKING = 1 / 60, 1 / 150
#: Weights of the disposals, and probability of a note on an accepted account.
_DISPOSALS = {Disposal.ACCEPTED: 76, Disposal.FOLLOW_UP: 17, Disposal.NOT_ACCEPTED: 7}
_REMARKED = 0.2
#: Days until a follow-up is due.
_FOLLOW_UP_DAYS = (5, 30)


def absent_items(journey: Journey, items: Iterable[RequiredItem], attached: Collection[str]) -> frozenset[str]:
    """Choose the keys of the missing ``items``; items in ``attached`` are never missing."""
    if not journey.office.sop.switches.deviations:
        return frozenset()
    return frozenset(
        item.key
        for item in items
        if (item.kind is ItemKind.EQUIPMENT or (item.kind is ItemKind.DOCUMENT and item.key not in attached))
        and journey.random.random() < _ABSENT
    )


def accounts(journey: Journey, step: Step, absent: Iterable[RequiredItem]) -> dict[str, Any]:
    """Return the accounts of lateness, of missing items and of randomly lacking outputs, by form field."""
    if not journey.office.sop.switches.deviations:
        return {}
    subject = LatenessBasis.ARRIVAL if journey.taken_up is None else LatenessBasis.HANDLING
    values = {account_field(DeviationKind.TIME, subject): say(journey.random, "account", subject.value, journey.texts)}
    for item in absent:
        text = say(journey.random, "account", item.kind.value, journey.texts)
        values[account_field(DeviationKind.EQUIPMENT, f"{item.kind}-{item.key}")] = text
    for number in range(len(journey.office.sop.rules[step].outputs)):
        if journey.random.random() < _LACKING:
            output = output_field(number)
            values[output] = OUTPUT_LACKING
            values[account_field(DeviationKind.OUTPUT, output)] = say(
                journey.random, "account", "output", journey.texts
            )
    return values


def disposals(journey: Journey, change: ChangeRequest, at: dt.datetime) -> dict[str, Any]:
    """Return the disposals of all undisposed deviations, for a verification."""
    return {DISPOSALS: {str(one.id): disposal(journey, one.executor_id, at) for one in undisposed(change)}}


def disposal(journey: Journey, executor_id: int | None, at: dt.datetime) -> dict[str, Any]:
    """Return the values of a disposal of a deviation of ``executor_id``."""
    random = journey.random
    chosen = random.choices(list(_DISPOSALS), list(_DISPOSALS.values()))[0]
    is_remarked = chosen is not Disposal.ACCEPTED or random.random() < _REMARKED
    values: dict[str, Any] = {
        "disposal": chosen,
        "note": say(random, "disposal", chosen.value, journey.texts) if is_remarked else None,
    }
    if chosen is Disposal.FOLLOW_UP:
        values["follow_up_by"] = _follower(journey, executor_id)
        values["follow_up_until"] = journey.office.date_of(at) + dt.timedelta(random.randrange(*_FOLLOW_UP_DAYS))
    return values


def _follower(journey: Journey, executor_id: int | None) -> int:
    """Return the id of the user to follow up: the executor if a manager, else a random manager."""
    managers = [manager.id for manager in journey.office.people[Role.CHANGE_MANAGER]]
    return executor_id if executor_id in managers else journey.random.choice(managers)
