"""Values of fields that an SOP asks for: what is possible, stored and written, for every kind."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.parsing.dates import read_date, read_datetime
from lpse_admin.parsing.durations import MAX_DURATION_MINUTES, read_duration
from lpse_admin.parsing.numbers import read_money, read_number
from lpse_admin.sop.fields import FieldCondition, SopField, SopFieldKind
from lpse_admin.sop.steps import Outcome
from lpse_admin.workflow.field_values import comparable_number, in_words, stored_text, stored_value, value_error
from lpse_admin.workflow.record_fields import (
    FieldKind,
    fields_not_asked_for,
    forbidden_fields,
    is_asked_for,
    missing_fields,
    sop_field,
    unrelated_fields,
)

WITA = ZoneInfo("Asia/Makassar")
WORDS = ("Kecil", "Besar; luas", "“Sangat” \\ besar")
COLUMNS = ("Pesan", "Media")
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
_MOMENTS = st.integers(-(10**9), 10**10).map(lambda seconds: dt.datetime.fromtimestamp(seconds // 60 * 60, dt.UTC))
VALUES: dict[SopFieldKind, st.SearchStrategy[object]] = {
    SopFieldKind.LINE: _TEXTS,
    SopFieldKind.TEXT: _TEXTS,
    SopFieldKind.NUMBER: st.decimals(-(10**13), 10**13, places=4),
    SopFieldKind.MONEY: st.decimals(-(10**13), 10**13, places=2),
    SopFieldKind.DATE: st.dates(dt.date(1900, 1, 1)),
    SopFieldKind.MOMENT: _MOMENTS,
    SopFieldKind.DURATION: st.integers(0, MAX_DURATION_MINUTES),
    SopFieldKind.YES_NO: st.booleans(),
    SopFieldKind.ONE_OF: st.sampled_from(WORDS),
    SopFieldKind.SEVERAL_OF: st.lists(st.sampled_from(WORDS), min_size=1, unique=True).map(tuple),
    SopFieldKind.USER: st.integers(1, 2**40),
    SopFieldKind.ASSET: st.integers(1, 2**40),
    SopFieldKind.REQUEST: st.integers(1, 2**40),
    SopFieldKind.ROWS: st.lists(st.tuples(_TEXTS.filter(str.strip), _TEXTS), min_size=1, max_size=5),
}


def field(kind: SopFieldKind, key: str = "isian", **more: Any) -> SopField:
    """Return a field of ``kind``."""
    choices = WORDS if kind in {SopFieldKind.ONE_OF, SopFieldKind.SEVERAL_OF} else ()
    columns = COLUMNS if kind is SopFieldKind.ROWS else ()
    return SopField(key, key.capitalize(), kind, choices=choices, columns=columns, **more)


@pytest.mark.parametrize("kind", SopFieldKind)
@given(data=st.data())
def test_what_is_stored_is_read_back_as_itself_and_has_words(kind: SopFieldKind, data: st.DataObject) -> None:
    declared, value = sop_field(field(kind)), data.draw(VALUES[kind])
    assert value_error(declared, value) is None
    assert stored_value(declared.kind, stored_text(value)) == value
    assert in_words(declared, value, WITA)


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (SopFieldKind.NUMBER, read_number),
        (SopFieldKind.MONEY, read_money),
        (SopFieldKind.DATE, read_date),
        (SopFieldKind.MOMENT, lambda text: read_datetime(text, WITA)),
        (SopFieldKind.DURATION, read_duration),
    ],
)
@given(data=st.data())
def test_what_is_written_in_words_is_read_back_as_itself(kind: SopFieldKind, read: Any, data: st.DataObject) -> None:
    value = data.draw(VALUES[kind])
    assert read(in_words(sop_field(field(kind)), value, WITA)) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SopFieldKind.NUMBER, Decimal("1.23456")),
        (SopFieldKind.NUMBER, Decimal("NaN")),
        (SopFieldKind.NUMBER, Decimal(10**14)),
        (SopFieldKind.NUMBER, "1"),
        (SopFieldKind.MONEY, Decimal("0.001")),
        (SopFieldKind.DURATION, -1),
        (SopFieldKind.DURATION, True),
        (SopFieldKind.YES_NO, "Ya"),
        (SopFieldKind.ONE_OF, "Lain"),
        (SopFieldKind.SEVERAL_OF, ("Lain",)),
        (SopFieldKind.SEVERAL_OF, ("Kecil", "Kecil")),
        (SopFieldKind.SEVERAL_OF, "Kecil"),
        (SopFieldKind.ROWS, "teks"),
        (SopFieldKind.ROWS, [("a", "b")] * 61),
        (SopFieldKind.ROWS, [("a",)]),
        (SopFieldKind.ROWS, [("a", 1)]),
        (SopFieldKind.ROWS, [("", " ")]),
    ],
)
def test_what_cannot_be_a_value_is_refused(kind: SopFieldKind, value: object) -> None:
    assert value_error(sop_field(field(kind)), value) is not None


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        (FieldKind.NUMBER, Decimal("2.5"), 25_000),
        (FieldKind.DURATION, 90, 900_000),
        (FieldKind.YES_NO, True, None),
        (FieldKind.USER, 90, None),
        (FieldKind.SINGLE_LINE, "90", None),
        (FieldKind.MONEY, None, None),
        (FieldKind.DATE, dt.date.max, None),
    ],
)
def test_numbers_amounts_and_durations_alone_are_compared_by_number(
    kind: FieldKind, value: object, number: int | None
) -> None:
    assert comparable_number(kind, value) == number


def test_a_field_is_asked_for_where_the_one_before_it_says_so() -> None:
    stops = sop_field(field(SopFieldKind.YES_NO, "henti"))
    is_long = sop_field(field(SopFieldKind.ONE_OF, "lama", when=FieldCondition("henti", ("Ya",))))
    scope = sop_field(field(SopFieldKind.TEXT, "lingkup", when=FieldCondition("lama", ("Kecil", "Sedang"))))
    fields = (stops, is_long, scope)
    for henti, not_asked_for in (
        (True, []),
        (False, ["field-lama", "field-lingkup"]),
        (None, ["field-lama", "field-lingkup"]),
    ):
        values = {"field-henti": henti, "field-lama": "Kecil", "field-lingkup": "teks"}
        assert list(fields_not_asked_for(fields, values)) == not_asked_for
    assert is_asked_for(scope, {"field-lama": ("Sedang", "Besar")})
    assert not is_asked_for(scope, {"field-lama": ("Besar",)})


def test_a_field_is_required_only_for_its_outcomes_and_where_it_is_asked_for() -> None:
    accepted = (Outcome.ACCEPTED,)
    when = FieldCondition("henti", ("Ya",))
    fields = [
        sop_field(field(SopFieldKind.YES_NO, "henti", required_for=accepted)),
        sop_field(field(SopFieldKind.DURATION, "lama", required_for=accepted, when=when)),
        sop_field(field(SopFieldKind.LINE, "alasan", only_for=(Outcome.REJECTED,), help="Mengapa")),
        sop_field(field(SopFieldKind.ROWS, "baris", only_for=(Outcome.REJECTED,))),
    ]
    assert set(missing_fields(fields, Outcome.ACCEPTED, {})) == {"field-henti"}
    assert set(missing_fields(fields, Outcome.ACCEPTED, {"field-henti": True})) == {"field-lama"}
    assert missing_fields(fields, Outcome.ACCEPTED, {"field-henti": False}) == {}
    sure = FieldCondition("pasti", ("Tidak",))
    fields += [
        sop_field(field(SopFieldKind.YES_NO, "pasti", when=when)),
        sop_field(field(SopFieldKind.TEXT, "sebab", required_for=accepted, when=sure)),
    ]
    assert missing_fields(fields, Outcome.ACCEPTED, {"field-henti": False, "field-pasti": False}) == {}
    both = {"field-henti": True, "field-pasti": False}
    assert set(missing_fields(fields, Outcome.ACCEPTED, both)) == {"field-lama", "field-sebab"}
    assert unrelated_fields(fields, Outcome.ACCEPTED) == {"field-alasan"}
    assert set(forbidden_fields(fields, Outcome.ACCEPTED, {"field-baris": [("a", "b")]})) == {"field-baris"}
    assert fields[0].kind is FieldKind.YES_NO
