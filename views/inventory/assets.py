"""The asset list (KIB): every item with the official columns of its card, and what requests changed on it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from flask import request
from flask_admin import expose
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import Malformed
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import CARDS, COMMON, Card, ColumnKind, Condition, code_scheme
from lpse_admin.inventory.cards import Column as CardColumn
from models.accounts.user import User
from models.database import db
from models.inventory.asset import Asset, AssetMutation
from models.inventory.asset_entry import correct, demand_unnamed, enter, is_named
from models.inventory.mutation import columns as columns_of
from models.inventory.mutation import snapshot
from models.office.agency import Agency
from views.app.clock import now
from views.changes.page import Fact
from views.exports.columns import CellKind
from views.forms.base import Form, Needed
from views.forms.commit import EntryView, entering
from views.i18n.language import tr
from views.inventory.mutations import differences, written
from views.listing.filters import CaseFilter, ChoiceFilter, TextFilter
from views.listing.lists import Column, ListSpec
from views.listing.record_view import may_i

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement

_YEARS = ("purchase_year", "acquired_year", "print_year")
_REQUIRED = frozenset({"code", "register", "name"})
#: How many mutations an item's page shows, the newest.
_SHOWN = 100
#: What the details page shows beside the official columns.
_OUTSIDE_THE_CARD = frozenset({"agency", "card", "retired", "entered", "entered_by"})

_CELLS = {
    ColumnKind.DATE: CellKind.DATE,
    ColumnKind.YEAR: CellKind.NUMBER,
    ColumnKind.NUMBER: CellKind.NUMBER,
    ColumnKind.MONEY: CellKind.MONEY,
    ColumnKind.CONDITION: CellKind.CHOICE,
    ColumnKind.YES_NO: CellKind.YES_NO,
}


class PrefixFilter(TextFilter):
    """A text that begins like this: ``?code=1.3.2.10``."""

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for texts that begin with what was given."""
        if super().criterion(given, zone) is None:
            return None
        result: ColumnElement[bool] = self.of.startswith(given[self.key].strip(), autoescape=True)
        return result


class AssetView(EntryView):
    """The items of the reader's agency."""

    resource = Resource.ASSET
    title = _("Asset list (KIB)")
    empty = _("NIHIL: the list has no item yet. A change manager enters them; afterwards requests alter them.")
    details_template = "inventory/details.html"
    create_label = _("New item")
    can_create = True
    can_edit = True

    spec: ClassVar[ListSpec] = ListSpec(
        model=Asset,
        joins=((Agency, Agency.id == Asset.agency_id), (User, User.id == Asset.entered_by_id)),
        columns=(
            Column("id", _("Id"), Asset.id, CellKind.NUMBER, listed=False, exported=False),
            Column("card", _("Card"), Asset.card, CellKind.CHOICE, Card),
            Column("code", _("Item code"), Asset.code, sortable=True, leads=True, then=(Asset.register,)),
            Column("register", _("Register number"), Asset.register),
            Column("name", _("Kind / name of the item"), Asset.name, sortable=True),
            Column("agency", _("Agency"), Agency.name, across_only=True),
            Column("condition", _("Condition"), Asset.condition, CellKind.CHOICE, Condition),
            Column(
                "year",
                _("Year"),
                func.coalesce(*(Asset.details[key].as_integer() for key in _YEARS)),
                CellKind.NUMBER,
            ),
            Column("origin", _("Origin"), Asset.origin, listed=False),
            Column("price", _("Price (Rp)"), Asset.price, CellKind.MONEY),
            Column("remarks", _("Remarks"), Asset.remarks, listed=False),
            Column("retired", _("Taken off the list"), Asset.is_retired, CellKind.YES_NO),
            Column("entered", _("Entered"), Asset.entered_at, CellKind.MOMENT, listed=False),
            Column("entered_by", _("Entered by"), User.full_name, listed=False),
        ),
        filters=(
            ChoiceFilter("card", _("Card"), of=Asset.card, choices=Card),
            ChoiceFilter("condition", _("Condition"), of=Asset.condition, choices=Condition),
            CaseFilter(
                "state",
                _("State"),
                cases=(
                    ("listed", _("On the list"), Asset.is_retired.is_(False)),
                    ("retired", _("Taken off the list"), Asset.is_retired.is_(True)),
                ),
            ),
            PrefixFilter("code", _("Item code begins with"), of=Asset.code),
        ),
        search=(Asset.name, Asset.register, Asset.remarks),
        order="code",
    )

    def shown(self, *, listed: bool = False, exported: bool = False) -> list[Column]:
        """Return the columns; the export of one card has that card's official ones, with the running number."""
        columns = super().shown(listed=listed, exported=exported)
        if exported and (given := request.args.get("card")) in set(Card):
            across = [column for column in columns if column.across_only]
            return [*across, *self._official(Card(given))]
        if listed or exported:
            return columns
        return [column for column in columns if column.key in _OUTSIDE_THE_CARD]

    def offered(self) -> list[Column]:
        """Return all columns: what the cards have of their own can be had in the list."""
        return super().shown()

    def _official(self, card: Card) -> list[Column]:
        number = func.row_number().over(order_by=self.listing().order())
        return [Column("no", _("No."), number, CellKind.NUMBER), *(_exported(column) for column in CARDS[card])]

    def details_extras(self, id: int) -> dict[str, Any]:  # noqa: A002
        """Return the official columns in the card's order, and what requests changed."""
        asset = self.get_one(str(id))
        values = snapshot(asset)
        scheme = code_scheme(asset.code)
        return {
            "asset": asset,
            "scheme": scheme.value if scheme else None,
            "official": [Fact(column.heading, written(column, values.get(column.key))) for column in _whole(asset)],
            "alterations": _alterations(asset),
            "may_correct": may_i(Verb.EDIT, self.resource) and not asset.is_retired and not is_named(asset),
        }

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:  # noqa: ANN401 - a page or a redirect
        """Enter an item on one card; without a card, ask which."""
        self.demand(Verb.CREATE)
        given = request.args.get("card")
        if not given and request.method == "GET":
            return self.render("inventory/cards.html", view=self, cards=[*Card])
        if given not in set(Card):
            raise Malformed(_("Choose the card that the item belongs to."))
        card = Card(given)
        form = _item_form(card)
        if request.method == "POST" and form.validate():
            with entering(form, "asset.enter"):
                me = current_user._get_current_object()  # noqa: SLF001
                asset = enter(db.session(), me, card=card, raw=form.data, now=now())
            if not form.errors:
                sentence = gettext("Entered. The item code follows %(scheme)s.", scheme=code_scheme(asset.code))
                return self.done(sentence, asset.id)
        heading = _("New item: %(card)s", card=card.title)
        return self.answer_form(form, heading, _("Enter the item"), back=self.get_url(".create_view"))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:  # noqa: ANN401
        """Correct an entry that no request has named yet."""
        self.demand(Verb.EDIT)
        asset = self.get_one(request.args.get("id", ""))
        demand_unnamed(asset)
        values = snapshot(asset)
        form = _item_form(asset.card, {column.key: _raw(values.get(column.key)) for column in _whole(asset)})
        if request.method == "POST" and form.validate():
            with entering(form, "asset.correct"):
                correct(asset, current_user._get_current_object(), raw=form.data)  # noqa: SLF001
            if not form.errors:
                return self.done(gettext("The entry is corrected."), asset.id)
        return self.answer_form(form, str(asset), _("Keep"), back=self.row_url(asset.id))


def _whole(asset: Asset) -> list[CardColumn]:
    """Return the card's official columns in their order, and behind them what every item can have besides."""
    official = CARDS[asset.card]
    return [*official, *(column for column in columns_of(asset.card).values() if column not in official)]


def _exported(column: CardColumn) -> Column:
    """Return an official column as an export reads it."""
    kind = _CELLS.get(column.kind, CellKind.TEXT)
    if column.key in COMMON:
        of: Any = getattr(Asset, column.key)
    elif column.kind is ColumnKind.YES_NO:
        of = Asset.details[column.key].as_boolean()
    else:
        of = Asset.details[column.key].as_string()
    return Column(column.key, column.heading, of, kind, Condition if kind is CellKind.CHOICE else None)


def _item_form(card: Card, values: Mapping[str, str] | None = None) -> Form:
    """Return the form for an item of ``card``: its official columns in their order, then what is common to all."""
    form_class = type("ItemForm", (Form,), {column.key: _field(column) for column in columns_of(card).values()})
    form: Form = form_class(data=dict(values or {}))
    return form


def _field(column: CardColumn) -> Any:  # noqa: ANN401 - an unbound field
    match column.kind:
        case ColumnKind.CONDITION:
            conditions = {one.value: one.title for one in Condition}
            return SelectField(column.heading, default="", choices=_choices(conditions))
        case ColumnKind.YES_NO:
            return SelectField(column.heading, default="", choices=_choices({"yes": _("Yes"), "no": _("No")}))
        case ColumnKind.DATE:
            extra: dict[str, str] = {"type": "date"}
        case ColumnKind.YEAR:
            extra = {"inputmode": "numeric"}
        case ColumnKind.NUMBER | ColumnKind.MONEY:
            extra = {"inputmode": "decimal"}
        case _:
            extra = {}
    needed = [Needed()] if column.key in _REQUIRED else []
    return StringField(column.heading, needed, description=_HELP.get(column.key), render_kw=extra)


_HELP = {
    "code": _("12 digits in 7 levels (Permendagri 108/2016), or 14 digits (Permendagri 17/2007)."),
    "register": _("As on the card, such as 0001."),
    "price": _("In rupiah, such as 12.500.000,00."),
}


def _choices(titles: Mapping[str, Message]) -> list[SelectChoice]:
    return [SelectChoice("", "–"), *(SelectChoice(value, tr(title)) for value, title in titles.items())]


def _raw(value: object) -> str:
    """Return a stored value as it would be typed."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return str(value).replace(".", ",")
        case _:
            return str(value)


def _alterations(asset: Asset) -> list[tuple[AssetMutation, Any]]:
    """Return what requests changed on an item, the newest first, each with the columns before and after."""
    mutations = db.session.scalars(
        select(AssetMutation)
        .where(AssetMutation.asset_id == asset.id)
        .options(joinedload(AssetMutation.change), joinedload(AssetMutation.update))
        .order_by(AssetMutation.id.desc())
        .limit(_SHOWN)
    )
    return [(mutation, differences(mutation)) for mutation in mutations]
