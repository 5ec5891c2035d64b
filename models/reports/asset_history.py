"""The asset list as it was at the end of any day, from the entries, their corrections and the mutations by requests."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from models.inventory.asset import Asset, AssetMutation
from models.inventory.mutation import snapshot
from models.office.agency import Agency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Event:
    """A change of an item on a day: how, by which request or correction, and the item after it."""

    day: dt.date
    kind: str
    number: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    reason: str = ""


@dataclass(slots=True)
class ItemHistory:
    """An item with the day on which it came on the list, and what has changed it since."""

    asset_id: int
    booked_on: dt.date
    current: dict[str, Any]
    events: list[Event] = field(default_factory=list)

    def as_of(self, day: dt.date) -> dict[str, Any] | None:
        """Return the item as it was at the end of a day; None if it was not on the list."""
        if self.booked_on > day:
            return None
        state: dict[str, Any] | None = self.current
        before = [event for event in self.events if event.day <= day]
        if before:
            state = before[-1].after
        elif self.events:
            state = self.events[0].before
        return None if state is None or state.get("is_retired") else state

    def events_between(self, first: dt.date, last: dt.date) -> list[Event]:
        """Return what changed it from one day to another."""
        return [event for event in self.events if first <= event.day <= last]


def load_history(session: Session, agency: Agency) -> list[ItemHistory]:
    """Return every item that was ever on the list of an agency, by code and register number."""
    events: dict[int, list[Event]] = defaultdict(list)
    mutations: Sequence[Any] = session.execute(
        select(
            AssetMutation.asset_id, AssetMutation.kind, AssetMutation.before, AssetMutation.after, AssetMutation.reason,
            AssetMutation.booked_on, Activity.finished_at, ChangeRequest.number,
        )
        .outerjoin(Activity, Activity.id == AssetMutation.update_id)
        .outerjoin(ChangeRequest, ChangeRequest.id == AssetMutation.change_id)
        .where(AssetMutation.agency_id == agency.id)
        .order_by(AssetMutation.id)
    ).all()  # fmt: skip
    for asset_id, kind, before, after, reason, booked_on, finished_at, number in mutations:
        day = booked_on or (agency.local_date(finished_at) if finished_at else dt.date.max)
        states = json.loads(before) if before else None, json.loads(after)
        events[asset_id].append(Event(day, kind.value, number or "", *states, reason or ""))
    assets = session.scalars(
        select(Asset)
        .where(Asset.agency_id == agency.id)
        .order_by(Asset.card, Asset.code, Asset.register)
        .options(joinedload(Asset.agency))
    )
    return [
        ItemHistory(
            asset.id,
            asset.booked_on or agency.local_date(asset.entered_at),
            json.loads(json.dumps(snapshot(asset), default=str)),
            events[asset.id],
        )
        for asset in assets
    ]


def list_as_of(session: Session, agency: Agency, day: dt.date) -> list[dict[str, Any]]:
    """Return the items that were on the list at the end of a day, as they were then."""
    states = [state for item in load_history(session, agency) if (state := item.as_of(day)) is not None]
    return sorted(states, key=lambda state: (state["card"], state["code"], state["register"]))
