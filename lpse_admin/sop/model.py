"""What a paper SOP says, as plain data: read by ``sop_read``, proved by ``sop_proof``, shown by ``sop_print``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.sop.steps import Outcome, Step

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from lpse_admin.accounts.roles import Role

#: Which of the two times the standard judges (procedure.md, reading 12).
TimingBasis = Literal["handling", "arrival"]


class ItemKind(LabelledEnum):
    """How something that must be at hand is shown to be there."""

    DOCUMENT = "document", _("Document to attach")
    RECORD = "record", _("Record in this program")
    EQUIPMENT = "equipment", _("Equipment available")


class RequirementCondition(LabelledEnum):
    """When an item is asked for, if not always (procedure.md, reading 11)."""

    BY_PROXY = "by-proxy", _("only for a request by proxy")
    ACCOUNT = "account", _("only for a change of an account")
    EMERGENCY = "emergency", _("only for an emergency")


class RowKind(StrEnum):
    """What a row of the paper's table is when it is no step."""

    START = "start"
    END = "end"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class RequiredItem:
    """One thing that must be at hand; ``of`` is the step whose record it is."""

    kind: ItemKind
    key: str
    label: str
    record_step: Step | None = None
    condition: RequirementCondition | None = None


@dataclass(frozen=True, slots=True)
class StandardTime:
    """A standard time: the paper's words, all of it in working minutes, and the whole working days in it."""

    text: str
    minutes: int
    days: int = 0


@dataclass(frozen=True, slots=True)
class SopActor:
    """An actor as the paper calls it, and the role that stands for it here."""

    key: str
    title: str
    role: Role


@dataclass(frozen=True, slots=True)
class ExtraRow:
    """A row of the paper's table that is no step: 'Mulai', 'Selesai', or what is done outside of the program.

    ``actor_key`` and what follows is what the paper says of such a row, in its own words: shown and judged by nobody.
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
class StepRule:
    """One step as the paper lays it down.

    ``leads_to`` is what counts (switches applied); ``written`` is what the file says.
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


@dataclass(frozen=True, slots=True)
class Move:
    """From a step, by an outcome, to a step."""

    origin: Step
    outcome: Outcome
    target: Step


@dataclass(frozen=True, slots=True)
class SopAgency:
    """Whose paper it is; ``account_suffix`` is what the names of its demo accounts end in."""

    key: str
    name: str
    region: str
    province: str = ""
    hierarchy: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    account_suffix: str = ""


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signed the paper; ``nip`` is 18 digits without spaces."""

    name: str
    nip: str
    office: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Switches:
    """What the papers leave open and an office decides for its own SOP."""

    head_approves_every_change: bool = False
    verification_may_return_report: bool = False
    deviations: bool = False
    timing_basis: TimingBasis = "handling"


@dataclass(frozen=True, slots=True)
class GlossaryTerm:
    """A word of the paper's glossary; term and text, read in one, are the paper's sentence."""

    term: str
    text: str


@dataclass(frozen=True, slots=True)
class Sop:
    """A whole paper. ``rules`` stand in the paper's order; dates and number are None where it gives none."""

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

    @property
    def first_step(self) -> Step:
        """Where every request begins."""
        return Step.REQUEST

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of this paper, in its order, without the end."""
        return tuple(self.rules)

    @property
    def moves(self) -> tuple[Move, ...]:
        """Every move there is, switches applied, in the paper's order."""
        return tuple(
            Move(step, outcome, target)
            for step, rule in self.rules.items()
            for outcome, target in rule.leads_to.items()
        )

    @property
    def table_rows(self) -> tuple[StepRule | ExtraRow, ...]:
        """The rows of the paper's table: its steps in order, and the others where they belong."""
        placed: list[StepRule | ExtraRow] = list(self.rules.values())
        for row in self.rows:
            placed.insert(self._row_index(row, placed), row)
        return tuple(placed)

    @staticmethod
    def _row_index(row: ExtraRow, rows: list[StepRule | ExtraRow]) -> int:
        """Return where ``row`` goes: the start on top, the end last, a note before the next higher number."""
        if row.kind is RowKind.START:
            return 0
        if row.kind is RowKind.NOTE:
            for place, other in enumerate(rows):
                is_end = isinstance(other, ExtraRow) and other.kind is RowKind.END
                if is_end or (row.no is not None and other.no is not None and other.no > row.no):
                    return place
        return len(rows)

    def reachable_steps(self, step: Step) -> frozenset[Step]:
        """Return ``step`` and every step that a request can still come to from it."""
        found: set[Step] = set()
        left = [step]
        while left:
            at = left.pop()
            if at not in found:
                found.add(at)
                left += self.rules[at].leads_to.values() if at in self.rules else ()
        return frozenset(found)

    def rule(self, step: Step) -> StepRule:
        """Return what the paper says of ``step``; KeyError where it leaves the step out."""
        return self.rules[step]

    def actor_title(self, role_or_step: Role | Step) -> str | Message:
        """Return what the paper calls the actor of a step, or the first actor of a role (else the role's own name)."""
        if isinstance(role_or_step, Step):
            wanted = self.rules[role_or_step].actor_key
            return next(actor.title for actor in self.actors if actor.key == wanted)
        return next((actor.title for actor in self.actors if actor.role is role_or_step), role_or_step.title)


@dataclass(frozen=True, slots=True)
class LineError:
    """Something wrong in a file, and the line where it stands."""

    line: int
    message: Message

    @property
    def full_message(self) -> Message:
        """The whole line as it is shown."""
        return _("line %(line)s: %(error)s", line=self.line, error=self.message)

    def __str__(self) -> str:
        """Return the sentence in English."""
        return str(self.full_message)


class InvalidSopError(Exception):
    """A file that is no sound SOP; ``faults`` are all that were found, by line."""

    def __init__(self, errors: tuple[LineError, ...]) -> None:
        """Take the faults."""
        super().__init__("\n".join(str(fault) for fault in errors))
        self.errors = errors
