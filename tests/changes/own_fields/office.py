"""The office whose SOP has a form of fields of its own, with its people."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from models.sops import sop
from tests.support.cast import NOW, user, values_for
from tests.support.present import present
from tests.support.running_app import RunningApp, form_fields, move_form

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEY = "kota-isian-2024"
TEXT = (Path(__file__).parent / "files" / f"{KEY}.toml").read_text(encoding="utf-8")
ACCOUNTS = {Role.REQUESTER: "pemohon.ki", Role.CHANGE_MANAGER: "pengelola.ki", Role.HEAD: "kepala.ki"}

#: What is typed in each step's own fields, as people write it.
TYPED: dict[Outcome, dict[str, Any]] = {
    Outcome.SUBMITTED: {
        "field-berlaku-mulai": "1 April 2026",
        "field-kode-tender": "  TDR  4711 ",
        "field-narahubung": "Pengelola.ki",
    },
    Outcome.ACCEPTED: {
        "field-kategori": "Besar",
        "field-lingkup": ["", "Keamanan", "Data, informasi"],
        "field-dampak-lingkungan": "Ruang mesin\nbising.",
        "field-biaya": "Rp 12.500.000,-",
        "field-jumlah-orang": "2,5",
        "field-ada-henti": "Ya",
        "field-lama-henti": "1,5 jam",
        "field-luar-jam": "Ya",
        "field-pelaksana": "pengelola.ki",
    },
    Outcome.APPROVED: {"field-jadwal": "3-3-2026 20.00", "field-catatan": "Cadangkan dahulu."},
    Outcome.DONE: {
        "field-komunikasi-0-column1": "Layanan berhenti",
        "field-komunikasi-0-column2": "Penyedia",
        "field-komunikasi-0-column3": "Laman",
        "field-komunikasi-1-column1": "",
        "field-komunikasi-1-column2": "",
        "field-komunikasi-1-column3": "",
        "field-kesesuaian": "Sesuai",
        "field-penjelasan": "tidak perlu",
    },
    Outcome.REPORTED: {"field-efek": "Positif"},
    Outcome.VERIFIED: {"field-pelajaran": "Umumkan lebih awal."},
}
#: What every page and paper says of it afterwards.
WORDS = {
    "Berlaku mulai": "1 April 2026",
    "Kode tender": "TDR 4711",
    "Narahubung di LPSE": "Pengelola.ki",
    "Kategori": "Besar",
    "Lingkup SPBE": "Data, informasi; Keamanan",
    "Dampak terhadap lingkungan sekitar": "Ruang mesin\nbising.",
    "Perkiraan biaya": "Rp12.500.000,00",
    "Jumlah orang": "2,5",
    "Layanan berhenti": "Ya",
    "Lama berhenti": "1 jam 30 menit",
    "Di luar jam kerja": "Ya",
    "Pelaksana yang ditunjuk": "Pengelola.ki",
    "Jadwal pelaksanaan": "3 Maret 2026 20.00 WITA",
    "Catatan untuk pelaksana": "Cadangkan dahulu.",
    "Komunikasi": "Pesan: Layanan berhenti; Penerima: Penyedia; Media: Laman",
    "Kesesuaian dengan rencana": "Sesuai",
    "Efek": "Positif",
    "Pelajaran": "Umumkan lebih awal.",
}


def open_office(session: Session) -> sop.SopRevision:
    """Load and enact the SOP, and create its people."""
    revision = sop.load_revision(session, TEXT, KEY, now=NOW)
    revision.enact(now=NOW, by=None)
    for role, name in ACCOUNTS.items():
        user(session, revision.agency, name, role)
    session.commit()
    return revision


def request_form() -> dict[str, Any]:
    """Return the fields of a request that every SOP has, as its form sends them."""
    asked = values_for(Step.REQUEST, Outcome.SUBMITTED)
    return {key: value for name, part in asked.items() for key, value in form_fields(name, part).items()}


def submit(app: RunningApp, **fields: Any) -> int:
    """Submit a request over HTTP and return its id."""
    response = app.visitor(ACCOUNTS[Role.REQUESTER]).post("/admin/change/new/", **request_form())
    change_id = int(present(re.search(r"id=(\d+)", response.headers["Location"]))[1])
    move(app, change_id, Outcome.SUBMITTED, **fields)
    return change_id


def send(app: RunningApp, change_id: int, outcome: Outcome, **fields: Any) -> Any:
    """Send the form of the open step for ``outcome`` as its actor, with what the office's own fields get."""
    with app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        role, form = change.sop.rules[change.step].actor, move_form(change, outcome)
    return app.visitor(ACCOUNTS[role]).post(
        f"/admin/change/{change_id}/move", **form, **{**TYPED.get(outcome, {}), **fields}
    )


def move(app: RunningApp, change_id: int, outcome: Outcome, **fields: Any) -> None:
    """Make a move over HTTP."""
    moved = send(app, change_id, outcome, **fields)
    assert moved.status_code == 303, moved.text


def run_to_the_end(app: RunningApp) -> int:
    """Bring a request from its draft to the end, and return its id."""
    change_id = submit(app)
    for outcome in list(TYPED)[1:]:
        move(app, change_id, outcome)
    return change_id
