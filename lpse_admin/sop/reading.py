"""Parse a TOML file into a ``Sop``, collecting every error with its line."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import ACTOR_ROLES, Role
from lpse_admin.i18n import _
from lpse_admin.sop.durations import parse_standard_time
from lpse_admin.sop.fields import SopFieldKind, read_fields
from lpse_admin.sop.limits import read_limits
from lpse_admin.sop.model import (
    ConsentRule,
    ExtraRow,
    GlossaryTerm,
    ItemKind,
    LineError,
    RequiredItem,
    RequirementCondition,
    RowKind,
    Signatory,
    Sop,
    SopActor,
    SopAgency,
    StandardTime,
    StepRule,
    Switches,
)
from lpse_admin.sop.steps import (
    KNOWN_STEPS,
    MAX_OUTCOME_LENGTH,
    MAX_STEP_LENGTH,
    OUTCOMES,
    OWN_KINDS,
    OWN_STEP_OUTCOMES,
    REPEATABLE_STEPS,
    REQUESTER_STEPS,
    Outcome,
    Step,
)
from lpse_admin.sop.toml.parser import read_toml
from lpse_admin.sop.toml.scanner import find_line_numbers
from lpse_admin.sop.toml.values import MAX_KEY_LENGTH, SourceFile, Table, printable
from lpse_admin.sop.validation import StepNode, apply_switches, validate_moves

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lpse_admin.sop.toml.scanner import KeyPath

#: A typical SOP file has about ten thousand characters.
MAX_FILE_CHARACTERS = 100_000
#: tomllib takes minutes to parse a key with thousands of dotted parts.
MAX_DOTS_PER_LINE = 500
#: The lengths of the database columns for these texts; an actor's title is stored with "Plh." before it.
MAX_TEXT_LENGTH, MAX_ACTOR_LENGTH, MAX_TIME_LENGTH, MAX_TITLE_LENGTH = 300, 250, 100, 200
MAX_REASON_LENGTH = 1_000
#: The name of an SOP file is its key.
MAX_FILE_NAME_LENGTH = 100
NIP_DIGITS = 18

_ACCOUNT_SUFFIX = re.compile(r"\.[a-z0-9]+")

_LIST_KEYS = (
    "header",
    "contents",
    "legal_basis",
    "qualifications",
    "related",
    "equipment",
    "warnings",
    "record_keeping",
)
_DATE_KEYS = ("made", "revised", "approved")
_TOP_LEVEL_KEYS = (
    "number", "title", "time_zone", *_DATE_KEYS, "table_title", *_LIST_KEYS,
    "agency", "signatory", "switches", "glossary", "actors", "rows", "steps", "without_verification",
    "limits",
)  # fmt: skip
_AGENCY_KEYS = ("key", "name", "region", "province", "hierarchy", "address", "account_suffix")
_SIGNATORY_KEYS = ("name", "nip", "office", "place")
_SWITCH_KEYS = ("head_approves_every_change", "verification_may_return_report", "deviations", "clock")
_STEP_TABLE_KEYS = (
    "key",
    "no",
    "activity",
    "actor",
    "time",
    "requires",
    "output",
    "outcomes",
    "remarks",
    "flow",
    "fields",
    "title",
    "reason_for",
    "lasts",
    "lasts_until",
    "apart_from",
    "consents",
)
_STEP_NAMES = [step.value for step in KNOWN_STEPS]
_ACTOR_ROLES = [role for role in Role if role in ACTOR_ROLES]
#: WIB (the second is that of West Kalimantan), WITA and WIT.
_TIME_ZONES = ("Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura")
_ROW_KEYS = ("no", "text", "kind", "actor", "time", "requires", "output", "remarks")
_ITEM_KEYS = ("kind", "key", "label", "of", "when")
#: So many people of one actor may be asked for their consent at most.
MAX_CONSENTS = 50


def slug(label: str) -> str:
    """Return a key made from ``label``; empty if it has no letters or digits."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:MAX_KEY_LENGTH].strip("-")


def read_sop(text: str, key: str) -> tuple[Sop | None, list[LineError]]:
    """Return the SOP in ``text`` and its errors sorted by line; the SOP is None if there are any."""
    sop, errors = read_unsound(text, key)
    return (None if errors else sop), errors


def read_unsound(text: str, key: str) -> tuple[Sop | None, list[LineError]]:
    """Return what can be read of the SOP in ``text``, sound or not, and its errors sorted by line."""
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_FILE_CHARACTERS:
        return None, [LineError(1, _("the file has more than %(size)s characters", size=MAX_FILE_CHARACTERS))]
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MAX_DOTS_PER_LINE:
            return None, [LineError(number, _("the line has more than %(most)s full stops", most=MAX_DOTS_PER_LINE))]
    values, syntax_errors = read_toml(text)
    if syntax_errors:
        return None, sorted(syntax_errors, key=lambda error: error.line)
    source = SourceFile(find_line_numbers(text), _TOP_LEVEL_KEYS)
    if not key.isprintable() or key != key.strip() or "/" in key or not 0 < len(key) <= MAX_FILE_NAME_LENGTH:
        source.add_error((), _("the file's name must have 1 to %(longest)s ASCII letters, not %(found)s",
                           longest=MAX_FILE_NAME_LENGTH, found=printable(key)))  # fmt: skip
    sop = _build_sop(Table(source, (), values, _TOP_LEVEL_KEYS), key)
    return sop, sorted(dict.fromkeys(source.errors), key=lambda error: error.line)


def _build_sop(table: Table, key: str) -> Sop:
    switches = _switches(table.table("switches", _SWITCH_KEYS))
    actors = _actors(table)
    numbers: dict[int, KeyPath] = {}
    rows = _rows(table, numbers, {actor.key for actor in actors})
    reader = _StepReader(table, {actor.key: actor.role for actor in actors}, switches, numbers)
    reason = table.text("without_verification", max_length=MAX_REASON_LENGTH)
    for path, message in validate_moves(reader.nodes, switches, without_verification=bool(reason)):
        table.source.add_error(path, message)
    return Sop(
        key=key,
        number=table.text("number", max_length=MAX_TEXT_LENGTH) or None,
        title=table.text("title", is_required=True),
        agency=_agency(table.table("agency", _AGENCY_KEYS, is_required=True)),
        time_zone=_time_zone(table),
        made=table.date("made"),
        revised=table.date("revised"),
        approved=table.date("approved"),
        signatory=_signatory(table.table("signatory", _SIGNATORY_KEYS, is_required=True)),
        actors=actors,
        rules=MappingProxyType(reader.rules),
        switches=switches,
        table_title=table.text("table_title"),
        glossary=_glossary(table),
        rows=rows,
        header=table.texts("header"),
        contents=table.texts("contents"),
        legal_basis=table.texts("legal_basis"),
        qualifications=table.texts("qualifications"),
        related=table.texts("related"),
        equipment=table.texts("equipment"),
        warnings=table.texts("warnings"),
        record_keeping=table.texts("record_keeping"),
        without_verification=reason,
        limits=read_limits(table, reader.rules),
    )


def _time_zone(table: Table) -> str:
    name = table.text("time_zone", is_required=True)
    if name and name not in _TIME_ZONES:
        table.add_error(_("%(zone)s is not a supported time zone; use Asia/Jakarta, Asia/Makassar or Asia/Jayapura",
                      zone=printable(name)), "time_zone")  # fmt: skip
    return name


def _agency(table: Table) -> SopAgency:
    suffix = table.text("account_suffix")
    if suffix and not _ACCOUNT_SUFFIX.fullmatch(suffix):
        table.add_error(_("account_suffix must be a full stop and lower-case letters, like .tt"), "account_suffix")
    needed = table.exists
    return SopAgency(
        key=table.key() if needed else "",
        name=table.text("name", is_required=needed, max_length=MAX_TEXT_LENGTH),
        region=table.text("region", is_required=needed, max_length=MAX_TEXT_LENGTH),
        province=table.text("province", max_length=MAX_TEXT_LENGTH),
        hierarchy=table.texts("hierarchy"),
        address=table.texts("address"),
        account_suffix=suffix,
    )


def _signatory(table: Table) -> Signatory:
    needed = table.exists
    nip = re.sub(r"^NIP[.:]*|\s", "", table.text("nip"))
    if nip and not re.fullmatch(rf"[0-9]{{{NIP_DIGITS}}}", nip):
        table.add_error(_("a NIP has %(digits)s digits; leave the line out where the SOP gives none",
                      digits=NIP_DIGITS), "nip")  # fmt: skip
    return Signatory(
        name=table.text("name", is_required=needed), nip=nip, office=table.text("office"), place=table.text("place")
    )


def _switches(table: Table) -> Switches:
    clock = table.text("clock") or "handling"
    if clock not in {"handling", "arrival"}:
        table.add_error(_("%(key)s must be one of %(words)s, not %(found)s",
                      key="clock", words="handling, arrival", found=printable(clock)), "clock")  # fmt: skip
    return Switches(
        head_approves_every_change=table.boolean("head_approves_every_change"),
        verification_may_return_report=table.boolean("verification_may_return_report"),
        deviations=table.boolean("deviations"),
        timing_basis="arrival" if clock == "arrival" else "handling",
    )


def _glossary(table: Table) -> tuple[GlossaryTerm, ...]:
    return tuple(
        GlossaryTerm(entry.text("term", is_required=True), entry.text("text", is_required=True))
        for entry in table.tables("glossary", ("term", "text"))
    )


def _actors(table: Table) -> tuple[SopActor, ...]:
    actors: dict[str, SopActor] = {}
    for entry in table.tables("actors", ("key", "title", "role")):
        key = entry.key()
        title = entry.text("title", is_required=True, max_length=MAX_ACTOR_LENGTH)
        role = entry.choice("role", Role, offered=_ACTOR_ROLES, is_required=True)
        if role is not None and role not in ACTOR_ROLES:
            entry.add_error(_("the role %(role)s has no step in the procedure", role=role), "role")
        if key in actors:
            entry.add_error(_("the actor %(key)s is defined twice", key=printable(key)), "key")
        # An actor with an error is kept, so that its steps do not cause further errors.
        actors.setdefault(key, SopActor(key, title, role or Role.INSPECTOR))
    if not actors:
        table.add_error(_("there are no actors"), "actors")
    return tuple(actors.values())


def _rows(table: Table, used_numbers: dict[int, KeyPath], actors: Collection[str]) -> tuple[ExtraRow, ...]:
    rows: list[ExtraRow] = []
    for entry in table.tables("rows", _ROW_KEYS):
        no = _row_number(entry, used_numbers)
        kind = entry.choice("kind", RowKind, is_required=True)
        if kind in {RowKind.START, RowKind.END} and any(row.kind is kind for row in rows):
            entry.add_error(_("there is already a row of kind %(kind)s", kind=kind), "kind")
        actor = entry.text("actor")
        if actor and actor not in actors:
            entry.add_error(_("unknown actor %(actor)s", actor=printable(actor)), "actor")
        rows.append(
            ExtraRow(
                no,
                entry.text("text", is_required=True),
                kind or RowKind.NOTE,
                actor_key=actor,
                time=entry.text("time"),
                requires=entry.texts("requires"),
                outputs=entry.texts("output"),
                remarks=entry.text("remarks"),
            )
        )
    return tuple(rows)


def _row_number(entry: Table, used_numbers: dict[int, KeyPath]) -> int | None:
    no = entry.row_number()
    if no is not None and no in used_numbers:
        entry.add_error(_("the number %(no)s is used twice", no=no), "no")
    elif no is not None:
        used_numbers[no] = entry.path
    return no


def _step_called(name: str) -> Step | None:
    """Return the step of this name that an SOP can have, or None."""
    if name in OWN_KINDS or name == Step.CLOSED:
        return None
    try:
        return Step(name)
    except ValueError:
        return None


def _own_outcome(table: Table, name: str, step: Step) -> Outcome | None:
    """Return the outcome that an SOP calls ``name`` in a step of its own, or None with an error."""
    possible = OWN_STEP_OUTCOMES.get(step.kind, ())
    if name in tuple(Outcome) and name not in possible:
        others = f" ({', '.join(possible)})" if possible else ""
        table.add_error(_("%(outcome)s belongs to the steps of the procedure; name it in the SOP's own words%(others)s",
                      outcome=name, others=others), name)  # fmt: skip
        return None
    try:
        return Outcome(name)
    except ValueError:
        table.add_error(_("an outcome is called by letters, digits and hyphens, at most %(longest)s, not %(found)s",
                      longest=MAX_OUTCOME_LENGTH, found=printable(name)), name)  # fmt: skip
        return None


def _reasons(entry: Table, outcomes: Mapping[Outcome, Step]) -> tuple[Outcome, ...]:
    """Return the outcomes that the SOP wants a reason for."""
    names = entry.texts("reason_for")
    for index, name in enumerate(names):
        if name not in outcomes and not entry.table("outcomes", None).values.get(name):
            entry.add_error(
                _("%(outcome)s is not among the outcomes of this step: %(known)s",
                  outcome=printable(name), known=", ".join(outcomes)), "reason_for", index,
            )  # fmt: skip
    return tuple(outcome for outcome in outcomes if outcome in names)


class _StepReader:
    """Reads all steps of the file: ``rules`` for the SOP, ``nodes`` for the validation."""

    def __init__(
        self, table: Table, actors: Mapping[str, Role], switches: Switches, used_numbers: dict[int, KeyPath]
    ) -> None:
        self.actors = actors
        self.rules: dict[Step, StepRule] = {}
        self.nodes: dict[Step, StepNode] = {}
        self.entries: dict[Step, Table] = {}
        #: Whether every step was identified; otherwise a step that seems to be left out may be one of the others.
        self.all_steps_known = True
        seen: set[str] = set()
        entries = list(table.tables("steps", _STEP_TABLE_KEYS))
        names = [entry.values.get("key") for entry in entries]
        self.steps = tuple(step for name in names if isinstance(name, str) and (step := _step_called(name)))
        for entry in entries:
            no = _row_number(entry, used_numbers)
            name = entry.text("key", is_required=True)
            step = self._parse_step(entry, name, "key") or self._guess_step(name, names) if name else None
            self.all_steps_known &= step is not None
            if name.lower() in seen:
                entry.add_error(_("the step %(step)s is defined twice", step=printable(name)), "key")
                step = None
            seen.add(name.lower())
            self._read_step(entry, step, no, switches)
        self._check_days_of_waiting()
        if not self.all_steps_known:
            self.nodes = {step: self._drop_unknown(node) for step, node in self.nodes.items()}

    @staticmethod
    def _guess_step(name: str, names: Collection[object]) -> Step | None:
        """Return the step closest to a mistyped ``name``, so that it does not cause errors in other steps."""
        close = difflib.get_close_matches(name[:MAX_KEY_LENGTH], _STEP_NAMES, n=1)
        return Step(close[0]) if close and close[0] not in names else None

    def _drop_unknown(self, node: StepNode) -> StepNode:
        """Return ``node`` without references to steps that are missing or unknown."""
        known = {*self.nodes, Step.CLOSED}
        outcomes = {outcome: target for outcome, target in node.declared_outcomes.items() if target in known}
        records = tuple((path, step) for path, step in node.required_records if step in known)
        return replace(
            node,
            declared_outcomes=outcomes,
            required_records=records,
            apart_from=tuple(step for step in node.apart_from if step in known),
            is_incomplete=node.is_incomplete or outcomes != node.declared_outcomes,
        )

    @staticmethod
    def _parse_step(entry: Table, name: str, *keys: str | int) -> Step | None:
        """Return the step called ``name``, or None with an error at ``keys``.

        CLOSED, which the caller handles, is suggested only for the target of an outcome.
        """
        known = _STEP_NAMES if keys in {("key",), ("of",)} else [*_STEP_NAMES, Step.CLOSED.value]
        if (step := _step_called(name)) is not None:
            return step
        if name.partition(".")[0] in REPEATABLE_STEPS and (name in OWN_KINDS or "." in name):
            entry.add_error(
                _("a step of this name is written %(kind)s.name: letters, digits and hyphens, at most %(longest)s"
                  " characters in all", kind=name.partition(".")[0], longest=MAX_STEP_LENGTH), *keys,
            )  # fmt: skip
            return None
        close = difflib.get_close_matches(name[:MAX_KEY_LENGTH], known, n=1)
        if close:
            entry.add_error(
                _("unknown step %(step)s; did you mean %(close)s?", step=printable(name), close=close[0]), *keys
            )
        else:
            entry.add_error(_("unknown step %(step)s; known steps are %(known)s",
                          step=printable(name), known=", ".join(known)), *keys)  # fmt: skip
        return None

    def _check_days_of_waiting(self) -> None:
        """Add an error for each step that waits until a day that no field of the SOP says."""
        days = {
            field.key
            for rule in self.rules.values()
            for field in rule.fields
            if field.kind in {SopFieldKind.DATE, SopFieldKind.MOMENT}
        }
        for step, rule in self.rules.items():
            if rule.lasts_until and rule.lasts_until not in days:
                self.entries[step].add_error(
                    _("%(key)s is not the key of a field of the kind date or moment", key=printable(rule.lasts_until)),
                    "lasts_until",
                )

    def _read_step(self, entry: Table, step: Step | None, no: int | None, switches: Switches) -> None:
        """Read one step; if ``step`` is None, only to collect its errors."""
        activity = entry.text("activity", is_required="no" in entry.values)
        actor = entry.text("actor", is_required=True)
        if actor and actor not in self.actors:
            entry.add_error(_("unknown actor %(actor)s", actor=printable(actor)), "actor")
        role = self.actors.get(actor)
        requires = self._requires(entry)
        outcomes, is_incomplete = self._outcomes(entry, step)
        outputs, remarks, flow, standard = (
            entry.texts("output"), entry.text("remarks"), self._flow(entry), self._standard_time(entry)
        )  # fmt: skip
        fields = read_fields(entry, outcomes, entry.table("outcomes", None).key_names())
        if fields and step is Step.RETURNED:
            entry.add_error(_("the fields of %(step)s are those of request", step=step), "fields")
        reasons = _reasons(entry, outcomes)
        lasts, lasts_until = self._wait(entry, step)
        apart_from, consents = self._apart_from(entry, step), self._consents(entry, step, actor)
        if step is None:
            return
        self.entries[step] = entry
        records = tuple((path, item.record_step) for path, item in requires if item.record_step is not None)
        known_role = role if role in ACTOR_ROLES else None
        self.nodes[step] = StepNode(
            step, entry.path, known_role, outcomes,
            is_incomplete=is_incomplete, required_records=records, apart_from=apart_from,
        )  # fmt: skip
        self.rules[step] = StepRule(
            step=step,
            no=no,
            activity=activity,
            actor=role or Role.INSPECTOR,
            actor_key=actor,
            standard=standard,
            requires=tuple(item for _path, item in requires),
            outputs=outputs,
            leads_to=MappingProxyType(apply_switches(step, outcomes, switches, self.steps)),
            remarks=remarks,
            flow_labels=MappingProxyType(flow),
            declared_outcomes=MappingProxyType(outcomes),
            fields=fields,
            title=entry.text("title", max_length=MAX_TITLE_LENGTH),
            reason_for=reasons,
            lasts=lasts,
            lasts_until=lasts_until,
            apart_from=apart_from,
            consents=consents,
        )

    @staticmethod
    def _standard_time(entry: Table, key: str = "time") -> StandardTime | None:
        text = entry.text(key, max_length=MAX_TIME_LENGTH)
        if not text:
            if isinstance(entry.values.get(key), str):
                entry.add_error(_("%(key)s is empty; leave the line out where the SOP sets none", key=key), key)
            return None
        standard = parse_standard_time(text)
        if standard is None:
            entry.add_error(_("%(time)s is not a standard time; write it like 2 jam, 15 menit or 1 hari, up to a year",
                          time=printable(text)), key)  # fmt: skip
        return standard

    def _wait(self, entry: Table, step: Step | None) -> tuple[StandardTime | None, str]:
        """Return for how long a waiting step waits, or until the day in which field."""
        lasts, until = self._standard_time(entry, "lasts"), entry.text("lasts_until")
        given = [key for key in ("lasts", "lasts_until") if entry.values.get(key)]
        if step is not None and step.kind is Step.WAITING:
            if len(given) != 1:
                entry.add_error(_("a waiting step has either lasts or lasts_until"), *given[:1])
            if entry.values.get("time"):
                entry.add_error(_("a waiting step has no standard time; what is done after it is a step of its own"),
                                "time")  # fmt: skip
        elif given and step is not None:
            entry.add_error(_("%(key)s belongs to steps called waiting.name", key=given[0]), given[0])
        return lasts, until

    def _apart_from(self, entry: Table, step: Step | None) -> tuple[Step, ...]:
        """Return the steps that nobody takes together with this one."""
        steps: dict[Step, None] = {}
        for index, name in enumerate(entry.texts("apart_from")):
            other = self._parse_step(entry, name, "apart_from", index)
            if other is None:
                continue
            if other is step:
                entry.add_error(_("%(step)s cannot be kept apart from itself", step=other), "apart_from", index)
            steps[other] = None
        return tuple(steps)

    def _consents(self, entry: Table, step: Step | None, finisher: str) -> tuple[ConsentRule, ...]:
        """Return whose consent the step needs besides its actor's decision; ``finisher`` is that actor."""
        consents: dict[str, ConsentRule] = {}
        for table in entry.tables("consents", ("actor", "number")):
            if step is not None and (step in REQUESTER_STEPS or step.kind is Step.WAITING):
                table.add_error(_("%(step)s needs nobody's consent", step=step))
            key = table.text("actor", is_required=True)
            if key and key not in self.actors:
                table.add_error(_("unknown actor %(actor)s", actor=printable(key)), "actor")
            if key in consents:
                table.add_error(_("%(word)s stands there twice", word=printable(key)), "actor")
            number = table.whole_number("number", MAX_CONSENTS)
            role = self.actors.get(key, Role.INSPECTOR)
            if role is Role.REQUESTER and number is not None and number > 1:
                table.add_error(_("a request has one requester"), "number")
            elif key == finisher and number == 1:
                table.add_error(_("whoever finishes the step consents by it: ask for two or more of them"), "number")
            consents[key] = ConsentRule(role, key, number)
        return tuple(consents.values())

    def _flow(self, entry: Table) -> dict[str, str]:
        table = entry.table("flow", None)
        flow = {}
        for actor in table.key_names():
            if actor not in self.actors:
                table.add_error(_("unknown actor %(actor)s", actor=printable(actor)), actor)
            flow[actor] = table.text(actor, is_required=True)
        return flow

    def _outcomes(self, entry: Table, step: Step | None) -> tuple[dict[Outcome, Step], bool]:
        """Return the targets of the known outcomes, and whether any outcome could not be read."""
        table = entry.table("outcomes", None)
        outcomes: dict[Outcome, Step] = {}
        is_incomplete = False
        if not table.values:
            is_incomplete = True
            if not table.is_invalid:
                entry.add_error(_("the step has no outcome"), "outcomes")
        for name in table.key_names():
            outcome = self._outcome(table, name, step)
            value = table.text(name, is_required=True)
            target = Step.CLOSED if value == Step.CLOSED else self._parse_step(table, value, name) if value else None
            if outcome is None or target is None:
                is_incomplete = True
            else:
                outcomes[outcome] = target
        return outcomes, is_incomplete

    @staticmethod
    def _outcome(table: Table, name: str, step: Step | None) -> Outcome | None:
        known = OUTCOMES[step.kind] if step is not None else tuple(Outcome)
        if step is not None and step.is_own:
            return _own_outcome(table, name, step)
        if name in known:
            return Outcome(name)
        if name in tuple(Outcome):
            table.add_error(_("%(outcome)s is not an outcome of %(step)s; its outcomes are %(known)s",
                          outcome=name, step=step, known=", ".join(known)), name)  # fmt: skip
        else:
            table.add_error(_("unknown outcome %(outcome)s; known outcomes are %(known)s",
                          outcome=printable(name), known=", ".join(known)), name)  # fmt: skip
        return None

    def _requires(self, entry: Table) -> list[tuple[KeyPath, RequiredItem]]:
        items: list[tuple[KeyPath, RequiredItem]] = []
        keys: set[str] = set()
        for table in entry.tables("requires", _ITEM_KEYS):
            kind = table.choice("kind", ItemKind, is_required=True)
            label = table.text("label", is_required=True)
            when = table.choice("when", RequirementCondition)
            key = table.key() if "key" in table.values else slug(label)
            if label and not key:
                table.add_error(_("no key can be made from this label: set one with key ="), "label")
            name = table.text("of", is_required=kind is ItemKind.RECORD)
            record_step = self._parse_step(table, name, "of") if name else None
            if name and kind in {ItemKind.DOCUMENT, ItemKind.EQUIPMENT}:
                table.add_error(_("only a record belongs to a step"), "of")
            if key in keys:
                table.add_error(_("the same thing is required twice"), "label")
            keys.add(key)
            items.append(((*table.path, "of"), RequiredItem(kind or ItemKind.DOCUMENT, key, label, record_step, when)))
        return items
