"""The guides: the buttons that they name exist, their pictures exist, and users find their own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po

from lpse_admin.sop import bundled_sops, parse
from tests.support.cast import LUMAJANG
from tests.support.pages.guide_pictures import PICTURES
from tests.support.present import present
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.help.guides import GUIDES, TOPICS

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "guides"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
CATALOGUE = ROOT / "views" / "translations" / "id" / "LC_MESSAGES" / "messages.po"


@pytest.fixture(scope="module")
def words() -> set[str]:
    """Return everything that the screens say in Indonesian."""
    with CATALOGUE.open("rb") as file:
        said = [message.string for message in read_po(file, locale="id")]
    return {text for one in said for text in ([one] if isinstance(one, str) else one or ())}


def test_every_role_has_its_guide() -> None:
    assert set(TEXTS) == {*GUIDES, "menyusun-sop"}


@pytest.mark.parametrize("key", TEXTS)
def test_a_guide_names_only_what_is_on_the_screens(key: str, words: set[str]) -> None:
    named = re.findall(r"\*\*(.+?)\*\*", TEXTS[key])
    assert len(named) > 3
    assert [name for name in named if name not in words] == []


def test_every_picture_is_there_is_named_and_is_small() -> None:
    named = {
        name
        for text in TEXTS.values()
        for name in re.findall(r"!\[[^\]]+\]\(\.\./\.\./views/static/guides/(.+?)\)", text)
    }
    files = sorted((ROOT / "views" / "static" / "guides").iterdir())
    assert {file.name for file in files} == named == {f"{picture.name}.png" for picture in PICTURES}
    assert sum(file.stat().st_size for file in files) < 1_500_000


@pytest.mark.parametrize(
    ("name", "own"),
    [("pemohon", "pemohon"), ("pengelola", "pengelola-perubahan"), ("kepala", "kepala-lpse"),
     ("pemeriksa", "pemeriksa"), ("admin", "administrator")],
)  # fmt: skip
def test_everybody_is_led_from_every_page_to_their_own_guide(running_app: RunningApp, name: str, own: str) -> None:
    visitor = running_app.visitor(name)
    assert 'href="/help/"' in visitor.get("/").text
    index = visitor.get("/help/").text
    first = index.index('href="/help/')
    links = re.findall(r'href="/help/([a-z-]+)"', index[first:])
    assert links[0] == own
    assert set(links) == {*GUIDES, *TOPICS}
    page = visitor.get(f"/help/{own}")
    assert page.status_code == 200
    assert re.search(
        r'<img src="/static/guides/[a-z-]+\.png\?v=[0-9a-f]+" alt="[^"]+" loading="lazy" width="\d+"', page.text
    )


@pytest.mark.parametrize(("topic", "said"), [("menyusun-sop", "Penyusunan SOP"), ("sop-format", "<table>")])
def test_a_subject_has_its_guide_which_leads_to_others(running_app: RunningApp, topic: str, said: str) -> None:
    page = running_app.visitor("kepala").get(f"/help/{topic}")
    assert (page.status_code, said in page.text, "](" in page.text) == (200, True, False)


def test_what_a_step_means_is_told_from_the_paper_at_its_form_and_from_its_list(running_app: RunningApp) -> None:
    rule = parse(dict(bundled_sops())[LUMAJANG], LUMAJANG).rules
    pages = {
        "/admin/change/new/": next(iter(rule.values())),
        "/help/step/approval": next(one for step, one in rule.items() if step.value == "approval"),
    }
    for path, one in pages.items():
        page = running_app.visitor("pemohon").get(path).text
        texts = [one.activity, present(one.standard).text, *one.outputs, *(item.label for item in one.requires)]
        assert [text for text in texts if text not in page] == []
    assert "Tidak disetujui → 2. Evaluasi" in running_app.visitor("pemohon").get("/help/step/approval").text
    assert 'href="/help/step/approval"' in running_app.visitor("kepala").get("/admin/approval/").text
    for path in ("/help/step/nothing", "/help/nobody", "/help/step/closed"):
        assert running_app.visitor("kepala").get(path).status_code == 404
    assert running_app.visitor("admin").get("/help/step/approval").status_code == 404, "the installation has no paper"
