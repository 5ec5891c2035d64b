"""Keep totals of the register by month; read open, late and searched rows along indexes of their own.

With 100,000 requests (900,000 steps, 1.5 million audit entries) the totals and the indexes take half a minute, in which
nobody writes: the largest is that of the actors' names. No table is written anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "request_total",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.Column("urgency", sa.String(length=32), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_merged", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "result IN ('completed', 'rolled-back', 'rejected', 'withdrawn')", name=op.f("ck_request_total_result")
        ),
        sa.CheckConstraint("urgency IN ('normal', 'emergency')", name=op.f("ck_request_total_urgency")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_request_total_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_total")),
    )
    with op.batch_alter_table("request_total", schema=None) as batch_op:
        batch_op.create_index(
            "ix_request_total_appended",
            ["agency_id"],
            unique=False,
            sqlite_where=sa.text("NOT is_merged"),
            postgresql_where=sa.text("NOT is_merged"),
        )
        batch_op.create_index(
            "ix_request_total_month", ["agency_id", "month", "result", "urgency", "number"], unique=False
        )

    op.create_table(
        "step_total",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("wait_class", sa.Integer(), nullable=False),
        sa.Column("waited_minutes", sa.Integer(), nullable=True),
        sa.Column("finished", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("in_time", sa.Integer(), nullable=False),
        sa.Column("is_merged", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_step_total_step"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_step_total_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_total")),
    )
    with op.batch_alter_table("step_total", schema=None) as batch_op:
        batch_op.create_index(
            "ix_step_total_appended",
            ["agency_id"],
            unique=False,
            sqlite_where=sa.text("NOT is_merged"),
            postgresql_where=sa.text("NOT is_merged"),
        )
        batch_op.create_index(
            "ix_step_total_class",
            ["agency_id", "step", "month", "wait_class", "finished", "late", "in_time"],
            unique=False,
            sqlite_where=sa.text("waited_minutes IS NULL"),
            postgresql_where=sa.text("waited_minutes IS NULL"),
        )
        batch_op.create_index(
            "ix_step_total_minutes",
            ["agency_id", "step", "wait_class", "month", "waited_minutes", "finished"],
            unique=False,
            sqlite_where=sa.text("waited_minutes IS NOT NULL"),
            postgresql_where=sa.text("waited_minutes IS NOT NULL"),
        )

    op.create_table(
        "deviation_total",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("month", sa.Date(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("executor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_merged", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('equipment', 'time', 'output')", name=op.f("ck_deviation_total_kind")),
        sa.CheckConstraint(
            "state IN ('raised', 'accounted', 'follow-up', 'settled')", name=op.f("ck_deviation_total_state")
        ),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_deviation_total_step"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_deviation_total_agency_id")),
        sa.ForeignKeyConstraint(["executor_id"], ["user_account.id"], name=op.f("fk_deviation_total_executor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deviation_total")),
    )
    with op.batch_alter_table("deviation_total", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deviation_total_appended",
            ["agency_id"],
            unique=False,
            sqlite_where=sa.text("NOT is_merged"),
            postgresql_where=sa.text("NOT is_merged"),
        )
        batch_op.create_index(
            "ix_deviation_total_month",
            ["agency_id", "month", "kind", "step", "state", "executor_id", "number"],
            unique=False,
        )

    op.create_table(
        "requester_total",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("requester_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("result", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_merged", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "result IN ('completed', 'rolled-back', 'rejected', 'withdrawn')", name=op.f("ck_requester_total_result")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_requester_total_agency_id")),
        sa.ForeignKeyConstraint(["requester_id"], ["user_account.id"], name=op.f("fk_requester_total_requester_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requester_total")),
    )
    with op.batch_alter_table("requester_total", schema=None) as batch_op:
        batch_op.create_index(
            "ix_requester_total_appended",
            ["agency_id"],
            unique=False,
            sqlite_where=sa.text("NOT is_merged"),
            postgresql_where=sa.text("NOT is_merged"),
        )
        batch_op.create_index("ix_requester_total_result", ["requester_id", "result", "number"], unique=False)

    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_own_waiting"), sqlite_where=sa.text("finished_at IS NULL"))
        batch_op.create_index(
            "ix_activity_own_waiting",
            ["finished_at", "requester_id", "step", "arrived_at", "id"],
            unique=False,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_activity_waiting"), sqlite_where=sa.text("finished_at IS NULL"))
        batch_op.create_index(
            "ix_activity_waiting",
            ["finished_at", "agency_id", "step", "arrived_at", "id"],
            unique=False,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )

    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_actor_name", ["chain", "actor_name", "at", "id"], unique=False)
        batch_op.create_index(
            "ix_audit_entry_reason",
            ["chain", "reason", "at", "id", "actor_name"],
            unique=False,
            sqlite_where=sa.text("reason IS NOT NULL"),
            postgresql_where=sa.text("reason IS NOT NULL"),
        )

    with op.batch_alter_table("change_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_change_open"), sqlite_where=sa.text("closed_at IS NULL"))
        batch_op.create_index(
            "ix_change_open",
            ["closed_at", "agency_id", "id", "submitted_at", "requester_id"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.create_index(
            "ix_change_own_open",
            ["closed_at", "requester_id", "id"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    with op.batch_alter_table("deviation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_deviation_executor_id_agency_id"), ["executor_id", "agency_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_deviation_follow_up_by_id_agency_id"), ["follow_up_by_id", "agency_id"], unique=False
        )

    with op.batch_alter_table("step_time", schema=None) as batch_op:
        batch_op.create_index(
            "ix_step_time_late",
            ["is_late", "agency_id", "step", "activity_id"],
            unique=False,
            sqlite_where=sa.text("is_late = 1"),
            postgresql_where=sa.text("is_late"),
        )
        batch_op.create_index(
            "ix_step_time_waited", ["agency_id", "step", "waited_minutes", "finished_at", "activity_id"], unique=False
        )

    _fill()
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("step_time", schema=None) as batch_op:
        batch_op.drop_index("ix_step_time_waited")
        batch_op.drop_index(
            "ix_step_time_late", sqlite_where=sa.text("is_late = 1"), postgresql_where=sa.text("is_late")
        )

    with op.batch_alter_table("deviation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deviation_follow_up_by_id_agency_id"))
        batch_op.drop_index(batch_op.f("ix_deviation_executor_id_agency_id"))

    with op.batch_alter_table("change_request", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_change_own_open",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_change_open", sqlite_where=sa.text("closed_at IS NULL"), postgresql_where=sa.text("closed_at IS NULL")
        )
        batch_op.create_index(
            batch_op.f("ix_change_open"),
            ["agency_id", "id"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_audit_entry_reason",
            sqlite_where=sa.text("reason IS NOT NULL"),
            postgresql_where=sa.text("reason IS NOT NULL"),
        )
        batch_op.drop_index("ix_audit_entry_actor_name")

    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_activity_waiting",
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_activity_waiting"),
            ["agency_id", "step", "arrived_at", "id"],
            unique=False,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_activity_own_waiting",
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_activity_own_waiting"),
            ["requester_id", "step", "arrived_at", "id"],
            unique=False,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )

    with op.batch_alter_table("requester_total", schema=None) as batch_op:
        batch_op.drop_index("ix_requester_total_result")
        batch_op.drop_index(
            "ix_requester_total_appended",
            sqlite_where=sa.text("NOT is_merged"),
            postgresql_where=sa.text("NOT is_merged"),
        )

    op.drop_table("requester_total")
    with op.batch_alter_table("deviation_total", schema=None) as batch_op:
        batch_op.drop_index("ix_deviation_total_month")
        batch_op.drop_index(
            "ix_deviation_total_appended",
            sqlite_where=sa.text("NOT is_merged"),
            postgresql_where=sa.text("NOT is_merged"),
        )

    op.drop_table("deviation_total")
    with op.batch_alter_table("step_total", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_step_total_minutes",
            sqlite_where=sa.text("waited_minutes IS NOT NULL"),
            postgresql_where=sa.text("waited_minutes IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_step_total_class",
            sqlite_where=sa.text("waited_minutes IS NULL"),
            postgresql_where=sa.text("waited_minutes IS NULL"),
        )
        batch_op.drop_index(
            "ix_step_total_appended", sqlite_where=sa.text("NOT is_merged"), postgresql_where=sa.text("NOT is_merged")
        )

    op.drop_table("step_total")
    with op.batch_alter_table("request_total", schema=None) as batch_op:
        batch_op.drop_index("ix_request_total_month")
        batch_op.drop_index(
            "ix_request_total_appended",
            sqlite_where=sa.text("NOT is_merged"),
            postgresql_where=sa.text("NOT is_merged"),
        )

    op.drop_table("request_total")
    op.create_triggers(revision, down_revision)


def _fill() -> None:
    """Count what is there; on PostgreSQL, keep what is counted from being written until the triggers are there."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("LOCK TABLE change_request, step_time, deviation IN SHARE ROW EXCLUSIVE MODE")
    op.execute(f"""
        INSERT INTO request_total (agency_id, month, result, urgency, number, is_merged)
        SELECT agency_id, {_month("submitted_at")}, result, urgency, count(*), TRUE
        FROM change_request WHERE submitted_at IS NOT NULL GROUP BY 1, 2, 3, 4
    """)
    op.execute("""
        INSERT INTO requester_total (agency_id, requester_id, result, number, is_merged)
        SELECT agency_id, requester_id, result, count(*), TRUE
        FROM change_request WHERE result IS NOT NULL GROUP BY 1, 2, 3
    """)
    for waited in ("CAST(NULL AS INTEGER)", "waited_minutes"):
        op.execute(f"""
            INSERT INTO step_total
                (agency_id, step, month, wait_class, waited_minutes, finished, late, in_time, is_merged)
            SELECT agency_id, step, {_month("finished_at")}, waited_minutes / 15, {waited}, count(*),
                sum(CASE WHEN is_late THEN 1 ELSE 0 END), sum(CASE WHEN NOT is_late THEN 1 ELSE 0 END), TRUE
            FROM step_time GROUP BY 1, 2, 3, 4, 5
        """)
    for month in ("CAST(NULL AS date)", _month("raised_at")):
        op.execute(f"""
            INSERT INTO deviation_total (agency_id, month, kind, step, state, executor_id, number, is_merged)
            SELECT agency_id, {month}, kind, step, CASE WHEN account IS NULL THEN 'raised'
                WHEN disposal IS NULL THEN 'accounted'
                WHEN disposal = 'follow-up' AND followed_up_at IS NULL THEN 'follow-up' ELSE 'settled' END,
                executor_id, count(*), TRUE
            FROM deviation GROUP BY 1, 2, 3, 4, 5, 6
        """)


def _month(column: str) -> str:
    if op.get_context().dialect.name == "sqlite":
        return f"strftime('%Y-%m-01', {column}, '+7 hours')"
    return f"CAST(date_trunc('month', {column} AT TIME ZONE 'UTC' + INTERVAL '7 hours') AS date)"
