"""appoint to posts and ask for consents

Nothing is rewritten: new tables, a column with a default, and the CHECKs on screens.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

#: Before the screen of appointments, and after.
FORMER_SCREENS = (
    "'change', 'comment', 'evaluation', 'returned', 'urgency', 'approval', 'implementation', 'test', "
    "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'own-step', 'asset', "
    "'asset-code', 'asset-import', 'asset-period', 'room', 'document', 'paper', 'paper-setting', "
    "'deviation', 'delegation', 'absence', 'freeze', 'sop', 'edited-sop', 'notification', 'mail', 'user', "
    "'account-request', 'holiday', 'setting', 'audit', 'inspection', 'finding', 'self-check', 'integrity', "
    "'retention', 'hold', 'destruction', 'archive-reference'"
)
SCREENS = FORMER_SCREENS.replace("'edited-sop', ", "'edited-sop', 'appointment', ")
#: Before the rule of the self-check on posts that nobody holds, and after.
FORMER_RULES = (
    "'document-missing', 'out-of-order', 'parts-not-apart', 'approval-missing', 'late-unexplained', "
    "'condition-not-met', 'follow-up-overdue', 'finding-overdue', 'release-not-recorded', 'asset-not-updated', "
    "'asset-double', 'asset-gap', 'decree-missing', 'term-too-long', 'asleep', 'account-unused', 'person-twice', "
    "'roles-mixed', 'nip-missing', 'sop-old', 'inspector-undated', 'inspector-over'"
)
RULES = FORMER_RULES.replace("'asleep', ", "'post-vacant', 'asleep', ")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "appointment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor_key", sa.String(length=300), nullable=False),
        sa.Column("actor_title", sa.String(length=300), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_name", sa.String(length=300), nullable=True),
        sa.Column("user_title", sa.String(length=300), nullable=True),
        sa.Column("user_nip", sa.String(length=300), nullable=True),
        sa.Column("decree_number", sa.String(length=300), nullable=False),
        sa.Column("decree_date", sa.Date(), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.Column("recorded_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recorded_by_name", sa.String(length=300), nullable=True),
        sa.Column("recorded_by_title", sa.String(length=300), nullable=True),
        sa.Column("recorded_by_capacity", sa.String(length=300), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_by_name", sa.String(length=300), nullable=True),
        sa.Column("ended_by_title", sa.String(length=300), nullable=True),
        sa.Column("ended_by_capacity", sa.String(length=300), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "role IN ('requester', 'change_manager', 'head', 'inspector', 'administrator')",
            name=op.f("ck_appointment_role"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name=op.f("ck_appointment_ended_by_somebody")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_reason IS NULL)", name=op.f("ck_appointment_ended_with_a_reason")
        ),
        sa.CheckConstraint("until_date IS NULL OR from_date <= until_date", name=op.f("ck_appointment_dates_in_order")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_appointment_agency_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["user_account.id"], name=op.f("fk_appointment_ended_by_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["user_account.id"], name=op.f("fk_appointment_recorded_by_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_appointment_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_appointment_agency_id_from_date_id"), ["agency_id", "from_date", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_appointment_user_id"), ["user_id"], unique=False)

    op.create_table(
        "step_consent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_name", sa.String(length=300), nullable=True),
        sa.Column("user_title", sa.String(length=300), nullable=True),
        sa.Column("user_nip", sa.String(length=300), nullable=True),
        sa.Column("actor_key", sa.String(length=300), nullable=False),
        sa.Column("capacity", sa.String(length=300), nullable=False),
        sa.Column("delegation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_step_consent_activity_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_step_consent_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_step_consent_change_id")),
        sa.ForeignKeyConstraint(["delegation_id"], ["delegation.id"], name=op.f("fk_step_consent_delegation_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_step_consent_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_consent")),
    )
    with op.batch_alter_table("step_consent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_step_consent_activity_id_user_id"), ["activity_id", "user_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_step_consent_change_id_id"), ["change_id", "id"], unique=False)

    with op.batch_alter_table("agency", schema=None) as batch_op:
        batch_op.add_column(sa.Column("narrows_actors", sa.Boolean(), server_default=sa.false(), nullable=False))

    set_screens(SCREENS)
    set_rules(RULES)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    set_screens(FORMER_SCREENS)
    op.execute(sa.text("DELETE FROM self_check_finding WHERE rule = 'post-vacant'"))
    set_rules(FORMER_RULES)
    with op.batch_alter_table("agency", schema=None) as batch_op:
        batch_op.drop_column("narrows_actors")

    with op.batch_alter_table("step_consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_step_consent_change_id_id"))
        batch_op.drop_index(batch_op.f("ix_step_consent_activity_id_user_id"))

    op.drop_table("step_consent")
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appointment_user_id"))
        batch_op.drop_index(batch_op.f("ix_appointment_agency_id_from_date_id"))

    op.drop_table("appointment")
    op.create_triggers(revision, down_revision)


def set_screens(screens: str) -> None:
    if screens != SCREENS:
        for table in ("list_choice", "saved_view"):
            op.execute(sa.text(f"DELETE FROM {table} WHERE screen = 'appointment'"))
    for table in ("list_choice", "saved_view"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_screen"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_screen"), f"screen IN ({screens})")


def set_rules(rules: str) -> None:
    with op.batch_alter_table("self_check_finding") as batch:
        batch.drop_constraint(op.f("ck_self_check_finding_rule"), type_="check")
        batch.create_check_constraint(op.f("ck_self_check_finding_rule"), f"rule IN ({rules})")
