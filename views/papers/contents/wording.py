"""Words, dates and times as they stand on a paper: in Indonesian and in the time zone of the office, whoever prints."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel import Locale

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import LabelledEnum
from lpse_admin.papers.number_words import number_words
from views.i18n.wording import terminal_text

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


_LOCALE = Locale.parse("id")


@dataclass(frozen=True, slots=True)
class Words:
    """How one office writes: its time zone, and what its SOP calls the head."""

    zone: ZoneInfo
    head_title: str = ""

    def text(self, value: object) -> str:
        """Return a message, a title or a text, with the head called as the SOP calls him."""
        text = terminal_text(value)
        if isinstance(value, str) and not isinstance(value, LabelledEnum):
            return text
        usual = terminal_text(Role.HEAD.title)
        return text.replace(usual, self.head_title) if self.head_title else text

    def day(self, value: dt.date) -> str:
        """Return a date, or a time's date in the office: 31 Maret 2018."""
        date = value.astimezone(self.zone).date() if isinstance(value, dt.datetime) else value
        return f"{date.day} {_LOCALE.months['format']['wide'][date.month]} {date.year}"

    def moment(self, value: dt.datetime) -> str:
        """Return a time: 31 Maret 2018 pukul 14.30 WIB."""
        local = value.astimezone(self.zone)
        return f"{self.day(value)} pukul {local:%H.%M} {local.tzname()}"

    def day_in_words(self, value: dt.datetime) -> str:
        """Return the day as minutes begin: "hari Sabtu, tanggal tiga puluh satu bulan Maret tahun dua ribu …"."""
        local = value.astimezone(self.zone)
        weekday = _LOCALE.days["format"]["wide"][local.weekday()]
        month = _LOCALE.months["format"]["wide"][local.month]
        day, year = number_words(local.day), number_words(local.year)
        clock = f"pukul {local:%H.%M} {local.tzname()}"
        return f"hari {weekday}, tanggal {day} bulan {month} tahun {year} ({local:%d-%m-%Y}) {clock}"
