"""The tables of lists that are taken over: the file with how it is read, and layouts that are kept by name."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.inventory.cards import Card
from models.accounts.actor_snapshot import snapshot_of
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, enum_type
from models.documents.document import FileContent
from models.immutability import DeleteRule, Immutable, RowRules, UpdateRule
from models.office.agency import Agency

if TYPE_CHECKING:
    from models.accounts.user import User


class ImportState(LabelledEnum):
    """How far a list that is taken over is."""

    PREVIEW = "preview", _("Preview")
    APPLIED = "applied", _("Taken over")
    UNDONE = "undone", _("Undone")
    DISCARDED = "discarded", _("Discarded")


class AssetImport(Base):
    """A list of assets as a file: looked at, taken over as a whole, undone as a whole."""

    __tablename__ = "asset_import"
    is_office_record = True
    __table_args__ = (
        CheckConstraint("(state = 'applied') = (applied_at IS NOT NULL AND undone_at IS NULL)", name="applied"),
        CheckConstraint("(state = 'undone') = (undone_at IS NOT NULL)", name="undone"),
        CheckConstraint("(undone_at IS NULL) = (reason IS NULL)", name="undone_with_a_reason"),
        Index(None, "agency_id", "uploaded_at", "id"),
        Index(None, "sha256"),
    )

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "asset_import_stays",
            "a list that was taken over can only be undone, and once",
            (
                Immutable(
                    mutable=(
                        "layout", "card", "booked_on", "state", "item_count", "applied_at", "applied_by_id",
                        "undone_at", "undone_by_id", "reason",
                    )
                ),
                Immutable(
                    "OLD.state = 'applied'", mutable=("state", "undone_at", "undone_by_id", "reason"),
                ),
                Immutable("OLD.state IN ('undone', 'discarded')"),
            ),
        ),
        DeleteRule("asset_import_kept", "a list that was looked at stays in the record"),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    name: Mapped[ShortText]
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), ForeignKey("file_content.sha256"))
    #: How the file is read (``lpse_admin.takeover.layout``); None where its headings say it.
    layout: Mapped[dict[str, Any] | None]
    #: The card of every row, where the codes do not say it.
    card: Mapped[Card | None] = mapped_column(enum_type(Card, "card"))
    booked_on: Mapped[dt.date]
    state: Mapped[ImportState] = mapped_column(enum_type(ImportState, "state"))
    #: How many items it entered.
    item_count: Mapped[int | None]
    uploaded_at: Mapped[Timestamp]
    #: None is the terminal.
    uploaded_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    uploaded_by_name: Mapped[str | None] = snapshot_of("uploaded_by_id")
    uploaded_by_title: Mapped[str | None] = snapshot_of("uploaded_by_id", "position")
    applied_at: Mapped[Timestamp | None]
    applied_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    applied_by_name: Mapped[str | None] = snapshot_of("applied_by_id")
    applied_by_title: Mapped[str | None] = snapshot_of("applied_by_id", "position")
    undone_at: Mapped[Timestamp | None]
    undone_by_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("user_account.id"))
    undone_by_name: Mapped[str | None] = snapshot_of("undone_by_id")
    undone_by_title: Mapped[str | None] = snapshot_of("undone_by_id", "position")
    #: Why it was undone.
    reason: Mapped[LongText | None]

    agency: Mapped[Agency] = relationship()
    uploaded_by: Mapped[User | None] = relationship(foreign_keys=[uploaded_by_id])
    applied_by: Mapped[User | None] = relationship(foreign_keys=[applied_by_id])
    undone_by: Mapped[User | None] = relationship(foreign_keys=[undone_by_id])
    file_content: Mapped[FileContent] = relationship()

    def __str__(self) -> str:
        """Return the name of the file."""
        return self.name


class ImportProfile(Base):
    """A layout that an office has kept by a name, for the next list of the same kind."""

    __tablename__ = "import_profile"
    is_office_record = True
    __table_args__ = (UniqueConstraint("agency_id", "name"),)

    row_rules: ClassVar[RowRules] = (
        UpdateRule(
            "import_profile_of_its_office",
            "a layout stays with its office and its name",
            (Immutable(mutable=("layout", "set_by_id", "set_at")),),
        ),
    )

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    name: Mapped[ShortText]
    layout: Mapped[dict[str, Any]]
    set_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    set_by_name: Mapped[str | None] = snapshot_of("set_by_id")
    set_by_title: Mapped[str | None] = snapshot_of("set_by_id", "position")
    set_at: Mapped[Timestamp]

    agency: Mapped[Agency] = relationship()
    set_by: Mapped[User] = relationship()

    def __str__(self) -> str:
        """Return its name."""
        return self.name
