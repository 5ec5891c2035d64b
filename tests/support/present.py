"""What a test knows to be there."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def present(value: T | None) -> T:
    """Return ``value``; the test fails where there is none."""
    assert value is not None
    return value


def one_of(kind: type[T], value: object) -> T:
    """Return ``value`` as the instance of ``kind`` that it is."""
    assert isinstance(value, kind)
    return value
