"""Fields that an SOP asks for in a step besides those that every record has: ``[[steps.fields]]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpse_admin.i18n import LabelledEnum, Message, _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from lpse_admin.sop.steps import Outcome
    from lpse_admin.sop.toml.values import Table

#: The lengths of the database columns for these texts.
MAX_LABEL_LENGTH, MAX_CHOICE_LENGTH, MAX_HELP_LENGTH = 200, 200, 1_000
MAX_FIELDS, MAX_CHOICES, MAX_COLUMNS = 60, 60, 8

FIELD_KEYS = ("key", "label", "kind", "required_for", "only_for", "when", "choices", "columns", "help", "listed")
_WHEN_KEYS = ("field", "is")


class SopFieldKind(LabelledEnum):
    """What is entered in a field."""

    LINE = "line", _("Line of text")
    TEXT = "text", _("Text of several lines")
    NUMBER = "number", _("Number")
    MONEY = "money", _("Amount of money")
    DATE = "date", _("Date")
    MOMENT = "moment", _("Date and time")
    DURATION = "duration", _("Duration")
    YES_NO = "yes-no", _("Yes or no")
    ONE_OF = "one-of", _("One of a list")
    SEVERAL_OF = "several-of", _("One or several of a list")
    USER = "user", _("User of the office")
    ASSET = "asset", _("Asset")
    REQUEST = "request", _("Other request")
    ROWS = "rows", _("Rows of several columns")


#: What a yes-or-no field is called in ``when``, in a stored value and on paper.
YES, NO = "Ya", "Tidak"


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """A field is asked for only if the field ``key`` before it in the same step is one of ``values``."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SopField:
    """A field that the SOP asks for; without ``required_for`` it is optional, without ``only_for`` for every outcome.

    ``choices`` are the words of a list, ``columns`` the headings of rows; ``is_listed``: lists show it from the start.
    """

    key: str
    label: str
    kind: SopFieldKind
    required_for: tuple[Outcome, ...] = ()
    only_for: tuple[Outcome, ...] = ()
    when: FieldCondition | None = None
    choices: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    help: str = ""
    is_listed: bool = False


def read_fields(entry: Table, outcomes: Collection[Outcome], known_outcomes: Collection[str]) -> tuple[SopField, ...]:
    """Return the fields of the step in ``entry``, whose outcomes are ``outcomes``; adds an error for each wrong value.

    ``known_outcomes`` are the names of its outcomes in the file, those that could not be read among them.
    """
    fields: dict[str, SopField] = {}
    for table in entry.tables("fields", FIELD_KEYS):
        field = _read_field(table, outcomes, known_outcomes, fields)
        if field.key in fields:
            table.add_error(_("the field %(key)s is defined twice", key=field.key), "key")
        elif any(field.label == other.label for other in fields.values()):
            table.add_error(_("another field of this step has the same label"), "label")
        fields.setdefault(field.key, field)
    if len(fields) > MAX_FIELDS:
        entry.add_error(_("a step has at most %(most)s fields of its own", most=MAX_FIELDS), "fields")
    return tuple(fields.values())


def _read_field(
    table: Table, outcomes: Collection[Outcome], known_outcomes: Collection[str], before: dict[str, SopField]
) -> SopField:
    kind = table.choice("kind", SopFieldKind, is_required=True)
    required_for, only_for = (
        _read_outcomes(table, key, outcomes, known_outcomes) for key in ("required_for", "only_for")
    )
    if only_for and set(required_for) - set(only_for):
        table.add_error(_("a field is required for outcomes that only_for does not name"), "required_for")
    if kind is SopFieldKind.ROWS and table.boolean("listed"):
        table.add_error(_("rows are not shown in a list; leave listed out"), "listed")
    return SopField(
        key=table.key(),
        label=table.text("label", is_required=True, max_length=MAX_LABEL_LENGTH),
        kind=kind or SopFieldKind.LINE,
        required_for=required_for,
        only_for=only_for,
        when=_read_condition(table, before),
        choices=_read_words(table, "choices", kind, (SopFieldKind.ONE_OF, SopFieldKind.SEVERAL_OF), MAX_CHOICES),
        columns=_read_words(table, "columns", kind, (SopFieldKind.ROWS,), MAX_COLUMNS),
        help=table.text("help", max_length=MAX_HELP_LENGTH),
        is_listed=table.boolean("listed"),
    )


def _read_outcomes(
    table: Table, key: str, outcomes: Collection[Outcome], known_outcomes: Collection[str]
) -> tuple[Outcome, ...]:
    """Return the outcomes that the list ``key`` names."""
    names = table.texts(key)
    for index, name in enumerate(names):
        if name not in known_outcomes:
            known = ", ".join(outcomes)
            table.add_error(
                _("%(outcome)s is not among the outcomes of this step: %(known)s", outcome=name[:60], known=known),
                key,
                index,
            )
    return tuple(outcome for outcome in outcomes if outcome in names)


def _read_words(
    table: Table, key: str, kind: SopFieldKind | None, kinds: Collection[SopFieldKind], most: int
) -> tuple[str, ...]:
    """Return the different words of the list ``key``, which fields of ``kinds`` need and no other may have."""
    words = table.texts(key)
    if kind is not None and kind not in kinds and words:
        table.add_error(_("%(key)s belongs to fields of the kind %(kinds)s", key=key, kinds=" / ".join(kinds)), key)
    elif kind in kinds and not 1 <= len(words) <= most:
        table.add_error(_("%(key)s needs 1 to %(most)s entries", key=key, most=most), key)
    for index, word in enumerate(words):
        if word in words[:index]:
            table.add_error(_("%(word)s stands there twice", word=word[:60]), key, index)
        elif len(word) > MAX_CHOICE_LENGTH:
            longest = MAX_CHOICE_LENGTH
            table.add_error(_("%(key)s is longer than %(longest)s characters", key=key, longest=longest), key, index)
    return words


def _read_condition(table: Table, before: dict[str, SopField]) -> FieldCondition | None:
    condition = table.table("when", _WHEN_KEYS)
    if not condition.exists:
        return None
    name, values = condition.text("field", is_required=True), condition.texts("is")
    if name and name not in before:
        condition.add_error(_("no field %(key)s stands before this one in the step", key=name[:60]), "field")
    elif name:
        for error in _condition_errors(before[name], values):
            condition.add_error(error, "is" if "is" in condition.values else "field")
    return FieldCondition(name, values)


def _condition_errors(other: SopField, values: tuple[str, ...]) -> Iterator[Message]:
    """Yield what is wrong with a condition on the field ``other``."""
    possible = (YES, NO) if other.kind is SopFieldKind.YES_NO else other.choices
    if not possible:
        yield _(
            "only a field of the kind yes-no, one-of or several-of can be a condition, not %(kind)s", kind=other.kind
        )
    elif not values:
        yield _("%(key)s is missing", key="is")
    for value in values if possible else ():
        if value not in possible:
            yield _("%(key)s must be one of %(words)s, not %(found)s",
                    key="is", words=", ".join(possible), found=value[:60])  # fmt: skip
