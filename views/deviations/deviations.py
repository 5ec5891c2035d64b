"""The ledger of deviations: what was not kept of the standard, with its account, its disposal and its follow-up."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from flask_admin import expose
from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import aliased
from wtforms import TextAreaField

from lpse_admin.accounts.permissions import Resource
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import Incomplete
from lpse_admin.i18n import Message, _
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.deviations import DeviationKind, Disposal, Subject
from models.accounts.user import User
from models.audit import trail
from models.changes.change import ChangeRequest
from models.database import db, is_sqlite
from models.delegation.delegation import Delegation
from models.deviations.deviation import Deviation, DeviationState, disposal_field, in_state
from models.office.agency import Agency
from models.scope import visible
from views.app.clock import now
from views.deviations.fields import disposal_fields, read_disposal
from views.exports.columns import CellKind
from views.forms.base import Form, Needed
from views.forms.commit import EntryView, entering
from views.i18n.language import day, tr
from views.listing.agency_filter import AgencyFilter
from views.listing.bulk import BulkAction, BulkView
from views.listing.filters import CaseFilter, ChoiceFilter, OptionFilter, PeriodFilter
from views.listing.lists import Column, ListSpec
from views.listing.record_view import me, row_id, stands_in_for_head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from views.listing.lists import Listing, Page

_executor = aliased(User, name="executor")
_disposer = aliased(User, name="disposer")
_follower = aliased(User, name="follower")

_state = case(
    *((in_state(state), state.value) for state in DeviationState if state is not DeviationState.SETTLED),
    else_=DeviationState.SETTLED.value,
)
_title = case((Deviation.what != "", Deviation.what), else_=Deviation.subject)


@dataclass(frozen=True, slots=True)
class PersonFilter(OptionFilter):
    """One of those who stand in a column of the deviations that the reader may see, by id: ``?executor=12``."""

    of: Any = None
    are_options_fixed: ClassVar[bool] = False

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return id and name of each."""
        theirs = select(self.of).where(visible(Deviation, me(), stands_in_for_head=stands_in_for_head()))
        people = select(User.id, User.full_name).where(User.id.in_(theirs)).order_by(User.full_name, User.id)
        return [(str(id_), name) for id_, name in db.session.execute(people)]

    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:  # noqa: ARG002
        """Return equality with the id; raises NotFound for what is none."""
        value = given.get(self.key)
        if not value:
            return None
        result: ColumnElement[bool] = self.of == row_id(value)
        return result


class FollowUpForm(Form):
    """What was done about a deviation."""

    note = TextAreaField(lazy_gettext("What was done"), [Needed()])


class DisposeOf(BulkAction):
    """Dispose of several deviations alike, with one note."""

    key = "dispose"
    title = _("Dispose of them alike")
    explanation = _("What you record here is recorded for each of these deviations that waits for the head.")

    def may(self) -> bool:
        """Whether the one who asks is a head, or stands in for one; which are theirs is judged by the row."""
        return Role.HEAD in me().roles or stands_in_for_head()

    def form(self, view: BulkView, ids: Sequence[int]) -> Form:  # noqa: ARG002
        """Return the fields of one disposal."""
        agency = me().agency_id or 0
        form: Form = type("DisposalForm", (Form,), disposal_fields(agency, _ALL))()
        return form

    def check(self, view: BulkView, ids: Sequence[int], form: Form) -> None:
        """Refuse what no deviation can be disposed of with."""
        one: Deviation = view.get_one(str(ids[0]))
        _kept, faults = one.read_disposal(read_disposal(form, _ALL), now())
        if faults:
            named = {disposal_field(name, _ALL): message for name, message in faults.items()}
            raise Incomplete(_("The deviation cannot be disposed of like this."), fields=named)

    def act(self, view: BulkView, id_: int, form: Form | None) -> Message:
        """Dispose of one."""
        given = read_disposal(form, _ALL) if form else {}
        trail.give(db.session(), action="deviation.dispose", reason=str(given["note"] or "") or None)
        _dispose(view.get_one(str(id_)), given)
        return _("The deviation is disposed of.")


#: In the place of one deviation's id: the fields of a disposal that is meant for several.
_ALL = 0


@dataclass(frozen=True, slots=True)
class Total:
    """How many deviations of the list have something in common, and the address of the list of those alone."""

    label: str
    count: int
    address: str


class DeviationView(BulkView, EntryView):
    """Deviations from the standard in equipment, time and output."""

    resource = Resource.DEVIATION
    title = _("Deviations from the standard")
    empty = _("No deviation yet. The program raises one as soon as a step does not keep its standard.")
    list_template = "deviations/list.html"
    bulk = (DisposeOf(),)
    bulk_columns = ("number", "step", "kind", "subject", "executor", "account", "state")
    details_template = "deviations/details.html"

    spec: ClassVar[ListSpec] = ListSpec(
        model=Deviation,
        joins=(
            (ChangeRequest, ChangeRequest.id == Deviation.change_id),
            (_executor, _executor.id == Deviation.executor_id),
            (_disposer, _disposer.id == Deviation.disposed_by_id),
            (_follower, _follower.id == Deviation.follow_up_by_id),
            (Delegation, Delegation.id == Deviation.delegation_id),
            (Agency, Agency.id == Deviation.agency_id),
        ),
        columns=(
            Column("id", _("Id"), Deviation.id, CellKind.NUMBER, listed=False, exported=False),
            Column("number", _("Number"), ChangeRequest.number, leads=True),
            Column("agency", _("Agency"), Agency.name, across_only=True),
            Column("raised", _("Raised"), Deviation.raised_at, CellKind.MOMENT, sortable=True),
            Column("kind", _("Class"), Deviation.kind, CellKind.CHOICE, DeviationKind, listed=False),
            Column("subject", _("What deviates"), _title, CellKind.CHOICE, Subject),
            Column("step", _("Step"), Deviation.step, CellKind.CHOICE, Step),
            Column(
                "measured", _("Measured when raised or finished (minutes)"), Deviation.measured_minutes, CellKind.NUMBER
            ),
            Column("allowed", _("Standard (minutes)"), Deviation.allowed_minutes, CellKind.NUMBER, listed=False),
            Column("standard", _("Standard"), Deviation.standard),
            Column("executor", _("Executor"), _executor.full_name),
            Column("was_open", _("Raised while the step was open"), Deviation.was_open, CellKind.YES_NO, listed=False),
            Column("account", _("Executor's account"), Deviation.account, wide=True),
            Column("accounted", _("Accounted for"), Deviation.accounted_at, CellKind.MOMENT, listed=False),
            Column("state", _("State"), _state, CellKind.CHOICE, DeviationState),
            Column("disposal", _("Disposal"), Deviation.disposal, CellKind.CHOICE, Disposal, listed=False),
            Column("disposer", _("Disposed of by"), _disposer.full_name, listed=False),
            Column("capacity", _("In the capacity of"), Deviation.disposed_capacity, listed=False),
            Column("decree", _("Decree number of the delegation"), Delegation.decree_number, listed=False),
            Column("disposed", _("Disposed of"), Deviation.disposed_at, CellKind.MOMENT, listed=False),
            Column("note", _("Note of the head"), Deviation.disposal_note, listed=False, wide=True),
            Column("follower", _("To be followed up by"), _follower.full_name, listed=False),
            Column("until", _("Until"), Deviation.follow_up_until, CellKind.DATE, listed=False),
            Column("followed_up", _("Followed up"), Deviation.followed_up_at, CellKind.MOMENT, listed=False),
            Column("done", _("What was done"), Deviation.follow_up_note, listed=False, wide=True),
        ),
        filters=(
            CaseFilter(
                "state",
                _("State"),
                cases=tuple((state.value, state.title, in_state(state)) for state in DeviationState),
            ),
            ChoiceFilter("kind", _("Class"), of=Deviation.kind, choices=DeviationKind),
            ChoiceFilter("step", _("Step"), of=Deviation.step, choices=Step),
            PeriodFilter("raised", _("Raised"), of=Deviation.raised_at),
            AgencyFilter("agency", _("Agency"), of=Deviation.agency_id),
            PersonFilter("executor", _("Executor"), of=Deviation.executor_id),
            PersonFilter("follower", _("To be followed up by"), of=Deviation.follow_up_by_id),
        ),
        search=(ChangeRequest.number, ChangeRequest.title),
        order="-raised",
    )

    # -- totals ------------------------------------------------------------------------------------------------

    def list_extras(self, listing: Listing, page: Page) -> dict[str, Any]:  # noqa: ARG002
        """Return the totals of the list as it is narrowed: by class, step, executor and month."""

        def total(label: str, count: int, **narrowed: object) -> Total:
            return Total(label, count, listing.arguments.address(self.spec, page=0, **narrowed))

        nobody = gettext("not finished yet")
        counts = _counted(listing)
        return {
            "totals": [
                (_("By class"), [total(tr(kind.title), n, kind=kind.value) for (kind,), n in _summed(counts, 0)]),
                (_("By step"), [total(tr(step.title), n, step=step.value) for (step,), n in _summed(counts, 1)]),
                (
                    _("By executor"),
                    [total(name or nobody, n, executor=id_) for (id_, name), n in _summed(counts, 2, 3)],
                ),
                (_("By month"), [total(_written(month), n, **_period(month)) for (month,), n in _summed(counts, 4)]),
            ]
        }

    # -- what the head and the followers do -------------------------------------------------------------------

    def details_extras(self, id: int) -> dict[str, Any]:  # noqa: A002
        """Return the forms in which the reader may dispose of the deviation, or say that its follow-up is done."""
        return self._extras(self.get_one(str(id)))

    def _extras(self, deviation: Deviation) -> dict[str, Any]:
        return {
            "deviation": deviation,
            "disposal_form": self._disposal_form(deviation) if deviation.may_be_disposed_by(me(), now()) else None,
            "follow_up_form": FollowUpForm() if self._may_follow_up(deviation) else None,
        }

    @staticmethod
    def _may_follow_up(deviation: Deviation) -> bool:
        is_head = Role.HEAD in me().roles and me().agency_id == deviation.agency_id
        return deviation.state is DeviationState.FOLLOW_UP and (is_head or deviation.follow_up_by_id == me().id)

    @staticmethod
    def _disposal_form(deviation: Deviation) -> Form:
        fields = disposal_fields(deviation.agency_id, deviation.id)
        form: Form = type("DisposalForm", (Form,), fields)()
        return form

    @expose("/<deviation_id>/dispose", methods=("POST",))
    def dispose(self, deviation_id: str) -> Any:  # noqa: ANN401 - a page or a redirect
        """Write down what the head makes of a deviation."""
        deviation = self.get_one(deviation_id)
        form = self._disposal_form(deviation)
        given = read_disposal(form, deviation.id)
        with entering(form, "deviation.dispose", reason=str(given["note"] or "") or None):
            _dispose(deviation, given)
        if not form.errors and not form.form_errors:
            return self.done(gettext("The deviation is disposed of."), deviation.id)
        return self.answer_form(form, _("Disposal of a deviation"), _("Record"), back=self.row_url(deviation.id))

    @expose("/<deviation_id>/done", methods=("POST",))
    def follow_up(self, deviation_id: str) -> Any:  # noqa: ANN401 - a page or a redirect
        """Write down that what was to be followed up is done."""
        deviation = self.get_one(deviation_id)
        form = FollowUpForm()
        note = form.note.data or ""
        with entering(form, "deviation.follow-up", reason=note or None):
            deviation.follow_up(me(), now=now(), note=note)
        if not form.errors and not form.form_errors:
            return self.done(gettext("The follow-up is recorded as done."), deviation.id)
        return self.answer_form(form, _("Follow-up of a deviation"), _("Record"), back=self.row_url(deviation.id))


def _dispose(deviation: Deviation, given: Mapping[str, object]) -> None:
    """Dispose of ``deviation``, the fields of a refusal under the names that its form sends them by."""
    try:
        deviation.dispose(me(), now=now(), given=given)
    except Incomplete as refusal:
        named = {disposal_field(name, deviation.id): message for name, message in refusal.fields.items()}
        raise Incomplete(refusal.message, fields=named) from None
    trail.give(db.session(), capacity=deviation.disposed_capacity)


def _counted(listing: Listing) -> list[Any]:
    """Return (class, step, executor, their name, month, how many) of what the list matches: one look for all."""
    of = (Deviation.kind, Deviation.step, Deviation.executor_id, _executor.full_name, _month(listing.zone))
    statement: Select[Any] = listing.spec.read(*of, func.count()).where(*listing.criteria()).group_by(*of)
    return list(db.session.connection().execute(statement).all())


def _summed(counts: list[Any], *places: int) -> list[tuple[tuple[Any, ...], int]]:
    """Return what ``counts`` come to by the columns at ``places``, in their order; what is nobody's comes last."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in counts:
        sums[tuple(row[place] for place in places)] += row[-1]
    return sorted(sums.items(), key=lambda one: [(part is None, str(part or "")) for part in reversed(one[0])])


def _month(zone: ZoneInfo) -> Any:  # noqa: ANN401 - an expression
    """Return the month in which a deviation was raised in ``zone``, as "2026-03".

    By the zone's present distance from UTC: none of Indonesia's has ever put its clocks forward in summer.
    """
    distance = now().astimezone(zone).utcoffset() or dt.timedelta()
    if is_sqlite(db.engine):
        seconds = f"{int(distance.total_seconds()):+d} seconds"
        return func.strftime("%Y-%m", Deviation.raised_at, seconds)
    return func.to_char(func.timezone("UTC", Deviation.raised_at) + distance, "YYYY-MM")


def _period(month: str) -> dict[str, object]:
    """Return the parameters of the list for the deviations of one month."""
    first = dt.date.fromisoformat(f"{month}-01")
    last = first.replace(day=monthrange(first.year, first.month)[1])
    return {"raised-from": first.isoformat(), "raised-until": last.isoformat()}


def _written(month: str) -> str:
    """Return a month in words: Maret 2026."""
    return day(dt.date.fromisoformat(f"{month}-01")).partition(" ")[2]
