"""Recorded erasures: content that was removed for good, of which its hash, the reason and who did it are kept.

An erasure leaves its row, the hash of what stood there, and the chain of the trail. A change that no erasure allows,
or one that an erasure past the program allows, is found by the verification: erasures are told by the trail.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ForeignKey, Index, String, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, canonical_json
from models.immutability import RowRules, no_update_or_delete

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

#: What stands for an erased text.
ERASED_TEXT = "***"


class Erasure(Base):
    """That the content of one row was erased."""

    __tablename__ = "erasure"
    # An entry of the trail that tells of several requests is erased with each of them.
    __table_args__ = (Index(None, "table_name", "row_key", "id"), Index(None, "agency_id", "erased_at", "id"))
    row_rules: ClassVar[RowRules] = no_update_or_delete("an erasure stays on record")

    id: Mapped[PrimaryKey]
    agency_id: Mapped[int] = mapped_column(IdType, ForeignKey("agency.id"))
    destruction_id: Mapped[int | None] = mapped_column(IdType, ForeignKey("destruction.id"))
    table_name: Mapped[str] = mapped_column(String(40))
    row_key: Mapped[str] = mapped_column(String(64))
    #: Of an entry of the trail the hash of all that it says now; of a row that of what was erased; of a file its own.
    content_hash: Mapped[str] = mapped_column(String(64))
    reason: Mapped[LongText]
    erased_at: Mapped[Timestamp]
    erased_by_id: Mapped[int] = mapped_column(IdType, ForeignKey("user_account.id"))
    #: As of the erasure, like the columns of ``models.accounts.actor_snapshot``, which are above this room.
    erased_by_name: Mapped[ShortText] = mapped_column(
        info={"snapshot_user": "erased_by_id", "snapshot_source": "full_name", "snapshot_once": False}
    )


def content_hash(content: object) -> str:
    """Return the SHA-256 of ``content`` as canonical JSON."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def erased_hashes(connection: Connection, table: str, keys: Collection[str] | None = None) -> dict[str, str]:
    """Return the hashes of the newest erasures in ``table``, by the key of the row; a database of before has none."""
    if not inspect(connection).has_table(Erasure.__tablename__):
        return {}
    erasure: Any = Erasure.__table__.c
    statement = select(erasure.row_key, erasure.content_hash).where(erasure.table_name == table)
    if keys is not None:
        statement = statement.where(erasure.row_key.in_(keys))
    return {row.row_key: row.content_hash for row in connection.execute(statement.order_by(erasure.id))}
