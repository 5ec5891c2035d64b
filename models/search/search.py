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
from lpse_admin.inventory.cards import dotted
from lpse_admin.search.query import goes_on
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.database import is_sqlite
from models.inventory.asset import Asset
from models.scope import sees_the_office
from models.search.index import INDEX, VOCABULARY, WORDS, SearchKind, SearchRecord, key_range, record_id
from models.sops.sop import SopRevision, SopStep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from lpse_admin.search.query import Query, Term
    from models.reports.waiting import Reader

_INDEX = table(INDEX, column("rowid"), column(INDEX))

#: Kinds of records that only an office has.
_OF_THE_OFFICE = frozenset({SearchKind.ASSET})
#: Kinds of which some are their requester's alone.
_PRIVATE = frozenset({SearchKind.CHANGE, SearchKind.DOCUMENT})


#: The most words that the beginning of one is written out by; beyond them the index is read for all that begin so.
_WRITTEN_OUT = 40


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for as this database takes it, and for whom: prepared once for all kinds."""

    session: Session
    reader: Reader
    asked: str

    @classmethod
    def prepare(cls, session: Session, reader: Reader, query: Query) -> Search:
        """Put ``query`` into the words of the database."""
        if is_sqlite(session):
            asked = _fts(session, query.terms)
        else:
            asked = " & ".join([f"({_tsquery(term)})" for term in query.terms])
        return cls(session, reader, asked if reader.user.is_active else "")

    def find(self, kind: SearchKind, most: int) -> list[int]:
        """Return the ids of the records of ``kind`` that hold every term, newest first: ``most`` + 1 at the most."""
        if not self.asked:
            return []
        keys: list[int] = []
        for (first, last), owner in _ranges(self.reader, kind):
            keys.extend(self.session.connection().scalars(self._keys(first, last, owner).limit(most + 1)))
        # Several ranges, or those of several agencies, are put into one order.
        return sorted(map(record_id, keys), reverse=True)[: most + 1]

    def _keys(self, first: int, last: int, owner: int | None) -> Select[int]:
        """Return the statement for the keys in a range of those records that hold every term, newest first."""
        if is_sqlite(self.session):
            # The index has whose it is as a word, so that few of many records are found without looking at each.
            asked = self.asked if owner is None else f'{self.asked} AND owner_id : "{owner}"'
            rowid = _INDEX.c.rowid
            found = select(rowid).where(_INDEX.c[INDEX].op("MATCH")(asked), rowid.between(first, last))
            return found.order_by(rowid.desc())
        key = SearchRecord.key
        # Not bound: an index is not looked for where its expression holds a parameter.
        holds = literal_column(WORDS).op("@@")(func.to_tsquery("simple", self.asked, type_=TSQUERY))
        whose = () if owner is None else (SearchRecord.owner_id == owner,)
        return select(key).where(holds, key.between(first, last), *whose).order_by(key.desc())


def _ranges(reader: Reader, kind: SearchKind) -> Iterator[tuple[tuple[int, int], int | None]]:
    """Yield the ranges of keys that a reader sees of a kind, and whose records alone in it."""
    user = reader.user
    if sees_the_office(user) or reader.stands_in_for_head:
        yield key_range(kind, None if user.reaches_across else user.agency_id), None
        if kind in _PRIVATE and Role.REQUESTER in user.roles:
            yield key_range(kind, 0), user.id
    elif kind not in _OF_THE_OFFICE:
        if user.agency_id is not None:
            yield key_range(kind, user.agency_id), user.id
        if kind in _PRIVATE:
            yield key_range(kind, 0), user.id


def _fts(session: Session, terms: tuple[Term, ...]) -> str:
    """Return terms as FTS5 takes them; words are letters and digits alone.

    Words that go on are written out, as the index has them: it reads whole words from the newest on and stops when it
    has enough, but gathers everything that begins alike first.
    """
    written_out = _beginning(session, {form[-1] for term in terms for form in term.forms if goes_on(form)})
    asked = []
    for term in terms:
        rows: list[str] = []
        for form in term.forms:
            *before, last = form
            words = written_out.get(last, [last])
            if len(words) > _WRITTEN_OUT:
                rows.append(f'"{" ".join(form)}"*')
            else:
                rows.extend(f'"{" ".join([*before, word])}"' for word in words)
        asked.append(" OR ".join(rows) or f'"{" ".join(term.forms[0])}"')
    return " AND ".join([f"text : ({one})" for one in asked])


def _beginning(session: Session, starts: set[str]) -> dict[str, list[str]]:
    """Return the words of the index that begin with each of ``starts``, one more than are written out at the most."""
    found: dict[str, list[str]] = {start: [] for start in starts}
    if not starts:
        return found
    # Of all words that are higher than one the first that the index comes to is the next.
    following = f"(SELECT term FROM {VOCABULARY} WHERE term {{}} AND term < start || char(1114111) LIMIT 1)"  # noqa: S608
    places = ", ".join(["(?)"] * len(starts))
    statement = (
        f"WITH RECURSIVE asked(start) AS (VALUES {places}), found(start, word) AS ("  # noqa: S608 - names of our own
        f"SELECT start, {following.format('>= start')} FROM asked"
        f" UNION ALL SELECT start, {following.format('> word')} FROM found WHERE word IS NOT NULL"
        f") SELECT start, word FROM found WHERE word IS NOT NULL LIMIT {len(starts) * (_WRITTEN_OUT + 1)}"
    )
    for start, word in session.connection().exec_driver_sql(statement, tuple(sorted(starts))):
        found[start].append(word)
    return found


def _tsquery(term: Term) -> str:
    """Return a term as PostgreSQL takes it; words are letters and digits alone."""
    return " | ".join(f"({' <-> '.join(form)}{':*' if goes_on(form) else ''})" for form in term.forms)


def numbered(query: Query) -> ColumnElement[bool]:
    """Return the criterion for the requests whose number was typed: as a whole, or its last part alone."""
    whole = ChangeRequest.number == query.text.upper()
    return whole if query.serial is None else or_(whole, ChangeRequest.serial == query.serial)


def coded(query: Query) -> ColumnElement[bool]:
    """Return the criterion for the items whose code was typed, with or without its dots and its register."""
    whole = Asset.code + "." + Asset.register
    return or_(Asset.code == dotted(query.text), whole == query.text)


def of_sop(query: Query) -> ColumnElement[bool]:
    """Return the criterion for the papers whose number, title, key or steps hold every term; there are few of them."""
    step = select(SopStep.sop_id).where(SopStep.sop_id == SopRevision.id)
    return and_(
        *(
            or_(
                *(_holds(name, chunk) for name in (SopRevision.number, SopRevision.title, SopRevision.key)),
                step.where(_holds(SopStep.activity, chunk)).exists(),
            )
            for chunk in query.text.split()
        )
    )


def of_user(query: Query) -> ColumnElement[bool]:
    """Return the criterion for the people whose name, account, NIP or position holds every term."""
    names = (User.full_name, User.username, User.position, User.nip)
    return and_(*(or_(*(_holds(name, chunk) for name in names)) for chunk in query.text.split()))


def _holds(name: Any, text: str) -> ColumnElement[bool]:  # noqa: ANN401 - a text column
    found: ColumnElement[bool] = name.icontains(text, autoescape=True)
    return found
