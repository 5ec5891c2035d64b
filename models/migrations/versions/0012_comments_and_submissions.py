"""Keep comments, several types of a change, what the evaluation adds to a request, and forms that were sent

On PostgreSQL the CHECKs read their tables once while nobody writes: a second for 100,000 requests.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KINDS = (
    "kind IN ('application', 'infrastructure', 'service', 'account', 'application infrastructure', "
    "'application service', 'application account', 'infrastructure service', 'infrastructure account', "
    "'service account', 'application infrastructure service', 'application infrastructure account', "
    "'application service account', 'infrastructure service account', 'application infrastructure service "
    "account')"
)
SCREENS = (
    "screen IN ('change', 'comment', 'evaluation', 'returned', 'urgency', 'approval', 'implementation', "
    "'test', 'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', "
    "'document', 'deviation', 'delegation', 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', "
    "'holiday', 'setting', 'audit')"
)
FORMER_SCREENS = SCREENS.replace("'comment', ", "")
EVENTS = (
    "event IN ('waiting', 'emergency', 'outcome', 'taken-up', 'handed-over', 'soon-late', 'overdue', "
    "'deviation', 'deviation-disposed', 'follow-up', 'comment', 'delegation-granted', 'delegation-withdrawn', "
    "'release-unrecorded', 'release-revised', 'release-allowed', 'password-reset', 'email-changed')"
)
FORMER_EVENTS = EVENTS.replace("'comment', ", "")


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "pending_upload",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("form_id", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=300), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_pending_upload_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_upload")),
    )
    with op.batch_alter_table("pending_upload", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pending_upload_uploaded_at"), ["uploaded_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_pending_upload_user_id_form_id"), ["user_id", "form_id"], unique=False)

    op.create_table(
        "submission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("form_id", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("location", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_submission_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
    )
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_submission_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_submission_user_id_content_hash_at"), ["user_id", "content_hash", "at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_submission_user_id_form_id"), ["user_id", "form_id"], unique=False)

    op.create_table(
        "change_comment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("author_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("author_name", sa.String(length=300), nullable=True),
        sa.Column("author_title", sa.String(length=300), nullable=True),
        sa.Column("capacity", sa.String(length=300), nullable=True),
        sa.Column("addressee_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("addressee_name", sa.String(length=300), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["addressee_id"], ["user_account.id"], name=op.f("fk_change_comment_addressee_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_change_comment_agency_id")),
        sa.ForeignKeyConstraint(["author_id"], ["user_account.id"], name=op.f("fk_change_comment_author_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_change_comment_change_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_comment")),
    )
    with op.batch_alter_table("change_comment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_change_comment_agency_id_at_id"), ["agency_id", "at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_change_comment_at_id"), ["at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_change_comment_change_id_id"), ["change_id", "id"], unique=False)

    with op.batch_alter_table("change_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resources", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("incident_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("done_before_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.alter_column(
            "kind", existing_type=sa.VARCHAR(length=32), type_=sa.String(length=80), existing_nullable=True
        )
        batch_op.drop_constraint(batch_op.f("ck_change_request_kind"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_change_request_kind"),
            KINDS,
        )

    with op.batch_alter_table("evaluation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("impact", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("resources", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("test_plan", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("rollback_plan", sa.Text(), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f("ck_evaluation_kind"),
            KINDS,
        )

    with op.batch_alter_table("implementation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("done_before_at", sa.DateTime(timezone=True), nullable=True))

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

    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    _empty_new_columns()
    op.drop_triggers(revision, down_revision)
    _remove_what_has_no_place()
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

    with op.batch_alter_table("implementation", schema=None) as batch_op:
        batch_op.drop_column("done_before_at")

    with op.batch_alter_table("evaluation", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_evaluation_kind"), type_="check")
        batch_op.drop_column("rollback_plan")
        batch_op.drop_column("test_plan")
        batch_op.drop_column("resources")
        batch_op.drop_column("impact")
        batch_op.drop_column("kind")

    with op.batch_alter_table("change_request", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_change_request_kind"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_change_request_kind"), "kind IN ('application', 'infrastructure', 'service', 'account')"
        )
        batch_op.alter_column(
            "kind", existing_type=sa.String(length=80), type_=sa.VARCHAR(length=32), existing_nullable=True
        )
        batch_op.drop_column("done_before_at")
        batch_op.drop_column("incident_at")
        batch_op.drop_column("resources")

    with op.batch_alter_table("change_comment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_change_comment_change_id_id"))
        batch_op.drop_index(batch_op.f("ix_change_comment_at_id"))
        batch_op.drop_index(batch_op.f("ix_change_comment_agency_id_at_id"))

    op.drop_table("change_comment")
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_user_id_form_id"))
        batch_op.drop_index(batch_op.f("ix_submission_user_id_content_hash_at"))
        batch_op.drop_index(batch_op.f("ix_submission_at"))

    op.drop_table("submission")
    with op.batch_alter_table("pending_upload", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pending_upload_user_id_form_id"))
        batch_op.drop_index(batch_op.f("ix_pending_upload_uploaded_at"))

    op.drop_table("pending_upload")
    op.create_triggers(revision, down_revision)


def _empty_new_columns() -> None:
    """Empty the columns with words that go, while the triggers of this revision take those out of the search index."""
    connection = op.get_bind()
    for table, columns, guards in (
        ("change_request", ("resources",), ("change_request_says_what_was_asked", "change_request_closed")),
        ("evaluation", ("impact", "resources", "test_plan", "rollback_plan"), ("evaluation_frozen_update",)),
    ):
        update = (
            f"UPDATE {table} SET {', '.join(f'{column} = NULL' for column in columns)}"
            f" WHERE {' OR '.join(f'{column} IS NOT NULL' for column in columns)}"
        )
        if connection.dialect.name == "sqlite":
            named = ", ".join(f"'{guard}'" for guard in guards)
            made = connection.exec_driver_sql(f"SELECT name, sql FROM sqlite_master WHERE name IN ({named})").all()
            off, on = [f"DROP TRIGGER {name}" for name, _sql in made], [sql for _name, sql in made]
        else:
            off, on = (
                [f"ALTER TABLE {table} {verb} TRIGGER {guard}" for guard in guards] for verb in ("DISABLE", "ENABLE")
            )
        for statement in (*off, update, *on):
            connection.exec_driver_sql(statement)


def _remove_what_has_no_place() -> None:
    """Remove what refers to comments, and all but the first of several types of a change."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    for table in ("mail", "notification"):
        # SQLite's triggers are created again after the migration.
        off = f"DROP TRIGGER {table}_kept" if is_sqlite else f"ALTER TABLE {table} DISABLE TRIGGER {table}_kept"
        op.execute(off)
    op.execute("DELETE FROM mail WHERE notification_id IN (SELECT id FROM notification WHERE event = 'comment')")
    op.execute("DELETE FROM notification WHERE event = 'comment'")
    if not is_sqlite:
        for table in ("mail", "notification"):
            op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_kept")
    for table in ("saved_view", "list_choice"):
        op.execute(f"DELETE FROM {table} WHERE screen = 'comment'")
    op.execute(f"DELETE FROM search_record WHERE key >= {6 << 53}")
    first = "substr(kind, 1, instr(kind, ' ') - 1)" if is_sqlite else "split_part(kind, ' ', 1)"
    op.execute(f"UPDATE change_request SET kind = {first} WHERE kind LIKE '% %'")
