"""Store when open steps are due, and let an administrator reassign a step.

The due times are filled in by the next sweep, which the server makes every minute: they follow from calendars.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "step_due",
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_step_due_step"),
        ),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_step_due_activity_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_step_due_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_step_due_change_id")),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_step_due")),
    )
    with op.batch_alter_table("step_due") as batch:
        batch.create_index(batch.f("ix_step_due_agency_id"), ["agency_id"], unique=False)
        batch.create_index(batch.f("ix_step_due_due_at_change_id"), ["due_at", "change_id"], unique=False)
        batch.create_index(
            batch.f("ix_step_due_step_due_at_activity_id"), ["step", "due_at", "activity_id"], unique=False
        )

    with op.batch_alter_table("handover") as batch:
        batch.add_column(sa.Column("by_administrator", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch.drop_constraint(batch.f("ck_handover_by_one_of_the_two"), type_="check")
        batch.create_check_constraint(
            batch.f("ck_handover_by_one_of_the_two"), "by_id IN (from_id, to_id) OR by_administrator"
        )


def downgrade() -> None:
    _say_that_the_new_assignee_took_over()
    with op.batch_alter_table("handover") as batch:
        batch.drop_constraint(batch.f("ck_handover_by_one_of_the_two"), type_="check")
        batch.create_check_constraint(batch.f("ck_handover_by_one_of_the_two"), "by_id IN (from_id, to_id)")
        batch.drop_column("by_administrator")

    with op.batch_alter_table("step_due") as batch:
        batch.drop_index(batch.f("ix_step_due_step_due_at_activity_id"))
        batch.drop_index(batch.f("ix_step_due_due_at_change_id"))
        batch.drop_index(batch.f("ix_step_due_agency_id"))

    op.drop_table("step_due")


def _say_that_the_new_assignee_took_over() -> None:
    """Give reassignments by an administrator the nearest that the former version knows."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute("ALTER TABLE handover DISABLE TRIGGER USER" if is_postgresql else "DROP TRIGGER handover_no_update")
    op.execute("UPDATE handover SET by_id = to_id, by_name = to_name, by_title = to_title WHERE by_administrator")
    if is_postgresql:
        op.execute("ALTER TABLE handover ENABLE TRIGGER USER")
