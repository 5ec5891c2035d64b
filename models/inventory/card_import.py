"""Taking over the list of another program: the rows of a KIB card as a CSV file, all of them or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.card_file import CellError, read_card_file
from models.inventory.mutation import insert_assets, parse_new_assets
from models.office.agency import lock_agency

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from lpse_admin.inventory.card_file import CardFile, CardRow
    from lpse_admin.inventory.cards import Card
    from models.inventory.asset import Asset
    from models.office.agency import Agency


class ImportFailed(ValidationFailed):
    """The file is refused; ``errors`` are all that is wrong with it, by row and column."""

    def __init__(self, errors: list[CellError]) -> None:
        """Store the errors."""
        super().__init__(_("Nothing was imported."))
        self.errors = errors


def import_cards(
    session: Session, agency: Agency, content: bytes, *, card: Card | None, now: dt.datetime
) -> list[Asset]:
    """Enter the items of a CSV file in the list of ``agency``; the caller commits.

    Raises ImportFailed with every error in the file; then nothing must be committed.
    """
    file = read_card_file(content, card)
    errors = list(file.errors)
    lock_agency(session, agency.id)
    assets: list[Asset] = []
    for row in file.rows:
        try:
            parsed = parse_new_assets(row.card, row.texts)
            assets += insert_assets(agency, row.card, parsed, None, now)
        except ValidationFailed as refusal:
            errors += _row_errors(file, row, refusal.field_errors)
    if not assets and not errors:
        errors.append(CellError(_("The file has no rows.")))
    if errors:
        raise ImportFailed(sorted(errors, key=lambda error: (error.row or 0, error.column or 0)))
    return assets


def _row_errors(file: CardFile, row: CardRow, messages: Mapping[str, Message]) -> list[CellError]:
    return [file.error_at(row, key, message) for key, message in messages.items()]
