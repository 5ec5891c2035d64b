"""Form fields in which a record is named by its text: an asset, a request, a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override
from wtforms import StringField

from lpse_admin.errors import ValidationFailed
from lpse_admin.parsing.blank import strip_blank
from models.database import db
from models.inventory.asset import Asset
from models.inventory.lookup import find_asset

if TYPE_CHECKING:
    from collections.abc import Callable


class LookupField(StringField):
    """A text that names a record: the data is its id, or ``UNKNOWN`` if there is none of that name."""

    UNKNOWN = -1

    @override
    def __init__(
        self,
        label: object = None,
        *,
        find_id: Callable[[str], int | None],
        name_of: Callable[[int], str],
        **settings: Any,
    ) -> None:
        """Take the functions from a text to an id, and from an id to its text."""
        super().__init__(label, **settings)
        self.find_id, self.name_of = find_id, name_of

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.name_of(self.data) if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Set the data to the id of the submitted text."""
        text = strip_blank(valuelist[0]) if valuelist else ""
        self.data = (self.find_id(text) or self.UNKNOWN) if text else None


class AssetField(LookupField):
    """A text that names an asset, in any notation; ``refusal`` says why it names none, or more than one."""

    refusal: ValidationFailed | None = None

    @override
    def __init__(self, label: object = None, *, agency_id: int, **settings: Any) -> None:
        """Look in the list of this agency."""
        super().__init__(label, find_id=self._find, name_of=_asset_name, **settings)
        self.agency_id = agency_id

    def _find(self, text: str) -> int | None:
        try:
            return find_asset(db.session(), self.agency_id, text).id
        except ValidationFailed as refusal:
            self.refusal = refusal
            return None


def _asset_name(asset_id: int) -> str:
    asset = db.session.get(Asset, asset_id)
    return asset.reference if asset else ""
