"""A new record with its screen, from the code in docs/how-to.md."""

from __future__ import annotations

import csv
import importlib.util
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.accounts import permissions
from lpse_admin.accounts.permissions import Resource
from models.audit.actions import AUDIT_ACTIONS
from models.audit.trail import entries_for_record
from models.base import Base
from tests.support.cast import NOW
from tests.support.program import Visitor
from tests.support.running_app import open_app
from views.app import screens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from werkzeug.test import TestResponse

    from tests.conftest import NewDatabase
    from tests.support.running_app import RunningApp

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to.md"
SECTION = HOW_TO.read_text("utf-8").partition("## A record with its screen")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
LIST = "/admin/contract/"


def load_module(folder: Path, code: str) -> ModuleType:
    """Import a code block of the page as the module that its first line names."""
    name = code.partition("\n")[0].removeprefix("# ").removesuffix(".py").replace("/", ".")
    file = folder / f"{name}.py"
    file.write_text(code, "utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def add_resource(member_line: str) -> Resource:
    """Add the page's member to ``Resource``."""
    name, value = re.findall(r"[\w-]+", member_line)
    member = str.__new__(Resource, value)
    member._name_, member._value_ = name, value
    Resource._member_map_[name] = Resource._value2member_map_[value] = member
    Resource._member_names_.append(name)
    type.__setattr__(Resource, name, member)
    return member


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """Register the model and the screen of the page as it says."""
    model_code, member_line, grants_row, screen_code = BLOCKS
    folder, actions = tmp_path_factory.mktemp("contracts"), len(AUDIT_ACTIONS)
    member = add_resource(member_line)
    with pytest.MonkeyPatch.context() as patch:
        row = eval(f"{{{grants_row}}}", vars(permissions))  # noqa: S307 - code of our own page
        patch.setattr(permissions, "GRANTS", {**permissions.GRANTS, **row})
        model = load_module(folder, model_code).Contract
        Base.metadata.remove(model.__table__)  # it has no migration
        view = load_module(folder, screen_code).ContractView
        patch.setattr(screens, "MENU", (*screens.MENU, (None, (view,))))
        yield model, view
    Base.registry._dispose_cls(model)
    del AUDIT_ACTIONS[actions:]
    del Resource._member_map_[member.name], Resource._value2member_map_[member.value]
    Resource._member_names_.remove(member.name)
    type.__delattr__(Resource, member.name)
    for name in ("models.contracts.contract", "views.contracts.contracts"):
        del sys.modules[name]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def office(
    request: pytest.FixtureRequest, new_database: NewDatabase, declared: tuple[Any, Any]
) -> Iterator[RunningApp]:
    """Return the app with the new screen and its table."""
    with new_database(request.param) as url, open_app(url) as app:
        declared[0].__table__.create(app.engine)
        yield app


def enter(office: RunningApp, by: str = "administrator", **values: Any) -> TestResponse:
    fields = {"number": "12/KTR/2026", "vendor": "CV <Karya>", "ends_on": "2026-12-31"} | values
    return office.visitor(by).post(f"{LIST}new/", **fields)


def entered(office: RunningApp, by: str = "administrator", **values: Any) -> int:
    answer = enter(office, by, **values)
    assert answer.status_code == 303, answer.text
    return int(answer.location.rpartition("=")[2])


def details(office: RunningApp, id_: int, by: str = "administrator") -> TestResponse:
    return office.visitor(by).get(f"{LIST}details/?id={id_}")


def listed(office: RunningApp, query: str = "", by: str = "pengelola") -> str:
    answer = office.visitor(by).get(f"{LIST}?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_it_is_short(declared: tuple[Any, Any]) -> None:
    assert len(BLOCKS[3].splitlines()) <= 70


def test_it_is_created_and_shown_in_the_list_and_on_its_page(office: RunningApp) -> None:
    id_ = entered(office)
    page = details(office, id_).text
    assert "<h1>12/KTR/2026</h1>" in page
    assert "CV &lt;Karya&gt;" in page
    assert f'details/?id={id_}"' in listed(office)
    assert LIST in office.visitor("pengelola").get("/").text, "the menu leads to it"


def test_wrong_input_is_refused_beside_its_field_and_nothing_is_lost(office: RunningApp) -> None:
    for typed, field in (
        ({"number": " "}, "number"),
        ({"ends_on": "besok"}, "ends_on"),
        ({"vendor": "x" * 301}, "vendor"),
    ):
        answer = enter(office, **typed)
        assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
    assert "12/KTR/2026" in enter(office, vendor="").text


def test_the_list_is_narrowed_searched_sorted_and_exported(office: RunningApp) -> None:
    old = entered(office, number="1/LAMA", vendor="PT Lama", ends_on="2026-01-31")
    new = entered(office, number="2/BARU", vendor="PT Baru", ends_on="2027-01-31")

    def found(query: str) -> list[int]:
        page = listed(office, query)
        return sorted((one for one in (old, new) if f'?id={one}"' in page), key=lambda one: page.index(f'?id={one}"'))

    assert (found("state=expired"), found("state=running"), found("state=terminated")) == ([old], [new], [])
    assert found("ends_on-from=2027-01-01&ends_on-until=2027-12-31") == [new]
    assert (found("search=lama"), found("search=2/baru")) == ([old], [new])
    assert (found("sort=ends_on"), found("")) == ([old, new], [new, old])
    for wrong in ("state=x", "sort=vendor", "ends_on-from=x", "columns=x"):
        assert office.visitor("pengelola").get(f"{LIST}?{wrong}").status_code == 400
    body = office.visitor("pemeriksa").get(f"{LIST}export/csv/?state=expired").text.removeprefix("\ufeff")
    rows = list(csv.reader(io.StringIO(body)))
    assert (len(rows), rows[1][0], rows[1][2]) == (2, "1/LAMA", "2026-01-31")
    assert office.visitor("pemeriksa").get(f"{LIST}export/xlsx/").status_code == 200


def test_it_is_corrected(office: RunningApp) -> None:
    id_ = entered(office)
    path = f"{LIST}edit/?id={id_}"
    assert path in details(office, id_).text
    administrator = office.visitor("administrator")
    assert 'value="12/KTR/2026"' in administrator.get(path).text
    assert administrator.post(path, number="", vendor="CV", ends_on="2026-12-31").status_code == 422
    assert administrator.post(path, number="13/KTR/2026", vendor="CV", ends_on="2026-12-31").status_code == 303
    assert "13/KTR/2026" in details(office, id_).text


def test_the_action_asks_for_its_reason_and_is_offered_while_it_can_be_taken(office: RunningApp) -> None:
    id_ = entered(office)
    path = f"{LIST}{id_}/terminate"
    assert path in details(office, id_).text
    administrator = office.visitor("administrator")
    refused = administrator.post(path, reason=" ")
    assert (refused.status_code, 'id="reason-error"' in refused.text) == (422, True)
    assert administrator.post(path, reason="Wanprestasi").status_code == 303
    page = details(office, id_).text
    assert "Wanprestasi" in page
    assert path not in page
    assert administrator.post(path, reason="Lagi").status_code == 409
    assert administrator.get(path).status_code == 405


def test_the_trail_names_each_action(office: RunningApp) -> None:
    id_ = entered(office)
    office.visitor("administrator").post(f"{LIST}{id_}/terminate", reason="Selesai")
    with office.session() as session:
        messages = [(entry.action, entry.reason) for entry in entries_for_record(session, "contract", id_)]
    assert messages == [("contract.terminate", "Selesai"), ("contract.enter", None)]
    assert "Terminated a contract" in details(office, id_).text, "its title, which has no translation yet"


def test_rights_follow_the_permission_table_and_rows_the_agency(office: RunningApp) -> None:
    id_ = entered(office)
    for name in ("pengelola", "kepala", "pemeriksa"):
        page = details(office, id_, name).text
        assert "12/KTR/2026" in page
        assert "/terminate" not in page
        assert "edit/" not in page
        assert enter(office, name).status_code == 403
        assert office.visitor(name).post(f"{LIST}{id_}/terminate", reason="x").status_code == 403
        assert office.visitor(name).post(f"{LIST}edit/?id={id_}", number="x").status_code == 403
    assert office.visitor("pemohon").get(LIST).status_code == 403
    assert details(office, id_, "administrator.tt").status_code == 404
    assert office.visitor("administrator.tt").post(f"{LIST}{id_}/terminate", reason="x").status_code == 404
    assert f'?id={id_}"' not in listed(office, by="kepala.tt")
    assert ('data-label="LPSE"' in listed(office), 'data-label="LPSE"' in listed(office, by="admin")) == (False, True)
    assert office.visitor("administrator").post(f"{LIST}delete/", id=id_).status_code == 404


def test_a_form_survives_a_lapsed_login(office: RunningApp) -> None:
    visitor = Visitor(office.app, "administrator")
    visitor.token = visitor._token()
    visitor.client.delete_cookie("lpse")
    assert 'name="typed"' in visitor.post(f"{LIST}new/", number="14/KTR/2026").text


def test_it_is_translated(office: RunningApp, declared: tuple[Any, Any]) -> None:
    id_ = entered(office)
    page = details(office, id_).text
    assert "Hari terakhir" in page, "a text that the catalogue has"
    assert "Vendor" in page, "one that it does not have yet"
    with office.session() as session:
        created = session.scalars(select(declared[0]).where(declared[0].id == id_)).one()
        assert created.state(NOW.date()).value == "running"
