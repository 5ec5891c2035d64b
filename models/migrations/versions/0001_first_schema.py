"""The first schema."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What goes to PostgreSQL beside the tables. Everything else lies in a table, and goes with it.
_FUNCTIONS = (
    "audit_entry_no_update",
    "audit_entry_no_delete",
    "audit_row_no_update",
    "audit_row_no_delete",
    "audit_chain_only_grows",
    "audit_chain_kept",
    "activity_frozen",
    "activity_kept",
    "activity_in_its_place",
    "activity_after_refusal",
    "activity_nothing_to_release",
    "change_request_moves_with_its_history",
    "change_request_says_what_was_asked",
    "change_request_closed",
    "change_request_kept",
    "change_request_numbered_once",
    "change_revision_frozen",
    "change_revision_kept",
    "evaluation_frozen_update",
    "evaluation_frozen_delete",
    "urgency_assessment_frozen_update",
    "urgency_assessment_frozen_delete",
    "approval_frozen_update",
    "approval_frozen_delete",
    "implementation_frozen_update",
    "implementation_frozen_delete",
    "test_run_frozen_update",
    "test_run_frozen_delete",
    "rollback_frozen_update",
    "rollback_frozen_delete",
    "report_frozen_update",
    "report_frozen_delete",
    "verification_frozen_update",
    "verification_frozen_delete",
    "asset_review_frozen_update",
    "asset_review_frozen_delete",
    "asset_update_frozen_update",
    "asset_update_frozen_delete",
    "release_frozen_update",
    "release_frozen_delete",
    "test_case_frozen_update",
    "test_case_frozen_delete",
    "asset_review_item_frozen_update",
    "asset_review_item_frozen_delete",
    "release_asset_frozen_update",
    "release_asset_frozen_delete",
    "document_frozen_update",
    "document_frozen_delete",
    "asset_mutation_no_update",
    "asset_mutation_no_delete",
    "sop_step_no_update",
    "sop_step_no_delete",
    "sop_move_no_update",
    "sop_move_no_delete",
    "file_content_no_update",
    "file_content_no_delete",
    "asset_mutation_of_its_request",
    "asset_only_by_mutation",
    "asset_kept",
    "sop_says_what_was_loaded",
    "sop_step_only_of_a_draft",
    "sop_move_only_of_a_draft",
    "delegation_stands",
    "delegation_kept",
    "deviation_stands",
    "deviation_kept",
    "activity_finished_with_its_accounts",
    "activity_verified_with_its_disposals",
    "handover_no_update",
    "handover_no_delete",
    "office_day_of_its_office",
    "working_hours_of_its_office",
    "threshold_of_its_office",
    "ramadan_month_of_its_office",
    "notification_stands",
    "notification_kept",
    "mail_sent_once",
    "mail_kept",
    "absence_of_a_head",
    "absence_apart",
    "absence_stands",
    "absence_kept",
    "freeze_stands",
    "freeze_kept",
    "freeze_permit_within_one_agency",
    "freeze_permit_no_update",
    "freeze_permit_no_delete",
    "calendar_feed_revoked_once",
    "audit_entry_no_truncate",
    "audit_row_no_truncate",
    "audit_chain_no_truncate",
    "activity_no_truncate",
    "change_request_no_truncate",
    "change_revision_no_truncate",
    "evaluation_no_truncate",
    "urgency_assessment_no_truncate",
    "approval_no_truncate",
    "implementation_no_truncate",
    "test_run_no_truncate",
    "rollback_no_truncate",
    "report_no_truncate",
    "verification_no_truncate",
    "asset_review_no_truncate",
    "asset_update_no_truncate",
    "release_no_truncate",
    "test_case_no_truncate",
    "asset_review_item_no_truncate",
    "release_asset_no_truncate",
    "document_no_truncate",
    "asset_mutation_no_truncate",
    "sop_step_no_truncate",
    "sop_move_no_truncate",
    "file_content_no_truncate",
    "asset_no_truncate",
    "delegation_no_truncate",
    "deviation_no_truncate",
    "handover_no_truncate",
    "notification_no_truncate",
    "mail_no_truncate",
    "absence_no_truncate",
    "freeze_period_no_truncate",
    "freeze_permit_no_truncate",
    "search_change_request_inserted",
    "search_change_request_updated",
    "search_change_request_deleted",
    "search_activity_inserted",
    "search_activity_updated",
    "search_activity_deleted",
    "search_asset_inserted",
    "search_asset_updated",
    "search_asset_deleted",
    "search_document_inserted",
    "search_document_updated",
    "search_document_deleted",
    "search_deviation_inserted",
    "search_deviation_updated",
    "search_deviation_deleted",
    "search_evaluation_inserted",
    "search_evaluation_updated",
    "search_urgency_assessment_inserted",
    "search_urgency_assessment_updated",
    "search_approval_inserted",
    "search_approval_updated",
    "search_implementation_inserted",
    "search_implementation_updated",
    "search_test_run_inserted",
    "search_test_run_updated",
    "search_rollback_inserted",
    "search_rollback_updated",
    "search_report_inserted",
    "search_report_updated",
    "search_verification_inserted",
    "search_verification_updated",
    "search_release_inserted",
    "search_release_updated",
    "search_asset_review_inserted",
    "search_asset_review_updated",
    "search_asset_update_inserted",
    "search_asset_update_updated",
    "search_test_case_inserted",
    "search_test_case_updated",
    "search_test_case_deleted",
    "search_asset_review_item_inserted",
    "search_asset_review_item_updated",
    "search_asset_review_item_deleted",
    "search_document_of_submitted",
)


def upgrade() -> None:
    _agency()
    _audit_chain()
    _audit_entry()
    _file_content()
    _search_record()
    _audit_row()
    _login_failure()
    _number_counter()
    _reckoned_month()
    _user_account()
    _absence()
    _asset()
    _calendar_feed()
    _delegation()
    _freeze_period()
    _login()
    _office_day()
    _ramadan_month()
    _saved_view()
    _sop()
    _threshold()
    _working_hours()
    _change_request()
    _list_choice()
    _sop_step()
    _change_revision()
    _sop_move()
    _activity()
    _approval()
    _asset_review()
    _asset_update()
    _deviation()
    _document()
    _handover()
    _implementation()
    _notification()
    _release()
    _report()
    _rollback()
    _step_time()
    _test_run()
    _urgency_assessment()
    _verification()
    _asset_mutation()
    _asset_review_item()
    _evaluation()
    _freeze_permit()
    _mail()
    _release_asset()
    _test_case()
    _triggers()


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index_vocabulary")
        op.execute("DROP TABLE search_index")
    op.drop_table("test_case")
    op.drop_table("release_asset")
    op.drop_table("mail")
    op.drop_table("freeze_permit")
    op.drop_table("evaluation")
    op.drop_table("asset_review_item")
    op.drop_table("asset_mutation")
    op.drop_table("verification")
    op.drop_table("urgency_assessment")
    op.drop_table("test_run")
    op.drop_table("step_time")
    op.drop_table("rollback")
    op.drop_table("report")
    op.drop_table("release")
    op.drop_table("notification")
    op.drop_table("implementation")
    op.drop_table("handover")
    op.drop_table("document")
    op.drop_table("deviation")
    op.drop_table("asset_update")
    op.drop_table("asset_review")
    op.drop_table("approval")
    op.drop_table("activity")
    op.drop_table("sop_move")
    op.drop_table("change_revision")
    op.drop_table("sop_step")
    op.drop_table("list_choice")
    op.drop_table("change_request")
    op.drop_table("working_hours")
    op.drop_table("threshold")
    op.drop_table("sop")
    op.drop_table("saved_view")
    op.drop_table("ramadan_month")
    op.drop_table("office_day")
    op.drop_table("login")
    op.drop_table("freeze_period")
    op.drop_table("delegation")
    op.drop_table("calendar_feed")
    op.drop_table("asset")
    op.drop_table("absence")
    op.drop_table("user_account")
    op.drop_table("reckoned_month")
    op.drop_table("number_counter")
    op.drop_table("login_failure")
    op.drop_table("audit_row")
    op.drop_table("search_record")
    op.drop_table("file_content")
    op.drop_table("audit_entry")
    op.drop_table("audit_chain")
    op.drop_table("agency")
    if op.get_context().dialect.name == "postgresql":
        for function in _FUNCTIONS:
            op.execute(sa.DDL(f"DROP FUNCTION {function}()"))


def _triggers() -> None:
    kind = op.get_context().dialect.name
    # One statement a line.
    for statement in Path(__file__).with_name(f"{revision}_{kind}.sql").read_text(encoding="utf-8").splitlines():
        op.execute(sa.DDL(statement.replace("%", "%%")))


def _agency() -> None:
    op.create_table(
        "agency",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("region", sa.String(length=300), nullable=False),
        sa.Column("province", sa.String(length=300), nullable=False),
        sa.Column("time_zone", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
        sa.UniqueConstraint("key", name=op.f("uq_agency_key")),
    )


def _audit_chain() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("chain", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_chain")),
    )


def _audit_entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chain", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor_name", sa.String(length=300), nullable=False),
        sa.Column("capacity", sa.String(length=300), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("chain", "number", name=op.f("uq_audit_entry_chain_number")),
    )
    op.create_index(op.f("ix_audit_entry_at_id"), "audit_entry", ["at", "id"], unique=False)
    op.create_index(
        op.f("ix_audit_entry_chain_action_at_id"), "audit_entry", ["chain", "action", "at", "id"], unique=False
    )
    op.create_index(op.f("ix_audit_entry_chain_actor_id_id"), "audit_entry", ["chain", "actor_id", "id"], unique=False)
    op.create_index(op.f("ix_audit_entry_chain_at_id"), "audit_entry", ["chain", "at", "id"], unique=False)


def _file_content() -> None:
    op.create_table(
        "file_content",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_file_content")),
    )


def _search_record() -> None:
    op.create_table(
        "search_record",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("key > 0 AND key < 72057594037927936", name=op.f("ck_search_record_key_is_packed")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_search_record")),
    )
    op.create_index("ix_search_record_owner", "search_record", ["owner_id", "key"], unique=False)


def _audit_row() -> None:
    op.create_table(
        "audit_row",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("row_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["audit_entry.id"], name=op.f("fk_audit_row_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "table_name", "row_id", name=op.f("pk_audit_row")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_audit_row_table_name_row_id_entry_id"), "audit_row", ["table_name", "row_id", "entry_id"], unique=False
    )


def _login_failure() -> None:
    op.create_table(
        "login_failure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_login_failure_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_failure")),
    )
    op.create_index(op.f("ix_login_failure_address_at"), "login_failure", ["address", "at"], unique=False)
    op.create_index(op.f("ix_login_failure_username_at"), "login_failure", ["username", "at"], unique=False)


def _number_counter() -> None:
    op.create_table(
        "number_counter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_number_counter_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_counter")),
        sa.UniqueConstraint("agency_id", "year", name=op.f("uq_number_counter_agency_id_year")),
    )


def _reckoned_month() -> None:
    op.create_table(
        "reckoned_month",
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_reckoned_month_agency_id")),
        sa.PrimaryKeyConstraint("agency_id", "first_day", name=op.f("pk_reckoned_month")),
    )


def _user_account() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("full_name", sa.String(length=300), nullable=False),
        sa.Column("nip", sa.String(length=18), nullable=True),
        sa.Column("position", sa.String(length=300), nullable=True),
        sa.Column("institution", sa.String(length=300), nullable=True),
        sa.Column("email", sa.String(length=300), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("language", sa.String(length=32), nullable=False),
        sa.Column("scheme", sa.String(length=32), nullable=False),
        sa.Column("muted_events", sa.JSON(), nullable=False),
        sa.Column("password_hash", sa.String(length=300), nullable=False),
        sa.Column("totp_secret", sa.String(length=64), nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_requester", sa.Boolean(), nullable=False),
        sa.Column("is_change_manager", sa.Boolean(), nullable=False),
        sa.Column("is_head", sa.Boolean(), nullable=False),
        sa.Column("is_inspector", sa.Boolean(), nullable=False),
        sa.Column("is_administrator", sa.Boolean(), nullable=False),
        sa.Column("session_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("language IN ('id', 'en')", name=op.f("ck_user_account_language")),
        sa.CheckConstraint("scheme IN ('system', 'light', 'dark')", name=op.f("ck_user_account_scheme")),
        sa.CheckConstraint(
            "agency_id IS NOT NULL OR is_administrator", name=op.f("ck_user_account_agency_or_administrator")
        ),
        sa.CheckConstraint(
            "is_requester OR is_change_manager OR is_head OR is_inspector OR is_administrator",
            name=op.f("ck_user_account_has_a_role"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_user_account_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("username", name=op.f("uq_user_account_username")),
    )
    op.create_index(
        op.f("ix_user_account_agency_id_full_name_id"), "user_account", ["agency_id", "full_name", "id"], unique=False
    )


def _absence() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("head_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_because", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name=op.f("ck_absence_ended_by_somebody")),
        sa.CheckConstraint("ended_because IS NULL OR ended_at IS NOT NULL", name=op.f("ck_absence_reason_of_an_end")),
        sa.CheckConstraint(
            "ended_by_id IS NULL OR ended_by_id = head_id OR ended_because IS NOT NULL",
            name=op.f("ck_absence_ended_with_a_reason"),
        ),
        sa.CheckConstraint("recorded_at <= ended_at", name=op.f("ck_absence_ended_afterwards")),
        sa.CheckConstraint(
            "recorded_by_id = head_id OR recorded_because IS NOT NULL", name=op.f("ck_absence_recorded_with_a_reason")
        ),
        sa.CheckConstraint("until_date IS NULL OR from_date <= until_date", name=op.f("ck_absence_dates_in_order")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_absence_agency_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["user_account.id"], name=op.f("fk_absence_ended_by_id")),
        sa.ForeignKeyConstraint(["head_id"], ["user_account.id"], name=op.f("fk_absence_head_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["user_account.id"], name=op.f("fk_absence_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index(
        op.f("ix_absence_agency_id_from_date_id"), "absence", ["agency_id", "from_date", "id"], unique=False
    )
    op.create_index(op.f("ix_absence_head_id_from_date"), "absence", ["head_id", "from_date"], unique=False)


def _asset() -> None:
    op.create_table(
        "asset",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("card", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("register", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("condition", sa.String(length=32), nullable=True),
        sa.Column("origin", sa.String(length=300), nullable=True),
        sa.Column("price", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("card IN ('A', 'B', 'C', 'D', 'E', 'F', 'ATB')", name=op.f("ck_asset_card")),
        sa.CheckConstraint("condition IN ('good', 'light-damage', 'heavy-damage')", name=op.f("ck_asset_condition")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_asset_agency_id")),
        sa.ForeignKeyConstraint(["entered_by_id"], ["user_account.id"], name=op.f("fk_asset_entered_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        sa.UniqueConstraint("agency_id", "code", "register", name=op.f("uq_asset_agency_id_code_register")),
    )
    op.create_index(
        op.f("ix_asset_agency_id_card_code_register"), "asset", ["agency_id", "card", "code", "register"], unique=False
    )
    op.create_index("ix_asset_name", "asset", ["agency_id", "name", "id"], unique=False)


def _calendar_feed() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_calendar_feed_agency_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_calendar_feed_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feed_token_hash")),
    )
    op.create_index(
        "uq_calendar_feed_one_of_a_user",
        "calendar_feed",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def _delegation() -> None:
    op.create_table(
        "delegation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("head_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("delegate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("decree_number", sa.String(length=300), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('plh', 'plt')", name=op.f("ck_delegation_kind")),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name=op.f("ck_delegation_withdrawn_by_somebody")
        ),
        sa.CheckConstraint("delegate_id <> head_id", name=op.f("ck_delegation_not_to_oneself")),
        sa.CheckConstraint("from_date <= until_date", name=op.f("ck_delegation_dates_in_order")),
        sa.CheckConstraint(
            "withdrawn_reason IS NULL OR withdrawn_at IS NOT NULL", name=op.f("ck_delegation_reason_of_a_withdrawal")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_delegation_agency_id")),
        sa.ForeignKeyConstraint(["delegate_id"], ["user_account.id"], name=op.f("fk_delegation_delegate_id")),
        sa.ForeignKeyConstraint(["head_id"], ["user_account.id"], name=op.f("fk_delegation_head_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["user_account.id"], name=op.f("fk_delegation_recorded_by_id")),
        sa.ForeignKeyConstraint(["withdrawn_by_id"], ["user_account.id"], name=op.f("fk_delegation_withdrawn_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
    )
    op.create_index(
        op.f("ix_delegation_agency_id_from_date_id"), "delegation", ["agency_id", "from_date", "id"], unique=False
    )
    op.create_index(
        op.f("ix_delegation_delegate_id_until_date"), "delegation", ["delegate_id", "until_date"], unique=False
    )


def _freeze_period() -> None:
    op.create_table(
        "freeze_period",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("environment", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("lifted_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "environment IN ('production', 'staging', 'training', 'office')", name=op.f("ck_freeze_period_environment")
        ),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by_id IS NULL)", name=op.f("ck_freeze_period_lifted_by_somebody")
        ),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_reason IS NULL)", name=op.f("ck_freeze_period_lifted_with_a_reason")
        ),
        sa.CheckConstraint("from_at < until_at", name=op.f("ck_freeze_period_moments_in_order")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_freeze_period_agency_id")),
        sa.ForeignKeyConstraint(["entered_by_id"], ["user_account.id"], name=op.f("fk_freeze_period_entered_by_id")),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["user_account.id"], name=op.f("fk_freeze_period_lifted_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freeze_period")),
    )
    op.create_index(
        op.f("ix_freeze_period_agency_id_from_at_id"), "freeze_period", ["agency_id", "from_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_freeze_period_agency_id_until_at"), "freeze_period", ["agency_id", "until_at"], unique=False
    )


def _login() -> None:
    op.create_table(
        "login",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_login_agency_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_login_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login")),
    )
    op.create_index(op.f("ix_login_user_id_at"), "login", ["user_id", "at"], unique=False)


def _office_day() -> None:
    op.create_table(
        "office_day",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("hours", sa.String(length=300), nullable=True),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("hours IS NULL OR kind = 'workday'", name=op.f("ck_office_day_hours_of_a_workday")),
        sa.CheckConstraint("kind IN ('holiday', 'joint-leave', 'workday')", name=op.f("ck_office_day_kind")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_office_day_has_a_name")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_office_day_agency_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_office_day_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_day")),
        sa.UniqueConstraint("agency_id", "date", name=op.f("uq_office_day_agency_id_date")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_office_day_date_id"), "office_day", ["date", "id"], unique=False)


def _ramadan_month() -> None:
    op.create_table(
        "ramadan_month",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_ramadan_month_days_in_order")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_ramadan_month_agency_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_ramadan_month_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ramadan_month")),
        sa.UniqueConstraint("agency_id", "first_day", name=op.f("uq_ramadan_month_agency_id_first_day")),
        sqlite_autoincrement=True,
    )


def _saved_view() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("screen", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared_with", sa.String(length=32), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "screen IN ('change', 'evaluation', 'urgency', 'approval', 'implementation', 'test', 'rollback', "
            "'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', 'document', "
            "'deviation', 'delegation', 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', 'holiday', "
            "'setting', 'audit')",
            name=op.f("ck_saved_view_screen"),
        ),
        sa.CheckConstraint(
            "shared_with IN ('requester', 'change_manager', 'head', 'inspector', 'administrator')",
            name=op.f("ck_saved_view_shared_with"),
        ),
        sa.CheckConstraint(
            "shared_with IS NULL OR agency_id IS NOT NULL", name=op.f("ck_saved_view_shared_within_an_agency")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_saved_view_agency_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_saved_view_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("user_id", "screen", "name", name=op.f("uq_saved_view_user_id_screen_name")),
    )
    op.create_index(
        "ix_saved_view_shared",
        "saved_view",
        ["agency_id", "screen"],
        unique=False,
        sqlite_where=sa.text("shared_with IS NOT NULL"),
        postgresql_where=sa.text("shared_with IS NOT NULL"),
    )


def _sop() -> None:
    op.create_table(
        "sop",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=300), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("enacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enacted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'draft') = (enacted_at IS NULL)", name=op.f("ck_sop_enacted_unless_draft")),
        sa.CheckConstraint("state IN ('draft', 'in-force', 'superseded')", name=op.f("ck_sop_state")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_sop_agency_id")),
        sa.ForeignKeyConstraint(["enacted_by_id"], ["user_account.id"], name=op.f("fk_sop_enacted_by_id")),
        sa.ForeignKeyConstraint(["loaded_by_id"], ["user_account.id"], name=op.f("fk_sop_loaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sop")),
        sa.UniqueConstraint("agency_id", "key", "revision", name=op.f("uq_sop_agency_id_key_revision")),
    )
    op.create_index("ix_sop_enacted", "sop", ["agency_id", "enacted_at", "id"], unique=False)
    op.create_index("ix_sop_newest", "sop", ["agency_id", "id"], unique=False)
    op.create_index(
        "uq_sop_in_force",
        "sop",
        ["agency_id"],
        unique=True,
        sqlite_where=sa.text("state = 'in-force'"),
        postgresql_where=sa.text("state = 'in-force'"),
    )


def _threshold() -> None:
    op.create_table(
        "threshold",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("warning_share", sa.Integer(), nullable=False),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("warning_share BETWEEN 1 AND 100", name=op.f("ck_threshold_share_in_percent")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_threshold_agency_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_threshold_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold")),
        sa.UniqueConstraint("agency_id", name=op.f("uq_threshold_agency_id")),
    )


def _working_hours() -> None:
    op.create_table(
        "working_hours",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("monday", sa.String(length=300), nullable=False),
        sa.Column("tuesday", sa.String(length=300), nullable=False),
        sa.Column("wednesday", sa.String(length=300), nullable=False),
        sa.Column("thursday", sa.String(length=300), nullable=False),
        sa.Column("friday", sa.String(length=300), nullable=False),
        sa.Column("saturday", sa.String(length=300), nullable=False),
        sa.Column("sunday", sa.String(length=300), nullable=False),
        sa.Column("ramadan_monday", sa.String(length=300), nullable=False),
        sa.Column("ramadan_tuesday", sa.String(length=300), nullable=False),
        sa.Column("ramadan_wednesday", sa.String(length=300), nullable=False),
        sa.Column("ramadan_thursday", sa.String(length=300), nullable=False),
        sa.Column("ramadan_friday", sa.String(length=300), nullable=False),
        sa.Column("ramadan_saturday", sa.String(length=300), nullable=False),
        sa.Column("ramadan_sunday", sa.String(length=300), nullable=False),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_working_hours_agency_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_working_hours_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_hours")),
        sa.UniqueConstraint("agency_id", "since", name=op.f("uq_working_hours_agency_id_since")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_working_hours_since_id"), "working_hours", ["since", "id"], unique=False)


def _change_request() -> None:
    op.create_table(
        "change_request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("serial", sa.Integer(), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("title", sa.String(length=300), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=True),
        sa.Column("source", sa.String(length=32), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("impact", sa.Text(), nullable=True),
        sa.Column("risk_if_not_done", sa.Text(), nullable=True),
        sa.Column("wanted_by", sa.Date(), nullable=True),
        sa.Column("test_plan", sa.Text(), nullable=True),
        sa.Column("rollback_plan", sa.Text(), nullable=True),
        sa.Column("requester_name", sa.String(length=300), nullable=True),
        sa.Column("requester_contact", sa.String(length=300), nullable=True),
        sa.Column("requester_institution", sa.String(length=300), nullable=True),
        sa.Column("on_behalf_of", sa.String(length=300), nullable=True),
        sa.Column("linked_change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("urgency", sa.String(length=32), nullable=True),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.Column("is_refused", sa.Boolean(), nullable=False),
        sa.Column("is_undone", sa.Boolean(), nullable=False),
        sa.Column("is_rolled_back", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requester_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(step = 'closed') = (closed_at IS NOT NULL) AND (step = 'closed') = (result IS NOT NULL)",
            name=op.f("ck_change_request_closed_with_a_result"),
        ),
        sa.CheckConstraint(
            "kind IN ('application', 'infrastructure', 'service', 'account')", name=op.f("ck_change_request_kind")
        ),
        sa.CheckConstraint(
            "result IN ('completed', 'rolled-back', 'rejected', 'withdrawn')", name=op.f("ck_change_request_result")
        ),
        sa.CheckConstraint(
            "source IN ('user', 'incident', 'audit', 'regulation', 'maintenance', 'vendor')",
            name=op.f("ck_change_request_source"),
        ),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_change_request_step"),
        ),
        sa.CheckConstraint(
            "submitted_at IS NOT NULL OR step = 'request'", name=op.f("ck_change_request_draft_is_at_the_start")
        ),
        sa.CheckConstraint("urgency IN ('normal', 'emergency')", name=op.f("ck_change_request_urgency")),
        sa.CheckConstraint(
            "(submitted_at IS NULL) = (number IS NULL) AND (submitted_at IS NULL) = (serial IS NULL) AND "
            "(submitted_at IS NULL) = (year IS NULL)",
            name=op.f("ck_change_request_numbered_when_submitted"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_change_request_agency_id")),
        sa.ForeignKeyConstraint(
            ["linked_change_id"], ["change_request.id"], name=op.f("fk_change_request_linked_change_id")
        ),
        sa.ForeignKeyConstraint(["requester_id"], ["user_account.id"], name=op.f("fk_change_request_requester_id")),
        sa.ForeignKeyConstraint(["sop_id"], ["sop.id"], name=op.f("fk_change_request_sop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_request")),
        sa.UniqueConstraint("agency_id", "number", name=op.f("uq_change_request_agency_id_number")),
        sa.UniqueConstraint("agency_id", "year", "serial", name=op.f("uq_change_request_agency_id_year_serial")),
        sa.UniqueConstraint("id", "sop_id", name=op.f("uq_change_request_id_sop_id")),
    )
    op.create_index(
        "ix_change_draft",
        "change_request",
        ["requester_id", "id"],
        unique=False,
        sqlite_where=sa.text("submitted_at IS NULL"),
        postgresql_where=sa.text("submitted_at IS NULL"),
    )
    op.create_index("ix_change_kind", "change_request", ["agency_id", "kind", "id"], unique=False)
    op.create_index("ix_change_kind_everywhere", "change_request", ["kind", "id"], unique=False)
    op.create_index(
        "ix_change_newest", "change_request", ["agency_id", "id", "submitted_at", "requester_id"], unique=False
    )
    op.create_index(
        "ix_change_open",
        "change_request",
        ["agency_id", "id"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(op.f("ix_change_request_linked_change_id"), "change_request", ["linked_change_id"], unique=False)
    op.create_index("ix_change_requester", "change_request", ["requester_id", "id"], unique=False)
    op.create_index(
        "ix_change_requester_submitted", "change_request", ["requester_id", "submitted_at", "id"], unique=False
    )
    op.create_index("ix_change_result", "change_request", ["agency_id", "result", "id"], unique=False)
    op.create_index("ix_change_result_everywhere", "change_request", ["result", "id"], unique=False)
    op.create_index("ix_change_step", "change_request", ["agency_id", "step", "id"], unique=False)
    op.create_index("ix_change_step_everywhere", "change_request", ["step", "id"], unique=False)
    op.create_index("ix_change_submitted", "change_request", ["agency_id", "submitted_at", "id"], unique=False)
    op.create_index("ix_change_submitted_everywhere", "change_request", ["submitted_at", "id"], unique=False)
    op.create_index("ix_change_urgency", "change_request", ["agency_id", "urgency", "id"], unique=False)
    op.create_index("ix_change_urgency_everywhere", "change_request", ["urgency", "id"], unique=False)


def _list_choice() -> None:
    op.create_table(
        "list_choice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("screen", sa.String(length=32), nullable=False),
        sa.Column("columns", sa.Text(), nullable=True),
        sa.Column("default_view_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "screen IN ('change', 'evaluation', 'urgency', 'approval', 'implementation', 'test', 'rollback', "
            "'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', 'document', "
            "'deviation', 'delegation', 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', 'holiday', "
            "'setting', 'audit')",
            name=op.f("ck_list_choice_screen"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_list_choice_agency_id")),
        sa.ForeignKeyConstraint(["default_view_id"], ["saved_view.id"], name=op.f("fk_list_choice_default_view_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_list_choice_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_choice")),
        sa.UniqueConstraint("user_id", "screen", name=op.f("uq_list_choice_user_id_screen")),
    )
    op.create_index(op.f("ix_list_choice_default_view_id"), "list_choice", ["default_view_id"], unique=False)


def _sop_step() -> None:
    op.create_table(
        "sop_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=True),
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=32), nullable=False),
        sa.Column("standard_minutes", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "actor IN ('requester', 'change_manager', 'head', 'inspector', 'administrator')",
            name=op.f("ck_sop_step_actor"),
        ),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_sop_step_step"),
        ),
        sa.ForeignKeyConstraint(["sop_id"], ["sop.id"], name=op.f("fk_sop_step_sop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sop_step")),
        sa.UniqueConstraint("sop_id", "step", name=op.f("uq_sop_step_sop_id_step")),
    )


def _change_revision() -> None:
    op.create_table(
        "change_revision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_change_revision_change_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_revision")),
        sa.UniqueConstraint("change_id", "revision", name=op.f("uq_change_revision_change_id_revision")),
    )


def _sop_move() -> None:
    op.create_table(
        "sop_move",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('submitted', 'accepted', 'returned', 'rejected', 'resubmitted', 'withdrawn', "
            "'emergency', 'normal', 'approved', 'refused', 'done', 'passed', 'failed', 'rolled-back', 'reported',"
            " 'verified', 'mend', 'scheduled', 'no-release', 'changed', 'unchanged', 'updated')",
            name=op.f("ck_sop_move_outcome"),
        ),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_sop_move_step"),
        ),
        sa.CheckConstraint(
            "target IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_sop_move_target"),
        ),
        sa.ForeignKeyConstraint(["sop_id", "step"], ["sop_step.sop_id", "sop_step.step"], name="fk_sop_move_step"),
        sa.ForeignKeyConstraint(["sop_id"], ["sop.id"], name=op.f("fk_sop_move_sop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sop_move")),
        sa.UniqueConstraint("sop_id", "step", "outcome", "target", name="uq_sop_move_whole"),
        sa.UniqueConstraint("sop_id", "step", "outcome", name=op.f("uq_sop_move_sop_id_step_outcome")),
    )


def _activity() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("requester_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("previous_sequence", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("actor_role", sa.String(length=32), nullable=False),
        sa.Column("standard_minutes", sa.Integer(), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_up_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("held_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("target", sa.String(length=32), nullable=True),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("capacity", sa.String(length=300), nullable=True),
        sa.Column("delegation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("equipment", sa.JSON(), nullable=False),
        sa.Column("declared", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "(sequence = 1 AND previous_sequence IS NULL AND step = 'request') OR (sequence > 1 AND "
            "previous_sequence = sequence - 1 AND previous_sequence IS NOT NULL)",
            name=op.f("ck_activity_in_sequence"),
        ),
        sa.CheckConstraint(
            "actor_role IN ('requester', 'change_manager', 'head', 'inspector', 'administrator')",
            name=op.f("ck_activity_actor_role"),
        ),
        sa.CheckConstraint(
            "outcome IN ('submitted', 'accepted', 'returned', 'rejected', 'resubmitted', 'withdrawn', "
            "'emergency', 'normal', 'approved', 'refused', 'done', 'passed', 'failed', 'rolled-back', 'reported',"
            " 'verified', 'mend', 'scheduled', 'no-release', 'changed', 'unchanged', 'updated')",
            name=op.f("ck_activity_outcome"),
        ),
        sa.CheckConstraint("step <> 'closed'", name=op.f("ck_activity_closed_is_no_step")),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_activity_step"),
        ),
        sa.CheckConstraint(
            "target IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_activity_target"),
        ),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (outcome IS NULL) AND (finished_at IS NULL) = (target IS NULL) AND "
            "(finished_at IS NULL) = (actor_id IS NULL) AND (finished_at IS NULL) = (capacity IS NULL)",
            name=op.f("ck_activity_finished_whole"),
        ),
        sa.CheckConstraint("(taken_up_at IS NULL) = (held_by_id IS NULL)", name=op.f("ck_activity_in_somebodys_hands")),
        sa.CheckConstraint(
            "(taken_up_at IS NULL) = (taken_up_by_id IS NULL)", name=op.f("ck_activity_taken_up_by_somebody")
        ),
        sa.CheckConstraint(
            "arrived_at <= taken_up_at AND arrived_at <= finished_at", name=op.f("ck_activity_times_in_order")
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["user_account.id"], name=op.f("fk_activity_actor_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_activity_agency_id")),
        sa.ForeignKeyConstraint(
            ["change_id", "previous_sequence", "step"],
            ["activity.change_id", "activity.sequence", "activity.target"],
            name="fk_activity_where_the_former_led",
        ),
        sa.ForeignKeyConstraint(
            ["change_id", "sop_id"],
            ["change_request.id", "change_request.sop_id"],
            name="fk_activity_paper_of_the_change",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_activity_change_id")),
        sa.ForeignKeyConstraint(["delegation_id"], ["delegation.id"], name=op.f("fk_activity_delegation_id")),
        sa.ForeignKeyConstraint(["held_by_id"], ["user_account.id"], name=op.f("fk_activity_held_by_id")),
        sa.ForeignKeyConstraint(["requester_id"], ["user_account.id"], name=op.f("fk_activity_requester_id")),
        sa.ForeignKeyConstraint(
            ["sop_id", "step", "outcome", "target"],
            ["sop_move.sop_id", "sop_move.step", "sop_move.outcome", "sop_move.target"],
            name="fk_activity_move_of_the_paper",
        ),
        sa.ForeignKeyConstraint(["taken_up_by_id"], ["user_account.id"], name=op.f("fk_activity_taken_up_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        sa.UniqueConstraint("change_id", "sequence", "target", name="uq_activity_target"),
        sa.UniqueConstraint("change_id", "sequence", name=op.f("uq_activity_change_id_sequence")),
    )
    op.create_index(
        "ix_activity_own_waiting",
        "activity",
        ["requester_id", "step", "arrived_at", "id"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index("ix_activity_requester", "activity", ["requester_id", "step", "arrived_at", "id"], unique=False)
    op.create_index("ix_activity_step", "activity", ["agency_id", "step", "arrived_at", "id"], unique=False)
    op.create_index("ix_activity_step_everywhere", "activity", ["step", "arrived_at", "id"], unique=False)
    op.create_index(
        "ix_activity_waiting",
        "activity",
        ["agency_id", "step", "arrived_at", "id"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(
        "uq_activity_one_open",
        "activity",
        ["change_id"],
        unique=True,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _approval() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("considerations", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )


def _asset_review() -> None:
    op.create_table(
        "asset_review",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("assessment", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_asset_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_review")),
    )


def _asset_update() -> None:
    op.create_table(
        "asset_update",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_asset_update_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_update")),
    )


def _deviation() -> None:
    op.create_table(
        "deviation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("standard", sa.String(length=300), nullable=False),
        sa.Column("allowed_minutes", sa.Integer(), nullable=True),
        sa.Column("measured_minutes", sa.Integer(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("was_open", sa.Boolean(), nullable=False),
        sa.Column("executor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("accounted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accounted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("disposal", sa.String(length=32), nullable=True),
        sa.Column("disposal_note", sa.Text(), nullable=True),
        sa.Column("disposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disposed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("disposed_capacity", sa.String(length=300), nullable=True),
        sa.Column("delegation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("follow_up_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("follow_up_until", sa.Date(), nullable=True),
        sa.Column("followed_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("followed_up_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("follow_up_note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(follow_up_by_id IS NOT NULL) = (disposal IS NOT NULL AND disposal = 'follow-up') AND "
            "(follow_up_by_id IS NULL) = (follow_up_until IS NULL)",
            name=op.f("ck_deviation_follow_up_whole"),
        ),
        sa.CheckConstraint(
            "(kind = 'time') = (measured_minutes IS NOT NULL) AND (kind = 'time') = (allowed_minutes IS NOT NULL)",
            name=op.f("ck_deviation_time_is_measured"),
        ),
        sa.CheckConstraint("disposal IN ('accepted', 'follow-up', 'not-accepted')", name=op.f("ck_deviation_disposal")),
        sa.CheckConstraint("kind IN ('equipment', 'time', 'output')", name=op.f("ck_deviation_kind")),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_deviation_step"),
        ),
        sa.CheckConstraint(
            "(account IS NULL) = (accounted_at IS NULL) AND (account IS NULL) = (accounted_by_id IS NULL)",
            name=op.f("ck_deviation_accounted_whole"),
        ),
        sa.CheckConstraint(
            "(disposal IS NULL) = (disposed_at IS NULL) AND (disposal IS NULL) = (disposed_by_id IS NULL) AND "
            "(disposal IS NULL) = (disposed_capacity IS NULL)",
            name=op.f("ck_deviation_disposed_whole"),
        ),
        sa.CheckConstraint(
            "(followed_up_at IS NULL) = (followed_up_by_id IS NULL) AND (followed_up_at IS NULL) = "
            "(follow_up_note IS NULL) AND (followed_up_at IS NULL OR follow_up_by_id IS NOT NULL)",
            name=op.f("ck_deviation_followed_up_whole"),
        ),
        sa.CheckConstraint(
            "disposal IS NULL OR account IS NOT NULL", name=op.f("ck_deviation_accounted_before_disposed")
        ),
        sa.ForeignKeyConstraint(["accounted_by_id"], ["user_account.id"], name=op.f("fk_deviation_accounted_by_id")),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_deviation_activity_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_deviation_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_deviation_change_id")),
        sa.ForeignKeyConstraint(["delegation_id"], ["delegation.id"], name=op.f("fk_deviation_delegation_id")),
        sa.ForeignKeyConstraint(["disposed_by_id"], ["user_account.id"], name=op.f("fk_deviation_disposed_by_id")),
        sa.ForeignKeyConstraint(["executor_id"], ["user_account.id"], name=op.f("fk_deviation_executor_id")),
        sa.ForeignKeyConstraint(["follow_up_by_id"], ["user_account.id"], name=op.f("fk_deviation_follow_up_by_id")),
        sa.ForeignKeyConstraint(
            ["followed_up_by_id"], ["user_account.id"], name=op.f("fk_deviation_followed_up_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deviation")),
        sa.UniqueConstraint("activity_id", "kind", "subject", name=op.f("uq_deviation_activity_id_kind_subject")),
    )
    op.create_index(
        op.f("ix_deviation_agency_id_raised_at_id"), "deviation", ["agency_id", "raised_at", "id"], unique=False
    )
    op.create_index(op.f("ix_deviation_change_id"), "deviation", ["change_id"], unique=False)
    op.create_index(
        "ix_deviation_follow_up",
        "deviation",
        ["follow_up_by_id", "follow_up_until"],
        unique=False,
        sqlite_where=sa.text("follow_up_by_id IS NOT NULL AND followed_up_at IS NULL"),
        postgresql_where=sa.text("follow_up_by_id IS NOT NULL AND followed_up_at IS NULL"),
    )
    op.create_index("ix_deviation_raised_everywhere", "deviation", ["raised_at", "id"], unique=False)
    op.create_index(
        "ix_deviation_undisposed",
        "deviation",
        ["agency_id", "id"],
        unique=False,
        sqlite_where=sa.text("disposal IS NULL"),
        postgresql_where=sa.text("disposal IS NULL"),
    )


def _document() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("delegation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("item_key", sa.String(length=80), nullable=True),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("uploaded_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(change_id IS NULL) <> (delegation_id IS NULL)", name=op.f("ck_document_belongs_to_one_thing")
        ),
        sa.CheckConstraint("(change_id IS NULL) = (activity_id IS NULL)", name=op.f("ck_document_attached_in_a_step")),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_document_activity_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_document_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_document_change_id")),
        sa.ForeignKeyConstraint(["delegation_id"], ["delegation.id"], name=op.f("fk_document_delegation_id")),
        sa.ForeignKeyConstraint(["sha256"], ["file_content.sha256"], name=op.f("fk_document_sha256")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["user_account.id"], name=op.f("fk_document_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index(op.f("ix_document_activity_id"), "document", ["activity_id"], unique=False)
    op.create_index(
        op.f("ix_document_agency_id_uploaded_at_id"), "document", ["agency_id", "uploaded_at", "id"], unique=False
    )
    op.create_index(op.f("ix_document_change_id"), "document", ["change_id"], unique=False)
    op.create_index(op.f("ix_document_delegation_id"), "document", ["delegation_id"], unique=False)
    op.create_index(op.f("ix_document_sha256"), "document", ["sha256"], unique=False)
    op.create_index(op.f("ix_document_uploaded_at_id"), "document", ["uploaded_at", "id"], unique=False)


def _handover() -> None:
    op.create_table(
        "handover",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("by_id IN (from_id, to_id)", name=op.f("ck_handover_by_one_of_the_two")),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_handover_to_somebody_else")),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_handover_activity_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_handover_agency_id")),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_handover_by_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_handover_change_id")),
        sa.ForeignKeyConstraint(["from_id"], ["user_account.id"], name=op.f("fk_handover_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["user_account.id"], name=op.f("fk_handover_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    op.create_index(op.f("ix_handover_activity_id"), "handover", ["activity_id"], unique=False)


def _implementation() -> None:
    op.create_table(
        "implementation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("environment", sa.String(length=32), nullable=True),
        sa.Column("steps_taken", sa.Text(), nullable=True),
        sa.Column("participants", sa.Text(), nullable=True),
        sa.Column("claimed_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "environment IN ('production', 'staging', 'training', 'office')", name=op.f("ck_implementation_environment")
        ),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_implementation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_implementation")),
    )


def _notification() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "event IN ('waiting', 'emergency', 'outcome', 'taken-up', 'handed-over', 'soon-late', 'overdue', "
            "'deviation', 'deviation-disposed', 'follow-up', 'delegation-granted', 'delegation-withdrawn', "
            "'release-allowed')",
            name=op.f("ck_notification_event"),
        ),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_notification_activity_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_notification_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_notification_change_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_notification_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_notification_user_id_key")),
    )
    op.create_index("ix_notification_agency", "notification", ["agency_id", "at", "id"], unique=False)
    op.create_index(op.f("ix_notification_change_id"), "notification", ["change_id"], unique=False)
    op.create_index("ix_notification_event", "notification", ["user_id", "event", "at", "id"], unique=False)
    op.create_index("ix_notification_everywhere", "notification", ["at", "id"], unique=False)
    op.create_index("ix_notification_newest", "notification", ["user_id", "at", "id"], unique=False)
    op.create_index(
        "ix_notification_unread",
        "notification",
        ["user_id", "at", "id"],
        unique=False,
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )


def _release() -> None:
    op.create_table(
        "release",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.String(length=80), nullable=True),
        sa.Column("window_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("environment", sa.String(length=32), nullable=True),
        sa.Column("overlap_reason", sa.Text(), nullable=True),
        sa.Column("downtime_minutes", sa.Integer(), nullable=True),
        sa.Column("audience", sa.Text(), nullable=True),
        sa.Column("person_in_charge", sa.String(length=300), nullable=True),
        sa.Column("actual_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "environment IN ('production', 'staging', 'training', 'office')", name=op.f("ck_release_environment")
        ),
        sa.CheckConstraint("downtime_minutes >= 0", name=op.f("ck_release_downtime_not_negative")),
        sa.CheckConstraint("window_start_at <= window_end_at", name=op.f("ck_release_window_in_order")),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_index(op.f("ix_release_actual_at"), "release", ["actual_at"], unique=False)
    op.create_index(
        op.f("ix_release_window_end_at_window_start_at"), "release", ["window_end_at", "window_start_at"], unique=False
    )
    op.create_index(op.f("ix_release_window_start_at"), "release", ["window_start_at"], unique=False)


def _report() -> None:
    op.create_table(
        "report",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("follow_up", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
    )


def _rollback() -> None:
    op.create_table(
        "rollback",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("steps_taken", sa.Text(), nullable=True),
        sa.Column("state_restored", sa.Text(), nullable=True),
        sa.Column("verified_how", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_rollback_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollback")),
    )


def _step_time() -> None:
    op.create_table(
        "step_time",
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=True),
        sa.Column("waited_minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "step IN ('request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', "
            "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed')",
            name=op.f("ck_step_time_step"),
        ),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_step_time_activity_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_step_time_agency_id")),
        sa.PrimaryKeyConstraint("activity_id", name=op.f("pk_step_time")),
    )
    op.create_index(
        "ix_step_time_figures",
        "step_time",
        ["agency_id", "step", "finished_at", "is_late", "waited_minutes"],
        unique=False,
    )


def _test_run() -> None:
    op.create_table(
        "test_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("documentation", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_test_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_run")),
    )


def _urgency_assessment() -> None:
    op.create_table(
        "urgency_assessment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ground", sa.String(length=32), nullable=True),
        sa.Column("assessment", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "ground IN ('major-incident', 'security', 'other')", name=op.f("ck_urgency_assessment_ground")
        ),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_urgency_assessment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_urgency_assessment")),
    )


def _verification() -> None:
    op.create_table(
        "verification",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_verification_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification")),
    )


def _asset_mutation() -> None:
    op.create_table(
        "asset_mutation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("update_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'added') OR before IS NOT NULL", name=op.f("ck_asset_mutation_before_unless_added")
        ),
        sa.CheckConstraint("kind IN ('added', 'altered', 'retired')", name=op.f("ck_asset_mutation_kind")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_asset_mutation_agency_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_asset_mutation_asset_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_asset_mutation_change_id")),
        sa.ForeignKeyConstraint(["update_id"], ["asset_update.id"], name=op.f("fk_asset_mutation_update_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_mutation")),
    )
    op.create_index(op.f("ix_asset_mutation_asset_id"), "asset_mutation", ["asset_id"], unique=False)
    op.create_index(op.f("ix_asset_mutation_change_id"), "asset_mutation", ["change_id"], unique=False)
    op.create_index(op.f("ix_asset_mutation_update_id"), "asset_mutation", ["update_id"], unique=False)


def _asset_review_item() -> None:
    op.create_table(
        "asset_review_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("review_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_asset_review_item_asset_id")),
        sa.ForeignKeyConstraint(["review_id"], ["asset_review.id"], name=op.f("fk_asset_review_item_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_review_item")),
        sa.UniqueConstraint("review_id", "position", name=op.f("uq_asset_review_item_review_id_position")),
    )
    op.create_index(op.f("ix_asset_review_item_asset_id"), "asset_review_item", ["asset_id"], unique=False)


def _evaluation() -> None:
    op.create_table(
        "evaluation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("findings", sa.Text(), nullable=True),
        sa.Column("risk", sa.String(length=32), nullable=True),
        sa.Column("answer_to_refusal", sa.Text(), nullable=True),
        sa.Column("answers_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("risk IN ('low', 'medium', 'high')", name=op.f("ck_evaluation_risk")),
        sa.ForeignKeyConstraint(["answers_id"], ["approval.id"], name=op.f("fk_evaluation_answers_id")),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_evaluation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
    )


def _freeze_permit() -> None:
    op.create_table(
        "freeze_permit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("freeze_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("allowed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.String(length=300), nullable=False),
        sa.Column("delegation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("letter_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_freeze_permit_agency_id")),
        sa.ForeignKeyConstraint(["allowed_by_id"], ["user_account.id"], name=op.f("fk_freeze_permit_allowed_by_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_freeze_permit_change_id")),
        sa.ForeignKeyConstraint(["delegation_id"], ["delegation.id"], name=op.f("fk_freeze_permit_delegation_id")),
        sa.ForeignKeyConstraint(["freeze_id"], ["freeze_period.id"], name=op.f("fk_freeze_permit_freeze_id")),
        sa.ForeignKeyConstraint(["letter_id"], ["document.id"], name=op.f("fk_freeze_permit_letter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freeze_permit")),
        sa.UniqueConstraint("freeze_id", "change_id", name=op.f("uq_freeze_permit_freeze_id_change_id")),
    )
    op.create_index(op.f("ix_freeze_permit_change_id"), "freeze_permit", ["change_id"], unique=False)
    op.create_index(op.f("ix_freeze_permit_letter_id"), "freeze_permit", ["letter_id"], unique=False)


def _mail() -> None:
    op.create_table(
        "mail",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notification_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.String(length=300), nullable=True),
        sa.Column("link_base", sa.String(length=300), nullable=True),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_mail_sent_at_a_time")),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed', 'cancelled')", name=op.f("ck_mail_state")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_mail_attempts_not_negative")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_mail_agency_id")),
        sa.ForeignKeyConstraint(["notification_id"], ["notification.id"], name=op.f("fk_mail_notification_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("notification_id", name=op.f("uq_mail_notification_id")),
    )
    op.create_index(
        "ix_mail_due",
        "mail",
        ["next_try_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_mail_state", "mail", ["state", "id"], unique=False)


def _release_asset() -> None:
    op.create_table(
        "release_asset",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_release_asset_asset_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_release_asset_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_asset")),
        sa.UniqueConstraint("release_id", "asset_id", name=op.f("uq_release_asset_release_id_asset_id")),
        sa.UniqueConstraint("release_id", "position", name=op.f("uq_release_asset_release_id_position")),
    )
    op.create_index(op.f("ix_release_asset_asset_id"), "release_asset", ["asset_id"], unique=False)


def _test_case() -> None:
    op.create_table(
        "test_case",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("actual", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["test_run.id"], name=op.f("fk_test_case_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_case")),
        sa.UniqueConstraint("run_id", "position", name=op.f("uq_test_case_run_id_position")),
    )
