"""The forms of the editor: made from what is edited, and read back into it. They decide nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.roles import ACTOR_ROLES, Role
from lpse_admin.i18n import Message, _
from lpse_admin.sop.editor.document import SopDocument, set_values
from lpse_admin.sop.editor.labels import HEAD_LABELS, PART_LABELS, SWITCH_LABELS
from views.forms.base import Form
from views.forms.fields import DateField
from views.i18n.language import tr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wtforms import Field

    Choice = tuple[str, Message | str]

_DATES = frozenset({"made", "revised", "approved"})
_LISTS = frozenset(
    {"hierarchy", "address", "header", "contents", "legal_basis", "qualifications", "related", "equipment", "warnings",
     "record_keeping"}
)  # fmt: skip
#: Longer than any number of versions.
_MAX_DIGITS = 9
_ONE_EACH = _("One on each line.")
_ZONES = (
    ("Asia/Jakarta", _("WIB (western Indonesia)")),
    ("Asia/Pontianak", _("WIB (West and Central Kalimantan)")),
    ("Asia/Makassar", _("WITA (central Indonesia)")),
    ("Asia/Jayapura", _("WIT (eastern Indonesia)")),
)
_HELP: dict[tuple[str, ...], Message] = {
    ("revised",): _("A new revision under the same number needs a later date."),
    ("signatory", "nip"): _("18 digits; empty where the SOP gives none."),
}


class DocumentForm(Form):
    """A form of the editor; ``version`` is the version that it was made from."""

    version = HiddenField()


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form, and what they are filled in with."""

    fields: dict[str, Any]
    data: dict[str, object]


def make_form(made: Fields, version: int) -> DocumentForm:
    """Return a form with fields, filled in where it was not sent."""
    data = {**made.data, "version": str(version)}
    form: DocumentForm = type("DocumentPartForm", (DocumentForm,), dict(made.fields))(data=data)
    return form


def version_of(form: DocumentForm) -> int:
    """Return the version that a form was made from; 0 where it says none."""
    text = str(form.version.data or "")
    return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else 0


def typed(form: Form) -> dict[str, Any]:
    """Return what was typed, by field; texts are stripped."""
    values = form.arguments()
    return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}


def lines_of(text: object) -> list[str]:
    """Return the lines of a text that are not blank."""
    return [line.strip() for line in str(text or "").splitlines() if line.strip()]


def text_of(value: object) -> str:
    """Return a value of the file as the text of an input: a list with one entry a line."""
    if isinstance(value, list):
        return "\n".join(str(one) for one in value)
    return "" if value is None else str(value)


def select(label: Message, choices: Iterable[Choice], chosen: object = "") -> SelectField:
    """Return a choice that also offers what is chosen and no longer there."""
    offered = [SelectChoice(value, tr(title)) for value, title in choices]
    if chosen and all(str(chosen) != one.value for one in offered):
        offered.append(SelectChoice(str(chosen), tr(_("(removed)"))))
    return SelectField(label, choices=offered)


# -- the head --------------------------------------------------------------------------------------------------------


def head_form(document: SopDocument) -> Fields:
    """Return the fields of the head."""
    fields: dict[str, Any] = {}
    data: dict[str, object] = {}
    for path, label in HEAD_LABELS.items():
        value: object = document.values
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        name = "_".join(path)
        if path == ("glossary",):
            terms = value if isinstance(value, list) else []
            data[name] = "\n".join(f"{one.get('term', '')}: {one.get('text', '')}" for one in terms)
        else:
            data[name] = value if path[-1] in _DATES and isinstance(value, dt.date) else text_of(value)
        fields[name] = _head_field(path, label, value)
    return Fields(fields, data)


def _head_field(path: tuple[str, ...], label: Message, value: object) -> Field:
    if path == ("time_zone",):
        return select(label, (("", _("Choose")), *_ZONES), value)
    if path[-1] in _DATES:
        return DateField(label, description=_HELP.get(path, ""))
    if path == ("glossary",):
        about = _("One term on each line, with a colon before what it means.")
        return TextAreaField(label, description=about, render_kw={"rows": 4})
    if path[-1] in _LISTS:
        rows = min(max(len(value) if isinstance(value, list) else 0, 2), 8)
        return TextAreaField(label, description=_ONE_EACH, render_kw={"rows": rows})
    return StringField(label, description=_HELP.get(path, ""))


def read_head(document: SopDocument, form: DocumentForm) -> None:
    """Put what was typed into the head."""
    values = typed(form)
    for path in HEAD_LABELS:
        name = "_".join(path)
        target = document.values if len(path) == 1 else document.values[path[0]]
        value = values[name]
        if path == ("glossary",):
            value = [_term(line) for line in lines_of(value)]
        elif path[-1] in _LISTS:
            value = lines_of(value)
        set_values(target, {path[-1]: value})
    document.values.setdefault("glossary", [])


def _term(line: str) -> dict[str, str]:
    term, _colon, text = line.partition(":")
    return {"term": term.strip(), "text": text.strip()}


# -- settings --------------------------------------------------------------------------------------------------------


def settings_form(document: SopDocument) -> Fields:
    """Return the fields of the switches."""
    switches = document.values["switches"]
    fields: dict[str, Any] = {key: BooleanField(label) for key, label in SWITCH_LABELS.items() if key != "clock"}
    fields["clock"] = RadioField(
        SWITCH_LABELS["clock"],
        choices=[
            SelectChoice("handling", tr(_("the assignment of the step (handling)"))),
            SelectChoice("arrival", tr(_("the arrival of the request at the step"))),
        ],
    )
    data: dict[str, object] = {key: bool(switches.get(key)) for key in fields if key != "clock"}
    fields["without_verification"] = TextAreaField(
        PART_LABELS["without_verification"],
        description=_("Only where the SOP leaves the verification out on purpose; shown and printed with it."),
        render_kw={"rows": 2},
    )
    data["without_verification"] = text_of(document.values.get("without_verification"))
    limits = limits_form(document)
    return Fields(fields | limits.fields, {**data, "clock": switches.get("clock", "handling"), **limits.data})


def read_settings(document: SopDocument, form: DocumentForm) -> None:
    """Put the switches into the document."""
    values = typed(form)
    set_values(document.values, {"without_verification": values.pop("without_verification")})
    read_limits(document, values)
    values = {key: value for key, value in values.items() if not key.startswith(_LIMIT)}
    document.values["switches"] |= {key: value for key, value in values.items() if value is not None}


#: Before the names of the fields of a limit.
_LIMIT = "limit-"


def limits_form(document: SopDocument) -> Fields:
    """Return the fields of the limits, with a row for another."""
    steps = list(document.step_names().items())
    fields: dict[str, Any] = {}
    data: dict[str, object] = {}
    for index, limit in enumerate([*document.limits, {}]):
        name = f"{_LIMIT}{index}"
        first = [("", _("the submission of the request")), *steps]
        last = [("", _("the end of the request")), *steps]
        fields |= {
            f"{name}-title": StringField(_("Name of the limit"), description=_("Empty to remove it.") if limit else ""),
            f"{name}-from": select(PART_LABELS["from"], first, limit.get("from")),
            f"{name}-to": select(PART_LABELS["to"], last, limit.get("to")),
            f"{name}-time": StringField(
                PART_LABELS["time"], description=_("Such as 3 hari kerja, or 24 jam kalender by the clock.")
            ),
        }
        data |= {f"{name}-{key}": text_of(limit.get(key)) for key in ("title", "from", "to", "time")}
    return Fields(fields, data)


def read_limits(document: SopDocument, values: dict[str, Any]) -> None:
    """Put what was typed into the limits; one without a name and a time is removed, and the last one added."""
    kept = []
    for index, limit in enumerate([*document.limits, {}]):
        told = {key: values[f"{_LIMIT}{index}-{key}"] for key in ("title", "from", "to", "time")}
        if told["title"] or (told["time"] and index == len(document.limits)):
            set_values(limit, told)
            kept.append(limit)
    document.values["limits"] = kept


# -- actors ----------------------------------------------------------------------------------------------------------


def actors_form(document: SopDocument) -> Fields:
    """Return the fields of the actors, with a row for another."""
    roles: list[Choice] = [("", _("Choose")), *((role.value, role.title) for role in Role if role in ACTOR_ROLES)]
    fields: dict[str, Any] = {}
    data: dict[str, object] = {}
    for index, actor in enumerate([*document.actors, {}]):
        fields[f"title-{index}"] = StringField(_("Title in the SOP"))
        fields[f"role-{index}"] = select(PART_LABELS["role"], roles, actor.get("role"))
        data |= {f"title-{index}": text_of(actor.get("title")), f"role-{index}": text_of(actor.get("role"))}
    return Fields(fields, data)


def read_actors(document: SopDocument, form: DocumentForm) -> None:
    """Put titles and roles into the actors, and add the one that was typed last."""
    values = typed(form)
    for index, actor in enumerate(list(document.actors)):
        set_values(actor, {"title": values[f"title-{index}"], "role": values[f"role-{index}"]})
    last = len(document.actors)
    if values[f"title-{last}"]:
        document.add_actor(values[f"title-{last}"], values[f"role-{last}"] or Role.CHANGE_MANAGER.value)
