from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

from flask.typing import ResponseReturnValue
from flask_admin.base import BaseView, expose
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import InstrumentedAttribute, Query, scoped_session
from wtforms import Form

_Column: TypeAlias = str | InstrumentedAttribute[Any]

class ModelView(BaseView):
    model: type[Any]
    session: scoped_session[Any]

    can_create: bool
    can_edit: bool
    can_delete: bool
    can_view_details: bool
    can_export: bool
    list_template: str
    edit_template: str
    create_template: str
    details_template: str
    column_list: Sequence[_Column] | None
    column_exclude_list: Sequence[_Column] | None
    column_details_list: Sequence[_Column] | None
    column_export_list: Sequence[_Column] | None
    column_formatters: Mapping[str, Callable[..., object]]
    column_labels: Mapping[str, object] | None
    column_descriptions: Mapping[str, object] | None
    column_sortable_list: Sequence[_Column | tuple[str, object]] | None
    column_default_sort: object
    column_searchable_list: Sequence[_Column] | None
    column_filters: Collection[object] | None
    column_choices: Mapping[str, Sequence[tuple[object, object]]] | None
    column_select_related_list: Sequence[object]
    export_types: Sequence[str]
    form: type[Form] | None
    form_columns: Sequence[_Column] | None
    form_args: Mapping[str, Mapping[str, object]] | None
    page_size: int
    page_size_options: Sequence[int]
    can_set_page_size: bool

    def __init__(
        self,
        model: type[Any],
        session: SQLAlchemy | scoped_session[Any],
        name: str | None = None,
        category: str | None = None,
        endpoint: str | None = None,
        url: str | None = None,
    ) -> None: ...
    def _refresh_cache(self) -> None: ...
    def scaffold_auto_joins(self) -> list[Any]: ...
    def get_query(self) -> Query[Any]: ...
    def get_count_query(self) -> Query[Any]: ...
    def get_one(self, id: str) -> Any: ...
    def is_action_allowed(self, name: str) -> bool: ...
    @expose("/")
    def index_view(self) -> ResponseReturnValue: ...
    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue: ...
    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue: ...
    @expose("/details/")
    def details_view(self) -> ResponseReturnValue: ...
    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue: ...
    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue: ...
    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> ResponseReturnValue: ...
    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> ResponseReturnValue: ...
    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self) -> ResponseReturnValue: ...
