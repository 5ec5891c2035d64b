"""Write the values of an SOP file as TOML: the order and layout of a file that a person typed."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The order of the keys of a table; keys that are not among them follow in their own order.
_ORDER = (
    "key", "no", "number", "title", "term", "label", "text", "kind", "of", "name", "activity", "actor", "role",
    "time_zone", "made", "revised", "approved", "table_title", "time",
)  # fmt: skip
#: Lists of tables within a table of a list that have headings of their own: ``[[steps.fields]]``.
_NESTED_LISTS = ("consents", "fields")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def write_toml(values: Mapping[str, object]) -> str:
    """Return ``values`` as TOML that reads to equal values."""
    return "\n".join(_file_lines(values)) + "\n"


def _file_lines(values: Mapping[str, object]) -> Iterator[str]:
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    lists = {key: _tables_of(value) for key, value in values.items() if _tables_of(value)}
    yield from _pairs({key: value for key, value in values.items() if key not in tables and key not in lists})
    for key, table in tables.items():
        yield f"\n[{_key(key)}]"
        yield from _pairs(table)
    for key, entries in lists.items():
        for entry in entries:
            yield f"\n[[{_key(key)}]]"
            yield from _entry_lines(key, entry)


def _entry_lines(name: str, entry: Mapping[str, object]) -> Iterator[str]:
    nested = {key: _tables_of(value) for key, value in entry.items() if key in _NESTED_LISTS and _tables_of(value)}
    yield from _pairs({key: value for key, value in entry.items() if key not in nested})
    for key, value in nested.items():
        for inner in value:
            yield f"\n[[{_key(name)}.{_key(key)}]]"
            yield from _pairs(inner)


def _tables_of(value: object) -> list[dict[str, object]]:
    """Return the tables of a list of nothing else; none of any other value."""
    entries = value if isinstance(value, list) else []
    tables = [entry for entry in entries if isinstance(entry, dict)]
    return tables if len(tables) == len(entries) else []


def _pairs(values: Mapping[str, object]) -> Iterator[str]:
    """Yield a line for each value; a list has one for each of its items."""
    for key in sorted(values, key=lambda key: _ORDER.index(key) if key in _ORDER else len(_ORDER)):
        value = values[key]
        if isinstance(value, list) and value:
            yield f"{_key(key)} = ["
            yield from (f"    {_inline(item)}," for item in value)
            yield "]"
        else:
            yield f"{_key(key)} = {_inline(value)}"


def _inline(value: object) -> str:
    """Return a value on one line."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_inline(one)}" for key, one in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _quoted(key)
