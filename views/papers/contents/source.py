"""What the papers of one request are made of, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.sop.steps import Step
from models.accounts.user import User
from models.changes.loading import details_of, steps_of
from models.changes.steps.activity import Activity, Release
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

    @property
    def finished(self) -> tuple[StepShown, ...]:
        """The finished steps, in order."""
        return tuple(step for step in self.details.steps if not step.is_open)

    def latest(self, step: Step) -> StepShown | None:
        """Return the last finished visit of a step."""
        return next((one for one in reversed(self.finished) if one.step.kind is step), None)

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
    return Source(
        change,
        sop,
        details,
        Words(change.agency.zone, sop.head_title),
        officials,
        Official(change.requester.rank or "", change.requester.nip or ""),
        frozenset(session.scalars(set_aside))
        if any(one.step.kind is Step.RELEASE for one in details.steps)
        else frozenset(),
    )
