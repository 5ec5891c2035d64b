"""Find names in other notations: search without accents, and in the middle of what a record is known by.

SQLite's index of words is made anew; PostgreSQL keeps its words in a table of their own, worked out once. With 100,000
requests (a million rows in the index) this takes a minute or two, in which nobody writes. No table is written anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SEPARATORS = " -./_,:+"
#: What a key is made of: kind, agency, id.
_KIND, _AGENCY = 1 << 53, 1 << 33
#: The kinds of records that have names: their table, and what they are known by.
_NAMES = {
    1: ("change_request", ("number", "title", "requester_name", "requester_institution", "on_behalf_of")),
    3: ("asset", ("code || t.register", "name", "origin")),
    4: ("document", ("name",)),
}


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.add_column("search_record", sa.Column("names", sa.Text(), nullable=True))
    op.add_column("search_record", sa.Column("joined", sa.Text(), nullable=True))
    for kind, (table, columns) in _NAMES.items():
        names, joined = (
            f"(SELECT {words} FROM {table} t WHERE t.id = key % {_AGENCY})"
            for words in _names_and_joined(kind, columns)
        )
        op.execute(f"""
            UPDATE search_record SET names = substr({names}, 1, 600), joined = {joined}
            WHERE key BETWEEN {kind * _KIND} AND {(kind + 1) * _KIND - 1}
        """)
    op.create_index(
        "ix_search_record_names",
        "search_record",
        ["key", "owner_id", "names"],
        unique=False,
        sqlite_where=sa.text("names IS NOT NULL"),
        postgresql_where=sa.text("names IS NOT NULL"),
    )
    op.create_triggers(down_revision, revision)
    if _is_sqlite():
        op.execute("INSERT INTO search_index (search_index) VALUES ('rebuild')")
    else:
        op.execute(r"""
            INSERT INTO search_index (key, words)
            SELECT key, to_tsvector('simple', regexp_replace(regexp_replace(
                    normalize(text || coalesce(joined, ''), NFD), '[\u0300-\u036f]+', '', 'g'),
                    '[^[:alnum:]]+', ' ', 'g'))
                || array_to_tsvector(ARRAY['=' || coalesce(owner_id, 0)])
            FROM search_record
        """)


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    with op.batch_alter_table("search_record", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_search_record_names",
            sqlite_where=sa.text("names IS NOT NULL"),
            postgresql_where=sa.text("names IS NOT NULL"),
        )
        batch_op.drop_column("joined")
        batch_op.drop_column("names")
    op.create_triggers(revision, down_revision)
    if _is_sqlite():
        op.execute("INSERT INTO search_index (search_index) VALUES ('rebuild')")


def _names_and_joined(kind: int, columns: tuple[str, ...]) -> tuple[str, str]:
    """Return the expressions of what is kept of a record's names, as the triggers of this revision write it."""
    names = [f"t.{column}" for column in columns]
    compact = [_compact(name) for name in names]
    joined = [f"nullif(replace({name}, '-', ''), {name})" for name in names]
    if kind == 3:  # noqa: PLR2004 - assets, whose card has more
        compact.append(_details(_compact("value")))
        joined.append(_details(f"CASE WHEN length(value) <= 40 THEN {_compact('value')} END"))
    return _lines(compact), _lines(joined)


def _is_sqlite() -> bool:
    return bool(op.get_context().dialect.name == "sqlite")


def _lines(words: list[str]) -> str:
    newline = "char(10)" if _is_sqlite() else "chr(10)"
    return " || ".join(f"coalesce({one} || {newline}, '')" for one in words)


def _compact(text: str) -> str:
    if not _is_sqlite():
        return f"lower(regexp_replace({text}, '[^[:alnum:]]+', '', 'g'))"
    for separator in _SEPARATORS:
        text = f"replace({text}, '{separator}', '')"
    return f"lower({text})"


def _details(of: str) -> str:
    if _is_sqlite():
        return f"(SELECT group_concat({of}, char(10)) FROM json_each(t.details))"
    return f"(SELECT string_agg({of}, chr(10)) FROM json_each_text(t.details))"
