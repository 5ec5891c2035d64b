"""What is refused of the records of finished steps, of their files, and of the assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.triggers.deny import Ban, both, changes

if TYPE_CHECKING:
    from collections.abc import Iterator


_STEP_IS_FINISHED = "(SELECT finished_at FROM activity WHERE activity.id = OLD.{key}) IS NOT NULL"
_FROZEN = "the record of a finished step cannot be changed"

_RELEASE_BUT_ACTUAL_TIME = changes(
    "version", "window_start_at", "window_end_at", "environment", "downtime_minutes", "audience", "person_in_charge",
    "overlap_reason",
)  # fmt: skip


def _frozen(table: str, key: str = "id") -> Iterator[Ban]:
    """Refuse changes to a record of a step that is finished; ``key`` is the column that names the step."""
    return both(table, _FROZEN, _STEP_IS_FINISHED.format(key=key), name="frozen")


BANS: tuple[Ban, ...] = (
    *(
        ban
        for table in (
            "evaluation", "urgency_assessment", "approval", "implementation", "test_run", "rollback", "report",
            "verification", "asset_review", "asset_update",
        )
        for ban in _frozen(table)
    ),
    Ban(
        "release_frozen_update",
        "release",
        "UPDATE",
        "only the actual time may be added to a finished release",
        f"{_STEP_IS_FINISHED.format(key='id')} AND ({_RELEASE_BUT_ACTUAL_TIME}"
        " OR (OLD.actual_at IS NOT NULL AND OLD.actual_at IS DISTINCT FROM NEW.actual_at))",
    ),
    Ban("release_frozen_delete", "release", "DELETE", _FROZEN, _STEP_IS_FINISHED.format(key="id")),
    *_frozen("test_case", "run_id"),
    *_frozen("asset_review_item", "review_id"),
    *_frozen("release_asset", "release_id"),
    *both(
        "document", "a file of a finished step stays as it is", _STEP_IS_FINISHED.format(key="activity_id"),
        name="frozen",
    ),
    *(
        ban
        for table in ("asset_mutation", "sop_step", "sop_move", "file_content")
        for ban in both(table, f"a row of {table} stays as it is")
    ),
    Ban(
        "asset_mutation_of_its_request",
        "asset_mutation",
        "INSERT",
        "a mutation belongs to the asset update of the request that it names",
        "NOT EXISTS (SELECT 1 FROM activity a WHERE a.id = NEW.update_id AND a.change_id = NEW.change_id)",
    ),
    Ban(
        "asset_only_by_mutation",
        "asset",
        "UPDATE",
        "an item changes only through a request",
        # Until a request names it, what was typed in at its entry can be corrected, and no more than that.
        "NOT EXISTS (SELECT 1 FROM asset_mutation m WHERE m.asset_id = OLD.id)"
        " AND (EXISTS (SELECT 1 FROM asset_review_item i WHERE i.asset_id = OLD.id)"
        " OR EXISTS (SELECT 1 FROM release_asset r WHERE r.asset_id = OLD.id) OR "
        + changes("agency_id", "card", "is_retired", "entered_at", "entered_by_id") + ")",
    ),
    Ban("asset_kept", "asset", "DELETE", "an item is taken off the list, not deleted"),
)  # fmt: skip
