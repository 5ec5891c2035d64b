"""The request that somebody means by a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from lpse_admin.search.query import parse_search
from models.changes.change import ChangeRequest
from models.search.search import number_matches

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models.accounts.user import User


def find_request(session: Session, by: User, number: str) -> ChangeRequest:
    """Return the request of the office with this number, in any notation; raises ValidationFailed ("number")."""
    asked = number_matches(parse_search(number)) if number.strip() else []
    result = (
        session.scalars(
            select(ChangeRequest)
            .where(or_(*asked), ChangeRequest.agency_id == by.agency_id, ChangeRequest.submitted_at.is_not(None))
            .limit(2)
        ).all()
        if asked
        else []
    )
    if len(result) != 1:
        error = _("Enter the number of one request, such as RFC/2026/0001.")
        raise ValidationFailed(error, field_errors={"number": error})
    return result[0]
