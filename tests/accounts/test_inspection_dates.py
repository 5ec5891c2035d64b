"""The days on which an inspector's account may be used: what is wrong with them, and what they refuse."""

from __future__ import annotations

import datetime as dt

import pytest

from lpse_admin.accounts.inspection import InspectionDates, inspector_roles_error
from lpse_admin.accounts.roles import Role

TODAY = dt.date(2026, 11, 26)
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("first", "last", "is_required", "wrong"),
    [
        (None, None, False, set()),
        (None, None, True, {"inspects_from", "inspects_until"}),
        (TODAY, None, False, {"inspects_until"}),
        (None, TODAY, False, {"inspects_from"}),
        (TODAY, TODAY, True, set()),
        (TODAY, TODAY - DAY, True, {"inspects_until"}),
        (TODAY - 2 * DAY, TODAY - DAY, True, {"inspects_until"}),
        (TODAY - 2 * DAY, TODAY - DAY, False, set()),
    ],
)
def test_an_inspection_has_a_first_and_a_last_day_that_is_to_come(
    first: dt.date | None, last: dt.date | None, *, is_required: bool, wrong: set[str]
) -> None:
    errors = InspectionDates(first, last).errors(today=TODAY, is_required=is_required)
    assert set(errors) == wrong


def test_an_account_is_refused_before_the_first_day_and_after_the_last() -> None:
    dates = InspectionDates(TODAY, TODAY + DAY)
    assert "26-11-2026" in str(dates.refusal(TODAY - DAY))
    assert dates.refusal(TODAY) is None
    assert dates.refusal(TODAY + DAY) is None
    assert "27-11-2026" in str(dates.refusal(TODAY + 2 * DAY))
    assert InspectionDates().refusal(TODAY) is None


@pytest.mark.parametrize(
    ("roles", "is_refused"),
    [
        ([], False),
        ([Role.HEAD, Role.CHANGE_MANAGER], False),
        ([Role.INSPECTOR], False),
        ([Role.INSPECTOR, Role.REQUESTER], True),
        ([Role.ADMINISTRATOR, Role.INSPECTOR], True),
    ],
)
def test_whoever_inspects_has_no_other_role(roles: list[Role], *, is_refused: bool) -> None:
    assert (inspector_roles_error(roles) is not None) is is_refused
