"""The forms of a row of the table, of a field that a step asks for, and of what is added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wtforms import BooleanField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from lpse_admin.i18n import Message, _
from lpse_admin.sop.editor.document import condition_of, set_values
from lpse_admin.sop.editor.kinds import (
    EXTRA_TITLES,
    kind_of,
    names_outcomes,
    offered_steps,
    outcome_key,
    outcome_title,
    outcomes_of,
    step_key,
    target_title,
)
from lpse_admin.sop.editor.labels import PART_LABELS
from lpse_admin.sop.editor.remedies import usual_actor
from lpse_admin.sop.fields import NO, YES, SopFieldKind
from lpse_admin.sop.model import ItemKind, RequirementCondition, RowKind
from lpse_admin.sop.steps import Step
from views.app.errors import wants_json
from views.forms.base import CheckboxListField
from views.forms.fields import IntegerField
from views.i18n.language import tr
from views.sops.editor.forms import Fields, lines_of, select, text_of, typed

if TYPE_CHECKING:
    from lpse_admin.sop.editor.document import Row, SopDocument, Values
    from views.sops.editor.forms import Choice, DocumentForm

#: What stands between a key, which has none, and what belongs to it in the value of a choice.
_APART = ":"
#: The fields of an outcome that is added.
NEW_OUTCOME, NEW_TARGET = "new_outcome", "new_target"
#: The value of a choice for everybody who is appointed, and so many people are offered beside it.
_EVERYBODY, _MANY_CONSENTS = "all", 12
_NOT_USED = _("This outcome is not used")
_ONE_EACH = _("One on each line.")


# -- a row -----------------------------------------------------------------------------------------------------------


def row_form(document: SopDocument, row: Row) -> Fields:
    """Return the fields of a row: what the SOP's table has in it, and of a step where its outcomes lead."""
    fields, data = _table_fields(document, row)
    if row.is_step:
        for more_fields, more_data in (
            _outcome_fields(document, row.values),
            _naming_fields(document, row.values),
            _requirement_fields(document, row.values),
            _consent_fields(document, row.values),
            _flow_fields(document, row.values),
        ):
            fields |= more_fields
            data |= more_data
    else:
        fields["requires"] = TextAreaField(PART_LABELS["requires"], description=_ONE_EACH, render_kw={"rows": 2})
        data["requires"] = text_of(row.values.get("requires"))
    return Fields(fields, data)


def _table_fields(document: SopDocument, row: Row) -> tuple[dict[str, Any], dict[str, object]]:
    values = row.values
    text = "activity" if row.is_step else "text"
    about_time = (
        _("For example 15 menit, 2 jam, 1 hari; 24 jam kalender is by the clock. Empty where the SOP sets none.")
        if row.is_step
        else _("As the SOP writes it; it is shown and not judged.")
    )
    fields: dict[str, Any] = {
        "no": IntegerField(PART_LABELS["no"], description=_("As in the SOP; empty where the row has none.")),
        text: TextAreaField(PART_LABELS[text], render_kw={"rows": 3}),
        "actor": select(PART_LABELS["actor"], actor_choices(document), values.get("actor")),
        "time": StringField(PART_LABELS["time"], description=about_time),
        "output": TextAreaField(PART_LABELS["output"], description=_ONE_EACH, render_kw={"rows": 2}),
        "remarks": TextAreaField(PART_LABELS["remarks"], render_kw={"rows": 2}),
    }
    if row.is_step and kind_of(row.key) is Step.WAITING and not values.get("time"):
        del fields["time"]
    data = {key: text_of(values.get(key)) for key in fields if key != "no"}
    return fields, {**data, "no": row.number}


def actor_choices(document: SopDocument) -> list[Choice]:
    """Return the actors to choose from."""
    actors = [(str(one.get("key", "")), str(one.get("title", ""))) for one in document.actors]
    return [("", _("Choose")), *actors]


def _targets(document: SopDocument) -> list[Choice]:
    """Return where an outcome can lead."""
    return [
        ("", _NOT_USED),
        *((key, title) for key, title in document.step_names().items() if key != Step.REQUEST.value),
        (Step.CLOSED.value, target_title(document, Step.CLOSED.value)),
    ]


def _outcome_fields(document: SopDocument, values: Values) -> tuple[dict[str, Any], dict[str, object]]:
    targets = _targets(document)
    outcomes = document.outcomes(values)
    known = [outcome.value for outcome in outcomes_of(str(values.get("key", "")))]
    fields: dict[str, Any] = {}
    data: dict[str, object] = {}
    for key in [*known, *(other for other in outcomes if other not in known)]:
        chosen = text_of(outcomes.get(key))
        fields[f"outcomes-{key}"] = select(_("“%(outcome)s” leads to", outcome=outcome_title(key)), targets, chosen)
        data[f"outcomes-{key}"] = chosen
    return fields, data


def _naming_fields(document: SopDocument, values: Values) -> tuple[dict[str, Any], dict[str, object]]:
    """Return the fields of what an SOP names itself: the step, its outcomes with their reasons, how long it waits."""
    key = str(values.get("key", ""))
    outcomes = [(outcome, outcome_title(outcome)) for outcome in document.outcomes(values)]
    fields: dict[str, Any] = {
        "title": StringField(PART_LABELS["name"], description=_("Where the SOP calls this step otherwise.")),
        "reason_for": _boxes(PART_LABELS["reason_for"], outcomes, _("Besides those that always need one.")),
    }
    data: dict[str, object] = {"title": text_of(values.get("title")), "reason_for": list(values.get("reason_for", []))}
    if names_outcomes(key):
        fields[NEW_OUTCOME] = StringField(_("Another outcome"), description=_("As the SOP calls it, such as Setuju."))
        fields[NEW_TARGET] = select(_("It leads to"), _targets(document))
    if kind_of(key) is Step.WAITING:
        days: list[Choice] = [("", _("none")), *document.days().items()]
        fields["lasts"] = StringField(
            PART_LABELS["lasts"], description=_("Such as 30 hari, 30 hari kalender or 2 minggu.")
        )
        fields["lasts_until"] = select(PART_LABELS["lasts_until"], days, values.get("lasts_until"))
        data |= {name: text_of(values.get(name)) for name in ("lasts", "lasts_until")}
    return fields, data


def _requirement_fields(document: SopDocument, values: Values) -> tuple[dict[str, Any], dict[str, object]]:
    fields: dict[str, Any] = {}
    data: dict[str, object] = {}
    kinds: list[Choice] = [(kind.value, kind.title) for kind in ItemKind]
    whens: list[Choice] = [("", _("always")), *((one.value, one.title) for one in RequirementCondition)]
    steps: list[Choice] = [("", _("none")), *document.step_names().items()]
    for index, item in enumerate([*values.get("requires", []), {}]):
        name = f"requires-{index}"
        fields |= {
            f"{name}-label": StringField(_("What is required")),
            f"{name}-kind": select(_("Kind of requirement"), kinds, item.get("kind")),
            f"{name}-of": select(PART_LABELS["of"], steps, item.get("of")),
            f"{name}-when": select(_("Required when"), whens, item.get("when")),
        }
        data |= {f"{name}-{key}": text_of(item.get(key)) for key in ("label", "of", "when")}
        data[f"{name}-kind"] = item.get("kind") or ItemKind.DOCUMENT.value
    return fields, data


def _consent_fields(document: SopDocument, values: Values) -> tuple[dict[str, Any], dict[str, object]]:
    """Return the fields of who else must consent, and of the rows that nobody takes together with this one."""
    typed_numbers = (one.get("number") for one in values.get("consents", []))
    most = max((one for one in typed_numbers if isinstance(one, int)), default=0)
    numbers: list[Choice] = [
        ("", _("not needed")),
        (_EVERYBODY, _("everybody who is appointed")),
        *((str(one), _("%(number)s people", number=one)) for one in range(1, max(_MANY_CONSENTS, most) + 1)),
    ]
    given = {one.get("actor"): text_of(one.get("number")) or _EVERYBODY for one in values.get("consents", [])}
    fields: dict[str, Any] = {}
    data: dict[str, object] = {}
    for index, actor in enumerate(document.actors):
        label = _("Consent of %(actor)s", actor=str(actor.get("title", "")))
        fields[f"consents-{index}"] = select(label, numbers, given.get(actor.get("key")))
        data[f"consents-{index}"] = given.get(actor.get("key"), "")
    others = [(key, title) for key, title in document.step_names().items() if key != values.get("key")]
    fields["apart_from"] = _boxes(
        PART_LABELS["apart_from"], others, _("Besides the parts that always check each other.")
    )
    data["apart_from"] = list(values.get("apart_from", []))
    return fields, data


def _flow_fields(document: SopDocument, values: Values) -> tuple[dict[str, Any], dict[str, object]]:
    flow = values.get("flow", {})
    fields = {
        f"flow-{index}": StringField(_("In the column %(actor)s", actor=str(actor.get("title", ""))))
        for index, actor in enumerate(document.actors)
    }
    data = {f"flow-{index}": text_of(flow.get(actor.get("key"))) for index, actor in enumerate(document.actors)}
    return dict(fields), dict(data)


def read_row(document: SopDocument, row: Row, form: DocumentForm) -> None:
    """Put what was typed into a row."""
    typed_values = typed(form)
    text = "activity" if row.is_step else "text"
    in_table = ("no", text, "actor", "time", "remarks")
    set_values(row.values, {key: typed_values[key] for key in in_table if key in typed_values})
    set_values(row.values, {"output": lines_of(typed_values["output"])})
    if not row.is_step:
        set_values(row.values, {"requires": lines_of(typed_values["requires"])})
        return
    outcomes = {name.removeprefix("outcomes-"): to for name, to in typed_values.items() if name.startswith("outcomes-")}
    row.values["outcomes"] = _in_former_order(document.outcomes(row.values), outcomes)
    if typed_values.get(NEW_OUTCOME) and not wants_json():
        new = outcome_key(typed_values[NEW_OUTCOME], row.values["outcomes"])
        row.values["outcomes"][new] = typed_values[NEW_TARGET] or Step.CLOSED.value
    own = ("title", "reason_for", "lasts", "lasts_until")
    set_values(row.values, {key: typed_values[key] for key in own if key in typed_values})
    set_values(
        row.values, {"apart_from": typed_values["apart_from"] or [], "consents": _read_consents(document, typed_values)}
    )
    former = row.values.get("requires", [])
    set_values(row.values, {"requires": _read_requirements(former, typed_values)})
    flow = {
        str(actor.get("key")): typed_values[f"flow-{index}"]
        for index, actor in enumerate(document.actors)
        if typed_values.get(f"flow-{index}")
    }
    set_values(row.values, {"flow": _in_former_order(row.values.get("flow", {}), flow)})


def _read_consents(document: SopDocument, typed_values: dict[str, Any]) -> list[Values]:
    """Return whose consent was asked for, in the order of the actors."""
    consents: list[Values] = []
    for index, actor in enumerate(document.actors):
        number = typed_values.get(f"consents-{index}")
        if number:
            consents.append({"actor": actor.get("key")} | ({} if number == _EVERYBODY else {"number": int(number)}))
    return consents


def _in_former_order(former: dict[str, str], now: dict[str, str]) -> dict[str, str]:
    """Return what of ``now`` is not empty, in the order that it had in the file."""
    keys = [*(key for key in former if key in now), *(key for key in now if key not in former)]
    return {key: now[key] for key in keys if now[key]}


def _read_requirements(former: list[Values], typed_values: dict[str, Any]) -> list[Values]:
    """Return the requirements whose label is not empty."""
    items: list[Values] = []
    for index, item in enumerate([*former, {}]):
        read = {key: typed_values.get(f"requires-{index}-{key}") for key in ("label", "kind", "of", "when")}
        if read["label"]:
            changed = dict(item)
            set_values(changed, {"kind": read["kind"], "of": read["of"], "label": read["label"], "when": read["when"]})
            if item.get("label") != read["label"]:
                changed.pop("key", None)
            items.append(changed)
    return items


# -- a new row -------------------------------------------------------------------------------------------------------


def new_row_form(document: SopDocument, after: int) -> Fields:
    """Return the fields of a row that is added behind another."""
    taken = {row.key for row in document.rows()}
    extras = [row.values.get("kind") for row in document.rows() if not row.is_step]
    kinds: list[Choice] = [
        *((f"step{_APART}{key}", title) for key, title in offered_steps(taken)),
        *(
            (kind.value, EXTRA_TITLES[kind.value])
            for kind in (RowKind.NOTE, RowKind.START, RowKind.END)
            if kind is RowKind.NOTE or kind.value not in extras
        ),
    ]
    rows: list[Choice] = [
        ("-1", _("at the beginning")),
        *((str(at), row.name) for at, row in enumerate(document.rows())),
    ]
    fields: dict[str, Any] = {
        "kind": select(_("Kind of row"), kinds),
        "title": StringField(
            PART_LABELS["name"],
            description=_("Of a step of the office's own, and of a kind that stands more than once."),
        ),
        "after": select(_("Behind the row"), rows),
        "text": TextAreaField(_("Activity or text"), render_kw={"rows": 3}),
        "actor": select(PART_LABELS["actor"], actor_choices(document)),
    }
    return Fields(fields, {"after": str(after), "actor": ""})


def add_row(document: SopDocument, form: DocumentForm) -> int:
    """Add the row and return its place."""
    values = typed(form)
    after = int(values["after"])
    marked, apart, key = values["kind"].partition(_APART)
    if not apart:
        place = document.add_row({"no": 0, "text": values["text"], "kind": marked}, is_step=False, after=after)
        set_values(document.rows()[place].values, {"actor": values["actor"]})
        return place
    taken = document.step_names()
    kind, key = kind_of(key), step_key(key, values["title"] or values["text"], taken)
    place = document.add_step(key, actor=values["actor"] or usual_actor(document, kind), after=after)
    document.rows()[place].values["activity"] = values["text"]
    set_values(document.rows()[place].values, {"title": values["title"]})
    return place


# -- fields of a step ------------------------------------------------------------------------------------------------


def field_form(document: SopDocument, row: Row, place: int | None) -> Fields:
    """Return the fields of a field that a step asks for; of a new one with ``place`` None."""
    former = document.fields(row.values)
    values = former[place] if place is not None else {}
    outcomes = [(key, outcome_title(key)) for key in document.outcomes(row.values)]
    kinds: list[Choice] = [(kind.value, kind.title) for kind in SopFieldKind]
    conditions = _conditions(former if place is None else former[:place])
    fields: dict[str, Any] = {
        "label": StringField(PART_LABELS["label"]),
        "kind": select(PART_LABELS["kind"], kinds, values.get("kind")),
        "choices": TextAreaField(
            PART_LABELS["choices"],
            description=_("Of a field with a list: one choice on each line."),
            render_kw={"rows": 3},
        ),
        "columns": TextAreaField(
            PART_LABELS["columns"], description=_("Of rows: one heading on each line."), render_kw={"rows": 2}
        ),
        "required_for": _boxes(PART_LABELS["required_for"], outcomes),
        "only_for": _boxes(PART_LABELS["only_for"], outcomes, _("None ticked: for every outcome.")),
        "help": TextAreaField(PART_LABELS["help"], render_kw={"rows": 2}),
        "listed": BooleanField(PART_LABELS["listed"]),
    }
    if conditions:
        fields["when"] = _boxes(PART_LABELS["when"], conditions, _("None ticked: always."))
    when = values.get("when", {})
    data: dict[str, object] = {
        **{key: text_of(values.get(key)) for key in ("label", "choices", "columns", "help")},
        "kind": values.get("kind", SopFieldKind.LINE.value),
        "required_for": list(values.get("required_for", [])),
        "only_for": list(values.get("only_for", [])),
        "listed": bool(values.get("listed")),
        "when": [f"{when.get('field')}{_APART}{value}" for value in when.get("is", [])],
    }
    return Fields(fields, data)


def _boxes(label: Message, choices: list[tuple[str, Any]], about: Message | str = "") -> SelectMultipleField:
    offered = [SelectChoice(value, tr(title)) for value, title in choices]
    return CheckboxListField(label, choices=offered, description=about)


def _conditions(before: list[Values]) -> list[tuple[str, Message]]:
    """Return each value of the fields before that a field can depend on."""
    possible = []
    for field in before:
        words = [YES, NO] if field.get("kind") == SopFieldKind.YES_NO else field.get("choices", [])
        label = str(field.get("label", ""))
        possible += [
            (f"{field.get('key')}{_APART}{word}", Message("%(label)s: %(word)s", {"label": label, "word": word}))
            for word in words
        ]
    return possible


def read_field(document: SopDocument, row: Row, place: int | None, form: DocumentForm) -> int:
    """Put what was typed into a field, a new one with ``place`` None, and return its place."""
    typed_values = typed(form)
    if place is None:
        place = document.add_field(row.values, typed_values["label"], typed_values["kind"])
    field = document.fields(row.values)[place]
    set_values(field, {key: typed_values[key] for key in ("label", "kind", "help", "listed")})
    set_values(field, {key: lines_of(typed_values[key]) for key in ("choices", "columns")})
    set_values(field, {key: typed_values[key] for key in ("required_for", "only_for")})
    if "when" in typed_values:
        set_values(field, {"when": condition_of([box.split(_APART, 1) for box in typed_values["when"] or []])})
    if not field.get("listed"):
        field.pop("listed", None)
    return place
