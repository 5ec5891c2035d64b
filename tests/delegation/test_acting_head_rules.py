"""Who may act for the head, as rules: which roles exclude it, and what has to be explained."""

from __future__ import annotations

import datetime as dt

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.workflow.acting_head import backdating_to_explain, length_to_explain, reason_cannot_act_for_head

TODAY = dt.date(2026, 3, 10)


@pytest.mark.parametrize(
    ("roles", "refused"),
    [
        ({Role.HEAD}, "must not be a head"),
        ({Role.HEAD, Role.CHANGE_MANAGER}, "must not be a head"),
        ({Role.CHANGE_MANAGER, Role.INSPECTOR}, "inspector"),
        ({Role.REQUESTER}, "only a requester"),
        (set(), "only a requester"),
    ],
)
def test_these_roles_exclude_acting_for_the_head(roles: set[Role], refused: str) -> None:
    assert refused in str(reason_cannot_act_for_head(roles))


@pytest.mark.parametrize("roles", [{Role.CHANGE_MANAGER}, {Role.ADMINISTRATOR}, {Role.REQUESTER, Role.CHANGE_MANAGER}])
def test_officials_may_act_for_the_head(roles: set[Role]) -> None:
    assert reason_cannot_act_for_head(roles) is None


@pytest.mark.parametrize(("days", "is_asked"), [(-5, False), (0, False), (1, False), (2, True), (25, True)])
def test_a_first_day_more_than_a_day_back_has_to_be_explained(days: int, is_asked: bool) -> None:
    assert (backdating_to_explain(TODAY - dt.timedelta(days), TODAY) is not None) == is_asked


def test_a_term_is_of_three_months_and_of_a_third_in_a_row_the_reason_is_asked() -> None:
    first, second, third = dt.date(2026, 1, 31), dt.date(2026, 4, 30), dt.date(2026, 7, 30)
    day = dt.timedelta(1)
    assert length_to_explain(first, second - day, []) is None
    assert length_to_explain(first, second, []) is not None
    assert length_to_explain(second, third - day, [(first, second - day)]) is None
    assert length_to_explain(third, dt.date(2026, 10, 29), [(first, second - day), (second, third - day)]) is not None
    assert length_to_explain(third, dt.date(2026, 10, 29), [(first, second - 9 * day), (second, third - day)]) is None
