"""The assets and services that a request says it affects."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, IdType, PrimaryKey, ShortText
from models.immutability import RowRules, no_update_or_delete

if TYPE_CHECKING:
    from models.changes.change import ChangeRequest
    from models.inventory.asset import Asset


class ChangeItem(Base):
    """An asset or a service that the change affects, as the request names it."""

    __tablename__ = "change_item"
    __table_args__ = (
        UniqueConstraint("change_id", "position"),
        CheckConstraint("(asset_id IS NULL) <> (service IS NULL)", name="asset_or_service"),
        Index(None, "asset_id"),
    )

    row_rules: ClassVar[RowRules] = no_update_or_delete(
        "what was submitted cannot be changed",
        "(SELECT step FROM change_request c WHERE c.id = OLD.change_id) NOT IN ('request', 'returned')",
        name="frozen",
    )

    id: Mapped[PrimaryKey]
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    position: Mapped[int]
    asset_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("asset.id"))
    service: Mapped[ShortText | None]

    change: Mapped[ChangeRequest] = relationship(back_populates="affected_items")
    asset: Mapped[Asset | None] = relationship(lazy="joined")
