"""Revisions of a release after its step was finished: its window moved, its plan set aside, its actual time corrected.

Each is a row with what stood before and after, who did it and why. The columns of the release have what counts now; the
database lets them change only together with such a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.i18n import LabelledEnum, _
from models.accounts.actor_snapshot import snapshot_of
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp, enum_type
from models.changes.steps.activity import Release
from models.immutability import RowRules, no_update_or_delete

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from models.changes.change import ChangeRequest


class ReleaseRevisionKind(LabelledEnum):
    """What was revised."""

    MOVED = "moved", _("Window moved")
    SET_ASIDE = "set-aside", _("Plan set aside")
    CORRECTED = "corrected", _("Actual time corrected")


class ReleaseRevision(Base):
    """One revision of a release."""

    __tablename__ = "release_revision"
    is_office_record = True
    __table_args__ = (
        UniqueConstraint("release_id", "number"),
        CheckConstraint("window_start_at < window_end_at", name="window_in_order"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("a revision of a release stays as it is")
    erasable_columns: ClassVar[frozenset[str]] = frozenset({"reason"})

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    release_id: Mapped[int] = mapped_column(IdType, ForeignKey("release.id"))
    number: Mapped[int]
    kind: Mapped[ReleaseRevisionKind] = mapped_column(enum_type(ReleaseRevisionKind, "kind"))
    former_start_at: Mapped[Timestamp | None]
    former_end_at: Mapped[Timestamp | None]
    former_actual_at: Mapped[Timestamp | None]
    window_start_at: Mapped[Timestamp | None]
    window_end_at: Mapped[Timestamp | None]
    actual_at: Mapped[Timestamp | None]
    reason: Mapped[LongText]
    revised_at: Mapped[Timestamp]
    revised_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    revised_by_name: Mapped[str | None] = snapshot_of("revised_by_id")

    release: Mapped[Release] = relationship()
    change: Mapped[ChangeRequest] = relationship()


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """The plan of a release as it was from one revision to the next; the first, with ``number`` 0, as it was made."""

    number: int
    kind: ReleaseRevisionKind | None
    window_start_at: dt.datetime | None
    window_end_at: dt.datetime | None
    actual_at: dt.datetime | None
    is_set_aside: bool = False


def plan_versions(revisions: Sequence[ReleaseRevision]) -> list[PlanVersion]:
    """Return each version of a plan, in order: one more than there are ``revisions``; none if it was never revised."""
    if not revisions:
        return []
    first = revisions[0]
    original = PlanVersion(0, None, first.former_start_at, first.former_end_at, first.former_actual_at)
    return [
        original,
        *(
            PlanVersion(
                one.number, one.kind, one.window_start_at, one.window_end_at, one.actual_at,
                is_set_aside=one.kind is ReleaseRevisionKind.SET_ASIDE,
            )
            for one in revisions
        ),
    ]  # fmt: skip
