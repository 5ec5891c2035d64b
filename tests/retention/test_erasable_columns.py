"""A destruction leaves no text of a request behind: each column with a text is erased, or stays for a reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Enum, String, select

from lpse_admin.sop.steps import Step
from models.audit.trail import AuditEntry
from models.base import Base
from models.integrity.run import verify_register
from models.notifications.notification import Notification
from models.retention.erase import ErasedBy, erase_request
from tests.support.cast import (  # noqa: F401 - fixtures
    NOW,
    cast,
    change_at_step,
    session,
    set_test_audit_context,
)
from views.notifications.notices import notification_text

if TYPE_CHECKING:
    from tests.support.cast import AuditedSession, Cast

#: Who acted, and in what capacity, stays on record, as do numbers, hashes and what the program says of its own.
WHO = ("_name", "_title", "_capacity", "_rank", "_nip")
STAYS = {
    "number", "fingerprint", "sha256", "media_type", "key", "item_key", "version", "capacity", "table_name", "row_id",
    "column_name", "change_number",
}  # fmt: skip
REASONS = {
    ("activity", "equipment"): "which of the procedure's equipment was used: words of the SOP",
    ("archive_reference", "classification_code"): "where the record is filed",
    ("archive_reference", "reference_number"): "where the record is filed",
    ("asset_mutation", "after"): "the asset's own history",
    ("asset_mutation", "before"): "the asset's own history",
    ("asset_mutation", "reason"): "the asset's own history",
    ("assessor_finding", "*"): "the assessor's own record; a request is not destroyed while it is open",
    ("audit_finding", "error"): "what a verification found",
    ("change_item", "service"): "an asset or service of the office",
    ("deviation", "standard"): "what the SOP says",
    ("deviation", "subject"): "what the program found",
    ("deviation", "what"): "what the program found",
    ("field_value", "label"): "what the SOP asks",
    ("hold", "lift_reason"): "why a request was held stays on record",
    ("hold", "reason"): "why a request was held stays on record",
    ("step_consent", "actor_key"): "the post of the SOP",
    ("signed_paper", "findings"): "who signed, and whether the signature is valid",
}


def test_each_text_of_a_request_is_erased_or_stays_for_a_reason() -> None:
    left, known = set(), set(REASONS)
    for mapper in Base.registry.mappers:
        table: Any = mapper.local_table
        if "change_id" not in table.c:
            continue
        for column in table.c:
            name = str(table.name), column.name
            is_text = isinstance(column.type, String | JSON) and not isinstance(column.type, Enum)
            is_kept = column.name in mapper.class_.erasable_columns | STAYS or column.name.endswith(WHO)
            if is_text and not is_kept and not {name, (name[0], "*")} & known:
                left.add(name)
    assert left == set()


def test_neither_notifications_nor_the_trail_tell_the_title_after_a_destruction(
    session: AuditedSession, cast: Cast
) -> None:
    office = cast.lumajang
    change = change_at_step(session, office, Step.APPROVAL)
    title, id_, number = change.title, change.id, change.number
    of_change = select(Notification).where(Notification.change_id == id_).order_by(Notification.id)
    before = [notification_text(one.details) for one in session.scalars(of_change)]
    assert title
    assert before
    set_test_audit_context(session)
    erase_request(session, change, ErasedBy(office.head, NOW, "Masa simpan habis"))
    session.commit()
    details = [one.details for one in session.scalars(of_change)]
    assert [notification_text(one) for one in details] == before
    assert {(one["title"], one["number"]) for one in details} == {("***", number)}
    entries = session.scalars(select(AuditEntry.rows)).all()
    told = [row for rows in entries for row in json.loads(rows) if row["after"].get("change_id") == id_]
    assert not any(str(title) in json.dumps(row, ensure_ascii=False) for row in told)
    assert not any(str(title) in rows for rows in entries)
    assert verify_register(session).findings == []
