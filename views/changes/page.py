"""What the page of one request shows: where it stands, what was done, and what the reader may do now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_babel import gettext
from markupsafe import Markup

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import Message, _
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import NEEDS_REASON, OF_THE_HEAD, OF_THE_REQUESTER, Outcome, Step
from lpse_admin.workflow.record_fields import RECORDS, REQUEST_FIELDS, REQUEST_GROUPS, Field, FieldKind
from lpse_admin.workflow.transitions import asked_items
from models.changes import record_store
from models.changes.activity import Approval, AssetReview, AssetUpdate, Evaluation, Release
from models.database import db
from models.deviations.deviation import undisposed
from models.office.calendars import calendar_of
from models.worktime.timing import delays, is_overtaken, reading
from views.changes.assignment import Hands
from views.changes.chart import ChangeChart
from views.changes.step_form import step_form
from views.delegation.absent_head import absent_head, may_record_absence
from views.forms.folding import folded
from views.i18n.language import day, moment, tr
from views.inventory.mutations import differences
from views.listing.cells import NOTHING
from views.notifications.mails import who_was_told
from views.releases.conflicts import ReleaseAside

if TYPE_CHECKING:
    import datetime as dt

    from lpse_admin.errors import Refused
    from lpse_admin.sop import Item, Move
    from lpse_admin.workflow.deviations import Found
    from lpse_admin.worktime.step_timing import Reading
    from lpse_admin.worktime.working_calendar import WorkCalendar
    from models.accounts.user import User
    from models.changes.activity import Activity
    from models.changes.change import ChangeRequest
    from models.deviations.deviation import Deviation
    from models.documents.document import Document
    from views.changes.assignment import HandOverForm
    from views.changes.step_form import StepForm
    from views.delegation.absent_head import AbsentHead
    from views.notifications.mails import WhoWasTold


@dataclass(frozen=True, slots=True)
class Fact:
    """A label with what stands beside it."""

    label: Message
    value: Markup | str


@dataclass(frozen=True, slots=True)
class Group:
    """Facts that belong together, under a heading."""

    title: Message
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished step, as the history tells it; ``times`` is what its clock shows."""

    activity: Activity
    reason: Markup | None
    facts: tuple[Fact, ...]
    documents: tuple[Document, ...]
    times: Reading


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the paper requires at this step, and whether it is there; ``is_own`` is the record that is being typed."""

    item: Item
    field: str
    is_there: bool
    is_own: bool


@dataclass(frozen=True, slots=True)
class ChangePage:
    """The page's content; ``form`` is None for a reader who cannot act on the present step."""

    change: ChangeRequest
    asked: tuple[Group, ...]
    chart: ChangeChart
    entries: tuple[Entry, ...]
    current: Activity | None
    waits_for: str | None
    why_not: Message | None
    form: StepForm | None
    moves: tuple[Move, ...]
    requirements: tuple[Requirement, ...]
    decision: tuple[Fact, ...]
    refusal: Refused | None
    documents: tuple[Document, ...]
    #: What the clock of the present step shows, and in whose hands it is for the reader.
    times: Reading | None
    hands: Hands | None
    #: The deviations that wait for the head's disposal at this verification.
    undisposed: tuple[Deviation, ...]
    #: What the executor of the present step has to account for in time, and what the calendar has overtaken since.
    delays: tuple[Found, ...]
    overtaken: frozenset[int]
    #: While it waits for a head who is not there.
    absent_head: AbsentHead | None
    may_record_absence: bool
    release: ReleaseAside
    #: For those of the office: everybody who was told of it, and the mail.
    told: WhoWasTold | None

    @classmethod
    def of(  # noqa: PLR0913 - what was typed and refused is shown again
        cls,
        change: ChangeRequest,
        user: User,
        now: dt.datetime,
        *,
        form: StepForm | None = None,
        refusal: Refused | None = None,
        hand_over: HandOverForm | None = None,
    ) -> ChangePage:
        """Return the page of ``change`` as ``user`` sees it at this moment."""
        current = change.current
        why_not = change.bar(user, now)
        if form is None and current is not None and why_not is None:
            form = step_form(change, current)
        calendar = calendar_of(db.session(), change.agency)
        rule = change.paper.rules.get(change.step)
        at_the_head = current is not None and rule is not None and rule.actor is Role.HEAD
        waits_for = str(change.paper.actor_title(change.step)) if current is not None else None
        moves = change.open_moves(user, now) if form is not None else ()
        return cls(
            change=change,
            asked=_asked(change),
            chart=ChangeChart.of(change),
            entries=tuple(_entries(change, now, calendar)),
            current=current,
            waits_for=waits_for,
            why_not=why_not,
            form=form,
            moves=moves,
            requirements=tuple(_requirements(change, current, form, moves)) if current is not None else (),
            decision=tuple(_for_the_decision(change)) if change.step in OF_THE_HEAD else (),
            refusal=refusal,
            documents=tuple(document for document in change.documents if document.activity_id is not None),
            times=reading(change, current, now, calendar) if current is not None and not change.is_draft else None,
            hands=Hands.of(change, user, now, hand_over),
            delays=tuple(delays(change, current, now, calendar)) if form is not None and current is not None else (),
            overtaken=frozenset(one.id for one in change.deviations if is_overtaken(change, one, now, calendar)),
            undisposed=tuple(undisposed(change)) if form is not None and change.step is Step.VERIFICATION else (),
            absent_head=_absent_head(change, current, waits_for) if at_the_head else None,
            may_record_absence=at_the_head and may_record_absence(),
            release=ReleaseAside.of(change, user, now, form),
            told=who_was_told(change, user),
        )

    def needs_reason(self) -> list[Outcome]:
        """Return those of the open moves' outcomes that need a reason."""
        return [move.outcome for move in self.moves if move.outcome in NEEDS_REASON]

    def is_needed(self, field: Field) -> bool:
        """Whether every open move needs this field."""
        return bool(self.moves) and all(move.outcome in field.needed_for for move in self.moves)

    def moves_that_need(self, field: Field) -> str:
        """Return the open moves that need this field, as the page tells its script."""
        return " ".join(move.outcome for move in self.moves if move.outcome in field.needed_for)

    def at_hand(self) -> int:
        """Return how many of the paper's requirements are there."""
        return sum(requirement.is_there for requirement in self.requirements)

    def filled(self) -> tuple[int, int]:
        """Return how many of the fields that the first open move needs are filled, and how many there are."""
        return _filled(self.form, self.moves)

    def counts(self, field: Field) -> bool:
        """Whether this field is one of those."""
        return bool(self.moves) and self.moves[0].outcome in field.needed_for

    def needed_for(self, field: Field) -> list[Outcome]:
        """Return the open moves that need this field, where not all of them do."""
        some = [move.outcome for move in self.moves if move.outcome in field.needed_for]
        return some if len(some) < len(self.moves) else []

    def standard(self) -> str:
        """Return the paper's standard time of the present step."""
        rule = self.change.paper.rules.get(self.change.step)
        return rule.standard.text if rule and rule.standard else gettext("not laid down")


def _filled(form: StepForm | None, moves: tuple[Move, ...]) -> tuple[int, int]:
    if form is None or not moves:
        return 0, 0
    needed = [field for field, _input in form.record_fields() if moves[0].outcome in field.needed_for]
    return sum(form.is_filled(field) for field in needed), len(needed)


def _absent_head(change: ChangeRequest, current: Activity | None, head: str | None) -> AbsentHead | None:
    return absent_head(change.agency, head=head, arrived=current.arrived_at if current else None, change=change)


def written(field: Field, value: Any) -> Markup | str:  # noqa: ANN401 - fields hold texts, moments, enums and lists
    """Return the value of a record's field as the page shows it."""
    if value in (None, "", []):
        return NOTHING
    match field.kind:
        case FieldKind.MOMENT:
            return moment(value)
        case FieldKind.DATE:
            return day(value)
        case FieldKind.CHOICE:
            return str(tr(value.title))
        case FieldKind.CASES | FieldKind.ASSETS | FieldKind.TOUCHED | FieldKind.MUTATIONS:
            return Markup("<br>").join(_row_text(row) for row in value)
        case _:
            return folded(str(value))


def _row_text(row: dict[str, Any]) -> str:
    if "expected" in row:
        return tr(_("%(name)s: expected %(expected)s; seen %(actual)s", **row))
    return " · ".join(str(value) for value in row.values() if value not in (None, ""))


def _asked(change: ChangeRequest) -> tuple[Group, ...]:
    """Return what a request says, group by group; its title and the request that it follows stand above that."""
    fields = {field.key: field for field in REQUEST_FIELDS if field.key not in {"title", "linked_change_id"}}
    return tuple(
        Group(
            title,
            tuple(Fact(fields[key].label, written(fields[key], getattr(change, key))) for key in keys if key in fields),
        )
        for title, keys in REQUEST_GROUPS
    )


def _entries(change: ChangeRequest, now: dt.datetime, calendar: WorkCalendar) -> list[Entry]:
    by_activity: dict[int, list[Document]] = {}
    for document in change.documents:
        if document.activity_id is not None:
            by_activity.setdefault(document.activity_id, []).append(document)
    return [
        Entry(
            activity,
            folded(activity.reason) if activity.reason else None,
            tuple(_record_facts(change, activity)),
            tuple(by_activity.get(activity.id, ())),
            reading(change, activity, now, calendar),
        )
        for activity in change.activities
        if not activity.is_open
    ]


def _record_facts(change: ChangeRequest, activity: Activity) -> list[Fact]:
    if activity.step in OF_THE_REQUESTER:
        return []
    if isinstance(activity, AssetUpdate):
        notes = [Fact(_("Notes"), folded(activity.notes))] if activity.notes else []
        return [Fact(_("Mutations"), _mutations(activity)), *notes]
    values = record_store.read(change, activity)
    if isinstance(activity, Release):
        values["touched_assets"] = [{"asset": str(item.asset)} for item in activity.touched]
    if isinstance(activity, AssetReview):
        values["assets"] = [{"asset": str(item.asset or ""), "finding": item.finding} for item in activity.items]
    return [
        Fact(field.label, written(field, values[field.key]))
        for field in RECORDS[activity.step]
        if values[field.key] not in (None, "", [])
    ]


def _mutations(activity: AssetUpdate) -> Markup:
    """Return each asset with what changed on it: the column, before and after."""
    lines = []
    for mutation in activity.mutations:
        lines.append(Markup("{}: {}").format(tr(mutation.kind.title), mutation.asset))
        lines.extend(
            Markup("{}: {} → {}").format(tr(heading), before, after) for heading, before, after in differences(mutation)
        )
    return Markup("<br>").join(lines)


def _requirements(
    change: ChangeRequest, current: Activity, form: StepForm | None, moves: tuple[Move, ...]
) -> list[Requirement]:
    filled, needed = _filled(form, moves)
    attached = {document.item_key for document in change.documents}
    finished = {activity.step for activity in change.activities if not activity.is_open}
    found = []
    for item in asked_items(change.paper.rules[change.step], change.position):
        name = f"{item.kind}-{item.key}"
        is_own = item.kind is ItemKind.RECORD and item.of in {None, change.step}
        if item.kind is ItemKind.DOCUMENT:
            there = item.key in attached
        elif item.kind is ItemKind.EQUIPMENT:
            there = bool(form[name].data) if form is not None else item.key in (current.equipment or ())
        else:
            there = filled == needed if is_own else item.of in finished
        found.append(Requirement(item, name, there, is_own))
    return found


def _for_the_decision(change: ChangeRequest) -> list[Fact]:
    """Return what the head weighs: the risk, the way back, and the manager's evaluation."""
    facts = [
        Fact(_("Risk if not done"), _told(change.risk_if_not_done)),
        Fact(_("Impact"), _told(change.impact)),
        Fact(_("Roll back plan"), _told(change.rollback_plan)),
    ]
    evaluation = next((one for one in reversed(change.activities) if isinstance(one, Evaluation)), None)
    if evaluation is not None:
        facts.append(Fact(_("Risk"), tr(evaluation.risk.title) if evaluation.risk else NOTHING))
        facts.append(Fact(_("Findings of the evaluation"), _told(evaluation.findings)))
    refusals = [one for one in change.activities if isinstance(one, Approval) and one.outcome is Outcome.REFUSED]
    if refusals:
        facts.append(Fact(_("Reason of the last refusal"), _told(refusals[-1].reason)))
        if evaluation is not None and evaluation.answer_to_refusal:
            facts.append(Fact(_("Answer to the refusal"), _told(evaluation.answer_to_refusal)))
    facts.extend(
        Fact(_("Reason of the emergency"), _told(one.reason))
        for one in change.activities
        if one.outcome is Outcome.EMERGENCY and one.reason
    )
    return facts


def _told(text: str | None) -> Markup | str:
    return folded(text) if text else NOTHING
