"""find requests by where they are filed, and print steps of an SOP's own

Number and code of the archive application are words of a request in the index of the search: those noted already are
written once more, so that the triggers put them there. The kinds of printed papers get one for steps of an SOP's own.
The CHECK reads the printed papers once: a second with 100,000 requests.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

FORMER_KINDS = (
    "'change-form', 'evaluation', 'urgency', 'decision', 'implementation', 'test', 'rollback', 'report', "
    "'verification', 'schedule', 'release', 'asset-review', 'asset-update', 'deviations', 'handover', 'sop'"
)
KINDS = f"{FORMER_KINDS}, 'own-step'"

#: What was noted, as the last lines of a request's words, and the key of their row: that of its kind, office and id.
FILED = """
    SELECT (1048576 + agency_id) * 8589934592 + change_id AS key,
    coalesce(reference_number || :newline, '') || coalesce(classification_code || :newline, '') AS words
    FROM archive_reference
"""
MAX_TEXT_LENGTH = 100_000


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    set_kinds(KINDS)
    op.create_triggers(down_revision, revision)
    write_words("substr(text || :words, 1, :length)", lambda words: {"words": words, "length": MAX_TEXT_LENGTH})


def downgrade() -> None:
    printed = sa.text("SELECT count(*) FROM paper_print WHERE kind = 'own-step'")
    if op.get_bind().scalar(printed):
        raise RuntimeError("papers of steps of an SOP's own were printed, which the former version has no place for")
    op.drop_triggers(revision, down_revision)
    set_kinds(FORMER_KINDS)
    op.create_triggers(revision, down_revision)
    write_words("substr(text, 1, length(text) - :length)", lambda words: {"length": len(words)})


def write_words(expression: str, parameters: Callable[[str], dict[str, object]]) -> None:
    connection = op.get_bind()
    statement = sa.text(f"UPDATE search_record SET text = {expression} WHERE key = :key")
    for key, words in connection.execute(sa.text(FILED), {"newline": "\n"}).all():
        connection.execute(statement, {"key": key, **parameters(words)})


def set_kinds(kinds: str) -> None:
    with op.batch_alter_table("paper_print") as batch:
        batch.drop_constraint(op.f("ck_paper_print_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_paper_print_kind"), f"kind IN ({kinds})")
