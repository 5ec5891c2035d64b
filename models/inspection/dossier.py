"""A dossier that somebody asked for: its period, what became of it, and until when its file is kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NoSuchMove
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.notifications.events import Event
from models.accounts.actor_snapshot import snapshot_of
from models.accounts.permission import require_permission
from models.accounts.user import User
from models.audit.actions import AuditAction
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, session_of
from models.hybrids import is_set
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.notifications.notification import notify
from models.office.agency import Agency, lock_agency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

#: How long the file of a dossier is kept; the record stays.
KEPT = dt.timedelta(days=7)
#: As many dossiers of an office may wait.
_MAX_WAITING = 5

ASKED = AuditAction("inspection.ask", _("Asked for an inspection dossier"))
STARTED = AuditAction("inspection.start", _("Began to make an inspection dossier"))
MADE = AuditAction("inspection.make", _("Made an inspection dossier"))
FAILED = AuditAction("inspection.fail", _("Could not make an inspection dossier"))
REMOVED = AuditAction("inspection.remove", _("Removed the file of an inspection dossier"))
DOWNLOADED = AuditAction("inspection.download", _("Downloaded an inspection dossier"))


class DossierState(LabelledEnum):
    """State of a dossier."""

    WAITING = "waiting", _("Waiting its turn")
    MAKING = "making", _("Being made")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    REMOVED = "removed", _("File removed")


_RESULT_COLUMNS = ("finished_at", "error", "fingerprint", "anchor", "sha256", "size", "files")


@dataclass(frozen=True, slots=True)
class DossierFile:
    """A finished file: its fingerprint, hash, anchor, size in bytes, and how many files are in it."""

    fingerprint: str
    sha256: str
    anchor: str
    size: int
    files: int


class Dossier(Base):
    """The dossier of a period, asked for by somebody."""

    __tablename__ = "inspection_dossier"
    is_office_record = True
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="days_in_order"),
        CheckConstraint(
            "(error IS NOT NULL AND sha256 IS NULL) OR (finished_at IS NULL) = (sha256 IS NULL)", name="made_or_failed"
        ),
        Index(None, "agency_id", "asked_at", "id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "inspection_dossier_stands",
            "a dossier is made once, and keeps what it says",
            (
                Immutable(mutable=("started_at", "removed_at", *_RESULT_COLUMNS)),
                Immutable("OLD.finished_at IS NOT NULL", mutable=("removed_at",)),
                Immutable("OLD.removed_at IS NOT NULL"),
            ),
        ),
        DeleteRule("inspection_dossier_kept", "the file of a dossier is removed, not its record"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    first_day: Mapped[dt.date]
    last_day: Mapped[dt.date]
    asked_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    asked_by_name: Mapped[str | None] = snapshot_of("asked_by_id")
    asked_by_title: Mapped[str | None] = snapshot_of("asked_by_id", "position")
    asked_at: Mapped[Timestamp]
    #: When it was begun, the last time.
    started_at: Mapped[Timestamp | None]
    finished_at: Mapped[Timestamp | None]
    #: Why it could not be made.
    error: Mapped[LongText | None]
    #: The SHA-256 of its manifest, to be kept apart from it, and of the whole file.
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    sha256: Mapped[str | None] = mapped_column(String(64))
    anchor: Mapped[ShortText | None]
    size: Mapped[int | None] = mapped_column(IdType)
    files: Mapped[int | None]
    #: When the file was removed from the disk.
    removed_at: Mapped[Timestamp | None]

    agency: Mapped[Agency] = relationship()
    asked_by: Mapped[User] = relationship()

    @property
    def state(self) -> DossierState:
        """What has become of it."""
        if is_set(self.removed_at):
            return DossierState.REMOVED
        if is_set(self.error):
            return DossierState.FAILED
        if is_set(self.finished_at):
            return DossierState.READY
        return DossierState.WAITING if self.started_at is None else DossierState.MAKING

    @property
    def kept_until(self) -> dt.datetime | None:
        """Until when its file is kept."""
        return None if self.finished_at is None or self.error else self.finished_at + KEPT

    def start(self, now: dt.datetime) -> None:
        """Note that it is being made from now on."""
        self.started_at = now
        STARTED.describe(session_of(self))

    def finish(self, result: DossierFile, now: dt.datetime) -> None:
        """Note what was made, and notify who asked for it."""
        session = session_of(self)
        self.finished_at, self.anchor, self.files = now, result.anchor, result.files
        self.fingerprint, self.sha256, self.size = result.fingerprint, result.sha256, result.size
        MADE.describe(session, reason=f"{self}; {result.fingerprint}")
        notify(session, Event.DOSSIER_READY, [self.asked_by], now=now, key=f"dossier-{self.id}",
               first_day=self.first_day, last_day=self.last_day, fingerprint=result.fingerprint)  # fmt: skip
        session.flush()

    def fail(self, reason: str, now: dt.datetime) -> None:
        """Note why it cannot be made, and notify who asked for it."""
        session = session_of(self)
        self.finished_at, self.error = now, reason
        FAILED.describe(session, reason=f"{self}; {reason}")
        notify(session, Event.DOSSIER_FAILED, [self.asked_by], now=now, key=f"dossier-{self.id}",
               first_day=self.first_day, last_day=self.last_day, note=reason)  # fmt: skip
        session.flush()

    def remove(self, now: dt.datetime) -> None:
        """Note that its file is no longer kept."""
        self.removed_at = now
        REMOVED.describe(session_of(self), reason=str(self))

    def __str__(self) -> str:
        """Return its period."""
        return f"{self.first_day} – {self.last_day}"


def ask_for_dossier(
    session: Session, agency: Agency, first_day: dt.date, last_day: dt.date, *, by: User, now: dt.datetime
) -> Dossier:
    """Ask for the dossier of a period; the one that is being made for it already is returned.

    Raises NotAllowed, and NoSuchMove where too many are waiting.
    """
    require_permission(by, Verb.EXPORT, Resource.INSPECTION, agency.id, _("You may not make the dossier of this LPSE."))
    session.flush()
    lock_agency(session, agency.id)
    pending = unfinished_dossiers(session, agency.id)
    for one in pending:
        if (one.first_day, one.last_day) == (first_day, last_day):
            return one
    if len(pending) >= _MAX_WAITING:
        raise NoSuchMove(
            _("%(count)s dossiers are waiting already. Wait until one of them is ready.", count=len(pending))
        )
    dossier = Dossier(agency_id=agency.id, first_day=first_day, last_day=last_day, asked_by_id=by.id, asked_at=now)
    session.add(dossier)
    ASKED.describe(session, reason=str(dossier))
    session.flush()
    return dossier


def unfinished_dossiers(session: Session, agency_id: int | None = None) -> Sequence[Dossier]:
    """Return those that are waiting or being made, the oldest first; None is all offices."""
    statement = select(Dossier).where(Dossier.finished_at.is_(None)).order_by(Dossier.asked_at, Dossier.id)
    return session.scalars(statement if agency_id is None else statement.where(Dossier.agency_id == agency_id)).all()


def expired_dossiers(session: Session, now: dt.datetime) -> Sequence[Dossier]:
    """Return those whose file has been kept for long enough."""
    return session.scalars(
        select(Dossier).where(Dossier.finished_at <= now - KEPT, Dossier.error.is_(None), Dossier.removed_at.is_(None))
    ).all()


def kept_dossiers(session: Session) -> Sequence[Dossier]:
    """Return those whose file is kept."""
    return session.scalars(select(Dossier).where(Dossier.sha256.is_not(None), Dossier.removed_at.is_(None))).all()
