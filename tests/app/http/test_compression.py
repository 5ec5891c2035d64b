"""What is sent compressed, and that HEAD is answered as GET is."""

from __future__ import annotations

import datetime as dt
import gzip
import re
import zlib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from models.audit.trail import AuditEntry
from models.changes.change import ChangeRequest
from tests.support.program import Visitor
from tests.support.running_app import running_app  # noqa: F401 - the fixture
from views.exports.columns import CellKind
from views.listing.lists import Column
from views.listing.page.cells import cell_formatter

if TYPE_CHECKING:
    from tests.support.running_app import RunningApp

ACCEPTED = {"Accept-Encoding": "gzip, deflate, br"}
TOKEN = re.compile(rb'name="csrf_token" value="([^"]+)"')
#: The fields of a form that are others each time.
HIDDEN = re.compile(rb'<input [^>]*type="hidden"[^>]*>')
PAGES = ("/", "/admin/change/", "/admin/audit/", "/profile", "/admin/setting/", "/admin/notification/")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_compressed_where_that_is_accepted_and_is_the_same_page(running_app: RunningApp, path: str) -> None:
    client = running_app.visitor("administrator").client
    small, plain = client.get(path, headers=ACCEPTED), client.get(path)
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    for answer in (small, plain):
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert len(small.data) * 2 < len(plain.data)
    assert HIDDEN.sub(b"", gzip.decompress(small.data)) == HIDDEN.sub(b"", plain.data)


def test_a_refusal_is_compressed_as_a_page_is(running_app: RunningApp) -> None:
    answer = running_app.visitor("pemohon").client.get("/admin/change/details/?id=999999", headers=ACCEPTED)
    assert (answer.status_code, answer.headers["Content-Encoding"]) == (404, "gzip")


def test_what_is_small_or_no_text_is_sent_as_it_is(running_app: RunningApp) -> None:
    client = running_app.visitor("kepala").client
    for path in ("/healthz", "/admin/change/export/xlsx/"):
        answer = client.get(path, headers=ACCEPTED)
        assert "Content-Encoding" not in answer.headers, path
        assert answer.data
    refused = client.get("/admin/change/", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in refused.headers


def test_an_export_is_compressed_while_it_is_sent_and_begins_at_once(running_app: RunningApp) -> None:
    client = running_app.visitor("kepala").client
    plain = client.get("/admin/change/export/csv/").data
    answer = client.get("/admin/change/export/csv/", headers=ACCEPTED, buffered=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Content-Length" not in answer.headers
    parts = answer.iter_encoded()
    unpacker = zlib.decompressobj(31)
    beginning = unpacker.decompress(next(parts))
    assert plain.startswith(beginning)
    assert beginning.endswith(b"\r\n"), "the headings come before the first row is read"
    assert beginning + b"".join(map(unpacker.decompress, parts)) + unpacker.flush() == plain


def test_an_export_that_is_given_up_lets_go_of_its_rows(running_app: RunningApp) -> None:
    visitor = running_app.visitor("kepala")
    abandoned = visitor.client.get("/admin/change/export/csv/", headers=ACCEPTED, buffered=False)
    next(iter(abandoned.response))
    abandoned.close()
    assert visitor.get("/admin/change/").status_code == 200


def test_a_page_with_a_secret_that_its_reader_has_not_typed_is_sent_as_it_is(running_app: RunningApp) -> None:
    visitor = running_app.visitor("plh")
    assert visitor.client.get("/profile", headers=ACCEPTED).headers["Content-Encoding"] == "gzip"
    visitor.post("/profile/second-factor/offer", password="lpse-demo-2026")
    shown = visitor.client.get("/profile/second-factor", headers=ACCEPTED)
    assert "Content-Encoding" not in shown.headers
    assert b"otpauth://" in shown.data


def test_the_token_of_a_form_is_another_in_another_second(
    running_app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = running_app.visitor("kepala").client
    tokens = set()
    now = int(dt.datetime.now(dt.UTC).timestamp())
    for second in (now, now + 1, now + 2):
        monkeypatch.setattr("itsdangerous.timed.TimestampSigner.get_timestamp", lambda _self, at=second: at)
        tokens |= set(TOKEN.findall(client.get("/admin/change/").data))
    assert len(tokens) == 3
    assert len({token.rpartition(b".")[2] for token in tokens}) == 3


# --- HEAD ------------------------------------------------------------------------------------------------------------

VARYING = {"X-Request-ID", "Set-Cookie", "Date", "Content-Length"}


@pytest.mark.parametrize(
    "path",
    [
        *PAGES, "/login", "/healthz", "/admin/change/new/", "/admin/setting/threshold", "/admin/setting/files",
        "/admin/change/export/csv/", "/admin/change/export/xlsx/", "/admin/change/details/?id=999999",
        "/admin/change/?sort=nothing", "/nowhere", "/static/app.css", "/admin/user/new/", "/admin/delegation/new/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("who", ["pemohon", "administrator", ""])
def test_head_has_the_status_and_headers_of_get_and_no_body(running_app: RunningApp, path: str, who: str) -> None:
    client = (running_app.visitor(who) if who else Visitor(running_app.app)).client
    got = client.get(path)
    assert got.data is not None  # read to its end: an export that is still read keeps the next one waiting
    headed = client.head(path)
    assert headed.data == b""
    assert headed.status_code == got.status_code

    def constant(headers: object) -> dict[str, str]:
        return {name: value for name, value in headers.items() if name not in VARYING}  # type: ignore[attr-defined] # werkzeug's

    assert constant(headed.headers) == constant(got.headers)
    got.close()
    headed.close()


def test_head_writes_nothing(running_app: RunningApp) -> None:
    counts = [select(func.count()).select_from(model) for model in (ChangeRequest, AuditEntry)]
    with running_app.session() as session:
        before = [session.scalar(count) for count in counts]
    for path in ("/admin/change/new/", "/admin/change/export/csv/", "/admin/freeze/new/", "/admin/sop/new/"):
        for who in ("pemohon", "administrator"):
            running_app.visitor(who).client.head(path).close()
    with running_app.session() as session:
        assert [session.scalar(count) for count in counts] == before


# --- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/admin/notification/", "/admin/mail/", "/admin/audit/", "/admin/change/", "/"])
def test_the_times_of_a_page_are_valid_html(running_app: RunningApp, path: str) -> None:
    times = re.findall(r'<time datetime="([^"]*)"', running_app.visitor("administrator").get(path).text)
    valid = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?")
    assert [time for time in times if not valid.fullmatch(time)] == []
    assert times or path != "/admin/audit/"


def test_a_moment_with_fractions_of_a_second_is_written_without_them(running_app: RunningApp) -> None:
    with running_app.app.test_request_context("/"):
        write = cell_formatter(Column("at", kind=CellKind.DATETIME))
        at = dt.datetime(2026, 3, 2, 1, 2, 3, 456789, dt.UTC)
        assert '<time datetime="2026-03-02T01:02:03+00:00">' in str(write(at))
