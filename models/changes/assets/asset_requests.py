"""Which requests have to do with an asset: those that name it, release to it, reviewed it or changed its entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, union

from models.changes.assets.change_item import ChangeItem
from models.changes.steps.activity import Activity, AssetReviewItem, EvaluationItem, ReleaseAsset
from models.inventory.asset import AssetMutation

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import CompoundSelect

#: Rows that name an asset, and the column with the id of their step.
_OF_STEPS: tuple[tuple[Any, Any], ...] = (
    (EvaluationItem, EvaluationItem.evaluation_id),
    (ReleaseAsset, ReleaseAsset.release_id),
    (AssetReviewItem, AssetReviewItem.review_id),
)


def changes_of_assets(asset_ids: Collection[int]) -> CompoundSelect[Any]:
    """Return the statement for the ids of the requests that have to do with any of these assets."""
    activity = Activity.__table__
    of_steps = [
        select(activity.c.change_id).join(table, step_id == activity.c.id).where(table.asset_id.in_(asset_ids))
        for table, step_id in _OF_STEPS
    ]
    of_requests = [
        select(table.change_id).where(table.asset_id.in_(asset_ids)) for table in (ChangeItem, AssetMutation)
    ]
    return union(*of_requests, *of_steps)
