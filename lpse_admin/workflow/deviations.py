"""Deviations from what a paper lays down for a step: its equipment, its time, its output.

L's second warning: "Segala bentuk penyimpangan atas mutu baku terkait perlengkapan, waktu maupun output dikategorikan
sebagai bentuk kegagalan yang harus dipertanggung jawabkan oleh pelaksana." Whether a paper has such a clause is its
switch (procedure.md, reading 13); without it what is missing is refused, and lateness is shown and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.workflow.record_fields import is_empty
from lpse_admin.worktime.step_timing import duration_message

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Names of the form fields that an account, and a statement on an output, are typed into.
ACCOUNT_PREFIX, OUTPUT_PREFIX = "account-", "output-"
#: What the executor says of an output that is not as the paper wants it.
OUTPUT_LACKING = "lacking"


class DeviationKind(LabelledEnum):
    """What of the standard was not kept: the three classes of L's warning."""

    EQUIPMENT = "equipment", _("Equipment")
    TIME = "time", _("Time")
    OUTPUT = "output", _("Output")


class Disposal(LabelledEnum):
    """What the head makes of a deviation and its account."""

    ACCEPTED = "accepted", _("Explanation accepted")
    FOLLOW_UP = "follow-up", _("Follow-up required")
    NOT_ACCEPTED = "not-accepted", _("Explanation not accepted")


class LatenessBasis(LabelledEnum):
    """What a deviation in time is measured by."""

    ARRIVAL = "arrival", _("Time since the request arrived")
    HANDLING = "handling", _("Handling time")


@dataclass(frozen=True, slots=True)
class Lateness:
    """A step that took longer than its standard: judged from ``subject``, in working minutes."""

    subject: LatenessBasis
    standard: str
    allowed_minutes: int
    measured_minutes: int


@dataclass(frozen=True, slots=True)
class DetectedDeviation:
    """A deviation that a step has as it stands.

    ``subject`` tells it from the others of its step; ``what`` is the paper's item or output (empty for time);
    minutes are working minutes.
    """

    kind: DeviationKind
    subject: str
    what: str = ""
    standard: str = ""
    allowed_minutes: int | None = None
    measured_minutes: int | None = None

    @property
    def title(self) -> Message | str:
        """What it is about, as it is shown: the paper's own words, or those of the subject."""
        return self.what or LatenessBasis(self.subject).title

    @property
    def account_field(self) -> str:
        """The form field in which the executor accounts for it."""
        return account_field(self.kind, self.subject)

    def has_account(self, values: Mapping[str, object]) -> bool:
        """Whether ``values`` hold an account of it."""
        return not is_empty(values.get(self.account_field))

    @property
    def account_error(self) -> Message:
        """The sentence that asks for its account."""
        if self.kind is DeviationKind.TIME:
            return _(
                "This step has taken %(measured)s of working time; its standard is %(standard)s. Explain the delay.",
                measured=duration_message(self.measured_minutes or 0),
                standard=self.standard,
            )
        return _("Explain the deviation: “%(what)s”.", what=self.what)


def lateness_deviation(lateness: Lateness) -> DetectedDeviation:
    """Return the deviation that ``lateness`` is."""
    return DetectedDeviation(
        DeviationKind.TIME,
        lateness.subject,
        standard=lateness.standard,
        allowed_minutes=lateness.allowed_minutes,
        measured_minutes=lateness.measured_minutes,
    )


def account_field(kind: DeviationKind, subject: str) -> str:
    """Return the name of the field for the account: one for lateness, however it is measured; else one each."""
    return f"{ACCOUNT_PREFIX}{'time' if kind is DeviationKind.TIME else subject}"


def output_field(index: int) -> str:
    """Return the name of the field in which the executor says whether the step's output of this place is there."""
    return f"{OUTPUT_PREFIX}{index}"
