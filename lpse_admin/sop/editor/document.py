"""An SOP that is being edited: the values of its file, with the operations on its rows, actors and fields.

What the editor makes and the file are the same thing: ``SopDocument.read`` takes any file that is TOML, and ``toml``
writes it again, with what the editor has no screen for. Nothing here asks whether the SOP is sound (``faults``).
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.sop.editor.kinds import (
    EXTRA_TITLES,
    STEP_LIST,
    first_outcomes,
    kind_of,
    kind_title,
    outcomes_of,
    title_of,
)
from lpse_admin.sop.editor.writing import write_toml
from lpse_admin.sop.fields import SopFieldKind
from lpse_admin.sop.model import InvalidSopError, LineError, RowKind
from lpse_admin.sop.reading import slug
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.sop.toml.parser import read_toml
from lpse_admin.sop.toml.scanner import find_line_numbers, line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Values = dict[str, Any]

_LISTS = ("actors", "rows", "steps", "glossary", "limits")
_TABLES = ("agency", "signatory", "switches")
#: Outcomes whose target the checker fixes.
_FIXED_TARGETS = {
    Outcome.RETURNED: Step.RETURNED,
    Outcome.REJECTED: Step.CLOSED,
    Outcome.WITHDRAWN: Step.CLOSED,
    Outcome.REVISE: Step.REPORT,
    Outcome.REFUSED: Step.CLOSED,
}
#: Outcomes that a new row does not begin with.
_NOT_AT_FIRST = frozenset({Outcome.REVISE})
#: What a key is made of where a text has no letters or digits.
_NO_SLUG = "isian"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table of activities: entry ``index`` of the list ``list_name`` of the file."""

    list_name: str
    index: int
    values: Values

    @property
    def is_step(self) -> bool:
        """Whether the row is a step of the program, and no row that is only shown and printed."""
        return self.list_name == STEP_LIST

    @property
    def key(self) -> str:
        """The key of the step; empty for another row."""
        return str(self.values.get("key", "")) if self.is_step else ""

    @property
    def number(self) -> int | None:
        """The number in the SOP's table."""
        no = self.values.get("no")
        return no if isinstance(no, int) else None

    @property
    def text(self) -> str:
        """What the SOP's table says in it."""
        return str(self.values.get("activity" if self.is_step else "text", ""))

    @property
    def title(self) -> Message:
        """What the row is called in lists of choice."""
        if self.is_step:
            return title_of(self.values)
        return Message("%(text)s", {"text": self.text}) if self.text else self.kind_title

    @property
    def name(self) -> Message:
        """Number and title."""
        return _("%(no)s. %(title)s", no=self.number, title=self.title) if self.number else self.title

    @property
    def kind_title(self) -> Message:
        """The kind of the row in words."""
        return kind_title(self.key) if self.is_step else EXTRA_TITLES.get(self._kind, EXTRA_TITLES[RowKind.NOTE.value])

    @property
    def _kind(self) -> str:
        return str(self.values.get("kind", ""))

    @property
    def token(self) -> str:
        """What tells the row from others when it has moved: of a step its key, of another row its kind and text."""
        told = self.key if self.is_step else f"{self._kind}\0{self.text}"
        return hashlib.sha256(f"{self.list_name}\0{told}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


class SopDocument:
    """The values of an SOP file, sound or not."""

    def __init__(self, values: Values) -> None:
        """Take over ``values``, with an empty list or table where there is none."""
        self.values = values
        for name in _LISTS:
            values.setdefault(name, [])
        for name in _TABLES:
            values.setdefault(name, {})

    @classmethod
    def read(cls, text: str) -> SopDocument:
        """Return the document of a file; raises InvalidSopError where it cannot be read as one."""
        text = text.removeprefix("\ufeff")
        values, errors = read_toml(text)
        if not errors:
            lines = find_line_numbers(text)
            wrong = _(
                "this value is not of the kind that belongs here; correct it in the file, then open it in the editor"
            )
            errors = [LineError(line_of(lines, path), wrong) for path in _wrong_shapes(values)]
        if errors:
            raise InvalidSopError(tuple(errors))
        return cls(values)

    @property
    def toml(self) -> str:
        """The document as a file."""
        empty = [key for key in (*_LISTS, "switches") if not self.values.get(key)]
        return write_toml({key: value for key, value in self.values.items() if key not in empty})

    def copy(self) -> SopDocument:
        """Return a document of the same values."""
        return SopDocument(copy.deepcopy(self.values))

    @property
    def title(self) -> str:
        """The title of the SOP."""
        return str(self.values.get("title", ""))

    # -- actors ----------------------------------------------------------------------------------------------

    @property
    def actors(self) -> list[Values]:
        """The actors in the order of their columns."""
        actors: list[Values] = self.values["actors"]
        return actors

    def add_actor(self, title: str, role: str) -> None:
        """Add an actor behind the others."""
        key = unique_key(title, {str(actor.get("key", "")) for actor in self.actors})
        self.actors.append({"key": key, "title": title, "role": role})

    def remove_actor(self, place: int) -> None:
        """Remove an actor with the words in its column and its consents; its steps stay, and choose another."""
        key = self.actors.pop(place).get("key")
        for step in self.steps:
            step.get("flow", {}).pop(key, None)
            if consents := [one for one in step.pop("consents", []) if one.get("actor") != key]:
                step["consents"] = consents

    def actor_title(self, key: object) -> str:
        """Return the title of the actor with this key; empty if there is none."""
        return next((str(actor.get("title", "")) for actor in self.actors if actor.get("key") == key), "")

    # -- limits ----------------------------------------------------------------------------------------------

    @property
    def limits(self) -> list[Values]:
        """The limits on the time of stretches of steps."""
        limits: list[Values] = self.values["limits"]
        return limits

    # -- rows ------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> list[Values]:
        """The steps in the order of the file."""
        steps: list[Values] = self.values[STEP_LIST]
        return steps

    def rows(self) -> list[Row]:
        """Return the rows as the table shows them: start first, end last, a note before the next higher number."""
        rows = [Row(STEP_LIST, index, values) for index, values in enumerate(self.steps)]
        for index, values in enumerate(self.values["rows"]):
            row = Row("rows", index, values)
            rows.insert(_position(row, rows), row)
        return rows

    def find_row(self, place: int, token: str) -> int | None:
        """Return where the row with this token is now, that at ``place`` before others; None if it is gone."""
        rows = self.rows()
        if 0 <= place < len(rows) and rows[place].token == token:
            return place
        return next((index for index, row in enumerate(rows) if row.token == token), None)

    def step_names(self, *, numbered: bool = True) -> dict[str, Message]:
        """Return the name of each step by its key, with its number in the table."""
        return {row.key: row.name if numbered else row.title for row in self.rows() if row.is_step}

    def add_row(self, values: Values, *, is_step: bool, after: int | None = None) -> int:
        """Add a row behind the one at ``after`` (None: at the end) and return its place."""
        order = self.rows()
        row = Row(STEP_LIST if is_step else "rows", -1, values)
        place = len(order) if after is None else after + 1
        order.insert(place, row)
        self._set_order(order)
        return next(index for index, one in enumerate(self.rows()) if one.values is values)

    def add_step(self, key: str, *, actor: str = "", after: int | None = None) -> int:
        """Add a step whose outcomes lead to the step that follows it, and lead the one before it there."""
        rows = self.rows()
        at = len(rows) if after is None else after + 1
        before = next(
            (row for row in reversed(rows[:at]) if row.is_step and kind_of(row.key) is not Step.RETURNED), None
        )
        target = self._follower(rows[at:])
        values: Values = {"key": key}
        if kind_of(key) is not Step.RETURNED:
            values["no"] = 0
        values |= {"activity": "", "actor": actor, "outcomes": self._first_outcomes(key, target)}
        if before is not None and kind_of(key) is not Step.RETURNED:
            outcomes = self.outcomes(before.values)
            for outcome, led in outcomes.items():
                if led == target and outcome not in _FIXED_TARGETS:
                    outcomes[outcome] = key
        return self.add_row(values, is_step=True, after=after)

    def _first_outcomes(self, key: str, target: str) -> dict[str, str]:
        """Return the outcomes of a new step; those with a fixed target only where it is there."""
        known = {*(str(step.get("key", "")) for step in self.steps), Step.CLOSED.value}
        outcomes: dict[str, str] = {}
        if own := first_outcomes(key):
            return {outcome: Step.CLOSED.value if outcome in _FIXED_TARGETS else target for outcome in own}
        for outcome in outcomes_of(key):
            fixed = _FIXED_TARGETS.get(outcome)
            if outcome is Outcome.RESUBMITTED:
                outcomes[outcome.value] = next((one for one in ("evaluation", "approval") if one in known), target)
            elif outcome not in _NOT_AT_FIRST and (fixed is None or fixed.value in known):
                outcomes[outcome.value] = fixed.value if fixed else target
        return outcomes

    @staticmethod
    def outcomes(values: Values) -> dict[str, str]:
        """Return the outcomes of a step as they are in its values."""
        outcomes: dict[str, str] = values.setdefault("outcomes", {})
        return outcomes

    def lead_on(self, place: int, *, to: int | None = None) -> None:
        """Lead the step at ``place``, or the one before it, to the row at ``to``, or to the step that follows."""
        rows = self.rows()
        row = next((one for one in reversed(rows[: place + 1]) if one.is_step), None)
        if row is None:
            return
        target = rows[to].key if to is not None else self._follower(rows[place + 1 :])
        outcomes = self.outcomes(row.values)
        possible = [*outcomes, *first_outcomes(row.key), *(outcome.value for outcome in outcomes_of(row.key))]
        free = [outcome for outcome in possible if outcome not in _FIXED_TARGETS]
        for outcome in free[:1]:
            outcomes[outcome] = target

    @staticmethod
    def _follower(rows: list[Row]) -> str:
        """Return the key of the first of ``rows`` to which a step leads on; the end if there is none."""
        steps = (row.key for row in rows if row.is_step and kind_of(row.key) is not Step.RETURNED)
        return next(steps, Step.CLOSED.value)

    def remove_row(self, place: int) -> None:
        """Remove a row; what leads to it stays as it is, and is a fault."""
        order = self.rows()
        del order[place]
        self._set_order(order)

    def move_row(self, place: int, by: int) -> int:
        """Move a row up (-1) or down (1) and return its place; a note goes on to where its number can say it."""
        before = self.rows()
        row, shown = before[place], [id(one.values) for one in before]
        target = place + by
        while 0 <= target < len(before):
            order = [one for one in before if one is not row]
            order.insert(target, row)
            self._set_order(order)
            if [id(one.values) for one in self.rows()] != shown:
                break
            target += by
        return next(index for index, one in enumerate(self.rows()) if one.values is row.values)

    def _set_order(self, order: Iterable[Row]) -> None:
        """Let the rows be those of ``order``, and number those that have a number from the first on."""
        rows = list(order)
        starts = [row for row in rows if row.values.get("kind") == RowKind.START and not row.is_step]
        ends = [row for row in rows if row.values.get("kind") == RowKind.END and not row.is_step]
        between = [row for row in rows if row not in starts and row not in ends]
        rows = [*starts, *between, *ends]
        self.values[STEP_LIST] = [row.values for row in rows if row.is_step]
        self.values["rows"] = [row.values for row in rows if not row.is_step]
        self.number_rows(rows)

    def number_rows(self, rows: Iterable[Row] | None = None) -> None:
        """Give the rows that have a number, and every note, numbers from 1 on."""
        number = 0
        for row in self.rows() if rows is None else rows:
            if "no" in row.values or row.values.get("kind") == RowKind.NOTE:
                number += 1
                row.values["no"] = number

    # -- fields of a step ------------------------------------------------------------------------------------

    @staticmethod
    def fields(values: Values) -> list[Values]:
        """Return the fields that a step asks for."""
        fields: list[Values] = values.setdefault("fields", [])
        return fields

    def days(self) -> dict[str, Message]:
        """Return the name of each field that says a day, by its key."""
        return {
            str(field.get("key")): _("%(row)s, field “%(field)s”", row=row.name, field=str(field.get("label", "")))
            for row in self.rows()
            if row.is_step
            for field in row.values.get("fields", [])
            if field.get("kind") in (SopFieldKind.DATE, SopFieldKind.MOMENT)
        }

    def field_label(self, key: object) -> Message | None:
        """Return the name of the field that says a day, or its key where there is none; None without a key."""
        return self.days().get(str(key), Message(str(key))) if key else None

    def add_field(self, values: Values, label: str, kind: str) -> int:
        """Add a field behind the others and return its place; its key is made from the label."""
        fields = self.fields(values)
        key = unique_key(label, {str(field.get("key", "")) for field in fields})
        fields.append({"key": key, "label": label, "kind": kind})
        return len(fields) - 1


def move_entry(entries: list[Any], place: int, by: int) -> int:
    """Move an entry of a list up (-1) or down (1), if there is a place, and return where it is."""
    target = place + by
    if 0 <= target < len(entries):
        entries.insert(target, entries.pop(place))
        return target
    return place


def set_values(target: Values, changes: Mapping[str, object]) -> None:
    """Put ``changes`` into ``target``; what is empty is left out, as in a file."""
    for key, value in changes.items():
        if value in (None, "", [], {}):
            target.pop(key, None)
        else:
            target[key] = value


def condition_of(chosen: Iterable[list[str]]) -> Values:
    """Return the condition of a field from (key, value) of what it depends on; raises ValidationFailed for two keys."""
    pairs = list(chosen)
    if len({key for key, _value in pairs}) > 1:
        error = _("A field can depend on one other field only.")
        raise ValidationFailed(error, field_errors={"when": error})
    return {"field": pairs[0][0], "is": [value for _key, value in pairs]} if pairs else {}


def unique_key(label: str, taken: Iterable[str]) -> str:
    """Return a key made from ``label`` that is not among ``taken``."""
    base = slug(label)[:50].strip("-") or _NO_SLUG
    taken, key, number = set(taken), base, 1
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    return key


def _position(row: Row, rows: list[Row]) -> int:
    """Return the index at which ``Sop.table_rows`` puts a row that is no step."""
    kind = row.values.get("kind")
    if kind == RowKind.START:
        return 0
    if kind != RowKind.END:
        for index, other in enumerate(rows):
            is_end = not other.is_step and other.values.get("kind") == RowKind.END
            if is_end or (row.number is not None and other.number is not None and other.number > row.number):
                return index
    return len(rows)


def _wrong_shapes(values: Mapping[str, object]) -> list[tuple[str | int, ...]]:
    """Return the paths of what is no list of tables, or no table, where the editor needs one."""
    wrong: list[tuple[str | int, ...]] = [(name,) for name in _TABLES if not isinstance(values.get(name, {}), dict)]
    for name in _LISTS:
        entries = values.get(name, [])
        if not isinstance(entries, list):
            wrong.append((name,))
            continue
        for index, entry in enumerate(entries):
            wrong += [(name, index)] if not isinstance(entry, dict) else _wrong_in_entry((name, index), entry)
    return wrong


def _wrong_in_entry(path: tuple[str | int, ...], entry: Mapping[str, object]) -> list[tuple[str | int, ...]]:
    tables = ("outcomes", "flow", "when")
    lists = ("requires", "consents", "fields") if path[0] == STEP_LIST else ()
    wrong: list[tuple[str | int, ...]] = [(*path, key) for key in tables if not isinstance(entry.get(key, {}), dict)]
    for key in lists:
        inner = entry.get(key, [])
        if not isinstance(inner, list) or not all(isinstance(one, dict) for one in inner):
            wrong.append((*path, key))
        elif key == "fields":
            for index, field in enumerate(inner):
                wrong += _wrong_in_entry((*path, key, index), field)
    return wrong
