"""What every table shares: names of constraints, times in UTC, enums stored by value."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeGuard

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Integer, MetaData, String, Text, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry

if TYPE_CHECKING:
    from enum import StrEnum

    from models.immutability import RowRules

#: Every constraint has a name that can be foretold, so that migrations and messages can speak of it.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: Characters that one of the databases, or a form of export, cannot hold.
UNSTORABLE_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

#: The longest key among the enums, with room for those to come.
_ENUM_LENGTH = 32


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment. Only aware datetimes go in, and aware datetimes in UTC come out, on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Put a moment into UTC; SQLite, which knows no zones, gets it without one."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"datetime must be timezone-aware: {value!r}"
            raise ValueError(message)
        moment = value.astimezone(dt.UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if dialect.name == "sqlite" else value.astimezone(dt.UTC)


def enum_type(enum_class: type[StrEnum], name: str) -> Enum:
    """Return a column type that stores ``enum_class`` by value, with a CHECK made from its members."""
    return Enum(
        enum_class,
        name=name,
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        length=_ENUM_LENGTH,
        values_callable=lambda members: [member.value for member in members],
    )


#: Made once: the trail asks for it with every write.
_JSON_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def canonical_json(value: object) -> str:
    """Return ``value`` as JSON in the one form that is hashed and stored: sorted keys, no spare blanks."""
    return _JSON_ENCODER.encode(value)


def to_json_value(value: object) -> object:
    """Return a date as a column of JSON keeps it, and anything else as it is."""
    return value.isoformat() if isinstance(value, dt.date) else value


def is_id(value: object) -> TypeGuard[int]:
    """Whether ``value`` can be the key of a row at all: both databases fail on a number of more than 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def is_storable(text: str) -> bool:
    """Whether both databases, and every form of export, can hold ``text``: no control characters, no half letters."""
    return UNSTORABLE_CHARACTERS.search(text) is None


#: SQLite counts up only an INTEGER key by itself; PostgreSQL gets 64 bits.
IdType = BigInteger().with_variant(Integer, "sqlite")

#: What a single line of text can hold, in characters.
SHORT_TEXT_LENGTH = 300

PrimaryKey = Annotated[int, mapped_column(IdType, primary_key=True)]
Timestamp = Annotated[dt.datetime, mapped_column(UtcDateTime)]
ShortText = Annotated[str, mapped_column(String(SHORT_TEXT_LENGTH))]
LongText = Annotated[str, mapped_column(Text)]


def partial_index(condition: str) -> dict[str, Any]:
    """Return the arguments that make an index one of those rows alone that fulfil ``condition``, on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Base(DeclarativeBase):
    """The root of every model."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING_CONVENTION),
        type_annotation_map={dt.datetime: UtcDateTime, dict[str, Any]: JSON, list[str]: JSON},
    )

    #: When rows cannot be updated or deleted, and which of their columns cannot.
    row_rules: ClassVar[RowRules] = ()

    #: Columns whose values never enter the trail (hashes of passwords, keys, the bytes of files).
    secret_columns: ClassVar[frozenset[str]] = frozenset()


def session_of(row: Base) -> Session:
    """Return the session that ``row`` lives in; RuntimeError for one that is in none, which is the program's fault."""
    session = Session.object_session(row)
    if session is None:
        message = f"{type(row).__name__} is not attached to a session"
        raise RuntimeError(message)
    return session
