"""Who acted, as at that moment: name, title and capacity, stored on the row of the act beside the user's id.

``snapshot_of`` declares such a column. It is filled when the row is written with a new user, and never follows a later
change of the account. Screens, exports and searches of acts read these columns and do not join the user.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import String, event, inspect, select
from sqlalchemy.orm import mapped_column
from sqlalchemy.orm.util import identity_key

from models.accounts.user import User
from models.audit.trail import audit_context
from models.base import SHORT_TEXT_LENGTH, Base, session_of
from models.immutability import FOLLOWS

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection
    from sqlalchemy.orm import InstrumentedAttribute, MappedColumn, Mapper
    from sqlalchemy.orm.util import AliasedClass

_SOURCE, _USER, _ONCE = "snapshot_source", "snapshot_user", "snapshot_once"

#: What is stored of a user: the full name, the title (jabatan), rank and NIP, or the capacity of who answers for the
#: transaction.
Source = Literal["full_name", "position", "rank", "nip", "capacity"]


def snapshot_of(user_column: str, source: Source = "full_name", *, once: bool = False) -> MappedColumn[Any]:
    """Return a column that stores ``source`` of the user in ``user_column``, as at the moment that it is set.

    It is as mutable as ``user_column`` (``models.immutability``). With ``once`` it has a rule of its own and stays
    when another user takes the place of the first.
    """
    info = {_USER: user_column, _SOURCE: source, _ONCE: once} | ({} if once else {FOLLOWS: user_column})
    return mapped_column(String(SHORT_TEXT_LENGTH), info=info)


def take_snapshot(row: Base, user_column: str) -> None:
    """Store what is known of the user in ``user_column`` of ``row`` again, as they are now."""
    connection = session_of(row).connection()
    for column in _snapshots(inspect(row).mapper).get(user_column, ()):
        setattr(row, column.name, _value(connection, row, user_column, column.info[_SOURCE]))


def snapshot_attribute(
    model: type[Base] | AliasedClass[Any], relationship: str, source: Source = "full_name"
) -> InstrumentedAttribute[Any] | None:
    """Return the attribute of ``model`` that stores ``source`` of the user in ``relationship``; None if it has none."""
    columns = _snapshots(inspect(model).mapper).get(f"{relationship}_id", ())
    return next((getattr(model, column.name) for column in columns if column.info[_SOURCE] == source), None)


# Saves 0.4 ms of a move, which writes seven rows with somebody's name.
@cache
def _snapshots(mapper: Mapper[Any]) -> dict[str, list[Column[Any]]]:
    """Return the snapshot columns of a model by the column of the user."""
    result: dict[str, list[Column[Any]]] = {}
    for table in mapper.tables:
        columns: Any = table.columns
        for column in columns:
            if _SOURCE in column.info:
                result.setdefault(column.info[_USER], []).append(column)
    return result


def _value(connection: Connection, row: Base, user_column: str, source: Source) -> str | None:
    user_id = getattr(row, user_column)
    if user_id is None:
        return None
    session = session_of(row)
    if source == "capacity":
        context = audit_context(session)
        return context.capacity if context is not None and context.actor_id == user_id else None
    user: User | None = session.identity_map.get(identity_key(User, user_id))
    if user is not None:
        value: str | None = getattr(user, source)
        return value
    return connection.scalar(select(User.__table__.c[source]).where(User.__table__.c.id == user_id))


def _fill(_mapper: Mapper[Any], connection: Connection, row: Base, *, is_new: bool) -> None:
    state = inspect(row)
    for user_column, columns in _snapshots(state.mapper).items():
        if is_new and getattr(row, user_column) is None:
            continue  # nobody, or somebody without an account, whose name is given
        is_changed = bool(state.attrs[user_column].history.added)
        for column in columns:
            if is_new or (is_changed and not column.info[_ONCE]):
                setattr(row, column.name, _value(connection, row, user_column, column.info[_SOURCE]))


@event.listens_for(Base, "before_insert", propagate=True)
def _fill_new(mapper: Mapper[Any], connection: Connection, row: Base) -> None:
    _fill(mapper, connection, row, is_new=True)


@event.listens_for(Base, "before_update", propagate=True)
def _fill_changed(mapper: Mapper[Any], connection: Connection, row: Base) -> None:
    _fill(mapper, connection, row, is_new=False)
