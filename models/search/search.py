"""Searching: which records hold what was typed, within what the reader may see, newest first.

Keys come from the index (``models.search.index``), in which each office and each requester has ranges of their own.
The records themselves are read by the screens, under the criterion of ``models.scope`` like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, and_, cast, column, false, literal, literal_column, or_, select, table, union_all
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.sql import func

from lpse_admin.accounts.roles import Role
from lpse_admin.inventory.codes import code_spellings, read_reference, register_spellings
from lpse_admin.search.query import SearchQuery, matches_prefix
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.database import is_sqlite
from models.inventory.asset import Asset
from models.office.agency import Agency
from models.scope import sees_all_requests
from models.search.index import (
    FTS_TABLE,
    FTS_VOCABULARY_TABLE,
    ID_BITS,
    SearchKind,
    SearchRecord,
    key_range,
    record_id,
    record_kind,
)
from models.sops.sop import SopRevision, SopStep

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import ColumnElement, CompoundSelect, Select, SQLColumnExpression
    from sqlalchemy.orm import Session

    from lpse_admin.search.query import SearchTerm, Words
    from models.reports.waiting import ActingUser

#: What words are looked up in: on SQLite ``rowid`` and the table itself, on PostgreSQL ``key`` and ``words``.
_INDEX = table(FTS_TABLE, column("rowid"), column(FTS_TABLE), column("key"), column("words"))

#: Kinds of records that are known by names (``SearchRecord.names``).
NAMED_KINDS = frozenset({SearchKind.CHANGE, SearchKind.ASSET, SearchKind.DOCUMENT})
#: How many of the newest are looked at for what stands in the middle of a name.
_MAX_NAMES_LOOKED_AT = 20_000
_LAST_KEY = (1 << 56) - 1
#: Years of requests: an index has the year before the last part of the number.
_YEARS = range(2010, 2100)

#: Kinds of records that only an office has.
_OFFICE_KINDS = frozenset({SearchKind.ASSET})
#: Kinds of which some are their requester's alone.
_PRIVATE_KINDS = frozenset({SearchKind.CHANGE, SearchKind.DOCUMENT})


#: The most words that the beginning of one is written out by; beyond them the index is read for all that begin so.
_MAX_PREFIX_WORDS = 40


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for as this database takes it, and for whom: prepared once for all kinds."""

    session: Session
    acting_user: ActingUser
    query: SearchQuery
    #: "" where no record can hold it, as far as the words of the index tell.
    expression: str
    #: Whether what is nearly written so is found too, and what stands in the middle of a name.
    is_loose: bool = False

    @classmethod
    def prepare(
        cls, session: Session, acting_user: ActingUser, query: SearchQuery, *, is_loose: bool = False
    ) -> Search:
        """Put ``query`` into the words of the database."""
        return cls(session, acting_user, query, _expression(session, query), is_loose)

    def loosened(self) -> Search:
        """Return the search for what is nearly written so, for one that has found nothing."""
        query = self.query.loosened(self._occurs, lambda words: _occurring(self.session, words))
        return Search.prepare(self.session, self.acting_user, query, is_loose=True)

    def _occurs(self, term: SearchTerm) -> bool:
        """Whether any record at all has ``term``."""
        expression = _expression(self.session, SearchQuery("", (term,)))
        if not is_sqlite(self.session):
            return bool(_holding(self.session, [expression]))
        keys = Search._keys(replace(self, expression=expression), 0, _LAST_KEY, None).limit(1)
        return bool(expression) and self.session.connection().scalar(keys) is not None

    def find(self, kind: SearchKind, limit: int) -> list[int]:
        """Return the ids of the records of ``kind`` that hold every term, newest first: ``limit`` + 1 at the most."""
        return self.find_each([kind], limit)[kind]

    def find_each(self, kinds: Sequence[SearchKind], limit: int) -> dict[SearchKind, list[int]]:
        """Return the ids of the records of each kind, as ``find`` does, read by one statement."""
        keys: dict[SearchKind, set[int]] = {kind: set() for kind in kinds}
        newest = [statement.limit(limit + 1).subquery() for kind in kinds for statement in self._statements(kind)]
        if newest:
            for key in self.session.connection().scalars(union_all(*(select(one.c[0]) for one in newest))):
                keys[record_kind(key)].add(key)
        # Several ranges, or those of several agencies, are put into one order.
        return {kind: sorted(map(record_id, found), reverse=True)[: limit + 1] for kind, found in keys.items()}

    def ids(self, kind: SearchKind) -> CompoundSelect[Any]:
        """Return the statement for the ids of all records of ``kind`` that hold every term."""
        results = [select(_record_id(keys.order_by(None).subquery().c[0])) for keys in self._statements(kind)]
        return union_all(*(results or [select(literal(0)).where(false())]))

    def _statements(self, kind: SearchKind) -> Iterator[Select[Any]]:
        """Yield the statements that find keys of ``kind`` within what the reader may see, each newest first."""
        if not (self.query.terms and self.acting_user.user.is_active):
            return
        for (first, last), owner in _key_ranges(self.acting_user, kind):
            if self.expression:
                yield self._keys(first, last, owner)
            if self.is_loose and kind in NAMED_KINDS:
                yield self._keys_by_names(first, last, owner)

    def _keys(self, first: int, last: int, owner: int | None) -> Select[Any]:
        """Return the statement for the keys in a range of those records that hold every term, newest first."""
        if is_sqlite(self.session):
            # The index has whose it is as a word, so that few of many records are found without looking at each.
            asked = self.expression if owner is None else f'({self.expression}) AND owner_id : "{owner}"'
            rowid = _INDEX.c.rowid
            result = select(rowid).where(_INDEX.c[FTS_TABLE].op("MATCH")(asked), rowid.between(first, last))
            return result.order_by(rowid.desc())
        asked_words: Any = func.to_tsquery("simple", self.expression, type_=TSQUERY)
        if owner is not None:
            asked_words = asked_words.op("&&")(cast(f"'={owner}'", TSQUERY))
        key = _INDEX.c.key
        return select(key).where(_INDEX.c.words.op("@@")(asked_words), key.between(first, last)).order_by(key.desc())

    def _keys_by_names(self, first: int, last: int, owner: int | None) -> Select[Any]:
        """Return the statement for those of the newest records in a range whose names hold every word anywhere."""
        key, names = SearchRecord.key, SearchRecord.names
        whose = () if owner is None else (SearchRecord.owner_id == owner,)
        newest = select(key, names).where(key.between(first, last), names.is_not(None), *whose)
        looked_at = newest.order_by(key.desc()).limit(_MAX_NAMES_LOOKED_AT).subquery()
        find = func.instr if is_sqlite(self.session) else func.strpos
        parts = [find(looked_at.c.names, word) > 0 for word in self.query.compact]
        whole = find(looked_at.c.names, "".join(self.query.compact)) > 0
        holds = or_(and_(*parts), whole) if len(parts) > 1 else whole
        return select(looked_at.c.key).where(holds).order_by(looked_at.c.key.desc())


def _record_id(key: ColumnElement[int]) -> ColumnElement[int]:
    """Return the expression of the id of the record that a key stands for, as ``record_id`` does."""
    return key.op("%")(literal_column(str(1 << ID_BITS)))


def _key_ranges(acting_user: ActingUser, kind: SearchKind) -> Iterator[tuple[tuple[int, int], int | None]]:
    """Yield the ranges of keys that a reader sees of a kind, and whose records alone in it."""
    user = acting_user.user
    if sees_all_requests(user) or acting_user.is_acting_head:
        yield key_range(kind, None if user.is_superadmin else user.agency_id), None
        if kind in _PRIVATE_KINDS and Role.REQUESTER in user.roles:
            yield key_range(kind, 0), user.id
    elif kind not in _OFFICE_KINDS:
        if user.agency_id is not None:
            yield key_range(kind, user.agency_id), user.id
        if kind in _PRIVATE_KINDS:
            yield key_range(kind, 0), user.id


def _expression(session: Session, query: SearchQuery) -> str:
    return _fts5_query(session, query) if is_sqlite(session) else _postgresql_query(query)


def _fts5_query(session: Session, query: SearchQuery) -> str:
    """Return a query as FTS5 takes it; words are letters and digits alone.

    Words that go on are written out, as the index has them: it reads whole words from the newest on and stops when it
    has enough, but gathers everything that begins alike first.
    """
    terms = (*query.terms, *([query.joined] if query.joined else []))
    written_out = _words_with_prefix(session, {form[-1] for term in terms for form in term.prefix_variants})
    asked = [_fts5_term(term, written_out) for term in query.terms]
    together = " AND ".join(asked) if all(asked) else ""
    if query.joined is None:
        return together
    joined = _fts5_term(query.joined, written_out)
    return f"({together}) OR {joined}" if together and joined else together or joined


def _fts5_term(term: SearchTerm, written_out: dict[str, list[str]]) -> str:
    """Return the query for a term; "" if the index has no word that it could match."""
    rows: list[str] = []
    for form in term.variants:
        *before, last = form
        words = written_out.get(last, [last])
        if len(words) > _MAX_PREFIX_WORDS:
            rows.append(f'"{" ".join(form)}"*')
        else:
            rows.extend(f'"{" ".join([*before, word])}"' for word in words)
    rows.extend(f'"{word}"' for word in term.whole_words)
    return f"{{text joined}} : ({' OR '.join(rows)})" if rows else ""


def _words_with_prefix(session: Session, starts: set[str]) -> dict[str, list[str]]:
    """Return the words of the index that begin with each of ``starts``, one more than are written out at the most."""
    result: dict[str, list[str]] = {start: [] for start in starts}
    if not starts:
        return result
    # Of all words that are higher than one the first that the index comes to is the next. It is asked for what is not
    # lower than the word with a sign behind it: asked for what is higher, it looks at each place of the word itself.
    following = f"(SELECT term FROM {FTS_VOCABULARY_TABLE} WHERE term {{}} AND term < start || char(1114111) LIMIT 1)"
    places = ", ".join(["(?)"] * len(starts))
    statement = (
        f"WITH RECURSIVE asked(start) AS (VALUES {places}), found(start, word) AS ("
        f"SELECT start, {following.format('>= start')} FROM asked"
        f" UNION ALL SELECT start, {following.format('>= word || char(1)')} FROM found WHERE word IS NOT NULL"
        f") SELECT start, word FROM found WHERE word IS NOT NULL LIMIT {len(starts) * (_MAX_PREFIX_WORDS + 1)}"
    )
    for start, word in session.connection().exec_driver_sql(statement, tuple(sorted(starts))):
        result[start].append(word)
    return result


def _occurring(session: Session, many: Sequence[Words]) -> set[Words]:
    """Return those of words and pairs of words that records may have; the second of a pair may go on."""
    if not is_sqlite(session):
        expressions = {one: _phrase(one) if len(one) > 1 else one[0] for one in many}
        holding = _holding(session, list(expressions.values()))
        return {one for one, expression in expressions.items() if expression in holding}
    existing = _existing_words(session, {word for one in many for word in one})
    going_on = _words_with_prefix(session, {one[-1] for one in many if len(one) > 1 and matches_prefix(one)})
    return {one for one in many if existing.issuperset(one[:-1]) and (one[-1] in existing or going_on.get(one[-1]))}


def _existing_words(session: Session, words: Collection[str]) -> set[str]:
    """Return those of ``words`` that the index has, on SQLite."""
    places = ", ".join(["(?)"] * len(words))
    there = f"(SELECT term FROM {FTS_VOCABULARY_TABLE} WHERE term = word LIMIT 1)"
    statement = f"WITH asked(word) AS (VALUES {places}) SELECT word FROM asked WHERE {there} IS NOT NULL"
    return set(session.connection().exec_driver_sql(statement, tuple(words)).scalars()) if words else set()


def _holding(session: Session, expressions: Sequence[str]) -> set[str]:
    """Return those of ``expressions`` that hold for any record, on PostgreSQL.

    They are rows of a list, so that each is looked up in the index: told one that it does not know, PostgreSQL expects
    a hit in every twentieth row, and reads the whole table in order where there is none.
    """
    asked = func.unnest(cast(list(expressions), ARRAY(Text))).column_valued("expression")
    there = select(_INDEX.c.key).where(_INDEX.c.words.op("@@")(func.to_tsquery("simple", asked))).exists()
    return set(session.connection().scalars(select(asked).where(there)))


def _postgresql_query(query: SearchQuery) -> str:
    """Return a query as PostgreSQL takes it; words are letters and digits alone."""
    asked = " & ".join([f"({_tsquery(term)})" for term in query.terms])
    return f"({asked}) | ({_tsquery(query.joined)})" if query.joined else asked


def _tsquery(term: SearchTerm) -> str:
    return " | ".join([*(f"({_phrase(one)})" for one in term.variants), *term.whole_words])


def _phrase(words: Words) -> str:
    return f"{' <-> '.join(words)}{':*' if matches_prefix(words) else ''}"


def number_matches(query: SearchQuery) -> list[ColumnElement[bool]]:
    """Return criteria for the requests whose number was typed: as a whole, year and last part, or its last part alone.

    Each is read along an index of its own.
    """
    matches = [ChangeRequest.number == query.text.upper()]
    if query.serial is not None:
        matches.append(and_(ChangeRequest.year.in_(_YEARS), ChangeRequest.serial == query.serial))
    if query.year_and_serial is not None:
        year, serial = query.year_and_serial
        matches.append(and_(ChangeRequest.year == year, ChangeRequest.serial == serial))
    # Each office has numbers of its own, and an index that begins with the office.
    return [and_(ChangeRequest.agency_id.in_(select(Agency.id)), match) for match in matches]


def code_matches(query: SearchQuery) -> ColumnElement[bool]:
    """Return the criterion for the items whose code was typed, with or without its dots and its register."""
    result = read_reference(query.text)
    if result is None:
        return Asset.code + "." + Asset.register == query.text
    if result.register is None:
        return Asset.code == result.code
    return and_(
        Asset.code.in_(code_spellings(result.code, result.register)),
        Asset.register.in_(register_spellings(result.register)),
    )


def sop_matches(query: SearchQuery) -> ColumnElement[bool]:
    """Return the criterion for the papers whose number, title, key or steps hold every term; there are few of them."""
    step = select(SopStep.sop_id).where(SopStep.sop_id == SopRevision.id)
    return and_(
        *(
            or_(
                *(_contains_text(name, chunk) for name in (SopRevision.number, SopRevision.title, SopRevision.key)),
                step.where(_contains_text(SopStep.activity, chunk)).exists(),
            )
            for chunk in query.text.split()
        )
    )


def user_matches(query: SearchQuery) -> ColumnElement[bool]:
    """Return the criterion for the people whose name, account, NIP or position holds every term."""
    names = (User.full_name, User.username, User.position, User.nip)
    holds = and_(*(or_(*(_contains_text(name, chunk) for name in names)) for chunk in query.text.split()))
    number = "".join(query.compact)
    # A NIP as it is written on paper: 19790101 200801 1 001.
    return or_(holds, User.nip.startswith(number)) if number.isdigit() else holds


def _contains_text(name: SQLColumnExpression[Any], text: str) -> ColumnElement[bool]:
    result: ColumnElement[bool] = name.icontains(text, autoescape=True)
    return result
