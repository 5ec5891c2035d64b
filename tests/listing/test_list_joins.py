"""What a list joins to count its rows and to pass over pages: only what its criteria and its order name."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.changes.change import ChangeRequest
from models.deviations.deviation import Deviation
from models.office.agency import Agency
from views.changes.changes import ChangeView
from views.changes.steps.views import ApprovalView

pytestmark = pytest.mark.sqlite_alone


def test_rows_are_counted_without_the_joins_that_only_columns_need() -> None:
    """A join to one row at most neither adds rows nor takes any away."""
    sql = str(ChangeView.spec.select_keys([ChangeRequest.submitted_at.is_not(None)]))
    assert "JOIN" not in sql


def test_a_join_that_a_criterion_names_is_kept() -> None:
    """The condition of a filter may be on a joined table."""
    sql = str(ApprovalView.spec.select_keys([ChangeRequest.urgency == "emergency"]))
    assert "JOIN change_request" in sql
    assert "JOIN delegation" not in sql


def test_a_join_that_an_order_or_a_subquery_names_is_kept() -> None:
    """A correlated subquery needs the joined table as a plain condition does."""
    assert "JOIN agency" in str(ChangeView.spec.select_keys([Agency.name.desc()]))
    deviates = select(Deviation.id).where(Deviation.agency_id == Agency.id).exists()
    assert "JOIN agency" in str(ChangeView.spec.select_keys([deviates]))
