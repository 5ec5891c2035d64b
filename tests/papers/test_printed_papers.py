"""The papers of a request as PDF: what stands on them, and that the same record gives the same bytes."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

import pikepdf
import pytest

from lpse_admin.sop.steps import Outcome, Step
from models.changes.loading import load_change
from tests.support.cast import OUTCOMES_TO, move_through, set_test_audit_context
from views.papers.contents.source import read_source
from views.papers.papers import papers_of_change, papers_of_source
from views.papers.printing import Office, Printer, print_sop

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast

ADDRESS = "https://lpse.example.go.id"
STANDARDS = ("pdfaid:part", "pdfaid:conformance", "pdfuaid:part")


@pytest.fixture
def papers(session: AuditedSession, cast: Cast) -> dict[str, bytes]:
    """Return the papers of a closed normal request."""
    set_test_audit_context(session)
    change = move_through(session, cast.lumajang, *OUTCOMES_TO[Step.CLOSED])
    session.commit()
    return dict(papers_of_change(session, change, base_url=ADDRESS))


def test_every_paper_of_a_request_is_pdf_a_2a_and_pdf_ua_1_with_tags_a_title_and_a_language(
    papers: dict[str, bytes],
) -> None:
    assert [name[3:-4] for name in papers] == [
        "change-form", "evaluation", "urgency", "implementation", "test", "report", "verification", "schedule",
        "asset-review", "deviations", "handover",
    ]  # fmt: skip
    for content in papers.values():
        with pikepdf.open(io.BytesIO(content)) as pdf:
            with pdf.open_metadata() as metadata:
                assert [metadata[key] for key in STANDARDS] == ["2", "A", "1"]
                assert metadata["dc:title"]
            assert pdf.Root.MarkInfo.Marked
            assert str(pdf.Root.Lang) == "id-ID"
            assert pdf.Root.ViewerPreferences.DisplayDocTitle
            assert pdf.check_pdf_syntax() == []


def test_the_same_record_gives_the_same_bytes(session: AuditedSession, cast: Cast) -> None:
    set_test_audit_context(session)
    change = move_through(session, cast.lumajang, *OUTCOMES_TO[Step.REPORT], Outcome.REPORTED)
    session.commit()
    first = list(papers_of_change(session, change, base_url=ADDRESS))
    session.expire_all()
    again = load_change(session, change.id)
    assert again is not None
    assert list(papers_of_change(session, again, base_url=ADDRESS)) == first


def test_a_request_that_is_not_finished_has_the_papers_of_what_is(session: AuditedSession, cast: Cast) -> None:
    set_test_audit_context(session)
    change = move_through(session, cast.lumajang, *OUTCOMES_TO[Step.URGENCY])
    session.commit()
    kinds = [paper.kind.value for paper in papers_of_source(read_source(session, change))]
    assert kinds == ["change-form", "evaluation", "deviations"]


def test_both_sops_are_printed(session: AuditedSession, cast: Cast) -> None:
    printer = Printer("Pengelola 1", dt.datetime(2026, 3, 2, 3, tzinfo=dt.UTC))
    for one in (cast.lumajang, cast.tana_tidung):
        office = Office.load(session, one.sop_revision.agency, ADDRESS)
        with pikepdf.open(io.BytesIO(print_sop(office, one.sop_revision, printer).pdf)) as pdf:
            assert pdf.docinfo["/Title"]
