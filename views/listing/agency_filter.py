"""The filter by office, for those who see more than one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import select

from models.database import db
from models.office.agency import Agency
from views.listing.filters import ChoiceFilter
from views.listing.record_view import me, row_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class AgencyFilter(ChoiceFilter):
    """One of the offices, by id: ``?agency=2``. Who is of one office never meets it."""

    are_options_fixed: ClassVar[bool] = False

    def names(self) -> tuple[str, ...]:
        """Return the name of the parameter, or none for a reader of one office."""
        return (self.key,) if me().reaches_across else ()

    def options(self) -> list[tuple[str, Any]]:
        """Return id and name of each office."""
        agencies = db.session.execute(select(Agency.id, Agency.name).order_by(Agency.name, Agency.id))
        return [(str(id_), name) for id_, name in agencies]

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:  # noqa: ARG002
        """Return equality with the id; raises NotFound for what is none."""
        value = given.get(self.key)
        if not value:
            return None
        result: ColumnElement[bool] = self.of == row_id(value)
        return result
