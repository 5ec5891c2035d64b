"""Deviations from what a paper lays down for a step: its equipment, its time, its output.

L's second warning: "Segala bentuk penyimpangan atas mutu baku terkait perlengkapan, waktu maupun output dikategorikan
sebagai bentuk kegagalan yang harus dipertanggung jawabkan oleh pelaksana." Whether a paper has such a clause is its
switch (SOP page, silences 13); without it what is missing is refused, and lateness is shown and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, Word, _
from lpse_admin.workflow.record_fields import is_empty
from lpse_admin.worktime.step_timing import hours_and_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Names of the form fields that an account, and a statement on an output, are typed into.
ACCOUNT, OUTPUT = "account-", "output-"
#: What the executor says of an output that is not as the paper wants it.
LACKING = "lacking"


class DeviationKind(Word):
    """What of the standard was not kept: the three classes of L's warning."""

    EQUIPMENT = "equipment", _("Equipment")
    TIME = "time", _("Time")
    OUTPUT = "output", _("Output")


class Disposal(Word):
    """What the head makes of a deviation and its account."""

    ACCEPTED = "accepted", _("Account accepted")
    FOLLOW_UP = "follow-up", _("To be followed up")
    NOT_ACCEPTED = "not-accepted", _("Account not accepted")


class Subject(Word):
    """What a deviation in time is measured by."""

    ARRIVAL = "arrival", _("Time since the request arrived")
    HANDLING = "handling", _("Time of handling")


@dataclass(frozen=True, slots=True)
class Lateness:
    """A step that took longer than its standard: judged from ``subject``, in working minutes."""

    subject: Subject
    standard: str
    allowed: int
    measured: int


@dataclass(frozen=True, slots=True)
class Found:
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
        return self.what or Subject(self.subject).title

    @property
    def account_field(self) -> str:
        """The form field in which the executor accounts for it."""
        return account_field(self.kind, self.subject)

    def is_accounted(self, values: Mapping[str, object]) -> bool:
        """Whether ``values`` hold an account of it."""
        return not is_empty(values.get(self.account_field))

    @property
    def demand(self) -> Message:
        """The sentence that asks for its account."""
        if self.kind is DeviationKind.TIME:
            return _(
                "This step has taken %(measured)s of working time, its standard is %(standard)s: explain the delay.",
                measured=hours_and_minutes(self.measured_minutes or 0),
                standard=self.standard,
            )
        return _("Account for the deviation: “%(what)s”.", what=self.what)


def late(lateness: Lateness) -> Found:
    """Return the deviation that ``lateness`` is."""
    return Found(
        DeviationKind.TIME,
        lateness.subject,
        standard=lateness.standard,
        allowed_minutes=lateness.allowed,
        measured_minutes=lateness.measured,
    )


def account_field(kind: DeviationKind, subject: str) -> str:
    """Return the name of the field for the account: one for lateness, however it is measured; else one each."""
    return f"{ACCOUNT}{'time' if kind is DeviationKind.TIME else subject}"


def output_field(place: int) -> str:
    """Return the name of the field in which the executor says whether the step's output of this place is there."""
    return f"{OUTPUT}{place}"
