"""What the papers of one request are made of, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.i18n import _
from lpse_admin.sop.steps import Step
from models.accounts.user import User
from models.changes.loading import details_of, steps_of
from models.changes.steps.activity import Activity, Release
from models.retention.archive_reference import reference_of
from views.papers.contents.wording import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from lpse_admin.sop import Sop
    from models.changes.change import ChangeRequest
    from models.changes.loading import ChangeDetails, StepShown


@dataclass(frozen=True, slots=True)
class Official:
    """What stands below a name: rank and NIP."""

    rank: str = ""
    nip: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A request with its details, and who acted in each of its steps."""

    change: ChangeRequest
    sop: Sop
    details: ChangeDetails
    words: Words
    #: By the id of a step.
    officials: Mapping[int, Official]
    requester: Official
    #: The steps whose release plan was set aside.
    set_aside: frozenset[int]
    #: Where the request is filed in the archive application: label and value.
    filed: tuple[tuple[str, str], ...] = ()

    @property
    def finished(self) -> tuple[StepShown, ...]:
        """The finished steps, in order."""
        return tuple(step for step in self.details.steps if not step.is_open)

    def latest(self, step: Step) -> StepShown | None:
        """Return the last finished visit of a step."""
        return next((one for one in reversed(self.finished) if one.step.kind is step), None)

    def latest_of_each(self, kind: Step) -> tuple[StepShown, ...]:
        """Return the last finished visit of each step of a kind, in the order of the SOP."""
        last = {one.step: one for one in self.finished if one.step.kind is kind}
        return tuple(last[step] for step in self.sop.steps_of(kind) if step in last)

    def documents_of(self, step: StepShown) -> list[tuple[str, str]]:
        """Return the files of a step: name and SHA-256."""
        return [
            (document.name, document.sha256) for document in self.details.documents if document.activity_id == step.id
        ]


def read_source(session: Session, change: ChangeRequest) -> Source:
    """Read what the papers of ``change`` are made of, with a fixed number of statements."""
    details = details_of(session, change, steps_of(session, change.id))
    sop = change.sop
    acted = (
        select(Activity.id, Activity.actor_rank, Activity.actor_nip, User.rank, User.nip)
        .join(User, User.id == Activity.actor_id)
        .where(Activity.change_id == change.id)
    )
    officials = {
        id_: Official(rank or present_rank or "", nip or present_nip or "")
        for id_, rank, nip, present_rank, present_nip in session.execute(acted)
    }
    set_aside = select(Release.id).where(Release.change_id == change.id, Release.set_aside_at.is_not(None))
    words = Words(change.agency.zone, sop.head_title)
    return Source(
        change,
        sop,
        details,
        words,
        officials,
        Official(change.requester.rank or "", change.requester.nip or ""),
        frozenset(session.scalars(set_aside))
        if any(one.step.kind is Step.RELEASE for one in details.steps)
        else frozenset(),
        _filed(session, change.id, words),
    )


def _filed(session: Session, change_id: int, words: Words) -> tuple[tuple[str, str], ...]:
    """Return number and code of the archive application, as far as they were noted."""
    filed = reference_of(session, change_id)
    said = (
        (_("Number in the archive application"), filed.reference_number if filed else None),
        (_("Classification code"), filed.classification_code if filed else None),
    )
    return tuple((words.text(label), value) for label, value in said if value)
