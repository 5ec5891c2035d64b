"""Whose settings are looked at: the reader's own office, or the one that an administrator of the installation chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from sqlalchemy import select
from wtforms.fields.choices import SelectChoice

from lpse_admin.errors import NoSuchMove, NotFound
from lpse_admin.i18n import _
from models.database import db
from models.office.agency import Agency
from views.app.access import get_current_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wtforms import SelectField

    from views.forms.base import Form


def selectable_agencies() -> Sequence[Agency]:
    """Return the offices that the reader reaches: their own, or all of them for the installation's administrator."""
    user = get_current_user()
    if user.agency is not None:
        return [user.agency]
    return db.session.scalars(select(Agency).order_by(Agency.name)).all()


def agency_by_key(agencies: Sequence[Agency], key: str | None) -> Agency | None:
    """Return the office of this key, the first without a key, None where there is none at all; raises NotFound."""
    if not key:
        return next(iter(agencies), None)
    result = next((agency for agency in agencies if agency.key == key), None)
    if result is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    return result


def set_agency_choices(form: Form, field: SelectField, agencies: Sequence[Agency]) -> None:
    """Let ``form`` ask for the office where there is a choice, and not mention it where there is none."""
    if len(agencies) > 1:
        field.choices = [SelectChoice(agency.key, agency.name) for agency in agencies]
        if request.method == "GET":
            field.data = request.args.get("agency") or agencies[0].key
    else:
        del form[field.name]


def chosen_agency(form: Form, agencies: Sequence[Agency]) -> Agency:
    """Return the office that ``form`` is about; raises NoSuchMove before there is one."""
    agency = agency_by_key(agencies, form["agency"].data if "agency" in form else None)
    if agency is None:
        raise NoSuchMove(_("There is no agency yet: it is created with its first SOP."))
    return agency
