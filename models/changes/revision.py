"""Revisions: the content of a request at each submission."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, IdType, PrimaryKey, Timestamp
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule


class ChangeRevision(Base):
    """The content of a request at one submission, by field key."""

    __tablename__ = "change_revision"
    __table_args__ = (UniqueConstraint("change_id", "revision"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule("change_revision_frozen", "a submitted revision cannot be changed", (Immutable(),)),
        DeleteRule("change_revision_kept", "a submitted revision cannot be deleted"),
    )

    erasable_columns: ClassVar[frozenset[str]] = frozenset({"content"})

    id: Mapped[PrimaryKey]
    change_id: Mapped[int] = mapped_column(IdType, ForeignKey("change_request.id"))
    revision: Mapped[int]
    submitted_at: Mapped[Timestamp]
    content: Mapped[dict[str, Any]]
