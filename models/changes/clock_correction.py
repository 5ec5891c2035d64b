"""Correction of times that lie in the future because the server's clock was wrong, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts.actor_snapshot import snapshot_of
from models.base import Base, IdType, LongText, PrimaryKey, Timestamp
from models.immutability import no_update_or_delete

if TYPE_CHECKING:
    from models.immutability import RowRules


class ClockCorrection(Base):
    """The times of an open step before and after their correction, by whom, when and why."""

    __tablename__ = "clock_correction"
    __table_args__ = (
        CheckConstraint(
            "arrived_at < former_arrived_at OR taken_up_at < former_taken_up_at", name="to_an_earlier_time"
        ),
        Index(None, "activity_id"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("a correction stays as it is")

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    activity_id: Mapped[int] = mapped_column(IdType, ForeignKey("activity.id"))
    former_arrived_at: Mapped[Timestamp]
    arrived_at: Mapped[Timestamp]
    former_taken_up_at: Mapped[Timestamp | None]
    taken_up_at: Mapped[Timestamp | None]
    by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    by_name: Mapped[str | None] = snapshot_of("by_id")
    by_title: Mapped[str | None] = snapshot_of("by_id", "position")
    by_capacity: Mapped[str | None] = snapshot_of("by_id", "capacity")
    at: Mapped[Timestamp]
    reason: Mapped[LongText]
