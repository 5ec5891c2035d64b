"""The tables of the asset list (KIB): items with their cards' columns, and their mutations by requests."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.inventory.cards import AssetCondition, Card
from lpse_admin.inventory.codes import format_code
from models.accounts.actor_snapshot import snapshot_of
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, enum_type
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule, no_update_or_delete
from models.office.agency import Agency

if TYPE_CHECKING:
    from models.accounts.user import User
    from models.changes.change import ChangeRequest
    from models.changes.steps.activity import AssetReviewItem, AssetUpdate, ReleaseAsset


class MutationKind(LabelledEnum):
    """The kind of a mutation."""

    ADDED = "added", _("Added")
    ALTERED = "altered", _("Changed")
    MOVED = "moved", _("Moved")
    RETIRED = "retired", _("Removed from the list")
    #: By a change manager, of an item that no request refers to; without a request.
    CORRECTED = "corrected", _("Corrected")


_NEVER_MUTATED = "NOT EXISTS (SELECT 1 FROM asset_mutation m WHERE m.asset_id = OLD.id AND m.change_id IS NOT NULL)"
_EVER_MUTATED = "EXISTS (SELECT 1 FROM asset_mutation m WHERE m.asset_id = OLD.id)"
_IMPORT_STANDS = "NOT EXISTS (SELECT 1 FROM asset_import i WHERE i.id = OLD.import_id AND i.undone_at IS NOT NULL)"
_NAMED_BY_A_REQUEST = (
    "EXISTS (SELECT 1 FROM asset_review_item i WHERE i.asset_id = OLD.id)"
    " OR EXISTS (SELECT 1 FROM release_asset r WHERE r.asset_id = OLD.id)"
)


class Asset(Base):
    """An item of the asset list. Columns of every card are table columns; a card's own are in ``details``."""

    __tablename__ = "asset"
    is_office_record = True
    __table_args__ = (
        UniqueConstraint("agency_id", "code", "register"),
        Index(None, "agency_id", "card", "code", "register"),
        Index("ix_asset_name", "agency_id", "name", "id"),
        Index(None, "import_id"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "asset_only_by_mutation",
            "an item changes only through a request",
            (
                Immutable(
                    mutable=(
                        "code", "register", "name", "condition", "origin", "price", "remarks", "details", "is_retired",
                    )
                ),
                # Until a request names the item, what was entered can be corrected; it is retired by a request only.
                Immutable(_NEVER_MUTATED, columns=("is_retired",)),
                Immutable(
                    f"{_NEVER_MUTATED} AND ({_NAMED_BY_A_REQUEST})"
                ),
            ),
        ),
        # Only what came with a list that was taken over, when that is undone.
        DeleteRule(
            "asset_kept",
            "an item is taken off the list, not deleted",
            f"{_IMPORT_STANDS} OR {_EVER_MUTATED} OR {_NAMED_BY_A_REQUEST}",
        ),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    card: Mapped[Card] = mapped_column(enum_type(Card, "card"))
    code: Mapped[str] = mapped_column(String(24))
    register: Mapped[str] = mapped_column(String(8))
    name: Mapped[ShortText]
    condition: Mapped[AssetCondition | None] = mapped_column(enum_type(AssetCondition, "condition"))
    origin: Mapped[ShortText | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    remarks: Mapped[LongText | None]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    is_retired: Mapped[bool] = mapped_column(default=False)
    #: The day on which the item came on the list, of which half-years are made; None for the day of ``entered_at``.
    booked_on: Mapped[dt.date | None]
    #: The list that was taken over with this item in it.
    import_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("asset_import.id"))
    entered_at: Mapped[Timestamp]
    entered_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    entered_by_name: Mapped[str | None] = snapshot_of("entered_by_id")
    entered_by_title: Mapped[str | None] = snapshot_of("entered_by_id", "position")

    agency: Mapped[Agency] = relationship()
    entered_by: Mapped[User | None] = relationship()
    mutations: Mapped[list[AssetMutation]] = relationship(back_populates="asset", order_by="AssetMutation.id")
    #: Where the review or the release of a request names it.
    review_items: Mapped[list[AssetReviewItem]] = relationship(viewonly=True)
    release_assets: Mapped[list[ReleaseAsset]] = relationship(viewonly=True)

    @property
    def reference(self) -> str:
        """Code and register number, by which people name the item: 1.3.2.10.01.02.002.0001."""
        return f"{format_code(self.code)}.{self.register}"

    def __str__(self) -> str:
        """Return code, register and name."""
        return f"{self.reference} {self.name}"


class AssetMutation(Base):
    """The change of an asset by a request, or the correction of an entry, with the row before and after as JSON."""

    __tablename__ = "asset_mutation"
    is_office_record = True
    __table_args__ = (
        CheckConstraint("(kind = 'added') OR before IS NOT NULL", name="before_unless_added"),
        CheckConstraint("(kind = 'corrected') = (change_id IS NULL)", name="corrected_without_a_request"),
        CheckConstraint("(change_id IS NULL) = (update_id IS NULL)", name="update_of_a_request"),
        CheckConstraint("(kind = 'corrected') = (corrected_at IS NOT NULL)", name="corrected_at_a_moment"),
        Index(None, "asset_id"),
        Index(None, "change_id"),
        Index(None, "update_id"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete("a row of asset_mutation stays as it is")

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    change_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("change_request.id"))
    update_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("asset_update.id"))
    asset_id: Mapped[int] = mapped_column(IdType, ForeignKey("asset.id"))
    kind: Mapped[MutationKind] = mapped_column(enum_type(MutationKind, "kind"))
    before: Mapped[LongText | None]
    after: Mapped[LongText]
    #: Why the item was removed from the list, moved or changed.
    reason: Mapped[LongText | None]
    #: The day on which it counts, never in a locked half-year; None for the day on which the update was finished.
    booked_on: Mapped[dt.date | None]
    #: The mutation that a correction corrects; None where it corrects the entry itself.
    corrects_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("asset_mutation.id"))
    corrected_at: Mapped[Timestamp | None]
    corrected_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    corrected_by_name: Mapped[str | None] = snapshot_of("corrected_by_id")
    corrected_by_title: Mapped[str | None] = snapshot_of("corrected_by_id", "position")

    asset: Mapped[Asset] = relationship(back_populates="mutations", lazy="joined")
    change: Mapped[ChangeRequest | None] = relationship()
    update: Mapped[AssetUpdate | None] = relationship(back_populates="mutations")
