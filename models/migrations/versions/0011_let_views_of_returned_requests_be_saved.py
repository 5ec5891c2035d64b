"""Let views of the list of returned requests be saved"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCREENS = (
    "'change', 'evaluation', {returned}'urgency', 'approval', 'implementation', 'test', 'rollback', 'report',"
    " 'verification', 'release', 'asset-review', 'asset-update', 'asset', 'document', 'deviation', 'delegation',"
    " 'absence', 'freeze', 'sop', 'notification', 'mail', 'user', 'holiday', 'setting', 'audit'"
)
TABLES = ("list_choice", "saved_view")


def replace_checks(returned: str) -> None:
    """Check the screens of both tables anew; each has few rows for each user."""
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(batch.f(f"ck_{table}_screen"), type_="check")
            batch.create_check_constraint(
                batch.f(f"ck_{table}_screen"), f"screen IN ({SCREENS.format(returned=returned)})"
            )


def upgrade() -> None:
    replace_checks("'returned', ")


def downgrade() -> None:
    for table in TABLES:
        rows = sa.table(table, sa.column("screen"))
        op.execute(sa.delete(rows).where(rows.c.screen == "returned"))
    replace_checks("")
