"""The dossier of a period: made from the demo's register, the same twice, complete, and caught when altered."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree
from sqlalchemy import func, select

import demo
from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from models.database import db
from models.office.agency import Agency
from tests.support.pages.pdf import require_valid
from tests.support.program import close_app, make_app
from tests.support.servers.libreoffice import MISSING_MESSAGE, convert, find_libreoffice
from views.inspection import periksa
from views.inspection.archive import DossierResult, write_dossier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from tests.conftest import NewDatabase

NOW = dt.datetime(2026, 11, 26, 3, 0, tzinfo=dt.UTC)
FIRST, LAST = dt.date(2025, 12, 1), dt.date(2026, 11, 30)
#: The beginning of the first day in the office.
START = dt.datetime(2025, 11, 30, 17, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Made:
    """A dossier of the demo's first office, and the app that it was made by."""

    app: Flask
    agency_id: int
    path: Path
    result: DossierResult

    def read(self, name: str) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(name)

    def names(self) -> list[str]:
        with zipfile.ZipFile(self.path) as archive:
            return archive.namelist()

    def manifest(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.read("manifest.json"))
        return result


def write(agency_id: int, path: Path, first: dt.date = FIRST, last: dt.date = LAST) -> DossierResult:
    with path.open("w+b") as file:
        return write_dossier(agency_id, first, last, file, lambda _done, _total: None)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def made(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    with new_database(request.param) as url:
        app = make_app(url, clock=lambda: NOW)
        with app.app_context():
            demo.first_start(db.session(), NOW)
            agency_id = db.session.scalars(select(Agency.id).order_by(Agency.id)).first() or 0
            db.session.rollback()
            path = tmp_path_factory.mktemp("dossier") / "dossier.zip"
            result = write(agency_id, path)
            yield Made(app, agency_id, path, result)
        close_app(app)


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_the_same_data_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    assert write(made.agency_id, again) == made.result
    assert again.read_bytes() == made.path.read_bytes()


def test_a_dossier_is_whole(made: Made) -> None:
    assert periksa.verify(str(made.path), made.result.fingerprint) == []
    manifest = made.manifest()
    listed = {one["path"]: one for one in manifest["files"]}
    assert set(made.names()) == set(listed) | {"manifest.json", "SHA256SUMS"}
    for path, one in listed.items():
        data = made.read(path)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (one["size"], one["sha256"]), path
    assert hashlib.sha256(made.read("manifest.json")).hexdigest() == made.result.fingerprint


def test_each_request_of_the_period_has_its_folder_with_papers_revisions_and_files(made: Made) -> None:
    names = made.names()
    with made.app.app_context():
        numbers = db.session.scalars(
            select(ChangeRequest.number).where(
                ChangeRequest.agency_id == made.agency_id,
                ChangeRequest.submitted_at.is_not(None),
                ChangeRequest.closed_at.is_(None)
                | (ChangeRequest.closed_at >= dt.datetime(2025, 11, 30, 17, tzinfo=dt.UTC)),
            )
        ).all()
        db.session.rollback()
    assert len(numbers) > 10
    assert made.manifest()["requests"] == len(numbers)
    for number in numbers:
        folder = f"permohonan/{str(number).replace('/', '-')}/"
        assert {f"{folder}ringkasan.html", f"{folder}revisi.json", f"{folder}naskah/01-change-form.pdf"} <= set(names)
    assert any("/lampiran/" in name for name in names)
    assert any(name.startswith("surat-penunjukan/") for name in names)


def test_totals_are_those_of_the_registers_and_what_is_not_there_is_nil(made: Made) -> None:
    manifest = made.manifest()
    assert len(manifest["registers"]) > 20
    index = made.read("index.html").decode()
    for register in manifest["registers"]:
        rows = rows_of(made.read(register["file"]))[1:]
        assert len(rows) == register["count"] == len(register["rows"]), register["name"]
        assert register["title"] in index
    named = {register["name"]: register for register in manifest["registers"]}
    assert named["change"]["count"] == manifest["requests"]
    assert named["change"]["count"] > 10
    assert any(not register["count"] for register in manifest["registers"])
    assert "NIHIL" in index


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def office_moment(text: str) -> dt.datetime:
    """Return the moment of a register's cell, whose heading names the time of the office."""
    return moment(text).replace(tzinfo=ZoneInfo("Asia/Jakarta"))


def test_the_totals_by_result_are_those_that_the_registers_count_to(made: Made) -> None:
    totals = made.manifest()["totals"]
    heading, *rows = rows_of(made.read("register/change.csv"))
    submitted, closed = heading.index("Diajukan (WIB)"), heading.index("Selesai (WIB)")
    result = heading.index("Hasil akhir")
    end = dt.datetime(2026, 11, 30, 17, tzinfo=dt.UTC)
    ended = [row for row in rows if row[closed] and office_moment(row[closed]) < end]
    counted = Counter(row[result] for row in ended)
    assert counted == {
        title: totals[key]
        for key, title in (
            ("completed", "Selesai"), ("rolled-back", "Di-roll back"), ("rejected", "Ditolak"),
            ("withdrawn", "Ditarik"),
        )
        if totals[key]
    }  # fmt: skip
    assert totals["open"] == len(rows) - len(ended)
    assert totals["brought-forward"] == sum(office_moment(row[submitted]) < START for row in rows)
    assert totals["brought-forward"] + totals["submitted"] == len(rows)
    heading, *returned = rows_of(made.read("register/returned.csv"))
    number, arrived = heading.index("Nomor"), heading.index("Diterima pada (WIB)")
    assert totals["returned"] == len({row[number] for row in returned if office_moment(row[arrived]) >= START})
    assert totals["returned"] > 0
    assert totals["completed"] > 0
    index = made.read("index.html").decode()
    for label in ("Diajukan dalam periode", "Masih terbuka pada akhir periode", "Dikembalikan dalam periode"):
        assert label in index


def test_the_event_log_is_xes_and_csv_with_the_same_events(made: Made) -> None:
    log = etree.fromstring(made.read("log-peristiwa/peristiwa.xes"))
    name = "{http://www.xes-standard.org/}"
    traces = log.findall(f"{name}trace")
    events = [event for trace in traces for event in trace.findall(f"{name}event")]
    rows = rows_of(made.read("log-peristiwa/peristiwa.csv"))
    assert len(events) == len(rows) - 1 == len(rows_of(made.read("register/log-peristiwa.csv"))) - 1
    assert len(traces) == len({row[0] for row in rows[1:]}) > 10
    keys = {part.get("key") for part in events[0]}
    assert {"concept:name", "time:timestamp", "lifecycle:transition", "org:resource", "outcome"} <= keys
    for event, row in zip(events, rows[1:], strict=True):
        values = {part.get("key"): part.get("value") for part in event}
        assert (values["concept:name"], values["time:timestamp"]) == (row[2], row[8])
        assert moment(row[8]).tzinfo


@pytest.mark.filterwarnings("ignore:Install the optional requirement:UserWarning")
def test_the_event_log_is_read_by_a_tool_of_process_mining(made: Made, tmp_path: Path) -> None:
    pm4py = pytest.importorskip("pm4py")
    file = tmp_path / "peristiwa.xes"
    file.write_bytes(made.read("log-peristiwa/peristiwa.xes"))
    frame = pm4py.read_xes(str(file))
    assert len(frame) == len(rows_of(made.read("log-peristiwa/peristiwa.csv"))) - 1
    starts, _ends = pm4py.get_start_activities(frame), pm4py.get_end_activities(frame)
    assert sum(starts.values()) == frame["case:concept:name"].nunique()


def test_a_summary_says_every_value_in_words(made: Made) -> None:
    pages = [made.read(name).decode() for name in made.names() if name.endswith("ringkasan.html")]
    assert len(pages) > 10
    assert not [page for page in pages if " object at 0x" in page]
    assert any("Mutasi aset" in page for page in pages)


def test_the_index_needs_no_network(made: Made) -> None:
    for name in ("index.html", next(name for name in made.names() if name.endswith("ringkasan.html"))):
        page = made.read(name).decode()
        assert "http://" not in page
        assert "https://" not in page
        assert "<script src" not in page
        assert "<link" not in page


def test_the_verifier_in_the_archive_runs_on_the_standard_library_alone(made: Made, tmp_path: Path) -> None:
    program = tmp_path / "periksa.py"
    program.write_bytes(made.read("periksa.py"))
    whole = subprocess.run([sys.executable, "-I", "-S", str(program), str(made.path)], capture_output=True, check=False)
    assert whole.returncode == 0, whole.stderr
    cut = tmp_path / "cut.zip"
    cut.write_bytes(made.path.read_bytes()[:-2000])
    broken = subprocess.run([sys.executable, "-I", "-S", str(program), str(cut)], capture_output=True, check=False)
    assert broken.returncode == 1
    assert b"terpotong" in broken.stdout


def test_the_verifier_reads_long_cells_and_leaves_the_limit_of_others_as_it_was() -> None:
    limit = csv.field_size_limit()
    long = "x" * (limit + 1)
    assert list(periksa.read_rows(io.BytesIO(f"Judul\r\n{long}\r\n".encode()))) == [[long]]
    assert csv.field_size_limit() == limit


def rewritten(made: Made, target: Path, alter: Callable[[str, bytes], bytes | None], **added: bytes) -> Path:
    """Copy the dossier; `alter` returns the new content of a member, or None to leave it out."""
    with zipfile.ZipFile(made.path) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            data = alter(name, source.read(name))
            if data is not None:
                copy.writestr(name, data)
        for name, data in added.items():
            copy.writestr(name, data)
    return target


def only(name: str, change: Callable[[bytes], bytes | None]) -> Callable[[str, bytes], bytes | None]:
    return lambda one, data: change(data) if one == name else data


def test_a_changed_byte_of_an_attachment_is_named(made: Made, tmp_path: Path) -> None:
    name = next(one for one in made.names() if "/lampiran/" in one)
    file = rewritten(made, tmp_path / "a.zip", only(name, lambda data: data[:-1] + bytes([data[-1] ^ 1])))
    assert periksa.verify(str(file)) == [f"{name}: isinya diubah atau rusak."]


def test_a_changed_cell_is_named_with_its_row(made: Made, tmp_path: Path) -> None:
    name = "register/change.csv"
    third = rows_of(made.read(name))[3]
    file = rewritten(
        made, tmp_path / "a.zip", only(name, lambda data: data.replace(third[1].encode(), b"Judul lain", 1))
    )
    faults = periksa.verify(str(file))
    assert f"{name}: baris 3 ({third[0]}) diubah." in faults
    assert len(faults) == 2


def test_a_removed_and_an_added_row_are_named(made: Made, tmp_path: Path) -> None:
    name = "register/change.csv"
    second = rows_of(made.read(name))[2]

    def without(data: bytes) -> bytes:
        rows = rows_of(data)
        text = io.StringIO(newline="")
        csv.writer(text).writerows([*rows[:2], *rows[3:]])
        return text.getvalue().encode("utf-8-sig")

    file = rewritten(made, tmp_path / "a.zip", only(name, without))
    assert f"{name}: baris 2 ({second[0]}) dihapus." in periksa.verify(str(file))
    more = rewritten(made, tmp_path / "b.zip", only(name, lambda data: data + b"RFC/2026/9999,baru\r\n"))
    assert any("(RFC/2026/9999) ditambahkan." in fault for fault in periksa.verify(str(more)))


def test_an_added_and_a_missing_file_and_an_altered_index_are_named(made: Made, tmp_path: Path) -> None:
    added = rewritten(made, tmp_path / "a.zip", lambda _name, data: data, **{"sop/palsu.pdf": b"%PDF"})
    assert periksa.verify(str(added)) == ["sop/palsu.pdf: ditambahkan; tidak ada dalam manifest."]
    missing = rewritten(made, tmp_path / "b.zip", only("register/release.ods", lambda _data: None))
    assert periksa.verify(str(missing)) == ["register/release.ods: hilang."]
    index = rewritten(made, tmp_path / "c.zip", only("index.html", lambda data: data.replace(b"NIHIL", b"12", 1)))
    assert periksa.verify(str(index)) == ["index.html: isinya diubah atau rusak."]


def test_a_cut_or_altered_trail_is_named_with_its_entry(made: Made, tmp_path: Path) -> None:
    lines = made.read(periksa.TRAIL).splitlines(keepends=True)
    cut = rewritten(made, tmp_path / "a.zip", only(periksa.TRAIL, lambda _data: b"".join(lines[:-3])))
    last = json.loads(lines[-4])["number"]
    assert any(f"dipotong sesudah butir {last}" in fault for fault in periksa.verify(str(cut)))
    gone = rewritten(made, tmp_path / "b.zip", only(periksa.TRAIL, lambda _data: b"".join(lines[:9] + lines[10:])))
    number = json.loads(lines[9])["number"]
    assert any(f"butir {number}: tidak ada" in fault for fault in periksa.verify(str(gone)))
    location = next(index for index, line in enumerate(lines) if json.loads(line)["rows"])
    entry = json.loads(lines[location]) | {"actor_name": "Orang Lain"}
    forged = [*lines[:location], (json.dumps(entry) + "\n").encode(), *lines[location + 1 :]]
    changed = rewritten(made, tmp_path / "c.zip", only(periksa.TRAIL, lambda _data: b"".join(forged)))
    assert any(f"butir {entry['number']}: diubah" in fault for fault in periksa.verify(str(changed)))


def forged_dossier(made: Made, target: Path) -> Path:
    """Make a dossier with a changed trail, whose chain, manifest and sums were all written anew."""
    lines = [json.loads(line) for line in made.read(periksa.TRAIL).splitlines()]
    location = next(index for index, line in enumerate(lines) if line["rows"])
    lines[location]["actor_name"] = "Orang Lain"
    previous = lines[location]["previous_hash"]
    for line in lines[location:]:
        line["previous_hash"] = previous
        line["hash"] = previous = periksa.entry_hash(line)
    trail = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    manifest = made.manifest()
    manifest["anchor"]["hash"] = previous
    one = next(one for one in manifest["files"] if one["path"] == periksa.TRAIL)
    one |= {"size": len(trail), "sha256": hashlib.sha256(trail).hexdigest()}
    content = json.dumps(manifest).encode()
    sums = [*((one["sha256"], one["path"]) for one in manifest["files"])]
    sums.append((hashlib.sha256(content).hexdigest(), "manifest.json"))
    new = {
        periksa.TRAIL: trail,
        "manifest.json": content,
        "SHA256SUMS": "".join(f"{hash_}  {path}\n" for hash_, path in sums).encode(),
    }
    return rewritten(made, target, new.get)


def test_a_dossier_written_anew_is_caught_by_what_was_kept_elsewhere(made: Made, tmp_path: Path) -> None:
    forged = forged_dossier(made, tmp_path / "forged.zip")
    assert periksa.verify(str(forged)) == []
    assert any("bukan manifest asli" in fault for fault in periksa.verify(str(forged), made.result.fingerprint))
    anchor = made.result.anchor
    saved = [(anchor.chain, anchor.number, anchor.hash)]
    assert any("berbeda dari jangkar" in fault for fault in periksa.verify(str(forged), anchors=saved))
    assert periksa.verify(str(made.path), made.result.fingerprint, saved) == []


def test_the_anchor_is_an_entry_of_the_trail(made: Made) -> None:
    with made.app.app_context():
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.chain == made.agency_id, AuditEntry.number == made.result.anchor.number)
        ).one()
        assert entry.hash == made.result.anchor.hash
        db.session.rollback()


def test_a_period_without_anything_is_nil(made: Made, tmp_path: Path) -> None:
    empty = tmp_path / "empty.zip"
    result = write(made.agency_id, empty, dt.date(2001, 1, 1), dt.date(2001, 12, 31))
    assert periksa.verify(str(empty), result.fingerprint) == []
    with zipfile.ZipFile(empty) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert manifest["requests"] == 0
        assert "NIHIL" in archive.read("index.html").decode()


def test_other_people_s_software_opens_it(made: Made, tmp_path: Path) -> None:
    program = find_libreoffice()
    if program is None or shutil.which("qpdf") is None or shutil.which("pdftotext") is None:
        pytest.skip(f"{MISSING_MESSAGE}, or no qpdf, or no poppler")
    files = [tmp_path / name for name in ("change.ods", "release.xlsx")]
    for file in files:
        file.write_bytes(made.read(f"register/{file.name}"))
    saved = {one.name: rows_of(one.read_bytes()) for one in convert(program, files, "csv", tmp_path)}
    rows = next(rows for name, rows in saved.items() if name.startswith("change") and "Keterangan" not in name)
    expected = rows_of(made.read("register/change.csv"))
    assert [row[0] for row in rows] == [row[0] for row in expected]
    cover = tmp_path / "cover.pdf"
    cover.write_bytes(made.read("sampul-dan-indeks.pdf"))
    subprocess.run(["qpdf", "--check", str(cover)], check=True, capture_output=True)
    text = subprocess.run(["pdftotext", str(cover), "-"], check=True, capture_output=True).stdout.decode()
    assert str(made.result.anchor) in text.replace("\n", "")
    assert "NIHIL" in text


def test_the_cover_is_a_valid_paper_that_says_whose_dossier_it_is_and_lists_every_register(
    made: Made, tmp_path: Path
) -> None:
    cover = tmp_path / "cover.pdf"
    cover.write_bytes(made.read("sampul-dan-indeks.pdf"))
    require_valid(cover)
    if shutil.which("pdftotext") is None:
        pytest.skip("valid, but not read: no poppler on this system")
    text = subprocess.run(["pdftotext", "-layout", str(cover), "-"], check=True, capture_output=True).stdout.decode()
    for register in made.manifest()["registers"]:
        assert register["title"] in text
        assert register["file"] in text
    assert "LPSE KABUPATEN LUMAJANG" in text
    assert "1 Desember 2025 s.d. 30 November 2026" in text


def test_the_commands_make_and_verify_a_dossier_and_note_it_in_the_trail(made: Made, tmp_path: Path) -> None:
    runner = made.app.test_cli_runner()
    file = tmp_path / "berkas.zip"
    period = ["--from", "2001-01-01", "--until", "2001-12-31"]
    done = runner.invoke(args=["inspection", "export", "--office", "lumajang", *period, str(file)])
    assert done.exit_code == 0, done.output
    fingerprint = done.output.split("Sidik jari: ")[1].split()[0]
    whole = runner.invoke(args=["inspection", "verify", "--fingerprint", fingerprint, str(file)])
    assert whole.exit_code == 0, whole.output
    other = runner.invoke(args=["inspection", "verify", "--fingerprint", "0" * 64, str(file)])
    assert other.exit_code == 1
    assert "bukan manifest asli" in other.output
    with made.app.app_context():
        reason = db.session.scalars(
            select(AuditEntry.reason).where(AuditEntry.action == "inspection.make").order_by(AuditEntry.id.desc())
        ).first()
        db.session.rollback()
    assert fingerprint in str(reason)
    assert runner.invoke(args=["inspection", "export", *period, str(file)]).exit_code == 1  # which of the two?
    assert runner.invoke(args=["inspection", "export", "--from", "kemarin"]).exit_code == 2


def test_making_a_dossier_writes_nothing(made: Made, tmp_path: Path) -> None:
    def entries() -> int:
        count = db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0
        db.session.rollback()
        return count

    before = entries()
    write(made.agency_id, tmp_path / "a.zip", dt.date(2001, 1, 1), dt.date(2001, 1, 2))
    assert entries() == before
