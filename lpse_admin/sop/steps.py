"""The steps, outcomes, results and duties that every SOP is made of.

An SOP (``lpse_admin.sop``) selects steps and connects them; it can leave steps out and change targets, but it cannot
add a step, since each step has its own record (``workflow.record_fields``). The keys are part of addresses and stored
in the database: they must not change.
"""

from __future__ import annotations

from lpse_admin.i18n import LabelledEnum, Message, _


class Step(LabelledEnum):
    """A step of the procedure; CLOSED is the end."""

    REQUEST = "request", _("Change request")
    RETURNED = "returned", _("Returned to the requester")
    EVALUATION = "evaluation", _("Evaluation")
    URGENCY = "urgency", _("Urgency assessment")
    APPROVAL = "approval", _("Approval")
    IMPLEMENTATION = "implementation", _("Implementation")
    TEST = "test", _("Documentation and test")
    ROLLBACK = "rollback", _("Roll back")
    REPORT = "report", _("Change report")
    VERIFICATION = "verification", _("Verification of the report")
    RELEASE = "release", _("Release schedule")
    ASSET_REVIEW = "asset-review", _("Review of the asset list")
    ASSET_UPDATE = "asset-update", _("Update of the asset list")
    CLOSED = "closed", _("Closed")


class Outcome(LabelledEnum):
    """How a step ends."""

    SUBMITTED = "submitted", _("Submitted")
    ACCEPTED = "accepted", _("Accepted")
    RETURNED = "returned", _("Returned")
    REJECTED = "rejected", _("Rejected")
    RESUBMITTED = "resubmitted", _("Resubmitted")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EMERGENCY = "emergency", _("Emergency")
    NORMAL = "normal", _("Normal")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    DONE = "done", _("Implemented")
    PASSED = "passed", _("Passed")
    FAILED = "failed", _("Failed")
    ROLLED_BACK = "rolled-back", _("Rolled back")
    REPORTED = "reported", _("Reported")
    VERIFIED = "verified", _("Verified")
    REVISE = "mend", _("Report returned for revision")
    SCHEDULED = "scheduled", _("Scheduled")
    NO_RELEASE = "no-release", _("No release")
    CHANGED = "changed", _("Assets changed")
    UNCHANGED = "unchanged", _("Assets unchanged")
    UPDATED = "updated", _("Updated")

    @property
    def action_label(self) -> Message:
        """The label of the outcome's button, such as 'Accept'."""
        return _ACTION_LABELS[self]


class Result(LabelledEnum):
    """The result of a closed request."""

    COMPLETED = "completed", _("Completed")
    ROLLED_BACK = "rolled-back", _("Rolled back")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Urgency(LabelledEnum):
    """The change manager's decision in the urgency step."""

    NORMAL = "normal", _("Normal")
    EMERGENCY = "emergency", _("Emergency")


class Duty(LabelledEnum):
    """What a user did on a request, for the separation of duties."""

    REQUEST = "ask", _("requested this change")
    EVALUATE = "evaluate", _("evaluated this change")
    IMPLEMENT = "carry-out", _("implemented this change")
    DECIDE = "check", _("decided on this change as head")


#: The steps of the requester; their record is the request itself.
REQUESTER_STEPS = (Step.REQUEST, Step.RETURNED)
#: The steps of the head; a delegate can act in the head's place.
HEAD_STEPS = (Step.APPROVAL, Step.VERIFICATION)

#: The possible outcomes of each step. An SOP uses some or all of them.
OUTCOMES: dict[Step, tuple[Outcome, ...]] = {
    Step.REQUEST: (Outcome.SUBMITTED,),
    Step.RETURNED: (Outcome.RESUBMITTED, Outcome.WITHDRAWN),
    Step.EVALUATION: (Outcome.ACCEPTED, Outcome.RETURNED, Outcome.REJECTED),
    Step.URGENCY: (Outcome.EMERGENCY, Outcome.NORMAL),
    Step.APPROVAL: (Outcome.APPROVED, Outcome.REFUSED),
    Step.IMPLEMENTATION: (Outcome.DONE,),
    Step.TEST: (Outcome.PASSED, Outcome.FAILED),
    Step.ROLLBACK: (Outcome.ROLLED_BACK,),
    Step.REPORT: (Outcome.REPORTED,),
    Step.VERIFICATION: (Outcome.VERIFIED, Outcome.REVISE),
    Step.RELEASE: (Outcome.SCHEDULED, Outcome.NO_RELEASE),
    Step.ASSET_REVIEW: (Outcome.CHANGED, Outcome.UNCHANGED),
    Step.ASSET_UPDATE: (Outcome.UPDATED,),
    Step.CLOSED: (),
}

#: Outcomes that require a reason, which is sent to the requester (procedure.md, reading 1; T3: "beserta alasannya").
NEEDS_REASON = frozenset(
    {
        Outcome.RETURNED,
        Outcome.REJECTED,
        Outcome.REFUSED,
        Outcome.ROLLED_BACK,
        Outcome.NO_RELEASE,
        Outcome.REVISE,
        Outcome.EMERGENCY,
    }
)

#: The attribute of the request that an outcome sets, and its value.
OUTCOME_EFFECTS: dict[Outcome, tuple[str, Urgency | bool]] = {
    Outcome.EMERGENCY: ("urgency", Urgency.EMERGENCY),
    Outcome.NORMAL: ("urgency", Urgency.NORMAL),
    Outcome.REFUSED: ("is_refused", True),
    Outcome.APPROVED: ("is_refused", False),
    Outcome.FAILED: ("is_undone", True),
    Outcome.PASSED: ("is_undone", False),
    Outcome.ROLLED_BACK: ("is_rolled_back", True),
}

#: The duty that the person who finishes a step has performed on the request.
STEP_DUTIES: dict[Step, Duty] = {
    Step.REQUEST: Duty.REQUEST,
    Step.RETURNED: Duty.REQUEST,
    Step.EVALUATION: Duty.EVALUATE,
    Step.URGENCY: Duty.EVALUATE,
    Step.APPROVAL: Duty.DECIDE,
    Step.IMPLEMENTATION: Duty.IMPLEMENT,
    Step.TEST: Duty.IMPLEMENT,
    Step.ROLLBACK: Duty.IMPLEMENT,
    Step.REPORT: Duty.IMPLEMENT,
    Step.VERIFICATION: Duty.DECIDE,
}

#: Duties that check each other: nobody performs both on one request (procedure.md, Actors).
CONFLICTING_DUTIES: dict[Duty, frozenset[Duty]] = {
    Duty.REQUEST: frozenset({Duty.EVALUATE, Duty.DECIDE}),
    Duty.EVALUATE: frozenset({Duty.REQUEST, Duty.DECIDE}),
    Duty.IMPLEMENT: frozenset({Duty.DECIDE}),
    Duty.DECIDE: frozenset({Duty.REQUEST, Duty.EVALUATE, Duty.IMPLEMENT}),
}


_ACTION_LABELS = {
    Outcome.SUBMITTED: _("Submit the request"),
    Outcome.ACCEPTED: _("Accept"),
    Outcome.RETURNED: _("Return to the requester"),
    Outcome.REJECTED: _("Reject"),
    Outcome.RESUBMITTED: _("Resubmit"),
    Outcome.WITHDRAWN: _("Withdraw"),
    Outcome.EMERGENCY: _("Mark as emergency"),
    Outcome.NORMAL: _("Mark as normal"),
    Outcome.APPROVED: _("Approve"),
    Outcome.REFUSED: _("Refuse"),
    Outcome.DONE: _("Record as implemented"),
    Outcome.PASSED: _("Test passed"),
    Outcome.FAILED: _("Test failed"),
    Outcome.ROLLED_BACK: _("Record the roll back"),
    Outcome.REPORTED: _("Submit the report"),
    Outcome.VERIFIED: _("Verify"),
    Outcome.REVISE: _("Return the report for revision"),
    Outcome.SCHEDULED: _("Schedule the release"),
    Outcome.NO_RELEASE: _("Record that there is no release"),
    Outcome.CHANGED: _("Record changed assets"),
    Outcome.UNCHANGED: _("Record unchanged assets"),
    Outcome.UPDATED: _("Update the asset list"),
}
