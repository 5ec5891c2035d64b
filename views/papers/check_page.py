"""The page to which the code on a paper leads: whether the register still says what the paper says. Needs no login.

It tells number, kind and date, and nothing of what is on the paper. Without the seal of an office there is no answer.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from lpse_admin.errors import NotFound, TooManyAttempts
from lpse_admin.i18n import LabelledEnum, _
from lpse_admin.papers.codes import has_seal, read_code
from lpse_admin.papers.kinds import PaperKind
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity
from models.database import db
from models.office.agency import Agency
from models.sops.sop import SopRevision, SopState
from views.app.access import public
from views.app.clock import now
from views.papers.contents.sop_paper import sop_paper
from views.papers.contents.source import read_source
from views.papers.papers import papers_of_source

if TYPE_CHECKING:
    from lpse_admin.papers.codes import PaperCode
    from lpse_admin.papers.content import PaperContent

blueprint = Blueprint("paper_check", __name__)

#: How often one address may ask in a minute, and how many addresses are remembered.
_LIMIT, _WINDOW, _ADDRESSES = 30, 60, 10_000
_NO_PAPER = _("This code is not on any paper of this program.")


class Verdict(LabelledEnum):
    """What the register says of a paper."""

    MATCHES = "matches", _("Still matches the register")
    SUPERSEDED = "superseded", _("Superseded: the register has gone on since")
    DIFFERS = "differs", _("Does not match the register")


@dataclass(frozen=True, slots=True)
class Check:
    """A paper, and what the register says of it."""

    verdict: Verdict
    content: PaperContent
    agency: Agency


class _Limiter:
    """Counts what each address asked within the present minute."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lock = Lock()

    def require_allowed(self, address: str, moment: int) -> None:
        """Raise TooManyAttempts over the limit."""
        minute = moment // _WINDOW
        with self._lock:
            begun, count = self._counts.pop(address, (minute, 0))
            count = count + 1 if begun == minute else 1
            self._counts[address] = (minute, count)
            if len(self._counts) > _ADDRESSES:
                self._counts.popitem(last=False)
        if count > _LIMIT:
            raise TooManyAttempts(_("Too many codes were checked. Try again in a minute."), retry_after=_WINDOW)


_limiter = _Limiter()


@blueprint.get("/paper/<code>")
@public
def show(code: str) -> tuple[str, int]:
    """Show what the register says of the paper with this code; 404 for a code that no office has made."""
    _limiter.require_allowed(request.remote_addr or "", int(now().timestamp()))
    check = _check(code)
    if check is None:
        raise NotFound(_NO_PAPER)
    return render_template("papers/check.html", check=check), HTTPStatus.OK


def _check(text: str) -> Check | None:
    read = read_code(text)
    if read is None:
        return None
    code, seal = read
    agency = db.session.get(Agency, code.agency_id)
    if agency is None or agency.paper_key is None or not has_seal(code, seal, agency.paper_key):
        return None
    if code.kind is PaperKind.SOP:
        return _check_sop(code, agency)
    return _check_paper(code, agency)


def _check_sop(code: PaperCode, agency: Agency) -> Check | None:
    revision = db.session.get(SopRevision, code.subject_id)
    if revision is None:
        return None
    content = sop_paper(revision)
    if code.is_of(content.fingerprint()) and revision.state is not SopState.SUPERSEDED:
        return Check(Verdict.MATCHES, content, agency)
    is_superseded = revision.state is SopState.SUPERSEDED or revision.state is SopState.IN_FORCE
    return Check(Verdict.SUPERSEDED if is_superseded else Verdict.DIFFERS, content, agency)


def _check_paper(code: PaperCode, agency: Agency) -> Check | None:
    session = db.session()
    is_of_change = code.kind in {PaperKind.CHANGE_FORM, PaperKind.DEVIATIONS, PaperKind.HANDOVER}
    step = None if is_of_change else session.get(Activity, code.subject_id)
    change = session.get(ChangeRequest, code.subject_id if is_of_change else step.change_id if step else 0)
    if change is None:
        return None
    source = read_source(session, change)
    for paper in papers_of_source(source):
        if paper.kind is code.kind and paper.subject_id == code.subject_id:
            content = paper.content(source)
            if code.is_of(content.fingerprint()):
                return Check(Verdict.MATCHES, content, agency)
            has_gone_on = change.version > code.version
            return Check(Verdict.SUPERSEDED if has_gone_on else Verdict.DIFFERS, content, agency)
    return None
