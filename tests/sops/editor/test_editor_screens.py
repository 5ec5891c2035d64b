"""An SOP is edited in the browser part by part, kept sound or not, and saved as a revision like a file."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lpse_admin.sop import bundled_sops, check, digest, parse
from lpse_admin.sop.editor.document import SopDocument
from models.audit.trail import AuditEntry
from models.sops.editing import EditedSop, EditState
from models.sops.sop import SopRevision, SopState
from tests.support.cast import LUMAJANG, TANA_TIDUNG
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.running_app import RunningApp

TEXTS = dict(bundled_sops())
PAGE = "/admin/edited-sop"


def begin_editing(running_app: RunningApp, start: str, by: str = "kepala", **values: Any) -> int:
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
            self._is_in_form = "data-part" in values
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
    id_ = begin_editing(running_app, f"paper-{key}", by)
    rows = SopDocument.read(TEXTS[key]).rows()
    pages = ["head", "settings", "actors", *(f"row/{place}" for place in range(len(rows)))]
    for page in pages:
        answer = save(running_app, f"{PAGE}/{id_}/{page}", by)
        assert answer.status_code == 303, answer.text
    content = edited(running_app, id_).content
    assert digest(parse(content, key)) == digest(parse(TEXTS[key], key))
    assert running_app.visitor(by).get(f"{PAGE}/{id_}/download").text == content


def test_an_sop_of_another_shape_is_made_row_by_row_and_loaded_like_a_file(running_app: RunningApp) -> None:
    """By plain forms and buttons, as without a script: from the blank form to an SOP of six steps."""
    visitor, id_ = running_app.visitor("kepala"), begin_editing(running_app, "blank")
    page = f"{PAGE}/{id_}"
    saved = save(
        running_app, f"{page}/head", title="PENGELOLAAN PERUBAHAN", number="06/2026", signatory_name="Endah Kusuma",
        legal_basis="Perpres 16 Tahun 2018\n\nPerpres 12 Tahun 2021", glossary="SPSE: sistem pengadaan",
        made="1 Maret 2026",
    )  # fmt: skip
    assert saved.status_code == 303, saved.text
    assert save(running_app, f"{page}/row/0", activity="Pemohon mengajukan permintaan").status_code == 303
    for key, text in (("evaluation", "Evaluasi"), ("approval", "Persetujuan"), ("implementation", "Pelaksanaan"),
                      ("verification", "Verifikasi")):  # fmt: skip
        answer = save(running_app, f"{page}/row/new", kind=f"step:{key}", text=text)
        assert answer.status_code == 303, answer.text
    rows = edited(running_app, id_).document.rows()
    assert [(row.key, row.number, row.values["actor"]) for row in rows] == [
        ("request", 1, "pemohon"), ("evaluation", 2, "pengelola"), ("approval", 3, "kepala"),
        ("implementation", 4, "pengelola"), ("verification", 5, "kepala"),
    ]  # fmt: skip
    assert save(running_app, f"{page}/row/2", **{"outcomes-refused": "evaluation", "time": "1 jam"}).status_code == 303
    added = save(running_app, f"{page}/row/1/field/new", label="Perkiraan biaya", kind="money", required_for="accepted")
    assert (added.status_code, added.location) == (303, f"{page}/row/1#fields")
    assert visitor.post(f"{page}/load", version=str(edited(running_app, id_).version)).status_code == 303
    row = edited(running_app, id_)
    assert row.state is EditState.LOADED
    with running_app.session() as session:
        revision = session.get_one(SopRevision, row.revision_id)
        sop = revision.sop
        assert (revision.state, revision.digest) == (SopState.DRAFT, digest(parse(row.content, row.key)))
    assert [field.label for rule in sop.rules.values() for field in rule.fields] == ["Perkiraan biaya"]
    assert (sop.legal_basis, sop.glossary[0].term, sop.number) == (
        ("Perpres 16 Tahun 2018", "Perpres 12 Tahun 2021"), "SPSE", "06/2026",
    )  # fmt: skip
    assert visitor.get(f"{page}/head").status_code == 200
    assert save(running_app, f"{page}/head", title="Lain").status_code == 409
    assert visitor.post(f"{PAGE}/delete/", id=str(id_)).status_code == 409


def test_what_is_not_sound_is_kept_and_never_loaded(running_app: RunningApp) -> None:
    visitor, id_ = running_app.visitor("kepala"), begin_editing(running_app, f"paper-{LUMAJANG}")
    page = f"{PAGE}/{id_}"
    answer = visitor.post(f"{page}/change", do="row-remove", place="4", version="1")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}/details/?id={id_}#row-3")
    shown = visitor.get(f"{PAGE}/details/?id={id_}").text
    assert "“Mendesak (Emergency)” menuju “Persetujuan”, baris yang tidak ada." in shown
    assert "Tambahkan baris “Persetujuan”" in shown
    before = len(_revisions(running_app))
    answer = visitor.post(f"{page}/load", version="2")
    assert answer.location.endswith(f"?id={id_}#faults")
    assert "belum dapat disimpan sebagai revisi" in visitor.get(answer.location).text
    assert (len(_revisions(running_app)), edited(running_app, id_).version) == (before, 2)
    answer = visitor.post(f"{page}/remedy", fault="0", remedy="0", version="2")
    assert answer.status_code == 303
    assert edited(running_app, id_).document.rows()[4].key == "approval"
    assert visitor.post(f"{page}/remedy", fault="99", remedy="0", version="3").status_code == 404
    assert visitor.post(f"{page}/change", do="row-fly", place="99", version="3").status_code == 404
    assert visitor.post(f"{page}/change", do="actor-up", place="9", version="3").status_code == 404


def _revisions(running_app: RunningApp) -> list[int]:
    with running_app.session() as session:
        return list(session.scalars(select(SopRevision.id)))


def test_who_saves_over_anothers_version_is_told_both_and_loses_nothing(running_app: RunningApp) -> None:
    first, other, id_ = (
        running_app.visitor("kepala"),
        running_app.visitor("administrator"),
        begin_editing(running_app, "blank"),
    )
    page = f"{PAGE}/{id_}/row/0"
    mine, theirs = fields_of(first.get(page)), fields_of(other.get(page))
    assert (
        other.post(page, **{**theirs, "activity": "Diajukan lewat meja bantuan", "time": "1 hari"}).status_code == 303
    )
    refused = first.post(page, **{**mine, "activity": "Pemohon mengisi formulir"})
    assert refused.status_code == 409
    assert "Pemohon mengisi formulir" in refused.text
    assert "Yang tersimpan sekarang: Diajukan lewat meja bantuan" in refused.text
    assert "Yang tersimpan sekarang: 1 hari" in refused.text
    assert first.post(page, json=True, **mine).status_code == 409
    assert edited(running_app, id_).document.rows()[0].text == "Diajukan lewat meja bantuan"
    again = fields_of(refused)
    assert first.post(page, **{**again, "time": "1 hari"}).status_code == 303
    row = edited(running_app, id_).document.rows()[0]
    assert (row.text, row.values["time"]) == ("Pemohon mengisi formulir", "1 hari")
    stale = first.post(f"{PAGE}/{id_}/change", do="row-remove", place="0", version="1")
    assert (stale.status_code, len(edited(running_app, id_).document.rows())) == (409, 1)
    flags = f"{PAGE}/{id_}/settings"
    mine = fields_of(first.get(flags))
    assert other.post(flags, version="3", deviations="y", clock="arrival").status_code == 303
    refused = first.post(flags, **mine)
    assert "Yang tersimpan sekarang: Ya" in refused.text
    assert "Yang tersimpan sekarang: permintaan diterima pada langkah tersebut" in refused.text


def test_a_row_that_moved_meanwhile_is_the_one_that_is_saved_and_one_that_is_gone_is_404(
    running_app: RunningApp,
) -> None:
    visitor, id_ = running_app.visitor("kepala"), begin_editing(running_app, f"paper-{LUMAJANG}")
    page = f"{PAGE}/{id_}/row/5"
    mine = fields_of(visitor.get(page))
    assert visitor.post(f"{PAGE}/{id_}/change", do="row-up", place="5", version="1").status_code == 303
    assert visitor.post(page, **{**mine, "remarks": "Catatan", "version": "2"}).status_code == 303
    rows = edited(running_app, id_).document.rows()
    assert [row.key for row in rows if row.values.get("remarks")] == ["implementation"]
    place = next(at for at, row in enumerate(rows) if row.key == "implementation")
    assert visitor.post(f"{PAGE}/{id_}/change", do="row-remove", place=str(place), version="3").status_code == 303
    assert visitor.post(page, **mine).status_code == 404
    for address in ("row/99", "row/0/field/9", "row/99/field/new"):
        assert visitor.get(f"{PAGE}/{id_}/{address}").status_code == 404, address


def test_after_each_change_the_script_is_given_what_stands_beside_the_form(running_app: RunningApp) -> None:
    visitor, id_ = running_app.visitor("kepala"), begin_editing(running_app, "blank")
    page = f"{PAGE}/{id_}/row/0"
    fields = fields_of(visitor.get(page))
    answer = visitor.post(page, json=True, **{**fields, "activity": "Mengajukan", "time": "satu abad"})
    assert answer.json is not None
    assert answer.json["version"] == 2
    assert "“satu abad” tidak terbaca sebagai waktu" in answer.json["panel"]
    assert 'class="sign ' in answer.json["panel"]
    same = visitor.post(page, json=True, **{**fields, "activity": "Mengajukan", "time": "satu abad", "version": "2"})
    assert present(same.json)["version"] == 2
    wrong = visitor.post(f"{PAGE}/{id_}/head", json=True, version="2", title="x", made="kemarin")
    assert (wrong.status_code, list(present(wrong.json)["fields"])) == (422, ["made"])
    assert visitor.post(page, json=True, **fields).status_code == 409
    with running_app.session() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(2)).all()
    assert actions == ["edited-sop.save", "edited-sop.begin"]


def test_actors_and_fields_are_added_moved_and_removed_by_buttons(running_app: RunningApp) -> None:
    visitor, id_ = running_app.visitor("kepala"), begin_editing(running_app, "blank")
    page = f"{PAGE}/{id_}"
    assert save(running_app, f"{page}/actors", **{"title-3": "Tim Teknis", "role-3": ""}).status_code == 303
    assert visitor.post(f"{page}/change", do="actor-up", place="3", version="2").location == f"{page}/actors"
    assert visitor.post(f"{page}/change", do="actor-remove", place="1", version="3").status_code == 303
    titles = [(actor["title"], actor["role"]) for actor in edited(running_app, id_).document.actors]
    assert titles == [("Pemohon", "requester"), ("Tim Teknis", "change_manager"), ("Kepala LPSE", "head")]
    for label, kind in (("Layanan berhenti", "yes-no"), ("Lama", "duration")):
        assert save(running_app, f"{page}/row/0/field/new", label=label, kind=kind).status_code == 303
    form = visitor.get(f"{page}/row/0/field/1").text
    assert "Layanan berhenti: Ya" in form
    chosen = save(running_app, f"{page}/row/0/field/1", when="layanan-berhenti:Ya", listed="y")
    assert chosen.status_code == 303
    field = edited(running_app, id_).document.steps[0]["fields"][1]
    assert field == {
        "key": "lama", "label": "Lama", "kind": "duration", "listed": True,
        "when": {"field": "layanan-berhenti", "is": ["Ya"]},
    }  # fmt: skip
    version = edited(running_app, id_).version
    moved = visitor.post(f"{page}/change", do="field-up", place="0", field="1", version=str(version))
    assert moved.location == f"{page}/row/0#fields"
    assert "harus berada di atas isian ini" in visitor.get(f"{page}/row/0").text
    assert (
        visitor.post(f"{page}/change", do="field-remove", place="0", field="0", version=str(version + 1)).status_code
        == 303
    )
    assert [one["label"] for one in edited(running_app, id_).document.steps[0]["fields"]] == ["Layanan berhenti"]


def test_an_sop_with_two_approvals_a_training_and_a_review_after_thirty_days_is_made(running_app: RunningApp) -> None:
    visitor, id_ = running_app.visitor("kepala"), begin_editing(running_app, f"paper-{LUMAJANG}")
    page = f"{PAGE}/{id_}"

    def add(kind: str, title: str, after: int, text: str) -> int:
        answer = save(running_app, f"{page}/row/new", kind=f"step:{kind}", title=title, after=str(after), text=text)
        assert answer.status_code == 303, answer.text
        return int(answer.location.rpartition("/")[2])

    add("approval", "Persetujuan Kepala Bidang", 3, "Kepala Bidang menyetujui")
    place = add("task", "Pelatihan pengguna", 10, "Pengguna dilatih")
    place = add("waiting", "Pemantauan", place, "Menunggu tiga puluh hari")
    assert save(running_app, f"{page}/row/{place}", lasts="30 hari kalender").status_code == 303
    place = add("decision", "Tinjauan", place, "Hasil ditinjau")
    shown = visitor.get(f"{page}/row/{place}").text
    assert ("Hasil lain" in shown, "Alasan wajib untuk" in shown) == (True, True)
    added = save(
        running_app, f"{page}/row/{place}", do="more", new_outcome="Perlu diulang", new_target="task.pelatihan-pengguna"
    )
    assert added.location == f"{page}/row/{place}"
    assert save(running_app, f"{page}/row/{place}", reason_for="perlu-diulang").status_code == 303
    row = edited(running_app, id_).document.rows()[place]
    assert row.values["outcomes"]["perlu-diulang"] == "task.pelatihan-pengguna"
    assert (row.values["reason_for"], row.values["title"]) == (["perlu-diulang"], "Tinjauan")
    content = edited(running_app, id_).content
    assert check(content, LUMAJANG) == []
    assert save(running_app, f"{page}/settings", without_verification="Naskah tidak mengenalnya").status_code == 303
    assert edited(running_app, id_).document.values["without_verification"] == "Naskah tidak mengenalnya"
    assert save(running_app, f"{page}/head", number="77/2026").status_code == 303
    version = edited(running_app, id_).version
    loaded = visitor.post(f"{page}/load", version=str(version))
    assert "/admin/sop/details/" in loaded.location
    assert "Perlu diulang" in visitor.get(loaded.location).text


def test_an_outcome_that_is_typed_is_added_by_the_button_and_not_before(running_app: RunningApp) -> None:
    visitor, id_ = running_app.visitor("kepala"), begin_editing(running_app, "blank")
    assert save(running_app, f"{PAGE}/{id_}/row/new", kind="step:decision", title="Tinjauan").status_code == 303
    page = f"{PAGE}/{id_}/row/1"
    fields = fields_of(visitor.get(page)) | {"new_outcome": "Tunda"}
    saved = present(visitor.post(page, json=True, **fields).json)["version"]
    assert "tunda" not in edited(running_app, id_).document.rows()[1].values["outcomes"]
    assert visitor.post(page, **fields | {"version": str(saved)}).status_code == 303
    assert edited(running_app, id_).document.rows()[1].values["outcomes"]["tunda"] == "closed"


def test_what_adds_a_row_or_a_field_waits_for_its_button(running_app: RunningApp) -> None:
    visitor, id_ = running_app.visitor("kepala"), begin_editing(running_app, f"paper-{LUMAJANG}")
    adding = [visitor.get(f"{PAGE}/{id_}/{part}").text for part in ("row/new", "row/0/field/new")]
    assert ["data-autosave" in page for page in adding] == [False, False]
    assert "data-autosave" in visitor.get(f"{PAGE}/{id_}/row/0").text


def test_requirements_are_added_one_by_one_and_removed_by_emptying_them(running_app: RunningApp) -> None:
    id_ = begin_editing(running_app, f"paper-{LUMAJANG}")
    page = f"{PAGE}/{id_}/row/0"
    answer = save(running_app, page, do="more", **{"requires-5-label": "KTP", "requires-1-label": ""})
    assert answer.location == page
    items = edited(running_app, id_).document.steps[0]["requires"]
    assert [item["label"] for item in items][-1] == "KTP"
    assert "Surat permohonan" not in [item["label"] for item in items]
    assert items[-1]["kind"] == "document"


def test_the_sop_in_force_is_edited_as_its_next_revision(running_app: RunningApp) -> None:
    visitor, revision = running_app.visitor("kepala"), in_force(running_app)
    assert f'value="revision-{revision}"' in visitor.get(f"/admin/sop/details/?id={revision}").text
    id_ = begin_editing(running_app, f"revision-{revision}")
    assert save(running_app, f"{PAGE}/{id_}/row/3", time="30 menit").status_code == 303
    shown = visitor.get(f"{PAGE}/details/?id={id_}").text
    assert "isi tanggal revisi yang lebih baru" in shown
    assert visitor.post(f"{PAGE}/{id_}/remedy", fault="0", remedy="0", version="2").status_code == 303
    differences = visitor.get(f"{PAGE}/{id_}/compare").text
    assert "<del>15 menit</del>" in differences
    assert "30 menit" in differences
    answer = visitor.post(f"{PAGE}/{id_}/load", version="3")
    assert answer.status_code == 303
    new = edited(running_app, id_).revision_id
    both = visitor.get(f"/admin/sop/{new}/compare").text
    assert "30 menit" in both
    assert visitor.get(f"/admin/sop/{new}/compare?before={new}&after={new}").text.count("Keduanya sama isinya") == 1
    assert visitor.get(f"/admin/sop/{new}/compare?before=999").status_code == 404
    assert visitor.get(f"{PAGE}/{id_}/compare?before={revision}").status_code == 200


def test_a_file_that_was_typed_is_opened_in_the_editor_sound_or_not(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    text = 'title = "SOP"\n[agency]\nkey = "lain"\nname = "LPSE"\n[[steps]]\nkey = "request"\nactor = "x"\n'
    answer = visitor.post("/admin/sop/new/", do="edit", text=text, key="")
    id_ = int(answer.location.rpartition("=")[2])
    assert edited(running_app, id_).document.values["agency"] == {"key": "lumajang", "name": "LPSE"}
    assert "Pelaksana baris ini sudah dihapus" in visitor.get(answer.location).text
    assert visitor.post("/admin/sop/new/", do="edit", text="title = ", key="").status_code == 422
    id_ = begin_editing(running_app, "typed", text=text)
    assert edited(running_app, id_).title == "SOP"
    refused = visitor.post(f"{PAGE}/new/", start="typed", text="[[steps]]\nkey = 'x\n")
    assert (refused.status_code, "baris 2" in refused.text) == (422, True)
    assert running_app.visitor("admin").post("/admin/sop/new/", do="edit", text=text, key="").status_code == 422


def test_the_installations_administrator_chooses_the_agency(running_app: RunningApp) -> None:
    with running_app.session() as session:
        agency = session.scalars(select(SopRevision.agency_id).where(SopRevision.key == TANA_TIDUNG)).one()
    id_ = begin_editing(running_app, "blank", "admin", agency=str(agency))
    assert edited(running_app, id_).agency_id == agency
    assert running_app.visitor("kepala").get(f"{PAGE}/{id_}/head").status_code == 404
    assert running_app.visitor("kepala.tt").get(f"{PAGE}/{id_}/head").status_code == 200


def test_an_inspector_reads_what_is_edited_and_finds_no_button(running_app: RunningApp) -> None:
    id_ = begin_editing(running_app, f"paper-{LUMAJANG}")
    visitor = running_app.visitor("pemeriksa")
    page = visitor.get(f"{PAGE}/details/?id={id_}").text
    assert "Evaluasi" in page
    assert f"{PAGE}/{id_}/row" not in page
    assert visitor.get(f"{PAGE}/{id_}/row/0").status_code == 403
    assert visitor.get(f"{PAGE}/{id_}/compare").status_code == 200
    assert running_app.visitor("pengelola").get(f"{PAGE}/{id_}/download").status_code == 403


def test_what_is_discarded_is_gone_and_on_record(running_app: RunningApp) -> None:
    id_ = begin_editing(running_app, "blank")
    assert running_app.visitor("kepala").post(f"{PAGE}/delete/", id=str(id_)).status_code == 303
    with running_app.session() as session:
        assert session.get(EditedSop, id_) is None
        entry = present(session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first())
    assert entry.action == "edited-sop.discard"


@pytest.mark.parametrize("start", ["revision-999", "revision-x", "paper-lain", "", "lain"])
def test_what_cannot_be_begun_with_is_refused(running_app: RunningApp, start: str) -> None:
    assert running_app.visitor("kepala").post(f"{PAGE}/new/", start=start).status_code == 422


@pytest.mark.parametrize("version", ["", "x", "0", "9" * 40])
def test_a_version_that_is_none_saves_nothing(running_app: RunningApp, version: str) -> None:
    id_ = begin_editing(running_app, "blank")
    visitor = running_app.visitor("kepala")
    assert visitor.post(f"{PAGE}/{id_}/settings", version=version, deviations="y", clock="handling").status_code == 409
    assert visitor.post(f"{PAGE}/{id_}/change", do="actor-up", place="1", version=version).status_code == 409
    assert edited(running_app, id_).version == 1


def test_a_text_that_no_database_keeps_is_refused_and_stays_in_the_form(running_app: RunningApp) -> None:
    id_ = begin_editing(running_app, "blank")
    refused = save(running_app, f"{PAGE}/{id_}/row/0", activity="x" * 400_001)
    assert refused.status_code == 422
    assert "x" * 400_001 in refused.text


def test_no_page_of_the_editor_shows_a_key(running_app: RunningApp) -> None:
    visitor, id_ = running_app.visitor("kepala"), begin_editing(running_app, f"paper-{LUMAJANG}")
    assert visitor.post(f"{PAGE}/{id_}/change", do="row-remove", place="4", version="1").status_code == 303
    assert visitor.post(f"{PAGE}/{id_}/change", do="actor-remove", place="1", version="2").status_code == 303
    reader = _TextReader()
    parts = ("head", "settings", "actors", "row/1", "row/new", "row/1/field/new", "compare")
    for page in (f"details/?id={id_}", *(f"{id_}/{part}" for part in parts)):
        reader.feed(visitor.get(f"{PAGE}/{page}").text)
    words = " ".join(reader.words).split()
    for key in (
        "request", "evaluation", "asset-review", "submitted", "change_manager", "head_approves_every_change",
        "by-proxy", "legal_basis", "record", "one-of",
    ):  # fmt: skip
        assert key not in words, key


class _TextReader(HTMLParser):
    """Reads what a page shows."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._is_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_code = tag in ("script", "style")
        self.words += [value or "" for name, value in attrs if name in ("placeholder", "aria-label", "title")]

    def handle_data(self, data: str) -> None:
        if not self._is_code:
            self.words.append(data)


@pytest.mark.parametrize(
    "text", ["a." * 20_000 + "a = 1", "[" + "a." * 20_000 + "a]", "x = " + "{a = " * 60 + "1" + "}" * 60], ids=len
)
def test_a_file_that_is_nested_without_end_is_refused_where_it_is_typed(running_app: RunningApp, text: str) -> None:
    visitor = running_app.visitor("kepala")
    answers = [
        visitor.post("/admin/sop/new/", do="edit", key="", text=text),
        visitor.post("/admin/edited-sop/new/", start="typed", text=text),
    ]
    for answer in answers:
        assert (answer.status_code, "terlalu dalam" in answer.text) == (422, True)
