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
from lpse_admin.inventory.codes import extend_registers
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import strip_blank
from models.accounts.permission import require_permission
from models.base import canonical_json, session_of
from models.inventory.asset import Asset, AssetMutation, MutationKind
from models.inventory.locking import require_open_day
from models.inventory.mutation import (
    check_altered,
    insert_assets,
    parse_new_asset,
    parse_new_assets,
    set_values,
    snapshot,
    values_after,
)
from models.office.agency import Agency, lock_agency
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from lpse_admin.inventory.cards import Card
    from models.accounts.user import User


def create_assets(
    session: Session,
    by: User,
    *,
    card: Card,
    texts: Mapping[str, object],
    now: dt.datetime,
    booked_on: dt.date | None = None,
) -> list[Asset]:
    """Enter an item of ``card`` in the list of ``by``'s agency; ``texts`` is text by column key.

    Several equal items are entered where the register numbers are a range, or where ``texts`` has their ``count``: the
    register number is then that of the first. ``booked_on`` is the day that half-years
    count it on, today by default. Raises NotAllowed unless ``by`` is a change manager, ValidationFailed with an error
    for each invalid column.
    """
    if by.agency_id is None:
        raise NotAllowed(_("Only a change manager maintains the asset list."))
    _require_change_manager(by, by.agency_id)
    lock_agency(session, by.agency_id)
    agency = session.get_one(Agency, by.agency_id)
    day = require_open_day(session, agency, booked_on, now)
    return insert_assets(agency, card, parse_new_assets(card, _with_all_registers(texts)), by, now, booked_on=day)


def _with_all_registers(texts: Mapping[str, object]) -> Mapping[str, object]:
    """Return ``texts`` with the register numbers of as many items as they say."""
    count = texts.get("count")
    if not isinstance(count, int):
        return texts
    try:
        return {**texts, "register": extend_registers(str(texts.get("register") or ""), count)}
    except UnreadableError as error:
        raise ValidationFailed(error.message, field_errors={"count": error.message}) from None


def correct_asset(
    asset: Asset, by: User, *, texts: Mapping[str, object], now: dt.datetime, reason: str = ""
) -> AssetMutation | None:
    """Correct an entry that no request refers to; ``texts`` is the whole row as text by column key.

    The correction is an entry of its own, of today, that points at the one it corrects; None if nothing changes. Raises
    what ``create_assets`` raises, and NoSuchMove if a request refers to the item.
    """
    session = session_of(asset)
    _require_change_manager(by, asset.agency_id)
    lock_agency(session, asset.agency_id)
    require_unreferenced(asset)
    values = check_altered(session, asset, parse_new_asset(asset.card, texts))
    if error := text_error(reason):
        raise ValidationFailed(error, field_errors={"reason": error})
    before, after = snapshot(asset), values_after(asset, values)
    if before == after:
        return None
    correction = AssetMutation(
        agency_id=asset.agency_id,
        asset_id=asset.id,
        kind=MutationKind.CORRECTED,
        before=canonical_json(before),
        after=canonical_json(after),
        reason=strip_blank(reason) or None,
        booked_on=asset.agency.local_date(now),
        corrects_id=_last_entry_of(asset),
        corrected_at=now,
        corrected_by_id=by.id,
    )
    session.add(correction)
    set_values(asset, values)
    session.flush()
    return correction


def _last_entry_of(asset: Asset) -> int | None:
    """Return the id of the last mutation of an item; None where there is none but its own entry."""
    last = select(AssetMutation.id).where(AssetMutation.asset_id == asset.id).order_by(AssetMutation.id.desc())
    return session_of(asset).scalar(last.limit(1))


def is_referenced(asset: Asset) -> bool:
    """Whether a review, a release or a mutation of a request refers to this item."""
    session = session_of(asset)
    references = or_(
        Asset.mutations.any(AssetMutation.change_id.is_not(None)), Asset.review_items.any(), Asset.release_assets.any()
    )
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
