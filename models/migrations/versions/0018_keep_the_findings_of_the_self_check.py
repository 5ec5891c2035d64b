"""Keep the findings of the self-check

The two CHECKs read small tables: what a user has chosen for a list.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SCREENS = (
    "screen IN ("
    "'change', 'comment', 'evaluation', 'returned', 'urgency', 'approval', 'implementation', 'test', "
    "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', "
    "'asset-code', 'asset-import', 'asset-period', 'room', 'document', 'paper', 'paper-setting', "
    "'deviation', 'delegation', 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', 'holiday', "
    "'setting', 'audit', 'inspection', 'self-check')"
)
FORMER_SCREENS = (
    SCREENS.replace(", 'paper'", "")
    .replace(", 'paper-setting'", "")
    .replace(", 'inspection'", "")
    .replace(", 'self-check'", "")
)


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "self_check_finding",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("severity", sa.String(length=32), nullable=False),
        sa.Column("record_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_name", sa.String(length=300), nullable=False),
        sa.Column("fact", sa.String(length=300), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "rule IN ('document-missing', 'out-of-order', 'parts-not-apart', 'approval-missing', "
            "'late-unexplained', 'follow-up-overdue', 'release-not-recorded', 'asset-not-updated', "
            "'asset-double', 'asset-gap', 'decree-missing', 'term-too-long', 'asleep', 'account-unused', "
            "'person-twice', 'sop-old')",
            name=op.f("ck_self_check_finding_rule"),
        ),
        sa.CheckConstraint("severity IN ('serious', 'minor', 'note')", name=op.f("ck_self_check_finding_severity")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_self_check_finding_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_check_finding")),
    )
    with op.batch_alter_table("self_check_finding", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_self_check_finding_agency_id_found_at_id"), ["agency_id", "found_at", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_self_check_finding_agency_id_severity_id"), ["agency_id", "severity", "id"], unique=False
        )
        batch_op.create_index(
            "ix_self_check_finding_open",
            ["agency_id", "rule", "record_id"],
            unique=True,
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )

    with op.batch_alter_table("list_choice", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_list_choice_screen"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_list_choice_screen"),
            SCREENS,
        )

    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_saved_view_screen"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_saved_view_screen"),
            SCREENS,
        )

    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_saved_view_screen"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_saved_view_screen"),
            FORMER_SCREENS,
        )

    with op.batch_alter_table("list_choice", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_list_choice_screen"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_list_choice_screen"),
            FORMER_SCREENS,
        )

    with op.batch_alter_table("self_check_finding", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_self_check_finding_open",
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_self_check_finding_agency_id_severity_id"))
        batch_op.drop_index(batch_op.f("ix_self_check_finding_agency_id_found_at_id"))

    op.drop_table("self_check_finding")
    op.create_triggers(revision, down_revision)
