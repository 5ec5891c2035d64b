"""The same thing in other notations: in the search of everything, in the lists, and when nothing is written so."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from sqlalchemy import select

from lpse_admin.sop.steps import Outcome
from models.changes.change import ChangeRequest
from models.search import index
from tests.support.cast import asset, make_move, new_change
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

TITLES = (
    "Penyesuaian aplikasi e-Kontrak dan lisensi server",
    "Perbaikan menu Café Nusantara",
    "Pemindahan Sidukcapil ke peladen baru",
    "Penambahan akun WIFI tamu",
)
CARD = {"plate_number": "X 5 YZ", "chassis_number": "ABCDE12F3G4567890", "brand": "Mitra-Jaya", "size": "1.500 cc"}


@pytest.fixture(scope="module")
def register(running_app: RunningApp) -> RunningApp:
    """Put a request for each title and a vehicle into the office."""
    with running_app.session() as session:
        office = running_app.cast(session).lumajang
        for title in TITLES:
            change = new_change(session, office)
            make_move(session, change, Outcome.SUBMITTED, office.requester, values={"title": title})
        item = asset(session, office, name="Kendaraan dinas")
        item.details = CARD
        session.commit()
    return running_app


def found(app: RunningApp, query: str, who: str = "kepala") -> str:
    """Return the results of the search of everything, without marks."""
    answer = app.visitor(who).get(f"/search?q={quote(query)}")
    assert answer.status_code == 200
    return re.sub("</?mark>", "", answer.text.partition("<main")[2])


def listed(app: RunningApp, screen: str, query: str, who: str = "kepala") -> str:
    """Return the rows of a list."""
    answer = app.visitor(who).get(f"/admin/{screen}/?search={quote(query)}")
    assert answer.status_code == 200
    return answer.text.partition("<tbody>")[2].partition("</tbody>")[0]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("X5YZ", id="a plate without its blanks"),
        pytest.param("x 5 yz", id="a plate in small letters"),
        pytest.param("X-5-YZ", id="a plate with hyphens"),
        pytest.param("5YZ", id="the end of a plate"),
        pytest.param("ABCDE12F3G4567890", id="a chassis number"),
        pytest.param("abcde 12f3g 4567890", id="a chassis number in groups"),
        pytest.param("F3G4567", id="the middle of a chassis number"),
        pytest.param("mitrajaya", id="a brand without its hyphen"),
        pytest.param("Mitra Jaya", id="a brand with a blank"),
        pytest.param("jaya mitra", id="the words of a brand in another order"),
        pytest.param("kendaran", id="a name with one letter missing"),
        pytest.param("kendarana", id="a name with two letters swapped"),
        pytest.param("ndaraa", id="the middle of a name"),
        pytest.param("1.3.2.10.01.02.002", id="the code"),
        pytest.param("132100102002", id="the code without dots"),
    ],
)
def test_an_item_is_found_by_what_its_card_says_in_any_notation(register: RunningApp, query: str) -> None:
    assert "Kendaraan dinas" in found(register, query)
    assert "Kendaraan dinas" in listed(register, "asset", query)


@pytest.mark.parametrize(
    ("query", "title"),
    [
        pytest.param("ekontrak", 0, id="a hyphened name as one word"),
        pytest.param("e kontrak", 0, id="a hyphened name as two words"),
        pytest.param("E-KONTRAK", 0, id="a hyphened name in capitals"),
        pytest.param("aplikasi server", 0, id="words that do not stand side by side"),
        pytest.param("server aplikasi", 0, id="words in another order"),
        pytest.param("lisensi ekontrak", 0, id="a hyphened name as one word among others"),
        pytest.param("aplikesi kontrak", 0, id="one letter wrong"),
        pytest.param("kontarkk", None, id="two letters wrong"),
        pytest.param("cafe nusantara", 1, id="a letter without its accent"),
        pytest.param("Café", 1, id="a letter with its accent"),
        pytest.param(unicodedata.normalize("NFD", "Café"), 1, id="a letter and its accent apart"),
        pytest.param("dukcapil", 2, id="the middle of a word"),
        pytest.param("ukcapi", 2, id="the middle of a word, cut at both ends"),
        pytest.param("sidukcapol", 2, id="the last letter but one wrong"),
        pytest.param("wi-fi", 3, id="one word with a hyphen"),
        pytest.param("wi fi", 3, id="one word as two"),
    ],
)
def test_a_request_is_found_in_any_notation_of_its_title(register: RunningApp, query: str, title: int | None) -> None:
    for page in (found(register, query), listed(register, "change", query), listed(register, "evaluation", query)):
        assert [one for one in TITLES if one in page] == ([] if title is None else [TITLES[title]])


def test_a_request_is_found_by_its_number_in_any_notation(register: RunningApp) -> None:
    with register.session() as session:
        change = session.scalars(select(ChangeRequest).where(ChangeRequest.title == TITLES[2])).one()
        number, year, serial = present(change.number), present(change.year), present(change.serial)
    for query in (
        f"{year}/{serial}", f"rfc {year} {serial}", f"{serial}/{year}", f"RFC-{year}-{serial:04d}", f"{year} {serial}",
        f"rfc/{year}/{serial:03d}", number.lower(), f"rfc{year}{serial:04d}",
    ):  # fmt: skip
        assert TITLES[2] in found(register, query), query
        assert TITLES[2] in listed(register, "change", query), query
    assert f"{year}/{serial}" not in found(register, f"{year}/9{serial}")


def test_what_is_only_spelled_similarly_is_said_to_be(register: RunningApp) -> None:
    sentence = "Tidak ada yang memuat kata-kata ini persis"
    assert sentence not in found(register, "sidukcapil")
    assert sentence in found(register, "sidukcapol")
    assert sentence not in found(register, "qqqqzzzz")


def test_a_requester_finds_in_the_middle_of_a_name_what_is_theirs_and_no_more(register: RunningApp) -> None:
    assert TITLES[2] in found(register, "ukcapi", "pemohon")
    assert TITLES[2] in listed(register, "change", "ukcapi", "pemohon")
    assert TITLES[2] not in found(register, "ukcapi", "pemohon2")
    assert TITLES[2] not in listed(register, "change", "ukcapi", "pemohon2")
    assert "Kendaraan dinas" not in found(register, "ndaraa", "pemohon")


def test_the_list_of_requests_is_searched_by_the_requester_s_name(register: RunningApp) -> None:
    with register.session() as session:
        name = present(register.cast(session).lumajang.requester.full_name)
        change = session.scalars(select(ChangeRequest).where(ChangeRequest.title == TITLES[0])).one()
        asked = present(change.requester_name)
    assert TITLES[0] in listed(register, "change", asked)
    assert name


def test_people_are_found_by_a_nip_as_papers_write_it(register: RunningApp) -> None:
    with register.session() as session:
        person = register.cast(session).lumajang.manager
        nip, name = present(person.nip), person.full_name
    for query in (nip, f"{nip[:8]} {nip[8:14]} {nip[14]} {nip[15:]}", f"{nip[:8]}.{nip[8:14]}.{nip[14]}.{nip[15:]}"):
        assert name in found(register, query, "admin")
        assert name in listed(register, "user", query, "admin")


@pytest.mark.parametrize(
    "screen", ["change", "evaluation", "approval", "release", "asset", "document", "deviation", "user", "audit"]
)
def test_each_list_says_what_its_search_looks_into(register: RunningApp, screen: str) -> None:
    page = register.visitor("admin").get(f"/admin/{screen}/").text
    hint = re.search(r'id="search-hint">([^<]+)<', page)
    assert hint is not None
    assert len(hint[1]) > 10


def test_names_follow_what_is_written(register: RunningApp) -> None:
    with register.session() as session:
        item = asset(session, register.cast(session).lumajang, register="0077", name="Peralatan uji")
        item.details = {"plate_number": "Q 77 R"}
        session.commit()
        assert "Peralatan uji" in listed(register, "asset", "q77r")
        item.details = {"plate_number": "Q 78 R"}
        session.commit()
        assert "Peralatan uji" not in listed(register, "asset", "q77r")
        assert "Peralatan uji" in listed(register, "asset", "q78r")
        assert list(index.stale_records(session.connection())) == []
