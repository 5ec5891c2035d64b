"""Keep rooms, item codes, locked half-years and lists that were taken over

On PostgreSQL the CHECKs of mutations read their table once while nobody writes: less than a second for 100,000
requests.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCREENS = (
    "screen IN ('change', 'comment', 'evaluation', 'returned', 'urgency', 'approval', 'implementation', "
    "'test', 'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', "
    "'asset-code', 'asset-import', 'asset-period', 'room', "
    "'document', 'deviation', 'delegation', 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', "
    "'holiday', 'setting', 'audit')"
)
FORMER_SCREENS = SCREENS.replace("'asset-code', 'asset-import', 'asset-period', 'room', ", "")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "asset_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.CheckConstraint(
            "scheme IN ('Permendagri 108/2016', 'Permendagri 17/2007')", name=op.f("ck_asset_code_scheme")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_asset_code_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_code")),
        sa.UniqueConstraint("agency_id", "scheme", "code", name=op.f("uq_asset_code_agency_id_scheme_code")),
    )
    op.create_table(
        "room",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("unit", sa.String(length=300), nullable=True),
        sa.Column("location_code", sa.String(length=300), nullable=True),
        sa.Column("keeper_name", sa.String(length=300), nullable=True),
        sa.Column("keeper_nip", sa.String(length=18), nullable=True),
        sa.Column("answerable_name", sa.String(length=300), nullable=True),
        sa.Column("answerable_title", sa.String(length=300), nullable=True),
        sa.Column("answerable_nip", sa.String(length=18), nullable=True),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_room_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
        sa.UniqueConstraint("agency_id", "code", name=op.f("uq_room_agency_id_code")),
    )
    op.create_table(
        "asset_import",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("layout", sa.JSON(), nullable=True),
        sa.Column("card", sa.String(length=32), nullable=True),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("uploaded_by_name", sa.String(length=300), nullable=True),
        sa.Column("uploaded_by_title", sa.String(length=300), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("applied_by_name", sa.String(length=300), nullable=True),
        sa.Column("applied_by_title", sa.String(length=300), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("undone_by_name", sa.String(length=300), nullable=True),
        sa.Column("undone_by_title", sa.String(length=300), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'applied') = (applied_at IS NOT NULL AND undone_at IS NULL)", name=op.f("ck_asset_import_applied")
        ),
        sa.CheckConstraint("(state = 'undone') = (undone_at IS NOT NULL)", name=op.f("ck_asset_import_undone")),
        sa.CheckConstraint("card IN ('A', 'B', 'C', 'D', 'E', 'F', 'ATB')", name=op.f("ck_asset_import_card")),
        sa.CheckConstraint(
            "state IN ('preview', 'applied', 'undone', 'discarded')", name=op.f("ck_asset_import_state")
        ),
        sa.CheckConstraint("(undone_at IS NULL) = (reason IS NULL)", name=op.f("ck_asset_import_undone_with_a_reason")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_asset_import_agency_id")),
        sa.ForeignKeyConstraint(["applied_by_id"], ["user_account.id"], name=op.f("fk_asset_import_applied_by_id")),
        sa.ForeignKeyConstraint(["sha256"], ["file_content.sha256"], name=op.f("fk_asset_import_sha256")),
        sa.ForeignKeyConstraint(["undone_by_id"], ["user_account.id"], name=op.f("fk_asset_import_undone_by_id")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["user_account.id"], name=op.f("fk_asset_import_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_import")),
    )
    with op.batch_alter_table("asset_import", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_asset_import_agency_id_uploaded_at_id"), ["agency_id", "uploaded_at", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_asset_import_sha256"), ["sha256"], unique=False)

    op.create_table(
        "asset_period",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("half", sa.Integer(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locked_by_name", sa.String(length=300), nullable=True),
        sa.Column("locked_by_title", sa.String(length=300), nullable=True),
        sa.Column("place", sa.String(length=300), nullable=True),
        sa.Column("keeper_name", sa.String(length=300), nullable=True),
        sa.Column("keeper_title", sa.String(length=300), nullable=True),
        sa.Column("keeper_nip", sa.String(length=300), nullable=True),
        sa.Column("head_name", sa.String(length=300), nullable=True),
        sa.Column("head_title", sa.String(length=300), nullable=True),
        sa.Column("head_nip", sa.String(length=300), nullable=True),
        sa.Column("location_code", sa.String(length=300), nullable=True),
        sa.CheckConstraint("half IN (1, 2)", name=op.f("ck_asset_period_half_of_a_year")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_asset_period_agency_id")),
        sa.ForeignKeyConstraint(["locked_by_id"], ["user_account.id"], name=op.f("fk_asset_period_locked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_period")),
        sa.UniqueConstraint("agency_id", "year", "half", name=op.f("uq_asset_period_agency_id_year_half")),
    )
    with op.batch_alter_table("asset_period", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_asset_period_agency_id_ends_on"), ["agency_id", "ends_on"], unique=False)

    op.create_table(
        "import_profile",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("layout", sa.JSON(), nullable=False),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_by_name", sa.String(length=300), nullable=True),
        sa.Column("set_by_title", sa.String(length=300), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_import_profile_agency_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_import_profile_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_profile")),
        sa.UniqueConstraint("agency_id", "name", name=op.f("uq_import_profile_agency_id_name")),
    )
    op.create_table(
        "inventory_options",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unknown_code", sa.String(length=32), nullable=False),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_by_name", sa.String(length=300), nullable=True),
        sa.Column("set_by_title", sa.String(length=300), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.String(length=300), nullable=True),
        sa.Column("keeper_name", sa.String(length=300), nullable=True),
        sa.Column("keeper_title", sa.String(length=300), nullable=True),
        sa.Column("keeper_nip", sa.String(length=300), nullable=True),
        sa.Column("head_name", sa.String(length=300), nullable=True),
        sa.Column("head_title", sa.String(length=300), nullable=True),
        sa.Column("head_nip", sa.String(length=300), nullable=True),
        sa.Column("location_code", sa.String(length=300), nullable=True),
        sa.CheckConstraint("unknown_code IN ('warn', 'refuse')", name=op.f("ck_inventory_options_unknown_code")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_inventory_options_agency_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_inventory_options_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_options")),
        sa.UniqueConstraint("agency_id", name=op.f("uq_inventory_options_agency_id")),
    )
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.add_column(sa.Column("booked_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("import_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.create_index(batch_op.f("ix_asset_import_id"), ["import_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_asset_import_id"), "asset_import", ["import_id"], ["id"])

    with op.batch_alter_table("asset_mutation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("booked_on", sa.Date(), nullable=True))
        batch_op.add_column(
            sa.Column("corrects_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("corrected_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("corrected_by_name", sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column("corrected_by_title", sa.String(length=300), nullable=True))
        batch_op.alter_column("change_id", existing_type=sa.INTEGER(), nullable=True)
        batch_op.alter_column("update_id", existing_type=sa.INTEGER(), nullable=True)
        batch_op.create_foreign_key(
            batch_op.f("fk_asset_mutation_corrected_by_id"), "user_account", ["corrected_by_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_asset_mutation_corrects_id"), "asset_mutation", ["corrects_id"], ["id"]
        )
        batch_op.drop_constraint(batch_op.f("ck_asset_mutation_kind"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_asset_mutation_corrected_at_a_moment"), "(kind = 'corrected') = (corrected_at IS NOT NULL)"
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_asset_mutation_corrected_without_a_request"), "(kind = 'corrected') = (change_id IS NULL)"
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_asset_mutation_kind"), "kind IN ('added', 'altered', 'moved', 'retired', 'corrected')"
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_asset_mutation_update_of_a_request"), "(change_id IS NULL) = (update_id IS NULL)"
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
    _remove_what_has_no_place()
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

    with op.batch_alter_table("asset_mutation", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_asset_mutation_update_of_a_request"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_asset_mutation_kind"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_asset_mutation_corrected_without_a_request"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_asset_mutation_corrected_at_a_moment"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_asset_mutation_kind"), "kind IN ('added', 'altered', 'moved', 'retired')"
        )
        batch_op.drop_constraint(batch_op.f("fk_asset_mutation_corrects_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_asset_mutation_corrected_by_id"), type_="foreignkey")
        batch_op.alter_column("update_id", existing_type=sa.INTEGER(), nullable=False)
        batch_op.alter_column("change_id", existing_type=sa.INTEGER(), nullable=False)
        batch_op.drop_column("corrected_by_title")
        batch_op.drop_column("corrected_by_name")
        batch_op.drop_column("corrected_by_id")
        batch_op.drop_column("corrected_at")
        batch_op.drop_column("corrects_id")
        batch_op.drop_column("booked_on")

    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_asset_import_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_asset_import_id"))
        batch_op.drop_column("import_id")
        batch_op.drop_column("booked_on")

    op.drop_table("inventory_options")
    op.drop_table("import_profile")
    with op.batch_alter_table("asset_period", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_asset_period_agency_id_ends_on"))

    op.drop_table("asset_period")
    with op.batch_alter_table("asset_import", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_asset_import_sha256"))
        batch_op.drop_index(batch_op.f("ix_asset_import_agency_id_uploaded_at_id"))

    op.drop_table("asset_import")
    op.drop_table("room")
    op.drop_table("asset_code")
    op.create_triggers(revision, down_revision)


def _remove_what_has_no_place() -> None:
    """Remove the corrections without a request, and what readers keep of the lists that go."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    # SQLite's triggers are created again after the migration.
    guard = "asset_mutation_no_delete"
    op.execute(f"DROP TRIGGER {guard}" if is_sqlite else f"ALTER TABLE asset_mutation DISABLE TRIGGER {guard}")
    op.execute("DELETE FROM asset_mutation WHERE kind = 'corrected'")
    if not is_sqlite:
        op.execute(f"ALTER TABLE asset_mutation ENABLE TRIGGER {guard}")
    for table in ("saved_view", "list_choice"):
        op.execute(f"DELETE FROM {table} WHERE screen IN ('asset-code', 'asset-import', 'asset-period', 'room')")
