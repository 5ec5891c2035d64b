"""The list of item codes that an office has imported, with the name of each code and each level above it."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.inventory.codes import CodeScheme
from models.base import Base, IdType, PrimaryKey, ShortText, enum_type
from models.immutability import Immutable, RowRules, UpdateRule
from models.office.agency import Agency


class AssetCode(Base):
    """A code of one of the schemes, or a level above one, with its name."""

    __tablename__ = "asset_code"
    is_office_record = True
    __table_args__ = (UniqueConstraint("agency_id", "scheme", "code"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule("asset_code_stays", "the code of a name stays", (Immutable(mutable=("name",)),)),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    scheme: Mapped[CodeScheme] = mapped_column(enum_type(CodeScheme, "scheme"))
    code: Mapped[str] = mapped_column(String(24))
    name: Mapped[ShortText]

    agency: Mapped[Agency] = relationship()

    def __str__(self) -> str:
        """Return code and name."""
        return f"{self.code} {self.name}"
