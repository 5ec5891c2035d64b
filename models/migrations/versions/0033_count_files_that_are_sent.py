"""Count what each user and each office sends in files on a day

A new table; nothing that is there is touched.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("id", _ID, nullable=False),
        sa.Column("agency_id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_upload_agency_id"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_upload_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
    )
    op.create_index("ix_upload_agency_id_at", "upload", ["agency_id", "at"])
    op.create_index("ix_upload_at", "upload", ["at"])
    op.create_index("ix_upload_user_id_at", "upload", ["user_id", "at"])


def downgrade() -> None:
    op.drop_table("upload")
