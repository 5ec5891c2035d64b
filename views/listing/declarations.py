"""From the class attributes of a screen, which are Flask-Admin's, to the ``ListSpec`` that the list engine reads.

A column is a ``Column`` or a key: the name of an attribute of the model, of a relationship to one record
(``"agency"``, shown by its name), or of an attribute behind one (``"head.position"``). What such a column does not
say follows from the type of the attribute; the relationships are joined.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Date, Enum, Integer, Text
from sqlalchemy.orm import RelationshipProperty, aliased

from lpse_admin.i18n import _
from models.accounts.actor_snapshot import Source, snapshot_attribute
from models.base import OpenEnum, UtcDateTime
from views.exports.columns import CellKind
from views.listing.filters.kinds import ChoiceFilter, DateRangeFilter, Filter, TextFilter
from views.listing.lists import Column, ListSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import QueryableAttribute
    from sqlalchemy.orm.util import AliasedClass

    from lpse_admin.i18n import Message
    from models.base import Base

#: The column that a related record is shown by: the first of these that it has.
_NAME_COLUMNS = ("full_name", "name")
#: What the cells of a column of each type hold.
_KINDS: tuple[tuple[type[Any], CellKind], ...] = (
    (Boolean, CellKind.BOOLEAN),
    (Integer, CellKind.NUMBER),
    (UtcDateTime, CellKind.DATETIME),
    (Date, CellKind.DATE),
    (Enum, CellKind.CHOICE),
    (OpenEnum, CellKind.CHOICE),
)
_DATE_KINDS = frozenset({CellKind.DATE, CellKind.DATETIME})


#: The headings of columns that many screens have.
_COMMON_LABELS: Mapping[str, Message] = {"agency": _("Agency"), "state": _("State")}


def build_spec(screen: type[Any]) -> ListSpec:
    """Return what the class attributes of ``screen`` declare of its list, details page and exports."""
    resolver = _Resolver(screen)
    id_column = Column("id", _("Id"), screen.model.id, CellKind.NUMBER, in_list=False, in_export=False)
    columns = {"id": replace(id_column, sortable="id" in screen.column_sortable_list)}
    columns |= {column.key: column for column in map(resolver.column, screen.column_list)}
    details = [_key(declared) for declared in screen.column_details_list]
    for declared in screen.column_details_list:
        if _key(declared) not in columns:
            column = resolver.column(declared)
            columns[column.key] = replace(column, in_list=False)
    if not any(column.is_link for column in columns.values()):
        first = _key(screen.column_list[0])
        columns[first] = replace(columns[first], is_link=True)
    if screen.column_export_list:
        exported = [_key(declared) for declared in screen.column_export_list]
        columns = {key: replace(column, in_export=key in exported) for key, column in columns.items()}
    return ListSpec(
        model=screen.model,
        column_list=tuple(columns.values()),
        details_keys=tuple(details),
        column_filters=tuple(_filter(declared, columns) for declared in screen.column_filters),
        column_searchable_list=tuple(
            resolver.expression(declared) if isinstance(declared, str) else declared
            for declared in screen.column_searchable_list
        ),
        column_default_sort=_default_sort(screen.column_default_sort),
        default_sort_while_open=screen.default_sort_while_open,
        joins=(*screen.column_joins, *resolver.joins.values()),
        link_id=screen.link_id,
        base_criteria=screen.base_criteria,
        index=screen.list_index,
        search_hint=screen.search_hint,
        other_parameters=screen.other_parameters,
    )


class _Resolver:
    """Completes the columns of one screen, and collects the joins that they need."""

    def __init__(self, screen: type[Any]) -> None:
        self._model = screen.model
        self._labels = {**_COMMON_LABELS, **screen.column_labels}
        self._sortable = frozenset(screen.column_sortable_list)
        #: Path of a relationship -> its aliased target, and the condition to join it on.
        self.joins: dict[str, tuple[Any, Any]] = {}

    def column(self, declared: Column | str) -> Column:
        """Return the column with its heading, expression and kind; KeyError for one without a label."""
        column = Column(declared) if isinstance(declared, str) else declared
        is_attribute = column.expression is None or isinstance(column.expression, str)
        expression = self.expression(column.expression or column.key) if is_attribute else column.expression
        kind, choices = _kind_and_choices(column, expression)
        return replace(
            column,
            heading=column.heading if column.heading.text else self._labels[column.key],
            expression=expression,
            kind=kind,
            choices=choices,
            sortable=column.sortable or column.key in self._sortable,
            wide=column.wide or (is_attribute and isinstance(expression.type, Text)),
            superadmin_only=column.superadmin_only or column.key == "agency",
        )

    def expression(self, path: str) -> QueryableAttribute[Any]:
        """Return the column at the end of ``path``; the relationships on the way are joined."""
        owner: Any = self._model
        walked = ""
        if (stored := _snapshot(owner, path)) is not None:
            return stored
        for name in path.split("."):
            attribute: QueryableAttribute[Any] = getattr(owner, name)
            if not isinstance(getattr(attribute, "property", None), RelationshipProperty):
                return attribute
            walked = f"{walked}_{name}"
            owner = self._join(walked, attribute)
        column: QueryableAttribute[Any] = next(getattr(owner, name) for name in _NAME_COLUMNS if hasattr(owner, name))
        return column

    def _join(self, path: str, relationship: QueryableAttribute[Any]) -> AliasedClass[Any]:
        if path not in self.joins:
            target: AliasedClass[Any] = aliased(
                relationship.property.entity.class_, name=self._model.__tablename__ + path
            )
            self.joins[path] = target, relationship.of_type(target)
        joined: AliasedClass[Any] = self.joins[path][0]
        return joined


def _snapshot(model: type[Base] | AliasedClass[Any], path: str) -> QueryableAttribute[Any] | None:
    """Return the stored name or title of who acted, for the path of such a user: no join."""
    relationship, _dot, source = path.partition(".")
    sources: dict[str, Source] = {"": "full_name", "full_name": "full_name", "position": "position"}
    return snapshot_attribute(model, relationship, sources[source]) if source in sources else None


def _kind_and_choices(column: Column, expression: QueryableAttribute[Any]) -> tuple[CellKind, Any]:
    """Return what the cells of ``column`` hold: what it says itself, else what the type of ``expression`` says."""
    if column.kind is not CellKind.TEXT or column.formatter is not None:
        return column.kind, column.choices
    if column.choices is not None:
        return CellKind.CHOICE, column.choices
    cell_type = getattr(expression, "type", None)  # none where cells are computed
    kind = next((kind for type_, kind in _KINDS if isinstance(cell_type, type_)), CellKind.TEXT)
    return kind, cell_type.enum_class if isinstance(cell_type, Enum | OpenEnum) else None


def _key(declared: Column | str) -> str:
    return declared if isinstance(declared, str) else declared.key


def _filter(declared: Filter | str, columns: Mapping[str, Column]) -> Filter:
    """Return the filter for a column of this key: a choice, a period, or a part of a text."""
    if isinstance(declared, Filter):
        return declared
    column = columns[declared]
    if column.kind is CellKind.CHOICE:
        return ChoiceFilter(column.key, column.heading, column=column.expression, choices=column.choices)
    if column.kind in _DATE_KINDS:
        is_datetime = column.kind is CellKind.DATETIME
        return DateRangeFilter(column.key, column.heading, column=column.expression, is_datetime=is_datetime)
    return TextFilter(column.key, column.heading, column=column.expression, contains=True)


def _default_sort(declared: str | tuple[str, bool]) -> str:
    """Return an order as the address has it: ``("name", True)`` is ``-name``."""
    if isinstance(declared, str):
        return declared
    key, is_descending = declared
    return f"-{key}" if is_descending else key
