"""The layouts of papers that an office has adapted. Every version is kept; the last one of a key counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import _
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp
from models.immutability import RowRules, no_update_or_delete
from models.office.agency import Agency
from models.office.setting import authorize_and_lock, validate_with_reason
from models.validation import text_error

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from lpse_admin.i18n import Message

    #: Returns why a text is no layout, or None.
    LayoutCheck = Callable[[str], Message | None]

_ADAPTED = AuditAction("paper.layout", _("Adapted the layout of a paper"))
_RESTORED = AuditAction("paper.layout-default", _("Went back to the usual layout of a paper"))
_MAX_LENGTH = 60_000


class PaperLayout(Base):
    """A version of a layout; ``text`` None means that the usual layout counts again."""

    __tablename__ = "paper_layout"
    is_office_record = True
    __table_args__ = (Index(None, "agency_id", "key", "id"),)

    row_rules: ClassVar[RowRules] = no_update_or_delete("a version of a layout stays as it is")

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    #: The name of the layout's file, without its ending.
    key: Mapped[str] = mapped_column(String(40))
    text: Mapped[LongText | None]
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_by_title: Mapped[str | None] = snapshot_of("set_by_id", "position")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()


def load_layouts(session: Session, agency_id: int) -> dict[str, PaperLayout]:
    """Return the layouts that an office has adapted, by key."""
    versions = select(PaperLayout).where(PaperLayout.agency_id == agency_id).order_by(PaperLayout.id)
    latest = {row.key: row for row in session.scalars(versions)}
    return {key: row for key, row in latest.items() if row.text is not None}


def adapt_layout(
    session: Session, agency: Agency, layout: tuple[str, str, LayoutCheck], *, by: User, now: dt.datetime, reason: str
) -> PaperLayout:
    """Replace a layout of an office; ``layout`` is its key, the text, and the check that the text has to pass.

    Raises NotAllowed, and ValidationFailed ("text", "reason"): what does not pass never replaces what counts.
    """
    key, text, check = layout
    authorize_and_lock(session, agency.id, by, Verb.EDIT, Resource.PAPER_SETTING)
    error = text_error(text, required_label=_("Layout"), max_length=_MAX_LENGTH) or check(text)
    validate_with_reason(session, reason, {"text": error} if error else {}, _ADAPTED)
    return _add(session, agency, key, text, (by, now))


def restore_layout(
    session: Session, agency: Agency, key: str, *, by: User, now: dt.datetime, reason: str
) -> PaperLayout:
    """Go back to the usual layout; raises NotAllowed, and ValidationFailed."""
    authorize_and_lock(session, agency.id, by, Verb.EDIT, Resource.PAPER_SETTING)
    validate_with_reason(session, reason, {}, _RESTORED)
    if key not in load_layouts(session, agency.id):
        raise ValidationFailed(_("This layout is the usual one already."))
    return _add(session, agency, key, None, (by, now))


def _add(session: Session, agency: Agency, key: str, text: str | None, setter: tuple[User, dt.datetime]) -> PaperLayout:
    by, now = setter
    row = PaperLayout(agency_id=agency.id, key=key, text=text, set_by_id=by.id, set_at=now)
    session.add(row)
    session.flush()
    return row
