"""The steps, outcomes, results and duties that every SOP is made of.

An SOP (``lpse_admin.sop``) selects steps and connects them. It can leave steps out, have one more than once, and have
steps of its own: such a step is named by its kind and a name, ``approval.kepala-bidang`` or ``task.pelatihan``, and has
the record (``workflow.record_fields``) and the rules of its kind. The keys are part of addresses and stored in the
database: they must not change.
"""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from typing_extensions import override

from lpse_admin.i18n import LabelledEnum, Message, _, own_words

if TYPE_CHECKING:
    from typing import Self

#: A name that an SOP gives to a step or an outcome; the length is that of the database column.
_NAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", re.ASCII)
MAX_STEP_LENGTH, MAX_OUTCOME_LENGTH = 80, 60


class _OpenEnum(LabelledEnum):
    """An enum with further members that SOPs name; each is made when it is first asked for, and is one object.

    Iteration yields the declared members alone. Comparing by ``is`` holds for the others too.
    """

    @classmethod
    @override
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str) or (title := cls._title_of(value)) is None:
            return None
        with _lock:
            member = _named.get((cls, value))
            if member is None:
                member = str.__new__(cls, value)
                member._name_ = member._value_ = value
                member.__init__(value, title)  # type: ignore[misc] # as Enum does for declared members
                _named[cls, value] = member
        return member  # type: ignore[return-value] # the dictionary holds members of several enums

    @classmethod
    def _title_of(cls, value: str) -> Message | None:
        """Return the title of the member that an SOP may name ``value``, or None if it may name none so."""
        return own_words(words_of(value)) if len(value) <= MAX_OUTCOME_LENGTH and _NAME.fullmatch(value) else None


_named: WeakValueDictionary[tuple[type[_OpenEnum], str], _OpenEnum] = WeakValueDictionary()
_lock = Lock()


def words_of(name: str) -> str:
    """Return what a name says: ``pelatihan-pengguna`` is "Pelatihan pengguna"."""
    words = name.replace("-", " ")
    return words[:1].upper() + words[1:]


class Step(_OpenEnum):
    """A step of the procedure; CLOSED is the end. The last five are kinds of steps of an SOP's own."""

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
    DECISION = "decision", _("Decision")
    TASK = "task", _("Task")
    ACKNOWLEDGEMENT = "acknowledgement", _("Acknowledgement")
    ACCEPTANCE = "acceptance", _("Acceptance by the requester")
    WAITING = "waiting", _("Waiting")

    @property
    def kind(self) -> Step:
        """The declared step whose record and rules this step has; a declared step is its own kind."""
        return Step.__members__.get(self._name_, self) if "." not in self._value_ else Step(self._value_.split(".")[0])

    @property
    def record(self) -> Step:
        """The declared step that stands for its record: its kind, and TASK for all that are of an SOP's own."""
        return Step.TASK if self.is_own else self.kind

    @property
    def own_name(self) -> str:
        """The name that the SOP gave it, behind its kind; empty for a declared step."""
        return self._value_.partition(".")[2]

    @property
    def is_own(self) -> bool:
        """Whether it is a step of an SOP's own, and not one of the procedure that stands once more."""
        return self.kind in OWN_KINDS

    @classmethod
    @override
    def _title_of(cls, value: str) -> Message | None:
        kind, dot, name = value.partition(".")
        if not dot or len(value) > MAX_STEP_LENGTH or kind not in REPEATABLE_STEPS or not _NAME.fullmatch(name):
            return None
        if kind in OWN_KINDS:
            return own_words(words_of(name))
        return _("%(step)s: %(name)s", step=cls(kind).title, name=own_words(words_of(name)))


class Outcome(_OpenEnum):
    """How a step ends. A step of an SOP's own has outcomes that the SOP names."""

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
        return _ACTION_LABELS.get(self, self.title)

    @property
    def is_own(self) -> bool:
        """Whether an SOP named it."""
        return self not in _ACTION_LABELS


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
    DECIDE = "check", _("decided on this change")


#: The kinds of steps that an SOP has of its own.
OWN_KINDS = (Step.DECISION, Step.TASK, Step.ACKNOWLEDGEMENT, Step.ACCEPTANCE, Step.WAITING)
#: The steps that have names of an SOP beside them: those of its own, and those that may stand more than once.
REPEATABLE_STEPS = (
    *OWN_KINDS,
    Step.EVALUATION, Step.URGENCY, Step.APPROVAL, Step.IMPLEMENTATION, Step.TEST, Step.ROLLBACK, Step.REPORT,
    Step.VERIFICATION, Step.RELEASE, Step.ASSET_REVIEW, Step.ASSET_UPDATE,
)  # fmt: skip

#: The steps of the procedure, without its end.
KNOWN_STEPS = tuple(step for step in Step if step is not Step.CLOSED and not step.is_own)

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
    **dict.fromkeys(OWN_KINDS, ()),
}

#: Outcomes with a meaning of their own that steps of an SOP's own may have besides those that the SOP names.
OWN_STEP_OUTCOMES: dict[Step, tuple[Outcome, ...]] = {
    Step.DECISION: (Outcome.RETURNED, Outcome.REJECTED),
    Step.ACCEPTANCE: (Outcome.WITHDRAWN,),
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
    Step.DECISION: Duty.DECIDE,
}


def duty_of(step: Step) -> Duty | None:
    """Return the duty that the person who finishes ``step`` has performed, or None."""
    return STEP_DUTIES.get(step.kind)


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
