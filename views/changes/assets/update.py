"""The rows of an asset update: each is entered on a page of its own, with the columns of its card alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request
from sqlalchemy import String, cast, or_, select
from wtforms import HiddenField, StringField, TextAreaField

from lpse_admin.errors import Malformed, NoSuchMove, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import Card, card_columns
from lpse_admin.inventory.codes import code_prefixes, read_reference
from lpse_admin.parsing.blank import is_blank, strip_blank
from models.audit import trail
from models.changes.change import ChangeRequest
from models.changes.moves.transition import Given, save
from models.changes.steps.activity import AssetUpdate
from models.database import db
from models.inventory.asset import Asset, MutationKind
from models.inventory.mutation import check_new_row, check_row, snapshot
from models.scope import visible
from views.app.access import get_current_user, is_acting_head
from views.changes.assets.rows import altered_texts, rows_of
from views.changes.moves.submission import locked_case
from views.forms.base import Form, Required
from views.inventory.item_form import all_card_columns, asset_form, to_form_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from wtforms import Field

    from models.changes.moves.case_file import CaseFile

#: The most items that the picker shows.
MAX_PICKED = 25
_IDENTITY = ("code", "register")
_NOT_OPEN = _("The asset list is not updated by this request at present.")

#: The longest number that an id of 63 bits can have.
_MAX_ID_DIGITS = 18


class _MovedForm(Form):
    """Where an item is now."""

    version = HiddenField()
    value = StringField(_("New location"), [Required()])
    reason = StringField(_("Reason"))


class _RetiredForm(Form):
    """Why an item leaves the list."""

    version = HiddenField()
    value = TextAreaField(_("Reason"), [Required()], description=_("For example the decree, or what happened to it."))


class RowForm:
    """One row of an update as a form: a new one by ``kind`` and card or asset, or that of ``index``."""

    def __init__(self, change: ChangeRequest, update: AssetUpdate, args: Mapping[str, str]) -> None:
        """Read the address; raises Malformed if it names no row."""
        self.change, self.update = change, update
        rows = rows_of(update)
        self.index = _index(args.get("row"), len(rows))
        self.row: dict[str, Any] = dict(rows[self.index]) if self.index is not None else {}
        self.kind = _kind(self.row.get("kind") or args.get("kind"))
        self.asset: Asset | None = None
        self.card: Card
        if self.kind is MutationKind.ADDED:
            self.card = _card(self.row.get("card") or args.get("card"))
        else:
            self.asset = _asset(update, self.row.get("asset_id") or args.get("asset"))
            self.card = self.asset.card
        self.form = self._form()
        if request.method == "GET":
            self.form["version"].data = str(change.version)

    @property
    def heading(self) -> Message:
        """What the page is about."""
        if self.asset is None:
            return _("New item: %(card)s", card=self.card.title)
        return _("%(kind)s: %(asset)s", kind=self.kind.title, asset=str(self.asset))

    def new_row(self) -> dict[str, Any]:
        """Return the row as the form has it; raises ValidationFailed if it cannot be applied."""
        row = self._read()
        check = check_new_row if self.index is None else check_row
        check(db.session(), row, self.update)
        return row

    def _form(self) -> Form:
        if self.kind is MutationKind.MOVED:
            stored = self.asset.details.get("location", "") if self.asset else ""
            return _MovedForm(data={"value": stored, **self.row})
        if self.kind is MutationKind.RETIRED:
            return _RetiredForm(data=self.row)
        if self.asset is None:
            return asset_form(self.card, self.row, extra=lambda: {"version": HiddenField()})
        initial = {**self._stored(), **altered_texts(self.row), "reason": self.row.get("reason") or ""}
        return asset_form(self.card, initial, without=_IDENTITY, extra=_reason_fields)

    def _stored(self) -> dict[str, str]:
        """Return the asset's present values as the form shows them."""
        if self.asset is None:
            return {}
        values = snapshot(self.asset)
        return {one.key: to_form_text(one, values.get(one.key)) for one in all_card_columns(self.card)}

    def _read(self) -> dict[str, Any]:
        typed = {key: text for key, text in self.form.data.items() if isinstance(text, str)}
        if self.asset is None:
            texts = {key: typed[key] for key in card_columns(self.card) if not is_blank(typed.get(key, ""))}
            return {"kind": self.kind.value, "card": self.card.value, **texts}
        row: dict[str, Any] = {"kind": self.kind.value, "asset_id": self.asset.id}
        reason = {} if is_blank(typed.get("reason", "")) else {"reason": typed["reason"]}
        if self.kind is not MutationKind.ALTERED:
            return {**row, "value": typed.get("value", ""), **reason}
        stored = self._stored()
        values = {
            key: typed[key]
            for key in card_columns(self.card)
            if key in typed and key not in _IDENTITY and strip_blank(typed[key]) != stored[key]
        }
        return {**row, "values": values, **reason}


def _reason_fields() -> dict[str, Field]:
    return {"reason": StringField(_("Reason")), "version": HiddenField()}


def visible_changes() -> ColumnElement[bool]:
    """Return the criterion for the requests that the current user may see."""
    return visible(ChangeRequest, get_current_user(), is_acting_head=is_acting_head())


def open_update(change_id: int) -> tuple[CaseFile, AssetUpdate]:
    """Lock a request and return its case with the open update; raises NotFound, NotAllowed and NoSuchMove."""
    case = locked_case(change_id, visible_changes())
    current = case.current
    if not isinstance(current, AssetUpdate):
        raise NoSuchMove(_NOT_OPEN)
    case.require_actor()
    return case, current


def save_row(case: CaseFile, form: RowForm) -> None:
    """Put the row of ``form`` among those of the update; raises ValidationFailed."""
    rows, row = rows_of(form.update), form.new_row()
    if form.index is None:
        rows.append(row)
    else:
        rows[form.index] = row
    _save(case, rows)


def remove_row(case: CaseFile, update: AssetUpdate, number: str | None) -> None:
    """Take a row out of an update; raises Malformed if there is no such row."""
    rows = rows_of(update)
    index = _index(number, len(rows))
    if index is None:
        raise Malformed(_("There is no such row."))
    del rows[index]
    _save(case, rows)


def _save(case: CaseFile, rows: list[dict[str, Any]]) -> None:
    save(case, Given({"mutations": rows}), keeps_equipment=True)
    trail.update_audit_context(db.session(), action="change.save", capacity=case.capacity)


def pick_assets(agency_id: int, text: str) -> list[Asset]:
    """Return the items on the list with ``text`` in their code, name or place, at most MAX_PICKED + 1."""
    criteria: list[ColumnElement[bool]] = []
    reference = read_reference(text)
    if reference is not None:
        criteria.append(Asset.code.startswith(reference.code))
        if reference.register is not None:
            criteria.append(Asset.register == reference.register)
    else:
        for word in text.split():
            parts = [Asset.name, cast(Asset.details["location"].as_string(), String), Asset.remarks]
            by_code = [Asset.code.startswith(prefix, autoescape=True) for prefix in code_prefixes(word)]
            criteria.append(or_(*(part.icontains(word, autoescape=True) for part in parts), *by_code))
    result = select(Asset).where(Asset.agency_id == agency_id, Asset.is_retired.is_(False), *criteria)
    return list(db.session.scalars(result.order_by(Asset.code, Asset.register).limit(MAX_PICKED + 1)))


def _index(text: str | None, count: int) -> int | None:
    """Return the index of the row that the address counts from 1; None for a new one. Raises Malformed."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= count):
        raise Malformed(_("There is no such row."))
    return int(text[:6]) - 1


def _kind(text: str | None) -> MutationKind:
    kind = next((one for one in MutationKind if one.value == text), None)
    if kind is None:
        raise Malformed(_("Choose whether the item is added, changed, moved or removed from the list."))
    return kind


def _card(text: str | None) -> Card:
    if text not in set(Card):
        raise Malformed(_("Choose the card for the item."))
    return Card(text)


def _asset(update: AssetUpdate, id_: object) -> Asset:
    text = str(id_ or "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS else 0
    asset = db.session.get(Asset, number)
    if asset is None or asset.agency_id != update.agency_id:
        raise ValidationFailed(_("There is no such asset."))
    if asset.is_retired:
        raise ValidationFailed(_("This item was already removed from the list."))
    return asset
