"""Find services by name: the services that a request affects, as it or its evaluation names them, are words of it

No table is written anew, and only rows of what names a service are written.
"""

from collections.abc import Iterator

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

#: What a key is made of: kind, agency, id.
_KIND, _AGENCY = 1 << 53, 1 << 33
#: Where services are named: the kind of record and its table, whether it is private, the table of names and its owner.
_NAMED = (
    (1, "change_request", "t.submitted_at IS NULL", "change_item", "change_id"),
    (2, "activity", "FALSE", "evaluation_item", "evaluation_id"),
)
#: A name in one word, where it is written in parts.
_JOINED = "nullif(replace(i.service, '-', ''), i.service)"


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    for rows in _rows():
        op.execute(f"""
            UPDATE search_record SET
                text = text || (SELECT s.words FROM ({rows}) s WHERE s.key = search_record.key),
                joined = joined || (SELECT s.joined FROM ({rows}) s WHERE s.key = search_record.key)
            WHERE key IN (SELECT s.key FROM ({rows}) s)
        """)
        op.execute(f"""
            INSERT INTO search_record (key, owner_id, text, names, joined)
            SELECT s.key, s.owner_id, s.words, s.names, s.joined FROM ({rows}) s
            WHERE NOT EXISTS (SELECT 1 FROM search_record r WHERE r.key = s.key)
        """)
    op.create_triggers(down_revision, revision)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    for rows in _rows():
        for column, words in (("text", "words"), ("joined", "joined")):
            op.execute(f"""
                UPDATE search_record SET {column} = substr({column}, 1, length({column}) - (
                    SELECT length(s.{words}) FROM ({rows}) s WHERE s.key = search_record.key
                ))
                WHERE key IN (SELECT s.key FROM ({rows}) s WHERE s.{words} IS NOT NULL)
            """)
        op.execute(f"DELETE FROM search_record WHERE text = '' AND key IN (SELECT s.key FROM ({rows}) s)")
    op.create_triggers(revision, down_revision)


def _rows() -> Iterator[str]:
    """Yield, for each kind, what names a service: its key in the index, its owner, the words and those in one word."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    gathered = "group_concat({}, ' ')" if is_sqlite else "string_agg({}, ' ' ORDER BY i.position)"
    newline = "char(10)" if is_sqlite else "chr(10)"
    for kind, table, is_private, items, column in _NAMED:
        ordered = f"FROM (SELECT * FROM {items} WHERE {column} = t.id ORDER BY position) i"
        names, joined = "CAST(NULL AS TEXT)", "CAST(NULL AS TEXT)"
        if items == "change_item":
            names, joined = "''", f"coalesce((SELECT {gathered.format(_JOINED)} {ordered}) || {newline}, '')"
        yield f"""
            SELECT {kind * _KIND} + (CASE WHEN {is_private} THEN 0 ELSE t.agency_id END) * {_AGENCY} + t.id AS key,
                t.requester_id AS owner_id, (SELECT {gathered.format("i.service")} {ordered}) || {newline} AS words,
                {names} AS names, {joined} AS joined
            FROM {table} t WHERE t.id IN (SELECT {column} FROM {items} WHERE service IS NOT NULL)
        """
