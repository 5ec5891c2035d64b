"""Let erasure reach the number beside a value of a field that an SOP asks for

Answers to returned requests that are open begin with what the request says in such fields: the former version looked
there until the first of them was saved.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

COLUMNS = "position, key, label, kind, value, words, number"
FILL = f"""
    INSERT INTO field_value (agency_id, change_id, activity_id, {COLUMNS})
    SELECT former.agency_id, former.change_id, answer.id, {COLUMNS}
    FROM activity AS answer
    JOIN field_value AS former ON former.activity_id = (
        SELECT earlier.id FROM activity AS earlier
        WHERE earlier.change_id = answer.change_id AND earlier.sequence < answer.sequence
        AND earlier.step IN ('request', 'returned')
        ORDER BY earlier.sequence DESC LIMIT 1
    )
    WHERE answer.step = 'returned' AND answer.finished_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM field_value AS own WHERE own.activity_id = answer.id)
"""


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.execute(FILL)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    op.create_triggers(revision, down_revision)
