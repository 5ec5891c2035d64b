"""${message}"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

## CHECKs, triggers and their functions are not found by `flask db migrate`: tests/test_migrations.py names what is
## missing. A table that a batch builds anew on SQLite loses its triggers, which have to be made again here. Nothing is
## imported from the models: what they say today is not what they will say when this runs.

def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
