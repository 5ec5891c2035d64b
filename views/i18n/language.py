"""The reader's language and zone: which they are, and how sentences, times and figures are written in them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_timedelta
from babel.numbers import format_decimal
from flask import Blueprint, current_app, g, redirect, request
from flask_babel import get_locale
from markupsafe import Markup

from lpse_admin.i18n import _
from lpse_admin.sop import spaced_nip
from lpse_admin.worktime.step_timing import hours_and_minutes, minutes
from models.accounts.user import Language
from models.database import db
from views.app.access import is_local, public, settings, viewer
from views.app.clock import now
from views.i18n.wording import tr, translations

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from werkzeug.wrappers import Response

__all__ = [
    "ago",
    "brief",
    "current_language",
    "current_zone",
    "day",
    "duration",
    "exact",
    "moment",
    "moments",
    "nip",
    "number",
    "rupiah",
    "size",
    "today",
    "tr",
]

blueprint = Blueprint("language", __name__)

#: The zone of whoever belongs to no agency, where the installation sets none.
_CAPITAL = "Asia/Jakarta"
_COOKIE = "lang"
_COOKIE_AGE = dt.timedelta(days=365)
_STEP = 1024
#: What is no further from now than this has just happened.
_JUST_NOW = (dt.timedelta(minutes=-1), dt.timedelta(seconds=1))
#: Each language by the name that its readers give it.
_NAMES = ((Language.INDONESIAN.value, "Bahasa Indonesia"), (Language.ENGLISH.value, "English"))


def current_language() -> str:
    """Return the language of this page: the reader's own, else that of the address or the cookie, else Indonesian."""
    user = viewer()
    if user is not None:
        return user.language.value
    for asked in (request.args.get("lang"), request.cookies.get(_COOKIE)):
        if asked in set(Language):
            return str(asked)
    return Language.INDONESIAN.value


def today() -> dt.date:
    """Return the date of this moment in the reader's zone."""
    return now().astimezone(current_zone()).date()


def current_zone() -> ZoneInfo:
    """Return the zone in which the reader's clocks go: the installation's setting, else their agency's."""
    if "zone" not in g:
        user = viewer()
        named = settings().time_zone
        g.zone = ZoneInfo(named) if named else user.agency.zone if user and user.agency else ZoneInfo(_CAPITAL)
    zone: ZoneInfo = g.zone
    return zone


def day(value: dt.date | None) -> str:
    """Return a date, or the day of a moment in the reader's zone, in words: 31 Maret 2018."""
    if value is None:
        return ""
    date = value.astimezone(current_zone()).date() if isinstance(value, dt.datetime) else value
    return _in_words(date, get_locale())


def _in_words(date: dt.date, locale: Locale) -> str:
    return f"{date.day} {_months(locale.language, 'wide')[date.month]} {date.year}"


@cache
def _months(language: str, width: str) -> dict[int, str]:
    """Return the names of the months, "wide" or "abbreviated"; Babel puts them together anew each time."""
    return dict(Locale.parse(language).months["format"][width])


@cache
def _weekdays(language: str) -> dict[int, str]:
    """Return the names of the days of the week, Monday being 0."""
    return dict(Locale.parse(language).days["format"]["wide"])


def moment(value: dt.datetime | None) -> str:
    """Return a moment in the reader's zone, as it stands in a sentence: 31 Maret 2018 pukul 14.30 WIB."""
    return "" if value is None else _at(value, "")


def exact(value: dt.datetime | None) -> str:
    """Return a moment where there is room for all of it: Sabtu, 31 Maret 2018 pukul 14.30 WIB."""
    if value is None:
        return ""
    weekday = _weekdays(get_locale().language)[value.astimezone(current_zone()).weekday()]
    return _at(value, f"{weekday}, ")


def _at(value: dt.datetime, before: str) -> str:
    local, locale = value.astimezone(current_zone()), get_locale()
    clock = f"{local:{_clock(locale)}} {local.tzname()}"
    return tr(_("%(day)s, %(clock)s", day=before + _in_words(local, locale), clock=clock))


def _clock(locale: Locale) -> str:
    return "%H.%M" if locale.language == "id" else "%H:%M"


def brief(value: dt.datetime | None) -> str:
    """Return a moment as it stands in a table: 31 Mar 2018 14.30 WIB."""
    return "" if value is None else moments()(value)


def moments() -> Callable[[dt.datetime], str]:
    """Return what writes moments as ``brief`` does; a list asks once for zone and language, not in every row."""
    zone, locale = current_zone(), get_locale()
    clock, months = _clock(locale), _months(locale.language, "abbreviated")

    def write(value: dt.datetime) -> str:
        local = value.astimezone(zone)
        # A narrow column may put the time under the day, and break nowhere else.
        return f"{local.day}\xa0{months[local.month]}\xa0{local.year} {local:{clock}}\xa0{local.tzname()}"

    return write


def ago(value: dt.datetime | None) -> Markup:
    """Return how long ago a moment was, or how soon it comes, with the exact time as its title."""
    if value is None:
        return Markup()
    distance = value - now()
    if _JUST_NOW[0] < distance < _JUST_NOW[1]:
        words = tr(_("just now"))
    else:
        words = format_timedelta(distance, add_direction=True, threshold=1, locale=get_locale())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.astimezone(dt.UTC).isoformat(timespec="seconds"), exact(value), words
    )


def duration(value: dt.timedelta | int | None) -> str:
    """Return a stretch of working time, or a number of minutes of it, in words: 2 jam 5 menit."""
    if value is None:
        return ""
    return tr(hours_and_minutes(value if isinstance(value, int) else minutes(value)))


def rupiah(value: Decimal | int | None) -> str:
    """Return an amount of money as it is written in letters: Rp12.500.000,00."""
    if value is None:
        return ""
    return f"{'-' if value < 0 else ''}Rp{format_decimal(abs(Decimal(value)), '#,##0.00', locale=get_locale())}"


def number(value: Decimal | float | None) -> str:
    """Return a figure with its thousands set apart."""
    return "" if value is None else format_decimal(value, locale=get_locale())


def nip(value: str | None) -> str:
    """Return a NIP in its groups of 8, 6, 1 and 3 digits."""
    return spaced_nip(value) if value else ""


def size(value: int | None) -> str:
    """Return a number of bytes in the unit that people know files by: 1,5 MB."""
    if value is None:
        return ""
    amount: float = value
    for unit in ("B", "KB", "MB"):
        if amount < _STEP or unit == "MB":
            break
        amount /= _STEP
    return f"{format_decimal(amount, '#,##0.#', locale=get_locale())} {unit}"


@blueprint.post("/language")
@public
def choose() -> Response:
    """Keep the language that was asked for: with the user where there is one, else in a cookie."""
    asked = request.form.get("lang", "")
    back = request.form.get("next", "")
    response = redirect(back if is_local(back) else "/", 303)
    if asked in set(Language):
        user = viewer()
        if user is not None and user.language != asked:
            user.language = Language(asked)
            db.session.commit()
        response.set_cookie(
            _COOKIE,
            asked,
            max_age=_COOKIE_AGE,
            httponly=True,
            samesite="Lax",
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        )
    return response


def _here() -> str:
    """Return the address to come back to after the switch: this page, if it can be asked for again."""
    if request.method not in {"GET", "HEAD"}:
        return urlsplit(request.referrer or "/").path or "/"
    return request.full_path.rstrip("?")


def _context() -> dict[str, Any]:
    return {"language": str(get_locale()), "languages": _NAMES, "here": _here}


def init_app(app: Flask) -> None:
    """Give the templates of ``app`` their filters, and the page its switch."""
    app.register_blueprint(blueprint)
    app.context_processor(_context)
    app.jinja_env.filters.update(
        tr=tr,
        moment=moment,
        brief=brief,
        exact=exact,
        day=day,
        ago=ago,
        rupiah=rupiah,
        number=number,
        nip=nip,
        bytes=size,
        duration=duration,
    )
    app.jinja_env.globals["tr"] = tr
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined] # of Jinja's i18n extension
        gettext=lambda text: translations().ugettext(text),
        ngettext=lambda one, many, number: translations().ungettext(one, many, number),
        newstyle=True,
    )
