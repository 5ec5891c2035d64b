"""The screen of SOPs: check, load, enact and download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import escape
from sqlalchemy import select

from lpse_admin.sop import bundled_sops, parse
from models.sops.sop import SopRevision, SopState
from tests.support.cast import LUMAJANG, TANA_TIDUNG
from tests.support.present import present
from tests.support.running_app import running_app, upload_file  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

TEXTS = dict(bundled_sops())
KEY = "lumajang-2027"


def paper(number: str, *, minutes: int = 15) -> str:
    """Return Lumajang's SOP with another number and another standard time of the urgency step."""
    text = TEXTS[LUMAJANG].replace("427.53/7.01/2018", number)
    return text.replace('time = "15 menit"', f'time = "{minutes} menit"')


def sent(running_app: RunningApp, do: str, by: str = "kepala", *, json: bool = False, **values: Any) -> TestResponse:
    return running_app.visitor(by).post("/admin/sop/new/", json=json, do=do, **values)


def revisions(running_app: RunningApp, key: str = KEY) -> list[SopRevision]:
    with running_app.session() as opened:
        return list(opened.scalars(select(SopRevision).where(SopRevision.key == key).order_by(SopRevision.id)))


def loaded(running_app: RunningApp, number: str) -> SopRevision:
    answer = sent(running_app, "load", text=paper(number), key=KEY)
    assert answer.status_code == 303, answer.text
    return revisions(running_app)[-1]


@pytest.mark.parametrize("key", [LUMAJANG, TANA_TIDUNG])
def test_everybody_of_the_agency_reads_the_whole_sop(running_app: RunningApp, key: str) -> None:
    suffix = ".tt" if key == TANA_TIDUNG else ""
    sop, row = parse(TEXTS[key], key), revisions(running_app, key)[0]
    for name in ("pemohon", "pengelola", "kepala", "pemeriksa"):
        page = running_app.visitor(name + suffix).get(f"/admin/sop/details/?id={row.id}")
        assert page.status_code == 200
        texts = [sop.title, sop.signatory.name, *sop.legal_basis, *sop.equipment, *sop.warnings]
        texts += [rule.activity for rule in sop.rules.values()]
        texts += [item.label for rule in sop.rules.values() for item in rule.requires]
        texts += [rule.standard.text for rule in sop.rules.values() if rule.standard]
        texts += [term.text for term in sop.glossary]
        assert [text for text in texts if str(escape(text)) not in page.text] == []
        assert page.text.count('class="sign ') == len(sop.rules) + 2
    other = "pemohon" if suffix else "pemohon.tt"
    for path in (f"details/?id={row.id}", f"{row.id}/download"):
        assert running_app.visitor(other).get(f"/admin/sop/{path}").status_code == 404


@pytest.mark.parametrize("key", [LUMAJANG, TANA_TIDUNG])
def test_the_file_comes_back_unchanged_in_meaning(running_app: RunningApp, key: str) -> None:
    name = "pemohon.tt" if key == TANA_TIDUNG else "pemohon"
    answer = running_app.visitor(name).get(f"/admin/sop/{revisions(running_app, key)[0].id}/download")
    assert parse(answer.text, key) == parse(TEXTS[key], key)
    assert f"{key}.toml" in answer.headers["Content-Disposition"]


def test_a_valid_file_is_shown_as_its_chart_and_loaded_with_the_second_button(running_app: RunningApp) -> None:
    text = paper("1/2027", minutes=20)
    asked = running_app.visitor("kepala").get("/admin/sop/new/").text
    assert "required" not in asked[asked.index('name="key"') - 200 : asked.index('name="key"') + 200], (
        "a file has a name"
    )
    checked = sent(running_app, "check", file=upload_file(f"{KEY}.toml", text.encode()))
    assert checked.status_code == 200
    assert "20 menit" in checked.text
    assert 'value="load"' in checked.text
    assert f'value="{KEY}"' in checked.text, "the file's name is the key"
    assert "427.53" not in checked.text
    assert revisions(running_app) == [], "a check stores nothing"
    answer = sent(running_app, "load", text=text.replace("\n", "\r\n"), key=KEY)
    assert answer.status_code == 303
    (row,) = revisions(running_app)
    assert (row.state, row.source) == (SopState.DRAFT, text)
    assert answer.headers["Location"].endswith(f"?id={row.id}")


def test_the_same_content_again_leads_to_what_is_there(running_app: RunningApp) -> None:
    before = revisions(running_app, LUMAJANG)
    answer = sent(running_app, "load", text=TEXTS[LUMAJANG], key=LUMAJANG)
    assert (answer.status_code, revisions(running_app, LUMAJANG)[-1].id) == (303, before[-1].id)


@pytest.mark.parametrize("do", ["check", "load"])
def test_an_invalid_file_is_422_with_every_error_and_its_line(running_app: RunningApp, do: str) -> None:
    text = paper("2/2027").replace('outcomes = { done = "test" }', 'outcomes = { done = "tets" }')
    text = text.replace('time = "15 menit"', 'time = "sebentar"')
    wrong = [n for n, line in enumerate(text.split("\n"), 1) if "tets" in line or "sebentar" in line]
    answer = sent(running_app, do, text=text, key="salah-2027")
    assert answer.status_code == 422
    assert all(f'<th scope="row">{line}</th>' in answer.text for line in wrong)
    assert "tets" in answer.text.split("<textarea")[1], "nothing typed is lost"
    assert 'value="salah-2027"' in answer.text
    told = sent(running_app, do, json=True, text=text, key="salah-2027")
    assert (told.status_code, len(told.get_json()["fields"]) >= len(wrong)) == (422, True)
    assert revisions(running_app, "salah-2027") == []


@pytest.mark.parametrize(
    ("typed", "status", "field"),
    [
        ({"text": "", "key": "kosong"}, 422, "text"),
        ({"text": TEXTS[LUMAJANG], "key": ""}, 422, "key"),
        ({"text": TEXTS[LUMAJANG], "key": "Kunci Salah"}, 422, "key"),
        ({"text": TEXTS[TANA_TIDUNG], "key": TANA_TIDUNG}, 403, "text"),
        ({"text": paper("8/2027").replace('key = "lumajang"', 'key = "baru"'), "key": "baru"}, 403, "text"),
        ({"text": paper("427.53/7.01/2018", minutes=9), "key": "nomor-sama"}, 422, "text"),
        ({"text": paper("427.53/7.01/2018", minutes=9), "key": LUMAJANG}, 422, "text"),
    ],
)
@pytest.mark.parametrize("do", ["check", "load"])
def test_what_cannot_be_loaded_is_refused_beside_its_field(
    running_app: RunningApp, do: str, typed: dict[str, Any], status: int, field: str
) -> None:
    answer = sent(running_app, do, **typed)
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (status, True)


def test_a_file_that_is_too_large_or_no_text_is_refused_with_its_status(running_app: RunningApp) -> None:
    answer = sent(
        running_app, "check", file=upload_file("besar.toml", b"#" * (1024 * 1024 + 1)), key="besar", text="sudah"
    )
    assert (answer.status_code, 'id="file-error"' in answer.text, "sudah" in answer.text) == (413, True, True)
    answer = sent(running_app, "check", file=upload_file("latin.toml", 'title = "Ré"'.encode("latin-1")))
    assert (answer.status_code, '<th scope="row">1</th>' in answer.text) == (422, True)


def test_only_the_head_of_the_agency_enacts_and_only_a_draft(running_app: RunningApp) -> None:
    former = next(row for row in revisions(running_app, LUMAJANG) if row.state is SopState.IN_FORCE)
    draft = loaded(running_app, "3/2027")
    path = f"/admin/sop/{draft.id}/enact"
    for name, status in (("pengelola", 403), ("administrator", 403), ("pemeriksa", 403), ("kepala.tt", 404)):
        assert running_app.visitor(name).post(path).status_code == status
        assert path not in running_app.visitor(name).get(f"/admin/sop/details/?id={draft.id}").text
    head = running_app.visitor("kepala")
    assert path in head.get(f"/admin/sop/details/?id={draft.id}").text
    assert head.post(path).status_code == 303
    with running_app.session() as opened:
        now_in_force = opened.get_one(SopRevision, draft.id)
        assert (now_in_force.state, present(now_in_force.enacted_by).username) == (SopState.IN_FORCE, "kepala")
        assert opened.get_one(SopRevision, former.id).state is SopState.SUPERSEDED
    again = head.post(path, json=True)
    assert (again.status_code, bool(again.get_json()["error"])) == (409, True)
    assert head.post("/admin/sop/abc/enact").status_code == 404


def test_a_requester_sees_no_draft_and_loads_nothing(running_app: RunningApp) -> None:
    draft = loaded(running_app, "4/2027")
    requester = running_app.visitor("pemohon")
    assert f'?id={draft.id}"' not in requester.get("/admin/sop/").text
    assert requester.get(f"/admin/sop/details/?id={draft.id}").status_code == 404
    assert requester.get(f"/admin/sop/{draft.id}/download").status_code == 404
    for name in ("pemohon", "pengelola", "pemeriksa"):
        assert running_app.visitor(name).get("/admin/sop/new/").status_code == 403
        assert sent(running_app, "load", name, text=paper("5/2027"), key=KEY).status_code == 403


def test_the_superadmin_loads_the_sop_of_a_new_office(running_app: RunningApp) -> None:
    text = paper("6/2027").replace('key = "lumajang"', 'key = "kota-contoh"')
    assert sent(running_app, "load", "admin", text=text, key="kota-contoh-2027").status_code == 303
    (row,) = revisions(running_app, "kota-contoh-2027")
    assert running_app.visitor("admin").post(f"/admin/sop/{row.id}/enact").status_code == 403, "only its own head does"


def test_the_list_is_filtered_searched_and_exported(running_app: RunningApp) -> None:
    head = running_app.visitor("kepala")
    assert "427.53/7.01/2018" in head.get("/admin/sop/?search=427.53&sort=-enacted").text
    assert "427.53/7.01/2018" not in head.get("/admin/sop/?state=draft").text
    answer = head.get("/admin/sop/export/csv/?search=427.53")
    assert (answer.status_code, "427.53/7.01/2018" in answer.text) == (200, True)
    assert head.get("/admin/sop/?state=bogus").status_code == 400
