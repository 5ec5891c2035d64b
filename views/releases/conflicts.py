"""Conflicts of a request's release, and what the head has permitted or may permit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.record_fields import Environment
from models.database import db
from models.releases import conflicts, freeze_permit
from models.validation import is_plausible_date
from views.app.access import can
from views.releases.forms import PermitForm

if TYPE_CHECKING:
    from models.changes.moves.case_file import CaseFile
    from models.changes.steps.activity import Release
    from models.releases.freeze import Freeze, FreezePermit
    from views.changes.steps.form import StepForm


@dataclass(frozen=True, slots=True)
class ReleaseConflicts:
    """The conflicts and permits to show; ``permittable_freezes`` are those that the user may permit as the head."""

    overlapping: tuple[Release, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    permits: tuple[FreezePermit, ...] = ()
    permittable_freezes: tuple[Freeze, ...] = ()
    form: PermitForm | None = None
    may_read_freezes: bool = False

    @property
    def is_in_the_way(self) -> bool:
        """Whether the window in the form has a conflict."""
        return bool(self.overlapping or self.freezes)

    @classmethod
    def of(cls, case: CaseFile, form: StepForm | None) -> ReleaseConflicts:
        """Return the conflicts of a request; ``form`` is the form of the open step with the entered values."""
        change = case.change
        if change.is_draft:
            return cls()
        session = db.session()
        overlapping: list[Release] = []
        freezes: list[Freeze] = []
        if form is not None and change.step.kind is Step.RELEASE and (window := _window_from_form(form)):
            environment = form["environment"].data
            environment = environment if isinstance(environment, Environment) else None
            touched = [row["asset"] for row in form["touched_assets"].data if row["asset"]]
            overlapping = conflicts.overlapping_releases(session, change, window, environment, touched)
            freezes = conflicts.conflicting_freezes(session, case, window, environment)
        permittable = (
            []
            if freeze_permit.reason_actor_cannot_permit(case)
            else freeze_permit.permittable_freezes(session, change, case.sop)
        )
        return cls(
            overlapping=tuple(overlapping),
            freezes=tuple(freezes),
            permits=tuple(freeze_permit.permits_of(session, change)),
            permittable_freezes=tuple(permittable),
            form=PermitForm(formdata=None) if permittable else None,
            may_read_freezes=can(Verb.READ, Resource.FREEZE),
        )


def _window_from_form(form: StepForm) -> conflicts.Window | None:
    """Return the window in the form; None if it is not valid."""
    start, end = form["window_start_at"].data, form["window_end_at"].data
    if not (isinstance(start, dt.datetime) and isinstance(end, dt.datetime)):
        return None
    if not (is_plausible_date(start) and is_plausible_date(end)) or start >= end:
        return None
    return start, end
