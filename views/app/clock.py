"""The one place where screens and commands read a clock; everything below is told the time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from flask import current_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

_CLOCK_KEY = "lpse_clock"


def wall_clock() -> dt.datetime:
    """Return the time of this machine, in UTC."""
    return dt.datetime.now(dt.UTC)


def set_clock(app: Flask, clock: Callable[[], dt.datetime] | None) -> None:
    """Let ``app`` read ``clock``, which answers with aware datetimes; None is the machine's own."""
    app.extensions[_CLOCK_KEY] = clock or wall_clock


def now() -> dt.datetime:
    """Return this moment, aware and in UTC."""
    clock: Callable[[], dt.datetime] = current_app.extensions.get(_CLOCK_KEY, wall_clock)
    return clock().astimezone(dt.UTC)
