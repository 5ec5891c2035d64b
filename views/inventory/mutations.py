"""What a request changed on an asset, as pages show it: each official column before and after."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING

from markupsafe import Markup

from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import Column, ColumnKind, Condition
from models.inventory.mutation import columns
from views.i18n.language import day, rupiah, tr
from views.listing.cells import NOTHING

if TYPE_CHECKING:
    from models.inventory.asset import AssetMutation

_RETIRED = Column("is_retired", _("Taken off the list"), ColumnKind.YES_NO)


def written(column: Column, value: object) -> Markup | str:
    """Return a value of an official column as a page shows it; values out of JSON are texts."""
    if value in (None, ""):
        return NOTHING
    match column.kind:
        case ColumnKind.MONEY:
            return rupiah(Decimal(str(value)))
        case ColumnKind.CONDITION:
            return tr(Condition(str(value)).title)
        case ColumnKind.YES_NO:
            return tr(_("Yes") if value else _("No"))
        case ColumnKind.DATE:
            return day(dt.date.fromisoformat(str(value)))
        case _:
            return Markup('<span class="prose">{}</span>').format(value)


def differences(mutation: AssetMutation) -> tuple[tuple[Message, Markup | str, Markup | str], ...]:
    """Return (heading, before, after) for each column that a mutation changed."""
    before = json.loads(mutation.before) if mutation.before else {}
    after = json.loads(mutation.after)
    return tuple(
        (column.heading, written(column, before.get(key)), written(column, after.get(key)))
        for key, column in {**columns(mutation.asset.card), "is_retired": _RETIRED}.items()
        if before.get(key) != after.get(key)
    )
