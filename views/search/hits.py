"""What a search shows of each record that it found: its name, where the words stand, and the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import url_for
from markupsafe import Markup, escape
from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import Message, _, join_messages
from lpse_admin.inventory.cards import CARD_COLUMNS
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.record_fields import REASON_FIELD, REQUEST_FIELDS, fields_of_step
from models.accounts.user import User
from models.changes.assets.change_item import ChangeItem
from models.changes.change import ChangeRequest
from models.changes.comment import Comment
from models.changes.steps.activity import ACTIVITY_CLASSES, Activity, AssetReviewItem, EvaluationItem, TestCase
from models.changes.steps.field_value import FieldValue
from models.deviations.deviation import Deviation
from models.documents.document import Document
from models.inventory.asset import Asset
from models.search.index import CHANGE_WORDS, DEVIATION_WORDS, STEP_WORDS
from models.sops.sop import SopRevision
from views.i18n.language import format_datetime_short, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from lpse_admin.search.query import SearchQuery, TextPiece

    #: Reads the hits of some ids under the reader's criterion, in any order: (id, hit).
    HitReader = Callable[[Session, list[int], ColumnElement[bool], SearchQuery], Iterator[tuple[int, "Hit"]]]

#: Letters of a text that are shown around what was found, and how many places of one record.
_EXCERPT_LENGTH = 160
_MAX_MATCHES = 2

_AFFECTED = _("Assets and services affected")
_LABELS = {field.key: field.label for field in REQUEST_FIELDS}
_DEVIATION_LABELS: dict[str, Message] = {
    "what": _("Differences from the SOP"),
    "account": _("Executor's explanation"),
    "disposal_note": _("Note on the decision"),
    "follow_up_note": _("Follow-up performed"),
}


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that was found: address, name, what it is, and (field, part of its text) where words were found."""

    url: str
    name: Markup
    details: tuple[str, ...]
    matches: tuple[tuple[str, Markup], ...] = ()
    #: The requests that have to do with it, where it is an asset.
    requests_url: str = ""


def highlight(pieces: Iterable[TextPiece]) -> Markup:
    """Return pieces of a text with what was searched for marked."""
    return Markup("").join(
        Markup("<mark>{}</mark>").format(text) if result else escape(text) for text, result in pieces
    )


def _hit_name(query: SearchQuery, *parts: str | None) -> Markup:
    return Markup(" · ").join(highlight(query.highlight(part)) for part in parts if part)


def _matches(query: SearchQuery, fields: Iterable[tuple[Message | str, str | None]]) -> tuple[tuple[str, Markup], ...]:
    """Return the first fields in which words were found."""
    results = [(label, text) for label, text in fields if text and query.matches(text)]
    return tuple((tr(label), highlight(query.excerpt(text, _EXCERPT_LENGTH))) for label, text in results[:_MAX_MATCHES])


def change_hits(
    session: Session, ids: list[int], visible: ColumnElement[bool], query: SearchQuery
) -> Iterator[tuple[int, Hit]]:
    """Read requests."""
    words = [getattr(ChangeRequest, key) for key in CHANGE_WORDS]
    others = (ChangeRequest.id, ChangeRequest.step, ChangeRequest.result, ChangeRequest.submitted_at)
    own = _own_texts(session, ids)
    for row in session.execute(select(*others, *words).where(ChangeRequest.id.in_(ids), visible)):
        texts = row._mapping
        about = [tr((row.result or row.step).title)]
        if row.submitted_at:
            about.append(format_datetime_short(row.submitted_at))
        yield (
            row.id,
            Hit(
                url_for("change.details_view" if row.number else "change.edit_view", id=row.id),
                _hit_name(query, row.number or tr(_("Draft")), row.title or tr(_("Untitled draft"))),
                tuple(about),
                _matches(
                    query,
                    [
                        *((_LABELS[key], texts[key]) for key in CHANGE_WORDS if key not in {"number", "title"}),
                        *own.get(row.id, ()),
                    ],
                ),
            ),
        )


def _own_texts(session: Session, change_ids: list[int]) -> dict[int, list[tuple[Message | str, str]]]:
    """Return (label, words) of the fields that the SOP asks for in requests, and of services, by the request's id."""
    result: dict[int, list[tuple[Message | str, str]]] = {}
    first = (FieldValue.activity_id == Activity.id) & (Activity.sequence == 1)
    own = select(FieldValue.change_id, FieldValue.label, FieldValue.words).join(Activity, first)
    for id_, label, words in session.execute(own.where(FieldValue.change_id.in_(change_ids))):
        result.setdefault(id_, []).append((label, words))
    services = select(ChangeItem.change_id, ChangeItem.service).where(ChangeItem.change_id.in_(change_ids))
    for id_, service in session.execute(services.order_by(ChangeItem.change_id, ChangeItem.position)):
        if service:
            result.setdefault(id_, []).append((_AFFECTED, service))
    return result


def step_hits(
    session: Session, ids: list[int], visible: ColumnElement[bool], query: SearchQuery
) -> Iterator[tuple[int, Hit]]:
    """Read records of steps."""
    read: Any = (Activity.id, Activity.step, Activity.change_id, Activity.arrived_at, Activity.finished_at)
    columns = (*read, Activity.reason, ChangeRequest.number, ChangeRequest.title)
    named = select(*columns).join(ChangeRequest, ChangeRequest.id == Activity.change_id)
    rows = session.execute(named.where(Activity.id.in_(ids), visible)).all()
    texts = _step_texts(session, rows)
    for row in rows:
        screen = _SCREENS.get(row.step.record, "change")
        yield (
            row.id,
            Hit(
                url_for(f"{screen}.details_view", id=row.id if screen != "change" else row.change_id),
                _hit_name(query, tr(row.step.title), row.number, row.title),
                (format_datetime_short(row.finished_at or row.arrived_at),),
                _matches(query, [*texts[row.id], (REASON_FIELD.label, row.reason)]),
            ),
        )


#: The screen of each step's records.
_SCREENS = {step: Resource.OWN_STEP.value if step.is_own else step.value for step in STEP_WORDS}


def _step_texts(session: Session, rows: Sequence[Any]) -> dict[int, list[tuple[Message | str, str | None]]]:
    """Return the texts of steps' records with their labels: a statement for each step that there is, two for rows."""
    result: dict[int, list[tuple[Message | str, str | None]]] = {row.id: [] for row in rows}
    own = select(FieldValue.activity_id, FieldValue.label, FieldValue.words).where(FieldValue.activity_id.in_(result))
    for id_, label, words in session.execute(own.order_by(FieldValue.activity_id, FieldValue.position)):
        result[id_].append((label, words))
    for step in dict.fromkeys(row.step.record for row in rows if row.step.record in STEP_WORDS):
        ids = [row.id for row in rows if row.step.record is step]
        labels = {field.key: field.label for field in fields_of_step(step)}
        columns = ACTIVITY_CLASSES[step].__table__.c
        statement = select(columns.id, *(columns[key] for key in STEP_WORDS[step])).where(columns.id.in_(ids))
        for id_, *values in session.execute(statement):
            result[id_].extend(zip((labels[key] for key in STEP_WORDS[step]), values, strict=True))
        if step is Step.TEST:
            cases = select(TestCase).where(TestCase.run_id.in_(ids)).order_by(TestCase.run_id, TestCase.position)
            for case in session.scalars(cases):
                result[case.run_id].append((labels["cases"], f"{case.name}: {case.expected} / {case.actual}"))
        if step is Step.ASSET_REVIEW:
            items = select(AssetReviewItem).where(AssetReviewItem.review_id.in_(ids))
            for item in session.scalars(items.order_by(AssetReviewItem.review_id, AssetReviewItem.position)):
                result[item.review_id].append((labels["assets"], item.finding))
        if step is Step.EVALUATION:
            named = select(EvaluationItem.evaluation_id, EvaluationItem.service)
            for id_, service in session.execute(named.where(EvaluationItem.evaluation_id.in_(ids))):
                result[id_].append((_AFFECTED, service))
    return result


def asset_hits(
    session: Session, ids: list[int], visible: ColumnElement[bool], query: SearchQuery
) -> Iterator[tuple[int, Hit]]:
    """Read items of the asset list."""
    for item in session.scalars(select(Asset).where(Asset.id.in_(ids), visible)):
        headings = {column.key: column.label for column in CARD_COLUMNS[item.card]}
        texts = {
            "origin": item.origin,
            "remarks": item.remarks,
            **{key: str(text) for key, text in item.details.items()},
        }
        about = [tr(item.card.title), *([tr(_("Removed from the list"))] if item.is_retired else [])]
        yield (
            item.id,
            Hit(
                url_for("asset.details_view", id=item.id),
                _hit_name(query, item.reference, item.name),
                tuple(about),
                _matches(query, [(headings[key], text) for key, text in texts.items() if key in headings]),
                url_for("change.index_view", asset=item.reference),
            ),
        )


def document_hits(
    session: Session, ids: list[int], visible: ColumnElement[bool], query: SearchQuery
) -> Iterator[tuple[int, Hit]]:
    """Read files by their names."""
    columns = (Document.id, Document.name, Document.uploaded_at, ChangeRequest.number, ChangeRequest.title)
    statement = select(*columns).outerjoin(ChangeRequest, ChangeRequest.id == Document.change_id)
    for row in session.execute(statement.where(Document.id.in_(ids), visible)):
        about = (*filter(None, (row.number, row.title)), format_datetime_short(row.uploaded_at))
        yield row.id, Hit(url_for("document.details_view", id=row.id), _hit_name(query, row.name), about)


def deviation_hits(
    session: Session, ids: list[int], visible: ColumnElement[bool], query: SearchQuery
) -> Iterator[tuple[int, Hit]]:
    """Read deviations from the paper."""
    words = [getattr(Deviation, key) for key in DEVIATION_WORDS]
    columns = (Deviation.id, Deviation.step, Deviation.kind, Deviation.raised_at, ChangeRequest.number)
    statement = select(*columns, *words).join(ChangeRequest, ChangeRequest.id == Deviation.change_id)
    for row in session.execute(statement.where(Deviation.id.in_(ids), visible)):
        texts = row._mapping
        yield (
            row.id,
            Hit(
                url_for("deviation.details_view", id=row.id),
                _hit_name(query, row.number, tr(join_messages([row.kind.title, row.step.title], ": "))),
                (format_datetime_short(row.raised_at),),
                _matches(query, [(_DEVIATION_LABELS[key], texts[key]) for key in DEVIATION_WORDS]),
            ),
        )


def comment_hits(
    session: Session, ids: list[int], visible: ColumnElement[bool], query: SearchQuery
) -> Iterator[tuple[int, Hit]]:
    """Read comments on requests."""
    columns = (Comment.id, Comment.change_id, Comment.text, Comment.author_name, Comment.at, ChangeRequest.number)
    statement = select(*columns).join(ChangeRequest, ChangeRequest.id == Comment.change_id)
    for row in session.execute(statement.where(Comment.id.in_(ids), visible)):
        yield (
            row.id,
            Hit(
                url_for("change.details_view", id=row.change_id, _anchor=f"comment-{row.id}"),
                _hit_name(query, row.number, row.author_name),
                (format_datetime_short(row.at),),
                _matches(query, [(_("Comment or question"), row.text)]),
            ),
        )


def sop_hits(
    session: Session, ids: list[int], visible: ColumnElement[bool], query: SearchQuery
) -> Iterator[tuple[int, Hit]]:
    """Read papers."""
    for paper in session.scalars(select(SopRevision).where(SopRevision.id.in_(ids), visible)):
        places = _matches(query, [(_("Activity"), step.activity) for step in paper.steps])
        name = _hit_name(query, paper.number or paper.key, paper.title)
        yield paper.id, Hit(url_for("sop.details_view", id=paper.id), name, (tr(paper.state.title),), places)


def user_hits(
    session: Session, ids: list[int], visible: ColumnElement[bool], query: SearchQuery
) -> Iterator[tuple[int, Hit]]:
    """Read people."""
    columns = (User.id, User.full_name, User.username, User.position)
    for row in session.execute(select(*columns).where(User.id.in_(ids), visible)):
        about = tuple(filter(None, (row.username, row.position)))
        yield row.id, Hit(url_for("user.details_view", id=row.id), _hit_name(query, row.full_name), about)
