"""Entering an item in the asset list, and correcting it until a request refers to it.

From then on the item changes only through requests (``models.inventory.mutation``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, NotAllowed
from lpse_admin.i18n import _
from models.accounts.permission import require_permission
from models.base import session_of
from models.inventory.asset import Asset
from models.inventory.mutation import (
    insert_asset,
    parse_new_asset,
    parse_new_assets,
    require_not_listed,
    set_values,
)
from models.office.agency import lock_agency

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from lpse_admin.inventory.cards import Card
    from models.accounts.user import User


def create_assets(
    session: Session, by: User, *, card: Card, texts: Mapping[str, object], now: dt.datetime
) -> list[Asset]:
    """Enter an item of ``card`` in the list of ``by``'s agency; ``texts`` is text by column key.

    Several equal items are entered where the register numbers are a range. Raises NotAllowed unless ``by`` is a change
    manager, ValidationFailed with an error for each invalid column.
    """
    if by.agency_id is None:
        raise NotAllowed(_("Only a change manager maintains the asset list."))
    _require_change_manager(by, by.agency_id)
    rows = parse_new_assets(card, texts)
    lock_agency(session, by.agency_id)
    return [insert_asset(session, by.agency_id, card, values, by, now) for values in rows]


def correct_asset(asset: Asset, by: User, *, texts: Mapping[str, object]) -> None:
    """Correct an entry that no request refers to; ``texts`` is the whole row as text by column key.

    Raises what ``create_asset`` raises, and NoSuchMove if a request refers to the item.
    """
    session = session_of(asset)
    _require_change_manager(by, asset.agency_id)
    lock_agency(session, asset.agency_id)
    require_unreferenced(asset)
    values = parse_new_asset(asset.card, texts)
    require_not_listed(session, asset.agency_id, values, asset)
    set_values(asset, values)
    session.flush()


def is_referenced(asset: Asset) -> bool:
    """Whether a review, a release or a mutation refers to this item."""
    session = session_of(asset)
    references = or_(Asset.mutations.any(), Asset.review_items.any(), Asset.release_assets.any())
    return session.scalar(select(Asset.id).where(Asset.id == asset.id, references)) is not None


def require_unreferenced(asset: Asset) -> None:
    """Raise NoSuchMove if a request refers to the item."""
    if asset.is_retired or is_referenced(asset):
        raise NoSuchMove(
            _("A request refers to this item: it can be changed only through the asset update of a request.")
        )


def _require_change_manager(by: User, agency_id: int) -> None:
    message = _("Only a change manager maintains the asset list.")
    require_permission(by, Verb.EDIT, Resource.ASSET, agency_id, message)
