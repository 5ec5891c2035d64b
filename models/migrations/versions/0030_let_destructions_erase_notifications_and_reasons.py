"""Let destructions erase what notifications say of a request, and the reasons beside its steps

Triggers alone: of notifications, hand-overs, takeovers, corrections of clocks, permits, revisions of releases, and
signed papers.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    op.create_triggers(revision, down_revision)
