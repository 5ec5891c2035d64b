"""A search in the address of any list is answered, also where nothing of it can be searched."""

from __future__ import annotations

import pytest

from tests.support.running_app import RunningApp, running_app
from views.listing.read_only_view import ReadOnlyView

__all__ = ["running_app"]


@pytest.mark.parametrize("reader", ["admin", "kepala"])
def test_a_search_in_any_list_is_answered(running_app: RunningApp, reader: str) -> None:
    visitor = running_app.visitor(reader)
    admin = running_app.app.extensions["admin"][0]
    views = [view for view in admin._views if isinstance(view, ReadOnlyView)]
    answers = {view.endpoint: visitor.get(f"{view.url}/?search=menu+baru").status_code for view in views}
    assert {endpoint: status for endpoint, status in answers.items() if status not in {200, 403}} == {}
    assert answers["retention"] == 200
