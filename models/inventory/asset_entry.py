"""Entering an item in the asset list, and correcting it until a request refers to it.

From then on the item changes only through requests (``models.inventory.mutation``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove, NotAllowed, ValidationFailed
from lpse_admin.i18n import _
from models.accounts.permission import require_permission
from models.base import session_of
from models.inventory.asset import Asset
from models.inventory.mutation import parse_new_asset, set_values
from models.office.agency import lock_agency

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from lpse_admin.inventory.cards import Card
    from models.accounts.user import User


def create_asset(session: Session, by: User, *, card: Card, texts: Mapping[str, object], now: dt.datetime) -> Asset:
    """Enter an item of ``card`` in the list of ``by``'s agency and return it; ``texts`` is text by column key.

    Raises NotAllowed unless ``by`` is a change manager, ValidationFailed with an error for each invalid column.
    """
    if by.agency_id is None:
        raise NotAllowed(_("Only a change manager maintains the asset list."))
    _require_change_manager(by, by.agency_id)
    values = parse_new_asset(card, texts)
    lock_agency(session, by.agency_id)
    _require_unique(session, by.agency_id, values, None)
    asset = Asset(agency_id=by.agency_id, card=card, details={}, is_retired=False, entered_at=now, entered_by_id=by.id)
    set_values(asset, values)
    session.add(asset)
    session.flush()
    return asset


def correct_asset(asset: Asset, by: User, *, texts: Mapping[str, object]) -> None:
    """Correct an entry that no request refers to; ``texts`` is the whole row as text by column key.

    Raises what ``create_asset`` raises, and NoSuchMove if a request refers to the item.
    """
    session = session_of(asset)
    _require_change_manager(by, asset.agency_id)
    lock_agency(session, asset.agency_id)
    require_unreferenced(asset)
    values = parse_new_asset(asset.card, texts)
    _require_unique(session, asset.agency_id, values, asset)
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


def _require_unique(session: Session, agency_id: int, values: Mapping[str, object], asset: Asset | None) -> None:
    """Raise ValidationFailed if another item of the agency has the code and register number."""
    holder = session.scalar(
        select(Asset.id).where(
            Asset.agency_id == agency_id, Asset.code == values["code"], Asset.register == values["register"]
        )
    )
    if holder is not None and (asset is None or holder != asset.id):
        message = _(
            "Code %(code)s with register number %(register)s is already on the list.",
            code=values["code"],
            register=values["register"],
        )
        raise ValidationFailed(message, field_errors={"register": message})
