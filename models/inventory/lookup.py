"""Finding an item by what people write of it: its code and register number in any notation, or its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.inventory.codes import code_spellings, read_reference, register_spellings
from lpse_admin.parsing.blank import normalize, shorten
from models.inventory.asset import Asset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from lpse_admin.inventory.codes import AssetCode

#: The most items that a refusal names.
_MAX_NAMED = 5


def item_with(session: Session, agency_id: int, code: str, register: str) -> Asset | None:
    """Return the item with this code and register number, in whatever form they were stored."""
    return session.scalars(
        select(Asset)
        .where(
            Asset.agency_id == agency_id,
            Asset.code.in_(code_spellings(code, register)),
            Asset.register.in_(register_spellings(register)),
        )
        .order_by(Asset.id)
        .limit(1)
    ).one_or_none()


def find_asset(session: Session, agency_id: int, text: str) -> Asset:
    """Return the item that ``text`` names: by code and register number, by the code alone, or by the name alone.

    Raises ValidationFailed if there is none, or if there are several.
    """
    reference = read_reference(text)
    if reference is None:
        criterion = func.lower(Asset.name) == normalize(text).lower()
    elif reference.register is None:
        criterion = Asset.code == reference.code
    else:
        criterion = _is(reference, reference.register)
    result = session.scalars(
        select(Asset).where(Asset.agency_id == agency_id, criterion).order_by(Asset.register).limit(_MAX_NAMED + 1)
    ).all()
    listed = [asset for asset in result if not asset.is_retired] or list(result)
    if len(listed) == 1:
        return listed[0]
    if not listed:
        raise ValidationFailed(_("There is no asset “%(value)s” on the list.", value=shorten(text)))
    raise ValidationFailed(
        _(
            "“%(value)s” is the name of several assets: %(assets)s. Write the code with the register number.",
            value=shorten(text),
            assets=_named(listed),
        )
    )


def _is(reference: AssetCode, register: str) -> ColumnElement[bool]:
    return Asset.code.in_(code_spellings(reference.code, register)) & Asset.register.in_(register_spellings(register))


def _named(assets: Sequence[Asset]) -> str:
    names = [asset.reference for asset in assets[:_MAX_NAMED]]
    return ", ".join(names) + (", …" if len(assets) > _MAX_NAMED else "")
