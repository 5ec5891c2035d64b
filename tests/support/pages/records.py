"""Records for the screens of the asset list, of papers and of the self-check: one of each kind."""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pikepdf

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import _
from lpse_admin.inventory.half_years import HalfYear
from lpse_admin.papers.kinds import PaperKind
from lpse_admin.retention.rules import Disposition, RecordClass
from lpse_admin.sop.editor.document import SopDocument
from models.assessment.entry import ActionValues, FindingValues, enter_finding, record_action
from models.assessment.finding import ActionStatus, Priority
from models.inspection.dossier import ask_for_dossier
from models.integrity.anchors.delivery import AnchorPlan, make_anchors
from models.integrity.findings import Finding, FindingKind
from models.integrity.record import save_run
from models.integrity.run import Report
from models.inventory.locking import lock_half_year
from models.inventory.room import enter_room
from models.papers.layout import adapt_layout
from models.papers.printed import PaperPrint, SignedForm, SignedPaper, file_signed, record_print
from models.papers.trusted_certificate import trust_certificates
from models.retention.archive_reference import enter_reference
from models.retention.destruction import Destruction, DestructionItem
from models.retention.hold import place_hold
from models.retention.rule import set_rule
from models.self_check.run import run_self_check
from models.sops.appointment import Decree, appoint, posts_of
from models.sops.editing import EditStart, begin_edit, new_key
from models.takeover.code_import import import_code_list
from models.takeover.takeover import ListFile, upload_list
from tests.support.cast import NOW, set_test_audit_context
from tests.support.servers.certificates import make_certificates
from views.papers.printing import usual_layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.changes.change import ChangeRequest
    from models.sops.editing import EditedSop
    from tests.support.cast import AuditedSession, Office


def add_asset_records(session: AuditedSession, office: Office, mark: Callable[[str], str] = str) -> None:
    """Enter a room, a list of assets to be looked at, item codes and a locked half-year; ``mark`` marks the words."""
    by = office.manager
    enter_room(session, by=by, now=NOW, code=mark("R-1"), name=mark("Ruang server"))
    rows = f"Kode Barang;Register;Nama Barang\n02.06.01.04.06;0001;{mark('Laptop')}\n02.06.01.04.06;;{mark('Meja')}\n"
    upload_list(session, by=by, now=NOW, file=ListFile("daftar.csv", rows.encode()))
    import_code_list(session, office.agency, f"Kode;Nama\n02.06;{mark('Alat kantor')}".encode())
    lock_half_year(
        session, by=by, now=NOW, half_year=HalfYear(2025, 1), signed_on=dt.date(2025, 7, 4), remarks=mark("Cocok"),
        keeper_name=mark("Budi"), head_name=mark("Siti"),
    )  # fmt: skip


def print_paper(
    session: AuditedSession, office: Office, change: ChangeRequest, mark: Callable[[str], str] = str
) -> None:
    """Keep a print of a paper of ``change``, and a scan that came back."""
    agency_id, by = office.sop_revision.agency_id, office.manager.id
    row = PaperPrint(
        agency_id=agency_id, change_id=change.id, subject_id=change.id, kind=PaperKind.CHANGE_FORM, number=mark("1/FP"),
        fingerprint="0" * 64, printed_by_id=by, printed_at=NOW,
    )  # fmt: skip
    draft = record_print(session, row, b"draf %d" % change.id)
    scan = SignedPaper(form=SignedForm.SCAN, name="pindaian.pdf", media_type="application/pdf", filed_at=NOW)
    file_signed(session, draft, scan, b"pindaian %d" % change.id, by=office.manager)


def add_paper_settings(session: AuditedSession, office: Office, folder: Path, mark: Callable[[str], str] = str) -> None:
    """Trust a certificate, and adapt a layout."""
    authority, _server = make_certificates(folder)
    reason = mark("Keputusan Kepala")
    trust_certificates(session, office.agency, authority.read_bytes(), by=office.administrator, now=NOW, reason=reason)
    adapt_layout(
        session, office.agency, ("list", usual_layout("list"), lambda _text: None),
        by=office.administrator, now=NOW, reason=reason,
    )  # fmt: skip


def add_retention_records(
    session: AuditedSession, office: Office, change: ChangeRequest, mark: Callable[[str], str] = str
) -> None:
    """Set a rule of retention, propose a destruction, put a request under a hold, and note where it is filed."""
    set_rule(
        session, by=office.administrator, now=NOW, record_class=RecordClass.REQUEST, active_years=2, inactive_years=3,
        disposition=Disposition.DESTROY, basis=mark("Perbup 12"),
    )  # fmt: skip
    number, agency_id, by = change.number or "", office.agency.id, office.administrator.id
    proposal = Destruction(
        agency_id=agency_id, record_class=RecordClass.REQUEST, reason=mark("Masa simpan habis"), proposed_by_id=by,
        proposed_at=NOW,
    )  # fmt: skip
    session.add(proposal)
    session.flush()
    session.add(
        DestructionItem(
            agency_id=agency_id, destruction_id=proposal.id, record_id=change.id, record_name=number, due_on=NOW.date()
        )
    )
    place_hold(session, by=office.head, now=NOW, number=number, reason=mark("Sengketa"))
    enter_reference(
        session, by=office.manager, now=NOW, number=number, reference_number=mark("77"), classification_code=mark("000")
    )


def add_edited_sop(session: AuditedSession, office: Office, sop: str, mark: Callable[[str], str] = str) -> EditedSop:
    """Begin to edit ``sop``, with two fields in its second row, and without the row to which its urgency leads."""
    document = SopDocument.read(sop)
    document.values["agency"]["key"] = office.agency.key
    rows = document.rows()
    document.add_field(rows[1].values, mark("Perkiraan biaya"), "money")
    document.add_field(rows[1].values, mark("Jendela"), "moment")
    document.remove_row(next(place for place, row in enumerate(rows) if row.key == "approval"))
    key = new_key(session, office.agency, NOW.year)
    return begin_edit(session, EditStart(document, key, office.agency.id), by=office.head, now=NOW)


def add_appointments(session: AuditedSession, office: Office, mark: Callable[[str], str] = str) -> None:
    """Appoint both change managers to the post that has their role."""
    set_test_audit_context(session)
    post = next(one.key for one in posts_of(session, office.agency.id) if one.role is Role.CHANGE_MANAGER)
    people = (office.manager, office.manager2)
    appoint(
        session, office.agency, Decree(post, people, mark("800/12"), NOW.date(), NOW.date()), by=office.head, now=NOW
    )


def code_in(pdf: bytes) -> str:
    """Return the address of the code on a paper, from the alternative text of its QR code."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        texts = [str(item.Alt) for item in opened.objects if isinstance(item, pikepdf.Dictionary) and "/Alt" in item]
    return next(match[0] for one in texts if (match := re.search(r"/paper/[a-z2-7]+", one)))


def add_finding(session: AuditedSession, office: Office, mark: Callable[[str], str] = str) -> None:
    """Enter a finding of an assessor with an action that was carried out and an open one, and ask for a dossier."""
    set_test_audit_context(session)
    values = FindingValues(
        number=mark("T-01"), found_on=dt.date(2026, 1, 5), assessor=mark("Inspektorat"), clause=mark("Standar 06"),
        finding=mark("Uji tanpa catatan"), improvement=mark("Catat setiap uji"), priority=Priority.HIGH,
        due_on=dt.date(2026, 2, 5),
    )  # fmt: skip
    finding = enter_finding(session, by=office.manager, now=NOW, entry=values)
    enter_finding(session, by=office.manager, now=NOW, entry=replace(values, number=mark("T-02")))
    action = ActionValues(mark("Formulir uji dipakai"), office.manager2, ActionStatus.DONE, dt.date(2026, 1, 20))
    record_action(finding, by=office.manager, now=NOW, entry=action)
    agency = office.agency
    ask_for_dossier(session, agency, dt.date(2026, 1, 1), dt.date(2026, 1, 31), by=office.inspector, now=NOW)


def run_checks(session: AuditedSession, office: Office) -> None:
    """Run the self-check a year on, when much has been left undone."""
    result = run_self_check(session, office.agency, NOW + dt.timedelta(days=400))
    assert result, "the self-check found nothing: its screens would not be opened"
    keep_verification(session, office)


def keep_verification(session: AuditedSession, office: Office) -> None:
    """Keep a verification that found a changed row of the office, and make the anchors of a day."""
    report = Report(entries=12, rows=34, files=5)
    error = _("“%(column)s” is %(stored)s, but the trail says %(told)s", column="email", stored="“a”", told="“b”")
    report.add(
        Finding(
            FindingKind.CHANGED, error, chain=office.agency.id, table="user_account", row=str(office.head.id),
            column="email", entry=1, at=NOW,
        )
    )  # fmt: skip
    save_run(session, report, started_at=NOW, now=NOW, by="Sistem")
    row = make_anchors(session, office.agency, AnchorPlan(), NOW)
    row.stamped_by, row.stamped_at, row.time_stamp = "https://tsa.example/tsr", NOW, "MIIB"
