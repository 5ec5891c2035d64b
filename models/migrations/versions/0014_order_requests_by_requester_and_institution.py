"""Order requests by requester and institution: four indexes, a second or two with 100,000 requests."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_change_asked_by": ["agency_id", "asked_by_name", "id"],
    "ix_change_asked_by_everywhere": ["asked_by_name", "id"],
    "ix_change_institution": ["agency_id", "requester_institution", "id"],
    "ix_change_institution_everywhere": ["requester_institution", "id"],
}


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        op.create_index(name, "change_request", columns, unique=False)


def downgrade() -> None:
    for name in reversed(_INDEXES):
        op.drop_index(name, table_name="change_request")
