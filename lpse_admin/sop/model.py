"""The dataclasses of an SOP, and the errors of an SOP file."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import LabelledEnum, Message, _, own_words
from lpse_admin.sop.steps import NEEDS_REASON, Outcome, Step

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from lpse_admin.sop.fields import SopField

#: Which time is compared with the standard (procedure.md, reading 12).
TimingBasis = Literal["handling", "arrival"]


class ItemKind(LabelledEnum):
    """How a required item is proved to be available."""

    DOCUMENT = "document", _("Document to attach")
    RECORD = "record", _("Record in this program")
    EQUIPMENT = "equipment", _("Equipment available")


class RequirementCondition(LabelledEnum):
    """When an item is required, if not always (procedure.md, reading 11)."""

    BY_PROXY = "by-proxy", _("only for a request by proxy")
    ACCOUNT = "account", _("only for a change of an account")
    EMERGENCY = "emergency", _("only for an emergency")


class RowKind(StrEnum):
    """The kind of a table row that is not a step."""

    START = "start"
    END = "end"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class RequiredItem:
    """An item that a step requires; ``record_step`` is the step whose record it is."""

    kind: ItemKind
    key: str
    label: str
    record_step: Step | None = None
    condition: RequirementCondition | None = None


@dataclass(frozen=True, slots=True)
class StandardTime:
    """A standard time: the SOP's text, its total in working minutes, and the whole working days in it.

    With ``by_clock`` the minutes are those of the clock, day and night: "24 jam kalender".
    """

    text: str
    minutes: int
    days: int = 0
    by_clock: bool = False


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """A limit on the time of a stretch of steps, from the arrival at ``first`` until ``last`` is finished.

    Without ``first`` it begins when a request is submitted, without ``last`` it ends when the request is closed.
    """

    title: str
    standard: StandardTime
    first: Step | None = None
    last: Step | None = None


@dataclass(frozen=True, slots=True)
class SopActor:
    """An actor with the SOP's title for it, and the matching role."""

    key: str
    title: str
    role: Role


@dataclass(frozen=True, slots=True)
class ExtraRow:
    """A row of the SOP's table that is not a step: 'Mulai', 'Selesai', or work done outside the program.

    ``actor_key`` and the fields after it are the SOP's own texts; they are shown and not checked.
    """

    no: int | None
    text: str
    kind: RowKind
    actor_key: str = ""
    time: str = ""
    requires: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    remarks: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """Whose consent a step needs besides its actor's decision: of so many people of an actor.

    ``number`` is None for everybody who is appointed to it. Whoever finishes the step counts for their own actor.
    """

    actor: Role
    actor_key: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class StepRule:
    """One step as the SOP defines it.

    ``leads_to`` has the effective targets (switches applied), ``declared_outcomes`` those of the file. ``title`` is
    what the SOP calls the step, empty where it has no word of its own; ``reason_for`` are outcomes that it wants a
    reason for besides those that always need one. A waiting step ends after ``lasts``, or on the day that the field
    ``lasts_until`` says. Nobody takes the step and one of ``apart_from`` on one request.
    """

    step: Step
    no: int | None
    activity: str
    actor: Role
    actor_key: str
    standard: StandardTime | None
    requires: tuple[RequiredItem, ...]
    outputs: tuple[str, ...]
    leads_to: Mapping[Outcome, Step] = field(hash=False)
    remarks: str = ""
    flow_labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    declared_outcomes: Mapping[Outcome, Step] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    fields: tuple[SopField, ...] = ()
    title: str = ""
    reason_for: tuple[Outcome, ...] = ()
    lasts: StandardTime | None = None
    lasts_until: str = ""
    apart_from: tuple[Step, ...] = ()
    consents: tuple[ConsentRule, ...] = ()

    def needs_reason(self, outcome: Outcome) -> bool:
        """Whether ``outcome`` of this step is to have a reason."""
        return outcome in NEEDS_REASON or outcome in self.reason_for


@dataclass(frozen=True, slots=True)
class Move:
    """A move: from a step, by an outcome, to a step."""

    origin: Step
    outcome: Outcome
    target: Step


@dataclass(frozen=True, slots=True)
class SopAgency:
    """The agency that owns the SOP; its demo user names end in ``account_suffix``."""

    key: str
    name: str
    region: str
    province: str = ""
    hierarchy: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    account_suffix: str = ""


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signed the SOP; ``nip`` is 18 digits without spaces."""

    name: str
    nip: str
    office: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Switches:
    """Options that the original SOPs leave open; each office sets them in its own SOP."""

    head_approves_every_change: bool = False
    verification_may_return_report: bool = False
    deviations: bool = False
    timing_basis: TimingBasis = "handling"


@dataclass(frozen=True, slots=True)
class GlossaryTerm:
    """A glossary entry; ``term`` and ``text`` joined by a space are the SOP's sentence."""

    term: str
    text: str


@dataclass(frozen=True, slots=True)
class Sop:
    """A complete SOP. ``rules`` are in the SOP's order; number and dates are None where it gives none.

    ``without_verification`` is why a change may end without one, empty if it may not.
    """

    key: str
    number: str | None
    title: str
    agency: SopAgency
    time_zone: str
    made: dt.date | None
    revised: dt.date | None
    approved: dt.date | None
    signatory: Signatory
    actors: tuple[SopActor, ...]
    rules: Mapping[Step, StepRule] = field(hash=False)
    switches: Switches = field(default_factory=Switches)
    header: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    table_title: str = ""
    legal_basis: tuple[str, ...] = ()
    qualifications: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    equipment: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    record_keeping: tuple[str, ...] = ()
    glossary: tuple[GlossaryTerm, ...] = ()
    rows: tuple[ExtraRow, ...] = ()
    without_verification: str = ""
    limits: tuple[TimeLimit, ...] = ()

    @property
    def first_step(self) -> Step:
        """The step in which every request starts."""
        return Step.REQUEST

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of this SOP, in its order, without CLOSED."""
        return tuple(self.rules)

    @property
    def moves(self) -> tuple[Move, ...]:
        """All moves, switches applied, in the SOP's order."""
        return tuple(
            Move(step, outcome, target)
            for step, rule in self.rules.items()
            for outcome, target in rule.leads_to.items()
        )

    @property
    def table_rows(self) -> tuple[StepRule | ExtraRow, ...]:
        """The rows of the SOP's table: its steps in order, with the extra rows inserted."""
        rows: list[StepRule | ExtraRow] = list(self.rules.values())
        for row in self.rows:
            rows.insert(self._row_index(row, rows), row)
        return tuple(rows)

    @staticmethod
    def _row_index(row: ExtraRow, rows: list[StepRule | ExtraRow]) -> int:
        """Return the index for ``row``: start first, end last, a note before the next higher number."""
        if row.kind is RowKind.START:
            return 0
        if row.kind is RowKind.NOTE:
            for index, other in enumerate(rows):
                is_end = isinstance(other, ExtraRow) and other.kind is RowKind.END
                if is_end or (row.no is not None and other.no is not None and other.no > row.no):
                    return index
        return len(rows)

    def reachable_steps(self, step: Step) -> frozenset[Step]:
        """Return ``step`` and every step that a request can reach from it."""
        reached: set[Step] = set()
        pending = [step]
        while pending:
            current = pending.pop()
            if current not in reached:
                reached.add(current)
                pending += self.rules[current].leads_to.values() if current in self.rules else ()
        return frozenset(reached)

    def fields_of(self, step: Step) -> tuple[SopField, ...]:
        """Return the fields that this SOP asks for in ``step``; an answer to a return has those of the request."""
        rule = self.rules.get(Step.REQUEST if step is Step.RETURNED else step)
        return rule.fields if rule else ()

    def steps_of(self, kind: Step) -> tuple[Step, ...]:
        """Return the steps of this kind, in the SOP's order."""
        return tuple(step for step in self.rules if step.kind is kind)

    def steps_apart_from(self, step: Step) -> tuple[Step, ...]:
        """Return the steps of which this SOP says that nobody takes them and ``step`` on one request.

        They come besides the parts that always check each other (``CONFLICTING_DUTIES``).
        """
        rule = self.rules.get(step)
        own = rule.apart_from if rule is not None else ()
        return tuple(other for other, its in self.rules.items() if other in own or step in its.apart_from)

    @property
    def narrows_actors(self) -> bool:
        """Whether it keeps steps apart, or asks others for their consent."""
        return any(rule.apart_from or rule.consents for rule in self.rules.values())

    @property
    def asks_for_consent(self) -> bool:
        """Whether a step needs the consent of others than its actor."""
        return any(rule.consents for rule in self.rules.values())

    def step_title(self, step: Step) -> Message:
        """Return what the SOP calls ``step``."""
        rule = self.rules.get(step)
        return own_words(rule.title) if rule is not None and rule.title else step.title

    def rule(self, step: Step) -> StepRule:
        """Return the rule of ``step``; raises KeyError if the SOP leaves the step out."""
        return self.rules[step]

    @property
    def head_title(self) -> str:
        """What the SOP calls the head, all of them if it has several columns; empty if it has none."""
        return " atau ".join(self.titles_of(Role.HEAD))

    def titles_of(self, role: Role) -> tuple[str, ...]:
        """Return the titles of the columns with this role."""
        return tuple(actor.title for actor in self.actors if actor.role is role)

    def title_of_key(self, actor_key: str) -> str:
        """Return the title of the actor with this key; the key itself where this SOP has none."""
        return next((actor.title for actor in self.actors if actor.key == actor_key), actor_key)

    def actor_title(self, role_or_step: Role | Step) -> str | Message:
        """Return the SOP's title for the actor of a step or of a role; a role without an actor has its own title."""
        if isinstance(role_or_step, Step):
            return self.title_of_key(self.rules[role_or_step].actor_key)
        return next((actor.title for actor in self.actors if actor.role is role_or_step), role_or_step.title)


@dataclass(frozen=True, slots=True)
class LineError:
    """An error in a file, with its line and the path of the value that it is about."""

    line: int
    message: Message
    path: tuple[str | int, ...] = field(default=(), compare=False)

    @property
    def full_message(self) -> Message:
        """The message with the line number."""
        return _("line %(line)s: %(error)s", line=self.line, error=self.message)

    def __str__(self) -> str:
        """Return the sentence in English."""
        return str(self.full_message)


class InvalidSopError(Exception):
    """A file that is not a valid SOP; ``errors`` has all errors, by line."""

    def __init__(self, errors: tuple[LineError, ...]) -> None:
        """Store the errors."""
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors
