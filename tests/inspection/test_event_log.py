"""The event log as CSV is opened by spreadsheets, which must find no formula in it."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest

from views.exports.event_log import Event, csv_log_stream

AT = dt.datetime(2026, 3, 2, 1, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize("typed", ['=HYPERLINK("http://a.example")', "@SUM(A1)", "\t=1+1", "+cmd|' /C calc'!A1"])
def test_what_could_be_a_formula_is_a_text_in_the_event_log(typed: str) -> None:
    event = Event("RFC/2026/0001", typed, "Evaluasi", "Selesai", typed, "-", AT, None, AT)
    text = b"".join(csv_log_stream([event])).decode()
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["case:title"].startswith("'")
    assert row["org:resource"].startswith("'")
    assert (row["case:concept:name"], row["org:role"]) == ("RFC/2026/0001", "-")
    assert row["time:timestamp"] == "2026-03-02T01:00:00.000+00:00"
