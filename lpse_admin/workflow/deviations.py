"""Deviations of a step from the SOP: in its equipment, its time or its output.

L's second warning: "Segala bentuk penyimpangan atas mutu baku terkait perlengkapan, waktu maupun output dikategorikan
sebagai bentuk kegagalan yang harus dipertanggung jawabkan oleh pelaksana." Whether an SOP has such a clause is a switch
(procedure.md, reading 13); without it a missing item is refused, and lateness is only shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.sop.durations import is_by_clock
from lpse_admin.workflow.record_fields import is_empty
from lpse_admin.worktime.step_timing import duration_message, round_up_to_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpse_admin.worktime.limits import Stretch

#: Prefixes of the form fields for the account of a deviation, and for the statement on an output.
ACCOUNT_PREFIX, OUTPUT_PREFIX = "account-", "output-"
#: The value of an output field if the output is missing or different.
OUTPUT_LACKING = "lacking"


class DeviationKind(LabelledEnum):
    """The class of a deviation, by L's warning."""

    EQUIPMENT = "equipment", _("Equipment")
    TIME = "time", _("Time")
    OUTPUT = "output", _("Output")


class Disposal(LabelledEnum):
    """The head's decision on a deviation and its account."""

    ACCEPTED = "accepted", _("Explanation accepted")
    FOLLOW_UP = "follow-up", _("Follow-up required")
    NOT_ACCEPTED = "not-accepted", _("Explanation not accepted")


class LatenessBasis(LabelledEnum):
    """Which time a lateness deviation measures."""

    ARRIVAL = "arrival", _("Time since the request arrived")
    HANDLING = "handling", _("Handling time")


@dataclass(frozen=True, slots=True)
class Lateness:
    """A step that took longer than its standard, measured by ``subject``, in working minutes."""

    subject: LatenessBasis
    standard: str
    allowed_minutes: int
    measured_minutes: int


@dataclass(frozen=True, slots=True)
class DetectedDeviation:
    """A deviation found on a step.

    ``subject`` identifies it within its step; ``what`` is the SOP's item or output (for time: its limit on a stretch of
    steps, empty for a step's own standard). Minutes are working minutes.
    """

    kind: DeviationKind
    subject: str
    what: str = ""
    standard: str = ""
    allowed_minutes: int | None = None
    measured_minutes: int | None = None

    @property
    def title(self) -> Message | str:
        """The SOP's text for the item or output, or the label of the lateness basis."""
        return self.what or LatenessBasis(self.subject).title

    @property
    def account_field(self) -> str:
        """The form field for its account."""
        return account_field(self.kind, self.subject)

    def has_account(self, values: Mapping[str, object]) -> bool:
        """Whether ``values`` contain an account of it."""
        return not is_empty(values.get(self.account_field))

    @property
    def by_clock(self) -> bool:
        """Whether its times are of the clock, and not working time."""
        return self.kind is DeviationKind.TIME and is_by_clock(self.standard)

    @property
    def account_error(self) -> Message:
        """The error if its account is missing."""
        if self.kind is DeviationKind.TIME:
            measured = duration_message(self.measured_minutes or 0, by_clock=self.by_clock)
            values: dict[str, object] = {"measured": measured, "standard": self.standard}
            if self.what:
                return _(
                    "“%(what)s” has taken %(measured)s; its limit is %(standard)s. Explain the delay.",
                    what=self.what,
                    **values,
                )
            if self.by_clock:
                return _("This step has taken %(measured)s; its standard is %(standard)s. Explain the delay.", **values)
            return _(
                "This step has taken %(measured)s of working time; its standard is %(standard)s. Explain the delay.",
                **values,
            )
        return _("Explain the deviation: “%(what)s”.", what=self.what)


def lateness_deviation(lateness: Lateness) -> DetectedDeviation:
    """Return ``lateness`` as a deviation."""
    return DetectedDeviation(
        DeviationKind.TIME,
        lateness.subject,
        standard=lateness.standard,
        allowed_minutes=lateness.allowed_minutes,
        measured_minutes=lateness.measured_minutes,
    )


def limit_deviation(stretch: Stretch) -> DetectedDeviation:
    """Return a stretch that took longer than its limit as a deviation."""
    return DetectedDeviation(
        DeviationKind.TIME,
        stretch.subject,
        what=stretch.limit.title,
        standard=stretch.limit.standard.text,
        allowed_minutes=round_up_to_minutes(stretch.allowed_time),
        measured_minutes=round_up_to_minutes(stretch.measured_time),
    )


def account_field(kind: DeviationKind, subject: str) -> str:
    """Return the form field for the account: the same for every lateness, else one for each subject."""
    return f"{ACCOUNT_PREFIX}{'time' if kind is DeviationKind.TIME else subject}"


def output_field(index: int) -> str:
    """Return the form field for the statement on the output at ``index``."""
    return f"{OUTPUT_PREFIX}{index}"
