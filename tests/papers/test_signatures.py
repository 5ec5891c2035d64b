"""What is said of the signatures in a PDF that came back."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from lpse_admin.errors import ValidationFailed
from models.papers.signatures import check_signatures
from tests.papers.authority import altered, authority, with_addition
from tests.support.cast import NOW
from views.papers.typesetting import typeset

LAYOUT = b'#set document(title: "Draf")\n#set text(lang: "id")\n= Draf untuk ditandatangani'
GOOD = {"covers_all": True, "is_intact": True, "is_trusted": True, "is_in_time": True}


@pytest.fixture(scope="module")
def draft() -> bytes:
    """Return a PDF/A to sign."""
    return typeset({"main.typ": LAYOUT}, NOW)


def findings(pdf: bytes, *trusted: bytes) -> list[dict[str, object]]:
    """Return what is found, without names and times."""
    result = check_signatures(pdf, [one.decode() for one in trusted], NOW)
    return [{key: value for key, value in dataclasses.asdict(one).items() if key in GOOD} for one in result]


def test_a_good_signature_covers_the_whole_file_is_intact_and_of_a_trusted_certificate(draft: bytes) -> None:
    signed = authority().sign(draft, "Kepala LPSE")
    assert signed.startswith(draft)
    (result,) = check_signatures(signed, [authority().pem.decode()], NOW)
    assert result.is_good
    assert "Kepala LPSE" in result.signer
    assert authority().name in result.issuer
    assert dt.datetime.fromisoformat(result.signed_at).tzinfo is not None


def test_signatures_are_checked_where_an_event_loop_runs_too(draft: bytes) -> None:
    signed = authority().sign(draft)

    async def check() -> list[dict[str, object]]:
        return findings(signed, authority().pem)

    # In a thread: after a test with a browser there is a loop in this one already.
    with ThreadPoolExecutor(max_workers=1) as thread:
        assert thread.submit(lambda: asyncio.run(check())).result() == [GOOD]


def test_two_signatures_are_told_apart_and_the_first_does_not_cover_the_second(draft: bytes) -> None:
    pdf = authority().sign(draft)
    assert findings(pdf, authority().pem) == [GOOD]
    assert findings(with_addition(pdf), authority().pem) == [GOOD | {"covers_all": False}]


def test_a_letter_that_was_changed_after_signing_is_told(draft: bytes) -> None:
    (result,) = findings(altered(authority().sign(draft)), authority().pem)
    assert not result["is_intact"]


def test_a_certificate_that_is_not_on_the_list_is_not_trusted(draft: bytes) -> None:
    pdf = authority().sign(draft)
    assert findings(pdf) == [GOOD | {"is_trusted": False}]
    assert findings(pdf, authority("Balai lain").pem) == [GOOD | {"is_trusted": False}]


def test_an_expired_certificate_is_not_trusted_and_said_to_be_expired(draft: bytes) -> None:
    pdf = authority().sign(draft, is_expired=True)
    assert findings(pdf, authority().pem) == [GOOD | {"is_trusted": False, "is_in_time": False}]


def test_a_pdf_without_a_signature_has_none(draft: bytes) -> None:
    assert findings(draft, authority().pem) == []


@pytest.mark.parametrize("content", [b"", b"bukan PDF", b"%PDF-1.7\nrusak", b"%PDF-1.7\ntrailer<</Root 1 0 R>>\n%%EOF"])
def test_what_is_no_pdf_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        check_signatures(content, [], NOW)
    assert set(refusal.value.field_errors) == {"file"}


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.8, 0.95, 0.99])
def test_a_signed_file_that_was_cut_is_never_called_good(draft: bytes, cut: float) -> None:
    pdf = authority().sign(draft)
    try:
        result = check_signatures(pdf[: int(len(pdf) * cut)], [authority().pem.decode()], NOW)
    except ValidationFailed:
        return
    assert not any(one.is_good for one in result)
