"""Two revisions of an SOP compared row by row: what was added, removed and changed, cell by cell."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import LabelledEnum, Message, _, join_messages
from lpse_admin.sop.editor.kinds import outcome_title, target_title
from lpse_admin.sop.editor.labels import HEAD_LABELS, PART_LABELS, SWITCH_LABELS
from lpse_admin.sop.fields import SopFieldKind
from lpse_admin.sop.model import ItemKind, RequirementCondition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpse_admin.sop.editor.document import Row, SopDocument, Values

    #: A value in words, one for each of a list.
    Cell = tuple[Message | str | dt.date, ...]


class Change(LabelledEnum):
    """What happened to a row from one revision to the next."""

    ADDED = "added", _("Added")
    REMOVED = "removed", _("Removed")
    CHANGED = "changed", _("Changed")


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell, with what was in it and what is in it now."""

    label: Message
    before: Cell
    after: Cell


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row, an actor or the head, with the cells that differ."""

    change: Change
    name: Message
    cells: tuple[CellChange, ...]


def compare(before: SopDocument, after: SopDocument) -> list[RowChange]:
    """Return what differs: of the head and settings, of the actors, and row by row in the order of ``after``."""
    return [
        *_part_changes(_("SOP header"), _head_cells(before), _head_cells(after)),
        *_part_changes(_("Program settings under this SOP"), _switch_cells(before), _switch_cells(after)),
        *_matched(_limit_entries(before), _limit_entries(after)),
        *_matched(_actor_entries(before), _actor_entries(after)),
        *_matched(_row_entries(before), _row_entries(after)),
    ]


# -- entries: (what it is matched by) → (name, cells) ----------------------------------------------------------------


_Entries = dict[str, tuple[Message, "dict[Message, Cell]"]]


def _matched(before: _Entries, after: _Entries) -> Iterator[RowChange]:
    """Yield what differs between entries with the same key, those that are gone where they stood."""
    for key, name, cells in _in_order(before, after):
        if key not in before:
            yield RowChange(Change.ADDED, name, _cell_changes(*_without_number({}, cells, is_same=False)))
        elif key not in after:
            yield RowChange(Change.REMOVED, name, _cell_changes(*_without_number(cells, {}, is_same=False)))
        elif changes := _cell_changes(*_without_number(before[key][1], cells, is_same=before.keys() == after.keys())):
            yield RowChange(Change.CHANGED, name, changes)


def _without_number(
    before: dict[Message, Cell], after: dict[Message, Cell], *, is_same: bool
) -> tuple[dict[Message, Cell], dict[Message, Cell]]:
    """Return the cells of a row without its number, which changes by itself where rows were added or removed."""
    if is_same:
        return before, after
    number = PART_LABELS["no"]
    return {key: one for key, one in before.items() if key != number}, {
        key: one for key, one in after.items() if key != number
    }


def _in_order(before: _Entries, after: _Entries) -> Iterator[tuple[str, Message, dict[Message, Cell]]]:
    gone = [key for key in before if key not in after]
    former = list(before)
    for key, (name, cells) in after.items():
        while gone and key in before and former.index(gone[0]) < former.index(key):
            yield (gone[0], *before[gone.pop(0)])
        yield key, name, cells
    for key in gone:
        yield (key, *before[key])


def _part_changes(name: Message, before: dict[Message, Cell], after: dict[Message, Cell]) -> Iterator[RowChange]:
    if changes := _cell_changes(before, after):
        yield RowChange(Change.CHANGED, name, changes)


def _cell_changes(before: Mapping[Message, Cell], after: Mapping[Message, Cell]) -> tuple[CellChange, ...]:
    return tuple(
        CellChange(label, before.get(label, ()), after.get(label, ()))
        for label in dict.fromkeys((*before, *after))
        if before.get(label, ()) != after.get(label, ())
    )


# -- cells -----------------------------------------------------------------------------------------------------------


def _head_cells(document: SopDocument) -> dict[Message, Cell]:
    cells = {}
    for path, label in HEAD_LABELS.items():
        value: object = document.values
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        cells[label] = _cell(value)
    return cells


def _switch_cells(document: SopDocument) -> dict[Message, Cell]:
    switches = document.values["switches"]
    reason = _cell(document.values.get("without_verification"))
    return {PART_LABELS["without_verification"]: reason} | {
        label: _cell(switches.get(key, "handling" if key == "clock" else False)) for key, label in SWITCH_LABELS.items()
    }


_WORDS: dict[object, Message] = {
    True: _("Yes"),
    False: _("No"),
    "handling": _("the assignment of the step (handling)"),
    "arrival": _("the arrival of the request at the step"),
}


def _cell(value: object) -> Cell:
    """Return a value of the head in words."""
    if value in (None, "", []):
        return ()
    if isinstance(value, list):
        return tuple(_term(one) for one in value)
    if isinstance(value, str | bool):
        return (_WORDS.get(value) or str(value),)
    return (value,) if isinstance(value, dt.date) else (str(value),)


def _term(value: object) -> str:
    return f"{value.get('term', '')} {value.get('text', '')}" if isinstance(value, dict) else str(value)


def _limit_entries(document: SopDocument) -> _Entries:
    names = document.step_names(numbered=False)
    entries: _Entries = {}
    for number, limit in enumerate(document.limits):
        title = str(limit.get("title", ""))
        cells: dict[Message, Cell] = {
            PART_LABELS[key]: (names.get(str(limit[key]), str(limit[key])),) if limit.get(key) else ()
            for key in ("from", "to")
        }
        cells[PART_LABELS["time"]] = _texts(limit.get("time"))
        entries[title if title not in entries else f"{title}-{number}"] = (_("Limit “%(limit)s”", limit=title), cells)
    return entries


def _actor_entries(document: SopDocument) -> _Entries:
    return {
        str(actor.get("key", "")): (
            _("Executor %(actor)s", actor=str(actor.get("title", ""))),
            {PART_LABELS["title"]: (str(actor.get("title", "")),), PART_LABELS["role"]: (_role(actor),)},
        )
        for actor in document.actors
    }


def _role(actor: Values) -> Message | str:
    return next((role.title for role in Role if role.value == actor.get("role")), str(actor.get("role", "")))


def _row_entries(document: SopDocument) -> _Entries:
    entries: _Entries = {}
    for row in document.rows():
        key, number = row.token, 1
        while key in entries:
            number += 1
            key = f"{row.token}-{number}"
        entries[key] = (row.name, _row_cells(document, row))
    return entries


def _row_cells(document: SopDocument, row: Row) -> dict[Message, Cell]:
    values = row.values
    cells: dict[Message, Cell] = {
        PART_LABELS["no"]: (str(row.number),) if row.number else (),
        PART_LABELS["name"]: _texts(values.get("title")),
        PART_LABELS["activity"]: (row.text,) if row.text else (),
        PART_LABELS["actor"]: _texts(document.actor_title(values.get("actor")) or values.get("actor")),
        PART_LABELS["requires"]: tuple(_requirement(document, one) for one in values.get("requires", [])),
        PART_LABELS["time"]: _texts(values.get("time")),
        PART_LABELS["output"]: _texts(*values.get("output", [])),
        PART_LABELS["remarks"]: _texts(values.get("remarks")),
    }
    if row.is_step:
        cells[PART_LABELS["outcomes"]] = tuple(
            Message(
                "%(outcome)s → %(target)s",
                {"outcome": outcome_title(key), "target": target_title(document, to, numbered=False)},
            )
            for key, to in document.outcomes(values).items()
        )
        cells[PART_LABELS["reason_for"]] = tuple(outcome_title(str(one)) for one in values.get("reason_for", []))
        cells[PART_LABELS["apart_from"]] = tuple(
            target_title(document, str(one), numbered=False) for one in values.get("apart_from", [])
        )
        cells[PART_LABELS["consents"]] = tuple(_consent(document, one) for one in values.get("consents", []))
        cells[PART_LABELS["lasts"]] = _texts(values.get("lasts"))
        cells[PART_LABELS["lasts_until"]] = _texts(document.field_label(values.get("lasts_until")))
        cells[PART_LABELS["flow"]] = tuple(
            f"{document.actor_title(key)}: {word}" for key, word in values.get("flow", {}).items()
        )
        cells[PART_LABELS["fields"]] = tuple(_field(one) for one in values.get("fields", []))
    return cells


def _texts(*values: object) -> Cell:
    return tuple(str(value) for value in values if value)


def _requirement(document: SopDocument, item: object) -> Message | str:
    if not isinstance(item, dict):
        return str(item)
    kind = next((one.title for one in ItemKind if one.value == item.get("kind")), "")
    when = next((one.title for one in RequirementCondition if one.value == item.get("when")), "")
    of = target_title(document, str(item["of"]), numbered=False) if "of" in item else ""
    about = join_messages([part for part in (kind, of, when) if part], ", ")
    return Message("%(label)s (%(about)s)", {"label": str(item.get("label", "")), "about": about})


def _consent(document: SopDocument, values: Values) -> Message:
    """Return in words whose consent a step needs."""
    title, number = document.actor_title(values.get("actor")), values.get("number")
    if number is None:
        return _("%(actor)s: everybody who is appointed", actor=title)
    return _("%(actor)s: %(number)s people", actor=title, number=number)


def _field(field: Values) -> Message:
    """Return a field of a step in words."""
    kind = next((one.title for one in SopFieldKind if one.value == field.get("kind")), "")
    parts: list[Message | str] = [kind, *map(str, field.get("choices", [])), *map(str, field.get("columns", []))]
    for key in ("required_for", "only_for"):
        names = [outcome_title(str(one)) for one in field.get(key, [])]
        parts += [_labelled(key, join_messages([*names], ", "))] if names else []
    if when := field.get("when"):
        parts.append(_labelled("when", ", ".join(map(str, when.get("is", [])))))
    parts += [PART_LABELS["listed"]] if field.get("listed") else []
    parts.append(str(field.get("help", "")))
    about = join_messages([one for one in parts if one])
    return Message("%(label)s (%(about)s)", {"label": str(field.get("label", "")), "about": about})


def _labelled(key: str, words: Message | str) -> Message:
    return Message("%(label)s: %(words)s", {"label": PART_LABELS[key], "words": words})
