"""Searching: which records hold what was typed, within what the reader may see, newest first.

Keys come from the index (``models.search.index``), in which each office and each requester has ranges of their own.
The records themselves are read by the screens, under the criterion of ``models.scope`` like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, column, literal_column, or_, select, table
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql import func

from lpse_admin.accounts.roles import Role
from lpse_admin.inventory.cards import format_code
from lpse_admin.search.query import matches_prefix
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.database import is_sqlite
from models.inventory.asset import Asset
from models.office.agency import Agency
from models.scope import sees_all_requests
from models.search.index import (
    FTS_TABLE,
    FTS_VOCABULARY_TABLE,
    TSVECTOR_EXPRESSION,
    SearchKind,
    SearchRecord,
    key_range,
    record_id,
)
from models.sops.sop import SopRevision, SopStep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Select, SQLColumnExpression
    from sqlalchemy.orm import Session

    from lpse_admin.search.query import SearchQuery, SearchTerm
    from models.reports.waiting import ActingUser

_INDEX = table(FTS_TABLE, column("rowid"), column(FTS_TABLE))

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
    expression: str

    @classmethod
    def prepare(cls, session: Session, acting_user: ActingUser, query: SearchQuery) -> Search:
        """Put ``query`` into the words of the database."""
        if is_sqlite(session):
            asked = _fts5_query(session, query.terms)
        else:
            asked = " & ".join([f"({_tsquery(term)})" for term in query.terms])
        return cls(session, acting_user, asked if acting_user.user.is_active else "")

    def find(self, kind: SearchKind, limit: int) -> list[int]:
        """Return the ids of the records of ``kind`` that hold every term, newest first: ``limit`` + 1 at the most."""
        if not self.expression:
            return []
        keys: list[int] = []
        for (first, last), owner in _key_ranges(self.acting_user, kind):
            keys.extend(self.session.connection().scalars(self._keys(first, last, owner).limit(limit + 1)))
        # Several ranges, or those of several agencies, are put into one order.
        return sorted(map(record_id, keys), reverse=True)[: limit + 1]

    def _keys(self, first: int, last: int, owner: int | None) -> Select[int]:
        """Return the statement for the keys in a range of those records that hold every term, newest first."""
        if is_sqlite(self.session):
            # The index has whose it is as a word, so that few of many records are found without looking at each.
            asked = self.expression if owner is None else f'{self.expression} AND owner_id : "{owner}"'
            rowid = _INDEX.c.rowid
            found = select(rowid).where(_INDEX.c[FTS_TABLE].op("MATCH")(asked), rowid.between(first, last))
            return found.order_by(rowid.desc())
        key = SearchRecord.key
        # Not bound: an index is not looked for where its expression holds a parameter.
        holds = literal_column(TSVECTOR_EXPRESSION).op("@@")(func.to_tsquery("simple", self.expression, type_=TSQUERY))
        whose = () if owner is None else (SearchRecord.owner_id == owner,)
        return select(key).where(holds, key.between(first, last), *whose).order_by(key.desc())


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


def _fts5_query(session: Session, terms: tuple[SearchTerm, ...]) -> str:
    """Return terms as FTS5 takes them; words are letters and digits alone.

    Words that go on are written out, as the index has them: it reads whole words from the newest on and stops when it
    has enough, but gathers everything that begins alike first.
    """
    written_out = _words_with_prefix(
        session, {form[-1] for term in terms for form in term.variants if matches_prefix(form)}
    )
    asked = []
    for term in terms:
        rows: list[str] = []
        for form in term.variants:
            *before, last = form
            words = written_out.get(last, [last])
            if len(words) > _MAX_PREFIX_WORDS:
                rows.append(f'"{" ".join(form)}"*')
            else:
                rows.extend(f'"{" ".join([*before, word])}"' for word in words)
        asked.append(" OR ".join(rows) or f'"{" ".join(term.variants[0])}"')
    return " AND ".join([f"text : ({one})" for one in asked])


def _words_with_prefix(session: Session, starts: set[str]) -> dict[str, list[str]]:
    """Return the words of the index that begin with each of ``starts``, one more than are written out at the most."""
    found: dict[str, list[str]] = {start: [] for start in starts}
    if not starts:
        return found
    # Of all words that are higher than one the first that the index comes to is the next.
    following = f"(SELECT term FROM {FTS_VOCABULARY_TABLE} WHERE term {{}} AND term < start || char(1114111) LIMIT 1)"
    places = ", ".join(["(?)"] * len(starts))
    statement = (
        f"WITH RECURSIVE asked(start) AS (VALUES {places}), found(start, word) AS ("
        f"SELECT start, {following.format('>= start')} FROM asked"
        f" UNION ALL SELECT start, {following.format('> word')} FROM found WHERE word IS NOT NULL"
        f") SELECT start, word FROM found WHERE word IS NOT NULL LIMIT {len(starts) * (_MAX_PREFIX_WORDS + 1)}"
    )
    for start, word in session.connection().exec_driver_sql(statement, tuple(sorted(starts))):
        found[start].append(word)
    return found


def _tsquery(term: SearchTerm) -> str:
    """Return a term as PostgreSQL takes it; words are letters and digits alone."""
    return " | ".join(f"({' <-> '.join(form)}{':*' if matches_prefix(form) else ''})" for form in term.variants)


def number_matches(query: SearchQuery) -> ColumnElement[bool]:
    """Return the criterion for the requests whose number was typed: as a whole, or its last part alone."""
    whole = ChangeRequest.number == query.text.upper()
    matches = whole if query.serial is None else or_(whole, ChangeRequest.serial == query.serial)
    # Each office has numbers of its own, and an index that begins with the office.
    return and_(ChangeRequest.agency_id.in_(select(Agency.id)), matches)


def code_matches(query: SearchQuery) -> ColumnElement[bool]:
    """Return the criterion for the items whose code was typed, with or without its dots and its register."""
    whole = Asset.code + "." + Asset.register
    return or_(Asset.code == format_code(query.text), whole == query.text)


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
    return and_(*(or_(*(_contains_text(name, chunk) for name in names)) for chunk in query.text.split()))


def _contains_text(name: SQLColumnExpression[Any], text: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = name.icontains(text, autoescape=True)
    return found
