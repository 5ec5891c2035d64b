"""Printing: a paper's content with the letterhead, layout, number and code of its office, as PDF."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import segno

from lpse_admin.i18n import _
from lpse_admin.papers.characters import printable
from lpse_admin.papers.codes import PaperCode
from lpse_admin.papers.kinds import PaperKind
from lpse_admin.papers.numbering import DEFAULT_PATTERN, NumberParts, paper_number
from models.base import canonical_json
from models.papers.layout import load_layouts
from models.papers.letterhead import load_letterhead, text_lines
from views.papers.contents.signing import HEAD
from views.papers.contents.sop_paper import sop_paper
from views.papers.contents.wording import Words
from views.papers.typesetting import LayoutError, typeset

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from lpse_admin.papers.content import PaperContent, Part, Signer
    from models.office.agency import Agency
    from models.papers.letterhead import Letterhead
    from models.sops.sop import SopRevision
    from views.papers.contents.source import Source
    from views.papers.papers import Paper

LAYOUT_FOLDER = Path(__file__).parents[2] / "templates" / "papers" / "layouts"
BASE = "base"
_LAYOUTS: Mapping[PaperKind, str] = {
    PaperKind.CHANGE_FORM: "change-form",
    PaperKind.TEST: "minutes",
    PaperKind.ROLLBACK: "minutes",
    PaperKind.RELEASE: "minutes",
    PaperKind.HANDOVER: "minutes",
    PaperKind.DEVIATIONS: "list",
    PaperKind.SOP: "sop",
}
_OTHER_LAYOUT = "record"
#: The keys of all layouts, the blocks that all use first.
LAYOUT_KEYS = (BASE, _OTHER_LAYOUT, *dict.fromkeys(_LAYOUTS.values()))
_FOOT_PRINTED = _("%(number)s · Printed by %(name)s on %(at)s")
_FOOT_RECORD = _("%(number)s · As the register stood on %(at)s")


@dataclass(frozen=True, slots=True)
class Printer:
    """Who prints, and when."""

    name: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A paper before it is set: what is on it, its number, its code, if it has one, and where it is filed."""

    content: PaperContent
    number: str
    code: str | None = None
    #: Label and value: no part of the record, so that a paper still agrees with it when it is filed afterwards.
    filed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Printed:
    """A paper that was set: its number, the fingerprint of its record, and the PDF."""

    agency_id: int
    number: str
    content: PaperContent
    fingerprint: str
    pdf: bytes


@dataclass(frozen=True, slots=True)
class Office:
    """What all papers of an office have in common, read once."""

    agency: Agency
    letterhead: Letterhead | None
    arms: bytes | None
    layouts: Mapping[str, str]
    base_url: str | None

    @classmethod
    def load(cls, session: Session, agency: Agency, base_url: str | None) -> Office:
        """Read letterhead and layouts of ``agency``."""
        letterhead = load_letterhead(session, agency.id)
        arms = letterhead.arms.content if letterhead and letterhead.arms else None
        layouts = {key: row.text for key, row in load_layouts(session, agency.id).items() if row.text is not None}
        return cls(agency, letterhead, arms, layouts, base_url)

    def without_layouts(self) -> Office:
        """Return it with the usual layouts."""
        return replace(self, layouts={})

    def with_layout(self, key: str, text: str) -> Office:
        """Return it with another text of one layout."""
        return replace(self, layouts={**self.layouts, key: text})


def usual_layout(key: str) -> str:
    """Return the layout of the repository."""
    return (LAYOUT_FOLDER / f"{key}.typ").read_text(encoding="utf-8")


def layout_of(kind: PaperKind) -> str:
    """Return the key of the layout of a kind of paper."""
    return _LAYOUTS.get(kind, _OTHER_LAYOUT)


def print_paper(office: Office, source: Source, paper: Paper, printer: Printer | None = None) -> Printed:
    """Set a paper of a request; an adapted layout that cannot set it is replaced by the usual one."""
    return _set(office, _draft(office, source, paper), printer)


def print_together(office: Office, source: Source, papers: Sequence[Paper], printer: Printer) -> bytes:
    """Return several papers of a request in one PDF."""
    drafts = [_draft(office, source, paper) for paper in papers]
    try:
        return typeset(_files_together(office, drafts, printer), printer.at)
    except LayoutError:
        if not office.layouts:
            raise
        return typeset(_files_together(office.without_layouts(), drafts, printer), printer.at)


def _files_together(office: Office, drafts: Sequence[Draft], printer: Printer) -> dict[str, bytes]:
    files = {
        f"{index}/{name}": content
        for index, draft in enumerate(drafts)
        for name, content in _files(office, draft, printer).items()
    }
    pages = "\n#pagebreak()\n".join(f'#include "{index}/main.typ"' for index in range(len(drafts)))
    return {**files, "main.typ": pages.encode()}


def _draft(office: Office, source: Source, paper: Paper) -> Draft:
    content, change = paper.content(source), source.change
    date = office.agency.local_date(content.as_of)
    classification = (office.letterhead.classification if office.letterhead else None) or ""
    parts = NumberParts(change.number or "", change.serial, paper.kind.code, paper.occurrence, date, classification)
    pattern = (office.letterhead.number_pattern if office.letterhead else None) or DEFAULT_PATTERN
    code = _code(office, content, paper.subject_id, change.version)
    return Draft(content, paper_number(pattern, parts), code, source.filed)


def print_sop(office: Office, revision: SopRevision, printer: Printer | None = None) -> Printed:
    """Set an SOP revision."""
    content = sop_paper(revision)
    code = _code(office, content, revision.id, revision.revision)
    return _set(office, Draft(content, content.subject, code), printer)


def set_layout(office: Office, draft: Draft, printer: Printer | None = None) -> bytes:
    """Set ``draft`` with the layouts of ``office``; raises LayoutError."""
    return typeset(_files(office, draft, printer), printer.at if printer else draft.content.as_of)


def set_own_layout(office: Office, layout: Path, content: Mapping[str, Any], at: dt.datetime) -> bytes:
    """Set a layout that no office adapts, with its letterhead and the blocks that all papers use."""
    data = {**_letterhead_data(office), "made": _parts_of(at.astimezone(office.agency.zone)), "check": None, **content}
    files = {"main.typ": layout.read_bytes(), "data.json": canonical_json(data).encode(), **_arms(office)}
    try:
        return typeset({**files, f"{BASE}.typ": (office.layouts.get(BASE) or usual_layout(BASE)).encode()}, at)
    except LayoutError:
        if BASE not in office.layouts:
            raise
        return typeset({**files, f"{BASE}.typ": usual_layout(BASE).encode()}, at)


def _files(office: Office, draft: Draft, printer: Printer | None) -> dict[str, bytes]:
    """Return what typst is given: the layouts, the data and the pictures."""
    key = layout_of(draft.content.kind)
    files = {f"{one}.typ": (office.layouts.get(one) or usual_layout(one)).encode() for one in (BASE, key)}
    files["main.typ"] = f'#include "{key}.typ"'.encode()
    files["data.json"] = canonical_json(_data(office, draft, printer)).encode()
    files |= _arms(office)
    if draft.code is not None:
        files["qr.svg"] = _qr(_address(office, draft.code))
    return files


def _set(office: Office, draft: Draft, printer: Printer | None) -> Printed:
    try:
        pdf = set_layout(office, draft, printer)
    except LayoutError:
        if not office.layouts:
            raise
        pdf = set_layout(office.without_layouts(), draft, printer)
    return Printed(office.agency.id, draft.number, draft.content, draft.content.fingerprint(), pdf)


def _code(office: Office, content: PaperContent, subject_id: int, version: int) -> str | None:
    if office.base_url is None or office.agency.paper_key is None:
        return None
    fingerprint = content.fingerprint()
    return PaperCode(office.agency.id, content.kind, subject_id, version, fingerprint).sealed(office.agency.paper_key)


def _address(office: Office, code: str) -> str:
    return f"{(office.base_url or '').rstrip('/')}/paper/{code}"


def _qr(address: str) -> bytes:
    drawn = io.BytesIO()
    segno.make_qr(address, error="m").save(drawn, kind="svg", border=1)
    return drawn.getvalue()


def _arms(office: Office) -> dict[str, bytes]:
    if office.arms is None or office.letterhead is None:
        return {}
    return {f"arms.{office.letterhead.arms_type}": office.arms}


def _parts_of(moment: dt.datetime) -> dict[str, int]:
    return {part: getattr(moment, part) for part in ("year", "month", "day", "hour", "minute", "second")}


def _letterhead_data(office: Office) -> dict[str, Any]:
    """Return what a layout is told of the office."""
    letterhead = office.letterhead
    names = text_lines(letterhead.names) if letterhead else [office.agency.region, office.agency.name]
    return {
        "office": {
            "names": [printable(name) for name in names if name],
            "address": [printable(line) for line in text_lines(letterhead.address if letterhead else None)],
        },
        "place": printable((letterhead.place if letterhead else None) or "………………………"),
        "arms": f"arms.{letterhead.arms_type}" if letterhead and office.arms is not None else None,
    }


def _data(office: Office, draft: Draft, printer: Printer | None) -> dict[str, Any]:
    """Return what a layout finds in data.json."""
    content, number, code = draft.content, draft.number, draft.code
    words = Words(office.agency.zone)
    created = (printer.at if printer else content.as_of).astimezone(office.agency.zone)
    foot = _FOOT_PRINTED if printer else _FOOT_RECORD
    values = {"number": number, "at": words.moment(created), "name": printer.name if printer else ""}
    return {
        **_for_signing(office, content).as_data(),
        "number": printable(number),
        "filed": [[label, printable(value)] for label, value in draft.filed],
        **_letterhead_data(office),
        "made": _parts_of(created),
        "printed": printable(words.text(type(foot)(foot.text, values))),
        "check": {"url": _address(office, code), "fingerprint": content.fingerprint()} if code else None,
    }


def _for_signing(office: Office, content: PaperContent) -> PaperContent:
    """Return ``content`` with "a.n." and the superior above the title of the head, where the office has it so."""
    superior = office.letterhead.signs_for if office.letterhead else None
    if not superior:
        return content

    def signing(signer: Signer) -> Signer:
        return replace(signer, capacity=(f"a.n. {superior}", *signer.capacity)) if signer.role == HEAD else signer

    def part_of(part: Part) -> Part:
        return replace(part, signers=tuple(map(signing, part.signers)))

    return replace(content, parts=tuple(map(part_of, content.parts)), signers=tuple(map(signing, content.signers)))
