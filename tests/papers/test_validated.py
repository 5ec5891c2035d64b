"""Every printed paper, opened and validated by other people's software."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.inventory.cards import Card
from lpse_admin.sop.steps import Outcome, Step
from tests.support.cast import LUMAJANG, OUTCOMES_TO, move_through, set_test_audit_context
from tests.support.pages.pdf import ROW_LENGTHS, require_valid
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.papers.papers import papers_of_change
from views.papers.printing import Office, print_sop

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cast import AuditedSession, Cast
    from tests.support.running_app import RunningApp

ADDRESS = "https://lpse.example.go.id"
#: An emergency that was approved, failed its test and was rolled back; and one that the head refused.
ROLLED_BACK = (
    *OUTCOMES_TO[Step.APPROVAL], Outcome.APPROVED, Outcome.DONE, Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.REPORTED,
    Outcome.VERIFIED,
)  # fmt: skip
REJECTED = (*OUTCOMES_TO[Step.EVALUATION], Outcome.REJECTED)


def test_every_paper_of_a_request_is_valid(session: AuditedSession, cast: Cast, tmp_path: Path) -> None:
    set_test_audit_context(session)
    kinds = set()
    for index, outcomes in enumerate((OUTCOMES_TO[Step.CLOSED], ROLLED_BACK, REJECTED)):
        change = move_through(session, cast.lumajang, *outcomes)
        session.commit()
        for name, content in papers_of_change(session, change, base_url=ADDRESS):
            file = tmp_path / f"{index}-{name}"
            file.write_bytes(content)
            require_valid(file)
            kinds.add(name[3:-4])
    assert kinds >= {
        "change-form", "evaluation", "urgency", "decision", "implementation", "test", "rollback", "report",
        "verification", "schedule", "asset-review", "deviations", "handover",
    }  # fmt: skip


def test_both_sops_are_valid(session: AuditedSession, cast: Cast, tmp_path: Path) -> None:
    for one in (cast.lumajang, cast.tana_tidung):
        file = tmp_path / f"{one.sop_revision.key}.pdf"
        file.write_bytes(print_sop(Office.load(session, one.sop_revision.agency, ADDRESS), one.sop_revision).pdf)
        require_valid(file, ROW_LENGTHS)


def test_every_sheet_of_the_list_of_assets_is_valid(running_app: RunningApp, tmp_path: Path) -> None:
    reader = running_app.visitor("pengelola")
    running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    addresses = [f"card/{card.value}" for card in Card]
    page = reader.get("/admin/asset-period/sheets/")
    assert page.status_code == 200
    for address in (*addresses, "half-year/2026-1"):
        answer = reader.get(f"/admin/asset-period/sheets/{address}.pdf")
        assert answer.status_code == 200, (address, answer.text[:500])
        file = tmp_path / f"{address.replace('/', '-')}.pdf"
        file.write_bytes(answer.data)
        require_valid(file, ROW_LENGTHS)
