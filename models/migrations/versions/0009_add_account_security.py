"""Add links to set a new password, first passwords that have to be changed, and notifications about an account.

On SQLite the tables of notifications and mail are built anew. On PostgreSQL the CHECK on the events reads the
notifications once; nothing is written anew.
"""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

FORMER_EVENTS = (
    "waiting", "emergency", "outcome", "taken-up", "handed-over", "soon-late", "overdue", "deviation",
    "deviation-disposed", "follow-up", "delegation-granted", "delegation-withdrawn", "release-allowed",
)  # fmt: skip
NEW_EVENTS = ("password-reset", "email-changed")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "password_reset",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("agency_id", ID, nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("used_from", sa.String(length=45), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_password_reset_agency_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_password_reset_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_reset")),
    )
    with op.batch_alter_table("password_reset") as batch:
        batch.create_index(batch.f("ix_password_reset_address_at"), ["address", "at"], unique=False)
        batch.create_index(batch.f("ix_password_reset_token_hash"), ["token_hash"], unique=True)
        batch.create_index(batch.f("ix_password_reset_user_id_at"), ["user_id", "at"], unique=False)
    with op.batch_alter_table("login_failure") as batch:
        batch.add_column(sa.Column("was_password_right", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("mail") as batch:
        batch.alter_column("agency_id", existing_type=ID, nullable=True)
    with op.batch_alter_table("notification") as batch:
        batch.alter_column("agency_id", existing_type=ID, nullable=True)
        replace_events(batch, FORMER_EVENTS + NEW_EVENTS)
    with op.batch_alter_table("user_account") as batch:
        batch.add_column(sa.Column("is_password_initial", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch.add_column(sa.Column("password_set_at", TIME, nullable=True))
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("user_account") as batch:
        batch.drop_column("password_set_at")
        batch.drop_column("is_password_initial")
    delete_account_notifications()
    with op.batch_alter_table("notification") as batch:
        replace_events(batch, FORMER_EVENTS)
        batch.alter_column("agency_id", existing_type=ID, nullable=False)
    with op.batch_alter_table("mail") as batch:
        batch.alter_column("agency_id", existing_type=ID, nullable=False)
    with op.batch_alter_table("login_failure") as batch:
        batch.drop_column("was_password_right")
    op.drop_table("password_reset")
    op.create_triggers(revision, down_revision)


def replace_events(batch: BatchOperations, events: tuple[str, ...]) -> None:
    batch.drop_constraint(batch.f("ck_notification_event"), type_="check")
    listed = ", ".join(f"'{event}'" for event in events)
    batch.create_check_constraint(batch.f("ck_notification_event"), f"event IN ({listed})")


def delete_account_notifications() -> None:
    """Delete the notifications that the former schema has no event for, past the triggers that keep them."""
    connection = op.get_bind()
    listed = ", ".join(f"'{event}'" for event in NEW_EVENTS)
    deletions = (
        ("mail", f"notification_id IN (SELECT id FROM notification WHERE event IN ({listed}))"),
        ("notification", f"event IN ({listed})"),
    )
    for table, condition in deletions:
        if connection.dialect.name != "sqlite":
            op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            op.execute(f"DELETE FROM {table} WHERE {condition}")
            op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            continue
        trigger = f"{table}_kept"
        created = connection.exec_driver_sql(f"SELECT sql FROM sqlite_master WHERE name = '{trigger}'").scalar_one()
        op.execute(f"DROP TRIGGER {trigger}")
        op.execute(f"DELETE FROM {table} WHERE {condition}")
        connection.exec_driver_sql(created)
