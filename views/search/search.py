"""Search over everything that one may see, from every page: ``/search?q=…``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template, request
from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import Malformed
from lpse_admin.i18n import Message, _
from lpse_admin.search.query import Query, read
from models.accounts.user import User
from models.changes.activity import Activity
from models.changes.change import ChangeRequest
from models.database import db
from models.deviations.deviation import Deviation
from models.documents.document import Document
from models.inventory.asset import Asset
from models.scope import visible
from models.search.index import SearchKind
from models.search.search import Search, coded, numbered, of_sop, of_user
from models.sops.sop import SopRevision
from views.i18n.language import number
from views.listing.lists import COUNTED
from views.listing.record_view import may_i, reader
from views.search import hits as search_hits

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from models.reports.waiting import Reader
    from views.search.hits import Hit, Reading

blueprint = Blueprint("search", __name__)

#: Hits of each kind on the first page, on a page of one kind, and how many are counted on the first page.
_FEW = 5
_PAGE = 25
_COUNTED_AT_FIRST = 1000
#: How many records a number or code may name: one of each year, say.
_EXACT = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of records: its name in the address, its heading, who may read it, and how it is found and shown."""

    key: str
    heading: Message
    resource: Resource
    model: type[Any]
    reading: Reading
    index: SearchKind | None = None
    #: The criterion where there are so few that no index is needed.
    criterion: Callable[[Query], ColumnElement[bool]] | None = None


KINDS = (
    Kind("change", _("Requests"), Resource.CHANGE, ChangeRequest, search_hits.changes, SearchKind.CHANGE),
    Kind("step", _("Records of steps"), Resource.CHANGE, Activity, search_hits.steps, SearchKind.STEP),
    Kind("asset", _("Assets"), Resource.ASSET, Asset, search_hits.assets, SearchKind.ASSET),
    Kind("document", _("Documents"), Resource.DOCUMENT, Document, search_hits.documents, SearchKind.DOCUMENT),
    Kind("deviation", _("Deviations"), Resource.DEVIATION, Deviation, search_hits.deviations, SearchKind.DEVIATION),
    Kind("sop", _("SOPs"), Resource.SOP, SopRevision, search_hits.sops, criterion=of_sop),
    Kind("user", _("Users"), Resource.USER, User, search_hits.users, criterion=of_user),
)


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind: some hits, how many there are ("1.000+"), and whether a further page follows."""

    kind: Kind
    hits: list[Hit]
    count: str
    more: bool


@blueprint.get("/search")
def show() -> str | tuple[str, int]:
    """Show what was found: some of each kind, or a page of one."""
    typed = request.args.get("q", "")
    try:
        query, kind, page = read(typed), _kind(request.args.get("kind")), _page(request.args.get("page"))
    except Malformed as refusal:
        return render_template("search/results.html", typed=typed, fault=refusal.message), refusal.status
    looking = reader()
    search = Search.prepare(db.session(), looking, query)
    kinds = [one for one in KINDS if kind in {None, one} and may_i(Verb.READ, one.resource)]
    groups = [_group(search, one, query, page if kind else None) for one in kinds if query.text]
    return render_template(
        "search/results.html",
        typed=query.text,
        kind=kind,
        page=page,
        exact=_exact(looking, query) if query.text and not kind else [],
        groups=[group for group in groups if group.hits],
    )


def _kind(key: str | None) -> Kind | None:
    """Return the kind that the address names, if any."""
    found = next((kind for kind in KINDS if kind.key == key), None)
    if key and found is None:
        raise Malformed(_("There is nothing of this kind to search for."))
    return found


def _page(text: str | None) -> int:
    """Return the page that the address names, from 0."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(COUNTED)) and int(text) <= COUNTED // _PAGE):
        raise Malformed(_("There is no page “%(page)s”.", page=text[:60]))
    return int(text)


def _group(search: Search, kind: Kind, query: Query, page: int | None) -> Group:
    """Return what there is of a kind: the first few, or a page of them."""
    size, most = (_FEW, _COUNTED_AT_FIRST) if page is None else (_PAGE, COUNTED)
    start = (page or 0) * size
    ids = _ids(search, kind, query, most)
    count = f"{number(most)}+" if len(ids) > most else number(len(ids))
    return Group(
        kind, _hits(search.reader, kind, ids[:most][start : start + size], query), count, len(ids) > start + size
    )


def _ids(search: Search, kind: Kind, query: Query, most: int) -> list[int]:
    if kind.index is not None:
        return search.find(kind.index, most)
    if kind.criterion is None:
        return []
    found = select(kind.model.id).where(kind.criterion(query), _visible(search.reader, kind))
    return list(db.session.scalars(found.order_by(kind.model.id.desc()).limit(most + 1)))


def _visible(looking: Reader, kind: Kind) -> ColumnElement[bool]:
    return visible(kind.model, looking.user, stands_in_for_head=looking.stands_in_for_head)


def _hits(looking: Reader, kind: Kind, ids: list[int], query: Query) -> list[Hit]:
    """Return the hits of these ids in their order; what the scope does not show is left out all the same."""
    hits = dict(kind.reading(db.session(), ids, _visible(looking, kind), query)) if ids else {}
    return [hits[id_] for id_ in ids if id_ in hits]


def _exact(looking: Reader, query: Query) -> list[Hit]:
    """Return the records whose whole number or code was typed, newest first."""
    found: list[Hit] = []
    for kind, criterion in ((KINDS[0], numbered(query)), (KINDS[2], coded(query))):
        if may_i(Verb.READ, kind.resource):
            ids = select(kind.model.id).where(criterion, _visible(looking, kind)).order_by(kind.model.id.desc())
            found += _hits(looking, kind, list(db.session.scalars(ids.limit(_EXACT))), query)
    return found
