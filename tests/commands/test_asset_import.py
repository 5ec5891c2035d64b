"""`flask asset import`: a list is taken over as a whole, or not at all, and errors say row and column."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from lpse_admin.inventory.cards import AssetCondition, Card
from models.audit.trail import AuditEntry
from models.database import db
from models.inventory.asset import Asset
from tests.commands.test_commands import done, program, run  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from flask import Flask

_AGENCY = "lumajang"
_FILE = Path(__file__).parents[1] / "takeover" / "files" / "peralatan.csv"


def listed(app: Flask) -> list[Asset]:
    with app.app_context():
        return list(db.session.scalars(select(Asset).order_by(Asset.code, Asset.register)))


def test_a_list_is_taken_over_with_its_zeros_and_without_its_blanks(program: Flask) -> None:
    printed = done(program, "asset", "import", _FILE, "--agency", _AGENCY)
    assert "6" in printed
    car, motorcycle, *generators, laptop = listed(program)
    assert (car.details["plate_number"], car.details["ownership_book"]) == ("X 5 YZ", "0001234J")
    assert (car.price, car.details["purchase_year"], car.condition) == (
        Decimal(406736000),
        2010,
        AssetCondition.GOOD,
    )
    assert (motorcycle.details["ownership_book"], motorcycle.condition) == (
        "000000000000",
        AssetCondition.HEAVY_DAMAGE,
    )
    assert "purchase_year" not in motorcycle.details
    assert [item.register for item in generators] == ["0001", "0002", "0003"]
    assert {item.condition for item in generators} == {AssetCondition.LIGHT_DAMAGE}
    assert (laptop.price, laptop.card, laptop.entered_by_id) == (Decimal(12500000), Card.B, None)
    with program.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "asset.import.apply")).one()
        assert (entry.reason or "").startswith("peralatan.csv, SHA-256 ")
    assert done(program, "audit", "verify")


def test_one_error_keeps_the_whole_list_out_and_is_named_by_row_and_column(program: Flask, tmp_path: Path) -> None:
    file = tmp_path / "salah.csv"
    text = _FILE.read_text(encoding="utf-8-sig").replace("14.900.000", "± 14.900.000").replace(";RB;", ";lumayan;")
    file.write_text(text, encoding="utf-8")
    ended = run(program, "asset", "import", file, "--agency", _AGENCY)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "Baris 3, kolom 8 (harga): Tulis “14.900.000” saja" in ended.stderr
    assert "Baris 5, kolom 9 (kondisi): “lumayan” bukan salah satu dari" in ended.stderr
    assert "Tidak ada yang diimpor" in ended.stderr
    assert listed(program) == []


def test_what_is_on_the_list_or_twice_in_the_file_is_named(program: Flask, tmp_path: Path) -> None:
    done(program, "asset", "import", _FILE, "--agency", _AGENCY)
    count = len(listed(program))
    again = run(program, "asset", "import", _FILE, "--agency", _AGENCY)
    assert again.exit_code == 1
    for row in (2, 3, 4, 5):
        assert f"Baris {row}, kolom 3 (register): " in again.stderr
    file = tmp_path / "dua.csv"
    file.write_text("kode;nama;register\r\n1.3.2.10.01.02.003;Laptop;1\r\n132100102003;Laptop;01\r\n", encoding="utf-8")
    twice = run(program, "asset", "import", file, "--agency", _AGENCY)
    assert twice.exit_code == 1
    assert "Baris 3, kolom 3 (register): " in twice.stderr
    assert len(listed(program)) == count


def test_the_card_can_be_said_where_the_codes_do_not_say_it(program: Flask, tmp_path: Path) -> None:
    file = tmp_path / "atb.csv"
    file.write_text("kode,nama,register,versi\n1.3.7.01.01.01.001,Aplikasi,0001,2.0\n", encoding="utf-8")
    refused = run(program, "asset", "import", file, "--agency", _AGENCY)
    assert (refused.exit_code, "--card" in refused.stderr) == (1, True)
    done(program, "asset", "import", file, "--agency", _AGENCY, "--card", "ATB")
    assert [(item.card, item.details) for item in listed(program)] == [(Card.INTANGIBLE, {"version": "2.0"})]


@pytest.mark.parametrize(
    ("content", "sentence"), [("", "tidak memuat baris"), ("kode;nama;register\r\n", "tidak memuat baris")]
)
def test_an_empty_file_is_refused(content: str, sentence: str, program: Flask, tmp_path: Path) -> None:
    file = tmp_path / "kosong.csv"
    file.write_text(content, encoding="utf-8")
    ended = run(program, "asset", "import", file, "--agency", _AGENCY)
    assert (ended.exit_code, sentence in ended.stderr) == (1, True)


def test_a_file_that_is_not_there_or_an_agency_that_is_not_said_is_wrong_use(program: Flask, tmp_path: Path) -> None:
    assert run(program, "asset", "import", tmp_path / "tiada.csv").exit_code == 2
    assert run(program, "asset", "import", _FILE).exit_code == 2
    assert run(program, "asset", "import", _FILE, "--agency", "lain").exit_code == 1


def test_many_errors_are_counted(program: Flask, tmp_path: Path) -> None:
    file = tmp_path / "banyak.csv"
    file.write_text("kode;nama;register\n" + "x;Laptop;1\n" * 205, encoding="utf-8")
    ended = run(program, "asset", "import", file, "--agency", _AGENCY)
    assert (ended.exit_code, ended.stderr.count("Baris ")) == (1, 200)
    assert "5 kesalahan lain" in ended.stderr
