"""The dossier of a period as one ZIP, written as a stream: the same data gives the same bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from flask import render_template
from flask_babel import gettext
from sqlalchemy import select
from stream_zip import NO_COMPRESSION_64, ZIP_64, stream_zip

from lpse_admin.errors import NoSuchMove
from lpse_admin.i18n import _
from models.audit.trail import GENESIS_HASH, AuditEntry
from models.audit.verification import Anchor
from models.changes.change import ChangeRequest
from models.delegation.delegation import Delegation
from models.documents.document import Document
from models.sops.sop import SopRevision
from views.exports.csv_export import csv_stream
from views.exports.event_log import csv_log_stream, xes_stream
from views.exports.head import ExportHead
from views.exports.ods_export import ods_stream
from views.exports.xlsx_export import xlsx_file
from views.i18n.language import format_date, format_datetime
from views.i18n.wording import tr
from views.inspection.contents.cover import count_text, cover_pdf
from views.inspection.contents.event_log import events_of
from views.inspection.contents.folders import change_files, kept_file, safe_name
from views.inspection.contents.period import Period, require_period
from views.inspection.contents.registers import registers
from views.inspection.contents.totals import totals_of
from views.inspection.contents.trail import draft_entries, trail_lines
from views.inspection.manifest import Manifest
from views.inspection.periksa import MANIFEST, SUMS, TRAIL, read_rows
from views.inspection.reader import last_entry, office_reader
from views.listing.exporting import signing_lines, sop_fact
from views.papers.printing import Office, print_sop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.orm import Session
    from stream_zip import Method

    from models.office.agency import Agency
    from views.exports.event_log import Event
    from views.inspection.contents.registers import Register

    #: Told how many of how many parts are made.
    Progress = Callable[[int, int], None]

_CHUNK_SIZE = 1 << 18
_PERMISSIONS = 0o644
_CREATED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
#: Files that are packed already.
_PACKED = (".pdf", ".png", ".jpg", ".jpeg", ".zip", ".xlsx", ".ods", ".docx", ".odt")


@dataclass(frozen=True, slots=True)
class DossierResult:
    """A finished dossier: its fingerprint, which is the SHA-256 of its manifest, and the anchor of its trail."""

    fingerprint: str
    anchor: Anchor
    size: int
    files: int


def write_dossier(agency_id: int, first: dt.date, last: dt.date, file: IO[bytes], progress: Progress) -> DossierResult:
    """Write the dossier of an office and a period to ``file``."""
    require_period(first, last)
    with office_reader(agency_id) as (session, agency, moment), TemporaryDirectory() as folder:
        dossier = _Dossier(session, agency, Period(first, last, agency.zone), moment, Path(folder), progress)
        with closing(dossier.made):
            for chunk in stream_zip(dossier.members(), chunk_size=_CHUNK_SIZE, extended_timestamps=False):
                file.write(chunk)
        return DossierResult(dossier.fingerprint, dossier.anchor, file.tell(), dossier.made.count)


class _Dossier:
    """The parts of a dossier in their order."""

    def __init__(
        self, session: Session, agency: Agency, period: Period, moment: dt.datetime, folder: Path, progress: Progress
    ) -> None:
        self._session, self._agency, self._period, self._moment = session, agency, period, moment
        self._folder, self._progress = folder, progress
        self._change_ids = self._requests()
        self.made = Manifest(folder)
        self._totals = totals_of(session, agency.id, period)
        self.fingerprint = ""
        self._start, self.anchor = self._ends_of_trail()
        self._signing = signing_lines(agency, agency.local_date(moment))

    def _requests(self) -> list[tuple[int, str]]:
        """Return id and number of the requests of the period, in the order of their numbers."""
        table: Any = ChangeRequest.__table__
        statement = (
            select(table.c.id, table.c.number)
            .where(
                table.c.agency_id == self._agency.id,
                table.c.submitted_at < self._period.end,
                table.c.closed_at.is_(None) | (table.c.closed_at >= self._period.start),
            )
            .order_by(table.c.year, table.c.serial, table.c.id)
        )
        return [(id_, number) for id_, number in self._session.connection().execute(statement)]

    def _ends_of_trail(self) -> tuple[Anchor, Anchor]:
        """Return the entry before the first of the period, and the last of it that tells of more than reading."""
        table: Any = AuditEntry.__table__
        chain = self._agency.id
        entry = table.c.number, table.c.hash
        known = select(*entry).where(table.c.chain == chain, table.c.number <= last_entry(self._session, chain).number)
        before = known.where(table.c.at < self._period.start).order_by(table.c.number.desc()).limit(1)
        last = known.where(table.c.at < self._period.end).order_by(table.c.number.desc()).limit(1)
        start = self._session.execute(before).one_or_none() or (0, GENESIS_HASH)
        end = self._session.execute(last).one_or_none() or start
        return Anchor(chain, *start), Anchor(chain, *end)

    # -- members ---------------------------------------------------------------------------------------------

    def members(self) -> Iterator[Any]:
        """Yield the members of the archive, each hashed as it is written."""
        local = self._moment.astimezone(self._period.zone).replace(tzinfo=None)
        for path, chunks in self._files():
            yield path, local, _PERMISSIONS, _method(path), self._hashed(path, chunks)
        yield MANIFEST, local, _PERMISSIONS, ZIP_64, self._manifest()
        yield SUMS, local, _PERMISSIONS, ZIP_64, self.made.sums((self.fingerprint, MANIFEST))

    def _hashed(self, path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            yield chunk
        self.made.add_file(path, size, digest.hexdigest(), is_named=path.startswith(_NAMED))

    def _files(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        total = len(self._change_ids) + 1
        yield "periksa.py", (Path(__file__).with_name("periksa.py").read_bytes(),)
        for register in registers(self._session, self._period, (self._start.number, self.anchor.number)):
            yield from self._register_files(register)
        yield from self._event_log()
        self._progress(1, total)
        yield from self._sops()
        yield from self._decrees()
        for index, (id_, number) in enumerate(self._change_ids, 2):
            yield from change_files(self._session, id_, f"permohonan/{safe_name(number)}")
            self._session.expunge_all()
            self._restore_reader()
            self._progress(index, total)
        yield TRAIL, trail_lines(self._session, self._start, self.anchor, draft_entries(self._session))
        yield "sampul-dan-indeks.pdf", (self._cover(),)
        yield "index.html", (self._index(),)

    def _event_log(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Yield the event log for tools of process mining."""

        def events() -> Iterator[Event]:
            return events_of(self._session, self._agency.id, self._period)

        yield "log-peristiwa/peristiwa.xes", xes_stream(events(), self._agency.name)
        yield "log-peristiwa/peristiwa.csv", csv_log_stream(events())

    def _restore_reader(self) -> None:
        """Keep the office at hand, which texts and calendars ask for."""
        self._agency = self._session.merge(self._agency, load=False)

    def _register_files(self, register: Register) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Yield a register as CSV, XLSX and ODS, and note the hash of each row."""
        zone, path = self._period.zone, f"register/{register.name}"
        file = self._folder / f"{register.name}.csv"
        with file.open("wb") as written:
            written.writelines(csv_stream(register.columns, register.rows(), zone))
        with file.open("rb") as saved:
            count = self.made.add_register(register.name, register.title, f"{path}.csv", read_rows(saved))
        if count != register.count:
            raise NoSuchMove(
                _("The register “%(name)s” does not have as many rows as its total says.", name=register.title)
            )
        yield f"{path}.csv", _chunks(file)
        head = self._head(register.title, count_text(register.count))
        with xlsx_file(
            register.columns, register.rows(), zone, register.title, expected_rows=register.count, head=head
        ) as workbook:
            same = self._folder / "workbook.xlsx"
            _without_times(workbook, same)
        yield f"{path}.xlsx", _chunks(same)
        yield f"{path}.ods", ods_stream(register.columns, register.rows(), zone, register.title, head=head)

    def _head(self, title: str, rows: str) -> ExportHead:
        return ExportHead(title, gettext("Notes"), (*self._facts(), (gettext("Rows"), rows)), self._signing)

    def _facts(self) -> list[tuple[str, str]]:
        return [
            (gettext("Agency"), self._agency.name),
            (gettext("Period"), f"{format_date(self._period.first)} s.d. {format_date(self._period.last)}"),
            (gettext("State of the data"), format_datetime(self._moment)),
            *sop_fact(self._session, self._agency),
        ]

    def _sops(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Yield the SOPs that were in force at some time of the period, as files and on paper."""
        statement = select(SopRevision).where(
            SopRevision.agency_id == self._agency.id,
            SopRevision.enacted_at < self._period.end,
            SopRevision.superseded_at.is_(None) | (SopRevision.superseded_at >= self._period.start),
        )
        office = Office.load(self._session, self._agency, None)
        for revision in self._session.scalars(statement.order_by(SopRevision.id)).all():
            name = f"sop/{safe_name(revision.key)}-revisi-{revision.revision}"
            yield f"{name}.toml", (revision.source.encode(),)
            yield f"{name}.pdf", (print_sop(office, revision).pdf,)

    def _decrees(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Yield the scanned decrees of the delegations of the period."""
        statement = (
            select(Document.id, Document.name, Document.sha256, Document.delegation_id)
            .join(Delegation, Delegation.id == Document.delegation_id)
            .where(
                Delegation.agency_id == self._agency.id,
                Delegation.from_date <= self._period.last,
                Delegation.until_date >= self._period.first,
            )
            .order_by(Document.id)
        )
        for id_, name, sha256, delegation_id in self._session.execute(statement).all():
            path = f"surat-penunjukan/{delegation_id}-{id_}-{safe_name(name)}"
            yield kept_file(self._session, path, name, sha256)

    # -- cover, index, manifest ------------------------------------------------------------------------------

    def _cover(self) -> bytes:
        parts = [("", self._facts()), (gettext("Requests of the period"), self._total_facts())]
        return cover_pdf(self._session, self._agency, self._moment, parts, str(self.anchor), self.made.registers)

    def _index(self) -> bytes:
        named = {number: f"permohonan/{safe_name(number)}" for _id, number in self._change_ids}
        table: Any = ChangeRequest.__table__
        rows = self._session.execute(
            select(table.c.number, table.c.title, table.c.asked_by_name, table.c.result, table.c.step)
            .where(table.c.id.in_([id_ for id_, _number in self._change_ids[:_MAX_LISTED]]))
            .order_by(table.c.year, table.c.serial)
        )
        page = render_template(
            "inspection/index.html",
            facts=[*self._facts(), *self._total_facts(), (gettext("Anchor of the audit trail"), str(self.anchor))],
            registers=self.made.registers,
            requests=rows,
            folders=named,
            others=self.made.named,
        )
        return page.encode()

    def _total_facts(self) -> list[tuple[str, str]]:
        """Return the requests of the period, as many as their register has rows, and what became of them."""
        totals = [(_("Requests"), len(self._change_ids)), *self._totals.lines()]
        return [(tr(label), count_text(count)) for label, count in totals]

    def _manifest(self) -> Iterator[bytes]:
        facts = {
            "format": 1,
            "agency": self._agency.name,
            "from": str(self._period.first),
            "until": str(self._period.last),
            "as_of": self._moment.astimezone(dt.UTC).isoformat(),
            "anchor": {"chain": self.anchor.chain, "number": self.anchor.number, "hash": self.anchor.hash},
            "trail_start": {"number": self._start.number, "hash": self._start.hash},
            "requests": len(self._change_ids),
            "totals": self._totals.manifest(),
        }
        digest = hashlib.sha256()
        for chunk in self.made.stream(facts):
            digest.update(chunk)
            yield chunk
        self.fingerprint = digest.hexdigest()


#: The beginnings of the files that the index names one by one, and how many requests it lists.
_NAMED = ("sop/", "surat-", "jejak/", "log-peristiwa/")
_MAX_LISTED = 30_000


def _method(path: str) -> Method:
    return NO_COMPRESSION_64 if path.lower().endswith(_PACKED) else ZIP_64


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_SIZE):
            yield chunk


def _without_times(workbook: IO[bytes], target: Path) -> None:
    """Copy a workbook without the time at which it was written."""
    with zipfile.ZipFile(workbook) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in source.namelist():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            if name == "docProps/core.xml":
                copy.writestr(member, _CREATED.sub(rb"\g<1>2000-01-01T00:00:00Z", source.read(name)))
                continue
            with source.open(name) as part, copy.open(member, "w", force_zip64=True) as written:
                shutil.copyfileobj(part, written)
