"""The declarative base, the column types and the naming convention of all tables."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeGuard

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Enum,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Collection
    from enum import StrEnum

    from models.immutability import RowRules

#: Predictable names of constraints, for migrations.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: Characters that a database or an export format cannot store.
UNSTORABLE_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

#: Longer than the longest enum value.
_ENUM_LENGTH = 32


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A timezone-aware datetime, stored and loaded in UTC on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Return the value in UTC, naive for SQLite, which has no time zones; raises ValueError if it is naive."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"datetime must be timezone-aware: {value!r}"
            raise ValueError(message)
        in_utc = value.astimezone(dt.UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Return the value as a timezone-aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if dialect.name == "sqlite" else value.astimezone(dt.UTC)


def enum_type(enum_class: type[StrEnum], name: str) -> Enum:
    """Return a column type that stores ``enum_class`` by value, with a CHECK constraint on its values."""
    return Enum(
        enum_class,
        name=name,
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        length=_ENUM_LENGTH,
        values_callable=lambda members: [member.value for member in members],
    )


#: Created once, since every audit entry uses it.
_JSON_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


class OpenEnum(TypeDecorator["StrEnum"]):
    """A member of an enum that SOPs add members to (``lpse_admin.sop.steps``), by value.

    There is no CHECK: the foreign keys to the moves of the SOP hold what a history may say.
    """

    impl = String
    cache_ok = True

    def __init__(self, enum_class: type[StrEnum], length: int) -> None:
        """Store members of ``enum_class`` of at most ``length`` characters."""
        super().__init__(length)
        self.enum_class = enum_class

    @property
    @override
    def python_type(self) -> type[StrEnum]:
        """The type of what is read."""
        return self.enum_class

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the value; raises ValueError for what can be no member."""
        return None if value is None else self.enum_class(value).value

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return the member."""
        return None if value is None else self.enum_class(value)


class EnumSet(TypeDecorator["tuple[StrEnum, ...]"]):
    """Several members of an enum in one column: their values in the enum's order, with a space between; NULL for none.

    A column needs ``enum_set_check`` beside it. ``values_with`` finds rows by one of the members.
    """

    impl = String(80)
    cache_ok = True

    def __init__(self, enum_class: type[StrEnum]) -> None:
        """Store members of ``enum_class``."""
        super().__init__()
        self.enum_class = enum_class

    @override
    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Return the text of several members; a text is compared as it stands."""
        if value is None or (isinstance(value, str) and not isinstance(value, self.enum_class)):
            return value or None
        members = {value} if isinstance(value, self.enum_class) or not isinstance(value, Iterable) else set(value)
        return enum_set_text(self.enum_class, members) or None

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[StrEnum, ...] | None:
        """Return the members, in the enum's order."""
        return None if value is None else tuple(map(self.enum_class, value.split()))


def enum_set_text(enum_class: type[StrEnum], members: Collection[object]) -> str:
    """Return the text that ``EnumSet`` stores."""
    return " ".join(member.value for member in enum_class if member in members)


def enum_set_texts(enum_class: type[StrEnum], member: StrEnum | None = None) -> list[str]:
    """Return every text that a column of ``EnumSet`` may hold; with ``member``, those that it is in."""
    members = list(enum_class)
    texts = [
        " ".join(one.value for one in chosen)
        for size in range(1, len(members) + 1)
        for chosen in combinations(members, size)
    ]
    return [text for text in texts if member is None or member.value in text.split()]


def enum_set_check(column: str, enum_class: type[StrEnum]) -> CheckConstraint:
    """Return the CHECK that ``column`` holds members of ``enum_class`` in their order."""
    texts = ", ".join(f"'{text}'" for text in enum_set_texts(enum_class))
    return CheckConstraint(f"{column} IN ({texts})", name=column)


def canonical_json(value: object) -> str:
    """Return ``value`` as canonical JSON for hashing and storage: sorted keys, no extra spaces."""
    return _JSON_ENCODER.encode(value)


def to_json_value(value: object) -> object:
    """Return a date or datetime as an ISO string and several members of an enum as ``EnumSet`` stores them, for JSON.

    Any other value is returned unchanged.
    """
    if isinstance(value, tuple):
        return " ".join(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def is_id(value: object) -> TypeGuard[int]:
    """Whether ``value`` is a possible primary key: a positive integer of at most 63 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def is_storable(text: str) -> bool:
    """Whether both databases and all export formats can store ``text``: no control characters or lone surrogates."""
    return UNSTORABLE_CHARACTERS.search(text) is None


#: SQLite autoincrements only an INTEGER primary key; PostgreSQL uses BIGINT.
IdType = BigInteger().with_variant(Integer, "sqlite")

#: The length of a single-line text column, in characters.
SHORT_TEXT_LENGTH = 300

PrimaryKey = Annotated[int, mapped_column(IdType, primary_key=True)]
Timestamp = Annotated[dt.datetime, mapped_column(UtcDateTime)]
ShortText = Annotated[str, mapped_column(String(SHORT_TEXT_LENGTH))]
LongText = Annotated[str, mapped_column(Text)]


def partial_index(condition: str) -> dict[str, Any]:
    """Return the arguments of ``Index`` for a partial index on the rows that satisfy ``condition``."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Base(DeclarativeBase):
    """The declarative base of all models."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING_CONVENTION),
        type_annotation_map={dt.datetime: UtcDateTime, dict[str, Any]: JSON, list[str]: JSON},
    )

    #: Whether the rows of an agency are seen by all who see all its requests; else ``models.scope`` names the table, or
    #: nobody sees its rows.
    is_office_record: ClassVar[bool] = False
    #: Whether its rows, by ``change_id``, belong to a request: requesters see those of their own.
    belongs_to_change: ClassVar[bool] = False
    #: When rows cannot be updated or deleted, and which of their columns cannot.
    row_rules: ClassVar[RowRules] = ()

    #: Columns whose content can be erased, on record (``models.audit.erasure``), where no rule lets it change any more.
    erasable_columns: ClassVar[frozenset[str]] = frozenset()
    #: Of an erasable column of JSON the values, by their names, that are erased; None for all texts in it.
    erasable_values: ClassVar[frozenset[str] | None] = None

    #: The column with the agency whose audit chain the rows belong to; without it, the installation's.
    agency_column: ClassVar[str] = "agency_id"

    #: Columns whose values are left out of the audit trail (password hashes, keys, file contents).
    secret_columns: ClassVar[frozenset[str]] = frozenset()


def session_of(row: Base) -> Session:
    """Return the session of ``row``; raises RuntimeError if it is not attached to one."""
    session = Session.object_session(row)
    if session is None:
        message = f"{type(row).__name__} is not attached to a session"
        raise RuntimeError(message)
    return session
