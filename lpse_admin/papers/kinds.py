"""The kinds of papers, and the step whose record each of them prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.sop.steps import OWN_KINDS, Step

if TYPE_CHECKING:
    from collections.abc import Mapping


class PaperKind(LabelledEnum):
    """A kind of paper; value and place are in addresses and in the codes on the papers: add at the end alone."""

    CHANGE_FORM = "change-form", _("Change form")
    EVALUATION = "evaluation", _("Evaluation of the change")
    URGENCY = "urgency", _("Assessment of the urgency")
    DECISION = "decision", _("Decision on the change")
    IMPLEMENTATION = "implementation", _("Record of the implementation")
    TEST = "test", _("Test record")
    ROLLBACK = "rollback", _("Minutes of the roll back")
    REPORT = "report", _("Change report")
    VERIFICATION = "verification", _("Verification of the change report")
    SCHEDULE = "schedule", _("Release schedule")
    RELEASE = "release", _("Minutes of the release")
    ASSET_REVIEW = "asset-review", _("Review of the asset list")
    ASSET_UPDATE = "asset-update", _("Update of the asset list")
    DEVIATIONS = "deviations", _("Deviations from the standard")
    HANDOVER = "handover", _("Receipt of the handing over")
    SOP = "sop", _("Standard operating procedure")
    OWN_STEP = "own-step", _("Record of a step")

    @property
    def code(self) -> str:
        """Its abbreviation in the number of a paper."""
        return _CODES[self]

    @property
    def is_minutes(self) -> bool:
        """Whether it tells what happened on a day: a "berita acara"."""
        return self in {PaperKind.ROLLBACK, PaperKind.RELEASE, PaperKind.TEST}


_CODES: Mapping[PaperKind, str] = {
    PaperKind.CHANGE_FORM: "FP",
    PaperKind.EVALUATION: "EV",
    PaperKind.URGENCY: "TK",
    PaperKind.DECISION: "KP",
    PaperKind.IMPLEMENTATION: "PL",
    PaperKind.TEST: "BA-UC",
    PaperKind.ROLLBACK: "BA-RB",
    PaperKind.REPORT: "LP",
    PaperKind.VERIFICATION: "VL",
    PaperKind.SCHEDULE: "JR",
    PaperKind.RELEASE: "BA-RL",
    PaperKind.ASSET_REVIEW: "EA",
    PaperKind.ASSET_UPDATE: "PA",
    PaperKind.DEVIATIONS: "PM",
    PaperKind.HANDOVER: "ST",
    PaperKind.SOP: "SOP",
    PaperKind.OWN_STEP: "CL",
}

#: The paper of each step's record; the requester's steps are on the change form.
PAPER_OF_STEP: Mapping[Step, PaperKind] = {
    Step.EVALUATION: PaperKind.EVALUATION,
    Step.URGENCY: PaperKind.URGENCY,
    Step.APPROVAL: PaperKind.DECISION,
    Step.IMPLEMENTATION: PaperKind.IMPLEMENTATION,
    Step.TEST: PaperKind.TEST,
    Step.ROLLBACK: PaperKind.ROLLBACK,
    Step.REPORT: PaperKind.REPORT,
    Step.VERIFICATION: PaperKind.VERIFICATION,
    Step.RELEASE: PaperKind.SCHEDULE,
    Step.ASSET_REVIEW: PaperKind.ASSET_REVIEW,
    Step.ASSET_UPDATE: PaperKind.ASSET_UPDATE,
    **dict.fromkeys(OWN_KINDS, PaperKind.OWN_STEP),
}
