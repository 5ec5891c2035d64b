"""The screen of deviations from the SOP's standard, with explanation, disposal by the head and follow-up."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from flask_admin import expose
from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, Select, case, exists, func, select
from typing_extensions import override
from wtforms import TextAreaField

from lpse_admin.accounts.permissions import Resource
from lpse_admin.accounts.roles import Role
from lpse_admin.errors import ValidationFailed
from lpse_admin.i18n import Message, _
from lpse_admin.sop.durations import is_by_clock
from lpse_admin.sop.steps import Step
from lpse_admin.workflow.deviations import DeviationKind, Disposal, LatenessBasis
from models.accounts.user import User
from models.audit import trail
from models.changes.change import ChangeRequest
from models.database import db, is_sqlite
from models.delegation.delegation import Delegation
from models.deviations.deviation import Deviation, DeviationState, disposal_field, in_state
from models.office.agency import Agency
from models.reports.figures import (
    AgencyScope,
    DeviationCounts,
    count_all_deviations,
    count_deviations_of,
    newest_deviations_of,
    people_in_deviations,
)
from models.reports.waiting import waits_for_disposal_by
from models.scope import sees_all_requests, visible
from models.search.index import SearchKind
from views.app.access import get_current_user, is_acting_head, visible_agencies
from views.app.clock import now
from views.deviations.fields import colleagues_of, disposal_fields, disposal_values
from views.exports.columns import CellKind
from views.forms.base import Form, Required
from views.forms.commit import commit_or_show_errors
from views.forms.once import keep_submission
from views.forms.recovery import recoverable
from views.i18n.language import ClockMinutes, format_date, tr
from views.listing.bulk import BulkAction, BulkView
from views.listing.filters.agency import AgencyFilter
from views.listing.filters.kinds import CaseFilter, ChoiceFilter, DateRangeFilter, OptionFilter
from views.listing.filters.order import Shortcut
from views.listing.filters.search import SearchedKind, search_index
from views.listing.lists import MAX_COUNT, Column, ComputedColumns
from views.listing.record_view import current_principal, parse_id
from views.sops.named_steps import SOP_STEPS, NamedChoiceFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

    from views.listing.lists import ListQuery, Page


_state_expression = case(
    *((in_state(state), state.value) for state in DeviationState if state is not DeviationState.SETTLED),
    else_=DeviationState.SETTLED.value,
)
_subject_expression = case((Deviation.what != "", Deviation.what), else_=Deviation.subject)


def _reads_office() -> bool:
    """Whether the current user sees all deviations of the office, and not those of their own requests alone."""
    return sees_all_requests(get_current_user()) or is_acting_head()


def _shortcut(query: ListQuery, session: Session) -> Shortcut | None:
    """Return a requester's deviations from the summaries, where nothing else is asked of the list."""
    args = query.arguments
    limit = (args.page + 1) * args.size + 1
    if _reads_office() or args.search or args.filter_values or limit > MAX_COUNT:
        return None
    requester, is_oldest = get_current_user().id, not args.sort.startswith("-")
    return Shortcut(
        newest_deviations_of(session, requester, limit, oldest=is_oldest),
        lambda: min(count_deviations_of(session, requester), MAX_COUNT + 1),
        are_visible=True,
    )


@dataclass(frozen=True, slots=True)
class UserFilter(OptionFilter):
    """One of the users in a column of the visible deviations, by id: ``?executor=12``."""

    column: Any = None
    #: The column of a requester's totals that holds the same.
    total_key: str = ""
    has_static_options: ClassVar[bool] = False

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return (id, name) of the users."""
        user = get_current_user()
        is_named: ColumnElement[bool]
        if _reads_office():
            is_visible = visible(Deviation, user, is_acting_head=is_acting_head())
            # Looked up for each user: there are fewer users than deviations.
            is_named = exists().where(self.column == User.id, is_visible)
        else:
            is_named = User.id.in_(people_in_deviations(user.id, self.total_key))
        people = select(User.id, User.full_name).where(is_named).order_by(User.full_name, User.id)
        return [(str(id_), name) for id_, name in db.session.execute(people)]

    @override
    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return equality with the id. Raises NotFound for a malformed one."""
        value = given.get(self.key)
        if not value:
            return None
        result: ColumnElement[bool] = self.column == parse_id(value)
        return result


@dataclass(frozen=True, slots=True)
class DisposalFilter(OptionFilter):
    """The deviations that wait for the reader's decision: ``?waiting=me``."""

    def options(self) -> Sequence[tuple[str, str | Message]]:
        """Return the only value."""
        return [("me", _("Waiting for me"))]

    @override
    def criterion(self, given: Mapping[str, str], zone: ZoneInfo) -> ColumnElement[bool] | None:
        """Return the criterion for the reader. Raises Malformed for another value."""
        value = given.get(self.key)
        if not value:
            return None
        if value != "me":
            raise self._malformed(value)
        return waits_for_disposal_by(current_principal())


class FollowUpForm(Form):
    """The follow-up of a deviation."""

    note = TextAreaField(lazy_gettext("Follow-up performed"), [Required()])


class BulkDispose(BulkAction):
    """Dispose of several deviations with the same values."""

    key = "dispose"
    title = _("Decide on all alike")
    explanation = _("Your entries are recorded for each of these deviations that is waiting for the head.")

    def is_allowed(self) -> bool:
        """Whether the current user is a head or acts for one; each deviation is checked on its own."""
        return Role.HEAD in get_current_user().roles or is_acting_head()

    @override
    def form(self, view: BulkView, ids: Sequence[int]) -> Form:
        """Return the form of a disposal."""
        agency = get_current_user().agency_id or 0
        form: Form = type("DisposalForm", (Form,), disposal_fields(colleagues_of(agency), _ALL_DEVIATIONS))()
        return form

    def validate(self, view: BulkView, ids: Sequence[int], form: Form) -> None:
        """Validate the values. Raises ValidationFailed for those that are invalid for every deviation."""
        one: Deviation = view.get_one(str(ids[0]))
        _values, errors = one.validate_disposal(disposal_values(form, _ALL_DEVIATIONS), now())
        if errors:
            field_errors = {disposal_field(name, _ALL_DEVIATIONS): message for name, message in errors.items()}
            raise ValidationFailed(_("The deviation cannot be decided with these values."), field_errors=field_errors)

    def apply(self, view: BulkView, id_: int, form: Form | None) -> Message:
        """Dispose of one."""
        given = disposal_values(form, _ALL_DEVIATIONS) if form else {}
        trail.update_audit_context(db.session(), action="deviation.dispose", reason=str(given["note"] or "") or None)
        _dispose(view.get_one(str(id_)), given)
        return _("The decision on the deviation is recorded.")


#: Stands for a deviation's id in the field names of a disposal of several.
_ALL_DEVIATIONS = 0


@dataclass(frozen=True, slots=True)
class TotalLink:
    """The number of deviations in a group, and the address of the list that is filtered by it."""

    label: str
    count: int
    url: str


def _load_times(_session: Session) -> Callable[..., Mapping[str, object]]:
    """Return a function that says which minutes are of the clock, and which of working time."""

    def times(measured: int | None, allowed: int | None, standard: str) -> Mapping[str, object]:
        minutes = {"measured": measured, "allowed": allowed}
        if measured is None or not is_by_clock(standard):
            return minutes
        return {key: None if value is None else ClockMinutes(value) for key, value in minutes.items()}

    return times


_TIMES = ComputedColumns((Deviation.measured_minutes, Deviation.allowed_minutes, Deviation.standard), _load_times)


class DeviationView(BulkView):
    """Deviations from the standard in equipment, time and output."""

    resource = Resource.DEVIATION
    title = _("Deviations from the standard")
    empty_message = _("No deviation yet. The program records one as soon as a step does not meet its standard.")
    list_template = "deviations/list.html"
    actions = (BulkDispose(),)
    bulk_label_columns = ("number", "step", "kind", "subject", "executor", "account", "state")
    details_template = "deviations/details.html"

    model = Deviation
    column_joins = (
        (ChangeRequest, ChangeRequest.id == Deviation.change_id),
        (Delegation, Delegation.id == Deviation.delegation_id),
        (Agency, Agency.id == Deviation.agency_id),
    )
    column_list = (
        Column("number", _("Number"), ChangeRequest.number, is_link=True),
        Column("agency", _("Agency"), Agency.name, superadmin_only=True),
        Column("raised", _("Raised"), Deviation.raised_at, CellKind.DATETIME, sortable=True),
        Column("kind", _("Class"), Deviation.kind, CellKind.CHOICE, DeviationKind, in_list=False),
        Column("subject", _("Deviating item"), _subject_expression, CellKind.CHOICE, LatenessBasis),
        Column("step", _("Step"), Deviation.step, CellKind.CHOICE, SOP_STEPS),
        Column("measured", _("Measured time"), _TIMES, CellKind.MINUTES),
        Column("allowed", _("Standard time"), _TIMES, CellKind.MINUTES, in_list=False),
        Column("standard", _("Standard"), Deviation.standard),
        Column("executor", _("Executor"), Deviation.executor_name),
        Column("executor_title", _("Title of the executor"), Deviation.executor_title, in_list=False),
        Column("was_open", _("Raised while the step was open"), Deviation.was_open, CellKind.BOOLEAN, in_list=False),
        Column("account", _("Executor's explanation"), Deviation.account, wide=True),
        Column("accounter", _("Explained by"), Deviation.accounted_by_name, in_list=False),
        Column("accounter_title", _("Title of who explained"), Deviation.accounted_by_title, in_list=False),
        Column("accounter_capacity", _("Capacity of who explained"), Deviation.accounted_capacity, in_list=False),
        Column("accounted", _("Explained"), Deviation.accounted_at, CellKind.DATETIME, in_list=False),
        Column("state", _("State"), _state_expression, CellKind.CHOICE, DeviationState),
        Column("disposal", _("Decision"), Deviation.disposal, CellKind.CHOICE, Disposal, in_list=False),
        Column("disposer", _("Decided by"), Deviation.disposed_by_name, in_list=False),
        Column("disposer_title", _("Title of who decided"), Deviation.disposed_by_title, in_list=False),
        Column("capacity", _("Capacity"), Deviation.disposed_capacity, in_list=False),
        Column("decree", _("Decree number of the delegation"), Delegation.decree_number, in_list=False),
        Column("disposed", _("Decided"), Deviation.disposed_at, CellKind.DATETIME, in_list=False),
        Column("note", _("Note by the head"), Deviation.disposal_note, in_list=False, wide=True),
        Column("follower", _("Responsible for the follow-up"), Deviation.follow_up_by_name, in_list=False),
        Column("until", _("Until"), Deviation.follow_up_until, CellKind.DATE, in_list=False),
        Column("followed_up", _("Followed up"), Deviation.followed_up_at, CellKind.DATETIME, in_list=False),
        Column("followed_up_by", _("Followed up by"), Deviation.followed_up_by_name, in_list=False),
        Column("done", _("Follow-up performed"), Deviation.follow_up_note, in_list=False, wide=True),
    )
    column_filters = (
        CaseFilter(
            "state",
            _("State"),
            cases=tuple((state.value, state.title, in_state(state)) for state in DeviationState),
        ),
        DisposalFilter("waiting", _("Waiting for")),
        ChoiceFilter("kind", _("Class"), column=Deviation.kind, choices=DeviationKind),
        NamedChoiceFilter("step", _("Step"), column=Deviation.step, choices=SOP_STEPS),
        DateRangeFilter("raised", _("Raised"), column=Deviation.raised_at),
        AgencyFilter("agency", _("Agency"), column=Deviation.agency_id),
        UserFilter("executor", _("Executor"), column=Deviation.executor_id, total_key="executor_id"),
        UserFilter(
            "follower",
            _("Responsible for the follow-up"),
            column=Deviation.follow_up_by_id,
            total_key="follower_id",
        ),
    )
    column_searchable_list = (ChangeRequest.number, ChangeRequest.title)
    search_hint = _("Number, title and requester of the request, what differs, explanation and decision.")
    list_index = search_index(
        SearchedKind(SearchKind.CHANGE, Deviation.change_id),
        SearchedKind(SearchKind.DEVIATION, Deviation.id),
        otherwise=_shortcut,
    )
    column_default_sort = "-raised"

    # -- totals ------------------------------------------------------------------------------------------------

    @override
    def list_context(self, listing: ListQuery, page: Page) -> dict[str, Any]:
        """Return the totals of the filtered list by class, step, executor and month."""

        def total(label: str, count: int, **filters: object) -> TotalLink:
            return TotalLink(label, count, listing.arguments.query_string(self.spec, page=0, **filters))

        nobody = gettext("not finished yet")
        counts = _count(listing)
        return {
            "totals": [
                (
                    _("By class"),
                    [total(tr(kind.title), n, kind=kind.value) for (kind,), n in _sum_by(counts.groups, 0)],
                ),
                (_("By step"), [total(tr(step.title), n, step=step.value) for (step,), n in _sum_by(counts.groups, 1)]),
                (
                    _("By executor"),
                    [total(name or nobody, n, executor=id_) for (id_, name), n in _sum_by(counts.groups, 2, 3)],
                ),
                (
                    _("By month"),
                    [total(_month_name(month), n, **_month_filter_args(month)) for month, n in counts.months],
                ),
            ]
        }

    # -- disposal and follow-up --------------------------------------------------------------------------------

    def details_context(self, id: int) -> dict[str, Any]:
        """Return the deviation with the forms for its disposal and its follow-up, if the user may use them."""
        return self._extras(self.get_one(str(id)))

    def _extras(self, deviation: Deviation) -> dict[str, Any]:
        return {
            "deviation": deviation,
            "disposal_form": self._disposal_form(deviation)
            if deviation.can_be_disposed_by(get_current_user(), now())
            else None,
            "follow_up_form": FollowUpForm() if self._may_follow_up(deviation) else None,
        }

    @staticmethod
    def _may_follow_up(deviation: Deviation) -> bool:
        is_head = Role.HEAD in get_current_user().roles and get_current_user().agency_id == deviation.agency_id
        return deviation.state is DeviationState.FOLLOW_UP and (
            is_head or deviation.follow_up_by_id == get_current_user().id
        )

    @staticmethod
    def _disposal_form(deviation: Deviation) -> Form:
        fields = disposal_fields(colleagues_of(deviation.agency_id), deviation.id)
        form: Form = type("DisposalForm", (Form,), fields)()
        return form

    @expose("/<deviation_id>/dispose", methods=("POST",))
    @recoverable
    def dispose(self, deviation_id: str) -> ResponseReturnValue:
        """Dispose of a deviation."""
        deviation = self.get_one(deviation_id)
        form = self._disposal_form(deviation)
        given = disposal_values(form, deviation.id)
        with commit_or_show_errors(form, "deviation.dispose", reason=str(given["note"] or "") or None):
            _dispose(deviation, given)
            keep_submission(self.row_url(deviation.id))
        if not form.errors and not form.form_errors:
            return self.redirect_to_record(gettext("The decision on the deviation is recorded."), deviation.id)
        return self.render_form(form, _("Decision on a deviation"), _("Record"), back=self.row_url(deviation.id))

    @expose("/<deviation_id>/done", methods=("POST",))
    @recoverable
    def follow_up(self, deviation_id: str) -> ResponseReturnValue:
        """Record that the follow-up is done."""
        deviation = self.get_one(deviation_id)
        form = FollowUpForm()
        note = form.note.data or ""
        with commit_or_show_errors(form, "deviation.follow-up", reason=note or None):
            deviation.follow_up(get_current_user(), now=now(), note=note)
            keep_submission(self.row_url(deviation.id))
        if not form.errors and not form.form_errors:
            return self.redirect_to_record(gettext("The follow-up is recorded as done."), deviation.id)
        return self.render_form(form, _("Follow-up of a deviation"), _("Record"), back=self.row_url(deviation.id))


def _dispose(deviation: Deviation, values: Mapping[str, object]) -> None:
    """Dispose of ``deviation``. Raises ValidationFailed with the form's field names as keys of its errors."""
    try:
        deviation.dispose(get_current_user(), now=now(), values=values)
    except ValidationFailed as refusal:
        field_errors = {disposal_field(name, deviation.id): message for name, message in refusal.field_errors.items()}
        raise ValidationFailed(refusal.message, field_errors=field_errors) from None
    trail.update_audit_context(db.session(), capacity=deviation.disposed_capacity)


#: The filters that the summary supports: its column, and the parser of the filter's value.
_SUMMARY_FILTERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "state": ("state", DeviationState),
    "kind": ("kind", DeviationKind),
    "step": ("step", Step),
    "executor": ("executor_id", int),
    "agency": ("agency_id", int),
}


def _count(listing: ListQuery) -> DeviationCounts:
    """Return the counts of the filtered list, from the summary if it supports the filters."""
    if (counts := _count_by_summary(listing)) is not None:
        return counts
    month = _month_expression(listing.zone)
    # By account, under its present name: an executor who was renamed is counted once.
    keys = (Deviation.kind, Deviation.step, Deviation.executor_id, User.full_name)
    statement: Select[Any] = listing.spec.select(*keys, month, func.count()).where(*listing.criteria())
    statement = statement.outerjoin(User, User.id == Deviation.executor_id)
    rows = db.session.connection().execute(statement.group_by(*keys, month)).all()
    months: Counter[dt.date] = Counter()
    for *_keys, text, number in rows:
        months[dt.date.fromisoformat(f"{text}-01")] += number
    return DeviationCounts([(*row[:4], row[5]) for row in rows], sorted(months.items()))


def _count_by_summary(listing: ListQuery) -> DeviationCounts | None:
    args = listing.arguments
    if args.search or not _SUMMARY_FILTERS.keys() >= args.filter_values.keys():
        return None
    values = {}
    for key, text in args.filter_values.items():
        name, parse = _SUMMARY_FILTERS[key]
        values[name] = parse(text)
    scope = AgencyScope(visible_agencies(db.session()), listing.zone)
    requester = None if _reads_office() else get_current_user().id
    return count_all_deviations(db.session(), scope, values, requester)


def _sum_by(counts: Sequence[tuple[Any, ...]], *indexes: int) -> list[tuple[tuple[Any, ...], int]]:
    """Return the sums of ``counts``, grouped and sorted by the columns at ``indexes``; None comes last."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in counts:
        sums[tuple(row[index] for index in indexes)] += row[-1]
    return sorted(sums.items(), key=lambda one: [(part is None, str(part or "")) for part in reversed(one[0])])


def _month_expression(zone: ZoneInfo) -> ColumnElement[str]:
    """Return the month in which a deviation was raised in ``zone``, as "2026-03".

    Uses the zone's current UTC offset: Indonesia has no daylight saving time.
    """
    offset = now().astimezone(zone).utcoffset() or dt.timedelta()
    if is_sqlite(db.engine):
        seconds = f"{int(offset.total_seconds()):+d} seconds"
        return func.strftime("%Y-%m", Deviation.raised_at, seconds)
    return func.to_char(func.timezone("UTC", Deviation.raised_at) + offset, "YYYY-MM")


def _month_filter_args(first: dt.date) -> dict[str, object]:
    """Return the list's filter arguments for the deviations of the month that starts on ``first``."""
    last = first.replace(day=monthrange(first.year, first.month)[1])
    return {"raised-from": first.isoformat(), "raised-until": last.isoformat()}


def _month_name(month: dt.date) -> str:
    """Return a month in words: Maret 2026."""
    return format_date(month).partition(" ")[2]
