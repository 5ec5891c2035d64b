"""Half-years that were reported and are locked, with who signed, and what an office has set about its inventory."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.inventory.checks import UnknownCode
from models.accounts.actor_snapshot import snapshot_of
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, enum_type
from models.immutability import Immutable, RowRules, UpdateRule, no_update_or_delete
from models.office.agency import Agency

if TYPE_CHECKING:
    from models.accounts.user import User


class Signatories:
    """Who signs the printed cards: the keeper of the goods, and who has them kept, with the place."""

    place: Mapped[ShortText | None]
    keeper_name: Mapped[ShortText | None]
    keeper_title: Mapped[ShortText | None]
    keeper_nip: Mapped[ShortText | None]
    head_name: Mapped[ShortText | None]
    head_title: Mapped[ShortText | None]
    head_nip: Mapped[ShortText | None]
    #: The code of the office's place in the region's inventory.
    location_code: Mapped[ShortText | None]


SIGNATORY_KEYS = (
    "place", "keeper_name", "keeper_title", "keeper_nip", "head_name", "head_title", "head_nip", "location_code",
)  # fmt: skip


class InventoryOptions(Signatories, Base):
    """What an office has set about its inventory, as last set."""

    __tablename__ = "inventory_options"
    is_office_record = True

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "inventory_options_of_its_office",
            "what an office sets stays with its office",
            (Immutable(mutable=(*SIGNATORY_KEYS, "unknown_code", "set_by_id", "set_at")),),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"), unique=True)
    #: What happens to an item whose code the imported list of codes does not have.
    unknown_code: Mapped[UnknownCode] = mapped_column(enum_type(UnknownCode, "unknown_code"))
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_by_title: Mapped[str | None] = snapshot_of("set_by_id", "position")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()


class AssetPeriod(Signatories, Base):
    """A half-year that was reported: locked with all before it, its sheets signed by whom it names."""

    __tablename__ = "asset_period"
    is_office_record = True
    __table_args__ = (
        UniqueConstraint("agency_id", "year", "half"),
        CheckConstraint("half IN (1, 2)", name="half_of_a_year"),
        Index(None, "agency_id", "ends_on"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("a half-year that was locked stays locked")

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    year: Mapped[int]
    half: Mapped[int]
    ends_on: Mapped[dt.date]
    #: The date that its sheets bear.
    signed_on: Mapped[dt.date]
    remarks: Mapped[LongText | None]
    locked_at: Mapped[Timestamp]
    locked_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    locked_by_name: Mapped[str | None] = snapshot_of("locked_by_id")
    locked_by_title: Mapped[str | None] = snapshot_of("locked_by_id", "position")

    agency: Mapped[Agency] = relationship()
    locked_by: Mapped[User] = relationship()
