"""Keep the anchors of the whole installation, verifications that are asked for, and what is told of their findings

The CHECKs read their tables once while nobody writes: on PostgreSQL a second for 100,000 requests.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

FORMER_SCREENS = (
    "screen IN ('change', 'comment', 'evaluation', 'returned', 'urgency', 'approval', 'implementation', 'test', "
    "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', "
    "'asset-code', 'asset-import', 'asset-period', 'room', 'document', 'paper', 'paper-setting', "
    "'deviation', 'delegation', 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', 'holiday', "
    "'setting', 'audit', 'inspection', 'finding', 'self-check')"
)
SCREENS = FORMER_SCREENS.replace("'self-check')", "'self-check', 'integrity')")
EVENTS = (
    "event IN ('waiting', 'emergency', 'outcome', 'taken-up', 'handed-over', 'soon-late', 'overdue', 'deviation', "
    "'deviation-disposed', 'follow-up', 'comment', 'delegation-granted', 'delegation-withdrawn', "
    "'release-unrecorded', 'release-revised', 'release-allowed', 'dossier-ready', 'dossier-failed', "
    "'finding-assigned', 'integrity', 'password-reset', 'email-changed', 'account-security', 'security-alert')"
)
FORMER_EVENTS = EVENTS.replace(" 'integrity',", "")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "audit_job",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asked_by_name", sa.String(length=300), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by_id"], ["user_account.id"], name=op.f("fk_audit_job_asked_by_id")),
        sa.ForeignKeyConstraint(["run_id"], ["audit_check.id"], name=op.f("fk_audit_job_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_job")),
    )
    op.create_index(op.f("ix_audit_job_run_id_id"), "audit_job", ["run_id", "id"])

    with op.batch_alter_table("audit_anchor") as batch:
        batch.add_column(sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True))
        batch.alter_column("agency_id", existing_type=sa.BigInteger(), nullable=True)
        batch.create_index(batch.f("ix_audit_anchor_day_id"), ["day", "id"])
        batch.create_index(
            "ix_audit_anchor_whole",
            ["day"],
            unique=True,
            sqlite_where=sa.text("agency_id IS NULL"),
            postgresql_where=sa.text("agency_id IS NULL"),
        )

    for table, column, values in (
        ("list_choice", "screen", SCREENS),
        ("saved_view", "screen", SCREENS),
        ("notification", "event", EVENTS),
    ):
        _check(table, column, values)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    _remove_what_has_no_place()
    for table, column, values in (
        ("notification", "event", FORMER_EVENTS),
        ("saved_view", "screen", FORMER_SCREENS),
        ("list_choice", "screen", FORMER_SCREENS),
    ):
        _check(table, column, values)

    with op.batch_alter_table("audit_anchor") as batch:
        batch.drop_index(
            "ix_audit_anchor_whole",
            sqlite_where=sa.text("agency_id IS NULL"),
            postgresql_where=sa.text("agency_id IS NULL"),
        )
        batch.drop_index(batch.f("ix_audit_anchor_day_id"))
        batch.alter_column("agency_id", existing_type=sa.BigInteger(), nullable=False)
        batch.drop_column("next_try_at")
    op.drop_table("audit_job")
    op.create_triggers(revision, down_revision)


def _check(table: str, column: str, values: str) -> None:
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(batch.f(f"ck_{table}_{column}"), type_="check")
        batch.create_check_constraint(batch.f(f"ck_{table}_{column}"), values)


def _remove_what_has_no_place() -> None:
    """Remove what was told of findings, what was chosen for their list, and the anchors of no office."""
    kept = ("mail", "notification", "audit_anchor")
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in kept:
        # SQLite's are created again after the migration.
        op.execute(
            f"ALTER TABLE {table} DISABLE TRIGGER {table}_kept" if is_postgresql else f"DROP TRIGGER {table}_kept"
        )
    op.execute("DELETE FROM mail WHERE notification_id IN (SELECT id FROM notification WHERE event = 'integrity')")
    op.execute("DELETE FROM notification WHERE event = 'integrity'")
    op.execute("DELETE FROM list_choice WHERE screen = 'integrity'")
    op.execute("DELETE FROM saved_view WHERE screen = 'integrity'")
    op.execute("DELETE FROM audit_anchor WHERE agency_id IS NULL")
    if is_postgresql:
        for table in kept:
            op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_kept")
