"""Seal the audit trail, keep verifications and anchors, and date the accounts of inspectors"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "audit_check",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=300), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("compared_rows", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("anchors", sa.Text(), nullable=True),
        sa.Column("since", sa.Text(), nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_check")),
    )
    op.create_index(op.f("ix_audit_check_finished_at_id"), "audit_check", ["finished_at", "id"])

    op.create_table(
        "audit_anchor",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("stamped_by", sa.String(length=300), nullable=True),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("time_stamp", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_audit_anchor_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_anchor")),
        sa.UniqueConstraint("agency_id", "day", name=op.f("uq_audit_anchor_agency_id_day")),
    )
    op.create_table(
        "audit_finding",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("chain", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("table_name", sa.String(length=40), nullable=True),
        sa.Column("row_id", sa.String(length=64), nullable=True),
        sa.Column("column_name", sa.String(length=64), nullable=True),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("change_number", sa.String(length=80), nullable=True),
        sa.Column("entry_number", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('changed', 'missing', 'added', 'contradiction', 'chain', 'seal', 'anchor', 'file', 'history',"
            " 'schema', 'derived')",
            name=op.f("ck_audit_finding_kind"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["audit_check.id"], name=op.f("fk_audit_finding_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_finding")),
    )
    op.create_index(op.f("ix_audit_finding_chain_id"), "audit_finding", ["chain", "id"])
    op.create_index(op.f("ix_audit_finding_run_id_id"), "audit_finding", ["run_id", "id"])

    op.add_column("audit_entry", sa.Column("seal", sa.String(length=64), nullable=True))
    op.add_column("audit_entry", sa.Column("key_id", sa.String(length=16), nullable=True))

    op.add_column("office_options", sa.Column("anchor_addresses", sa.Text(), nullable=True))

    with op.batch_alter_table("user_account") as batch:
        batch.add_column(sa.Column("inspects_from", sa.Date(), nullable=True))
        batch.add_column(sa.Column("inspects_until", sa.Date(), nullable=True))
        batch.create_check_constraint(batch.f("ck_user_account_inspects_for_a_time"), "inspects_from <= inspects_until")

    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("user_account") as batch:
        batch.drop_constraint(batch.f("ck_user_account_inspects_for_a_time"), type_="check")
        batch.drop_column("inspects_until")
        batch.drop_column("inspects_from")

    with op.batch_alter_table("office_options") as batch:
        batch.drop_column("anchor_addresses")

    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_column("key_id")
        batch.drop_column("seal")

    op.drop_index(op.f("ix_audit_finding_run_id_id"), table_name="audit_finding")
    op.drop_index(op.f("ix_audit_finding_chain_id"), table_name="audit_finding")

    op.drop_table("audit_finding")
    op.drop_table("audit_anchor")
    op.drop_index(op.f("ix_audit_check_finished_at_id"), table_name="audit_check")

    op.drop_table("audit_check")
    op.create_triggers(revision, down_revision)
