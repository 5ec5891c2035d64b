"""A request under an SOP with fields of its own, from its form to the end, as people fill the forms in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.steps import Outcome, Step
from models.changes.change import ChangeRequest
from tests.changes.own_fields.office import ACCOUNTS, TYPED, WORDS, open_office, request_form
from tests.support.cast import PASSWORD
from tests.support.pages.browser import serve_app
from tests.support.running_app import RunningApp, move_form, running_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["running_app"]

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_alone]


def test_a_request_is_filled_in_field_by_field_and_reaches_its_end(running_app: RunningApp, page: Page) -> None:
    with running_app.session() as session:
        open_office(session)
    with serve_app(running_app.app) as address:
        _log_in(page, address, Role.REQUESTER)
        page.goto(f"{address}/admin/change/new/")
        _fill(page, {**request_form(), **TYPED[Outcome.SUBMITTED]})
        _finish(page, Outcome.SUBMITTED)
        change_id = int(page.url.partition("id=")[2].partition("#")[0])
        for outcome in list(TYPED)[1:]:
            _take_step(running_app, page, address, change_id, outcome)
        page.goto(f"{address}/admin/change/details/?id={change_id}")
        page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
        shown = page.locator("main").inner_text()
    assert running_app.step_and_version(change_id)[0] is Step.CLOSED
    assert [label for label, words in WORDS.items() if label not in shown or words not in shown] == []


def _log_in(page: Page, address: str, role: Role) -> None:
    page.context.clear_cookies()
    page.goto(f"{address}/login")
    page.fill("[name=username]", ACCOUNTS[role])
    page.fill("[name=password]", PASSWORD)
    page.locator("form:has([name=password]) button").last.click()
    page.wait_for_url(f"{address}/")


def _take_step(app: RunningApp, page: Page, address: str, change_id: int, outcome: Outcome) -> None:
    with app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        role, form = change.sop.rules[change.step].actor, move_form(change, outcome)
    _log_in(page, address, role)
    page.goto(f"{address}/admin/change/details/?id={change_id}#step")
    duration = page.locator("#field-field-lama-henti")
    assert not duration.count() or duration.is_hidden(), "it is asked for where the service stops"
    choice = page.locator(f'#step-form details[data-outcome="{outcome}"] > summary')
    if choice.count():
        choice.click()
    _fill(page, {**form, **TYPED[outcome]})
    assert not duration.count() or duration.is_visible()
    _finish(page, outcome)


def _fill(page: Page, fields: dict[str, Any]) -> None:
    page.locator("#step-form details.group-fold").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    for name, value in fields.items():
        if name in {"outcome", "version"}:
            continue
        field = page.locator(f'#step-form [name="{name}"]:not([type=hidden])')
        if not field.count() or not field.first.is_visible():
            continue
        match field.first.evaluate("one => one.type"):
            case "select-one":
                field.select_option(value)
            case "checkbox":
                for one in [value] if isinstance(value, str) else filter(None, value):
                    page.locator(f'#step-form [name="{name}"][value="{one}"]').check()
            case "date":
                field.fill("2026-04-01")
            case "datetime-local":
                field.fill("2026-03-03T20:00")
            case _:
                field.fill(value)


def _finish(page: Page, outcome: Outcome) -> None:
    with page.expect_navigation():
        page.locator(f'#step-form button[name=outcome][value="{outcome}"]').click()
    assert not page.locator("#refusal").count(), page.locator("#refusal").inner_text()
