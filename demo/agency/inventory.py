"""The asset list of a demo office: the findings of asset reviews and the form rows of asset updates."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lpse_admin.inventory.cards import AssetCondition, Card, card_columns
from models.inventory.asset import Asset, MutationKind
from models.inventory.asset_entry import create_assets

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from random import Random

    from sqlalchemy.orm import Session

    from models.accounts.user import User

#: Nothing is retired from a list that has no more items than this.
_FEWEST = 12
_TWO = 0.2
_CONDITION_CHANGES = 0.4
_CONDITIONS = (AssetCondition.LIGHT_DAMAGE, AssetCondition.HEAVY_DAMAGE, AssetCondition.GOOD)
_SHARES = {MutationKind.ALTERED: 6, MutationKind.ADDED: 3, MutationKind.RETIRED: 2}

#: The kind of mutation of an asset, and its id; None for a new asset.
Choice = tuple[MutationKind, int | None]


def _read() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("items.toml").read_text(encoding="utf-8"))


class Inventory:
    """The asset list of one office."""

    def __init__(self, session: Session, agency_id: int, random: Random) -> None:
        """Query the list through ``session`` whenever it is needed."""
        self._session = session
        self._agency_id = agency_id
        self._random = random

    def is_empty(self) -> bool:
        """Whether the agency has no assets."""
        return self._session.scalar(select(func.count()).where(Asset.agency_id == self._agency_id)) == 0

    def enter(self, by: User, now: dt.datetime) -> None:
        """Enter the first assets, as from the paper inventory cards."""
        for item in _read()["item"]:
            for _copy in range(item["number"]):
                raw = self._new(item, now.year - self._random.randrange(1, 6))
                create_assets(self._session, by, card=Card(item["card"]), texts=raw, now=now)

    def choose(self) -> list[Choice]:
        """Choose the findings of a review: one asset, seldom two, changed or retired; or a new one (id None)."""
        items = self._items()
        kinds = list(_SHARES) if len(items) > _FEWEST else [MutationKind.ADDED]
        kind = self._random.choices(kinds, [_SHARES[kind] for kind in kinds])[0]
        if kind is MutationKind.ADDED:
            return [(kind, None)]
        chosen = self._random.sample(items, 1 + (self._random.random() < _TWO))
        return [(kind, asset_id) for asset_id in sorted(chosen)]

    def touched(self) -> list[int]:
        """Choose the assets that a release affects: one, if there are any."""
        items = self._items()
        return [self._random.choice(items)] if items else []

    def rows(self, choices: Iterable[Choice], year: int) -> list[dict[str, Any]]:
        """Return the form rows for the findings of a review, or for others if those assets are retired by now."""
        items = {None, *self._items()}
        remaining = [choice for choice in choices if choice[1] in items]
        return [self._row(kind, asset_id, year) for kind, asset_id in remaining or self.choose()]

    def _items(self) -> list[int]:
        """Return the ids of the assets that are not retired."""
        on_the_list = select(Asset.id).where(Asset.agency_id == self._agency_id, ~Asset.is_retired)
        return list(self._session.scalars(on_the_list.order_by(Asset.id)))

    def _row(self, kind: MutationKind, asset_id: int | None, year: int) -> dict[str, Any]:
        words = _read()["words"]
        if asset_id is None:
            return self._new(self._random.choice(_read()["item"]), year)
        if kind is MutationKind.RETIRED:
            return {"kind": kind.value, "asset_id": asset_id, "value": self._random.choice(words["retired"])}
        altered = {"kind": kind.value, "asset_id": asset_id}
        if self._random.random() < _CONDITION_CHANGES:
            condition = self._random.choice(
                (AssetCondition.LIGHT_DAMAGE, AssetCondition.HEAVY_DAMAGE, AssetCondition.GOOD)
            )
            return {**altered, "column": "condition", "value": condition.value}
        return {**altered, "column": "remarks", "value": self._random.choice(words["remarks"])}

    def _new(self, item: dict[str, Any], year: int) -> dict[str, Any]:
        """Return the form row for a new asset, with the next register number of its code."""
        raw = {key: value for key, value in item.items() if key != "number"}
        year_column = "purchase_year" if "purchase_year" in card_columns(Card(item["card"])) else "acquired_year"
        of_code = (Asset.agency_id == self._agency_id, Asset.code == item["code"])
        last = self._session.scalar(select(func.max(Asset.register)).where(*of_code))
        return {
            "kind": MutationKind.ADDED.value,
            **raw,
            "register": f"{int(last or 0) + 1:04d}",
            "condition": AssetCondition.GOOD.value,
            "origin": self._random.choice(_read()["words"]["origin"]),
            year_column: str(year),
        }
