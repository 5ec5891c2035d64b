"""An SOP is edited in the browser part by part, kept sound or not, and saved as a revision like a file."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.sop import bundled_sops, digest, parse
from lpse_admin.sop.editor.document import SopDocument
from models.sops.editing import EditedSop
from models.sops.sop import SopRevision, SopState
from tests.support.cast import LUMAJANG, TANA_TIDUNG
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

TEXTS = dict(bundled_sops())
PAGE = "/admin/edited-sop"


def begun(running_app: RunningApp, start: str, by: str = "kepala", **values: Any) -> int:
    """Begin to edit and return the id."""
    answer = running_app.visitor(by).post(f"{PAGE}/new/", start=start, **values)
    assert answer.status_code == 303, answer.text
    return int(answer.location.rpartition("=")[2])


def in_force(running_app: RunningApp, key: str = LUMAJANG) -> int:
    with running_app.session() as session:
        return present(
            session.scalars(
                select(SopRevision.id).where(SopRevision.key == key, SopRevision.state == SopState.IN_FORCE)
            ).first()
        )


def edited(running_app: RunningApp, id_: int) -> EditedSop:
    with running_app.session() as session:
        return session.get_one(EditedSop, id_)


class _FormReader(HTMLParser):
    """Reads what a browser would send of the form that is saved after each change."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self._is_in_form, self._area, self._select = False, "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_in_form = "data-autosave" in values
        name = values.get("name", "")
        if not self._is_in_form:
            return
        if tag == "input" and (values.get("type") not in ("checkbox", "radio") or "checked" in values):
            self.values[name] = values.get("value", "y")
        elif tag == "textarea":
            self._area = name
            self.values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in values or self._select not in self.values):
            self.values[self._select] = values["value"]

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.values[self._area] = self.values[self._area].removeprefix("\r\n")
            self._area = ""
        elif tag == "form":
            self._is_in_form = False


def fields_of(page: TestResponse) -> dict[str, Any]:
    """Return the fields of the form that is saved after each change, as the page has them."""
    reader = _FormReader()
    reader.feed(page.text)
    return {name: value for name, value in reader.values.items() if name not in ("", "csrf_token", "form_id")}


def save(running_app: RunningApp, address: str, by: str = "kepala", **values: Any) -> TestResponse:
    """Change fields of a part as its page shows them, and save it."""
    visitor = running_app.visitor(by)
    page = visitor.get(address)
    assert page.status_code == 200, page.text
    return visitor.post(address, **{**fields_of(page), **values})


@pytest.mark.parametrize("key", [LUMAJANG, TANA_TIDUNG])
def test_a_paper_saved_by_each_form_as_it_is_shown_means_the_same(running_app: RunningApp, key: str) -> None:
    by = "kepala.tt" if key == TANA_TIDUNG else "kepala"
    id_ = begun(running_app, f"paper-{key}", by)
    rows = SopDocument.read(TEXTS[key]).rows()
    pages = ["head", "settings", "actors", *(f"row/{place}" for place in range(len(rows)))]
    for page in pages:
        answer = save(running_app, f"{PAGE}/{id_}/{page}", by)
        assert answer.status_code == 303, answer.text
    content = edited(running_app, id_).content
    assert digest(parse(content, key)) == digest(parse(TEXTS[key], key))
    assert running_app.visitor(by).get(f"{PAGE}/{id_}/download").text == content
