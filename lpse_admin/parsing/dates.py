"""Dates and times as they are written in Indonesia: day, month, year, with figures or the month's name."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from lpse_admin.i18n import Message, _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_dash, normalize, shorten

_YEAR_DIGITS = 4

_MONTHS = (
    ("januari", "january", "jan"),
    ("februari", "february", "pebruari", "feb", "febr", "peb", "pebr"),
    ("maret", "march", "mar", "mrt"),
    ("april", "apr"),
    ("mei", "may"),
    ("juni", "june", "jun"),
    ("juli", "july", "jul"),
    ("agustus", "august", "agust", "agst", "agus", "ags", "agt", "agu", "aug"),
    ("september", "sept", "sep"),
    ("oktober", "october", "okt", "oct"),
    ("november", "nopember", "nov", "nop"),
    ("desember", "december", "des", "dec"),
)
_MONTH_BY_NAME = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_ROMAN_MONTHS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_MONTH_BY_NAME |= {name: number for number, name in enumerate(_ROMAN_MONTHS, 1)}
#: By the number of the weekday, Monday first.
_WEEKDAYS = (
    ("senin", "monday"),
    ("selasa", "tuesday"),
    ("rabu", "wednesday"),
    ("kamis", "thursday"),
    ("jumat", "jum'at", "jum’at", "friday"),
    ("sabtu", "saturday"),
    ("minggu", "ahad", "sunday"),
)
_WEEKDAY_BY_NAME = {name: number for number, names in enumerate(_WEEKDAYS) for name in names}

_DATE_WORD = re.compile(r"^(?:tanggal|tgl)\b\s*[.:]?\s*", re.IGNORECASE)
_WEEKDAY = re.compile(rf"^({'|'.join(_WEEKDAY_BY_NAME)})\b\s*[,/.]?\s*", re.IGNORECASE)
_SEPARATOR = r"(?:\s*[-/.,]\s*|\s+)"
_YEAR_FIRST = re.compile(rf"(\d{{4}}){_SEPARATOR}(\d{{1,2}}|[a-z]+){_SEPARATOR}(\d{{1,2}})", re.ASCII | re.IGNORECASE)
_DAY_FIRST = re.compile(rf"(\d{{1,2}}){_SEPARATOR}(\d{{1,2}}|[a-z]+)\.?{_SEPARATOR}(\d+)", re.ASCII | re.IGNORECASE)
_NAME_FIRST = re.compile(r"([a-z]+)\.?\s+(\d{1,2})\s*,?\s+(\d+)", re.ASCII | re.IGNORECASE)
_UNKNOWN = re.compile(r"0{4}[-/. ]00[-/. ]00|00[-/. ]00[-/. ]0{4}|0{4}|0{8}")
_MIDNIGHT = re.compile(r"[T\s]+00[:.]00(?:[:.]00(?:\.0+)?)?$")
_CLOCK = re.compile(
    r"(?:[T\s,]+)(?:pukul|pkl|jam|at)?\.?\s*(\d{1,2})[.:](\d{2})(?:[.:](\d{2})(?:\.\d+)?)?\s*(WIB|WITA|WIT)?$",
    re.ASCII | re.IGNORECASE,
)
_ZONES = {"WIB": ZoneInfo("Asia/Jakarta"), "WITA": ZoneInfo("Asia/Makassar"), "WIT": ZoneInfo("Asia/Jayapura")}


def read_date(text: str) -> dt.date | None:
    """Return the date in ``text``; None if it is blank, a dash or zeros (not known).

    Reads 31-12-2025, 31/12/2025, 31.12.2025, 31 Desember 2025, Rabu, 31 Des 2025 and 2025-12-31. The day comes before
    the month. Raises UnreadableError with a sentence that says how to write it.
    """
    normalized = normalize(text)
    if not normalized or is_dash(normalized):
        return None
    return _read_date(_MIDNIGHT.sub("", normalized), shorten(text))


def read_datetime(text: str, zone: dt.tzinfo) -> dt.datetime | None:
    """Return date and time in ``text`` as an aware datetime in ``zone``; None if it is blank, a dash or zeros.

    Reads dates as ``read_date`` does with 14.30, 14:30 or "pukul 14.30 WIB" behind. WIB, WITA and WIT count before
    ``zone``. Raises UnreadableError.
    """
    normalized, original = normalize(text), shorten(text)
    if not normalized or is_dash(normalized):
        return None
    match = _CLOCK.search(normalized)
    if match is None:
        try:
            date = read_date(text)
        except UnreadableError:
            sentence = _("“%(value)s” is not a date and time: write it as 31-12-2025 14.30.", value=original)
            raise UnreadableError(sentence) from None
        if date is None:
            return None
        raise UnreadableError(_("“%(value)s” lacks the time: write it as 31-12-2025 14.30.", value=original))
    date = _read_date(normalized[: match.start()], original)
    if date is None:
        return None
    hour, minute, second, name = match.groups()
    try:
        time = dt.time(int(hour), int(minute), int(second or 0))
    except ValueError:
        raise UnreadableError(
            _("“%(value)s” has no such time: write it as 31-12-2025 14.30.", value=original)
        ) from None
    return dt.datetime.combine(date, time, _ZONES[name.upper()] if name else zone)


def _read_date(text: str, original: str) -> dt.date | None:
    text = _DATE_WORD.sub("", text)
    weekday = _WEEKDAY.match(text)
    if weekday:
        text = text[weekday.end() :]
    if _UNKNOWN.fullmatch(text):
        return None
    date = _date_of(*_parts(text, original), original)
    if weekday and date.weekday() != _WEEKDAY_BY_NAME[weekday[1].lower()]:
        raise UnreadableError(_("“%(value)s”: this date is another day of the week.", value=original))
    return date


def _parts(text: str, original: str) -> tuple[str, str, str]:
    """Return year, month and day as they are written."""
    if match := _YEAR_FIRST.fullmatch(text):
        return match[1], match[2], match[3]
    if match := _DAY_FIRST.fullmatch(text):
        return match[3], match[2], match[1]
    if match := _NAME_FIRST.fullmatch(text):
        return match[3], match[1], match[2]
    raise UnreadableError(_no_date(original))


def _date_of(year: str, month: str, day: str, original: str) -> dt.date:
    if len(year) != _YEAR_DIGITS:
        raise UnreadableError(_("“%(value)s”: write the year with four digits, such as 2025.", value=original))
    number = int(month) if month.isdigit() else _MONTH_BY_NAME.get(month.lower())
    if number is None:
        raise UnreadableError(_no_date(original))
    try:
        return dt.date(int(year), number, int(day))
    except ValueError:
        raise UnreadableError(
            _("There is no day “%(value)s”: write day, month and year, such as 31-12-2025.", value=original)
        ) from None


def _no_date(original: str) -> Message:
    return _("“%(value)s” is not a date: write it as 31-12-2025 or 31 Desember 2025.", value=original)
