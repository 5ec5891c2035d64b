"""The folder of a request in a dossier: what it says, its revisions, its papers and its attachments."""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from enum import Enum
from typing import TYPE_CHECKING, Any

from flask import render_template

from lpse_admin.errors import Refused
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.workflow.record_fields import REQUEST_FIELDS, fields_of_step
from lpse_admin.worktime.limits import measure_stretches
from lpse_admin.worktime.step_timing import measure_step
from models.changes.comment import comments_of
from models.changes.loading import details_of, load_change, steps_of
from models.changes.moves.consent import consents_of
from models.documents.document import FileContent
from models.inventory.asset import AssetMutation
from models.retention.archive_reference import reference_of
from models.sops.clocks import load_calendars_and_sops
from views.app.clock import now
from views.i18n.language import format_date, format_datetime, format_duration
from views.i18n.wording import tr
from views.papers.papers import papers_of_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.orm import Session

    from models.changes.change import ChangeRequest
    from models.changes.loading import StepShown

_UNSAFE = re.compile(r"[^A-Za-z0-9._ ()-]+")
_MAX_NAME_LENGTH = 100


def safe_name(name: str) -> str:
    """Return a name that every system takes in an archive."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _UNSAFE.sub("-", plain).strip(" .-")[-_MAX_NAME_LENGTH:] or "berkas"


def change_files(session: Session, change_id: int, folder: str) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the files of a request."""
    change = load_change(session, change_id)
    if change is None:
        return
    steps = steps_of(session, change_id)
    details = details_of(session, change, steps)
    timings = _timings(session, change, steps)
    page = render_template(
        "inspection/change.html",
        change=change,
        fields=[*_request_fields(change), *_filed(session, change_id)],
        steps=[(step, _record(step), timings[step.id]) for step in steps],
        stretches=_stretches(session, change, steps),
        deviations=details.deviations,
        documents=details.documents,
        reassignments=details.reassignments,
        comments=comments_of(session, change_id),
        consents=consents_of(session, change_id) if change.sop.asks_for_consent else (),
        text=plain_text,
        attachment=lambda place, document: f"lampiran/{place:02d}-{safe_name(document.name)}",
    )
    yield f"{folder}/ringkasan.html", (page.encode(),)
    revisions = [
        {"revision": one.revision, "submitted_at": one.submitted_at.isoformat(), "content": one.content}
        for one in change.revisions
    ]
    text = json.dumps(revisions, ensure_ascii=False, sort_keys=True, indent=1, default=str)
    yield f"{folder}/revisi.json", ((text + "\n").encode(),)
    for name, content in papers_of_change(session, change):
        yield f"{folder}/naskah/{name}", (content,)
    for place, document in enumerate(details.documents, 1):
        path = f"{folder}/lampiran/{place:02d}-{safe_name(document.name)}"
        yield kept_file(session, path, document.name, document.sha256)


def _request_fields(change: ChangeRequest) -> Iterator[tuple[str, str]]:
    return ((tr(field.label), plain_text(getattr(change, field.key, None))) for field in REQUEST_FIELDS)


def _filed(session: Session, change_id: int) -> list[tuple[str, str]]:
    """Return under what a request is filed in the archive application."""
    filed = reference_of(session, change_id)
    if filed is None:
        return []
    return [
        (tr(_("Number in the archive application")), filed.reference_number or ""),
        (tr(_("Classification code")), filed.classification_code or ""),
    ]


def kept_file(session: Session, path: str, name: str, sha256: str) -> tuple[str, tuple[bytes]]:
    """Return the file at ``path`` of the dossier; in place of one whose bytes are not its hash a text says so."""
    file = session.get_one(FileContent, sha256)
    try:
        return path, (file.intact(name),)
    except Refused as refusal:
        return f"{path}.tidak-utuh.txt", (f"{tr(refusal.message)}\nSHA-256: {sha256}\n".encode(),)
    finally:
        session.expunge(file)


def _timings(session: Session, change: ChangeRequest, steps: Iterable[StepShown]) -> dict[int, tuple[str, str, str]]:
    """Return for each step in words how long it waited, was handled, and its standard."""
    calendars, sops = load_calendars_and_sops(session, [change.agency])
    results = {}
    for step in steps:
        timing = measure_step(calendars[change.agency_id], sops[change.sop_id], step.step, step.timestamps, now())
        results[step.id] = (
            format_duration(timing.waiting_time),
            format_duration(timing.handling_time),
            format_duration(timing.allowed_time, by_clock=timing.by_clock),
        )
    return results


def _stretches(session: Session, change: ChangeRequest, steps: Iterable[StepShown]) -> list[tuple[str, ...]]:
    """Return in words of each stretch of steps that has a limit when it began, ended and was due, and what it took."""
    calendars, sops = load_calendars_and_sops(session, [change.agency])
    return [
        (
            one.limit.title,
            format_datetime(one.began_at),
            format_datetime(one.ended_at),
            format_duration(one.measured_time, by_clock=one.by_clock),
            one.limit.standard.text,
            format_datetime(one.due),
        )
        for one in measure_stretches(calendars[change.agency_id], sops[change.sop_id], steps, now())
    ]


def _record(step: StepShown) -> list[tuple[str, str]]:
    """Return the fields of a step's record that say something, as they are declared."""
    fields = fields_of_step(step.step)
    results = [(tr(field.label), plain_text(step.record.get(field.key))) for field in fields]
    return [*((label, text) for label, text in results if text), *((one.label, one.words) for one in step.own_values)]


def plain_text(value: object) -> str:
    """Return a value as a person reads it."""
    if value is None or (isinstance(value, str) and not isinstance(value, Enum)):
        return value or ""
    writer = next((write for kind, write in _WRITERS if isinstance(value, kind)), str)
    return str(writer(value))


def _join(values: Iterable[object]) -> str:
    return "; ".join(text for text in map(plain_text, values) if text)


#: What writes a value, by the first of its types that is here.
_WRITERS: tuple[tuple[type[Any], Callable[[Any], str]], ...] = (
    (AssetMutation, lambda value: ": ".join(filter(None, (tr(value.kind.title), str(value.asset), value.reason)))),
    (bool, lambda value: "Ya" if value else "Tidak"),
    (LabelledEnum, lambda value: tr(value.title)),
    (Enum, lambda value: str(value.value)),
    (dt.datetime, format_datetime),
    (dt.date, format_date),
    (dict, lambda value: _join(value.values())),
    (list, _join),
    (tuple, _join),
)
