"""Store who acted with the act: name, title and capacity as at that moment

Rows that are there get the name and title that the audit trail knows of that moment, or else those of today, and the
capacity of the trail's entry where it has one. Each table is read and written once; steps are most of it. With 100,000
requests (900,000 steps) this takes a quarter of a minute on SQLite, and a minute and a half on PostgreSQL.
"""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TEXT = sa.String(length=300)

#: By table: of whom (the column is …_id), what is stored of them, and the time of the act as SQL.
NAME, TITLE, CAPACITY = "name", "title", "capacity"
BOTH = (NAME, TITLE)
ALL = (NAME, TITLE, CAPACITY)
ACTS = {
    "activity": (
        ("taken_up_by", (NAME,), "taken_up_at"),
        ("held_by", (NAME,), "coalesce(finished_at, taken_up_at)"),
        ("actor", BOTH, "finished_at"),
    ),
    "handover": (("from", BOTH, "at"), ("to", BOTH, "at"), ("by", ALL, "at")),
    "change_request": (("asked_by", BOTH, "coalesce(submitted_at, created_at)"),),
    "deviation": (
        ("executor", BOTH, "coalesce(accounted_at, raised_at)"),
        ("accounted_by", BOTH, "accounted_at"),
        ("disposed_by", BOTH, "disposed_at"),
        ("follow_up_by", BOTH, "disposed_at"),
        ("followed_up_by", ALL, "followed_up_at"),
    ),
    "delegation": (
        ("head", BOTH, "recorded_at"),
        ("delegate", BOTH, "recorded_at"),
        ("recorded_by", ALL, "recorded_at"),
        ("withdrawn_by", ALL, "withdrawn_at"),
    ),
    "absence": (("head", BOTH, "recorded_at"), ("recorded_by", ALL, "recorded_at"), ("ended_by", ALL, "ended_at")),
    "document": (("uploaded_by", BOTH, "uploaded_at"),),
    "freeze_period": (("entered_by", ALL, "entered_at"), ("lifted_by", ALL, "lifted_at")),
    "freeze_permit": (("allowed_by", BOTH, "allowed_at"),),
    "sop": (("loaded_by", BOTH, "loaded_at"), ("enacted_by", ALL, "enacted_at")),
    "asset": (("entered_by", BOTH, "entered_at"),),
    "office_day": (("set_by", BOTH, "set_at"),),
    "working_hours": (("set_by", BOTH, "set_at"),),
    "ramadan_month": (("set_by", BOTH, "set_at"),),
    "threshold": (("set_by", BOTH, "set_at"),),
    "office_options": (("set_by", BOTH, "set_at"),),
}
#: Columns of the user that are not called after the act.
USER_COLUMNS = {"asked_by": "requester_id"}

user = sa.table("user_account", sa.column("id"), sa.column("full_name"), sa.column("position"))
entry = sa.table("audit_entry", sa.column("id"), sa.column("at", TIME), sa.column("rows"))
row = sa.table("audit_row", sa.column("entry_id"), sa.column("table_name"))

#: Names and titles of each user, until a moment.
was = sa.Table(
    "user_until",
    sa.MetaData(),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("until", TIME, primary_key=True),
    sa.Column("name", TEXT),
    sa.Column("title", TEXT),
    prefixes=["TEMPORARY"],
)
#: Until when the present names and titles hold.
OPEN_END = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    for table, acts in ACTS.items():
        for act, parts, _at in acts:
            for part in parts:
                op.add_column(table, sa.Column(f"{act}_{part}", TEXT, nullable=True))
    op.add_column("deviation", sa.Column("accounted_capacity", TEXT, nullable=True))
    _write_versions(op.get_bind())
    for table, acts in ACTS.items():
        with _triggers_off(table):
            op.execute(f"UPDATE {table} SET " + ", ".join(_assignments(table, acts)))
    with _triggers_off("deviation"):
        op.execute(
            "UPDATE deviation SET accounted_capacity = (SELECT a.capacity FROM activity a"
            " WHERE a.id = deviation.activity_id AND a.actor_id = deviation.accounted_by_id)"
            " WHERE accounted_by_id IS NOT NULL"
        )
    was.drop(op.get_bind())
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    op.drop_column("deviation", "accounted_capacity")
    for table, acts in ACTS.items():
        for act, parts, _at in acts:
            for part in parts:
                op.drop_column(table, f"{act}_{part}")
    op.create_triggers(revision, down_revision)


def _write_versions(connection: sa.Connection) -> None:
    """Fill the table of names and titles: those of today, and before each change those that the trail tells of."""
    was.create(connection)
    known = {id_: (name, title) for id_, name, title in connection.execute(sa.select(user))}
    versions = {(id_, OPEN_END): values for id_, values in known.items()}
    of_users = sa.select(row.c.entry_id).where(row.c.table_name == "user_account")
    entries = sa.select(entry.c.at, entry.c.rows).where(entry.c.id.in_(of_users)).order_by(entry.c.id.desc())
    for at, rows in connection.execute(entries):
        for change in json.loads(rows):
            before, user_id = change["before"], change["id"]
            if change["table"] == "user_account" and change["action"] == "updated" and int(user_id) in known:
                name, title = known[int(user_id)]
                known[int(user_id)] = before.get("full_name", name), before.get("position", title)
                if {"full_name", "position"} & before.keys():
                    versions[int(user_id), at] = known[int(user_id)]
    if versions:
        connection.execute(
            sa.insert(was),
            [
                {"user_id": user_id, "until": until, "name": name, "title": title}
                for (user_id, until), (name, title) in versions.items()
            ],
        )


def _assignments(table: str, acts: tuple[tuple[str, tuple[str, ...], str], ...]) -> Iterator[str]:
    """Yield the assignments of an UPDATE for the columns of the acts in one table."""
    for act, parts, at in acts:
        user_id = f"{table}.{USER_COLUMNS.get(act, f'{act}_id')}"
        for part in parts:
            if part == CAPACITY:
                # The plus keeps SQLite to the index of times: there are 100,000 entries of one user.
                value = (
                    f"SELECT e.capacity FROM audit_entry e WHERE e.at = {table}.{at} AND +e.actor_id = {user_id}"
                    f" AND e.chain = {table}.agency_id ORDER BY e.id LIMIT 1"
                )
            else:
                value = (
                    f"SELECT v.{part} FROM user_until v WHERE v.user_id = {user_id} AND v.until > {at}"
                    " ORDER BY v.until LIMIT 1"
                )
            yield f"{act}_{part} = ({value})"


@contextmanager
def _triggers_off(table: str) -> Iterator[None]:
    """Let the rows of a table be written that are final; nothing but the new columns is."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        return
    there = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    triggers = connection.execute(there, {"table": table}).all()
    for name, _sql in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _name, sql in triggers:
        connection.exec_driver_sql(sql)
