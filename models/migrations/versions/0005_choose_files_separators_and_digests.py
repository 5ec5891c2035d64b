"""Keep what an office and its users choose: kinds of files, separator of CSV files, daily digest; and what fails a mail

On PostgreSQL the CHECK on mail.fault reads that table once while nobody writes: well under a second for 500,000 mails.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FAULTS = "'sender', 'login', 'policy', 'certificate', 'encryption', 'unreachable', 'recipient', 'content'"


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "office_options",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_types", sa.String(length=200), nullable=True),
        sa.Column("digest_time", sa.String(length=5), nullable=True),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("file_types <> ''", name=op.f("ck_office_options_takes_some_files")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_office_options_agency_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_office_options_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_options")),
        sa.UniqueConstraint("agency_id", name=op.f("uq_office_options_agency_id")),
    )
    with op.batch_alter_table("mail") as batch:
        batch.add_column(sa.Column("fault", sa.String(length=32), nullable=True))
        batch.create_check_constraint(batch.f("ck_mail_fault"), f"fault IN ({FAULTS})")
    # The rows that are there get a constant, and new ones what the program says.
    with op.batch_alter_table("user_account") as batch:
        batch.add_column(sa.Column("digest_events", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        batch.add_column(sa.Column("csv_separator", sa.String(length=32), nullable=False, server_default="comma"))
        batch.create_check_constraint(
            batch.f("ck_user_account_csv_separator"), "csv_separator IN ('comma', 'semicolon')"
        )
    with op.batch_alter_table("user_account") as batch:
        batch.alter_column("digest_events", server_default=None)
        batch.alter_column("csv_separator", server_default=None)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("user_account") as batch:
        batch.drop_constraint(batch.f("ck_user_account_csv_separator"), type_="check")
        batch.drop_column("csv_separator")
        batch.drop_column("digest_events")
    with op.batch_alter_table("mail") as batch:
        batch.drop_constraint(batch.f("ck_mail_fault"), type_="check")
        batch.drop_column("fault")
    op.drop_table("office_options")
    op.create_triggers(revision, down_revision)
