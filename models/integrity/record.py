"""What verifications came to, so that inspectors see it: the run, and what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, String, false, or_, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from lpse_admin.i18n import Message, _
from models.audit.actions import AuditAction
from models.audit.trail import INSTALLATION_CHAIN
from models.base import Base, IdType, LongText, PrimaryKey, ShortText, Timestamp, enum_type
from models.immutability import RowRules, no_update_or_delete
from models.integrity.findings import FindingKind
from models.scope import sees_all_requests

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, ScalarSelect

    from models.accounts.user import User
    from models.integrity.findings import Finding
    from models.integrity.run import Report


class VerificationRun(Base):
    """One verification of the whole register: when, by whom, how much was read, and how much was found."""

    __tablename__ = "audit_check"
    __table_args__ = (Index(None, "finished_at", "id"),)

    row_rules: ClassVar[RowRules] = no_update_or_delete("what a verification came to stays as it is")

    id: Mapped[PrimaryKey]
    started_at: Mapped[Timestamp]
    finished_at: Mapped[Timestamp]
    made_by: Mapped[ShortText]
    entries: Mapped[int]
    compared_rows: Mapped[int]
    files: Mapped[int]
    found: Mapped[int]
    #: The anchors that it was compared with, and those that it began from; a line each.
    anchors: Mapped[LongText | None]
    since: Mapped[LongText | None]
    #: What was not covered, as serialized messages.
    notes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)

    findings: Mapped[list[VerificationFinding]] = relationship(back_populates="run", order_by="VerificationFinding.id")

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0


class VerificationFinding(Base):
    """One of the findings of a run; of very many the first are kept."""

    __tablename__ = "audit_finding"
    __table_args__ = (Index(None, "run_id", "id"), Index(None, "chain", "id"))

    row_rules: ClassVar[RowRules] = no_update_or_delete("what a verification found stays as it is")

    id: Mapped[PrimaryKey]
    run_id: Mapped[int] = mapped_column(IdType, ForeignKey("audit_check.id"))
    kind: Mapped[FindingKind] = mapped_column(enum_type(FindingKind, "kind"))
    #: The agency, 0 for the installation, None where it is not known.
    chain: Mapped[int | None] = mapped_column(IdType)
    table_name: Mapped[str | None] = mapped_column(String(40))
    row_id: Mapped[str | None] = mapped_column(String(64))
    column_name: Mapped[str | None] = mapped_column(String(64))
    change_id: Mapped[int | None] = mapped_column(IdType)
    change_number: Mapped[str | None] = mapped_column(String(80))
    entry_number: Mapped[int | None]
    at: Mapped[Timestamp | None]
    #: The message: its English text and its values.
    error: Mapped[dict[str, Any]]

    run: Mapped[VerificationRun] = relationship(back_populates="findings")

    @property
    def message(self) -> Message:
        """What is wrong."""
        return message_of_json(self.error)

    def __str__(self) -> str:
        return f"{self.table_name or '-'} {self.row_id or ''}".strip()


_RECORDED = AuditAction("audit.verify", _("Verified the register against the audit trail"))


def save_run(
    session: Session, report: Report, *, started_at: dt.datetime, now: dt.datetime, by: str
) -> VerificationRun:
    """Store what a verification came to, with its first findings."""
    run = VerificationRun(
        started_at=started_at,
        finished_at=now,
        made_by=by,
        entries=report.entries,
        compared_rows=report.rows,
        files=report.files,
        found=report.found,
        anchors="\n".join(map(str, report.anchors)) or None,
        since="\n".join(map(str, report.since)) or None,
        notes=[message_as_json(note) for note in report.notes],
        findings=[_finding_row(finding) for finding in report.findings],
    )
    session.add(run)
    _RECORDED.describe(session)
    session.flush()
    return run


def _finding_row(finding: Finding) -> VerificationFinding:
    return VerificationFinding(
        kind=finding.kind,
        chain=finding.chain,
        table_name=finding.table,
        row_id=None if finding.row is None else finding.row[:64],
        column_name=finding.column,
        change_id=finding.change_id,
        change_number=finding.change_number,
        entry_number=finding.entry,
        at=finding.at,
        error=message_as_json(finding.error),
    )


def message_as_json(message: Message) -> dict[str, Any]:
    """Return a message as JSON holds it, for the language of whoever reads it later."""
    values = {
        key: message_as_json(value)
        if isinstance(value, Message)
        else value
        if value is None or isinstance(value, int | str)
        else str(value)
        for key, value in message.values.items()
    }
    return {"text": message.text, "values": values}


def message_of_json(stored: Mapping[str, Any]) -> Message:
    """Return the message that ``message_as_json`` stored."""
    values = {
        key: message_of_json(value) if isinstance(value, dict) else value for key, value in stored["values"].items()
    }
    return Message(stored["text"], values)


def visible_findings(user: User, *, is_acting_head: bool = False) -> ColumnElement[bool]:
    """Return the criterion for what concerns the office of ``user``: its own rows, and those of the installation."""
    if not user.is_active or not (is_acting_head or sees_all_requests(user)):
        return false()
    if user.agency_id is None:
        return true()
    chain = VerificationFinding.chain
    return or_(chain.is_(None), chain.in_((INSTALLATION_CHAIN, user.agency_id)))


#: Verifications of the whole register, the last first; one from an anchor on is none.
_NEWEST_FIRST = VerificationRun.finished_at.desc(), VerificationRun.id.desc()
_IS_WHOLE = VerificationRun.since.is_(None)


def last_run(session: Session) -> VerificationRun | None:
    """Return the verification of the whole register that was finished last."""
    return session.scalars(select(VerificationRun).where(_IS_WHOLE).order_by(*_NEWEST_FIRST).limit(1)).first()


def newest_run_id() -> ScalarSelect[int]:
    """Return the id of the verification that ``last_run`` returns, as a part of a statement."""
    return select(VerificationRun.id).where(_IS_WHOLE).order_by(*_NEWEST_FIRST).limit(1).scalar_subquery()
