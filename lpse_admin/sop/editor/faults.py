"""What is wrong with an SOP that is being edited: at which row, in plain words, with the remedies that are clear.

The checker's errors are about a file (``reading``, ``validation``). Here they get the place on the editor's screens,
the names that the SOP has for its rows, and no key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, Message, _
from lpse_admin.sop.editor.kinds import STEP_LIST
from lpse_admin.sop.editor.labels import label_of
from lpse_admin.sop.editor.remedies import remedies_for
from lpse_admin.sop.remarks import dead_ends, time_readings
from lpse_admin.sop.steps import Step

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from lpse_admin.sop.editor.document import SopDocument
    from lpse_admin.sop.editor.remedies import Remedy
    from lpse_admin.sop.model import LineError, Sop


class Section(LabelledEnum):
    """The screens of the editor."""

    HEAD = "head", _("SOP header")
    ACTORS = "actors", _("Executors")
    ROWS = "rows", _("Activities")
    SETTINGS = "settings", _("Program settings under this SOP")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is on the screens: the screen, the row or actor, the field of a step, and the input."""

    section: Section
    index: int | None = None
    field: int | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong; ``is_remark`` is sound, but to be looked at."""

    message: Message
    place: Place
    where: Message
    remedies: tuple[Remedy, ...] = ()
    is_remark: bool = False


def find_faults(document: SopDocument, errors: Sequence[LineError], *, today: dt.date) -> list[Fault]:
    """Return ``errors`` of the document's file as faults, those of the head first and then by row."""
    return _sorted([_fault(document, error, today) for error in errors])


def find_remarks(document: SopDocument, sop: Sop, *, today: dt.date) -> list[Fault]:
    """Return what a sound SOP leaves to ask."""
    text = document.toml
    found = (*dead_ends(sop, text), *time_readings(sop, text))
    return _sorted([_fault(document, error, today, is_remark=True) for error in found])


def _sorted(faults: list[Fault]) -> list[Fault]:
    order = list(Section)
    return sorted(faults, key=lambda fault: (order.index(fault.place.section), fault.place.index or 0))


def _fault(document: SopDocument, error: LineError, today: dt.date, *, is_remark: bool = False) -> Fault:
    path = error.path or _DEFAULT_PATHS.get(error.message.text, ())
    place = place_of(document, path)
    return Fault(
        plain_words(document, error.message, path),
        place,
        _where(document, place),
        remedies_for(document, error.message, path, today),
        is_remark=is_remark,
    )


def place_of(document: SopDocument, path: tuple[str | int, ...]) -> Place:
    """Return the place of a value of the file on the screens."""
    first = path[0] if path else ""
    words = [part for part in path[2:] if isinstance(part, str)]
    index = path[1] if len(path) > 1 and isinstance(path[1], int) else None
    if first == "actors":
        return Place(Section.ACTORS, index, part=words[0] if words else "")
    if first in _SETTINGS:
        return Place(Section.SETTINGS, part=_SETTINGS[first](path))
    if first not in (STEP_LIST, "rows"):
        return Place(Section.HEAD, part="_".join(part for part in path if isinstance(part, str)))
    rows = document.rows()
    row = next((place for place, one in enumerate(rows) if (one.list_name, one.index) == (first, index)), None)
    field = next(iter(path[3:4]), None)
    if words[:1] == ["fields"] and isinstance(field, int):
        return Place(Section.ROWS, row, field, words[1] if len(words) > 1 else "")
    return Place(Section.ROWS, row, part="-".join(map(str, path[2:4])))


#: The input of a setting, by the part of the file that it is in.
_SETTINGS: dict[str | int, Callable[[tuple[str | int, ...]], str]] = {
    "without_verification": lambda _path: "without_verification",
    "switches": lambda path: str(path[1]) if len(path) > 1 else "",
    "limits": lambda path: f"limit-{'-'.join(map(str, (*path, 0, 'title')[1:3]))}",
}


def _where(document: SopDocument, place: Place) -> Message:
    """Return the name of the row or actor, or of the screen."""
    if place.index is None:
        return place.section.title
    if place.section is Section.ACTORS:
        actors = document.actors
        title = str(actors[place.index].get("title", "")) if place.index < len(actors) else ""
        return Message("%(title)s", {"title": title}) if title else place.section.title
    row = document.rows()[place.index]
    if place.field is None:
        return row.name
    fields = document.fields(row.values)
    label = fields[place.field].get("label", "") if place.field < len(fields) else ""
    return _("%(row)s, field “%(field)s”", row=row.name, field=label)


def plain_words(document: SopDocument, message: Message, path: tuple[str | int, ...]) -> Message:
    """Return the checker's sentence with the names that the screens have, and without keys."""
    names = document.step_names()
    say = PLAIN.get(message.text) if path[2:3] != ("flow",) else _NO_COLUMN
    if say is not None:
        values = {key: _named(value, names) for key, value in message.values.items()}
        return say({**values, "label": label_of(_path_with_key(message, path))})
    return Message(message.text, {key: _named(value, names) for key, value in message.values.items()})


def _path_with_key(message: Message, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return the path of the value that a message names by its key."""
    key = message.values.get("key")
    return (*path, key) if isinstance(key, str) and path[-1:] != (key,) and message.text in _NAMES_A_KEY else path


def _named(value: object, names: dict[str, Message]) -> object:
    """Return what the screens call a step, an outcome or a role."""
    if isinstance(value, Step):
        return names.get(value.value) or value.title
    if isinstance(value, LabelledEnum):
        return value.title
    return value


def _say(text: Message) -> Callable[[dict[str, object]], Message]:
    return lambda values: Message(text.text, values)


_NOT_FILLED_IN = _say(_("“%(label)s” is not filled in."))
_CHOOSE = _say(_("Choose “%(label)s” again: what was chosen is not there."))
_NO_COLUMN = _say(_("A word stands in the column of an executor that is not there."))
_UNKNOWN_PART = _say(_("The file has a part “%(key)s” that this program does not know."))
_NAMES_A_KEY = frozenset({"%(key)s is missing", "%(key)s is empty"})
_REVISED = "a revision of this SOP has this number with other content; a new one has a later date in revised"
#: Where errors are that come without a path.
_DEFAULT_PATHS: dict[str, tuple[str | int, ...]] = {
    _REVISED: ("revised",),
    "the number %(number)s already belongs to an SOP with other content": ("number",),
}
#: What the editor says instead of a sentence about the file.
PLAIN: dict[str, Callable[[dict[str, object]], Message]] = {
    "%(key)s is missing": _NOT_FILLED_IN,
    "%(key)s is empty": _NOT_FILLED_IN,
    "%(key)s is empty; leave the line out where the SOP sets none": _say(
        _("“%(label)s” has only blanks: type a time, or nothing.")
    ),
    "%(key)s is not the key of a field of the kind date or moment": _say(
        _("“%(label)s” is to be a field with a date, or with a date and time.")
    ),
    "%(key)s belongs to steps called waiting.name": _say(_("Only a step of waiting has “%(label)s”.")),
    "whoever finishes the step consents by it: ask for two or more of them": _say(
        _("Whoever finishes this row consents by it: ask for two or more of them.")
    ),
    "%(key)s is longer than %(longest)s characters": _say(
        _("“%(label)s” has more than %(longest)s characters: shorten it.")
    ),
    "%(key)s has more than %(most)s entries": _say(_("“%(label)s” has more than %(most)s entries.")),
    "%(key)s needs 1 to %(most)s entries": _say(_("“%(label)s” needs 1 to %(most)s entries, each on a line.")),
    "%(key)s contains a character that cannot be printed": _say(
        _("“%(label)s” has a character that cannot be printed: type it again.")
    ),
    "%(key)s must be one of %(words)s, not %(found)s": _CHOOSE,
    "%(key)s must consist of lower-case letters, digits and hyphens, not %(found)s": _CHOOSE,
    "%(key)s must be a string in quotes": _CHOOSE,
    "%(key)s must be a list of strings": _CHOOSE,
    "%(key)s must be a date like 2018-03-31, without quotes": _CHOOSE,
    "%(key)s must be true or false": _CHOOSE,
    "%(key)s must be a whole number from 1 to %(largest)s": _say(
        _("“%(label)s” must be a whole number from 1 to %(largest)s, or empty.")
    ),
    "%(key)s must be tables, each under a line [[%(key)s]]": _CHOOSE,
    '%(key)s must be a list of tables, each written { kind = "…", label = "…" }': _CHOOSE,
    '%(key)s must be a table, written { key = "…" }': _CHOOSE,
    "%(key)s must be above the first table, above [agency]": _UNKNOWN_PART,
    "unknown key %(key)s; did you mean %(close)s?": _UNKNOWN_PART,
    "unknown key %(key)s; known keys are %(known)s": _UNKNOWN_PART,
    "the actor %(key)s is defined twice": _say(_("There is the same executor twice: remove one.")),
    "unknown actor %(actor)s": _say(_("The executor of this row was removed: choose another.")),
    "there are no actors": _say(_("There is no executor yet.")),
    "there is already a row of kind %(kind)s": _say(_("There is already such a row; remove one of them.")),
    "the step has no outcome": _say(_("This row has no outcome: say where a request goes from here.")),
    "unknown step %(step)s; did you mean %(close)s?": _say(_("“%(label)s” names a row that is not there.")),
    "unknown step %(step)s; known steps are %(known)s": _say(_("“%(label)s” names a row that is not there.")),
    "unknown outcome %(outcome)s; known outcomes are %(known)s": _say(
        _("This row has an outcome that the program does not know.")
    ),
    "%(outcome)s is not an outcome of %(step)s; its outcomes are %(known)s": _say(
        _("“%(outcome)s” is no outcome of this row.")
    ),
    "a NIP has %(digits)s digits; leave the line out where the SOP gives none": _say(
        _("A NIP has %(digits)s digits; leave it empty where the SOP gives none.")
    ),
    "%(zone)s is not a supported time zone; use Asia/Jakarta, Asia/Makassar or Asia/Jayapura": _CHOOSE,
    "no key can be made from this label: set one with key =": _say(
        _("The label of a requirement needs letters or digits.")
    ),
    "%(step)s is not a step of this SOP; its steps are %(known)s": _say(
        _("A limit names a row that is not there: choose another for “%(label)s”.")
    ),
    "another limit has the same title": _say(_("There are two limits with the same name.")),
    "no limit ends with the request: a draft is not work of the office": _say(
        _("No limit ends with the request itself: a draft is not work of the office.")
    ),
    "%(last)s cannot be reached from %(first)s": _say(
        _("The limit ends with “%(last)s”, which no request reaches from “%(first)s”.")
    ),
    "an SOP has at most %(most)s limits": _say(_("There are more than %(most)s limits.")),
    "the fields of %(step)s are those of request": _say(
        _("An answer to a return has the fields of the request: ask for them there.")
    ),
    "%(outcome)s leads to %(step)s, a step that this SOP leaves out": _say(
        _("“%(outcome)s” leads to “%(step)s”, a row that is not there.")
    ),
    "%(outcome)s needs the switch verification_may_return_report": _say(
        _("“%(outcome)s” needs the setting that verification may return a report for revision.")
    ),
    "a field is required for outcomes that only_for does not name": _say(
        _("The field is required for an outcome for which it is not asked.")
    ),
    "rows are not shown in a list; leave listed out": _say(_("Rows of several columns cannot be shown in lists.")),
    "%(key)s belongs to fields of the kind %(kinds)s": _say(_("“%(label)s” does not belong to this kind of field.")),
    "no field %(key)s stands before this one in the step": _say(
        _("The field that it depends on must be above it in the same row.")
    ),
    "only a field of the kind yes-no, one-of or several-of can be a condition, not %(kind)s": _say(
        _("A field can depend only on one with choices, or of yes or no.")
    ),
    "%(time)s is not a standard time; write it like 2 jam, 15 menit or 1 hari, up to a year": _say(
        _("“%(time)s” cannot be read as a time: write it like 2 jam, 15 menit or 1 hari, up to a year.")
    ),
    "%(outcome)s belongs to the steps of the procedure; name it in the SOP's own words%(others)s": _say(
        _("“%(outcome)s” is an outcome of other rows: give this one a name of its own.")
    ),
    "an outcome is called by letters, digits and hyphens, at most %(longest)s, not %(found)s": _say(
        _("The name of an outcome is too long, or has no letters or digits.")
    ),
    (
        "a step of this name is written %(kind)s.name: letters, digits and hyphens, at most %(longest)s"
        " characters in all"
    ): _say(_("“%(label)s” names a row that is not there.")),
    "a waiting step has either lasts or lasts_until": _say(
        _("Say for how long this row waits, or the field with the day until which it waits, and not both.")
    ),
    "%(step)s is no decision, so it has one outcome; a decision is called decision.%(name)s": _say(
        _("“%(step)s” is no decision, so it has one outcome; add a row of the kind “Decision” for a choice.")
    ),
    "%(outcome)s could close a change that was implemented and never verified": _say(
        _(
            "“%(outcome)s” could close a change that was implemented and never verified: add the verification, or say"
            " in the settings why there is none."
        )
    ),
    "%(word)s stands there twice": _say(_("“%(word)s” is there twice.")),
    "the field %(key)s is defined twice": _say(_("Two fields of this row are the same.")),
    "%(outcome)s is not among the outcomes of this step: %(known)s": _say(
        _("The field names an outcome that this row does not have.")
    ),
    _REVISED: _say(
        _("The content has changed and the number has not: enter a later date of revision, or another number.")
    ),
}
