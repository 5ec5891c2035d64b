"""What every setting of an office has in common, and the share of a standard time at which somebody is warned.

A setting is changed by an administrator, with a reason that goes into the audit trail. Days, hours and months of
Ramadan, which make the calendar, are in ``office_day`` and ``working_hours``; ``calendars`` reads them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import require_permission
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, PrimaryKey, Timestamp
from models.immutability import Immutable, RowRules, UpdateRule
from models.office.agency import Agency, lock_agency
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

#: At how many percent of a standard somebody is warned, where the office has set nothing.
DEFAULT_WARNING_SHARE = 80
_HUNDRED_PERCENT = 100
_SET = AuditAction("setting.threshold", _("Set the warning threshold"))


class Threshold(Base):
    """The thresholds of an office, as last set; an office without a row has the defaults."""

    __tablename__ = "threshold"
    is_office_record = True
    __table_args__ = (CheckConstraint("warning_share BETWEEN 1 AND 100", name="share_in_percent"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "threshold_of_its_office",
            "what an office sets stays with its office and its day",
            (Immutable(mutable=("warning_share", "set_by_id", "set_at")),),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"), unique=True)
    #: The percentage of a standard time at which somebody is warned that they are about to be late.
    warning_share: Mapped[int]
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_by_title: Mapped[str | None] = snapshot_of("set_by_id", "position")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()


def load_threshold(session: Session, agency_id: int) -> Threshold | None:
    """Return what the office has set, if anything."""
    return session.scalars(select(Threshold).where(Threshold.agency_id == agency_id)).one_or_none()


def set_warning_share(
    session: Session, agency: Agency, warning_share: int | None, *, by: User, now: dt.datetime, reason: str
) -> Threshold:
    """Set at how many percent of a standard (1 to 100) somebody is warned; raises as ``set_hours`` does."""
    authorize_and_lock(session, agency.id, by, Verb.EDIT, Resource.SETTING)
    errors = {}
    if warning_share is None or not 1 <= warning_share <= _HUNDRED_PERCENT:
        errors["warning_share"] = _("Enter a whole number from 1 to 100.")
    validate_with_reason(session, reason, errors, _SET)
    threshold = load_threshold(session, agency.id)
    if threshold is None:
        threshold = Threshold(agency_id=agency.id)
        session.add(threshold)
    threshold.warning_share, threshold.set_by_id, threshold.set_at = warning_share or _HUNDRED_PERCENT, by.id, now
    session.flush()
    return threshold


# -- what every setting has in common ----------------------------------------------------------------------------------


def authorize_and_lock(session: Session, agency_id: int, by: User, verb: Verb, resource: Resource) -> None:
    """Raise NotAllowed unless the permission table lets ``by`` do this, then lock the agency.

    The lock makes two who set the same day at once wait for one another.
    """
    require_permission(by, verb, resource, agency_id, _("Only an administrator changes this setting."))
    session.flush()
    lock_agency(session, agency_id)


def validate_with_reason(session: Session, reason: str, errors: Mapping[str, Message], action: AuditAction) -> None:
    """Make ``action`` the audit action, with ``reason``; raises ValidationFailed for no reason, or for ``errors``."""
    results = {**errors, **reason_errors(reason)}
    if results:
        raise ValidationFailed(_("The setting cannot be saved with these values."), field_errors=results)
    action.describe(session, reason=strip_blank(reason))


def reason_errors(reason: str) -> dict[str, Message]:
    """Return what is wrong with a reason, by its field."""
    error = text_error(reason, required_label=_("Reason"))
    return {"reason": error} if error else {}


def date_errors(**dates: dt.date) -> dict[str, Message]:
    """Return a sentence for each date outside the years whose holidays are known, by its field."""
    message = _("The calendar covers only the years %(first)s to %(last)s", first=str(FIRST_YEAR), last=str(LAST_YEAR))
    return {field: message for field, date in dates.items() if not FIRST_YEAR <= date.year <= LAST_YEAR}
