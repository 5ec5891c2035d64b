"""Keep SOPs that are being edited in the browser

The CHECKs read two small tables once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

FORMER_SCREENS = (
    "screen IN ('change', 'comment', 'evaluation', 'returned', 'urgency', 'approval', 'implementation', 'test', "
    "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', "
    "'asset-code', 'asset-import', 'asset-period', 'room', 'document', 'paper', 'paper-setting', "
    "'deviation', 'delegation', 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', 'account-request', "
    "'holiday', 'setting', 'audit', 'inspection', 'finding', 'self-check', 'integrity', 'retention', 'hold', "
    "'destruction', 'archive-reference')"
)
SCREENS = FORMER_SCREENS.replace("'sop',", "'sop', 'edited-sop',")
CHOSEN = ("list_choice", "saved_view")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "edited_sop",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("based_on_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("revision_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("begun_by_name", sa.String(length=300), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("saved_by_name", sa.String(length=300), nullable=True),
        sa.CheckConstraint("state IN ('open', 'loaded')", name=op.f("ck_edited_sop_state")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_edited_sop_agency_id")),
        sa.ForeignKeyConstraint(["based_on_id"], ["sop.id"], name=op.f("fk_edited_sop_based_on_id")),
        sa.ForeignKeyConstraint(["begun_by_id"], ["user_account.id"], name=op.f("fk_edited_sop_begun_by_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["sop.id"], name=op.f("fk_edited_sop_revision_id")),
        sa.ForeignKeyConstraint(["saved_by_id"], ["user_account.id"], name=op.f("fk_edited_sop_saved_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edited_sop")),
    )
    op.create_index(op.f("ix_edited_sop_agency_id_saved_at_id"), "edited_sop", ["agency_id", "saved_at", "id"])
    op.create_index(op.f("ix_edited_sop_based_on_id"), "edited_sop", ["based_on_id"])
    op.create_index(op.f("ix_edited_sop_revision_id"), "edited_sop", ["revision_id"])
    for table in CHOSEN:
        _check_screens(table, SCREENS)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    for table in CHOSEN:
        rows = sa.table(table, sa.column("screen"))
        op.execute(sa.delete(rows).where(rows.c.screen == "edited-sop"))
        _check_screens(table, FORMER_SCREENS)
    op.drop_table("edited_sop")
    op.create_triggers(revision, down_revision)


def _check_screens(table: str, values: str) -> None:
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_screen"), type_="check")
        batch.create_check_constraint(op.f(f"ck_{table}_screen"), values)
