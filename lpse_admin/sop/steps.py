"""The vocabulary of every paper: steps, outcomes, results and what may be required.

A paper chooses among these words and connects them (``lpse_admin.sop``); it can leave steps out and lead
outcomes elsewhere, but it cannot invent a step, since each has a record of its own (``workflow.record_fields``).
The keys are addresses and stored values: they stay as they are.
"""

from __future__ import annotations

from lpse_admin.i18n import LabelledEnum, Message, _


class Step(LabelledEnum):
    """A place where a request can be; CLOSED is the end."""

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
    """How a step can end."""

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
        """The outcome as a button says it: 'Accept'."""
        return _ACTION_LABELS[self]


class Result(LabelledEnum):
    """What became of a closed request."""

    COMPLETED = "completed", _("Completed")
    ROLLED_BACK = "rolled-back", _("Rolled back")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Urgency(LabelledEnum):
    """The manager's judgement in the urgency step."""

    NORMAL = "normal", _("Normal")
    EMERGENCY = "emergency", _("Emergency")


class Duty(LabelledEnum):
    """What somebody did on one request, as far as it decides what else they may do on it."""

    REQUEST = "ask", _("requested this change")
    EVALUATE = "evaluate", _("evaluated this change")
    IMPLEMENT = "carry-out", _("implemented this change")
    DECIDE = "check", _("decided on this change as head")


#: The requester's own steps; their record is the request itself.
REQUESTER_STEPS = (Step.REQUEST, Step.RETURNED)
#: The head's own steps, which a delegate takes in the head's place.
HEAD_STEPS = (Step.APPROVAL, Step.VERIFICATION)

#: Outcomes that each step knows. A paper uses some or all of them.
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

#: Outcomes that are never recorded without a reason, which the requester is told
#: (procedure.md, reading 1; T3: "beserta alasannya").
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

#: What an outcome settles about a request for the rest of its way: under which name it is kept, and as what.
OUTCOME_EFFECTS: dict[Outcome, tuple[str, Urgency | bool]] = {
    Outcome.EMERGENCY: ("urgency", Urgency.EMERGENCY),
    Outcome.NORMAL: ("urgency", Urgency.NORMAL),
    Outcome.REFUSED: ("is_refused", True),
    Outcome.APPROVED: ("is_refused", False),
    Outcome.FAILED: ("is_undone", True),
    Outcome.PASSED: ("is_undone", False),
    Outcome.ROLLED_BACK: ("is_rolled_back", True),
}

#: The part that whoever finishes a step takes on this request.
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

#: Parts that check one another: nobody takes both on one request (procedure.md, Actors).
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
