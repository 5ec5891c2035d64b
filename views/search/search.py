"""Search over everything that one may see, from every page: ``/search?q=…``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template, request
from sqlalchemy import case, select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import Malformed
from lpse_admin.i18n import Message, _
from lpse_admin.search.query import SearchQuery, parse_search
from models.accounts.user import User
from models.changes.change import ChangeRequest
from models.changes.comment import Comment
from models.changes.steps.activity import Activity
from models.database import db
from models.deviations.deviation import Deviation
from models.documents.document import Document
from models.inventory.asset import Asset
from models.scope import visible
from models.search.index import SearchKind
from models.search.search import Search, code_matches, number_matches, sop_matches, user_matches
from models.sops.sop import SopRevision
from views.app.access import can
from views.i18n.language import format_number
from views.listing.lists import MAX_COUNT
from views.listing.record_view import current_principal
from views.search import hits as search_hits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement

    from models.reports.waiting import ActingUser
    from views.search.hits import Hit, HitReader

blueprint = Blueprint("search", __name__)

#: Hits of each kind on the first page, on a page of one kind, and how many are counted on the first page.
_HITS_PER_KIND = 5
_PAGE_SIZE = 25
_MAX_COUNTED = 100
#: How many records a number or code may name: one of each year, say.
_MAX_EXACT = 3


@dataclass(frozen=True, slots=True)
class RecordKind:
    """A kind of records: its name in the address, its heading, who may read it, and how it is found and shown."""

    key: str
    heading: Message
    resource: Resource
    model: type[Any]
    read_hits: HitReader
    search_kind: SearchKind | None = None
    #: The criterion where there are so few that no index is needed.
    criterion: Callable[[SearchQuery], ColumnElement[bool]] | None = None


RECORD_KINDS = (
    RecordKind("change", _("Requests"), Resource.CHANGE, ChangeRequest, search_hits.change_hits, SearchKind.CHANGE),
    RecordKind("step", _("Records of steps"), Resource.CHANGE, Activity, search_hits.step_hits, SearchKind.STEP),
    RecordKind("asset", _("Assets"), Resource.ASSET, Asset, search_hits.asset_hits, SearchKind.ASSET),
    RecordKind("document", _("Documents"), Resource.DOCUMENT, Document, search_hits.document_hits, SearchKind.DOCUMENT),
    RecordKind(
        "deviation", _("Deviations"), Resource.DEVIATION, Deviation, search_hits.deviation_hits, SearchKind.DEVIATION
    ),
    RecordKind("comment", _("Comments"), Resource.COMMENT, Comment, search_hits.comment_hits, SearchKind.COMMENT),
    RecordKind("sop", _("SOPs"), Resource.SOP, SopRevision, search_hits.sop_hits, criterion=sop_matches),
    RecordKind("user", _("Users"), Resource.USER, User, search_hits.user_hits, criterion=user_matches),
)


@dataclass(frozen=True, slots=True)
class HitGroup:
    """What was found of one kind: some hits, how many there are ("1.000+"), and whether a further page follows."""

    kind: RecordKind
    hits: list[Hit]
    count: str
    has_more: bool


@blueprint.get("/search")
def show() -> str | tuple[str, int]:
    """Show what was found: some of each kind, or a page of one."""
    typed = request.args.get("q", "")
    try:
        query, kind, page = (
            parse_search(typed),
            _parse_kind(request.args.get("kind")),
            _parse_page(request.args.get("page")),
        )
    except Malformed as refusal:
        return render_template("search/results.html", typed=typed, fault=refusal.message), refusal.status
    looking = current_principal()
    search = Search.prepare(db.session(), looking, query)
    kinds = [one for one in RECORD_KINDS if kind in {None, one} and can(Verb.READ, one.resource)]
    exact = _exact_hits(looking, query) if query.text and not kind else []
    groups = _build_groups(search, kinds, page if kind else None) if query.text else []
    is_loose = bool(query.text) and not exact and not any(group.hits for group in groups)
    if is_loose:
        groups = _build_groups(search.loosened(), kinds, page if kind else None)
    return render_template(
        "search/results.html",
        typed=query.text,
        kind=kind,
        page=page,
        exact=exact,
        groups=[group for group in groups if group.hits],
        is_loose=is_loose,
    )


def _parse_kind(key: str | None) -> RecordKind | None:
    """Return the kind that the address names, if any."""
    result = next((kind for kind in RECORD_KINDS if kind.key == key), None)
    if key and result is None:
        raise Malformed(_("There are no such records to search for."))
    return result


def _parse_page(text: str | None) -> int:
    """Return the page that the address names, from 0."""
    if not text:
        return 0
    if not (
        text.isascii() and text.isdigit() and len(text) <= len(str(MAX_COUNT)) and int(text) <= MAX_COUNT // _PAGE_SIZE
    ):
        raise Malformed(_("There is no page “%(page)s”.", page=text[:60]))
    return int(text)


def _build_groups(search: Search, kinds: Sequence[RecordKind], page: int | None) -> list[HitGroup]:
    """Return what there is of each kind: the first few, or a page of them."""
    size, most = (_HITS_PER_KIND, _MAX_COUNTED) if page is None else (_PAGE_SIZE, MAX_COUNT)
    start = (page or 0) * size
    found = search.find_each([kind.search_kind for kind in kinds if kind.search_kind is not None], most)
    groups = []
    for kind in kinds:
        ids = _ids_by_criterion(search, kind, most) if kind.search_kind is None else found[kind.search_kind]
        count = f"{format_number(most)}+" if len(ids) > most else format_number(len(ids))
        hits = _read_hits(search.acting_user, kind, ids[:most][start : start + size], search.query)
        groups.append(HitGroup(kind, hits, count, len(ids) > start + size))
    return groups


def _ids_by_criterion(search: Search, kind: RecordKind, most: int) -> list[int]:
    if kind.criterion is None:
        return []
    result = select(kind.model.id).where(kind.criterion(search.query), _visible_to(search.acting_user, kind))
    return list(db.session.scalars(result.order_by(kind.model.id.desc()).limit(most + 1)))


def _visible_to(principal: ActingUser, kind: RecordKind) -> ColumnElement[bool]:
    """Return the criterion of the scope, for rows that are found by something else: no index of an office serves it."""
    seen = visible(kind.model, principal.user, is_acting_head=principal.is_acting_head)
    return case((seen, 1), else_=0) == 1


def _read_hits(principal: ActingUser, kind: RecordKind, ids: list[int], query: SearchQuery) -> list[Hit]:
    """Return the hits of these ids in their order; what the scope does not show is left out all the same."""
    hits = dict(kind.read_hits(db.session(), ids, _visible_to(principal, kind), query)) if ids else {}
    return [hits[id_] for id_ in ids if id_ in hits]


def _exact_hits(principal: ActingUser, query: SearchQuery) -> list[Hit]:
    """Return the records whose whole number or code was typed, newest first."""
    result: list[Hit] = []
    exact = ((RECORD_KINDS[0], number_matches(query)), (RECORD_KINDS[2], [code_matches(query)]))
    for kind, criteria in exact:
        if can(Verb.READ, kind.resource):
            ids: set[int] = set()
            for criterion in criteria:
                named = select(kind.model.id).where(criterion, _visible_to(principal, kind))
                ids.update(db.session.scalars(named.order_by(kind.model.id.desc()).limit(_MAX_EXACT)))
            result += _read_hits(principal, kind, sorted(ids, reverse=True)[:_MAX_EXACT], query)
    return result
