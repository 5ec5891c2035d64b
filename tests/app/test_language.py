"""The language of the screens, and the formatting of dates, times and numbers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from flask import g
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, join_messages
from tests.support.program import Visitor, close_app, make_app
from views.forms.base import Form
from views.i18n import language
from views.i18n.wording import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.conftest import NewDatabase

NOW = dt.datetime(2018, 3, 31, 7, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def program(new_database: NewDatabase) -> Iterator[Flask]:
    """Give the program at a standing clock."""
    with new_database("sqlite") as url:
        app = make_app(url, clock=lambda: NOW)
        yield app
        close_app(app)


@pytest.fixture
def indonesian(program: Flask) -> Iterator[None]:
    """Write as for a stranger, who reads Indonesian at Jakarta's time."""
    with program.test_request_context("/login"):
        yield


@pytest.fixture
def english(program: Flask) -> Iterator[None]:
    """Write as for a stranger who has asked for English."""
    with program.test_request_context("/login?lang=en"):
        yield


def test_a_moment_is_written_in_the_reader_s_zone(indonesian: None) -> None:
    assert language.format_datetime(NOW) == "31 Maret 2018 pukul 14.30 WIB"
    assert language.format_datetime_full(NOW) == "Sabtu, 31 Maret 2018 pukul 14.30 WIB"
    assert language.format_datetime_short(NOW) == "31\xa0Mar\xa02018 14.30\xa0WIB"
    assert language.format_date(NOW) == "31 Maret 2018"
    assert language.format_date(dt.date(2018, 8, 17)) == "17 Agustus 2018"
    assert language.format_date(dt.datetime(2018, 3, 31, 17, 0, tzinfo=dt.UTC)) == "1 April 2018"
    assert (
        language.format_datetime(None)
        == language.format_datetime_full(None)
        == language.format_datetime_short(None)
        == language.format_date(None)
        == ""
    )


def test_a_moment_in_english(english: None) -> None:
    assert language.format_datetime(NOW) == "31 March 2018, 14:30 WIB"
    assert language.format_datetime_full(NOW) == "Saturday, 31 March 2018, 14:30 WIB"
    assert language.format_datetime_short(NOW) == "31\xa0Mar\xa02018 14:30\xa0WIB"


def test_the_zone_is_that_of_the_reader_s_own_agency(program: Flask) -> None:
    with program.test_request_context("/"):
        assert language.format_datetime(NOW).endswith("14.30 WIB")
    with program.test_request_context("/"):
        from zoneinfo import ZoneInfo  # noqa: PLC0415 - for this one test

        g.zone = ZoneInfo("Asia/Makassar")
        assert language.format_datetime(NOW).endswith("15.30 WITA")


def test_how_long_ago_is_said_with_the_exact_time_beside_it(indonesian: None) -> None:
    told = language.relative_time(NOW - dt.timedelta(days=3))
    assert ">3 hari yang lalu<" in told
    assert 'title="Rabu, 28 Maret 2018 pukul 14.30 WIB"' in told
    assert 'datetime="2018-03-28T07:30:00+00:00"' in told
    assert "2 jam" in language.relative_time(NOW + dt.timedelta(hours=2))
    assert "30 detik" in language.relative_time(NOW + dt.timedelta(seconds=30))
    assert ">baru saja<" in language.relative_time(NOW)
    assert ">baru saja<" in language.relative_time(NOW - dt.timedelta(seconds=59))
    assert language.relative_time(None) == ""


def test_money_figures_sizes_and_nip(indonesian: None) -> None:
    assert language.format_rupiah(Decimal(12_500_000)) == "Rp12.500.000,00"
    assert language.format_rupiah(0) == "Rp0,00"
    assert language.format_rupiah(Decimal("-1.5")) == "-Rp1,50"
    assert language.format_number(1234567) == "1.234.567"
    assert language.format_size(512) == "512 B"
    assert language.format_size(1536) == "1,5 KB"
    assert language.format_size(20 * 1024 * 1024) == "20 MB"
    assert language.format_size(3000 * 1024 * 1024) == "3.000 MB"
    assert language.format_nip("198001012006041001").replace("\N{NO-BREAK SPACE}", " ") == "19800101 200604 1 001"
    assert (
        language.format_rupiah(None)
        == language.format_number(None)
        == language.format_size(None)
        == language.format_nip(None)
        == ""
    )


def test_figures_in_english(english: None) -> None:
    # Rupiah are written as on the cards of the office, in every language.
    assert language.format_rupiah(Decimal(12_500_000)) == "Rp12.500.000,00"
    assert language.format_size(1536) == "1.5 KB"


def test_a_sentence_is_put_together_from_translated_parts(english: None) -> None:
    inner = Message("50 %")
    assert tr(Message("%(role)s: %(count)d, %(inner)s", {"role": Role.HEAD, "count": 3, "inner": inner})) == (
        "Head of LPSE: 3, 50 %"
    )
    assert tr(join_messages([inner, "text"])) == "50 %; text"
    assert tr(Role.HEAD) == "Head of LPSE"
    assert tr(None) == ""
    assert tr(12) == "12"


def test_without_a_choice_the_screens_are_indonesian_whatever_the_browser_says(program: Flask) -> None:
    page = program.test_client().get("/login", headers={"Accept-Language": "en"})
    assert '<html lang="id">' in page.text


def test_a_stranger_s_choice_is_kept_in_a_cookie(program: Flask) -> None:
    visitor = Visitor(program)
    answer = visitor.post("/language", lang="en", next="/login?next=/profile")
    assert (answer.status_code, answer.location) == (303, "/login?next=/profile")
    assert '<html lang="en">' in visitor.get("/login").text
    assert '<html lang="id">' in visitor.get("/login?lang=id").text
    assert '<html lang="en">' in visitor.get("/login?lang=fr").text


def test_a_user_s_choice_goes_with_them(program: Flask) -> None:
    Visitor(program, "pemohon").post("/language", lang="en", next="/profile")
    elsewhere = Visitor(program, "pemohon")
    assert '<html lang="en">' in elsewhere.get("/profile?lang=id").text
    elsewhere.post("/language", lang="id")
    assert '<html lang="id">' in elsewhere.get("/profile").text


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", ""])
def test_the_switch_leads_nowhere_else(program: Flask, onward: str) -> None:
    assert Visitor(program).post("/language", lang="en", next=onward).location == "/"


def test_a_language_that_there_is_not_changes_nothing(program: Flask) -> None:
    visitor = Visitor(program)
    assert visitor.post("/language", lang="fr").status_code == 303
    assert '<html lang="id">' in visitor.get("/login").text


def test_the_form_library_s_own_messages_are_indonesian(indonesian: None) -> None:
    class Titled(Form):
        title = StringField(validators=[InputRequired(), Length(min=3)])

    form = Titled(formdata=None)
    form.validate()
    assert form.title.errors == ["Isian ini wajib diisi."]
