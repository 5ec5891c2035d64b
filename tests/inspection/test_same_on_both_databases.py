"""The same data is exported with the same bytes by both databases: the order, the letters, the times, the amounts."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

from app import create_app
from lpse_admin.config import LoginLimit, RunMode, Settings
from lpse_admin.sop.steps import Outcome
from models.database import db
from tests.support.cast import NOW, AuditedSession, asset, make_move, new_change, set_test_audit_context
from tests.support.play import fill_every_table
from tests.support.program import Visitor, close_app
from views.inspection.archive import write_dossier
from views.inspection.contents.registers import SCREENS_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from tests.conftest import NewDatabase

pytestmark = pytest.mark.postgres

#: Texts that collations and libraries put in different orders, fold, or read as something else.
TEXTS = (
    "a", "B", "b", "A", "z", "É", "e", "é", "-a", "_a", "a b", "ab", "a-b", "10", "9", "09", "1e3", "ß", "ss", "\u0131",
    "Ａ", "漢", "\U0001f680", "dua  spasi", "tab\tdi sini", "baris satu\nbaris dua", "kutip \"'", "é\u0301", "ﬁ", "%_",
)  # fmt: skip
#: What is of chance in the trail: marks of web requests, hashes, passwords, keys.
BY_CHANCE = re.compile(r"[0-9a-f]{32,64}|\$argon2[^\"]*")
#: An insert that is refused leaves a gap in a sequence of PostgreSQL, so that another number stands in the trail.
NUMBERED_OTHERWISE = '"table":"freeze_permit"'


@dataclass(frozen=True)
class Exports:
    """The files of one database by name, and the registers of its dossier."""

    files: dict[str, bytes]
    dossier: dict[str, bytes]


def fill(session: AuditedSession) -> int:
    """Write what both databases get, and return the id of the office."""
    cast = fill_every_table(session)
    office = cast.lumajang
    for number, text in enumerate(TEXTS):
        set_test_audit_context(session)
        change = new_change(session, office)
        change.title, change.requester_institution = f"{text} judul", text
        change.description = text * 3
        at = NOW + dt.timedelta(microseconds=number % 3, seconds=number % 4)
        make_move(session, change, Outcome.SUBMITTED, change.requester, now=at)
        asset(session, office, f"{900 + number:04d}", name=text, price=f"{number},5", remarks=text[::-1])
    session.commit()
    return office.agency.id


def exports(url: str, folder: Path) -> Exports:
    """Fill a database, and export every list of it in every order, and its dossier."""
    engine = create_engine(url)
    with AuditedSession(engine) as session:
        agency_id = fill(session)
    engine.dispose()
    settings = Settings(
        run_mode=RunMode.DEMO, database_url=url, secret_key="x" * 32, login_limit=LoginLimit(), proxies=0
    )
    app = create_app(settings, clock=lambda: NOW + dt.timedelta(days=1))
    try:
        visitor = Visitor(app, "pemeriksa")
        files = dict(_lists(app, visitor))
        with app.app_context(), (folder / "dossier.zip").open("w+b") as file:
            write_dossier(agency_id, dt.date(2025, 1, 1), dt.date(2026, 12, 31), file, lambda _done, _total: None)
            db.session.remove()
        with zipfile.ZipFile(folder / "dossier.zip") as archive:
            dossier = {name: archive.read(name) for name in archive.namelist() if name.startswith("register/")}
    finally:
        close_app(app)
    return Exports(files, dossier)


def _lists(app: Flask, visitor: Visitor) -> Iterator[tuple[str, bytes]]:
    """Yield every list that an inspector exports, in its own order and in each that its columns offer."""
    for screen in app.extensions[SCREENS_KEY]:
        orders = {screen.spec.column_default_sort, *(one.key for one in screen.spec.column_list if one.sortable)}
        for order in sorted(orders):
            address = f"/admin/{screen.resource.value}/export/{{}}/?sort={order}"
            for kind in ("csv", "json", "ods") if order == screen.spec.column_default_sort else ("csv",):
                answer = visitor.get(address.format(kind))
                if answer.status_code == 200:
                    yield f"{screen.resource.value} {order}.{kind}", answer.data


@pytest.fixture(scope="module")
def both(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> tuple[Exports, Exports]:
    """Return what SQLite and PostgreSQL export of the same data."""
    with new_database("sqlite") as url:
        first = exports(url, tmp_path_factory.mktemp("sqlite"))
    with new_database("postgresql") as url:
        return first, exports(url, tmp_path_factory.mktemp("postgresql"))


def trail_rows(data: bytes) -> list[list[str]]:
    """Return the rows of the trail without what is of chance."""
    cells = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    return [
        [BY_CHANCE.sub("", cell) for cell in row]
        for row in cells
        if not any(NUMBERED_OTHERWISE in cell for cell in row)
    ]


def sheet(data: bytes) -> bytes:
    """Return the part of a spreadsheet with its rows."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("content.xml" if "content.xml" in archive.namelist() else "xl/worksheets/sheet1.xml")


def test_every_list_is_exported_with_the_same_bytes_in_every_order(both: tuple[Exports, Exports]) -> None:
    sqlite, postgresql = (one.files for one in both)
    assert sqlite.keys() == postgresql.keys()
    assert len(sqlite) > 60
    different = [name for name in sqlite if sqlite[name] != postgresql[name] and not name.startswith("audit ")]
    assert different == []
    for name in sqlite:
        if name.startswith("audit ") and name.endswith(".csv"):
            assert trail_rows(sqlite[name]) == trail_rows(postgresql[name]), name


def test_every_register_of_a_dossier_has_the_same_bytes(both: tuple[Exports, Exports]) -> None:
    sqlite, postgresql = (one.dossier for one in both)
    assert sqlite.keys() == postgresql.keys()
    assert len(sqlite) > 60
    for name, data in sqlite.items():
        if name.startswith("register/audit."):
            continue
        same = sheet(data) == sheet(postgresql[name]) if name.endswith(("ods", "xlsx")) else data == postgresql[name]
        assert same, name
    assert trail_rows(sqlite["register/audit.csv"]) == trail_rows(postgresql["register/audit.csv"])
