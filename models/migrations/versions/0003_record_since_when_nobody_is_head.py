"""Record since when nobody is head: when a role of head and an account ended, as the audit trail knows it"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: The columns, and the flag whose end they record.
COLUMNS = {"head_until": "is_head", "disabled_at": "is_active"}

TIME = sa.DateTime(timezone=True)

user = sa.table("user_account", sa.column("id"), *(sa.column(name, TIME) for name in COLUMNS))
entry = sa.table("audit_entry", sa.column("id"), sa.column("at", TIME), sa.column("rows"))
row = sa.table("audit_row", sa.column("entry_id"), sa.column("table_name"))


def upgrade() -> None:
    with op.batch_alter_table("user_account") as batch:
        for name in COLUMNS:
            batch.add_column(sa.Column(name, TIME, nullable=True))
    of_users = sa.select(row.c.entry_id).where(row.c.table_name == "user_account")
    entries = sa.select(entry.c.at, entry.c.rows).where(entry.c.id.in_(of_users)).order_by(entry.c.id)
    ends = {}
    for at, rows in op.get_bind().execute(entries):
        for change in json.loads(rows):
            for name, flag in COLUMNS.items():
                if change["table"] == "user_account" and change["before"].get(flag) and not change["after"].get(flag):
                    ends[int(change["id"]), name] = at
    for (user_id, name), at in ends.items():
        op.execute(sa.update(user).where(user.c.id == user_id).values({name: at}))


def downgrade() -> None:
    with op.batch_alter_table("user_account") as batch:
        for name in COLUMNS:
            batch.drop_column(name)
