"""A paper's TOML file read into a ``Sop``, with every fault in it named by its line."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import ACTING, Role
from lpse_admin.i18n import _
from lpse_admin.sop.durations import parse_time
from lpse_admin.sop.line_numbers import locate
from lpse_admin.sop.model import (
    ActorTitle,
    Agency,
    Condition,
    ExtraRow,
    Fault,
    Item,
    ItemKind,
    RowKind,
    Rule,
    Signatory,
    Sop,
    Standard,
    Switches,
    Term,
)
from lpse_admin.sop.steps import OUTCOMES, Outcome, Step
from lpse_admin.sop.toml_parser import read_toml
from lpse_admin.sop.toml_values import LONGEST_KEY, Source, Table, shown
from lpse_admin.sop.validation import Node, effective, prove

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lpse_admin.sop.line_numbers import Path

#: A paper typed in has some ten thousand characters; more than this is no paper.
LARGEST_FILE = 100_000
#: The standard library takes minutes over a key of thousands of dotted parts.
MOST_DOTS = 500
#: As long as the columns are that these texts are kept in; an actor's title is told with "Plh." before it.
LONGEST_LINE, LONGEST_ACTOR, LONGEST_TIME = 300, 250, 100
#: As long as the name of a paper's file, which is its key, may be.
LONGEST_NAME = 100
NIP_DIGITS = 18

_SUFFIX = re.compile(r"\.[a-z0-9]+")

_LISTS = ("header", "contents", "legal_basis", "qualifications", "related", "equipment", "warnings", "record_keeping")
_DATES = ("made", "revised", "approved")
_TOP = (
    "number", "title", "time_zone", *_DATES, "table_title", *_LISTS,
    "agency", "signatory", "switches", "glossary", "actors", "rows", "steps",
)  # fmt: skip
_AGENCY = ("key", "name", "region", "province", "hierarchy", "address", "account_suffix")
_SIGNATORY = ("name", "nip", "office", "place")
_SWITCHES = ("head_approves_every_change", "verification_may_return_report", "deviations", "clock")
_STEP = ("key", "no", "activity", "actor", "time", "requires", "output", "outcomes", "remarks", "flow")
_STEPS = [step.value for step in Step if step is not Step.CLOSED]
_ACTING = [role for role in Role if role in ACTING]
#: WIB (the second is that of West Kalimantan), WITA and WIT.
_ZONES = ("Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura")
_ROW = ("no", "text", "kind", "actor", "time", "requires", "output", "remarks")
_ITEM = ("kind", "key", "label", "of", "when")


def slug(label: str) -> str:
    """Return a key made from ``label``, or nothing where no letter or digit of it can be kept."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:LONGEST_KEY].strip("-")


def read(text: str, key: str) -> tuple[Sop | None, list[Fault]]:
    """Return the paper that ``text`` holds and the faults in it by line; the paper is None where there are any."""
    text = text.removeprefix("\ufeff")
    if len(text) > LARGEST_FILE:
        return None, [Fault(1, _("the file is larger than %(size)s characters", size=LARGEST_FILE))]
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MOST_DOTS:
            return None, [Fault(number, _("the line has more than %(most)s full stops", most=MOST_DOTS))]
    values, unread = read_toml(text)
    if unread:
        return None, sorted(unread, key=lambda fault: fault.line)
    source = Source(locate(text), _TOP)
    if not key.isprintable() or key != key.strip() or "/" in key or not 0 < len(key) <= LONGEST_NAME:
        source.fault((), _("the file's name must have 1 to %(longest)s plain letters, not %(found)s",
                           longest=LONGEST_NAME, found=shown(key)))  # fmt: skip
    sop = _paper(Table(source, (), values, _TOP), key)
    faults = sorted(dict.fromkeys(source.faults), key=lambda fault: fault.line)
    return (None if faults else sop), faults


def _paper(table: Table, key: str) -> Sop:
    switches = _switches(table.table("switches", _SWITCHES))
    actors = _actors(table)
    numbers: dict[int, Path] = {}
    rows = _rows(table, numbers, {actor.key for actor in actors})
    reader = _Steps(table, {actor.key: actor.role for actor in actors}, switches, numbers)
    for path, message in prove(reader.nodes, switches):
        table.source.fault(path, message)
    return Sop(
        key=key,
        number=table.text("number", longest=LONGEST_LINE) or None,
        title=table.text("title", is_needed=True),
        agency=_agency(table.table("agency", _AGENCY, is_needed=True)),
        time_zone=_time_zone(table),
        made=table.date("made"),
        revised=table.date("revised"),
        approved=table.date("approved"),
        signatory=_signatory(table.table("signatory", _SIGNATORY, is_needed=True)),
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
    )


def _time_zone(table: Table) -> str:
    name = table.text("time_zone", is_needed=True)
    if name and name not in _ZONES:
        table.fault(_("%(zone)s is no time zone; use Asia/Jakarta, Asia/Makassar or Asia/Jayapura",
                      zone=shown(name)), "time_zone")  # fmt: skip
    return name


def _agency(table: Table) -> Agency:
    suffix = table.text("account_suffix")
    if suffix and not _SUFFIX.fullmatch(suffix):
        table.fault(_("account_suffix must be a full stop and small letters, like .tt"), "account_suffix")
    needed = table.is_there
    return Agency(
        key=table.key() if needed else "",
        name=table.text("name", is_needed=needed, longest=LONGEST_LINE),
        region=table.text("region", is_needed=needed, longest=LONGEST_LINE),
        province=table.text("province", longest=LONGEST_LINE),
        hierarchy=table.texts("hierarchy"),
        address=table.texts("address"),
        account_suffix=suffix,
    )


def _signatory(table: Table) -> Signatory:
    needed = table.is_there
    nip = re.sub(r"^NIP[.:]*|\s", "", table.text("nip"))
    if nip and not re.fullmatch(rf"[0-9]{{{NIP_DIGITS}}}", nip):
        table.fault(_("a NIP has %(digits)s digits; leave the line out where the paper gives none",
                      digits=NIP_DIGITS), "nip")  # fmt: skip
    return Signatory(
        name=table.text("name", is_needed=needed), nip=nip, office=table.text("office"), place=table.text("place")
    )


def _switches(table: Table) -> Switches:
    clock = table.text("clock") or "handling"
    if clock not in {"handling", "arrival"}:
        table.fault(_("%(key)s must be one of %(words)s, not %(found)s",
                      key="clock", words="handling, arrival", found=shown(clock)), "clock")  # fmt: skip
    return Switches(
        head_approves_every_change=table.flag("head_approves_every_change"),
        verification_may_return_report=table.flag("verification_may_return_report"),
        deviations=table.flag("deviations"),
        clock="arrival" if clock == "arrival" else "handling",
    )


def _glossary(table: Table) -> tuple[Term, ...]:
    return tuple(
        Term(entry.text("term", is_needed=True), entry.text("text", is_needed=True))
        for entry in table.tables("glossary", ("term", "text"))
    )


def _actors(table: Table) -> tuple[ActorTitle, ...]:
    actors: dict[str, ActorTitle] = {}
    for entry in table.tables("actors", ("key", "title", "role")):
        key = entry.key()
        title = entry.text("title", is_needed=True, longest=LONGEST_ACTOR)
        role = entry.word("role", Role, among=_ACTING, is_needed=True)
        if role is not None and role not in ACTING:
            entry.fault(_("the role %(role)s takes no step of the procedure", role=role), "role")
        if key in actors:
            entry.fault(_("the actor %(key)s is there twice", key=shown(key)), "key")
        # An actor with a fault is known all the same, so that its steps are not blamed too.
        actors.setdefault(key, ActorTitle(key, title, role or Role.INSPECTOR))
    if not actors:
        table.fault(_("there are no actors"), "actors")
    return tuple(actors.values())


def _rows(table: Table, numbers: dict[int, Path], actors: Collection[str]) -> tuple[ExtraRow, ...]:
    rows: list[ExtraRow] = []
    for entry in table.tables("rows", _ROW):
        no = _number(entry, numbers)
        kind = entry.word("kind", RowKind, is_needed=True)
        if kind in {RowKind.START, RowKind.END} and any(row.kind is kind for row in rows):
            entry.fault(_("there is already a row of the kind %(kind)s", kind=kind), "kind")
        actor = entry.text("actor")
        if actor and actor not in actors:
            entry.fault(_("unknown actor %(actor)s", actor=shown(actor)), "actor")
        rows.append(
            ExtraRow(
                no,
                entry.text("text", is_needed=True),
                kind or RowKind.NOTE,
                actor_key=actor,
                time=entry.text("time"),
                requires=entry.texts("requires"),
                outputs=entry.texts("output"),
                remarks=entry.text("remarks"),
            )
        )
    return tuple(rows)


def _number(entry: Table, numbers: dict[int, Path]) -> int | None:
    no = entry.no()
    if no is not None and no in numbers:
        entry.fault(_("the number %(no)s is there twice", no=no), "no")
    elif no is not None:
        numbers[no] = entry.path
    return no


class _Steps:
    """All steps of the file, as rules and as what can be proved about."""

    def __init__(self, table: Table, actors: Mapping[str, Role], switches: Switches, numbers: dict[int, Path]) -> None:
        self.actors = actors
        self.rules: dict[Step, Rule] = {}
        self.nodes: dict[Step, Node] = {}
        #: Whether of every step is known which one it is: else one that seems to be left out may be there.
        self.is_whole = True
        seen: set[str] = set()
        entries = list(table.tables("steps", _STEP))
        names = [entry.values.get("key") for entry in entries]
        for entry in entries:
            no = _number(entry, numbers)
            name = entry.text("key", is_needed=True)
            step = self._step(entry, name, "key") or self._meant(name, names) if name else None
            self.is_whole &= step is not None
            if name in seen:
                entry.fault(_("the step %(step)s is there twice", step=shown(name)), "key")
                step = None
            seen.add(name)
            self._read(entry, step, no, switches)
        if not self.is_whole:
            self.nodes = {step: self._in_doubt(node) for step, node in self.nodes.items()}

    @staticmethod
    def _meant(name: str, names: Collection[object]) -> Step | None:
        """Return the step that a mistyped ``name`` seems to be, so that those around it are not blamed for it."""
        close = difflib.get_close_matches(name[:LONGEST_KEY], _STEPS, n=1)
        return Step(close[0]) if close and close[0] not in names else None

    def _in_doubt(self, node: Node) -> Node:
        """Return ``node`` without what it says of steps that are not there, or not known."""
        known = {*self.nodes, Step.CLOSED}
        written = {outcome: target for outcome, target in node.written.items() if target in known}
        records = tuple((place, of) for place, of in node.records if of in known)
        return replace(node, written=written, records=records, is_open=node.is_open or written != node.written)

    @staticmethod
    def _step(entry: Table, name: str, *place: str | int) -> Step | None:
        """Return the step that ``name`` means; the end is one only where an outcome leads, and the caller's."""
        known = _STEPS if place in {("key",), ("of",)} else [*_STEPS, Step.CLOSED.value]
        if name in _STEPS:
            return Step(name)
        close = difflib.get_close_matches(name[:LONGEST_KEY], known, n=1)
        if close:
            entry.fault(_("unknown step %(step)s; is %(close)s meant?", step=shown(name), close=close[0]), *place)
        else:
            entry.fault(_("unknown step %(step)s; there are %(known)s",
                          step=shown(name), known=", ".join(known)), *place)  # fmt: skip
        return None

    def _read(self, entry: Table, step: Step | None, no: int | None, switches: Switches) -> None:
        """Read everything of one step; without a known step only for its faults."""
        activity = entry.text("activity", is_needed="no" in entry.values)
        actor = entry.text("actor", is_needed=True)
        if actor and actor not in self.actors:
            entry.fault(_("unknown actor %(actor)s", actor=shown(actor)), "actor")
        role = self.actors.get(actor)
        requires = self._requires(entry)
        written, is_open = self._outcomes(entry, step)
        outputs, remarks, flow, standard = (
            entry.texts("output"), entry.text("remarks"), self._flow(entry), self._standard(entry)
        )  # fmt: skip
        if step is None:
            return
        records = tuple((place, item.of) for place, item in requires if item.of is not None)
        known_role = role if role in ACTING else None
        self.nodes[step] = Node(step, entry.path, known_role, written, is_open=is_open, records=records)
        self.rules[step] = Rule(
            step=step,
            no=no,
            activity=activity,
            actor=role or Role.INSPECTOR,
            actor_key=actor,
            standard=standard,
            requires=tuple(item for _place, item in requires),
            outputs=outputs,
            leads_to=MappingProxyType(effective(step, written, switches)),
            remarks=remarks,
            flow_labels=MappingProxyType(flow),
            written=MappingProxyType(written),
        )

    @staticmethod
    def _standard(entry: Table) -> Standard | None:
        text = entry.text("time", longest=LONGEST_TIME)
        if not text:
            if isinstance(entry.values.get("time"), str):
                entry.fault(_("time is empty; leave the line out where the paper sets none"), "time")
            return None
        standard = parse_time(text)
        if standard is None:
            entry.fault(_("%(time)s is no standard time; write it like 2 jam, 15 menit or 1 hari, up to a year",
                          time=shown(text)), "time")  # fmt: skip
        return standard

    def _flow(self, entry: Table) -> dict[str, str]:
        table = entry.table("flow", None)
        flow = {}
        for actor in table.names():
            if actor not in self.actors:
                table.fault(_("unknown actor %(actor)s", actor=shown(actor)), actor)
            flow[actor] = table.text(actor, is_needed=True)
        return flow

    def _outcomes(self, entry: Table, step: Step | None) -> tuple[dict[Outcome, Step], bool]:
        """Return where the known outcomes lead, and whether anything there was not understood."""
        table = entry.table("outcomes", None)
        written: dict[Outcome, Step] = {}
        is_open = False
        if not table.values:
            is_open = True
            if not table.is_wrong:
                entry.fault(_("the step has no outcome"), "outcomes")
        for name in table.names():
            outcome = self._outcome(table, name, step)
            aim = table.text(name, is_needed=True)
            target = Step.CLOSED if aim == Step.CLOSED else self._step(table, aim, name) if aim else None
            if outcome is None or target is None:
                is_open = True
            else:
                written[outcome] = target
        return written, is_open

    @staticmethod
    def _outcome(table: Table, name: str, step: Step | None) -> Outcome | None:
        known = OUTCOMES[step] if step is not None else tuple(Outcome)
        if name in known:
            return Outcome(name)
        if name in tuple(Outcome):
            table.fault(_("%(outcome)s is no outcome of %(step)s; it knows %(known)s",
                          outcome=name, step=step, known=", ".join(known)), name)  # fmt: skip
        else:
            table.fault(_("unknown outcome %(outcome)s; there are %(known)s",
                          outcome=shown(name), known=", ".join(known)), name)  # fmt: skip
        return None

    def _requires(self, entry: Table) -> list[tuple[Path, Item]]:
        items: list[tuple[Path, Item]] = []
        keys: set[str] = set()
        for table in entry.tables("requires", _ITEM):
            kind = table.word("kind", ItemKind, is_needed=True)
            label = table.text("label", is_needed=True)
            when = table.word("when", Condition)
            key = table.key() if "key" in table.values else slug(label)
            if label and not key:
                table.fault(_("no key can be made from this label: give one with key ="), "label")
            name = table.text("of", is_needed=kind is ItemKind.RECORD)
            of = self._step(table, name, "of") if name else None
            if name and kind in {ItemKind.DOCUMENT, ItemKind.EQUIPMENT}:
                table.fault(_("only a record is of a step"), "of")
            if key in keys:
                table.fault(_("the same thing is required twice"), "label")
            keys.add(key)
            items.append(((*table.path, "of"), Item(kind or ItemKind.DOCUMENT, key, label, of, when)))
        return items
