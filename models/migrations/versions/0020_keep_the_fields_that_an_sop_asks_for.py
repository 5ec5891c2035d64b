"""Keep the fields that an SOP asks for

The triggers that keep the search index are replaced: the words of a step and of a request now end with its fields;
rows without fields stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "field_value",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('line', 'text', 'number', 'money', 'date', 'moment', 'duration', 'yes-no', 'one-of', "
            "'several-of', 'user', 'asset', 'request', 'rows')",
            name=op.f("ck_field_value_kind"),
        ),
        sa.CheckConstraint("value <> '' AND words <> ''", name=op.f("ck_field_value_says_something")),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_field_value_activity_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_field_value_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_field_value_change_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_value")),
        sa.UniqueConstraint("activity_id", "key", name=op.f("uq_field_value_activity_id_key")),
    )
    with op.batch_alter_table("field_value", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_field_value_change_id"), ["change_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_field_value_key_activity_id"), ["key", "activity_id"], unique=False)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("field_value", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_field_value_key_activity_id"))
        batch_op.drop_index(batch_op.f("ix_field_value_change_id"))

    op.drop_table("field_value")
    op.create_triggers(revision, down_revision)
