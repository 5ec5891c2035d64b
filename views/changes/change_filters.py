"""What requests and the records of their steps can be narrowed by: who has the step, and whether it is late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, or_, select
from typing_extensions import override

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import _
from lpse_admin.search.query import parse_search
from lpse_admin.sop.steps import REQUESTER_STEPS
from models.accounts.user import User
from models.changes.assets.asset_requests import changes_of_assets
from models.changes.steps.activity import Activity
from models.changes.steps.durations import late_now, open_with_standard
from models.database import db
from models.search.index import SearchKind
from models.search.search import Search
from views.app.access import get_current_user, visible_agencies
from views.app.clock import now
from views.changes.steps.times import Timeliness
from views.listing.filters.kinds import ChoiceFilter, OptionFilter, TextFilter
from views.listing.record_view import current_principal, parse_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement

    from lpse_admin.i18n import Message

_activity: Any = Activity.__table__.c

#: The values for oneself, for what nobody has taken up, and for who is no longer in office.
ME, NOBODY, LEFT = "me", "nobody", "left"


@dataclass(frozen=True, slots=True)
class HandlerFilter(OptionFilter):
    """Who has the step: ``?handler=me``, ``?handler=nobody``, ``?handler=left`` or ``?handler=12``.

    ``activity`` are the columns of the step; nobody has one that is open, of the office, and not taken up; somebody who
    has left has one whose account is disabled, or one of a change manager that has lost the role. The same is offered
    to every reader, so that the form is made once; a name is typed into a filter of its own.
    """

    activity: Any = None

    @override
    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return oneself, nobody, and who has left."""
        return [(ME, _("Me")), (NOBODY, _("Nobody yet")), (LEFT, _("Somebody no longer in office"))]

    @override
    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for who has the step. Raises NotFound for what is no id."""
        value = given.get(self.key)
        if not value:
            return None
        if value == NOBODY:
            is_of_office = self.activity.step.not_in(REQUESTER_STEPS)
            return and_(self.activity.id.is_not(None), self.activity.finished_at.is_(None), is_of_office,
                        self.activity.held_by_id.is_(None))  # fmt: skip
        if value == LEFT:
            return self._is_of_who_left()
        holder = get_current_user().id if value == ME else parse_id(value)
        result: ColumnElement[bool] = self.activity.held_by_id == holder
        return result

    def _is_of_who_left(self) -> ColumnElement[bool]:
        is_disabled = self.activity.held_by_id.in_(select(User.id).where(User.is_active.is_(False)))
        has_no_role = self.activity.held_by_id.in_(select(User.id).where(User.is_change_manager.is_(False)))
        is_managers = self.activity.actor_role == Role.CHANGE_MANAGER
        return and_(self.activity.finished_at.is_(None), or_(is_disabled, and_(is_managers, has_no_role)))


@dataclass(frozen=True, slots=True)
class OpenStepTimeliness(ChoiceFilter):
    """Requests whose open step is late, or in time: ``?judged=late``."""

    @override
    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the chosen timeliness. Raises Malformed for an unknown one."""
        value = given.get(self.key)
        if not value:
            return None
        if value not in set(Timeliness):
            raise self._malformed(value)
        session = db.session()
        agencies = visible_agencies(session)
        late = late_now(session, agencies, now())
        asked = late if value == Timeliness.LATE else and_(open_with_standard(session, agencies), ~late)
        agency_ids = [agency.id for agency in agencies]
        of_open = select(_activity.change_id).where(
            _activity.finished_at.is_(None), _activity.agency_id.in_(agency_ids), asked
        )
        result: ColumnElement[bool] = self.column.in_(of_open) if agency_ids else false()
        return result


#: The filter's value for requests without an urgency.
NOT_ASSESSED = "unjudged"


@dataclass(frozen=True, slots=True)
class UrgencyFilter(ChoiceFilter):
    """Requests of an urgency, or not assessed yet: ``?urgency=unjudged``."""

    @override
    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return (value, title) of the choices."""
        return [*ChoiceFilter.options(self), (NOT_ASSESSED, _("Not assessed yet"))]

    @override
    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return equality with the chosen member, or IS NULL."""
        if given.get(self.key) == NOT_ASSESSED:
            result: ColumnElement[bool] = self.column.is_(None)
            return result
        return ChoiceFilter.criterion(self, given, zone)


#: Of so many assets at the most the requests are looked for.
_MAX_ASSETS = 500


@dataclass(frozen=True, slots=True)
class AssetFilter(TextFilter):
    """Requests that name or changed an asset, which is found by code, name, plate …: ``?asset=X5YZ``."""

    @override
    def criterion(self, values: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the requests of the assets that are found."""
        value = (values.get(self.key) or "").strip()
        if not value:
            return None
        search = Search.prepare(db.session(), current_principal(), parse_search(value))
        ids = search.find(SearchKind.ASSET, _MAX_ASSETS) or search.loosened().find(SearchKind.ASSET, _MAX_ASSETS)
        result: ColumnElement[bool] = self.column.in_(changes_of_assets(ids))
        return result
