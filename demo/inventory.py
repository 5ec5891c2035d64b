"""The asset list of one agency while its demo register is written: what is there, and what a request does to it."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from demo.bulk import inserted, updated
from lpse_admin.inventory.cards import AssetCondition, Card
from models.base import canonical_json
from models.inventory.asset import Asset, MutationKind
from models.inventory.mutation import card_columns, parse_new_asset, parse_value, set_values, snapshot

if TYPE_CHECKING:
    import datetime as dt
    from random import Random

    from demo.bulk import Ledger, Row, Told

_COLUMNS = tuple(column.name for column in Asset.__table__.columns)
_MUTABLE = ("name", "condition", "origin", "price", "remarks", "details", "is_retired")
#: What a request alters or adds, when it touches the list at all; nothing is taken off a list as short as this.
_FEWEST = 12
_TWO = 0.2
_CONDITION_CHANGES = 0.4
_CENT = Decimal("0.01")
_SHARES = {MutationKind.ALTERED: 6, MutationKind.ADDED: 3, MutationKind.RETIRED: 2}

#: What becomes of an item, and its id; None for a new one.
Choice = tuple[MutationKind, int | None]


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("items.toml").read_text(encoding="utf-8"))


class Inventory:
    """The items that are on the list now; they are altered here and written through the ledger."""

    def __init__(self, ledger: Ledger, agency_id: int, random: Random) -> None:
        """Read the list as it stands."""
        self._ledger = ledger
        self._agency_id = agency_id
        self._random = random
        table = Asset.__table__
        rows = ledger.connection.execute(select(table).where(table.c.agency_id == agency_id).order_by(table.c.id))
        assets = [Asset(**row._mapping) for row in rows]
        self._assets = {asset.id: asset for asset in assets}
        self._items = [asset for asset in assets if not asset.is_retired]
        self._registers: dict[str, int] = {}
        for asset in assets:
            self._registers[asset.code] = max(self._registers.get(asset.code, 0), int(asset.register))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever entered."""
        return not self._registers

    def enter(self, at: dt.datetime, by_id: int) -> list[Told]:
        """Enter the first items, as from the paper cards, and return what the trail says of them."""
        told: list[Told] = []
        for item in _read()["item"]:
            for _copy in range(item["number"]):
                asset, item_told = self._add(self._new(item, at.year - self._random.randrange(1, 6)), at, by_id)
                told += item_told
                _come_back(asset)
        return told

    def choose(self) -> list[Choice]:
        """Choose what a review finds: one item seldom two that are altered or gone, or something new (no item)."""
        kinds = list(_SHARES) if len(self._items) > _FEWEST else [MutationKind.ADDED]
        kind = self._random.choices(kinds, [_SHARES[kind] for kind in kinds])[0]
        if kind is MutationKind.ADDED:
            return [(kind, None)]
        found = self._random.sample(self._items, 1 + (self._random.random() < _TWO))
        return [(kind, asset_id) for asset_id in sorted(asset.id for asset in found)]

    def touched(self) -> list[int]:
        """Choose what a release touches: one of the items that are there, if any."""
        return [self._random.choice(self._items).id] if self._items else []

    def rows(self, choices: list[Choice], year: int) -> list[Row]:
        """Return the rows of the form that brings the list up to date with what a review found."""
        return [self._row(kind, asset_id, year) for kind, asset_id in choices]

    def _row(self, kind: MutationKind, asset_id: int | None, year: int) -> Row:
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

    def apply(
        self, rows: list[Row], change_id: int, update_id: int, at: dt.datetime, by_id: int
    ) -> tuple[list[Row], list[Told]]:
        """Apply the rows of a form and return the rows of ``asset_mutation`` with what the trail says of it all."""
        mutations: list[Row] = []
        told: list[Told] = []
        for row in rows:
            if row["kind"] == MutationKind.ADDED:
                before = None
                asset, item = self._add(row, at, by_id)
            else:
                asset = self._assets[row["asset_id"]]
                before = canonical_json(snapshot(asset))
                item = self._alter(asset, row)
            mutation = {
                "id": self._ledger.next_id("asset_mutation"),
                "agency_id": self._agency_id,
                "change_id": change_id,
                "update_id": update_id,
                "asset_id": asset.id,
                "kind": MutationKind(row["kind"]),
                "before": before,
                "after": canonical_json(snapshot(asset)),
            }
            _come_back(asset)
            mutations.append(mutation)
            told += item + inserted("asset_mutation", mutation, change=change_id)
        return mutations, told

    def _new(self, item: Row, year: int) -> Row:
        """Return the form's row for a new item with the next register number of its code."""
        raw = {key: value for key, value in item.items() if key != "number"}
        year_column = "purchase_year" if "purchase_year" in card_columns(Card(item["card"])) else "acquired_year"
        self._registers[item["code"]] = self._registers.get(item["code"], 0) + 1
        return {
            "kind": MutationKind.ADDED.value,
            **raw,
            "register": f"{self._registers[item['code']]:04d}",
            "condition": AssetCondition.GOOD.value,
            "origin": self._random.choice(_read()["words"]["origin"]),
            year_column: str(year),
        }

    def _add(self, row: Row, at: dt.datetime, by_id: int) -> tuple[Asset, list[Told]]:
        card = Card(row["card"])
        asset = Asset(
            id=self._ledger.next_id("asset"),
            agency_id=self._agency_id,
            card=card,
            details={},
            is_retired=False,
            entered_at=at,
            entered_by_id=by_id,
        )
        set_values(asset, parse_new_asset(card, row))
        self._assets[asset.id] = asset
        self._items.append(asset)
        stored = _stored(asset)
        self._ledger.add("asset", stored)
        return asset, inserted("asset", stored)

    def _alter(self, asset: Asset, row: Row) -> list[Told]:
        former = _stored(asset)
        if row["kind"] == MutationKind.RETIRED:
            if not asset.is_retired:
                self._items.remove(asset)
            asset.is_retired = True
        else:
            column = card_columns(asset.card)[row["column"]]
            set_values(asset, {column.key: parse_value(column, row["value"])})
        stored = _stored(asset)
        self._ledger.alter("asset", asset.id, {key: stored[key] for key in _MUTABLE})
        return updated("asset", asset.id, former, stored)


def _come_back(asset: Asset) -> None:
    """Have the price as the database gives it back, for whoever alters the item next."""
    if asset.price is not None:
        asset.price = asset.price.quantize(_CENT)


def _stored(asset: Asset) -> Row:
    return {name: getattr(asset, name) for name in _COLUMNS}
