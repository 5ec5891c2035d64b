"""Format the mutations of an asset: each changed column before and after."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING

from markupsafe import Markup

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import AssetCondition, CardColumn, CardColumnKind, card_columns
from lpse_admin.parsing.numbers import write_number
from models.inventory.mutation import parse_value
from views.i18n.language import format_date, format_rupiah, tr
from views.listing.page.cells import EMPTY_CELL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.inventory.asset import AssetMutation

_RETIRED_COLUMN = CardColumn("is_retired", _("Removed from the list"), CardColumnKind.YES_NO)


def format_column_value(column: CardColumn, value: object) -> Markup | str:
    """Return the value of an official column formatted for a page; values from JSON are strings."""
    if value in (None, ""):
        return EMPTY_CELL
    formatter = _FORMATTERS.get(column.kind)
    return formatter(value) if formatter else Markup('<span class="prose">{}</span>').format(value)


_FORMATTERS: Mapping[CardColumnKind, Callable[[object], str]] = {
    CardColumnKind.MONEY: lambda value: format_rupiah(Decimal(str(value))),
    CardColumnKind.NUMBER: lambda value: write_number(Decimal(str(value))),
    CardColumnKind.CONDITION: lambda value: tr(AssetCondition(str(value)).title),
    CardColumnKind.YES_NO: lambda value: tr(_("Yes") if value else _("No")),
    CardColumnKind.DATE: lambda value: format_date(dt.date.fromisoformat(str(value))),
}


def format_text(column: CardColumn, text: str) -> str:
    """Return what is typed for ``column`` as its page will show it; a text that is not valid stays as it is."""
    try:
        value = parse_value(column, text)
    except ValidationFailed:
        return text
    return str(format_column_value(column, value)) if value is not None else tr(_("(emptied)"))


def changed_columns(mutation: AssetMutation) -> tuple[tuple[Message, Markup | str, Markup | str], ...]:
    """Return (heading, before, after) for each column that a mutation changed."""
    before = json.loads(mutation.before) if mutation.before else {}
    after = json.loads(mutation.after)
    return tuple(
        (column.label, format_column_value(column, before.get(key)), format_column_value(column, after.get(key)))
        for key, column in {**card_columns(mutation.asset.card), "is_retired": _RETIRED_COLUMN}.items()
        if before.get(key) != after.get(key)
    )
