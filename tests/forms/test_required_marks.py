"""What a form refuses to do without is marked as required before it is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lpse_admin.accounts.roles import Role
from tests.support.cast import set_test_audit_context
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

#: Forms with fields of their own, and who fills them in.
FORMS = [
    ("administrator", "/admin/freeze/new/"),
    ("administrator", "/admin/holiday/new/"),
    ("administrator", "/admin/setting/new/"),
    ("administrator", "/admin/setting/ramadan"),
    ("administrator", "/admin/setting/threshold"),
    ("administrator", "/admin/setting/digest"),
    ("administrator", "/admin/setting/files"),
    ("administrator", "/admin/user/new/"),
    ("administrator", "/admin/delegation/new/"),
    ("administrator", "/admin/absence/new/"),
    ("kepala", "/admin/delegation/new/"),
    ("kepala", "/admin/absence/new/"),
    ("administrator", "/admin/destruction/new/"),
    ("pengelola", "/admin/asset/new/?card=A"),
    ("pengelola", "/admin/asset/new/?card=B"),
]
#: Forms that begin with what is in force, or ask for nothing by that word.
NOTHING_REQUIRED = frozenset({"/admin/setting/digest", "/admin/setting/files"})
REQUIRED = re.compile(r'id="([\w-]+)-error">\s*<span>([^<]*wajib[^<]*)</span>')


def unmarked(running_app: RunningApp, who: str, path: str) -> list[str]:
    """Return the fields that the empty form is refused for and does not mark."""
    visitor = running_app.visitor(who)
    page = visitor.get(path)
    assert page.status_code == 200, path
    answer = visitor.post(path)
    assert answer.status_code in {303, 422}, path
    result = REQUIRED.findall(answer.text)
    assert result or path in NOTHING_REQUIRED, path
    return [
        name
        for name, _sentence in result
        if not re.search(rf'(for="{name}"|id="{name}"[^>]*>\s*<legend)[^\0]{{0,400}}?wajib diisi', page.text)
    ]


@pytest.mark.sqlite_alone
@pytest.mark.parametrize(("who", "path"), FORMS)
def test_what_an_empty_form_is_refused_for_is_marked_before(who: str, path: str, running_app: RunningApp) -> None:
    assert unmarked(running_app, who, path) == []


@pytest.mark.sqlite_alone
def test_the_date_of_the_superior_s_decree_is_marked_where_the_post_is_vacant(running_app: RunningApp) -> None:
    with running_app.session() as session:
        set_test_audit_context(session, "user.edit")
        head = running_app.cast(session).lumajang.head
        head.roles = {Role.REQUESTER}
        session.commit()
    assert unmarked(running_app, "administrator", "/admin/delegation/new/") == []
    page = running_app.visitor("administrator").get("/admin/delegation/new/").text
    label = page.partition('for="decree_date"')[2].partition("</label>")[0]
    assert "wajib diisi" in label
