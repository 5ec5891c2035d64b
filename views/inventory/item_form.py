"""The form of an item of the asset list: the columns of its card."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import CARD_COLUMNS, AssetCondition, Card, CardColumn, CardColumnKind, card_columns
from lpse_admin.parsing.numbers import write_number
from views.forms.base import Form, Required
from views.forms.fields import DateField, IntegerField
from views.i18n.language import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from wtforms import Field

_REQUIRED = frozenset({"code", "register", "name"})


def all_card_columns(card: Card) -> list[CardColumn]:
    """Return the card's official columns in order, then the other common columns."""
    official = CARD_COLUMNS[card]
    return [*official, *(column for column in card_columns(card).values() if column not in official)]


def asset_form(
    card: Card,
    initial: Mapping[str, str] | None = None,
    *,
    without: Collection[str] = (),
    extra: Callable[[], Mapping[str, Field]] = dict,
) -> Form:
    """Return the form for an item of ``card``: its official columns in order, then the other common columns.

    ``without`` are keys of columns that are not asked; ``extra`` makes the fields behind them.
    """
    columns = {one.key: _form_field(one) for one in card_columns(card).values() if one.key not in without}
    form_class = type("ItemForm", (Form,), {**columns, **extra()})
    form: Form = form_class(data=dict(initial or {}))
    return form


def _form_field(column: CardColumn) -> Field:
    match column.kind:
        case CardColumnKind.CONDITION:
            conditions = {one.value: one.title for one in AssetCondition}
            # The column reads the word: a script may send what the screens show.
            return SelectField(column.label, default="", choices=_choices(conditions), validate_choice=False)
        case CardColumnKind.YES_NO:
            yes_no = _choices({"yes": _("Yes"), "no": _("No")})
            return SelectField(column.label, default="", choices=yes_no, validate_choice=False)
        case CardColumnKind.DATE:
            extra: dict[str, str] = {"type": "date"}
        case CardColumnKind.YEAR:
            extra = {"inputmode": "numeric"}
        case CardColumnKind.NUMBER | CardColumnKind.MONEY:
            extra = {"inputmode": "decimal"}
        case _:
            extra = {}
    needed = [Required()] if column.key in _REQUIRED else []
    return StringField(column.label, needed, description=_DESCRIPTIONS.get(column.key), render_kw=extra)


def entry_fields() -> dict[str, Field]:
    """Return the fields of a new item besides its columns."""
    day = DateField(
        _("Booked on"),
        description=_("The day that half-years count it on; today if it is left empty. Not in a locked half-year."),
    )
    count = IntegerField(
        _("Number of equal items"),
        [Optional()],
        description=_("Left empty for one. The register number above is that of the first; the others follow it."),
    )
    return {"count": count, "booked_on": day}


def correction_fields() -> dict[str, Field]:
    """Return the fields of a correction besides the item's columns."""
    return {"reason": TextAreaField(_("Reason of the correction"))}


_DESCRIPTIONS = {
    "code": _("12 digits in 7 levels (Permendagri 108/2016), or 10 digits in 5 levels (Permendagri 17/2007)."),
    "register": _("As written on the card, such as 0001; for several equal items 0001 s/d 0015."),
    "nibar": _("45 digits, 43 in earlier years."),
    "room": _("The code of the room, from the list of rooms."),
    "price": _("In rupiah for each item, such as 12.500.000."),
}


def _choices(titles: Mapping[str, Message]) -> list[SelectChoice]:
    return [SelectChoice("", "–"), *(SelectChoice(value, tr(title)) for value, title in titles.items())]


def to_form_text(column: CardColumn, value: object) -> str:
    """Return a stored value of ``column`` as text for a form, from which it is read again as itself."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case _ if column.kind in {CardColumnKind.NUMBER, CardColumnKind.MONEY}:
            return write_number(Decimal(str(value)))
        case _:
            return str(value)
