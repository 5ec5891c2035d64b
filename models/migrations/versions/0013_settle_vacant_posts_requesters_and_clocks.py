"""Settle vacant posts, requesters who have left and times of a wrong clock, and say when a delegation is void"""

import tomllib

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "requester_takeover",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_name", sa.String(length=300), nullable=True),
        sa.Column("from_title", sa.String(length=300), nullable=True),
        sa.Column("to_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to_name", sa.String(length=300), nullable=True),
        sa.Column("to_title", sa.String(length=300), nullable=True),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("by_name", sa.String(length=300), nullable=True),
        sa.Column("by_title", sa.String(length=300), nullable=True),
        sa.Column("by_capacity", sa.String(length=300), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_requester_takeover_to_somebody_else")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_requester_takeover_agency_id")),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_requester_takeover_by_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_requester_takeover_change_id")),
        sa.ForeignKeyConstraint(["from_id"], ["user_account.id"], name=op.f("fk_requester_takeover_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["user_account.id"], name=op.f("fk_requester_takeover_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requester_takeover")),
    )
    op.create_index(op.f("ix_requester_takeover_change_id"), "requester_takeover", ["change_id"])
    op.create_table(
        "clock_correction",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("former_arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("former_taken_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_name", sa.String(length=300), nullable=True),
        sa.Column("by_title", sa.String(length=300), nullable=True),
        sa.Column("by_capacity", sa.String(length=300), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "arrived_at < former_arrived_at OR taken_up_at < former_taken_up_at",
            name=op.f("ck_clock_correction_to_an_earlier_time"),
        ),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_clock_correction_activity_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_clock_correction_agency_id")),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_clock_correction_by_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_clock_correction_change_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_correction")),
    )
    op.create_index(op.f("ix_clock_correction_activity_id"), "clock_correction", ["activity_id"])
    with op.batch_alter_table("delegation") as batch:
        batch.add_column(sa.Column("decree_date", sa.Date(), nullable=True))
        batch.add_column(sa.Column("exception_reason", sa.Text(), nullable=True))
        batch.add_column(sa.Column("void_at", sa.DateTime(timezone=True), nullable=True))
        batch.alter_column("head_id", existing_type=sa.INTEGER(), nullable=True)
        batch.create_check_constraint(
            batch.f("ck_delegation_given_by_somebody"),
            "head_id IS NOT NULL OR (kind = 'plt' AND head_name IS NOT NULL AND head_title IS NOT NULL"
            " AND decree_date IS NOT NULL)",
        )
    # So far a delegation was void while its head was not head, and in force again afterwards: it stays void.
    op.execute(
        "UPDATE delegation SET void_at ="
        " (SELECT coalesce(u.head_until, delegation.recorded_at) FROM user_account u WHERE u.id = delegation.head_id)"
        " WHERE withdrawn_at IS NULL AND EXISTS (SELECT 1 FROM user_account u WHERE u.id = delegation.head_id"
        " AND (u.head_until > delegation.recorded_at OR NOT u.is_head))"
    )

    op.add_column("agency", sa.Column("head_title", sa.String(length=300), nullable=True))
    in_force = "SELECT agency_id, source FROM sop WHERE state = 'in-force'"
    for agency_id, source in op.get_bind().execute(sa.text(in_force)).all():
        actors = tomllib.loads(source.removeprefix("\ufeff")).get("actors", [])
        titles = [actor["title"] for actor in actors if actor["role"] == "head"]
        statement = sa.text("UPDATE agency SET head_title = :title WHERE id = :id")
        op.execute(statement.bindparams(title=" atau ".join(titles)[:300] or None, id=agency_id))
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    op.drop_column("agency", "head_title")
    op.execute("UPDATE delegation SET head_id = recorded_by_id WHERE head_id IS NULL")
    with op.batch_alter_table("delegation") as batch:
        batch.drop_constraint(batch.f("ck_delegation_given_by_somebody"), type_="check")
        batch.alter_column("head_id", existing_type=sa.INTEGER(), nullable=False)
        batch.drop_column("void_at")
        batch.drop_column("exception_reason")
        batch.drop_column("decree_date")

    op.drop_table("clock_correction")
    op.drop_table("requester_takeover")
    op.create_triggers(revision, down_revision)
