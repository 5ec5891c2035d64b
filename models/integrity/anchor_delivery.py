"""The anchors of an office, kept day by day and sent out of the house."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency


class AnchorDelivery(Base):
    """The anchors of one day: where they were sent, and the time stamp over them."""

    __tablename__ = "audit_anchor"
    is_office_record = True
    __table_args__ = (UniqueConstraint("agency_id", "day"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "audit_anchor_stands",
            "the anchors of a day stay as they are",
            (Immutable(mutable=("addresses", "sent_at", "error", "stamped_by", "stamped_at", "time_stamp")),),
        ),
        DeleteRule("audit_anchor_kept", "the anchors of a day are kept"),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    day: Mapped[dt.date]
    made_at: Mapped[Timestamp]
    #: The anchors, a line each.
    lines: Mapped[LongText]
    #: The addresses that have been sent them, separated by blanks.
    addresses: Mapped[LongText | None]
    sent_at: Mapped[Timestamp | None]
    #: Why the last attempt failed.
    error: Mapped[LongText | None]
    #: The time-stamp server, the time that it says, and its answer (RFC 3161, base64).
    stamped_by: Mapped[ShortText | None]
    stamped_at: Mapped[Timestamp | None]
    time_stamp: Mapped[LongText | None]

    agency: Mapped[Agency] = relationship()
