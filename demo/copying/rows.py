"""The rows of copied requests: one INSERT … SELECT for each table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table

from demo.copying.templates import COUNTED, KEYS, PLANNED, TABLES, counted_target, is_date, is_moment
from demo.copying.writer import write
from lpse_admin.workflow.record_fields import REQUEST_FIELDS, FieldKind
from models.base import IdType
from models.database import is_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from demo.copying.choice import Copy
    from demo.copying.templates import Template

_temporary = MetaData()
#: The copies: the template, the shift in time, the number and the first ids of each.
_COPY = Table(
    "demo_copy",
    _temporary,
    Column("template_id", IdType, index=True),
    Column("days", Integer),
    Column("seconds", Integer),
    Column("number", String),
    Column("year", Integer),
    Column("serial", Integer),
    *(Column(f"first_{name}", IdType) for name in COUNTED),
    prefixes=["TEMPORARY"],
)
#: The rows of the templates: ``rank`` is the index of a row among those of its table and template.
_ROW = Table(
    "demo_row",
    _temporary,
    Column("of_table", String, primary_key=True),
    Column("row_id", IdType, primary_key=True, autoincrement=False),
    Column("template_id", IdType),
    Column("rank", Integer),
    prefixes=["TEMPORARY"],
)
#: The overlap reason of a copied release whose template has none; copies may overlap.
OVERLAP_REASON = "Dikerjakan bersama rilis lain pada waktu yang sama; pengguna hanya terganggu satu kali."


def copy_rows(connection: Connection, copies: Sequence[Copy]) -> None:
    """Write the rows of ``copies``."""
    _temporary.create_all(connection)
    write(connection, _COPY, (_copy_row(copy) for copy in copies))
    templates = {copy.template.id: copy.template for copy in copies}
    write(connection, _ROW, (row for template in templates.values() for row in _template_rows(template)))
    if not is_sqlite(connection):
        connection.exec_driver_sql("ANALYZE demo_copy, demo_row")
    for name in TABLES:
        connection.exec_driver_sql(_insert(name, sqlite=is_sqlite(connection)))
    _temporary.drop_all(connection)


def _copy_row(copy: Copy) -> dict[str, object]:
    first = {f"first_{name}": first for name, first in copy.first_ids.items()}
    return {
        "template_id": copy.template.id,
        "days": copy.days,
        "seconds": copy.seconds,
        "number": copy.number,
        "year": copy.year,
        "serial": copy.serial,
        **first,
    }


def _template_rows(template: Template) -> Iterator[dict[str, object]]:
    for name, ids in template.rows.items():
        for rank, id_ in enumerate(ids):
            yield {"of_table": name, "row_id": id_, "template_id": template.id, "rank": rank}


def _insert(name: str, *, sqlite: bool) -> str:
    """Return the statement that copies the rows of one table."""
    table = TABLES[name]
    expressions = {column.name: _expression(name, column, sqlite=sqlite) for column in table.columns}
    joins = "".join(
        f" LEFT JOIN demo_row r_{column.name} ON r_{column.name}.of_table = '{counted_target(column)}'"
        f" AND r_{column.name}.row_id = s.{column.name}"
        for column in table.columns
        if counted_target(column)
    )
    return (
        f"INSERT INTO {name} ({', '.join(expressions)}) SELECT {', '.join(expressions.values())}"  # noqa: S608 - our own names
        f" FROM demo_copy k JOIN demo_row r ON r.of_table = '{name}' AND r.template_id = k.template_id"
        f" JOIN {name} s ON s.{KEYS[name]} = r.row_id{joins} ORDER BY k.first_change_request, r.rank"
    )


def _expression(name: str, column: Column[Any], *, sqlite: bool) -> str:
    """Return the SQL expression for a column of a copy."""
    value = f"s.{column.name}"
    if own := _own(name, column.name, value, sqlite=sqlite):
        return own
    if target := counted_target(column):
        return f"k.first_{target} + r_{column.name}.rank"
    if column.name == KEYS[name]:
        return f"k.first_{name} + r.rank"
    if is_date(column):
        return f"date({value}, k.days || ' days')" if sqlite else f"{value} + k.days"
    return _later(value, "0" if name == PLANNED else "k.seconds", sqlite=sqlite) if is_moment(column) else value


def _own(name: str, column: str, value: str, *, sqlite: bool) -> str | None:
    """Return the SQL expression for a column that differs apart from ids and times; None for other columns."""
    match name, column:
        case "change_request", "number" | "year" | "serial":
            return f"k.{column}"
        case "release", "overlap_reason":
            return f"CASE WHEN s.window_start_at IS NULL THEN {value} ELSE coalesce({value}, '{OVERLAP_REASON}') END"
        case "change_revision", "content":
            return _revised(value, sqlite=sqlite)
    return None


def _later(value: str, seconds: str, *, sqlite: bool) -> str:
    """Return the SQL expression for a datetime moved by the copy's days and by ``seconds``."""
    if sqlite:
        moved = f"strftime('%Y-%m-%d %H:%M:%S', {value}, k.days || ' days', {seconds} || ' seconds')"
        return f"{moved} || substr({value}, 20)"
    return f"{value} + make_interval(secs => k.days * 86400 + {seconds})"


def _revised(content: str, *, sqlite: bool) -> str:
    """Return the SQL expression for the content of a revision, with its dates moved by the copy's days."""
    for key in (field.key for field in REQUEST_FIELDS if field.kind is FieldKind.DATE):
        if sqlite:
            content = f"json_set({content}, '$.{key}', date(json_extract({content}, '$.{key}'), k.days || ' days'))"
        else:
            moved = f"to_jsonb(((({content})::jsonb->>'{key}')::date + k.days)::text)"
            content = f"jsonb_set(({content})::jsonb, '{{{key}}}', coalesce({moved}, 'null'::jsonb))"
    return content if sqlite else f"({content})::json"
