"""The list of what waits for the head: the columns of its reader, and a way to decide."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from lpse_admin.sop.steps import Step
from tests.support.cast import LUMAJANG
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp


def test_the_queue_of_the_head_has_the_columns_of_its_reader_and_no_bare_minutes(running_app: RunningApp) -> None:
    change_id = running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    page = running_app.visitor("kepala").get("/admin/approval/?state=open").text
    headings = [
        unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", page)
    ]
    for heading in ("Pemohon", "Jenis", "Dasar", "Risiko", "Batas waktu", "Tindakan"):
        assert any(one.startswith(heading) for one in headings), (heading, headings)
    assert not any("menit" in one for one in headings)
    assert re.search(
        rf'<a class="btn btn-sm btn-primary" href="/admin/change/details/\?id={change_id}#step">Putuskan</a>', page
    )
    assert re.search(r'data-label="Batas waktu">(sisa|terlambat) ', page)
    assert "Putuskan" not in running_app.visitor("pemeriksa").get("/admin/approval/?state=open").text


def test_an_export_of_the_queue_has_requester_ground_and_risk_and_no_button(running_app: RunningApp) -> None:
    running_app.change_at_step(LUMAJANG, Step.APPROVAL)
    text = running_app.visitor("kepala").get("/admin/approval/export/csv/?state=open").text
    heading = text.splitlines()[0]
    for name in ("Pemohon", "Dasar", "Risiko", "Batas waktu"):
        assert name in heading
    assert "Tindakan" not in heading
    assert "<a" not in text
