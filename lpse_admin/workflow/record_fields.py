"""What each step writes down: the fields of its record, once for the form, the check behind it and the lists.

The papers name the records (form of change, result of the evaluation, result file, report, schedule, KIB);
what stands in them follows the project's specification of the change records. ``needed_for`` are the outcomes
that cannot be recorded while the field is empty; an outcome that is not among them leaves the field optional.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lpse_admin.i18n import Message, Word, _
from lpse_admin.sop.steps import NEEDS_REASON, OUTCOMES, Outcome, Step

if TYPE_CHECKING:
    from collections.abc import Mapping


class FieldKind(StrEnum):
    """How a value is typed in, stored and shown."""

    LINE = "line"
    TEXT = "text"
    MOMENT = "moment"
    DATE = "date"
    MINUTES = "minutes"
    CHOICE = "choice"
    CHANGE = "change"
    CASES = "cases"
    ASSETS = "assets"
    TOUCHED = "touched"
    MUTATIONS = "mutations"


class ChangeKind(Word):
    """What a request wants changed."""

    APPLICATION = "application", _("Application")
    INFRASTRUCTURE = "infrastructure", _("Infrastructure")
    SERVICE = "service", _("Service")
    ACCOUNT = "account", _("Account")


class ChangeSource(Word):
    """Where a request came from."""

    USER = "user", _("User's wish")
    INCIDENT = "incident", _("Incident")
    AUDIT = "audit", _("Finding of an audit")
    REGULATION = "regulation", _("Regulation")
    MAINTENANCE = "maintenance", _("Maintenance")
    VENDOR = "vendor", _("Notice from the maker")


class EmergencyGround(Word):
    """Why a change cannot wait (SOP page, silences 10; T's glossary 2)."""

    MAJOR_INCIDENT = "major-incident", _("Major incident")
    SECURITY = "security", _("Security")
    OTHER = "other", _("Other ground")


class Environment(Word):
    """Where a change is carried out or released."""

    PRODUCTION = "production", _("Production")
    STAGING = "staging", _("Staging")
    TRAINING = "training", _("Training")
    OFFICE = "office", _("Office")


class Risk(Word):
    """The manager's judgement of what may go wrong."""

    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record: its stored name, its label, how it is typed in and when it may not be empty."""

    key: str
    label: Message
    kind: FieldKind = FieldKind.LINE
    needed_for: frozenset[Outcome] = frozenset()
    choices: type[StrEnum] | None = None
    help: Message | None = None
    only_for: frozenset[Outcome] = frozenset()
    past_only: bool = False


def _all(step: Step) -> frozenset[Outcome]:
    return frozenset(OUTCOMES[step])


_ASKING = frozenset({Outcome.SUBMITTED, Outcome.RESUBMITTED})

#: What a request says. The same fields are asked for when it comes back as a new revision.
REQUEST_FIELDS: tuple[Field, ...] = (
    Field("title", _("Title"), needed_for=_ASKING, help=_("One line that tells this request from the others.")),
    Field("kind", _("Kind of change"), FieldKind.CHOICE, _ASKING, ChangeKind),
    Field("source", _("Source"), FieldKind.CHOICE, _ASKING, ChangeSource),
    Field("description", _("What is to be changed"), FieldKind.TEXT, _ASKING),
    Field("purpose", _("Purpose"), FieldKind.TEXT, _ASKING),
    Field("impact", _("Impact"), FieldKind.TEXT, _ASKING, help=_("Who and what is affected, and for how long.")),
    Field("risk_if_not_done", _("Risk if not done"), FieldKind.TEXT, _ASKING),
    Field("wanted_by", _("Wanted by"), FieldKind.DATE),
    Field("test_plan", _("Test plan"), FieldKind.TEXT, _ASKING),
    Field("rollback_plan", _("Roll back plan"), FieldKind.TEXT, _ASKING),
    Field("requester_name", _("Requester's name"), needed_for=_ASKING),
    Field("requester_contact", _("Requester's contact"), needed_for=_ASKING, help=_("Telephone or e-mail.")),
    Field("requester_institution", _("Requester's institution"), needed_for=_ASKING),
    Field("on_behalf_of", _("On behalf of"), help=_("Only for a request by proxy: whose request it is.")),
    Field("linked_change_id", _("Earlier request"), FieldKind.CHANGE, help=_("The request that this one follows.")),
)

#: How the fields of a request are grouped, on its form and on its page.
REQUEST_GROUPS: tuple[tuple[Message, tuple[str, ...]], ...] = (
    (_("What is asked for"), ("title", "kind", "source", "description", "wanted_by", "linked_change_id")),
    (_("Why, impact and risk"), ("purpose", "impact", "risk_if_not_done")),
    (_("Plans"), ("test_plan", "rollback_plan")),
    (_("Who asks, and for whom"), ("requester_name", "requester_contact", "requester_institution", "on_behalf_of")),
)

#: What each step's record says, in the order in which it is asked for.
RECORDS: Mapping[Step, tuple[Field, ...]] = {
    Step.REQUEST: REQUEST_FIELDS,
    Step.RETURNED: REQUEST_FIELDS,
    Step.EVALUATION: (
        Field("findings", _("Findings of the evaluation"), FieldKind.TEXT, _all(Step.EVALUATION)),
        Field("risk", _("Risk"), FieldKind.CHOICE, frozenset({Outcome.ACCEPTED}), Risk),
        Field(
            "answer_to_refusal",
            _("Answer to the refusal"),
            FieldKind.TEXT,
            help=_("Only after the head has refused: what has changed since."),
        ),
    ),
    Step.URGENCY: (
        Field(
            "ground", _("Ground of the emergency"), FieldKind.CHOICE, frozenset({Outcome.EMERGENCY}), EmergencyGround
        ),
        Field("assessment", _("Assessment"), FieldKind.TEXT, help=_("What was weighed in judging the urgency.")),
    ),
    Step.APPROVAL: (Field("considerations", _("Considerations"), FieldKind.TEXT),),
    Step.IMPLEMENTATION: (
        Field("environment", _("Environment"), FieldKind.CHOICE, _all(Step.IMPLEMENTATION), Environment),
        Field("steps_taken", _("Steps taken"), FieldKind.TEXT, _all(Step.IMPLEMENTATION)),
        Field("participants", _("Who took part"), FieldKind.TEXT, _all(Step.IMPLEMENTATION)),
        Field("claimed_start_at", _("Start (as stated)"), FieldKind.MOMENT, past_only=True),
        Field("claimed_end_at", _("End (as stated)"), FieldKind.MOMENT, past_only=True),
    ),
    Step.TEST: (
        Field("cases", _("Test cases"), FieldKind.CASES, _all(Step.TEST)),
        Field("documentation", _("Documentation of the result"), FieldKind.TEXT, _all(Step.TEST)),
    ),
    Step.ROLLBACK: (
        Field("cause", _("Cause"), FieldKind.TEXT, _all(Step.ROLLBACK)),
        Field("steps_taken", _("Steps taken"), FieldKind.TEXT, _all(Step.ROLLBACK)),
        Field("state_restored", _("State restored"), FieldKind.TEXT, _all(Step.ROLLBACK)),
        Field("verified_how", _("How that was verified"), FieldKind.TEXT, _all(Step.ROLLBACK)),
    ),
    Step.REPORT: (
        Field("summary", _("Summary of the report"), FieldKind.TEXT, _all(Step.REPORT)),
        Field("follow_up", _("Proposed follow-up"), FieldKind.TEXT),
    ),
    Step.VERIFICATION: (Field("notes", _("Result of the verification"), FieldKind.TEXT, _all(Step.VERIFICATION)),),
    Step.RELEASE: (
        Field("version", _("Version"), needed_for=frozenset({Outcome.SCHEDULED})),
        Field("window_start_at", _("Window from"), FieldKind.MOMENT, frozenset({Outcome.SCHEDULED})),
        Field("window_end_at", _("Window until"), FieldKind.MOMENT, frozenset({Outcome.SCHEDULED})),
        Field("environment", _("Environment"), FieldKind.CHOICE, frozenset({Outcome.SCHEDULED}), Environment),
        Field(
            "touched_assets",
            _("Assets that the release touches"),
            FieldKind.TOUCHED,
            only_for=frozenset({Outcome.SCHEDULED}),
        ),
        Field(
            "overlap_reason",
            _("Reason of the overlap"),
            FieldKind.TEXT,
            help=_(
                "Only where another release is planned at the same time, in the same environment or on the same asset."
            ),
        ),
        Field("downtime_minutes", _("Downtime (minutes)"), FieldKind.MINUTES, frozenset({Outcome.SCHEDULED})),
        Field("audience", _("Who is told"), FieldKind.TEXT, frozenset({Outcome.SCHEDULED})),
        Field("person_in_charge", _("Person in charge"), needed_for=frozenset({Outcome.SCHEDULED})),
        Field(
            "actual_at",
            _("Actual time of release"),
            FieldKind.MOMENT,
            past_only=True,
            help=_("For an emergency that is live already; otherwise it may be added later."),
        ),
    ),
    Step.ASSET_REVIEW: (
        Field("assessment", _("Result of the review"), FieldKind.TEXT, _all(Step.ASSET_REVIEW)),
        Field(
            "assets",
            _("Assets concerned"),
            FieldKind.ASSETS,
            frozenset({Outcome.CHANGED}),
            only_for=frozenset({Outcome.CHANGED}),
        ),
    ),
    Step.ASSET_UPDATE: (
        Field("mutations", _("Mutations"), FieldKind.MUTATIONS, _all(Step.ASSET_UPDATE)),
        Field("notes", _("Notes"), FieldKind.TEXT),
    ),
    Step.CLOSED: (),
}

#: Asked for by every step whose outcome needs one; kept with the move and not with the record.
REASON = Field("reason", _("Reason"), FieldKind.TEXT, frozenset(NEEDS_REASON))


def missing(step: Step, outcome: Outcome, values: Mapping[str, object]) -> dict[str, Message]:
    """Return a sentence for each field that ``outcome`` of ``step`` needs and ``values`` leaves empty.

    ``values`` holds the record's fields and ``reason`` by key; None, blank text and an empty list are empty.
    """
    asked = (*RECORDS[step], REASON)
    return {
        field.key: _("“%(field)s” is required here.", field=field.label)
        for field in asked
        if outcome in field.needed_for and is_empty(values.get(field.key))
    }


def unwanted(step: Step, outcome: Outcome, values: Mapping[str, object]) -> dict[str, Message]:
    """Return a sentence for each field that is filled in ``values`` and would belie ``outcome`` of ``step``."""
    return {
        field.key: _("“%(field)s” does not go with “%(outcome)s”.", field=field.label, outcome=outcome.title)
        for field in RECORDS[step]
        if field.only_for and outcome not in field.only_for and not is_empty(values.get(field.key))
    }


def is_empty(value: object) -> bool:
    """Whether nothing was typed in: None, blank text or an empty list."""
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], ())
