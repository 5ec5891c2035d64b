"""Keep dossiers that were asked for and findings of assessors

On PostgreSQL the CHECK of notifications reads them once while nobody writes: a second for 1,000,000. The other CHECKs
read small tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

SCREENS = (
    "screen IN ("
    "'change', 'comment', 'evaluation', 'returned', 'urgency', 'approval', 'implementation', 'test', "
    "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', 'asset-"
    "code', 'asset-import', 'asset-period', 'room', 'document', 'paper', 'paper-setting', 'deviation', "
    "'delegation', 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', 'holiday', 'setting', "
    "'audit', 'inspection', 'finding', 'self-check')"
)
FORMER_SCREENS = SCREENS.replace("'finding', ", "")
EVENTS = (
    "event IN ("
    "'waiting', 'emergency', 'outcome', 'taken-up', 'handed-over', 'soon-late', 'overdue', 'deviation', "
    "'deviation-disposed', 'follow-up', 'comment', 'delegation-granted', 'delegation-withdrawn', "
    "'release-unrecorded', 'release-revised', 'release-allowed', 'dossier-ready', 'dossier-failed', "
    "'finding-assigned', 'password-reset', 'email-changed', 'account-security', 'security-alert')"
)
FORMER_EVENTS = (
    EVENTS.replace("'dossier-ready', ", "").replace("'dossier-failed', ", "").replace("'finding-assigned', ", "")
)
RULES = (
    "rule IN ("
    "'document-missing', 'out-of-order', 'parts-not-apart', 'approval-missing', 'late-unexplained', "
    "'condition-not-met', 'follow-up-overdue', 'finding-overdue', 'release-not-recorded', 'asset-not-"
    "updated', 'asset-double', 'asset-gap', 'decree-missing', 'term-too-long', 'asleep', 'account-"
    "unused', 'person-twice', 'sop-old')"
)
FORMER_RULES = RULES.replace("'condition-not-met', ", "").replace("'finding-overdue', ", "")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "inspection_dossier",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("asked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_by_name", sa.String(length=300), nullable=True),
        sa.Column("asked_by_title", sa.String(length=300), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("anchor", sa.String(length=300), nullable=True),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("files", sa.Integer(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(error IS NOT NULL AND sha256 IS NULL) OR (finished_at IS NULL) = (sha256 IS NULL)",
            name=op.f("ck_inspection_dossier_made_or_failed"),
        ),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_inspection_dossier_days_in_order")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_inspection_dossier_agency_id")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["user_account.id"], name=op.f("fk_inspection_dossier_asked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_dossier")),
    )
    with op.batch_alter_table("inspection_dossier", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_inspection_dossier_agency_id_asked_at_id"), ["agency_id", "asked_at", "id"], unique=False
        )

    op.create_table(
        "assessor_finding",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=300), nullable=False),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("assessor", sa.String(length=300), nullable=False),
        sa.Column("clause", sa.String(length=300), nullable=True),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("improvement", sa.Text(), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("entered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entered_by_name", sa.String(length=300), nullable=True),
        sa.Column("entered_by_title", sa.String(length=300), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("action_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("action_by_name", sa.String(length=300), nullable=True),
        sa.Column("action_by_title", sa.String(length=300), nullable=True),
        sa.Column("action_status", sa.String(length=32), nullable=True),
        sa.Column("action_on", sa.Date(), nullable=True),
        sa.Column("action_recorded_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("action_recorded_by_name", sa.String(length=300), nullable=True),
        sa.Column("action_recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreement", sa.String(length=32), nullable=True),
        sa.Column("agreement_note", sa.Text(), nullable=True),
        sa.Column("agreed_by", sa.String(length=300), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("agreement_recorded_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("agreement_recorded_by_name", sa.String(length=300), nullable=True),
        sa.Column("agreement_recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "action_status IN ('planned', 'running', 'done')", name=op.f("ck_assessor_finding_action_status")
        ),
        sa.CheckConstraint("agreement IN ('agreed', 'not-agreed')", name=op.f("ck_assessor_finding_agreement")),
        sa.CheckConstraint("priority IN ('high', 'medium', 'low')", name=op.f("ck_assessor_finding_priority")),
        sa.CheckConstraint(
            "(CASE WHEN change_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN release_id IS NULL THEN 0 ELSE 1 END) +"
            " (CASE WHEN asset_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN sop_id IS NULL THEN 0 ELSE 1 END) <= 1",
            name=op.f("ck_assessor_finding_about_one_thing"),
        ),
        sa.CheckConstraint(
            "(action IS NULL) = (action_by_id IS NULL) AND (action IS NULL) = (action_status IS NULL) AND (action"
            " IS NULL) = (action_recorded_at IS NULL)",
            name=op.f("ck_assessor_finding_action_whole"),
        ),
        sa.CheckConstraint(
            "(agreement IS NULL) = (agreed_by IS NULL) AND (agreement IS NULL) = (agreed_on IS NULL) AND "
            "(agreement IS NULL) = (agreement_recorded_at IS NULL)",
            name=op.f("ck_assessor_finding_agreement_whole"),
        ),
        sa.CheckConstraint(
            "agreement IS NULL OR action IS NOT NULL", name=op.f("ck_assessor_finding_agreement_to_an_action")
        ),
        sa.ForeignKeyConstraint(["action_by_id"], ["user_account.id"], name=op.f("fk_assessor_finding_action_by_id")),
        sa.ForeignKeyConstraint(
            ["action_recorded_by_id"], ["user_account.id"], name=op.f("fk_assessor_finding_action_recorded_by_id")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_assessor_finding_agency_id")),
        sa.ForeignKeyConstraint(
            ["agreement_recorded_by_id"], ["user_account.id"], name=op.f("fk_assessor_finding_agreement_recorded_by_id")
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_assessor_finding_asset_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_assessor_finding_change_id")),
        sa.ForeignKeyConstraint(["entered_by_id"], ["user_account.id"], name=op.f("fk_assessor_finding_entered_by_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_assessor_finding_release_id")),
        sa.ForeignKeyConstraint(["sop_id"], ["sop.id"], name=op.f("fk_assessor_finding_sop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessor_finding")),
        sa.UniqueConstraint("agency_id", "number", name=op.f("uq_assessor_finding_agency_id_number")),
    )
    with op.batch_alter_table("assessor_finding", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_assessor_finding_agency_id_due_on_id"), ["agency_id", "due_on", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_assessor_finding_agency_id_found_on_id"), ["agency_id", "found_on", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_assessor_finding_asset_id"), ["asset_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_assessor_finding_change_id"), ["change_id"], unique=False)

    with op.batch_alter_table("list_choice", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_list_choice_screen"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_list_choice_screen"),
            SCREENS,
        )

    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_notification_event"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_notification_event"),
            EVENTS,
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
    _remove_what_has_no_place()
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

    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_notification_event"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_notification_event"),
            FORMER_EVENTS,
        )

    with op.batch_alter_table("list_choice", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_list_choice_screen"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_list_choice_screen"),
            FORMER_SCREENS,
        )

    with op.batch_alter_table("assessor_finding", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_assessor_finding_change_id"))
        batch_op.drop_index(batch_op.f("ix_assessor_finding_asset_id"))
        batch_op.drop_index(batch_op.f("ix_assessor_finding_agency_id_found_on_id"))
        batch_op.drop_index(batch_op.f("ix_assessor_finding_agency_id_due_on_id"))

    op.drop_table("assessor_finding")
    with op.batch_alter_table("inspection_dossier", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inspection_dossier_agency_id_asked_at_id"))

    op.drop_table("inspection_dossier")
    op.create_triggers(revision, down_revision)


def _remove_what_has_no_place() -> None:
    """Remove notifications, findings and chosen views that the former schema has no word for."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    kept = ("mail", "notification", "self_check_finding")
    for table in kept:
        # SQLite's triggers are created again after the migration.
        off = f"DROP TRIGGER {table}_kept" if is_sqlite else f"ALTER TABLE {table} DISABLE TRIGGER {table}_kept"
        op.execute(off)
    events = "('dossier-ready', 'dossier-failed', 'finding-assigned')"
    op.execute(f"DELETE FROM mail WHERE notification_id IN (SELECT id FROM notification WHERE event IN {events})")
    op.execute(f"DELETE FROM notification WHERE event IN {events}")
    op.execute("DELETE FROM self_check_finding WHERE rule IN ('condition-not-met', 'finding-overdue')")
    if not is_sqlite:
        for table in kept:
            op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_kept")
    for table in ("saved_view", "list_choice"):
        op.execute(f"DELETE FROM {table} WHERE screen = 'finding'")
