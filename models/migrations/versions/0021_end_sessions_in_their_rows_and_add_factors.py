"""End sessions in their rows, and add recovery codes, passkeys and events of security"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

FORMER_EVENTS = (
    "waiting", "emergency", "outcome", "taken-up", "handed-over", "soon-late", "overdue", "deviation",
    "deviation-disposed", "follow-up", "comment", "delegation-granted", "delegation-withdrawn", "release-unrecorded",
    "release-revised", "release-allowed", "password-reset", "email-changed",
)  # fmt: skip
NEW_EVENTS = ("account-security", "security-alert")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "passkey",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_passkey_agency_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_passkey_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
    )
    with op.batch_alter_table("passkey") as batch:
        batch.create_index(batch.f("ix_passkey_user_id"), ["user_id"], unique=False)

    op.create_table(
        "recovery_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=300), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_from", sa.String(length=45), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_recovery_code_agency_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_recovery_code_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
    )
    with op.batch_alter_table("recovery_code") as batch:
        batch.create_index(
            "uq_recovery_code_number",
            ["user_id", "number"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    with op.batch_alter_table("calendar_feed") as batch:
        batch.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("login") as batch:
        batch.add_column(sa.Column("device", sa.String(length=80), nullable=True))
        batch.add_column(sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("idle_until", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("end_reason", sa.String(length=32), nullable=True))
        batch.create_check_constraint(
            batch.f("ck_login_end_reason"),
            _in(
                "end_reason",
                ("logout", "replaced", "password", "account", "factor", "guesses", "owner", "administrator"),
            ),
        )

    with op.batch_alter_table("notification") as batch:
        batch.drop_constraint(batch.f("ck_notification_event"), type_="check")
        batch.create_check_constraint(
            batch.f("ck_notification_event"),
            _in("event", FORMER_EVENTS + NEW_EVENTS),
        )

    with op.batch_alter_table("user_account") as batch:
        batch.add_column(sa.Column("factor_due_at", sa.DateTime(timezone=True), nullable=True))
        batch.alter_column(
            "totp_secret", existing_type=sa.VARCHAR(length=64), type_=sa.String(length=300), existing_nullable=True
        )

    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    # The former version reads no encrypted seed: a second factor has to be turned on again there.
    op.execute("UPDATE user_account SET totp_secret = NULL, totp_last_step = NULL WHERE totp_secret LIKE 'f1:%'")
    _give_former_events()
    with op.batch_alter_table("user_account") as batch:
        batch.alter_column(
            "totp_secret", existing_type=sa.String(length=300), type_=sa.VARCHAR(length=64), existing_nullable=True
        )
        batch.drop_column("factor_due_at")

    with op.batch_alter_table("notification") as batch:
        batch.drop_constraint(batch.f("ck_notification_event"), type_="check")
        batch.create_check_constraint(
            batch.f("ck_notification_event"),
            _in("event", FORMER_EVENTS),
        )

    with op.batch_alter_table("login") as batch:
        batch.drop_constraint(batch.f("ck_login_end_reason"), type_="check")
        batch.drop_column("end_reason")
        batch.drop_column("idle_until")
        batch.drop_column("seen_at")
        batch.drop_column("ends_at")
        batch.drop_column("device")

    with op.batch_alter_table("calendar_feed") as batch:
        batch.drop_column("expires_at")

    with op.batch_alter_table("recovery_code") as batch:
        batch.drop_index(
            "uq_recovery_code_number",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("recovery_code")
    with op.batch_alter_table("passkey") as batch:
        batch.drop_index(batch.f("ix_passkey_user_id"))

    op.drop_table("passkey")
    op.create_triggers(revision, down_revision)


def _in(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _give_former_events() -> None:
    """Give notifications of the new events one that the former version has, past the trigger that keeps them."""
    connection = op.get_bind()
    statement = f"UPDATE notification SET event = 'email-changed' WHERE {_in('event', NEW_EVENTS)}"
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE notification DISABLE TRIGGER USER")
        op.execute(statement)
        op.execute("ALTER TABLE notification ENABLE TRIGGER USER")
        return
    created = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE name = 'notification_stands'"
    ).scalar_one()
    op.execute("DROP TRIGGER notification_stands")
    op.execute(statement)
    connection.exec_driver_sql(created)
