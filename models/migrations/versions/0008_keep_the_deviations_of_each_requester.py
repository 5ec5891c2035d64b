"""Keep the deviations of each requester's requests in their order, and their totals.

With 100,000 requests (40,000 deviations) this takes two seconds. No table that is there is written anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "requester_deviation_total",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("requester_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("month", sa.Date(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("executor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("follower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_merged", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('equipment', 'time', 'output')", name=op.f("ck_requester_deviation_total_kind")),
        sa.CheckConstraint(
            "state IN ('raised', 'accounted', 'follow-up', 'settled')", name=op.f("ck_requester_deviation_total_state")
        ),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_requester_deviation_total_step"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_requester_deviation_total_agency_id")),
        sa.ForeignKeyConstraint(
            ["executor_id"], ["user_account.id"], name=op.f("fk_requester_deviation_total_executor_id")
        ),
        sa.ForeignKeyConstraint(
            ["follower_id"], ["user_account.id"], name=op.f("fk_requester_deviation_total_follower_id")
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["user_account.id"], name=op.f("fk_requester_deviation_total_requester_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requester_deviation_total")),
    )
    with op.batch_alter_table("requester_deviation_total", schema=None) as batch_op:
        batch_op.create_index(
            "ix_requester_deviation_total_appended",
            ["agency_id"],
            unique=False,
            sqlite_where=sa.text("NOT is_merged"),
            postgresql_where=sa.text("NOT is_merged"),
        )
        batch_op.create_index(
            "ix_requester_deviation_total_month",
            ["requester_id", "month", "kind", "step", "state", "executor_id", "follower_id", "number"],
            unique=False,
        )

    op.create_table(
        "requester_deviation",
        sa.Column("deviation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("requester_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["deviation_id"],
            ["deviation.id"],
            name=op.f("fk_requester_deviation_deviation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["user_account.id"], name=op.f("fk_requester_deviation_requester_id")
        ),
        sa.PrimaryKeyConstraint("deviation_id", name=op.f("pk_requester_deviation")),
    )
    with op.batch_alter_table("requester_deviation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_requester_deviation_raised", ["requester_id", "raised_at", "deviation_id"], unique=False
        )

    _fill()
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("requester_deviation", schema=None) as batch_op:
        batch_op.drop_index("ix_requester_deviation_raised")

    op.drop_table("requester_deviation")
    with op.batch_alter_table("requester_deviation_total", schema=None) as batch_op:
        batch_op.drop_index("ix_requester_deviation_total_month")
        batch_op.drop_index(
            "ix_requester_deviation_total_appended",
            sqlite_where=sa.text("NOT is_merged"),
            postgresql_where=sa.text("NOT is_merged"),
        )

    op.drop_table("requester_deviation_total")
    op.create_triggers(revision, down_revision)


def _fill() -> None:
    """Read what is there; on PostgreSQL, keep it from being written until the triggers are there."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute("LOCK TABLE deviation IN SHARE ROW EXCLUSIVE MODE")
    op.execute("""
        INSERT INTO requester_deviation (deviation_id, requester_id, raised_at)
        SELECT d.id, c.requester_id, d.raised_at FROM deviation d JOIN change_request c ON c.id = d.change_id
    """)
    month = (
        "strftime('%Y-%m-01', d.raised_at, '+7 hours')"
        if is_sqlite
        else "CAST(date_trunc('month', d.raised_at AT TIME ZONE 'UTC' + INTERVAL '7 hours') AS date)"
    )
    for of in ("CAST(NULL AS date)", month):
        op.execute(f"""
            INSERT INTO requester_deviation_total
                (agency_id, requester_id, month, kind, step, state, executor_id, follower_id, number, is_merged)
            SELECT d.agency_id, c.requester_id, {of}, d.kind, d.step, CASE WHEN d.account IS NULL THEN 'raised'
                WHEN d.disposal IS NULL THEN 'accounted'
                WHEN d.disposal = 'follow-up' AND d.followed_up_at IS NULL THEN 'follow-up' ELSE 'settled' END,
                d.executor_id, d.follow_up_by_id, count(*), TRUE
            FROM deviation d JOIN change_request c ON c.id = d.change_id GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
        """)
