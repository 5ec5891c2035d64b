"""Locking a half-year that was reported, and what an office sets about its inventory.

What is booked in a locked half-year, or before one, stays as it was reported: nothing can be entered there any more,
and a correction is an entry of a later day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.inventory.checks import UnknownCode
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.parsing.identity_numbers import read_nip
from models.accounts.permission import require_permission
from models.audit.actions import AuditAction
from models.base import SHORT_TEXT_LENGTH
from models.inventory.period import SIGNATORY_KEYS, AssetPeriod, InventoryOptions
from models.office.agency import Agency, lock_agency
from models.validation import MIN_YEAR, text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from lpse_admin.inventory.half_years import HalfYear
    from models.accounts.user import User

_LOCKED = AuditAction("asset.lock", _("Locked a half-year of the asset list"))
_SET = AuditAction("asset.options", _("Set who signs the inventory cards"))
_NOT_ALLOWED = _("Only a change manager or an administrator locks half-years and sets who signs.")


def locked_until(session: Session, agency_id: int) -> dt.date | None:
    """Return the last day of the last half-year that is locked; None if there is none."""
    return session.scalar(select(func.max(AssetPeriod.ends_on)).where(AssetPeriod.agency_id == agency_id))


def require_open_day(session: Session, agency: Agency, day: dt.date | None, now: dt.datetime) -> dt.date:
    """Return the day on which something is booked, today by default.

    Raises ValidationFailed with an error of ``booked_on`` for a day to come, one in a locked half-year, or one that is
    none of our time.
    """
    today = agency.local_date(now)
    day, locked, error = day or today, locked_until(session, agency.id), None
    if day > today or day.year < MIN_YEAR:
        error = _("Items are booked today or earlier.")
    elif locked is not None and day <= locked:
        error = _(
            "The list is locked until %(day)s: book it on a later day; a correction of that time is an entry of today.",
            day=f"{locked:%d-%m-%Y}",
        )
    if error is not None:
        raise ValidationFailed(error, field_errors={"booked_on": error})
    return day


def load_inventory_options(session: Session, agency_id: int) -> InventoryOptions | None:
    """Return what the office has set about its inventory, if anything."""
    return session.scalars(select(InventoryOptions).where(InventoryOptions.agency_id == agency_id)).one_or_none()


def set_inventory_options(
    session: Session, *, by: User, now: dt.datetime, unknown_code: str, **signatories: str
) -> InventoryOptions:
    """Set who signs and what happens to unknown codes; raises NotAllowed, ValidationFailed."""
    agency_id = _authorize(session, by, Verb.EDIT)
    values, errors = _read_signatories(signatories)
    if unknown_code not in set(UnknownCode):
        errors["unknown_code"] = _("Choose what happens to an item with an unknown code.")
    _refuse(errors)
    options = load_inventory_options(session, agency_id)
    if options is None:
        options = InventoryOptions(agency_id=agency_id)
        session.add(options)
    for key, value in values.items():
        setattr(options, key, value)
    options.unknown_code, options.set_by_id, options.set_at = UnknownCode(unknown_code), by.id, now
    _SET.describe(session)
    session.flush()
    return options


def lock_half_year(
    session: Session,
    *,
    by: User,
    now: dt.datetime,
    half_year: HalfYear | None,
    signed_on: dt.date | None,
    remarks: str = "",
    **signatories: str,
) -> AssetPeriod:
    """Lock a half-year that is over, and all before it; raises NotAllowed, ValidationFailed."""
    agency_id = _authorize(session, by, Verb.CREATE)
    agency = session.get_one(Agency, agency_id)
    values, errors = _read_signatories(signatories)
    today, locked = agency.local_date(now), locked_until(session, agency_id)
    if half_year is None:
        errors["half_year"] = _("Choose the half-year.")
    elif half_year.last_day >= today:
        errors["half_year"] = _("This half-year is not over yet.")
    elif locked is not None and half_year.last_day <= locked:
        errors["half_year"] = _("This half-year is locked already.")
    if signed_on is None or signed_on > today or (half_year and signed_on <= half_year.first_day):
        errors["signed_on"] = _("The sheets are dated after the half-year began and not later than today.")
    for key, label in (("keeper_name", _("Keeper of the goods")), ("head_name", _("Head"))):
        if not values.get(key):
            errors.setdefault(key, _("“%(field)s” is required here.", field=label))
    if error := text_error(remarks):
        errors["remarks"] = error
    _refuse(errors)
    if half_year is None or signed_on is None:
        raise TypeError("refused above")
    period = AssetPeriod(
        agency_id=agency_id, year=half_year.year, half=half_year.half, ends_on=half_year.last_day, signed_on=signed_on,
        remarks=strip_blank(remarks) or None, locked_at=now, locked_by_id=by.id, **values,
    )  # fmt: skip
    session.add(period)
    _LOCKED.describe(session, reason=str(half_year.key))
    session.flush()
    return period


def _authorize(session: Session, by: User, verb: Verb) -> int:
    if by.agency_id is None:
        raise NotAllowed(_NOT_ALLOWED)
    require_permission(by, verb, Resource.ASSET_PERIOD, by.agency_id, _NOT_ALLOWED)
    lock_agency(session, by.agency_id)
    return by.agency_id


def _read_signatories(texts: Mapping[str, str]) -> tuple[dict[str, str | None], dict[str, Message]]:
    """Return the values by column, and what is wrong with them."""
    values: dict[str, str | None] = {}
    errors: dict[str, Message] = {}
    for key in SIGNATORY_KEYS:
        text = texts.get(key, "")
        values[key] = strip_blank(text) or None
        if error := text_error(text, max_length=SHORT_TEXT_LENGTH):
            errors[key] = error
        elif key.endswith("_nip"):
            try:
                values[key] = read_nip(text)
            except UnreadableError as refusal:
                errors[key] = refusal.message
    return values, errors


def _refuse(errors: dict[str, Message]) -> None:
    if errors:
        raise ValidationFailed(_("This cannot be saved with these values."), field_errors=errors)
