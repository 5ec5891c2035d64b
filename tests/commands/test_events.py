"""`flask events export`: the event log of an office and a period, noted in the trail."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from lxml import etree
from sqlalchemy import select

from lpse_admin.sop.steps import Step
from models.audit.trail import AuditEntry
from tests.support.cast import OUTCOMES_TO, move_through
from tests.support.running_app import running_app  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.running_app import RunningApp


def test_the_event_log_is_written_as_xes_and_csv_and_noted(running_app: RunningApp, tmp_path: Path) -> None:
    with running_app.session() as session:
        number = move_through(session, running_app.cast(session).lumajang, *OUTCOMES_TO[Step.CLOSED]).number
        session.commit()
    runner = running_app.app.test_cli_runner()
    for format_ in ("xes", "csv"):
        file = tmp_path / f"log.{format_}"
        words = ["events", "export", "--format", format_, "--agency", "lumajang", "--out", str(file)]
        done = runner.invoke(args=words)
        assert done.exit_code == 0, done.output
        assert f"{len(OUTCOMES_TO[Step.CLOSED])} peristiwa" in done.output
        empty = runner.invoke(args=[*words, "--from", "2001-01-01", "--to", "2001-12-31"])
        assert "0 peristiwa" in empty.output
        runner.invoke(args=words)
    with (tmp_path / "log.csv").open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert {row["case:concept:name"] for row in rows} == {number}
    root = etree.parse(tmp_path / "log.xes").getroot()
    assert root.get("xes.version") == "2.0"
    with running_app.session() as session:
        reasons = session.scalars(select(AuditEntry.reason).where(AuditEntry.action == "list.export")).all()
    assert len(reasons) == 6
    assert "xes; 2001-01-01 – 2001-12-31" in reasons


def test_what_is_asked_wrongly_is_refused(running_app: RunningApp, tmp_path: Path) -> None:
    runner = running_app.app.test_cli_runner()
    out = ["--out", str(tmp_path / "log.xes")]
    assert runner.invoke(args=["events", "export", "--format", "xes", *out]).exit_code == 1  # which of the two?
    assert runner.invoke(args=["events", "export", "--format", "pdf", "--agency", "lumajang", *out]).exit_code == 2
    reversed_ = ["--from", "2026-02-01", "--to", "2026-01-01"]
    refused = runner.invoke(args=["events", "export", "--format", "xes", "--agency", "lumajang", *reversed_, *out])
    assert refused.exit_code == 1
    assert not (tmp_path / "log.xes").exists()
