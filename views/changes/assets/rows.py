"""The rows of an asset update in words, for the form of the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import url_for

from lpse_admin.inventory.cards import Card, card_columns
from models.database import db
from models.inventory.asset import Asset, MutationKind
from views.inventory.mutations import format_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpse_admin.i18n import Message
    from models.changes.steps.activity import AssetUpdate


def rows_of(update: AssetUpdate) -> list[dict[str, Any]]:
    """Return the rows that an update has so far."""
    return list((update.draft or {}).get("rows", []))


def row_summaries(update: AssetUpdate) -> list[dict[str, Any]]:
    """Return each row in words, with the addresses of its pages."""
    return [
        _summary(update, row) | {"edit_url": url_for("asset-update.item", change_id=update.change_id, row=number)}
        for number, row in enumerate(rows_of(update), 1)
    ]


def _summary(update: AssetUpdate, row: dict[str, Any]) -> dict[str, Any]:
    kind = next((one for one in MutationKind if one.value == row.get("kind")), MutationKind.ALTERED)
    if kind is MutationKind.ADDED:
        name = " ".join(str(row.get(key) or "") for key in ("code", "register", "name"))
        card = next((one for one in Card if one.value == row.get("card")), Card.B)
        texts = {key: row[key] for key in card_columns(card) if key in row and key not in {"code", "register", "name"}}
        return {"kind": kind, "asset": name, "facts": _facts(card, texts), "reason": None}
    asset = db.session.get(Asset, row.get("asset_id") or 0)
    texts = altered_texts(row) if kind is MutationKind.ALTERED else {}
    if kind is MutationKind.MOVED:
        texts = {"location": str(row.get("value") or "")}
    reason = row.get("reason") or (row.get("value") if kind is MutationKind.RETIRED else None)
    facts = _facts(asset.card, texts) if asset is not None and asset.agency_id == update.agency_id else []
    return {"kind": kind, "asset": str(asset or "–"), "facts": facts, "reason": reason}


def _facts(card: Card, texts: Mapping[str, str]) -> list[tuple[Message, str]]:
    columns = card_columns(card)
    return [(columns[key].label, format_text(columns[key], text)) for key, text in texts.items() if key in columns]


def altered_texts(row: Mapping[str, Any]) -> dict[str, str]:
    """Return what a row sets, by column key, as it was typed."""
    values = row.get("values")
    texts = values if isinstance(values, dict) else {row["column"]: row.get("value")} if row.get("column") else {}
    return {str(key): str(text or "") for key, text in texts.items()}
