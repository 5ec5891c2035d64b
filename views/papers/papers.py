"""All papers of a request, and each as a PDF. Needs no web request: the terminal and the background call it too.

The same record, letterhead and layouts give the same bytes: every date on a paper is of its record, unless somebody
prints it, who stands on it then with the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.papers.kinds import PAPER_OF_STEP, PaperKind
from lpse_admin.sop.steps import Outcome, Result, Step
from views.papers.contents.request_papers import change_form, deviations_paper, handover_paper
from views.papers.contents.source import Source, read_source
from views.papers.contents.step_papers import step_paper, title_of
from views.papers.printing import Office, print_paper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from lpse_admin.i18n import Message
    from lpse_admin.papers.content import PaperContent
    from models.changes.change import ChangeRequest
    from models.changes.loading import StepShown

#: The paper of the first step is the change form; whoever has the result handed over has one of these.
_HANDED_OVER = frozenset({Result.COMPLETED, Result.ROLLED_BACK})


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper that can be printed; ``occurrence`` counts those of its kind about one request, from 1."""

    kind: PaperKind
    subject_id: int
    occurrence: int = 1
    step: StepShown | None = None

    def title(self, source: Source, text: Callable[[Message], str]) -> str:
        """Return what it is called, in the language of ``text``."""
        return text(self.kind.title) if self.step is None else title_of(source, self.step.step, self.kind, text)

    def content(self, source: Source) -> PaperContent:
        """Return what is on it."""
        match self.kind:
            case PaperKind.CHANGE_FORM:
                return change_form(source)
            case PaperKind.DEVIATIONS:
                return deviations_paper(source)
            case PaperKind.HANDOVER:
                return handover_paper(source)
            case _ if self.step is not None:
                return step_paper(source, self.step, self.kind)
        raise ValueError(self.kind)


def papers_of_source(source: Source) -> list[Paper]:
    """Return the papers that a request has by now, in the order of the procedure."""
    change = source.change
    if change.is_draft:
        return []
    papers = [Paper(PaperKind.CHANGE_FORM, change.id)]
    for step in source.finished:
        kinds = [PAPER_OF_STEP[step.step.kind]] if step.step.kind in PAPER_OF_STEP else []
        if step.step.kind is Step.RELEASE and step.outcome is Outcome.SCHEDULED and step.record.get("actual_at"):
            kinds.append(PaperKind.RELEASE)
        papers += [Paper(kind, step.id, 1 + sum(one.kind is kind for one in papers), step) for kind in kinds]
    if change.sop.switches.deviations or source.details.deviations:
        papers.append(Paper(PaperKind.DEVIATIONS, change.id))
    if change.result in _HANDED_OVER:
        papers.append(Paper(PaperKind.HANDOVER, change.id))
    return papers


def papers_of_change(
    session: Session, change: ChangeRequest, *, base_url: str | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield each paper of a request as (file name, PDF), in the order of the procedure.

    ``base_url`` is the address of this program for the codes on the papers; without it they have none.
    """
    source = read_source(session, change)
    office = Office.load(session, change.agency, base_url)
    for index, paper in enumerate(papers_of_source(source), 1):
        yield f"{index:02d}-{paper_name(paper)}.pdf", print_paper(office, source, paper).pdf


def paper_name(paper: Paper) -> str:
    """Return the name of a paper's file, without number and ending; a step that an SOP named adds its name."""
    name = paper.step.step.own_name if paper.step else ""
    parts = (paper.kind.value, name, str(paper.occurrence) if paper.occurrence > 1 else "")
    return "-".join(filter(None, parts))
