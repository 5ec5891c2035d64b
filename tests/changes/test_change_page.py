"""The page of a request: what stands first for whom, and what is asked before an outcome that cannot be undone."""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from lpse_admin.sop import bundled_sops, parse
from lpse_admin.sop.steps import Outcome, Step
from lpse_admin.workflow.consequences import needs_confirmation
from lpse_admin.workflow.record_fields import REQUEST_FIELDS
from models.changes.change import ChangeRequest
from tests.support.cast import LUMAJANG
from tests.support.running_app import ACCOUNT_SUFFIXES, FORM_FIELD_NAMES, running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

SOPS = {key: parse(text, key) for key, text in bundled_sops()}
#: Not one input of the form: those that are several, or are asked of some requests alone.
ELSEWHERE = {"outcome", "version", "answer_to_refusal", "kind"}
#: Each step of both SOPs; PostgreSQL answers with the same pages.
STEPS = [pytest.param(key, step, marks=pytest.mark.sqlite_alone) for key, sop in SOPS.items() for step in sop.steps]


class Buttons(HTMLParser):
    """The outcomes that a page offers, in order, with the text before each within what unfolds; "" for a plain one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.before: dict[str, str] = {}
        self._depth, self._text = 0, ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "details" and (self._depth or "decision" in (given.get("class") or "").split()):
            self._depth += 1
        if tag == "button" and given.get("name") == "outcome":
            self.before[given.get("value") or ""] = self._text

    def handle_endtag(self, tag: str) -> None:
        if tag == "details" and self._depth:
            self._depth -= 1
            self._text = self._text if self._depth else ""

    def handle_data(self, data: str) -> None:
        if self._depth:
            self._text += data


def form_page(running_app: RunningApp, change_id: int, step: Step) -> str:
    """Return the page with the form of the current step, as its actor sees it."""
    if step in {Step.REQUEST, Step.RETURNED}:
        return running_app.actor(change_id).get(f"/admin/change/edit/?id={change_id}").text
    return running_app.actor_page(change_id).text


@pytest.mark.parametrize(("key", "step"), STEPS)
def test_every_outcome_has_one_button_and_what_cannot_be_undone_tells_its_consequence_first(
    key: str, step: Step, running_app: RunningApp
) -> None:
    page = form_page(running_app, running_app.change_at_step(key, step), step)
    offered = Buttons(page).before
    moves = {move.outcome.value: move for move in SOPS[key].moves if move.origin is step}
    assert set(offered) == set(moves)
    for outcome, before in offered.items():
        if needs_confirmation(moves[outcome]):
            assert "Tindakan ini tidak dapat dibatalkan." in before
    saved = page.index("Simpan dahulu</button>", page.index('class="moves"'))
    assert saved < page.index('name="outcome"'), "keeping for later comes before what ends the step"


@pytest.mark.parametrize(("key", "step"), STEPS)
def test_each_field_of_a_record_is_in_its_form_once(key: str, step: Step, running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(key, step)
    page = form_page(running_app, change_id, step)
    outcomes = [move.outcome for move in SOPS[key].moves if move.origin is step]
    for outcome in outcomes:
        for name, value in running_app.move_form(change_id, outcome).items():
            if isinstance(value, str) and name not in ELSEWHERE and not name.startswith("mutations-"):
                assert len(re.findall(rf'name="{re.escape(FORM_FIELD_NAMES.get(name, name))}"', page)) == 1, name


def test_a_returned_request_begins_with_its_reason_and_the_way_to_resubmit_it(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    assert running_app.make_move(change_id, Outcome.RETURNED, reason="Nomor surat belum ada.").status_code == 303
    page = running_app.actor_page(change_id).text
    assert page.index("Nomor surat belum ada.") < page.index('id="asked"') < page.index('id="taken"')
    assert f'href="/admin/change/edit/?id={change_id}">Perbaiki dan ajukan kembali</a>' in page
    form = form_page(running_app, change_id, Step.RETURNED)
    assert form.index("Nomor surat belum ada.") < form.index('id="step-form"')
    manager = running_app.visitor("pengelola" + ACCOUNT_SUFFIXES[LUMAJANG])
    seen = manager.get(f"/admin/change/details/?id={change_id}").text
    assert "Nomor surat belum ada." in seen
    assert "Perbaiki dan ajukan kembali" not in seen


def test_the_head_meets_the_material_of_the_decision_first_and_each_text_of_the_request_once(
    running_app: RunningApp,
) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    with running_app.session() as session:
        change = session.get_one(ChangeRequest, change_id)
        texts = {field.key: getattr(change, field.key) for field in REQUEST_FIELDS}
    page = running_app.actor_page(change_id).text
    assert page.index('class="material"') < page.index('id="asked"')
    for key in ("description", "purpose", "risk_if_not_done"):
        assert page.count(f'<dd><span class="prose">{texts[key]}</span></dd>') == 1, key


def test_a_field_without_a_use_for_the_request_is_not_asked(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    assert running_app.make_move(change_id, Outcome.REFUSED).status_code == 303
    assert 'name="answer_to_refusal"' in running_app.actor_page(change_id).text
    fresh = running_app.change_at_step(LUMAJANG, Step.EVALUATION)
    assert 'name="answer_to_refusal"' not in running_app.actor_page(fresh).text


def test_a_refused_outcome_comes_back_unfolded_with_what_is_missing(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    actor = running_app.actor(change_id)
    version = str(running_app.step_and_version(change_id)[1])
    answer = actor.post(
        f"/admin/change/{change_id}/move", outcome="refused", version=version, considerations="Ditimbang"
    )
    assert answer.status_code == 422
    assert re.search(r'data-outcome="refused" open>', answer.text)
    assert not re.search(r'data-outcome="approved" open>', answer.text)
    assert 'id="reason-errors"' in answer.text
    assert "Ditimbang" in answer.text


@pytest.mark.parametrize(("key", "step"), STEPS)
def test_every_time_on_the_page_is_one_that_html_knows(key: str, step: Step, running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(key, step)
    running_app.now += dt.timedelta(microseconds=123456)
    for page in (running_app.actor_page(change_id).text, form_page(running_app, change_id, step)):
        times = re.findall(r'<time[^>]* datetime="([^"]*)"', page)
        for time in times:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)|\d{4}-\d\d-\d\d", time)


def test_after_a_decision_the_next_request_that_waits_is_offered_with_its_place(running_app: RunningApp) -> None:
    one, other = (running_app.change_at_step(LUMAJANG, Step.APPROVAL) for _number in range(2))
    head = running_app.actor(one)
    before = head.get(f"/admin/change/details/?id={one}").text
    assert re.search(r"\d+ dari \d+ menunggu Anda pada “Persetujuan”", before)
    assert f'href="/admin/change/details/?id={other}">Berikutnya:' in before
    assert running_app.make_move(one, Outcome.APPROVED).status_code == 303
    after = head.get(f"/admin/change/details/?id={one}").text
    assert f'href="/admin/change/details/?id={other}" class="btn btn-primary">Berikutnya:' in after
    manager = running_app.visitor("pengelola" + ACCOUNT_SUFFIXES[LUMAJANG])
    assert (
        f'?id={other}" class="btn btn-primary">Berikutnya' not in manager.get(f"/admin/change/details/?id={one}").text
    )


@pytest.mark.parametrize(("key", "step"), STEPS)
def test_the_marks_of_the_progress_are_as_many_as_the_steps_counted_beside_them(
    key: str, step: Step, running_app: RunningApp
) -> None:
    change_id = running_app.change_at_step(key, step)
    if step is Step.REQUEST:
        return  # a draft is shown as its form
    page = running_app.actor(change_id).get(f"/admin/change/details/?id={change_id}").text
    marks = re.findall(
        r'<li class="is-(\w+)"', page[page.index("progress-line") : page.index("</nav>", page.index("progress-line"))]
    )
    counted = re.search(r"Langkah (\d+) dari (\d+)", page)
    if counted is None:
        assert step is Step.RETURNED
        return
    assert len(marks) == int(counted[2])
    assert marks.index("current") + 1 == int(counted[1])


def test_the_record_of_an_open_step_has_no_lines_without_a_word(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.RELEASE)
    visitor = running_app.actor(change_id)
    listed = visitor.get("/admin/release/?state=open").text
    address = re.search(r'href="(/admin/release/details/\?id=\d+)"', listed)
    assert address is not None
    page = visitor.get(address[1]).text
    record = page[page.index('<dl class="facts">') : page.index("</dl>")]
    assert 'class="nothing"' not in record
    labels = re.findall(r"<dt>([^<]+)</dt>", record)
    assert {"Nomor", "Judul", "Batas akhir"} <= set(labels)
    assert len(labels) == len(set(labels))
