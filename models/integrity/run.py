"""One verification of everything: triggers, chains and seals, rows, files, histories, and what is made of them."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import func, select

from lpse_admin.i18n import Message, _
from models.audit import seal
from models.audit.trail import AuditEntry, AuditRow
from models.audit.verification import ChainError, ChainReader
from models.changes.change import ChangeRequest
from models.documents.document import FileContent
from models.integrity.anchors.kept import kept_anchors, verify_stamps
from models.integrity.derived import verify_derived, verify_history, verify_schema
from models.integrity.files import verify_files
from models.integrity.findings import Finding, FindingKind
from models.integrity.rows.coverage import NOT_VERIFIED, UNTOLD_COLUMNS, told_tables
from models.integrity.rows.register import Comparison, spill_entry
from models.integrity.rows.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from models.audit.anchors import Anchor
    from models.audit.seal import KeyRing

#: How many findings are kept of a run; the others are counted.
MAX_FINDINGS = 500


class Progress(Protocol):
    """Is told how far a verification has come."""

    def begin(self, stage: Message, total: int) -> None:
        """Begin a stage of ``total`` parts."""

    def advance(self, parts: int = 1) -> None:
        """Count parts that are done."""


class NoProgress:
    """Tells nobody."""

    def begin(self, stage: Message, total: int) -> None:
        """Do nothing."""

    def advance(self, parts: int = 1) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Report:
    """What a verification came to."""

    anchors: Sequence[Anchor] = ()
    since: Sequence[Anchor] = ()
    entries: int = 0
    rows: int = 0
    files: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    by_kind: Counter[FindingKind] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it unless there are very many."""
        self.found += 1
        self.by_kind[finding.kind] += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)


def verify_register(
    session: Session,
    *,
    anchors: Sequence[Anchor] = (),
    since: Sequence[Anchor] = (),
    progress: Progress | None = None,
    ring: KeyRing | None = None,
    ca_file: str | None = None,
) -> Report:
    """Verify everything that is stored, in one snapshot of the database, and return what was found.

    ``anchors`` have to be in their chains; with ``since`` each chain is read from behind its anchor alone, and only
    rows that were written since then are compared. The anchors that the installation has kept itself are compared too,
    and their time stamps verified with the certificates in ``ca_file``. Temporary files take about a fifth of the
    trail's size.
    """
    verification = _Verification(session, anchors, since, progress or NoProgress(), ring or seal.keys())
    verification.ca_file = ca_file
    report = Report(anchors, since)
    places = _Places(session.connection())
    for finding in verification.findings(report):
        report.add(places.located(finding) if len(report.findings) < MAX_FINDINGS else finding)
    report.notes += _notes(verification.reader, verification.comparison, report)
    return report


class _Verification:
    def __init__(
        self, session: Session, anchors: Sequence[Anchor], since: Sequence[Anchor], progress: Progress, ring: KeyRing
    ) -> None:
        self._session, self._progress = session, progress
        self._begun = {anchor.chain: anchor for anchor in sorted(since, key=lambda anchor: anchor.number)}
        held = [*anchors, *since, *kept_anchors(session)]
        self.reader = ChainReader(session.connection(), held, ring=ring, since=self._begun)
        self.ca_file: str | None = None
        self.comparison: Comparison | None = None

    def findings(self, report: Report) -> Iterator[Finding]:
        yield from verify_schema(self._session)
        yield from verify_stamps(self._session, self.ca_file)
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lpse-verify-"))
            spill = Spill(Path(folder))
            yield from self._chains(spill)
            report.entries = self.reader.entries.total()
            yield from self._rows(spill)
            report.rows = self.comparison.rows if self.comparison else 0
        yield from self._files(report)
        self._progress.begin(_("Histories"), 1)
        yield from verify_history(self._session)
        self._progress.begin(_("Summaries"), 1)
        yield from verify_derived(self._session)

    def _chains(self, spill: Spill) -> Iterator[Finding]:
        heads = self.reader.heads.values()
        begun = sum(anchor.number for anchor in self._begun.values())
        self._progress.begin(_("Audit trail"), max(sum(head.number for head in heads) - begun, 0))

        def on_entry(entry: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
            spill_entry(spill, entry, rows)
            self._progress.advance()

        self.reader.on_entry = on_entry
        for chain in self.reader.chains():
            yield from map(_chain_finding, self.reader.read(chain))

    def _rows(self, spill: Spill) -> Iterator[Finding]:
        tables = told_tables()
        self._progress.begin(_("Rows"), len(tables))
        self.comparison = Comparison(self._session.connection(), spill, is_partial=bool(self._begun))
        for told in tables:
            yield from self.comparison.compare(told)
            self._progress.advance()

    def _files(self, report: Report) -> Iterator[Finding]:
        connection = self._session.connection()
        total = connection.scalar(select(func.count()).select_from(FileContent.__table__)) or 0
        self._progress.begin(_("Files"), total)

        def on_file() -> None:
            report.files += 1
            self._progress.advance()

        yield from verify_files(connection, on_file)


def _chain_finding(error: ChainError) -> Finding:
    kind = FindingKind.ANCHOR if error.is_anchor else FindingKind.SEAL if error.is_seal else FindingKind.CHAIN
    return Finding(
        kind,
        _("chain %(chain)s, entry %(number)s: %(error)s", chain=error.chain, number=error.number, error=error.error),
        chain=error.chain,
        table="audit_entry",
        row=None if error.entry_id is None else str(error.entry_id),
        entry_id=error.entry_id,
        entry=error.number,
        at=error.at,
    )


class _Places:
    """Says of which chain, entry and request a finding is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def located(self, finding: Finding) -> Finding:
        """Return ``finding`` with the entry that told of its row last, and its request."""
        if finding.entry_id is not None and finding.at is None:
            finding = self._with_entry(finding, finding.entry_id)
        if finding.change_id is not None and finding.change_number is None:
            number = select(ChangeRequest.__table__.c.number).where(ChangeRequest.__table__.c.id == finding.change_id)
            finding = replace(finding, change_number=self._connection.scalar(number))
        return finding

    def _with_entry(self, finding: Finding, entry_id: int) -> Finding:
        entry: Any = AuditEntry.__table__.c
        told: Any = AuditRow.__table__.c
        row = self._connection.execute(
            select(entry.chain, entry.number, entry.at).where(entry.id == entry_id)
        ).one_or_none()
        if row is None:
            return finding
        result = replace(finding, chain=row.chain, entry=row.number, at=row.at)
        if result.change_id is None and result.table not in {"notification", "mail"}:
            of = select(told.row_id).where(told.entry_id == entry_id, told.table_name == "change_request").limit(1)
            key = self._connection.scalar(of)
            result = replace(result, change_id=int(key) if key and key.isdigit() else None)
        return result


def _notes(reader: ChainReader, comparison: Comparison | None, report: Report) -> Iterator[Message]:
    """Yield what the verification does not cover, and what a reader should know of what it does."""
    for chain, anchor in sorted(reader.since.items()):
        yield _(
            "Chain %(chain)s was read from entry %(number)s on: what was written before was not verified.",
            chain=chain,
            number=anchor.number + 1,
        )
    if comparison is not None and comparison.not_compared:
        yield _(
            "%(count)s rows were not written since the anchor, and were not compared.", count=comparison.not_compared
        )
    for chain, count in sorted(reader.unsealed.items()):
        if count and report.entries:
            yield _(
                "Chain %(chain)s: %(count)s entries have no seal, since they are older than the seals; the sealed ones"
                " that follow hold them.",
                chain=chain,
                count=count,
            )
    for chain, count in sorted(reader.earlier.items()):
        if count:
            yield _(
                "Chain %(chain)s: %(count)s entries are dated before the one that they follow: the clock of the server"
                " was set back, or the register is a copied demo.",
                chain=chain,
                count=count,
            )
    if reader.ring is None or reader.ring.current is None:
        yield _("The seals were not verified: no key is set.")
    if not (report.anchors or report.since):
        yield _("Without an anchor kept elsewhere, a trail that was cut short is not noticed.")


def not_covered() -> Iterable[Message]:
    """Return what no verification covers, each with its reason."""
    for table, reason in NOT_VERIFIED.items():
        yield _("%(table)s: %(reason)s", table=table, reason=reason)
    for table, columns in UNTOLD_COLUMNS.items():
        reason = next(iter(columns.values()))
        yield _("%(table)s: %(reason)s", table=f"{table} ({', '.join(columns)})", reason=reason)
