"""What an administrator sets for an office: who may, always with a reason, and at what share somebody is warned.

Days, hours and months of Ramadan, which make the calendar, are in ``office_day`` and ``working_hours``; all of them
are read together by ``working_time``. Every write leaves its reason in the trail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.roles import Role
from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.worktime.national_holidays import FIRST_YEAR, LAST_YEAR
from models.accounts.user import User
from models.audit import trail
from models.base import Base, IdType, PrimaryKey, Timestamp
from models.immutability import Immutable, RowRules, UpdateRule
from models.office.agency import Agency, lock_agency
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

#: At how many percent of a standard somebody is told, where the office has set nothing.
DEFAULT_WARNING_SHARE = 80
_HUNDRED_PERCENT = 100


class Threshold(Base):
    """The thresholds of an office, as last set; an office without a row has the defaults."""

    __tablename__ = "threshold"
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
    #: The percentage of a standard time at which somebody is told that they are about to be late.
    warning_share: Mapped[int]
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()


def load_threshold(session: Session, agency_id: int) -> Threshold | None:
    """Return what the office has set, if anything."""
    return session.scalars(select(Threshold).where(Threshold.agency_id == agency_id)).one_or_none()


def set_warning_share(
    session: Session, agency: Agency, percent: int | None, *, by: User, now: dt.datetime, reason: str
) -> Threshold:
    """Set at how many percent of a standard (1 to 100) somebody is told; raises as ``begin`` and ``conclude`` do."""
    authorize_and_lock(session, agency.id, by)
    faults = {}
    if percent is None or not 1 <= percent <= _HUNDRED_PERCENT:
        faults["warning_share"] = _("Enter a whole number from 1 to 100.")
    validate_with_reason(session, reason, faults)
    threshold = load_threshold(session, agency.id)
    if threshold is None:
        threshold = Threshold(agency_id=agency.id)
        session.add(threshold)
    threshold.warning_share, threshold.set_by_id, threshold.set_at = percent or _HUNDRED_PERCENT, by.id, now
    session.flush()
    return threshold


# -- what every setting has in common ----------------------------------------------------------------------------------


def may_set(user: User, agency_id: int) -> bool:
    """Whether ``user`` is an administrator of this office, or of the installation."""
    return user.is_active and Role.ADMINISTRATOR in user.roles and user.agency_id in {None, agency_id}


def authorize_and_lock(session: Session, agency_id: int, by: User) -> None:
    """Let ``by`` set something for the office, one at a time; raises NotAllowed for anybody but an administrator."""
    if not may_set(by, agency_id):
        raise NotAllowed(_("Only an administrator changes this setting."))
    session.flush()
    lock_agency(session, agency_id)  # two who set the same day at once would not see one another


def validate_with_reason(session: Session, reason: str, faults: Mapping[str, Message]) -> None:
    """Give ``reason`` to the trail; raises Incomplete where it says nothing, or for ``faults`` found before."""
    found = {**faults, **reason_errors(reason)}
    if found:
        raise ValidationFailed(_("The setting cannot be saved with these values."), field_errors=found)
    trail.update_audit_context(session, reason=reason.strip())


def reason_errors(reason: str) -> dict[str, Message]:
    """Return what is wrong with a reason, by its field."""
    fault = text_error(reason, required_label=_("Reason"))
    return {"reason": fault} if fault else {}


def date_errors(**dates: dt.date) -> dict[str, Message]:
    """Return a sentence for each date outside the years whose holidays are known, by its field."""
    message = _("The calendar covers only the years %(first)s to %(last)s", first=str(FIRST_YEAR), last=str(LAST_YEAR))
    return {field: message for field, date in dates.items() if not FIRST_YEAR <= date.year <= LAST_YEAR}
