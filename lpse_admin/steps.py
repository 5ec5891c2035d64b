"""The vocabulary of every paper: steps, outcomes, results and what may be required.

A paper chooses among these words and connects them (``lpse_admin.sop``); it can leave steps out and lead
outcomes elsewhere, but it cannot invent a step, since each has a record of its own (``lpse_admin.records``).
The keys are addresses and stored values: they stay as they are.
"""

from __future__ import annotations

from enum import StrEnum

from lpse_admin.message import Message, _


class Step(StrEnum):
    """A place where a request can be; CLOSED is the end."""

    REQUEST = "request"
    RETURNED = "returned"
    EVALUATION = "evaluation"
    URGENCY = "urgency"
    APPROVAL = "approval"
    IMPLEMENTATION = "implementation"
    TEST = "test"
    ROLLBACK = "rollback"
    REPORT = "report"
    VERIFICATION = "verification"
    RELEASE = "release"
    ASSET_REVIEW = "asset-review"
    ASSET_UPDATE = "asset-update"
    CLOSED = "closed"

    @property
    def title(self) -> Message:
        """The step's name as it is shown (SOP page, 'Words on screen')."""
        return _STEP_TITLES[self]


class Outcome(StrEnum):
    """How a step can end."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    REJECTED = "rejected"
    RESUBMITTED = "resubmitted"
    WITHDRAWN = "withdrawn"
    EMERGENCY = "emergency"
    NORMAL = "normal"
    APPROVED = "approved"
    REFUSED = "refused"
    DONE = "done"
    PASSED = "passed"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    REPORTED = "reported"
    VERIFIED = "verified"
    MEND = "mend"
    SCHEDULED = "scheduled"
    NO_RELEASE = "no-release"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UPDATED = "updated"

    @property
    def title(self) -> Message:
        """The outcome as it is recorded: 'accepted'."""
        return _OUTCOME_TITLES[self]

    @property
    def command(self) -> Message:
        """The outcome as a button says it: 'Accept'."""
        return _COMMANDS[self]


class Result(StrEnum):
    """What became of a closed request."""

    COMPLETED = "completed"
    ROLLED_BACK = "rolled-back"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"

    @property
    def title(self) -> Message:
        """The result as it is shown."""
        return _RESULT_TITLES[self]


class Urgency(StrEnum):
    """The manager's judgement in the urgency step."""

    NORMAL = "normal"
    EMERGENCY = "emergency"

    @property
    def title(self) -> Message:
        """The urgency as it is shown."""
        return _URGENCY_TITLES[self]


class Part(StrEnum):
    """What somebody did on one request, as far as it decides what else they may do on it."""

    ASK = "ask"
    EVALUATE = "evaluate"
    CARRY_OUT = "carry-out"
    CHECK = "check"

    @property
    def title(self) -> Message:
        """What the person did, to follow 'You have already'."""
        return _PART_TITLES[self]


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
    Step.VERIFICATION: (Outcome.VERIFIED, Outcome.MEND),
    Step.RELEASE: (Outcome.SCHEDULED, Outcome.NO_RELEASE),
    Step.ASSET_REVIEW: (Outcome.CHANGED, Outcome.UNCHANGED),
    Step.ASSET_UPDATE: (Outcome.UPDATED,),
    Step.CLOSED: (),
}

#: Outcomes that are never recorded without a reason, which the requester is told
#: (SOP page, silences 1; T3: "beserta alasannya").
NEEDS_REASON = frozenset(
    {
        Outcome.RETURNED,
        Outcome.REJECTED,
        Outcome.REFUSED,
        Outcome.ROLLED_BACK,
        Outcome.NO_RELEASE,
        Outcome.MEND,
        Outcome.EMERGENCY,
    }
)

#: The part that whoever finishes a step takes on this request.
PARTS: dict[Step, Part] = {
    Step.REQUEST: Part.ASK,
    Step.RETURNED: Part.ASK,
    Step.EVALUATION: Part.EVALUATE,
    Step.URGENCY: Part.EVALUATE,
    Step.APPROVAL: Part.CHECK,
    Step.IMPLEMENTATION: Part.CARRY_OUT,
    Step.TEST: Part.CARRY_OUT,
    Step.ROLLBACK: Part.CARRY_OUT,
    Step.REPORT: Part.CARRY_OUT,
    Step.VERIFICATION: Part.CHECK,
}

#: Parts that check one another: nobody takes both on one request (SOP page, 'Actors').
CHECKS_ANOTHER: dict[Part, frozenset[Part]] = {
    Part.ASK: frozenset({Part.EVALUATE, Part.CHECK}),
    Part.EVALUATE: frozenset({Part.ASK, Part.CHECK}),
    Part.CARRY_OUT: frozenset({Part.CHECK}),
    Part.CHECK: frozenset({Part.ASK, Part.EVALUATE, Part.CARRY_OUT}),
}

_STEP_TITLES = {
    Step.REQUEST: _("Change request"),
    Step.RETURNED: _("Returned to the requester"),
    Step.EVALUATION: _("Evaluation"),
    Step.URGENCY: _("Urgency assessment"),
    Step.APPROVAL: _("Approval"),
    Step.IMPLEMENTATION: _("Implementation"),
    Step.TEST: _("Documentation and test"),
    Step.ROLLBACK: _("Roll back"),
    Step.REPORT: _("Change report"),
    Step.VERIFICATION: _("Verification of the report"),
    Step.RELEASE: _("Release schedule"),
    Step.ASSET_REVIEW: _("Review of the asset list"),
    Step.ASSET_UPDATE: _("Update of the asset list"),
    Step.CLOSED: _("Closed"),
}

_OUTCOME_TITLES = {
    Outcome.SUBMITTED: _("Submitted"),
    Outcome.ACCEPTED: _("Accepted"),
    Outcome.RETURNED: _("Returned"),
    Outcome.REJECTED: _("Rejected"),
    Outcome.RESUBMITTED: _("Submitted again"),
    Outcome.WITHDRAWN: _("Withdrawn"),
    Outcome.EMERGENCY: _("Emergency"),
    Outcome.NORMAL: _("Normal"),
    Outcome.APPROVED: _("Approved"),
    Outcome.REFUSED: _("Refused"),
    Outcome.DONE: _("Carried out"),
    Outcome.PASSED: _("Passed"),
    Outcome.FAILED: _("Failed"),
    Outcome.ROLLED_BACK: _("Rolled back"),
    Outcome.REPORTED: _("Reported"),
    Outcome.VERIFIED: _("Verified"),
    Outcome.MEND: _("Report to be mended"),
    Outcome.SCHEDULED: _("Scheduled"),
    Outcome.NO_RELEASE: _("No release"),
    Outcome.CHANGED: _("Assets changed"),
    Outcome.UNCHANGED: _("Assets unchanged"),
    Outcome.UPDATED: _("Updated"),
}

_COMMANDS = {
    Outcome.SUBMITTED: _("Submit the request"),
    Outcome.ACCEPTED: _("Accept"),
    Outcome.RETURNED: _("Return to the requester"),
    Outcome.REJECTED: _("Reject"),
    Outcome.RESUBMITTED: _("Submit again"),
    Outcome.WITHDRAWN: _("Withdraw"),
    Outcome.EMERGENCY: _("Mark as emergency"),
    Outcome.NORMAL: _("Mark as normal"),
    Outcome.APPROVED: _("Approve"),
    Outcome.REFUSED: _("Refuse"),
    Outcome.DONE: _("Record as carried out"),
    Outcome.PASSED: _("Test passed"),
    Outcome.FAILED: _("Test failed"),
    Outcome.ROLLED_BACK: _("Record the roll back"),
    Outcome.REPORTED: _("Hand over the report"),
    Outcome.VERIFIED: _("Verify"),
    Outcome.MEND: _("Give the report back to be mended"),
    Outcome.SCHEDULED: _("Schedule the release"),
    Outcome.NO_RELEASE: _("Record that nothing is released"),
    Outcome.CHANGED: _("Assets have changed"),
    Outcome.UNCHANGED: _("Assets are unchanged"),
    Outcome.UPDATED: _("Update the asset list"),
}

_RESULT_TITLES = {
    Result.COMPLETED: _("Completed"),
    Result.ROLLED_BACK: _("Rolled back"),
    Result.REJECTED: _("Rejected"),
    Result.WITHDRAWN: _("Withdrawn"),
}

_URGENCY_TITLES = {
    Urgency.NORMAL: _("Normal"),
    Urgency.EMERGENCY: _("Emergency"),
}

_PART_TITLES = {
    Part.ASK: _("asked for this change"),
    Part.EVALUATE: _("evaluated this change"),
    Part.CARRY_OUT: _("carried out this change"),
    Part.CHECK: _("decided on this change as its head"),
}
