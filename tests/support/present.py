"""Narrow types in tests."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def present(value: T | None) -> T:
    """Return ``value``. Fails if it is None."""
    assert value is not None
    return value


def one_of(kind: type[T], value: object) -> T:
    """Return ``value``. Fails if it is not an instance of ``kind``."""
    assert isinstance(value, kind)
    return value
