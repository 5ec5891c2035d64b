"""The filter by office, for those who see more than one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from models.database import db
from views.app.access import get_current_user, visible_agencies
from views.listing.filters.kinds import ChoiceFilter
from views.listing.record_view import parse_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class AgencyFilter(ChoiceFilter):
    """One of the offices, by id: ``?agency=2``. Who is of one office never meets it."""

    has_static_options: ClassVar[bool] = False

    def parameter_names(self) -> tuple[str, ...]:
        """Return the name of the parameter, or none for a reader of one office."""
        return (self.key,) if get_current_user().is_superadmin else ()

    def options(self) -> list[tuple[str, Any]]:
        """Return id and name of each office."""
        agencies = sorted(visible_agencies(db.session()), key=lambda agency: (agency.name, agency.id))
        return [(str(agency.id), agency.name) for agency in agencies]

    @override
    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return equality with the id; raises NotFound for what is none."""
        value = values.get(self.key)
        if not value:
            return None
        result: ColumnElement[bool] = self.column == parse_id(value)
        return result
