"""Keep records for as long as the office sets, and erase on record

New tables, and triggers that let recorded erasures pass. The three CHECKs read small tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

SCREENS = (
    "screen IN ('change', 'comment', 'evaluation', 'returned', 'urgency', 'approval', 'implementation', "
    "'test', 'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', "
    "'asset-code', 'asset-import', 'asset-period', 'room', 'document', 'paper', 'paper-setting', "
    "'deviation', 'delegation', 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', "
    "'account-request', 'holiday', 'setting', 'audit', 'inspection', 'finding', 'self-check', 'integrity', "
    "'retention', 'hold', 'destruction', "
    "'archive-reference')"
)
FORMER_SCREENS = SCREENS.replace(", 'retention', 'hold', 'destruction', 'archive-reference'", "")
RULES = (
    "rule IN ('document-missing', 'out-of-order', 'parts-not-apart', 'approval-missing', "
    "'late-unexplained', 'condition-not-met', 'follow-up-overdue', 'finding-overdue', 'release-not-recorded', "
    "'asset-not-updated', 'asset-double', 'asset-gap', 'decree-missing', 'term-too-long', 'asleep', "
    "'account-unused', 'person-twice', 'roles-mixed', 'nip-missing', 'sop-old', "
    "'inspector-undated', 'inspector-over')"
)
FORMER_RULES = RULES.replace(", 'inspector-undated', 'inspector-over'", "")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "destruction",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_class", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("proposed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proposed_by_name", sa.String(length=300), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_by_name", sa.String(length=300), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_destruction_decided_at_a_time")
        ),
        sa.CheckConstraint(
            "record_class IN ('request', 'release', 'asset', 'notification', 'paper', 'audit')",
            name=op.f("ck_destruction_record_class"),
        ),
        sa.CheckConstraint("state IN ('proposed', 'carried-out', 'refused')", name=op.f("ck_destruction_state")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_destruction_agency_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user_account.id"], name=op.f("fk_destruction_decided_by_id")),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["user_account.id"], name=op.f("fk_destruction_proposed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destruction")),
    )
    with op.batch_alter_table("destruction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_destruction_agency_id_proposed_at_id"), ["agency_id", "proposed_at", "id"], unique=False
        )

    op.create_table(
        "retention_rule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_class", sa.String(length=32), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("active_years", sa.Integer(), nullable=False),
        sa.Column("inactive_years", sa.Integer(), nullable=False),
        sa.Column("disposition", sa.String(length=32), nullable=False),
        sa.Column("basis", sa.String(length=300), nullable=False),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_by_name", sa.String(length=300), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "disposition IN ('destroy', 'permanent', 'assess')", name=op.f("ck_retention_rule_disposition")
        ),
        sa.CheckConstraint(
            "event IN ('closed', 'released', 'retired', 'written')", name=op.f("ck_retention_rule_event")
        ),
        sa.CheckConstraint(
            "record_class IN ('request', 'release', 'asset', 'notification', 'paper', 'audit')",
            name=op.f("ck_retention_rule_record_class"),
        ),
        sa.CheckConstraint("active_years BETWEEN 0 AND 100", name=op.f("ck_retention_rule_active_years")),
        sa.CheckConstraint("inactive_years BETWEEN 0 AND 100", name=op.f("ck_retention_rule_inactive_years")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_retention_rule_agency_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_retention_rule_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rule")),
        sa.UniqueConstraint("agency_id", "record_class", name=op.f("uq_retention_rule_agency_id_record_class")),
    )
    op.create_table(
        "destruction_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("destruction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_name", sa.String(length=300), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_destruction_item_agency_id")),
        sa.ForeignKeyConstraint(
            ["destruction_id"], ["destruction.id"], name=op.f("fk_destruction_item_destruction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destruction_item")),
    )
    with op.batch_alter_table("destruction_item", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_destruction_item_destruction_id_record_id"), ["destruction_id", "record_id"], unique=True
        )

    op.create_table(
        "erasure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("destruction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("row_key", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("erased_by_name", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_erasure_agency_id")),
        sa.ForeignKeyConstraint(["destruction_id"], ["destruction.id"], name=op.f("fk_erasure_destruction_id")),
        sa.ForeignKeyConstraint(["erased_by_id"], ["user_account.id"], name=op.f("fk_erasure_erased_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    with op.batch_alter_table("erasure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_erasure_agency_id_erased_at_id"), ["agency_id", "erased_at", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_erasure_table_name_row_key"), ["table_name", "row_key"], unique=True)

    op.create_table(
        "archive_reference",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference_number", sa.String(length=300), nullable=True),
        sa.Column("classification_code", sa.String(length=80), nullable=True),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_by_name", sa.String(length=300), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reference_number IS NOT NULL OR classification_code IS NOT NULL",
            name=op.f("ck_archive_reference_says_something"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_archive_reference_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_archive_reference_change_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_archive_reference_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_reference")),
    )
    with op.batch_alter_table("archive_reference", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_archive_reference_agency_id_classification_code_id"),
            ["agency_id", "classification_code", "id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_archive_reference_change_id"), ["change_id"], unique=True)

    op.create_table(
        "hold",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("placed_by_name", sa.String(length=300), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("lifted_by_name", sa.String(length=300), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(lifted_at IS NULL) = (lift_reason IS NULL)", name=op.f("ck_hold_lifted_with_a_reason")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_hold_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_hold_change_id")),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["user_account.id"], name=op.f("fk_hold_lifted_by_id")),
        sa.ForeignKeyConstraint(["placed_by_id"], ["user_account.id"], name=op.f("fk_hold_placed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_hold_agency_id_placed_at_id"), ["agency_id", "placed_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_hold_in_force",
            ["change_id"],
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
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

    with op.batch_alter_table("self_check_finding", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_self_check_finding_rule"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_self_check_finding_rule"),
            RULES,
        )

    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    _forget_new_values()
    with op.batch_alter_table("self_check_finding", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_self_check_finding_rule"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_self_check_finding_rule"),
            FORMER_RULES,
        )

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

    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_hold_in_force", sqlite_where=sa.text("lifted_at IS NULL"), postgresql_where=sa.text("lifted_at IS NULL")
        )
        batch_op.drop_index(batch_op.f("ix_hold_agency_id_placed_at_id"))

    op.drop_table("hold")
    with op.batch_alter_table("archive_reference", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_archive_reference_change_id"))
        batch_op.drop_index(batch_op.f("ix_archive_reference_agency_id_classification_code_id"))

    op.drop_table("archive_reference")
    with op.batch_alter_table("erasure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_erasure_table_name_row_key"))
        batch_op.drop_index(batch_op.f("ix_erasure_agency_id_erased_at_id"))

    op.drop_table("erasure")
    with op.batch_alter_table("destruction_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_destruction_item_destruction_id_record_id"))

    op.drop_table("destruction_item")
    op.drop_table("retention_rule")
    with op.batch_alter_table("destruction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_destruction_agency_id_proposed_at_id"))

    op.drop_table("destruction")
    op.create_triggers(revision, down_revision)


def _forget_new_values() -> None:
    """Remove what the former version has no place for: choices for the new lists, findings of the new rules."""
    for table in ("list_choice", "saved_view"):
        op.execute(f"DELETE FROM {table} WHERE NOT ({FORMER_SCREENS})")
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE self_check_finding DISABLE TRIGGER self_check_finding_kept")
        op.execute(f"DELETE FROM self_check_finding WHERE NOT ({FORMER_RULES})")
        op.execute("ALTER TABLE self_check_finding ENABLE TRIGGER self_check_finding_kept")
        return
    kept = connection.scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'self_check_finding_kept'"))
    op.execute("DROP TRIGGER self_check_finding_kept")
    op.execute(f"DELETE FROM self_check_finding WHERE NOT ({FORMER_RULES})")
    op.execute(kept)
