"""The clock of the screens and commands; models and rules get the time as an argument."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from flask import current_app, g

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

_CLOCK_KEY = "lpse_clock"


def wall_clock() -> dt.datetime:
    """Return the system time, in UTC."""
    return dt.datetime.now(dt.UTC)


def set_clock(app: Flask, clock: Callable[[], dt.datetime] | None) -> None:
    """Set the clock of ``app``, a function that returns aware datetimes; None for the system clock."""
    app.extensions[_CLOCK_KEY] = clock or wall_clock


def now() -> dt.datetime:
    """Return the current time, aware and in UTC; where data is read as of a moment, that moment."""
    if (moment := g.get("moment")) is not None:
        frozen: dt.datetime = moment
        return frozen
    clock: Callable[[], dt.datetime] = current_app.extensions.get(_CLOCK_KEY, wall_clock)
    return clock().astimezone(dt.UTC)
