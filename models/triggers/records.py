"""What is refused of the records of finished steps, of their files, and of the assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.triggers.deny import DenyTrigger, any_column_changed, deny_update_and_delete

if TYPE_CHECKING:
    from collections.abc import Iterator


_STEP_IS_FINISHED = "(SELECT finished_at FROM activity WHERE activity.id = OLD.{key}) IS NOT NULL"
_FINISHED_MESSAGE = "the record of a finished step cannot be changed"

_RELEASE_PLAN_CHANGED = any_column_changed(
    "version", "window_start_at", "window_end_at", "environment", "downtime_minutes", "audience", "person_in_charge",
    "overlap_reason",
)  # fmt: skip


def _deny_after_finish(table: str, key: str = "id") -> Iterator[DenyTrigger]:
    """Refuse changes to a record of a step that is finished; ``key`` is the column that names the step."""
    return deny_update_and_delete(table, _FINISHED_MESSAGE, _STEP_IS_FINISHED.format(key=key), name="frozen")


DENY_TRIGGERS: tuple[DenyTrigger, ...] = (
    *(
        ban
        for table in (
            "evaluation", "urgency_assessment", "approval", "implementation", "test_run", "rollback", "report",
            "verification", "asset_review", "asset_update",
        )
        for ban in _deny_after_finish(table)
    ),
    DenyTrigger(
        "release_frozen_update",
        "release",
        "UPDATE",
        "only the actual time may be added to a finished release",
        f"{_STEP_IS_FINISHED.format(key='id')} AND ({_RELEASE_PLAN_CHANGED}"
        " OR (OLD.actual_at IS NOT NULL AND OLD.actual_at IS DISTINCT FROM NEW.actual_at))",
    ),
    DenyTrigger("release_frozen_delete", "release", "DELETE", _FINISHED_MESSAGE, _STEP_IS_FINISHED.format(key="id")),
    *_deny_after_finish("test_case", "run_id"),
    *_deny_after_finish("asset_review_item", "review_id"),
    *_deny_after_finish("release_asset", "release_id"),
    *deny_update_and_delete(
        "document", "a file of a finished step stays as it is", _STEP_IS_FINISHED.format(key="activity_id"),
        name="frozen",
    ),
    *(
        ban
        for table in ("asset_mutation", "sop_step", "sop_move", "file_content")
        for ban in deny_update_and_delete(table, f"a row of {table} stays as it is")
    ),
    DenyTrigger(
        "asset_mutation_of_its_request",
        "asset_mutation",
        "INSERT",
        "a mutation belongs to the asset update of the request that it names",
        "NOT EXISTS (SELECT 1 FROM activity a WHERE a.id = NEW.update_id AND a.change_id = NEW.change_id)",
    ),
    DenyTrigger(
        "asset_only_by_mutation",
        "asset",
        "UPDATE",
        "an item changes only through a request",
        # Until a request names it, what was typed in at its entry can be corrected, and no more than that.
        "NOT EXISTS (SELECT 1 FROM asset_mutation m WHERE m.asset_id = OLD.id)"
        " AND (EXISTS (SELECT 1 FROM asset_review_item i WHERE i.asset_id = OLD.id)"
        " OR EXISTS (SELECT 1 FROM release_asset r WHERE r.asset_id = OLD.id) OR "
        + any_column_changed("agency_id", "card", "is_retired", "entered_at", "entered_by_id") + ")",
    ),
    DenyTrigger("asset_kept", "asset", "DELETE", "an item is taken off the list, not deleted"),
)  # fmt: skip
