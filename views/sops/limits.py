"""The limits of an SOP on stretches of its steps, as its page and its paper say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, _

if TYPE_CHECKING:
    from flask import Flask

    from lpse_admin.sop import Sop, TimeLimit


def limit_rows(sop: Sop) -> list[tuple[str, Message, Message, Message | str]]:
    """Return title, beginning, end and time of each limit."""
    return [(limit.title, *_ends(sop, limit), _time(limit)) for limit in sop.limits]


def _ends(sop: Sop, limit: TimeLimit) -> tuple[Message, Message]:
    first = (
        _("arrival at “%(step)s”", step=sop.step_title(limit.first)) if limit.first else _("submission of the request")
    )
    last = _("end of “%(step)s”", step=sop.step_title(limit.last)) if limit.last else _("end of the request")
    return first, last


def _time(limit: TimeLimit) -> Message | str:
    if not limit.standard.by_clock:
        return limit.standard.text
    return _("%(time)s (by the clock, day and night)", time=limit.standard.text)


def init_app(app: Flask) -> None:
    """Let templates show the limits of an SOP."""
    app.jinja_env.globals["limit_rows"] = limit_rows
