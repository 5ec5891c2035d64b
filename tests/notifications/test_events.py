"""The messages of events, built when they are read and translated for each user."""

from __future__ import annotations

import datetime as dt
import json
import re
from zoneinfo import ZoneInfo

import pytest

from lpse_admin.i18n import Message, TimeSpan, _
from lpse_admin.notifications.events import (
    VALUE_NAMES,
    Delivery,
    Event,
    delivery_of,
    deserialize_values,
    event_message,
    labelled_values,
    serialize_values,
)
from lpse_admin.sop.steps import Outcome, Step
from tests.support.present import one_of

PLACE = re.compile(r"%\((\w+)\)s")
NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
WIB = ZoneInfo("Asia/Jakarta")


def test_values_come_back_from_json_as_what_they_were() -> None:
    values = {
        "outcome": Outcome.RETURNED.title,
        "note": _("“%(step)s” until %(day)s", step=Step.TEST, day=NOW.date()),
        "due": NOW,
        "first_day": NOW.date(),
        "window": TimeSpan(NOW.astimezone(WIB), NOW.astimezone(WIB) + dt.timedelta(hours=1)),
        "reason": "Kurang <lengkap>",
        "measure": 12,
    }
    back = deserialize_values(json.loads(json.dumps(serialize_values({**values, "by": None}))))
    assert one_of(Message, back.pop("note")).values == {"step": Step.TEST.title, "day": NOW.date()}
    assert back == {name: value for name, value in values.items() if name != "note"}


def test_a_word_is_kept_by_its_title_and_all_else_that_is_no_figure_as_text() -> None:
    values = {"outcome": Outcome.RETURNED, "measure": 1.5, "note": Exception("x")}
    assert deserialize_values(serialize_values(values)) == {
        "outcome": Outcome.RETURNED.title, "measure": "1.5", "note": "x",
    }  # fmt: skip


def test_a_text_that_was_stored_before_it_was_reworded_is_read_in_its_present_words() -> None:
    stored = {"outcome": {"text": "Report to be mended", "values": {}}}
    assert deserialize_values(stored) == {"outcome": Outcome.REVISE.title}


@pytest.mark.parametrize("event", Event)
def test_every_event_has_a_sentence_also_where_a_value_was_not_told(event: Event) -> None:
    places = set(PLACE.findall(event_message(event, {}).text))
    assert places <= VALUE_NAMES
    assert str(event_message(event, {})).count("–") == len(places)
    assert "%(" not in str(event_message(event, dict.fromkeys(places, "x")))


def test_facts_are_those_that_were_told_in_their_order() -> None:
    values = {"due": "besok", "reason": "Kurang", "step": "Uji", "unknown": 1}
    assert [(str(label), value) for label, value in labelled_values(values)] == [("Reason", "Kurang"), ("Due", "besok")]


@pytest.mark.parametrize(
    ("event", "muted", "daily", "delivery"),
    [
        (Event.OVERDUE, [], [], Delivery.AT_ONCE),
        (Event.OVERDUE, [], ["overdue"], Delivery.DAILY),
        (Event.OVERDUE, ["overdue"], ["overdue"], Delivery.NONE),
        (Event.EMERGENCY, ["emergency"], ["emergency"], Delivery.AT_ONCE),
        (Event.PASSWORD_RESET, ["password-reset"], [], Delivery.AT_ONCE),
    ],
)
def test_each_event_is_mailed_at_once_daily_or_not_at_all_and_an_emergency_always_at_once(
    event: Event, muted: list[str], daily: list[str], delivery: Delivery
) -> None:
    assert delivery_of(event, muted, daily) is delivery
