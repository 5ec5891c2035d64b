"""Who signs: in which capacity, with name, rank and NIP as they were when they acted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import _
from lpse_admin.papers.content import Signer
from lpse_admin.sop import spaced_nip
from lpse_admin.sop.steps import HEAD_STEPS

if TYPE_CHECKING:
    from lpse_admin.i18n import Message
    from models.changes.loading import StepShown
    from views.papers.contents.source import Source

#: The roles of signers; settings of the office name the head's superior ("a.n.") by the first.
HEAD, MANAGER, REQUESTER = "head", "manager", "requester"


def signer_of(source: Source, step: StepShown, heading: Message | None = None) -> Signer:
    """Return the place to sign of whoever finished ``step``."""
    official = source.officials.get(step.id)
    capacity = source.words.text(heading) if heading else step.capacity or source.words.text(step.actor_role)
    return Signer(
        HEAD if step.step.kind in HEAD_STEPS else MANAGER,
        (capacity,),
        step.actor or "",
        official.rank if official else "",
        spaced_nip(official.nip) if official and official.nip else "",
        source.words.day(step.finished_at) if step.finished_at else "",
    )


def requester_signer(source: Source) -> Signer:
    """Return the place to sign of the requester."""
    change = source.change
    return Signer(
        REQUESTER,
        (source.words.text(_title(source, Role.REQUESTER)),),
        change.requester_name or change.asked_by_name or "",
        source.requester.rank if _is_own(source) else "",
        spaced_nip(source.requester.nip) if source.requester.nip and _is_own(source) else "",
        source.words.day(change.submitted_at) if change.submitted_at else "",
    )


def open_place(source: Source, role: Role, remark: Message | None = None) -> Signer:
    """Return a place to sign for a role that has not acted; ``remark`` says why nobody has to."""
    key = HEAD if role is Role.HEAD else MANAGER
    return Signer(key, (source.words.text(_title(source, role)),), remark=source.words.text(remark) if remark else "")


def head_place(source: Source, step: StepShown | None) -> Signer:
    """Return the place to sign of the head who finished ``step``, or an open one."""
    return signer_of(source, step) if step is not None else open_place(source, Role.HEAD)


def _title(source: Source, role: Role) -> object:
    return source.sop.actor_title(role)


def _is_own(source: Source) -> bool:
    """Whether the account that asked is that of the person who is named as requester."""
    return source.change.requester_name in {None, source.change.requester.full_name}


NOT_NEEDED = _("Not needed: a normal change (SOP)")
