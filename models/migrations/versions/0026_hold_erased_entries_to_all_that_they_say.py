"""Hold erased entries of the trail to all that they say, and let several destructions erase of one

The index is built anew; the table has as many rows as were ever erased. An entry that is erased already gets an erasure
more, with the hash of the whole entry as it stands.
"""

import datetime as dt
import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

COPIED = (
    "agency_id", "destruction_id", "table_name", "row_key", "reason", "erased_at", "erased_by_id", "erased_by_name"
)  # fmt: skip
HASHED = (
    "actor_id", "actor_name", "capacity", "address", "request_id", "action", "reason", "rows", "previous_hash"
)  # fmt: skip
TIMESTAMP = sa.DateTime(timezone=True)
ENTRY = sa.table(
    "audit_entry",
    sa.column("id", sa.BigInteger),
    sa.column("chain", sa.BigInteger),
    sa.column("number", sa.Integer),
    sa.column("at", TIMESTAMP),
    *(sa.column(name) for name in HASHED),
)
ERASURE = sa.table(
    "erasure",
    sa.column("id", sa.BigInteger),
    sa.column("content_hash", sa.String),
    *(sa.column(name, TIMESTAMP if name == "erased_at" else None) for name in COPIED),
)


def upgrade() -> None:
    with op.batch_alter_table("erasure") as batch:
        batch.drop_index(batch.f("ix_erasure_table_name_row_key"))
        batch.create_index(batch.f("ix_erasure_table_name_row_key_id"), ["table_name", "row_key", "id"], unique=False)
    connection = op.get_bind()
    for erasure, entry in _erased():
        values = {name: erasure[name] for name in COPIED}
        connection.execute(sa.insert(ERASURE).values(content_hash=_entry_hash(entry), **values))


def downgrade() -> None:
    connection = op.get_bind()
    is_postgresql = connection.dialect.name == "postgresql"
    kept = []
    if is_postgresql:
        op.execute("ALTER TABLE erasure DISABLE TRIGGER USER")
    else:
        of_table = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'erasure'"
        kept = connection.exec_driver_sql(of_table).all()
        for trigger in kept:
            op.execute(f"DROP TRIGGER {trigger.name}")
    op.execute("DELETE FROM erasure WHERE id NOT IN (SELECT min(id) FROM erasure GROUP BY table_name, row_key)")
    for erasure, entry in _erased():
        former = _hash([entry["rows"], entry["reason"]])
        connection.execute(sa.update(ERASURE).where(ERASURE.c.id == erasure["id"]).values(content_hash=former))
    if is_postgresql:
        op.execute("ALTER TABLE erasure ENABLE TRIGGER USER")
    for trigger in kept:
        connection.exec_driver_sql(trigger.sql)
    with op.batch_alter_table("erasure") as batch:
        batch.drop_index(batch.f("ix_erasure_table_name_row_key_id"))
        batch.create_index(batch.f("ix_erasure_table_name_row_key"), ["table_name", "row_key"], unique=True)


def _erased() -> list:
    """Return the erasures of entries of the trail, each with its entry, the oldest first."""
    connection = op.get_bind()
    erasures = connection.execute(
        sa.select(ERASURE).where(ERASURE.c.table_name == "audit_entry").order_by(ERASURE.c.id)
    ).mappings()
    return [(erasure, _entry(connection, int(erasure["row_key"]))) for erasure in erasures.all()]


def _entry(connection: sa.Connection, id_: int) -> sa.RowMapping:
    return connection.execute(sa.select(ENTRY).where(ENTRY.c.id == id_)).mappings().one()


def _entry_hash(entry: sa.RowMapping) -> str:
    at = entry["at"] if entry["at"].tzinfo else entry["at"].replace(tzinfo=dt.UTC)
    when = at.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return _hash([entry["chain"], entry["number"], when, *(entry[name] for name in HASHED)])


def _hash(content: list) -> str:
    told = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()
