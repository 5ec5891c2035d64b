"""Search in the audit trail: entries whose actor or reason contains a text, newest or oldest first.

Few people act in an office, and the same reasons are given again and again. So the distinct texts are searched, each of
them found by an index, and of the entries only those that a page shows are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, func, or_, select

from models.audit.trail import AuditChain, AuditEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, SQLColumnExpression
    from sqlalchemy.orm import Session

#: How many distinct texts of a column are looked through one by one; with more of them the entries are read instead.
_MAX_TEXTS = 500
_entry: Any = AuditEntry.__table__.c


@dataclass(frozen=True)
class TrailSearch:
    """The entries that contain ``text``, of the chain of an agency or of all chains (None)."""

    session: Session
    text: str
    chain: int | None
    #: The entries that are left out, if any.
    leave_out: ColumnElement[bool] | None = None

    def criterion(self) -> ColumnElement[bool]:
        """Return the criterion for all of them."""
        return or_(false(), *self._criteria)

    def newest(self, limit: int, *, oldest: bool = False) -> list[int]:
        """Return the ids of the ``limit`` newest, or oldest, in that order."""
        at, id_ = (_entry.at.asc(), _entry.id.asc()) if oldest else (_entry.at.desc(), _entry.id.desc())
        result: set[tuple[Any, int]] = set()
        for criterion in self._criteria:
            statement = select(_entry.at, _entry.id).where(criterion, *self._kept).order_by(at, id_).limit(limit)
            result.update(map(tuple, self.session.connection().execute(statement)))
        return [key for _at, key in sorted(result, reverse=not oldest)[:limit]]

    def count(self, limit: int) -> int:
        """Return how many there are, ``limit`` + 1 standing for any greater number."""
        result = 0
        for chain, name in self._names:
            result += self._count(and_(_entry.chain == chain, _entry.actor_name == name), limit)
            if result > limit:
                return limit + 1
        for chain, criterion in self._reason_criteria:
            names = [name for of, name in self._names if of == chain]
            result += self._count(and_(criterion, _entry.actor_name.not_in(names)), limit)
            if result > limit:
                return limit + 1
        return result

    def _count(self, criterion: ColumnElement[bool], limit: int) -> int:
        matching = select(_entry.id).where(criterion, *self._kept).limit(limit + 1).subquery()
        return self.session.connection().scalar(select(func.count()).select_from(matching)) or 0

    @property
    def _kept(self) -> tuple[ColumnElement[bool], ...]:
        return () if self.leave_out is None else (~self.leave_out,)

    @property
    def _criteria(self) -> list[ColumnElement[bool]]:
        """The criteria for the entries of each actor and each reason that match."""
        names = [and_(_entry.chain == chain, _entry.actor_name == name) for chain, name in self._names]
        return names + [criterion for _chain, criterion in self._reason_criteria]

    # What follows are statements, which page, count and pieces of the page share.
    @cached_property
    def _chains(self) -> Sequence[int]:
        if self.chain is not None:
            return [self.chain]
        return self.session.connection().scalars(select(AuditChain.__table__.c.chain)).all()

    @cached_property
    def _names(self) -> list[tuple[int, str]]:
        """Chain and name of each actor whose name matches."""
        return [
            (chain, name)
            for chain in self._chains
            for name, is_match in self._texts(chain, _entry.actor_name)
            if is_match
        ]

    @cached_property
    def _reason_criteria(self) -> list[tuple[int, ColumnElement[bool]]]:
        """Chain and criterion of each reason that matches; of a chain with too many, one for all of them."""
        result: list[tuple[int, ColumnElement[bool]]] = []
        for chain in self._chains:
            reasons = self._texts(chain, _entry.reason, _MAX_TEXTS + 1)
            if len(reasons) > _MAX_TEXTS:
                contains = _entry.reason.icontains(self.text, autoescape=True)
                result.append((chain, and_(_entry.chain == chain, _entry.reason.is_not(None), contains)))
            else:
                result += [
                    (chain, and_(_entry.chain == chain, _entry.reason == reason))
                    for reason, is_match in reasons
                    if is_match
                ]
        return result

    def _texts(self, chain: int, column: SQLColumnExpression[Any], limit: int | None = None) -> list[tuple[str, bool]]:
        """Return the distinct texts of ``column`` in ``chain``, and whether each matches."""
        first = select(func.min(column).label("text")).where(_entry.chain == chain, column.is_not(None))
        texts = first.cte("texts", recursive=True)
        following = select(func.min(column)).where(_entry.chain == chain, column > texts.c.text).scalar_subquery()
        texts = texts.union_all(select(following).where(texts.c.text.is_not(None)))
        is_match = texts.c.text.icontains(self.text, autoescape=True)
        result = select(texts.c.text, is_match).where(texts.c.text.is_not(None)).limit(limit)
        return [(text, bool(matches)) for text, matches in self.session.connection().execute(result)]
