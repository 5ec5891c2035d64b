"""Copying of requests in the database: rows with SQL, audit entries with the audit code; rebuilds the search index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, func, select, text, update

from demo.copying.choice import choose, give_ids, give_numbers
from demo.copying.rows import copy_rows
from demo.copying.templates import COUNTED, TABLES, read_templates
from demo.copying.trail import copy_trail
from models.audit.trail import AuditChain, AuditEntry, AuditRow
from models.changes.steps.due_times import recompute_due_times
from models.database import is_sqlite, update_statistics
from models.office.agency import Agency, NumberCounter
from models.reports import totals
from models.search import index as search_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from demo.agency.office import Office

#: Page cache of SQLite while copying, in KiB.
_CACHE = 256 * 1024


def copy_requests(session: Session, offices: Sequence[Office], requests: int, *, after: int) -> None:
    """Make ``requests`` copies of requests with ids above ``after``, evenly over ``offices``, and commit."""
    connection = session.connection()
    _lock_tables(connection)
    counters = {(row.agency_id, row.year): row for row in connection.execute(select(NumberCounter.__table__)).all()}
    copies = choose(offices, read_templates(connection, offices, after), requests, counters.keys())
    last = give_numbers(copies, offices, ((key, row.last) for key, row in counters.items()))
    last_ids = give_ids(copies, {name: _last_id(connection, name) for name in COUNTED})
    with search_index.suspended(connection), totals.suspended(connection):
        copy_rows(connection, copies)
        copy_trail(connection, copies, {key: row.id for key, row in counters.items()})
        _set_counters(connection, {counters[key].id: number for key, number in last.items()})
        _set_sequences(connection, last_ids | {AuditEntry.__tablename__: _last_entry(connection)})
    for office in offices:
        recompute_due_times(session, session.get_one(Agency, office.agency_id), office.hours.at(office.end))
    update_statistics(connection)
    session.commit()


def _lock_tables(connection: Connection) -> None:
    """Lock the tables against other writers until the transaction ends, because ids and numbers are assigned here."""
    if is_sqlite(connection):
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE}")
        return
    tables = (
        *COUNTED,
        NumberCounter.__tablename__,
        *(kind.__tablename__ for kind in (AuditEntry, AuditRow, AuditChain)),
    )
    connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE"))


def _last_id(connection: Connection, table: str) -> int:
    return connection.scalar(select(func.max(TABLES[table].c.id))) or 0


def _last_entry(connection: Connection) -> int:
    return connection.scalar(select(func.max(AuditEntry.id))) or 0


def _set_counters(connection: Connection, last: Mapping[int, int]) -> None:
    """Store the last numbers; ``last`` by counter id."""
    statement = update(NumberCounter).where(NumberCounter.id == bindparam("counter")).values(last=bindparam("number"))
    connection.execute(statement, [{"counter": id_, "number": number} for id_, number in last.items()])


def _set_sequences(connection: Connection, last: Mapping[str, int]) -> None:
    """Set PostgreSQL's sequences to the last ids; on SQLite, reset the page cache."""
    if is_sqlite(connection):
        connection.exec_driver_sql("PRAGMA cache_size = -2000")
        return
    for table, number in last.items():
        if number:
            statement = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :number)")
            connection.execute(statement, {"table": table, "number": number})
