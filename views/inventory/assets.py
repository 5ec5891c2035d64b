"""The screen of the asset list (KIB): the items with the official columns of their cards, and their mutations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, request
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import Malformed
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import (
    CARD_COLUMNS,
    COMMON_COLUMNS,
    AssetCondition,
    Card,
    CardColumn,
    CardColumnKind,
)
from lpse_admin.inventory.codes import code_prefixes, code_scheme
from models.changes.assets.affected import touches
from models.database import db
from models.inventory.asset import Asset, AssetMutation
from models.inventory.asset_entry import correct_asset, create_assets, is_referenced, require_unreferenced
from models.inventory.item_checks import ListedItems
from models.inventory.mutation import snapshot
from models.office.agency import Agency
from models.search.index import SearchKind
from views.app.access import can, get_current_user
from views.app.clock import now
from views.exports.columns import CellKind
from views.forms.commit import commit_or_show_errors
from views.forms.once import keep_submission
from views.forms.recovery import recoverable
from views.i18n.language import tr
from views.inventory.item_form import all_card_columns, asset_form, correction_fields, entry_fields, to_form_text
from views.inventory.mutations import changed_columns, format_column_value
from views.listing.filters.kinds import CaseFilter, ChoiceFilter, TextFilter
from views.listing.filters.search import SearchedKind, search_index
from views.listing.lists import Column
from views.listing.page.cells import Fact
from views.listing.record_view import RecordView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

_YEAR_KEYS = ("purchase_year", "acquired_year", "print_year")
#: The most mutations on an item's page; the newest are shown.
_MAX_MUTATIONS = 100
#: The columns of the details page besides the official ones.
_EXTRA_COLUMNS = frozenset({"agency", "card", "retired", "entered", "entered_by"})

_CELL_KINDS = {
    CardColumnKind.DATE: CellKind.DATE,
    CardColumnKind.YEAR: CellKind.NUMBER,
    CardColumnKind.NUMBER: CellKind.NUMBER,
    CardColumnKind.MONEY: CellKind.MONEY,
    CardColumnKind.CONDITION: CellKind.CHOICE,
    CardColumnKind.YES_NO: CellKind.BOOLEAN,
}


class CodeFilter(TextFilter):
    """A filter by the beginning of an item code, with dots or without: ``?code=1.3.2.10``."""

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for codes that begin with the given digits."""
        if super().criterion(given, zone) is None:
            return None
        prefixes = code_prefixes(given[self.key])
        return or_(*(self.column.startswith(prefix, autoescape=True) for prefix in prefixes))


class AssetView(RecordView):
    """The items of the user's agency."""

    resource = Resource.ASSET
    title = _("Asset list (KIB)")
    empty_message = _("The list has no items yet. A change manager enters them; afterwards requests change them.")
    list_template = "inventory/asset_list.html"
    details_template = "inventory/details.html"
    create_label = _("New item")
    can_create = True
    can_edit = True

    model = Asset
    column_joins = ((Agency, Agency.id == Asset.agency_id),)
    column_list = (
        Column("card", _("Card"), Asset.card, CellKind.CHOICE, Card),
        Column("code", _("Item code"), Asset.code, sortable=True, is_link=True, tie_breakers=(Asset.register,)),
        Column("register", _("Register number"), Asset.register),
        Column("name", _("Item type or name"), Asset.name, sortable=True),
        Column("agency", _("Agency"), Agency.name, superadmin_only=True),
        Column("condition", _("Condition"), Asset.condition, CellKind.CHOICE, AssetCondition),
        Column(
            "year",
            _("Year"),
            func.coalesce(*(Asset.details[key].as_integer() for key in _YEAR_KEYS)),
            CellKind.NUMBER,
        ),
        Column("origin", _("Origin"), Asset.origin, in_list=False),
        Column("price", _("Price (Rp)"), Asset.price, CellKind.MONEY),
        Column("remarks", _("Remarks"), Asset.remarks, in_list=False),
        Column("retired", _("Removed from the list"), Asset.is_retired, CellKind.BOOLEAN, in_list=False),
        Column("entered", _("Entered"), Asset.entered_at, CellKind.DATETIME, in_list=False),
        Column("entered_by", _("Entered by"), Asset.entered_by_name, in_list=False),
    )
    column_filters = (
        ChoiceFilter("card", _("Card"), column=Asset.card, choices=Card),
        ChoiceFilter("condition", _("Condition"), column=Asset.condition, choices=AssetCondition),
        CaseFilter(
            "state",
            _("State"),
            cases=(
                ("listed", _("Listed"), Asset.is_retired.is_(False)),
                ("retired", _("Removed from the list"), Asset.is_retired.is_(True)),
            ),
            default="listed",
        ),
        CodeFilter("code", _("Item code starts with"), column=Asset.code),
    )
    column_searchable_list = (Asset.name, Asset.register, Asset.remarks)
    search_hint = _("Code, register, name and all columns of the card: plate, chassis, brand, location …")
    list_index = search_index(SearchedKind(SearchKind.ASSET, Asset.id))
    column_default_sort = "code"

    def get_columns(self, *, in_list: bool = False, in_export: bool = False) -> list[Column]:
        """Return the columns; the export of a single card has its official ones, with the row number."""
        columns = super().get_columns(in_list=in_list, in_export=in_export)
        if in_export and (given := request.args.get("card")) in set(Card):
            superadmin_columns = [column for column in columns if column.superadmin_only]
            return [*superadmin_columns, *self._official_columns(Card(given))]
        if in_export:
            return [*columns, *_OWN_COLUMNS_OF_CARDS]
        if in_list:
            return columns
        return [column for column in columns if column.key in _EXTRA_COLUMNS]

    def get_selectable_columns(self) -> list[Column]:
        """Return all columns, also those of single cards."""
        return super().get_columns()

    def _official_columns(self, card: Card) -> list[Column]:
        number = func.row_number().over(order_by=self.list_query().order())
        return [
            Column("no", _("No."), number, CellKind.NUMBER),
            *(_export_column(column) for column in CARD_COLUMNS[card]),
        ]

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the official columns in the card's order, and the mutations."""
        asset = self.get_one(str(id))
        values = snapshot(asset)
        scheme = code_scheme(asset.code)
        return {
            "asset": asset,
            "scheme": scheme.value if scheme else None,
            "official": [
                Fact(column.label, format_column_value(column, values.get(column.key)))
                for column in all_card_columns(asset.card)
            ],
            "alterations": _recent_mutations(asset),
            "touches": touches(asset, _MAX_MUTATIONS),
            "may_correct": can(Verb.EDIT, self.resource) and not asset.is_retired and not is_referenced(asset),
        }

    @expose("/new/", methods=("GET", "POST"))
    @recoverable
    def create_view(self) -> ResponseReturnValue:
        """Enter an item on a card; without a card, show the choice of cards."""
        self.require_permission(Verb.CREATE)
        given = request.args.get("card")
        if not given and request.method == "GET":
            return self.render("inventory/cards.html", view=self, cards=[*Card])
        if given not in set(Card):
            raise Malformed(_("Choose the card for the item."))
        card = Card(given)
        form = asset_form(card, extra=entry_fields)
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "asset.enter"):
                texts, session = form.data, db.session()
                assets = create_assets(
                    session, get_current_user(), card=card, texts=texts, now=now(), booked_on=texts["booked_on"]
                )
                keep_submission(self.row_url(assets[0].id))
            if not form.errors:
                return self._entered(assets)
        heading = _("New item: %(card)s", card=card.title)
        return self.render_form(form, heading, _("Enter the item"), back=self.get_url(".create_view"))

    def _entered(self, assets: Sequence[Asset]) -> ResponseReturnValue:
        """Lead to the first of the items that were entered, with what there is to say of their code."""
        scheme, code = code_scheme(assets[0].code), assets[0].code
        sentence = gettext("Entered. The item code follows %(scheme)s.", scheme=scheme)
        if len(assets) > 1:
            sentence = tr(_many_entered(len(assets), scheme))
        if warning := ListedItems(db.session(), assets[0].agency_id).code_warning(code):
            flash(tr(warning), "warning")
        return self.redirect_to_record(sentence, assets[0].id)

    @expose("/edit/", methods=("GET", "POST"))
    @recoverable
    def edit_view(self) -> ResponseReturnValue:
        """Correct an entry that no request refers to."""
        self.require_permission(Verb.EDIT)
        asset = self.get_one(request.args.get("id", ""))
        require_unreferenced(asset)
        values = snapshot(asset)
        columns = all_card_columns(asset.card)
        texts = {one.key: to_form_text(one, values.get(one.key)) for one in columns}
        form = asset_form(asset.card, texts, extra=correction_fields)
        if request.method == "POST" and form.validate():
            with commit_or_show_errors(form, "asset.correct"):
                correct_asset(asset, get_current_user(), texts=form.data, now=now(), reason=form.data["reason"] or "")
                keep_submission(self.row_url(asset.id))
            if not form.errors:
                return self.redirect_to_record(gettext("The entry was corrected."), asset.id)
        return self.render_form(form, str(asset), _("Save"), back=self.row_url(asset.id))


def _many_entered(count: int, scheme: str | None) -> Message:
    return _("%(count)s items were entered. The item code follows %(scheme)s.", count=count, scheme=scheme)


def _export_column(column: CardColumn) -> Column:
    """Return an official column as a column of an export."""
    kind = _CELL_KINDS.get(column.kind, CellKind.TEXT)
    if column.key in COMMON_COLUMNS:
        expression: Any = getattr(Asset, column.key)
    elif column.kind is CardColumnKind.YES_NO:
        expression = Asset.details[column.key].as_boolean()
    else:
        expression = Asset.details[column.key].as_string()
    return Column(column.key, column.label, expression, kind, AssetCondition if kind is CellKind.CHOICE else None)


#: The columns that only some cards have, once each, in the order of the cards.
_CARDS_OWN = {
    column.key: column for columns in CARD_COLUMNS.values() for column in columns if column.key not in COMMON_COLUMNS
}
_OWN_COLUMNS_OF_CARDS = tuple(map(_export_column, _CARDS_OWN.values()))


def _recent_mutations(asset: Asset) -> list[tuple[AssetMutation, Any]]:
    """Return the mutations of an item, the newest first, each with its changed columns."""
    mutations = db.session.scalars(
        select(AssetMutation)
        .where(AssetMutation.asset_id == asset.id)
        .options(joinedload(AssetMutation.change), joinedload(AssetMutation.update))
        .order_by(AssetMutation.id.desc())
        .limit(_MAX_MUTATIONS)
    )
    return [(mutation, changed_columns(mutation)) for mutation in mutations]
