"""Name affected assets and services in requests, revise release plans, keep why an asset changed"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FORMER_EVENTS = (
    "waiting", "emergency", "outcome", "taken-up", "handed-over", "soon-late", "overdue", "deviation",
    "deviation-disposed", "follow-up", "delegation-granted", "delegation-withdrawn", "release-allowed",
    "password-reset", "email-changed",
)  # fmt: skip
_EVENTS = (
    "waiting", "emergency", "outcome", "taken-up", "handed-over", "soon-late", "overdue", "deviation",
    "deviation-disposed", "follow-up", "delegation-granted", "delegation-withdrawn", "release-unrecorded",
    "release-revised", "release-allowed", "password-reset", "email-changed",
)  # fmt: skip
EVENTS_BEFORE = f"event IN ({', '.join(map(repr, _FORMER_EVENTS))})"
EVENTS_AFTER = f"event IN ({', '.join(map(repr, _EVENTS))})"

#: The triggers that refuse what the downgrade does to rows, by table.
_GUARDS = {"notification": "notification_stands", "asset_mutation": "asset_mutation_no_update"}


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "change_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("service", sa.String(length=300), nullable=True),
        sa.CheckConstraint("(asset_id IS NULL) <> (service IS NULL)", name=op.f("ck_change_item_asset_or_service")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_change_item_asset_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_change_item_change_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_item")),
        sa.UniqueConstraint("change_id", "position", name=op.f("uq_change_item_change_id_position")),
    )
    with op.batch_alter_table("change_item") as batch:
        batch.create_index(batch.f("ix_change_item_asset_id"), ["asset_id"], unique=False)

    op.create_table(
        "release_revision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("former_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("former_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("former_actual_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actual_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revised_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revised_by_name", sa.String(length=300), nullable=True),
        sa.CheckConstraint("kind IN ('moved', 'set-aside', 'corrected')", name=op.f("ck_release_revision_kind")),
        sa.CheckConstraint("window_start_at < window_end_at", name=op.f("ck_release_revision_window_in_order")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_release_revision_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_release_revision_change_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_release_revision_release_id")),
        sa.ForeignKeyConstraint(["revised_by_id"], ["user_account.id"], name=op.f("fk_release_revision_revised_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_revision")),
        sa.UniqueConstraint("release_id", "number", name=op.f("uq_release_revision_release_id_number")),
    )
    op.create_table(
        "evaluation_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("evaluation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("service", sa.String(length=300), nullable=True),
        sa.CheckConstraint("(asset_id IS NULL) <> (service IS NULL)", name=op.f("ck_evaluation_item_asset_or_service")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_evaluation_item_asset_id")),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name=op.f("fk_evaluation_item_evaluation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_item")),
        sa.UniqueConstraint("evaluation_id", "position", name=op.f("uq_evaluation_item_evaluation_id_position")),
    )
    with op.batch_alter_table("evaluation_item") as batch:
        batch.create_index(batch.f("ix_evaluation_item_asset_id"), ["asset_id"], unique=False)

    with op.batch_alter_table("asset_mutation") as batch:
        batch.add_column(sa.Column("reason", sa.Text(), nullable=True))
        batch.drop_constraint(batch.f("ck_asset_mutation_kind"), type_="check")
        batch.create_check_constraint(
            batch.f("ck_asset_mutation_kind"), "kind IN ('added', 'altered', 'moved', 'retired')"
        )

    with op.batch_alter_table("notification") as batch:
        batch.drop_constraint(batch.f("ck_notification_event"), type_="check")
        batch.create_check_constraint(
            batch.f("ck_notification_event"),
            EVENTS_AFTER,
        )

    with op.batch_alter_table("release") as batch:
        batch.add_column(sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("plan_revision", sa.Integer(), server_default=sa.text("0"), nullable=False))
        batch.create_check_constraint(
            batch.f("ck_release_set_aside_or_done"), "set_aside_at IS NULL OR actual_at IS NULL"
        )

    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    _rename_what_the_former_version_does_not_know()
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("release") as batch:
        batch.drop_constraint(batch.f("ck_release_set_aside_or_done"), type_="check")
        batch.drop_column("plan_revision")
        batch.drop_column("set_aside_at")

    with op.batch_alter_table("notification") as batch:
        batch.drop_constraint(batch.f("ck_notification_event"), type_="check")
        batch.create_check_constraint(
            batch.f("ck_notification_event"),
            EVENTS_BEFORE,
        )

    with op.batch_alter_table("asset_mutation") as batch:
        batch.drop_constraint(batch.f("ck_asset_mutation_kind"), type_="check")
        batch.create_check_constraint(batch.f("ck_asset_mutation_kind"), "kind IN ('added', 'altered', 'retired')")
        batch.drop_column("reason")

    with op.batch_alter_table("evaluation_item") as batch:
        batch.drop_index(batch.f("ix_evaluation_item_asset_id"))

    op.drop_table("evaluation_item")
    op.drop_table("release_revision")
    with op.batch_alter_table("change_item") as batch:
        batch.drop_index(batch.f("ix_change_item_asset_id"))

    op.drop_table("change_item")
    op.create_triggers(revision, down_revision)


def _rename_what_the_former_version_does_not_know() -> None:
    """Give rows of the new kinds the nearest kind that there was."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, trigger in _GUARDS.items():
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER" if is_postgresql else f"DROP TRIGGER {trigger}")
    op.execute("UPDATE notification SET event = 'overdue' WHERE event = 'release-unrecorded'")
    op.execute("UPDATE notification SET event = 'release-allowed' WHERE event = 'release-revised'")
    op.execute("UPDATE asset_mutation SET kind = 'altered' WHERE kind = 'moved'")
    if is_postgresql:
        for table in _GUARDS:
            op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
