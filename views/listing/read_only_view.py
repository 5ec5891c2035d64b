"""Records that are read: the list, the details page and the exports of a screen.

It has Flask-Admin's addresses, menu and registration, and its own answers: rights from the permission table, rows
from the scope (``models.scope``), lists and exports from one statement.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from flask import abort, g, request, session, url_for
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from sqlalchemy import select
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NotAllowed, NotFound
from lpse_admin.i18n import Message, _
from models.audit.trail import entries_for_record
from models.base import Base
from models.database import db
from models.listing.saved_view import load_list_preference, may_share
from models.reports.waiting import ActingUser, load_narrowing
from models.scope import visible
from views.app.access import can, current_delegation, get_current_user, is_acting_head
from views.app.clock import now
from views.i18n.language import current_timezone, tr
from views.listing.declarations import build_spec
from views.listing.export_log import describe_list, export_name, record_export
from views.listing.exporting import FORMATS, HEAD_PARAMETER, ListExport, export_response
from views.listing.lists import (
    PAGE_SIZES,
    Column,
    ListArguments,
    ListQuery,
    ListSpec,
    row_processor,
    select_columns,
)
from views.listing.page.cells import cell_formatter
from views.listing.page.header import SHOW_ALL_QUERY, list_header, open_default_view, shown_columns
from views.listing.page.rows import row_checkbox, table_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement
    from werkzeug.wrappers import Response as WerkzeugResponse

    from views.listing.filters.kinds import Filter
    from views.listing.filters.order import ListIndex
    from views.listing.lists import Page
    from views.listing.page.rows import Row

_Row = TypeVar("_Row", bound=Base)

#: Where a session keeps the address of the list that was looked at last; addresses beyond this length are not kept.
LAST_LIST = "list"
_MAX_ADDRESS_LENGTH = 600
_MAX_ID_DIGITS = 18


def parse_id(text: str | None) -> int:
    """Return the id in an address; raises NotFound for anything that is none, so that it looks like no such row."""
    if not text or not (text.isascii() and text.isdigit()) or len(text) > _MAX_ID_DIGITS:
        raise NotFound(_("There is no such record, or you may not see it."))
    return int(text)


def current_principal() -> ActingUser:
    """Return the current user with the place that they act in; what narrows it is loaded once for a page."""
    if "acting_user" not in g:
        user, delegation = get_current_user(), current_delegation()
        narrowing = load_narrowing(db.session(), user, delegation, now())
        g.acting_user = ActingUser(user, is_acting_head=delegation is not None, narrowing=narrowing)
    acting_user: ActingUser = g.acting_user
    return acting_user


def get_visible(model: type[_Row], id_text: str | None) -> _Row:
    """Return the row of this id, if the current user may see it; raises NotFound."""
    table: Any = model
    criterion = visible(model, get_current_user(), is_acting_head=is_acting_head())
    result = db.session.scalars(select(model).where(table.id == parse_id(id_text), criterion)).one_or_none()
    if result is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    return result


def url_builder(endpoint: str, anchor: str = "") -> Callable[[int], str]:
    """Return what gives the address of ``endpoint`` for an id."""
    start = url_for(endpoint, id="")
    return lambda id_: f"{start}{id_}{anchor}"


class ReadOnlyView(ModelView):
    """A screen of records: list, details page, exports."""

    resource: ClassVar[Resource]
    #: What the list shows and how: built from the attributes below, unless the screen builds it itself.
    spec: ClassVar[ListSpec]
    model: ClassVar[Any]
    column_list: ClassVar[tuple[Column | str, ...]] = ()
    column_labels: ClassVar[Mapping[str, Message]] = {}
    column_filters: ClassVar[tuple[Filter | str, ...]] = ()
    column_searchable_list: ClassVar[tuple[Any, ...]] = ()
    column_sortable_list: ClassVar[tuple[str, ...]] = ()
    column_default_sort: ClassVar[str | tuple[str, bool]] = "-id"
    column_details_list: ClassVar[tuple[Column | str, ...]] = ()
    column_export_list: ClassVar[tuple[Column | str, ...]] = ()
    # The rest are our own, as ``ListSpec`` describes them.
    column_joins: ClassVar[tuple[tuple[Any, Any], ...]] = ()
    base_criteria: ClassVar[tuple[Any, ...]] = ()
    default_sort_while_open: ClassVar[str | None] = None
    link_id: ClassVar[Any] = None
    #: How the list is searched and counted otherwise than by reading its rows.
    list_index: ClassVar[ListIndex | None] = None
    #: What the search looks into, in words.
    search_hint: ClassVar[Message | None] = None
    #: Parameters of the address that narrow something else on the page than the list.
    other_parameters: ClassVar[frozenset[str]] = frozenset()
    #: What the list is called, and the sentence that an empty one shows.
    title: ClassVar[Message]
    empty_message: ClassVar[Message] = _("Nothing here yet.")

    list_template = "admin/list.html"
    details_template = "admin/details.html"
    #: The text of the link to ``new/``, where the screen has one.
    create_label: ClassVar[Message] = _("New entry")
    can_create = False
    can_edit = False
    can_delete = False
    can_view_details = True
    can_export = True
    #: The names of its views that ask for the password again, where that was not entered within ten minutes.
    password_views: ClassVar[frozenset[str]] = frozenset()
    #: Whether the readers of the list choose its columns.
    can_choose_columns: ClassVar[bool] = True

    def needs_password(self) -> bool:
        """Whether this request to one of ``password_views`` is of the kind that needs the password."""
        return True

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Build the ``spec`` of a screen that declares columns."""
        super().__init_subclass__(**kwargs)
        if "column_list" in vars(cls):
            cls.spec = build_spec(cls)

    def __init__(self) -> None:
        """Register under the resource's name: /admin/<name>/."""
        name = self.resource.value
        super().__init__(self.spec.model, db, name=str(self.title), endpoint=name, url=name)

    def _refresh_cache(self) -> None:
        """Leave Flask-Admin's own columns, filters and forms unmade: this view answers with its own."""

    def scaffold_auto_joins(self) -> list[Any]:
        """Return nothing: the joins of a list are declared in its ``spec``."""
        return []

    # -- who may come in ------------------------------------------------------------------------------------

    def is_accessible(self) -> bool:
        """Whether the current user may read this screen."""
        return can(Verb.READ, self.resource)

    @override
    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        """Refuse; a stranger was sent to the login page before."""
        raise NotAllowed(_("Your role has no access to this screen."))

    def require_permission(self, verb: Verb) -> None:
        """Raise NotAllowed unless the current user may do ``verb`` here."""
        if not can(verb, self.resource):
            raise NotAllowed(_("Your role does not permit this."))

    # -- rows ------------------------------------------------------------------------------------------------

    def visible_criterion(self) -> ColumnElement[bool]:
        """Return the criterion for the rows that the current user may see."""
        return visible(self.spec.model, get_current_user(), is_acting_head=is_acting_head())

    @override
    def get_one(self, id: str) -> Any:
        """Return the visible row of this id as an object; raises NotFound."""
        result = (
            db.session.query(self.spec.model)
            .filter(self.spec.key == parse_id(id), self.visible_criterion())
            .execution_options(populate_existing=True)
            .one_or_none()
        )
        if result is None:
            raise NotFound(_("There is no such record, or you may not see it."))
        return result

    def list_query(self, args: Mapping[str, str] | None = None) -> ListQuery:
        """Return the list of the current user for ``args``, by default the arguments of the address."""
        spec = self.reader_spec()
        arguments = ListArguments.parse(spec, request.args if args is None else args)
        return ListQuery(spec, arguments, self.visible_criterion(), current_timezone())

    def reader_spec(self) -> ListSpec:
        """Return the list as the current user reads it: their office may have columns and filters of its own."""
        return self.spec

    def get_columns(self, *, in_list: bool = False, in_export: bool = False) -> list[Column]:
        """Return the columns for this reader: those of the list, of an export, or all."""
        return [
            column
            for column in self.reader_spec().column_list
            if (column.in_list or not in_list)
            and (column.in_export or not in_export)
            and (not column.superadmin_only or get_current_user().is_superadmin)
        ]

    def sort_for_details(self, columns: list[Column]) -> list[Column]:
        """Return ``columns`` in the order of the details page and of exports."""
        places = {key: index for index, key in enumerate(self.spec.details_keys)}
        return sorted(columns, key=lambda column: places.get(column.key, -1)) if places else columns

    def get_selectable_columns(self) -> list[Column]:
        """Return the columns that this reader can have in the list."""
        return self.get_columns()

    # -- pages -----------------------------------------------------------------------------------------------

    @expose("/")
    def index_view(self) -> str:
        """Show one page of the list."""
        saved = load_list_preference(db.session(), get_current_user(), self.resource)
        listing, default = (None if request.args else open_default_view(saved, self.list_query)) or (
            self.list_query(),
            None,
        )
        if saved.default_view is not None:
            listing = replace(listing, arguments=replace(listing.arguments, show_all_query=SHOW_ALL_QUERY))
        offered = self.get_selectable_columns()
        columns = shown_columns(offered, listing.arguments, saved)
        page = listing.page(db.session(), columns)
        finish = row_processor(columns, db.session())
        bulk_actions = self.bulk_actions()
        self._remember_address()
        return str(
            self.render(
                self.list_template,
                view=self,
                listing=listing,
                arguments=listing.arguments,
                spec=listing.spec,
                columns=columns,
                rows=self.render_rows(columns, [(row[0], row[1], finish(row[2:])) for row in page.rows]),
                count=page.count,
                sizes_offered=PAGE_SIZES,
                has_next_page=page.has_next_page,
                head=list_header(
                    listing,
                    saved,
                    selectable=offered,
                    columns=columns,
                    default_view=default,
                    screen=self.endpoint,
                    may_share=may_share(get_current_user()),
                    can_choose_columns=self.can_choose_columns,
                    has_checkboxes=bool(bulk_actions),
                ),
                may_create=self.can_create and can(Verb.CREATE, self.resource),
                may_export=can(Verb.EXPORT, self.resource),
                bulk_actions=bulk_actions,
                **self.list_context(listing, page),
            )
        )

    def _remember_address(self) -> None:
        """Keep the address of the list, to which "Back" leads from the pages of its records."""
        address = request.full_path.removesuffix("?")
        if len(address) <= _MAX_ADDRESS_LENGTH and session.get(LAST_LIST) != address:
            session[LAST_LIST] = address

    def back_url(self) -> str:
        """Return the address of the list as it was when it was left, with filters and page."""
        own, last = str(self.get_url(".index_view")), str(session.get(LAST_LIST, ""))
        return last if last.partition("?")[0] == own else own

    def bulk_actions(self) -> Sequence[Any]:
        """Return the bulk actions of the current user (``bulk``)."""
        return ()

    def render_rows(self, columns: Sequence[Column], rows: Sequence[Row]) -> object:
        """Return the rows as the list's template shows them."""
        tick = row_checkbox() if self.bulk_actions() else None
        return table_rows(columns, rows, self.link_url_builder(), checkbox=tick)

    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:  # noqa: ARG002 - for the screens that have some
        """Return what a screen's own list template needs beside the rows."""
        return {}

    def row_url_builder(self) -> Callable[[int], str]:
        """Return what gives the address of a row's own page; a list works it out once, not in every row."""
        return url_builder(".details_view")

    def link_url_builder(self) -> Callable[[int], str]:
        """Return what gives the address that a row's leading cell goes to."""
        return self.row_url_builder()

    def row_url(self, id: int) -> str:
        """Return the address of a row's own page."""
        return self.row_url_builder()(id)

    def link_url(self, lead: int) -> str:
        """Return the address that the row's leading cell goes to."""
        return self.link_url_builder()(lead)

    @expose("/details/")
    def details_view(self) -> str:
        """Show one record: every column but its id, and its own history."""
        columns = self.sort_for_details(self.get_columns())
        session = db.session()
        id_ = parse_id(request.args.get("id"))
        arguments = ListArguments(sort=self.spec.column_default_sort)
        listing = ListQuery(self.reader_spec(), arguments, self.visible_criterion(), current_timezone())
        row = listing.row_by_id(session, columns, id_)
        if row is None:
            raise NotFound(_("There is no such record, or you may not see it."))
        return str(
            self.render(
                self.details_template,
                view=self,
                id=id_,
                lead=row[1],
                facts=[
                    (column, cell_formatter(column, in_full=True)(value))
                    for column, value in zip(columns, row_processor(columns, session)(tuple(row)[2:]), strict=True)
                    if column.key != "id"  # readers do not use it
                ],
                history=self.history(id_),
                **self.details_context(id_),
            )
        )

    def details_context(self, id: int) -> dict[str, Any]:  # noqa: ARG002
        """Return what a screen's own details template needs beside the facts."""
        return {}

    def history(self, id: int) -> list[Any]:
        """Return the trail of this record for those who may read the trail."""
        if not can(Verb.READ, Resource.AUDIT):
            return []
        return entries_for_record(db.session(), self.spec.model.__tablename__, id)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Answer 404: nothing is created here."""
        abort(404)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Answer 404: nothing is edited here."""
        abort(404)

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Answer 404: nothing is deleted here."""
        abort(404)

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """Answer 404: there are no bulk actions here."""
        abort(404)

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> ResponseReturnValue:
        """Answer 404: no field looks up a whole table."""
        abort(404)

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self) -> ResponseReturnValue:
        """Answer 404: no cell is edited in the list."""
        abort(404)

    # -- exports ---------------------------------------------------------------------------------------------

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> WerkzeugResponse:
        """Send everything that the list matches, in its order; the columns that the address names, else all."""
        self.require_permission(Verb.EXPORT)
        if export_type not in FORMATS:
            raise NotFound(_("Exports are available as CSV, XLSX, ODS, JSON and PDF."))
        args = request.args.to_dict()
        has_head = bool(args.pop(HEAD_PARAMETER, ""))
        listing = self.list_query(args)
        columns = self.sort_for_details(self.get_columns(in_export=True))
        chosen = listing.arguments.columns
        if chosen:
            columns = select_columns(columns, chosen)
        export = ListExport(listing, columns, tr(self.title), are_chosen=bool(chosen), has_head=has_head)
        name = export_name(listing, export.title, get_current_user().agency, now(), export_type)
        respond = export_response(export, export_type)  # an address that cannot be answered is refused first
        record_export(f"{export.title} ({export_type.upper()})", describe_list(listing))
        response = respond()
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Cache-Control"] = "no-store"
        return response


__all__ = ["ReadOnlyView", "current_principal", "get_visible", "parse_id", "url_builder"]
