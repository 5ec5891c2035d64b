"""Keep with a request for an account the days of the inspection, and the address that a new account was made with.

Two columns that may be empty; only the few requests that wait are written anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def store_addresses_of_new_accounts() -> None:
    """Store the address in the requests that wait, past PostgreSQL's trigger."""
    is_postgresql = op.get_bind().dialect.name != "sqlite"
    if is_postgresql:
        op.execute("ALTER TABLE account_request DISABLE TRIGGER USER")
    op.execute(
        "UPDATE account_request SET email ="
        " (SELECT user_account.email FROM user_account WHERE user_account.id = account_request.user_id)"
        " WHERE act = 'create' AND decided_at IS NULL"
    )
    if is_postgresql:
        op.execute("ALTER TABLE account_request ENABLE TRIGGER USER")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    with op.batch_alter_table("account_request") as batch_op:
        batch_op.add_column(sa.Column("inspects_from", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("inspects_until", sa.Date(), nullable=True))

    store_addresses_of_new_accounts()
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("account_request") as batch_op:
        batch_op.drop_column("inspects_until")
        batch_op.drop_column("inspects_from")

    op.create_triggers(revision, down_revision)
