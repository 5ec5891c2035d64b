"""Let heads and administrators be changed by two people, and delegations be confirmed.

On SQLite the tables of notifications, delegations and what users chose for lists are built anew. On PostgreSQL the
CHECK on the events reads the notifications once; nothing is written anew.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

SCREENS = (
    "change", "comment", "evaluation", "returned", "urgency", "approval", "implementation", "test",
    "rollback", "report", "verification", "release", "asset-review", "asset-update", "asset", "asset-code",
    "asset-import", "asset-period", "room", "document", "paper", "paper-setting", "deviation", "delegation",
    "absence", "freeze", "sop", "notification", "mail", "user", "account-request", "holiday", "setting",
    "audit", "inspection", "finding", "self-check", "integrity",
)  # fmt: skip
NEW_SCREEN = "account-request"
EVENTS = (
    "waiting", "emergency", "outcome", "taken-up", "handed-over", "soon-late", "overdue", "deviation",
    "deviation-disposed", "follow-up", "comment", "delegation-granted", "delegation-unconfirmed",
    "delegation-withdrawn", "release-unrecorded", "release-revised", "release-allowed", "dossier-ready",
    "dossier-failed", "finding-assigned", "integrity", "password-reset", "email-changed", "account-security",
    "security-alert", "account-changed", "account-request",
)  # fmt: skip
NEW_EVENTS = ("delegation-unconfirmed", "account-changed", "account-request")
RULES = (
    "document-missing", "out-of-order", "parts-not-apart", "approval-missing", "late-unexplained",
    "condition-not-met", "follow-up-overdue", "finding-overdue", "release-not-recorded", "asset-not-updated",
    "asset-double", "asset-gap", "decree-missing", "term-too-long", "asleep", "account-unused",
    "person-twice", "roles-mixed", "nip-missing", "sop-old",
)  # fmt: skip
NEW_RULES = ("roles-mixed", "nip-missing")


def replace_check(table: str, column: str, values: Sequence[str]) -> None:
    listed = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(batch.f(f"ck_{table}_{column}"), type_="check")
        batch.create_check_constraint(batch.f(f"ck_{table}_{column}"), f"{column} IN ({listed})")


def delete_new_rows() -> None:
    """Delete what the former version has no word for, past the triggers that keep it.

    A delegation that nobody has confirmed is void.
    """
    events = ", ".join(f"'{event}'" for event in NEW_EVENTS)
    rules = ", ".join(f"'{rule}'" for rule in NEW_RULES)
    delete_past_trigger("mail", f"notification_id IN (SELECT id FROM notification WHERE event IN ({events}))")
    delete_past_trigger("notification", f"event IN ({events})")
    delete_past_trigger("self_check_finding", f"rule IN ({rules})")
    op.execute(f"DELETE FROM saved_view WHERE screen = '{NEW_SCREEN}'")
    op.execute(f"DELETE FROM list_choice WHERE screen = '{NEW_SCREEN}'")
    op.execute(
        "UPDATE delegation SET void_at = unconfirmed_since"
        " WHERE unconfirmed_since IS NOT NULL AND withdrawn_at IS NULL AND void_at IS NULL"
    )


def delete_past_trigger(table: str, condition: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        op.execute(f"DELETE FROM {table} WHERE {condition}")
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        return
    trigger = f"{table}_kept"
    created = connection.exec_driver_sql(f"SELECT sql FROM sqlite_master WHERE name = '{trigger}'").scalar_one()
    op.execute(f"DROP TRIGGER {trigger}")
    op.execute(f"DELETE FROM {table} WHERE {condition}")
    connection.exec_driver_sql(created)


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "account_request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_name", sa.String(length=300), nullable=True),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("roles", sa.String(length=80), nullable=True),
        sa.Column("email", sa.String(length=300), nullable=True),
        sa.Column("without_second_factor", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("asked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_by_name", sa.String(length=300), nullable=True),
        sa.Column("asked_by_title", sa.String(length=300), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_by_name", sa.String(length=300), nullable=True),
        sa.Column("decided_by_title", sa.String(length=300), nullable=True),
        sa.Column("decision", sa.String(length=32), nullable=True),
        sa.Column("refusal_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "act IN ('create', 'roles', 'email', 'reset', 'factor', 'disable', 'enable')",
            name=op.f("ck_account_request_act"),
        ),
        sa.CheckConstraint(
            "decision <> 'waiting' AND decision <> 'expired'", name=op.f("ck_account_request_decision_is_final")
        ),
        sa.CheckConstraint(
            "decision IN ('waiting', 'approved', 'refused', 'withdrawn', 'expired')",
            name=op.f("ck_account_request_decision"),
        ),
        sa.CheckConstraint(
            "roles IN ('requester', 'change_manager', 'head', 'inspector', 'administrator', 'requester "
            "change_manager', 'requester head', 'requester inspector', 'requester administrator', 'change_manager"
            " head', 'change_manager inspector', 'change_manager administrator', 'head inspector', 'head "
            "administrator', 'inspector administrator', 'requester change_manager head', 'requester "
            "change_manager inspector', 'requester change_manager administrator', 'requester head inspector', "
            "'requester head administrator', 'requester inspector administrator', 'change_manager head "
            "inspector', 'change_manager head administrator', 'change_manager inspector administrator', 'head "
            "inspector administrator', 'requester change_manager head inspector', 'requester change_manager head "
            "administrator', 'requester change_manager inspector administrator', 'requester head inspector "
            "administrator', 'change_manager head inspector administrator', 'requester change_manager head "
            "inspector administrator')",
            name=op.f("ck_account_request_roles"),
        ),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decision IS NULL)", name=op.f("ck_account_request_decided_at_a_time")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_account_request_agency_id")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["user_account.id"], name=op.f("fk_account_request_asked_by_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user_account.id"], name=op.f("fk_account_request_decided_by_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_account_request_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_request")),
    )
    with op.batch_alter_table("account_request") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_account_request_agency_id_asked_at_id"), ["agency_id", "asked_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_account_request_open",
            ["user_id", "act"],
            unique=False,
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        )

    with op.batch_alter_table("delegation") as batch_op:
        batch_op.add_column(sa.Column("unconfirmed_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("confirmed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("confirmed_by_name", sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column("confirmed_by_title", sa.String(length=300), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_delegation_confirmed_by_id"), "user_account", ["confirmed_by_id"], ["id"]
        )

    replace_check("list_choice", "screen", SCREENS)
    replace_check("notification", "event", EVENTS)
    replace_check("saved_view", "screen", SCREENS)
    replace_check("self_check_finding", "rule", RULES)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    delete_new_rows()
    replace_check("self_check_finding", "rule", [rule for rule in RULES if rule not in NEW_RULES])
    replace_check("saved_view", "screen", [screen for screen in SCREENS if screen != NEW_SCREEN])
    replace_check("notification", "event", [event for event in EVENTS if event not in NEW_EVENTS])
    replace_check("list_choice", "screen", [screen for screen in SCREENS if screen != NEW_SCREEN])
    with op.batch_alter_table("delegation") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_delegation_confirmed_by_id"), type_="foreignkey")
        batch_op.drop_column("confirmed_by_title")
        batch_op.drop_column("confirmed_by_name")
        batch_op.drop_column("confirmed_by_id")
        batch_op.drop_column("confirmed_at")
        batch_op.drop_column("unconfirmed_since")

    with op.batch_alter_table("account_request") as batch_op:
        batch_op.drop_index(
            "ix_account_request_open",
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_account_request_agency_id_asked_at_id"))

    op.drop_table("account_request")
    op.create_triggers(revision, down_revision)
