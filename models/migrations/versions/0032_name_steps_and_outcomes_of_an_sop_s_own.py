"""name steps and outcomes of an SOP's own

The CHECKs on steps and outcomes go, since SOPs name further ones; what a history may say is held by its foreign keys to
the moves of its SOP. On SQLite the tables are built anew. On PostgreSQL no table is rewritten: columns get wider.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

STEPS = (
    "'request', 'returned', 'evaluation', 'urgency', 'approval', 'implementation', 'test', 'rollback', "
    "'report', 'verification', 'release', 'asset-review', 'asset-update', 'closed'"
)
OUTCOMES = (
    "'submitted', 'accepted', 'returned', 'rejected', 'resubmitted', 'withdrawn', 'emergency', 'normal', "
    "'approved', 'refused', 'done', 'passed', 'failed', 'rolled-back', 'reported', 'verified', 'mend', "
    "'scheduled', 'no-release', 'changed', 'unchanged', 'updated'"
)
#: Before the screen of the steps of an SOP's own, and after.
FORMER_SCREENS = (
    "'change', 'comment', 'evaluation', 'returned', 'urgency', 'approval', 'implementation', 'test', "
    "'rollback', 'report', 'verification', 'release', 'asset-review', 'asset-update', 'asset', 'asset-code', "
    "'asset-import', 'asset-period', 'room', 'document', 'paper', 'paper-setting', 'deviation', 'delegation', "
    "'absence', 'freeze', 'sop', 'edited-sop', 'notification', 'mail', 'user', 'account-request', 'holiday', "
    "'setting', 'audit', 'inspection', 'finding', 'self-check', 'integrity', 'retention', 'hold', 'destruction', "
    "'archive-reference'"
)
SCREENS = FORMER_SCREENS.replace("'asset-update', ", "'asset-update', 'own-step', ")

#: The columns with a step or an outcome, by table.
COLUMNS = {
    "activity": ("step", "outcome", "target"),
    "change_request": ("step",),
    "deviation": ("step",),
    "deviation_total": ("step",),
    "requester_deviation_total": ("step",),
    "sop_move": ("step", "outcome", "target"),
    "sop_step": ("step",),
    "step_due": ("step",),
    "step_time": ("step",),
    "step_total": ("step",),
}
NULLABLE = {("activity", "outcome"), ("activity", "target")}
FORMER_LENGTH = 32


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "own_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["activity.id"], name=op.f("fk_own_step_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_step")),
    )
    op.add_column("agency", sa.Column("sop_steps", sa.Text(), nullable=True))
    waiting = drop_triggers_of_postgresql()
    for table, columns in COLUMNS.items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.alter_column(
                    column,
                    existing_type=sa.String(FORMER_LENGTH),
                    type_=sa.String(length_of(column)),
                    existing_nullable=(table, column) in NULLABLE,
                )
                batch.drop_constraint(op.f(f"ck_{table}_{column}"), type_="check")
    for statement in waiting:
        op.execute(sa.text(statement))
    set_screens(SCREENS)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    named = sa.text("SELECT count(*) FROM sop_step WHERE step LIKE '%.%'")
    if op.get_bind().scalar(named):
        raise RuntimeError("an SOP has steps of its own, which the former version has no place for")
    op.drop_triggers(revision, down_revision)
    set_screens(FORMER_SCREENS)
    waiting = drop_triggers_of_postgresql()
    for table, columns in reversed(COLUMNS.items()):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                values = OUTCOMES if column == "outcome" else STEPS
                batch.create_check_constraint(op.f(f"ck_{table}_{column}"), f"{column} IN ({values})")
                batch.alter_column(
                    column,
                    existing_type=sa.String(length_of(column)),
                    type_=sa.String(FORMER_LENGTH),
                    existing_nullable=(table, column) in NULLABLE,
                )
    for statement in waiting:
        op.execute(sa.text(statement))
    with op.batch_alter_table("agency") as batch:
        batch.drop_column("sop_steps")
    op.drop_table("own_step")
    op.create_triggers(revision, down_revision)


def drop_triggers_of_postgresql() -> list[str]:
    """Drop the triggers of ``COLUMNS``, which hold the type of a column, and return what creates them again."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return []
    triggers = connection.execute(
        sa.text(
            "SELECT t.tgname, c.relname, pg_get_triggerdef(t.oid)"
            " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"
            " AND c.relname = ANY(:tables) AND c.relnamespace = current_schema()::regnamespace"
            " ORDER BY t.tgname"
        ),
        {"tables": list(COLUMNS)},
    ).all()
    for name, table, _statement in triggers:
        op.execute(sa.text(f'DROP TRIGGER "{name}" ON "{table}"'))
    return [statement.replace(":", "\\:") for _name, _table, statement in triggers]


def length_of(column: str) -> int:
    return 60 if column == "outcome" else 80


def set_screens(screens: str) -> None:
    if screens != SCREENS:
        for table in ("list_choice", "saved_view"):
            op.execute(sa.text(f"DELETE FROM {table} WHERE screen = 'own-step'"))
    for table in ("list_choice", "saved_view"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_screen"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_screen"), f"screen IN ({screens})")
