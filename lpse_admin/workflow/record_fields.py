"""The fields of each step's record, for its form, its validation and the lists.

The SOPs name the records (form of change, result of the evaluation, result file, report, schedule, KIB); their fields
follow the project's specification of the change records. A field is required for the outcomes in ``required_for``, and
optional for the others. Behind them come the fields that the SOP itself asks for (``lpse_admin.sop.fields``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, Message, _, own_words
from lpse_admin.parsing.blank import is_blank
from lpse_admin.sop.fields import NO, YES
from lpse_admin.sop.steps import NEEDS_REASON, OUTCOMES, OWN_KINDS, Outcome, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lpse_admin.sop import Sop, StepRule
    from lpse_admin.sop.fields import FieldCondition, SopField


class FieldKind(StrEnum):
    """How a field is entered, stored and shown."""

    SINGLE_LINE = "line"
    MULTI_LINE = "text"
    DATETIME = "moment"
    DATE = "date"
    MINUTES = "minutes"
    CHOICE = "choice"
    CHOICES = "choices"
    LINKED_CHANGE = "change"
    TEST_CASES = "cases"
    ASSETS = "assets"
    TOUCHED_ASSETS = "touched"
    MUTATIONS = "mutations"
    # Only in fields that an SOP asks for; with the first four, they are named as there.
    NUMBER = "number"
    MONEY = "money"
    DURATION = "duration"
    YES_NO = "yes-no"
    ONE_OF = "one-of"
    SEVERAL_OF = "several-of"
    USER = "user"
    ASSET = "asset"
    REQUEST = "request"
    ROWS = "rows"


class ChangeKind(LabelledEnum):
    """What a request changes."""

    APPLICATION = "application", _("Application")
    INFRASTRUCTURE = "infrastructure", _("Infrastructure")
    SERVICE = "service", _("Service")
    ACCOUNT = "account", _("Account")


class ChangeSource(LabelledEnum):
    """The source of a request."""

    USER = "user", _("User request")
    INCIDENT = "incident", _("Incident")
    AUDIT = "audit", _("Audit finding")
    REGULATION = "regulation", _("Regulation")
    MAINTENANCE = "maintenance", _("Maintenance")
    VENDOR = "vendor", _("Vendor notice")


class EmergencyGround(LabelledEnum):
    """Why a change is an emergency (procedure.md, reading 10; T's glossary 2)."""

    MAJOR_INCIDENT = "major-incident", _("Major incident")
    SECURITY = "security", _("Security")
    OTHER = "other", _("Other grounds")


class Environment(LabelledEnum):
    """The environment in which a change is implemented or released."""

    PRODUCTION = "production", _("Production")
    STAGING = "staging", _("Staging")
    TRAINING = "training", _("Training")
    OFFICE = "office", _("Office")


class Risk(LabelledEnum):
    """The change manager's assessment of the risk."""

    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")


@dataclass(frozen=True, slots=True)
class RecordField:
    """A field of a record: its column, its label, its kind, and the outcomes that require it."""

    key: str
    label: Message
    kind: FieldKind = FieldKind.SINGLE_LINE
    required_for: frozenset[Outcome] = frozenset()
    choices: type[LabelledEnum] | None = None
    help: Message | None = None
    only_for: frozenset[Outcome] = frozenset()
    must_be_past: bool = False
    #: A past time that may be before the request; ``is_before_request``: that must be.
    may_precede_request: bool = False
    is_before_request: bool = False
    #: Of a field that the SOP asks for: the words of its list, the headings of its rows, and when it is asked for.
    options: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    when: FieldCondition | None = None
    is_of_sop: bool = False


def _all_outcomes(step: Step) -> frozenset[Outcome]:
    return frozenset(OUTCOMES[step])


_SUBMISSIONS = frozenset({Outcome.SUBMITTED, Outcome.RESUBMITTED})
_ACCEPTANCE = frozenset({Outcome.ACCEPTED})
_SCHEDULED = frozenset({Outcome.SCHEDULED})
_RESOURCES_HELP = _("People, equipment, budget and time that the change takes.")
_DONE_BEFORE_HELP = _("Only for urgent work that had to be done before it could be requested.")

#: The fields of a request; a resubmission has the same.
REQUEST_FIELDS: tuple[RecordField, ...] = (
    RecordField(
        "title",
        _("Title"),
        required_for=_SUBMISSIONS,
        help=_("One line that distinguishes this request from the others."),
    ),
    RecordField("description", _("What is to be changed"), FieldKind.MULTI_LINE, _SUBMISSIONS),
    RecordField("purpose", _("Why it is needed"), FieldKind.MULTI_LINE, _SUBMISSIONS),
    RecordField("wanted_by", _("Requested date"), FieldKind.DATE),
    RecordField("kind", _("Type of change"), FieldKind.CHOICES, choices=ChangeKind),
    RecordField("source", _("Source"), FieldKind.CHOICE, choices=ChangeSource),
    RecordField("impact", _("Impact"), FieldKind.MULTI_LINE, help=_("Who and what is affected, and for how long.")),
    RecordField("risk_if_not_done", _("Risk of not changing"), FieldKind.MULTI_LINE),
    RecordField("resources", _("Resources needed"), FieldKind.MULTI_LINE, help=_RESOURCES_HELP),
    RecordField("test_plan", _("Test plan"), FieldKind.MULTI_LINE),
    RecordField("rollback_plan", _("Roll back plan"), FieldKind.MULTI_LINE),
    RecordField(
        "incident_at",
        _("Incident occurred at (as stated)"),
        FieldKind.DATETIME,
        help=_("Only for an incident: when it was, as far as known."),
        must_be_past=True,
        may_precede_request=True,
    ),
    RecordField(
        "done_before_at",
        _("Work done at, before the request (as stated)"),
        FieldKind.DATETIME,
        help=_DONE_BEFORE_HELP,
        must_be_past=True,
        may_precede_request=True,
        is_before_request=True,
    ),
    RecordField("requester_name", _("Requester's name"), required_for=_SUBMISSIONS),
    RecordField(
        "requester_contact", _("Requester's contact"), required_for=_SUBMISSIONS, help=_("Telephone or e-mail.")
    ),
    RecordField("requester_institution", _("Requester's institution"), required_for=_SUBMISSIONS),
    RecordField("on_behalf_of", _("On behalf of"), help=_("Only for a request by proxy: whose request it is.")),
    RecordField(
        "linked_change_id", _("Earlier request"), FieldKind.LINKED_CHANGE, help=_("The request that this one follows.")
    ),
)

#: The groups of a request's fields, on its form and on its page.
REQUEST_FIELDSETS: tuple[tuple[Message, tuple[str, ...]], ...] = (
    (_("Requester and beneficiary"), ("requester_name", "requester_contact", "requester_institution", "on_behalf_of")),
    (_("Requested change"), ("title", "description", "purpose", "wanted_by")),
    (_("Further particulars"), ("kind", "source", "impact", "risk_if_not_done", "resources")),
    (_("Plans"), ("test_plan", "rollback_plan")),
    (_("Earlier events"), ("incident_at", "done_before_at", "linked_change_id")),
)

#: The fields of each step's record, in the order of the form.
RECORD_FIELDS: Mapping[Step, tuple[RecordField, ...]] = {
    Step.REQUEST: REQUEST_FIELDS,
    Step.RETURNED: REQUEST_FIELDS,
    Step.EVALUATION: (
        RecordField("findings", _("Evaluation findings"), FieldKind.MULTI_LINE, _all_outcomes(Step.EVALUATION)),
        RecordField("kind", _("Type of change"), FieldKind.CHOICES, _ACCEPTANCE, ChangeKind),
        RecordField("risk", _("Risk"), FieldKind.CHOICE, _ACCEPTANCE, Risk),
        RecordField("impact", _("Impact"), FieldKind.MULTI_LINE, _ACCEPTANCE),
        RecordField("resources", _("Resources needed"), FieldKind.MULTI_LINE, _ACCEPTANCE, help=_RESOURCES_HELP),
        RecordField("test_plan", _("Test plan"), FieldKind.MULTI_LINE, _ACCEPTANCE),
        RecordField("rollback_plan", _("Roll back plan"), FieldKind.MULTI_LINE, _ACCEPTANCE),
        RecordField(
            "answer_to_refusal",
            _("Response to the refusal"),
            FieldKind.MULTI_LINE,
            help=_("Only after the head has refused: what has changed since."),
        ),
    ),
    Step.URGENCY: (
        RecordField(
            "ground",
            _("Grounds for the emergency"),
            FieldKind.CHOICE,
            frozenset({Outcome.EMERGENCY}),
            EmergencyGround,
            only_for=frozenset({Outcome.EMERGENCY}),
        ),
        RecordField(
            "assessment", _("Assessment"), FieldKind.MULTI_LINE, help=_("What was considered in assessing the urgency.")
        ),
    ),
    Step.APPROVAL: (RecordField("considerations", _("Considerations"), FieldKind.MULTI_LINE),),
    Step.IMPLEMENTATION: (
        RecordField("environment", _("Environment"), FieldKind.CHOICE, _all_outcomes(Step.IMPLEMENTATION), Environment),
        RecordField("steps_taken", _("Steps taken"), FieldKind.MULTI_LINE, _all_outcomes(Step.IMPLEMENTATION)),
        RecordField("participants", _("Participants"), FieldKind.MULTI_LINE, _all_outcomes(Step.IMPLEMENTATION)),
        RecordField("claimed_start_at", _("Start (as stated)"), FieldKind.DATETIME, must_be_past=True),
        RecordField("claimed_end_at", _("End (as stated)"), FieldKind.DATETIME, must_be_past=True),
        RecordField(
            "done_before_at",
            _("Work done at, before the request (as stated)"),
            FieldKind.DATETIME,
            help=_DONE_BEFORE_HELP,
            must_be_past=True,
            may_precede_request=True,
            is_before_request=True,
        ),
    ),
    Step.TEST: (
        RecordField("cases", _("Test cases"), FieldKind.TEST_CASES, _all_outcomes(Step.TEST)),
        RecordField("documentation", _("Documentation of the result"), FieldKind.MULTI_LINE, _all_outcomes(Step.TEST)),
    ),
    Step.ROLLBACK: (
        RecordField("cause", _("Cause"), FieldKind.MULTI_LINE, _all_outcomes(Step.ROLLBACK)),
        RecordField("steps_taken", _("Steps taken"), FieldKind.MULTI_LINE, _all_outcomes(Step.ROLLBACK)),
        RecordField("state_restored", _("State restored"), FieldKind.MULTI_LINE, _all_outcomes(Step.ROLLBACK)),
        RecordField(
            "verified_how", _("How the restoration was verified"), FieldKind.MULTI_LINE, _all_outcomes(Step.ROLLBACK)
        ),
    ),
    Step.REPORT: (
        RecordField("summary", _("Summary of the report"), FieldKind.MULTI_LINE, _all_outcomes(Step.REPORT)),
        RecordField("follow_up", _("Proposed follow-up"), FieldKind.MULTI_LINE),
    ),
    Step.VERIFICATION: (
        RecordField("notes", _("Verification result"), FieldKind.MULTI_LINE, _all_outcomes(Step.VERIFICATION)),
    ),
    Step.RELEASE: (
        RecordField("version", _("Version"), required_for=_SCHEDULED, only_for=_SCHEDULED),
        RecordField("window_start_at", _("Window start"), FieldKind.DATETIME, _SCHEDULED, only_for=_SCHEDULED),
        RecordField("window_end_at", _("Window end"), FieldKind.DATETIME, _SCHEDULED, only_for=_SCHEDULED),
        RecordField("environment", _("Environment"), FieldKind.CHOICE, _SCHEDULED, Environment, only_for=_SCHEDULED),
        RecordField(
            "touched_assets", _("Assets affected by the release"), FieldKind.TOUCHED_ASSETS, only_for=_SCHEDULED
        ),
        RecordField(
            "overlap_reason",
            _("Reason for the overlap"),
            FieldKind.MULTI_LINE,
            help=_(
                "Only where another release is planned at the same time, in the same environment or on the same asset."
            ),
            only_for=_SCHEDULED,
        ),
        RecordField("downtime_minutes", _("Downtime (minutes)"), FieldKind.MINUTES, _SCHEDULED, only_for=_SCHEDULED),
        RecordField("audience", _("Notified parties"), FieldKind.MULTI_LINE, _SCHEDULED, only_for=_SCHEDULED),
        RecordField("person_in_charge", _("Person in charge"), required_for=_SCHEDULED, only_for=_SCHEDULED),
        RecordField(
            "actual_at",
            _("Actual release time"),
            FieldKind.DATETIME,
            must_be_past=True,
            help=_("For an emergency that is already live; otherwise it can be added later."),
            only_for=_SCHEDULED,
        ),
    ),
    Step.ASSET_REVIEW: (
        RecordField("assessment", _("Review result"), FieldKind.MULTI_LINE, _all_outcomes(Step.ASSET_REVIEW)),
        RecordField(
            "assets",
            _("Assets concerned"),
            FieldKind.ASSETS,
            frozenset({Outcome.CHANGED}),
            only_for=frozenset({Outcome.CHANGED}),
        ),
    ),
    Step.ASSET_UPDATE: (
        RecordField("mutations", _("Mutations"), FieldKind.MUTATIONS, _all_outcomes(Step.ASSET_UPDATE)),
        RecordField("notes", _("Notes"), FieldKind.MULTI_LINE),
    ),
    Step.CLOSED: (),
    **dict.fromkeys(OWN_KINDS, (RecordField("notes", _("Notes"), FieldKind.MULTI_LINE),)),
}


def fields_of_step(step: Step) -> tuple[RecordField, ...]:
    """Return the fields that every record of the kind of ``step`` has."""
    return RECORD_FIELDS[step.kind]


#: What the requester may say and the evaluation has to: an empty field of an evaluation is as in the request.
EVALUATED_FIELDS = ("kind", "impact", "resources", "test_plan", "rollback_plan")

#: The reason of an outcome; it is stored with the activity and not with the record.
REASON_FIELD = RecordField("reason", _("Reason"), FieldKind.MULTI_LINE, frozenset(NEEDS_REASON))


def reason_field(rule: StepRule) -> RecordField | None:
    """Return the reason as a field of the step of ``rule``, or None if none of its outcomes is to have one."""
    outcomes = frozenset(outcome for outcome in rule.leads_to if rule.needs_reason(outcome))
    return replace(REASON_FIELD, required_for=outcomes) if outcomes else None


#: Before the key of a field that an SOP asks for, in forms, records and addresses.
SOP_FIELD_PREFIX = "field-"


def sop_field(field: SopField) -> RecordField:
    """Return a field that an SOP asks for as a field of a record."""
    return RecordField(
        SOP_FIELD_PREFIX + field.key,
        own_words(field.label),
        FieldKind(field.kind.value),
        frozenset(field.required_for),
        help=own_words(field.help) if field.help else None,
        only_for=frozenset(field.only_for),
        options=field.choices,
        columns=field.columns,
        when=field.when,
        is_of_sop=True,
    )


def sop_fields(sop: Sop, step: Step) -> tuple[RecordField, ...]:
    """Return the fields that ``sop`` asks for in ``step``."""
    return tuple(map(sop_field, sop.fields_of(step)))


def record_fields(sop: Sop, step: Step) -> tuple[RecordField, ...]:
    """Return the fields of the record of ``step`` under ``sop``, those that it asks for itself last."""
    return (*fields_of_step(step), *sop_fields(sop, step))


def missing_fields(fields: Iterable[RecordField], outcome: Outcome, values: Mapping[str, object]) -> dict[str, Message]:
    """Return an error for each of ``fields`` that ``outcome`` requires, that is asked for, and is empty in ``values``.

    ``values`` has the record's fields and ``reason`` by key.
    """
    declared = (*fields, REASON_FIELD)
    not_asked_for = set(fields_not_asked_for(declared, values))
    return {
        field.key: _("“%(field)s” is required here.", field=field.label)
        for field in declared
        if outcome in field.required_for and field.key not in not_asked_for and is_empty(values.get(field.key))
    }


def is_asked_for(field: RecordField, values: Mapping[str, object]) -> bool:
    """Whether the condition of ``field`` is fulfilled by ``values``; a field without one always is asked for."""
    if field.when is None:
        return True
    value = values.get(SOP_FIELD_PREFIX + field.when.key)
    words = value if isinstance(value, tuple) else (YES if value is True else NO if value is False else value,)
    return any(word in field.when.values for word in words)


def fields_not_asked_for(fields: Iterable[RecordField], values: Mapping[str, object]) -> Iterator[str]:
    """Yield the keys of the fields whose condition ``values`` does not fulfil; a condition may rest on another."""
    known = dict(values)
    for field in fields:
        if not is_asked_for(field, known):
            known[field.key] = None
            yield field.key


def forbidden_fields(
    fields: Iterable[RecordField], outcome: Outcome, values: Mapping[str, object]
) -> dict[str, Message]:
    """Return an error for each list of rows in ``values`` that does not belong to ``outcome``.

    Single values that do not belong to it are left out of the record (``unrelated_fields``).
    """
    return {
        field.key: _("“%(field)s” cannot be used with “%(outcome)s”.", field=field.label, outcome=outcome.title)
        for field in fields
        if _is_unrelated(field, outcome) and field.kind in ROW_KINDS and not is_empty(values.get(field.key))
    }


def unrelated_fields(fields: Iterable[RecordField], outcome: Outcome) -> frozenset[str]:
    """Return the keys of the single values that a record that ends in ``outcome`` does not keep."""
    return frozenset(field.key for field in fields if _is_unrelated(field, outcome) and field.kind not in ROW_KINDS)


def _is_unrelated(field: RecordField, outcome: Outcome) -> bool:
    return bool(field.only_for) and outcome not in field.only_for


#: Fields that consist of rows.
ROW_KINDS = frozenset(
    {FieldKind.TEST_CASES, FieldKind.ASSETS, FieldKind.TOUCHED_ASSETS, FieldKind.MUTATIONS, FieldKind.ROWS}
)


def is_empty(value: object) -> bool:
    """Whether ``value`` is None, blank text or an empty list."""
    return value is None or (isinstance(value, str) and is_blank(value)) or value in ([], ())
