"""Mutations of the asset list: all mutations of a request are applied together or not at all.

A row of an asset update is, by its kind::

    {"kind": "added", "card": "B", "code": …, "register": …, "name": …}, with further columns of that card
    {"kind": "altered", "asset_id": 5, "values": {"condition": "Baik", …}}
    {"kind": "moved", "asset_id": 5, "value": the new place}
    {"kind": "retired", "asset_id": 5, "value": why}

A row of the kind "altered" may have "column" and "value" instead of "values"; each may have a "reason". Several rows
may change one asset; they become one mutation.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.cards import (
    COMMON_COLUMNS,
    Card,
    CardColumn,
    CardColumnKind,
    card_columns,
)
from lpse_admin.inventory.codes import MAX_REGISTER_LENGTH, read_code, read_registers
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_blank, strip_blank
from lpse_admin.parsing.numbers import write_number
from models.base import SHORT_TEXT_LENGTH, canonical_json, is_id, is_storable, session_of
from models.inventory.asset import Asset, AssetMutation, MutationKind
from models.inventory.item_checks import ListedItems, check_item
from models.office.agency import Agency, lock_agency
from models.validation import MAX_YEAR, MIN_YEAR, is_plausible_date, text_error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from models.changes.steps.activity import Activity, AssetUpdate

#: Prices are below this limit: the column has 18 digits, two of them decimals.
_PRICE_LIMIT = Decimal(10) ** 16
_PRICE_STEP = Decimal("0.01")
#: The most rows of a request.
MAX_ROWS = 1000
_MAX_LENGTHS = {"code": 40, "register": MAX_REGISTER_LENGTH}


def parse_value(column: CardColumn, raw: object) -> object:
    """Return ``raw`` as a value of ``column``: None, str, int, Decimal, ISO date, bool or AssetCondition.

    Raises ValidationFailed if it is not valid for the column.
    """
    try:
        value = column.read(str(raw)) if raw is not None else None
        error = _value_error(column, value)
    except UnreadableError as refusal:
        error = refusal.message
    if error is not None:
        raise ValidationFailed(error, field_errors={column.key: error})
    if isinstance(value, Decimal) and column.kind is CardColumnKind.MONEY:
        return value.quantize(_PRICE_STEP)
    return value.isoformat() if isinstance(value, dt.date) else value


def set_values(asset: Asset, values: Mapping[str, object]) -> None:
    """Set ``values`` by column key: common columns on the row, the others in its details."""
    details = dict(asset.details or {})
    for key, value in values.items():
        if key in COMMON_COLUMNS:
            setattr(asset, key, value)
        elif value is None:
            details.pop(key, None)
        else:
            details[key] = f"{value:f}" if isinstance(value, Decimal) else value
    asset.details = details


def parse_new_assets(card: Card, texts: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the parsed values of each new item; several where the register numbers are a range: 0001 s/d 0015.

    The register number may be typed behind the code instead. Raises ValidationFailed with an error for each invalid
    column.
    """
    errors: dict[str, Message] = {}
    values: dict[str, object] = {}
    columns = card_columns(card)
    for key in (one for one in columns if one != "register"):
        try:
            values[key] = parse_value(columns[key], texts.get(key))
        except ValidationFailed as refusal:
            errors |= refusal.field_errors
    registers: tuple[str, ...] = ()
    try:
        registers = read_registers(str(texts.get("register") or ""))
    except UnreadableError as refusal:
        errors["register"] = refusal.message
    if code := values.get("code"):
        try:
            values["code"], registers = _code_and_registers(str(code), registers)
        except UnreadableError as refusal:
            errors["code"] = refusal.message
    for key, value in (("code", code), ("register", registers), ("name", values.get("name"))):
        if not value and key not in errors:
            errors[key] = _("“%(field)s” is required here.", field=columns[key].label)
    if errors:
        raise ValidationFailed(_("The item cannot be saved with these values."), field_errors=errors)
    return [{key: register if key == "register" else values[key] for key in columns} for register in registers]


def parse_new_asset(card: Card, texts: Mapping[str, object]) -> dict[str, object]:
    """Return the parsed values of one item; raises what ``parse_new_assets`` raises, also for several."""
    values, *others = parse_new_assets(card, texts)
    if others:
        message = _("This is one item: write its own register number.")
        raise ValidationFailed(message, field_errors={"register": message})
    return values


def _code_and_registers(text: str, registers: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the code and the register numbers; one behind the code counts where no other is typed."""
    result = read_code(text)
    if result.register is None or registers == (result.register,):
        return result.code, registers
    if registers:
        raise UnreadableError(
            _("The register number behind the code, %(register)s, is another one.", register=result.register)
        )
    return result.code, (result.register,)


def snapshot(asset: Asset) -> dict[str, Any]:
    """Return all values of an asset, for JSON."""
    common = {key: getattr(asset, key) for key in sorted(COMMON_COLUMNS)}
    return {"card": asset.card, **common, **(asset.details or {}), "is_retired": bool(asset.is_retired)}


def apply_mutations(change: ChangeRequest, activity: AssetUpdate, actor: User, now: dt.datetime) -> None:
    """Apply the rows of ``activity.draft``, and record a mutation of each asset with the row before and after.

    Raises ValidationFailed for the first invalid row; the caller rolls back.
    """
    session = session_of(change)
    lock_agency(session, change.agency_id)  # serialises requests that enter the same item
    altered: dict[int, _Alteration] = {}
    for number, row in enumerate((activity.draft or {}).get("rows", []), 1):
        try:
            if row["kind"] == MutationKind.ADDED:
                _add_assets(session, change, activity, row, actor, now)
            else:
                altered.setdefault(row["asset_id"], _Alteration()).add(row, _altered_values(session, row, activity))
        except ValidationFailed as refusal:
            message = _row_error(number, refusal)
            raise ValidationFailed(message, field_errors={"mutations": message}) from None
    for asset_id in sorted(altered):
        _alter_asset(session, activity, asset_id, altered[asset_id], now)


def mutations_error(rows: object, activity: Activity) -> Message | None:
    """Return the first error in the rows of an asset update, or None."""
    if not isinstance(rows, list) or len(rows) > MAX_ROWS or not all(isinstance(row, dict) for row in rows):
        return _("This is not a list of mutations.")
    session = session_of(activity)
    for number, row in enumerate(rows, 1):
        try:
            check_row(session, row, activity)
        except ValidationFailed as refusal:
            return _row_error(number, refusal)
    return None


def findings_error(rows: object, activity: Activity) -> Message | None:
    """Return the first error in the assets of a review, or None."""
    if not isinstance(rows, list) or len(rows) > MAX_ROWS:
        return _("This is not a list of assets.")
    session = session_of(activity)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or set(row) != {"asset_id", "finding"}:
            return _("Each asset needs a finding.")
        if not isinstance(row["finding"], str) or is_blank(row["finding"]) or not is_storable(row["finding"]):
            return _("Row %(row)s: %(error)s", row=number, error=_("Each asset needs a finding."))
        if row["asset_id"] is not None and _find_asset(session, row["asset_id"], activity) is None:
            return _("Row %(row)s: %(error)s", row=number, error=_("There is no such asset."))
    return None


def touched_assets_error(rows: object, activity: Activity) -> Message | None:
    """Return the first error in the assets of a release, or None."""
    if not isinstance(rows, list) or len(rows) > MAX_ROWS:
        return _("This is not a list of assets.")
    session = session_of(activity)
    seen = set()
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or set(row) != {"asset_id"}:
            return _("This is not a list of assets.")
        if _find_asset(session, row["asset_id"], activity) is None:
            return _("Row %(row)s: %(error)s", row=number, error=_("There is no such asset."))
        if row["asset_id"] in seen:
            return _("Row %(row)s: %(error)s", row=number, error=_("An asset is listed twice."))
        seen.add(row["asset_id"])
    return None


def _row_error(number: int, refusal: ValidationFailed) -> Message:
    first = next(iter(refusal.field_errors.values()), refusal.message)
    return _("Row %(row)s: %(error)s", row=number, error=first)


def check_row(session: Session, row: Mapping[str, Any], activity: Activity) -> None:
    """Raise ValidationFailed, with an error for each invalid column, if a row of an asset update cannot be applied."""
    kind = str(row.get("kind"))
    if kind == MutationKind.ADDED:
        if str(row.get("card")) not in set(Card):
            raise ValidationFailed(_("Choose the card for the item."))
        parse_new_assets(Card(row["card"]), row)
    elif kind in set(MutationKind):
        _altered_values(session, row, activity)
    else:
        raise ValidationFailed(_("Choose whether the item is added, changed, moved or removed from the list."))


def check_new_row(session: Session, row: Mapping[str, Any], activity: Activity) -> None:
    """Raise what ``check_row`` raises, and if an item that the row adds is on the list already."""
    check_row(session, row, activity)
    if row["kind"] == MutationKind.ADDED:
        listed = ListedItems(session, activity.agency_id)
        for values in parse_new_assets(Card(row["card"]), row):
            check_item(listed, values)


@dataclass(slots=True)
class _Alteration:
    """What the rows of an update do to one asset."""

    values: dict[str, object] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)

    def add(self, row: Mapping[str, Any], values: dict[str, object]) -> None:
        self.values |= values
        self.kinds.add(str(row["kind"]))
        reason = row.get("reason") or (row.get("value") if row["kind"] == MutationKind.RETIRED else None)
        if isinstance(reason, str) and not is_blank(reason):
            self.reasons.append(strip_blank(reason))

    @property
    def kind(self) -> MutationKind:
        """The kind of the mutation: what weighs most."""
        return next(kind for kind in _BY_WEIGHT if kind in self.kinds)


_BY_WEIGHT = (MutationKind.RETIRED, MutationKind.ALTERED, MutationKind.MOVED)


def _altered_values(session: Session, row: Mapping[str, Any], activity: Activity) -> dict[str, object]:
    """Return the values that a row sets, by column key; raises ValidationFailed."""
    asset = _find_asset(session, row.get("asset_id"), activity)
    if asset is None:
        raise ValidationFailed(_("There is no such asset."))
    if asset.is_retired:
        raise ValidationFailed(_("This item was already removed from the list."))
    match row["kind"]:
        case MutationKind.RETIRED:
            reason = row.get("value")
            if not isinstance(reason, str) or is_blank(reason):
                message = _("State why the item is removed from the list.")
                raise ValidationFailed(message, field_errors={"value": message})
            if error := text_error(reason):
                raise ValidationFailed(error, field_errors={"value": error})
            return {"is_retired": True}
        case MutationKind.MOVED:
            texts: dict[Any, object] = {"location": row.get("value")}
        case _:
            texts = row["values"] if isinstance(row.get("values"), dict) else {row.get("column"): row.get("value")}
    return _parse_alterations(asset, texts)


def _parse_alterations(asset: Asset, texts: Mapping[Any, object]) -> dict[str, object]:
    columns = card_columns(asset.card)
    errors: dict[str, Message] = {}
    values: dict[str, object] = {}
    for key, text in texts.items():
        column = columns.get(str(key))
        if column is None or column.key in {"code", "register"}:
            raise ValidationFailed(_("Choose the column that changes; code and register number cannot change."))
        try:
            values[column.key] = parse_value(column, text)
        except ValidationFailed as refusal:
            errors |= refusal.field_errors
        if column.key == "name" and not values.get("name"):
            errors.setdefault("name", _("“%(field)s” is required here.", field=column.label))
    if errors:
        raise ValidationFailed(_("The item cannot be saved with these values."), field_errors=errors)
    if not values:
        raise ValidationFailed(_("Nothing of this item changes."))
    return values


def _find_asset(session: Session, asset_id: object, activity: Activity) -> Asset | None:
    asset = session.get(Asset, asset_id) if is_id(asset_id) else None
    return asset if asset is not None and asset.agency_id == activity.agency_id else None


def insert_assets(
    agency: Agency,
    card: Card,
    rows: Iterable[Mapping[str, object]],
    by: User | None,
    now: dt.datetime,
    *,
    booked_on: dt.date | None = None,
) -> list[Asset]:
    """Insert items with parsed values, booked on ``booked_on`` or today; ``by`` None is the terminal.

    Raises ValidationFailed if one is on the agency's list already, has a NIBAR of another, is in a room that is not
    there, or has a code that the office does not take.
    """
    session = session_of(agency)
    listed, day = ListedItems(session, agency.id), booked_on or agency.local_date(now)
    assets = []
    for values in rows:
        asset = new_asset(agency.id, card, check_item(listed, values), now, day)
        asset.entered_by_id = by.id if by else None
        session.add(asset)
        session.flush()
        assets.append(asset)
    return assets


def new_asset(agency_id: int, card: Card, values: Mapping[str, object], now: dt.datetime, booked_on: dt.date) -> Asset:
    """Return an item with checked values, not yet in a session."""
    asset = Asset(agency_id=agency_id, card=card, details={}, is_retired=False, entered_at=now, booked_on=booked_on)
    set_values(asset, values)
    return asset


def _add_assets(
    session: Session,
    change: ChangeRequest,
    activity: AssetUpdate,
    row: Mapping[str, Any],
    actor: User,
    now: dt.datetime,
) -> None:
    card = Card(row["card"])
    for asset in insert_assets(change.agency, card, parse_new_assets(card, row), actor, now):
        _record_mutation(session, activity, asset, MutationKind.ADDED, (None, snapshot(asset)), now)


def _alter_asset(
    session: Session, activity: AssetUpdate, asset_id: int, alteration: _Alteration, now: dt.datetime
) -> None:
    asset = session.get_one(Asset, asset_id, with_for_update=True, populate_existing=True)
    before, values = snapshot(asset), dict(alteration.values)
    retired = bool(values.pop("is_retired", False))
    values = check_altered(session, asset, values)
    # The mutation is inserted first: a trigger denies changes of items without one.
    after = values_after(asset, values)
    after["is_retired"] = retired
    _record_mutation(session, activity, asset, alteration.kind, (before, after), now, alteration.reasons)
    set_values(asset, values)
    asset.is_retired = retired
    session.flush()


def check_altered(session: Session, asset: Asset, values: Mapping[str, object]) -> dict[str, object]:
    """Return what ``check_item`` returns of an item of the list with other ``values``."""
    whole = {"code": asset.code, "register": asset.register, **values}
    keeps_number = (asset.code, asset.register) == (whole["code"], whole["register"])
    checked = check_item(ListedItems(session, asset.agency_id), whole, asset.id, keeps_number=keeps_number)
    return {key: checked[key] for key in values}


def values_after(asset: Asset, values: Mapping[str, object]) -> dict[str, Any]:
    """Return the snapshot that ``asset`` will have with other ``values``."""
    after = Asset(card=asset.card, details=asset.details, **{key: getattr(asset, key) for key in COMMON_COLUMNS})
    set_values(after, values)
    return snapshot(after)


def _record_mutation(  # noqa: PLR0913, PLR0917 - the columns of a mutation
    session: Session,
    activity: AssetUpdate,
    asset: Asset,
    kind: MutationKind,
    states: tuple[dict[str, Any] | None, dict[str, Any]],
    now: dt.datetime,
    reasons: Collection[str] = (),
) -> None:
    before, after = states
    session.add(
        AssetMutation(
            agency_id=asset.agency_id,
            change_id=activity.change_id,
            update_id=activity.id,
            asset_id=asset.id,
            kind=kind,
            before=None if before is None else canonical_json(before),
            after=canonical_json(after),
            reason="\n".join(dict.fromkeys(reasons)) or None,
            booked_on=session.get_one(Agency, asset.agency_id).local_date(now),
        )
    )
    session.flush()


def _value_error(column: CardColumn, value: object) -> Message | None:
    """Return why a value that was read cannot be stored in ``column``, or None."""
    match value:
        case str():
            return text_error(value, max_length=_MAX_LENGTHS.get(column.key, SHORT_TEXT_LENGTH))
        case Decimal():
            return _number_error(column, value)
        case int() if column.kind is CardColumnKind.YEAR and not MIN_YEAR <= value <= MAX_YEAR:
            return _("“%(column)s” is a year from %(first)s to %(last)s.", column=column.label, **_YEARS)
        case dt.date() if not is_plausible_date(value):
            return _("“%(column)s” is a date from %(first)s to %(last)s.", column=column.label, **_YEARS)
        case _:
            return None


_YEARS = {"first": str(MIN_YEAR), "last": str(MAX_YEAR)}


def _number_error(column: CardColumn, number: Decimal) -> Message | None:
    if number < 0:
        shown = write_number(number)
        return _("“%(column)s” cannot be less than zero: %(number)s.", column=column.label, number=shown)
    if number >= _PRICE_LIMIT:
        return _("This number is too large for “%(column)s”.", column=column.label)
    if column.kind is CardColumnKind.MONEY and number != number.quantize(_PRICE_STEP):
        return _("An amount in rupiah has at most two decimals.")
    return None
