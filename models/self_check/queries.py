"""What each rule of the self-check looks for in the register of an office: one statement for each rule.

Every function yields (record id, name of the record, fact or None, since when or None), at most one for a record.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from lpse_admin.accounts.roles import ACTOR_ROLES
from lpse_admin.self_check import rules
from lpse_admin.self_check.rules import RuleKey
from lpse_admin.sop.model import ItemKind, RequirementCondition
from lpse_admin.sop.steps import CONFLICTING_DUTIES, STEP_DUTIES, Outcome, Step, Urgency
from lpse_admin.workflow.acting_head import length_to_explain
from lpse_admin.workflow.deviations import DeviationKind, Disposal
from lpse_admin.workflow.record_fields import ChangeKind
from models.accounts.login_session import Login
from models.accounts.user import User
from models.assessment.finding import AssessorFinding
from models.base import SHORT_TEXT_LENGTH, enum_set_texts
from models.changes.change import ChangeRequest
from models.changes.steps.activity import Activity, AssetReview, Release
from models.delegation.delegation import Delegation, DelegationKind
from models.deviations.deviation import Deviation
from models.documents.document import Document
from models.inventory.asset import Asset
from models.sops.appointment import APPOINTED_ROLES, Appointment, posts_of
from models.sops.sop import SopRevision, SopState, SopStep
from models.step_types import is_of_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ColumnElement, Row, SQLColumnExpression
    from sqlalchemy.orm import Session

    from models.office.agency import Agency

    _Column = SQLColumnExpression[Any]


class Found(NamedTuple):
    """A record that a rule found."""

    record_id: int
    name: str
    fact: str | None = None
    since: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """The register of one office at a moment."""

    session: Session
    agency: Agency
    now: dt.datetime

    @property
    def agency_id(self) -> int:
        """The key of the office."""
        return self.agency.id

    def rows(self, statement: Select[*tuple[Any, ...]]) -> Iterator[Found]:
        """Yield what a statement of four columns finds, once for each record."""
        seen: set[int] = set()
        for row in self.session.execute(statement):
            if row[0] not in seen:
                seen.add(row[0])
                yield Found(*row)


def _deviations(register: Register, *criteria: ColumnElement[bool]) -> Iterator[Found]:
    return register.rows(
        select(Deviation.id, ChangeRequest.number, Deviation.executor_name, Deviation.raised_at)
        .join(ChangeRequest, ChangeRequest.id == Deviation.change_id)
        .where(Deviation.agency_id == register.agency_id, *criteria)
        .order_by(Deviation.id)
    )


def document_missing(register: Register) -> Iterator[Found]:
    """Find what a step lacks by its SOP, while the head has not decided on it."""
    return _deviations(register, Deviation.kind != DeviationKind.TIME, Deviation.disposal.is_(None))


def late_unexplained(register: Register) -> Iterator[Found]:
    """Find deviations that nobody has explained: of a finished step, or for a week."""
    is_finished = exists().where(Activity.id == Deviation.activity_id, Activity.finished_at.is_not(None))
    is_old = Deviation.raised_at < register.now - rules.EXPLANATION_PATIENCE
    return _deviations(register, Deviation.account.is_(None), or_(is_finished, is_old))


def condition_not_met(register: Register) -> Iterator[Found]:
    """Find requests past a step without the document that the SOP asks for such a change there."""
    conditions = {
        RequirementCondition.BY_PROXY: ChangeRequest.on_behalf_of.is_not(None),
        RequirementCondition.ACCOUNT: ChangeRequest.kind.in_(enum_set_texts(ChangeKind, ChangeKind.ACCOUNT)),
        RequirementCondition.EMERGENCY: ChangeRequest.urgency == Urgency.EMERGENCY,
    }
    revisions = select(SopRevision).where(SopRevision.agency_id == register.agency_id).order_by(SopRevision.id)
    missing: dict[int, Found] = {}
    for revision in register.session.scalars(revisions).all():
        for step, item in _conditional_documents(revision):
            is_there = exists().where(Document.change_id == ChangeRequest.id, Document.item_key == item.key)
            for one in _changes(
                register,
                ChangeRequest.sop_id == revision.id,
                Activity.step == step,
                Activity.finished_at.is_not(None),
                Activity.outcome.not_in(_OUTCOMES_WITHOUT_DOCUMENTS),
                conditions[item.condition],
                ~is_there,
                fact=literal(item.label),
                since=Activity.finished_at,
            ):
                first = missing.setdefault(one.record_id, one)
                if first is not one:
                    fact = f"{first.fact}; {one.fact}"[:SHORT_TEXT_LENGTH]
                    missing[one.record_id] = first._replace(fact=fact)
    yield from missing.values()


def _conditional_documents(revision: SopRevision) -> Iterator[tuple[Step, Any]]:
    """Yield the documents that an SOP asks for in some cases, each with its step."""
    for step, rule in revision.sop.rules.items():
        for item in rule.requires:
            if item.condition is not None and item.kind is ItemKind.DOCUMENT:
                yield step, item


#: A step that ended so needed nothing.
_OUTCOMES_WITHOUT_DOCUMENTS = (Outcome.RETURNED, Outcome.REJECTED, Outcome.WITHDRAWN, Outcome.REFUSED)


def finding_overdue(register: Register) -> Iterator[Found]:
    """Find improvements that an assessor asked for until a day that is past, and that are not carried out."""
    return register.rows(
        select(AssessorFinding.id, AssessorFinding.number, AssessorFinding.action_by_name, AssessorFinding.entered_at)
        .where(
            AssessorFinding.agency_id == register.agency_id,
            AssessorFinding.is_overdue(register.agency.local_date(register.now)),
        )
        .order_by(AssessorFinding.id)
    )


def follow_up_overdue(register: Register) -> Iterator[Found]:
    """Find follow-ups that were due before today."""
    return register.rows(
        select(Deviation.id, ChangeRequest.number, Deviation.follow_up_by_name, Deviation.disposed_at)
        .join(ChangeRequest, ChangeRequest.id == Deviation.change_id)
        .where(
            Deviation.agency_id == register.agency_id,
            Deviation.disposal == Disposal.FOLLOW_UP,
            Deviation.followed_up_at.is_(None),
            Deviation.follow_up_until < register.agency.local_date(register.now),
        )
        .order_by(Deviation.id)
    )


def _changes(register: Register, *criteria: ColumnElement[bool], fact: _Column, since: _Column) -> Iterator[Found]:
    return register.rows(
        select(ChangeRequest.id, ChangeRequest.number, fact, since)
        .join(Activity, Activity.change_id == ChangeRequest.id)
        .where(ChangeRequest.agency_id == register.agency_id, *criteria)
        .order_by(ChangeRequest.id)
    )


def out_of_order(register: Register) -> Iterator[Found]:
    """Find steps that were finished before they began, or before the request was submitted."""
    is_before = or_(Activity.finished_at < Activity.arrived_at, Activity.finished_at < ChangeRequest.submitted_at)
    is_step = Activity.step != Step.REQUEST
    return _changes(register, is_step, is_before, fact=Activity.actor_name, since=Activity.finished_at)


def parts_not_apart(register: Register) -> Iterator[Found]:
    """Find people who did two duties of one request that check each other."""
    other = aliased(Activity, flat=True)
    return register.rows(
        select(ChangeRequest.id, ChangeRequest.number, Activity.actor_name, Activity.finished_at)
        .join(Activity, Activity.change_id == ChangeRequest.id)
        .join(other, other.change_id == ChangeRequest.id)
        .where(
            ChangeRequest.agency_id == register.agency_id,
            or_(Activity.actor_id == other.actor_id, Activity.actor_nip == other.actor_nip),
            or_(
                *(
                    is_of_kind(Activity.step, step) & is_of_kind(other.step, *_steps_against(step))
                    for step, duty in STEP_DUTIES.items()
                    if CONFLICTING_DUTIES[duty]
                )
            ),
        )
        .order_by(ChangeRequest.id)
    )


def _steps_against(step: Step) -> list[Step]:
    conflicting = CONFLICTING_DUTIES[STEP_DUTIES[step]]
    return [other for other, duty in STEP_DUTIES.items() if duty in conflicting]


def approval_missing(register: Register) -> Iterator[Found]:
    """Find emergencies that were implemented, under an SOP with an approval, without one before."""
    approval = aliased(Activity, flat=True)
    has_approval_step = exists().where(SopStep.sop_id == ChangeRequest.sop_id, is_of_kind(SopStep.step, Step.APPROVAL))
    is_approved = exists().where(
        approval.change_id == ChangeRequest.id,
        is_of_kind(approval.step, Step.APPROVAL),
        approval.outcome == Outcome.APPROVED,
        approval.finished_at <= Activity.arrived_at,
    )
    return _changes(
        register,
        ChangeRequest.urgency == Urgency.EMERGENCY,
        is_of_kind(Activity.step, Step.IMPLEMENTATION),
        has_approval_step,
        ~is_approved,
        fact=Activity.actor_name,
        since=Activity.arrived_at,
    )


def post_vacant(register: Register) -> Iterator[Found]:
    """Find the last appointment to each post of the SOP in force that nobody with its role holds today."""
    today = register.agency.local_date(register.now)
    posts = [actor.key for actor in posts_of(register.session, register.agency_id)]
    held = aliased(Appointment)
    later = aliased(Appointment)
    is_held = (
        exists()
        .where(held.agency_id == Appointment.agency_id, held.actor_key == Appointment.actor_key)
        .where(held.is_in_force_on(today), User.id == held.user_id, User.is_active)
        .where(or_(*((held.role == role) & getattr(User, f"is_{role.value}") for role in APPOINTED_ROLES)))
    )
    is_last = ~exists().where(
        later.agency_id == Appointment.agency_id, later.actor_key == Appointment.actor_key, later.id > Appointment.id
    )
    return register.rows(
        select(Appointment.id, Appointment.actor_title, Appointment.user_name, Appointment.ended_at).where(
            Appointment.agency_id == register.agency_id, Appointment.actor_key.in_(posts), is_last, ~is_held
        )
    )


def asleep(register: Register) -> Iterator[Found]:
    """Find requests whose open step has waited for long."""
    return _changes(
        register,
        ChangeRequest.closed_at.is_(None),
        ChangeRequest.submitted_at.is_not(None),
        Activity.finished_at.is_(None),
        func.coalesce(Activity.taken_up_at, Activity.arrived_at) < register.now - rules.SLEEP,
        fact=Activity.held_by_name,
        since=func.coalesce(Activity.taken_up_at, Activity.arrived_at),
    )


def release_not_recorded(register: Register) -> Iterator[Found]:
    """Find releases whose window is over, with neither an actual time nor a word that it was set aside."""
    return register.rows(
        select(Release.id, ChangeRequest.number, Release.version, Release.window_end_at)
        .join(ChangeRequest, ChangeRequest.id == Release.change_id)
        .where(
            Release.agency_id == register.agency_id,
            Release.outcome == Outcome.SCHEDULED,
            Release.window_end_at < register.now - rules.RELEASE_PATIENCE,
            Release.actual_at.is_(None),
            Release.set_aside_at.is_(None),
        )
        .order_by(Release.id)
    )


def asset_not_updated(register: Register) -> Iterator[Found]:
    """Find reviews that found a change of the assets, which the asset list does not show yet."""
    update = aliased(Activity, flat=True)
    is_updated = exists().where(
        update.change_id == AssetReview.change_id,
        is_of_kind(update.step, Step.ASSET_UPDATE),
        update.finished_at.is_not(None),
    )
    return register.rows(
        select(AssetReview.id, ChangeRequest.number, AssetReview.actor_name, AssetReview.finished_at)
        .join(ChangeRequest, ChangeRequest.id == AssetReview.change_id)
        .where(
            AssetReview.agency_id == register.agency_id,
            AssetReview.outcome == Outcome.CHANGED,
            AssetReview.finished_at < register.now - rules.UPDATE_PATIENCE,
            ~is_updated,
        )
        .order_by(AssetReview.id)
    )


def asset_double(register: Register) -> Iterator[Found]:
    """Find items with the code and register, or the NIBAR or factory number, of an earlier one."""
    known: set[tuple[str, str]] = set()
    for asset in register.session.execute(_assets(register)):
        marks = {
            ("register", f"{asset.card}/{asset.code}/{asset.register}"),
            *((key, str(asset.details[key])) for key in ("nibar", "factory_number") if asset.details.get(key)),
        }
        if double := sorted(marks & known):
            yield Found(asset.id, asset.name, double[0][1].removeprefix(f"{asset.card}/"), asset.entered_at)
        known |= marks


def asset_gap(register: Register) -> Iterator[Found]:
    """Find items before whose register number others of the same code are missing."""
    former: dict[str, int] = {}
    for asset in register.session.execute(_assets(register, with_retired=True)):
        if not asset.register.isdigit():
            continue
        number, code = int(asset.register), f"{asset.card}/{asset.code}"
        if number > former.get(code, 0) + 1:
            yield Found(asset.id, asset.name, f"{asset.code} {asset.register}", asset.entered_at)
        former[code] = max(number, former.get(code, 0))


def _assets(register: Register, *, with_retired: bool = False) -> Select[*tuple[Any, ...]]:
    statement = select(
        Asset.id, Asset.card, Asset.code, Asset.register, Asset.name, Asset.details, Asset.entered_at
    ).where(Asset.agency_id == register.agency_id)
    if not with_retired:
        statement = statement.where(Asset.is_retired.is_(False))
    return statement.order_by(Asset.card, Asset.code, func.length(Asset.register), Asset.register, Asset.id)


def decree_missing(register: Register) -> Iterator[Found]:
    """Find delegations without a file of their decree."""
    return register.rows(
        select(Delegation.id, Delegation.decree_number, Delegation.delegate_name, Delegation.recorded_at)
        .where(Delegation.agency_id == register.agency_id, ~exists().where(Document.delegation_id == Delegation.id))
        .order_by(Delegation.id)
    )


def term_too_long(register: Register) -> Iterator[Found]:
    """Find acting heads of a vacant post for longer than the rule, without a stated reason."""
    earlier: dict[int, list[tuple[dt.date, dt.date]]] = {}
    delegations = select(Delegation).where(
        Delegation.agency_id == register.agency_id, Delegation.kind == DelegationKind.PLT, Delegation.is_standing
    )
    for delegation in register.session.scalars(delegations.order_by(Delegation.from_date, Delegation.id)):
        terms = earlier.setdefault(delegation.delegate_id, [])
        is_long = length_to_explain(delegation.from_date, delegation.until_date, terms) is not None
        if is_long and not delegation.exception_reason:
            yield Found(delegation.id, delegation.decree_number, delegation.delegate_name, delegation.recorded_at)
        terms.append((delegation.from_date, delegation.until_date))


def account_unused(register: Register) -> Iterator[Found]:
    """Find accounts to which nobody has logged in for long, or never since their password was set."""
    logged_in = select(func.max(Login.at)).where(Login.user_id == User.id).scalar_subquery()
    latest = func.coalesce(logged_in, User.password_set_at)
    before = register.now - rules.UNUSED_ACCOUNT
    return register.rows(
        select(User.id, User.full_name, User.username, latest)
        .where(
            User.agency_id == register.agency_id,
            User.is_active,
            latest < before,
        )
        .order_by(User.id)
    )


def person_twice(register: Register) -> Iterator[Found]:
    """Find active accounts with the NIP or the e-mail address of an earlier one, or its full name and no other NIP."""
    known: dict[tuple[str, str], Row[*tuple[Any, ...]]] = {}
    people = select(User.id, User.full_name, User.username, User.nip, User.email).where(
        User.agency_id == register.agency_id, User.is_active
    )
    for user in register.session.execute(people.order_by(User.id)):
        name = " ".join(user.full_name.casefold().split())
        pairs = (("name", name), ("nip", user.nip), ("email", user.email))
        marks = [(key, str(value).casefold()) for key, value in pairs if value]
        first = next((known[mark] for mark in marks if mark in known and not _are_two(known[mark], user, mark)), None)
        if first is not None:
            yield Found(user.id, user.full_name, f"{first.username}, {user.username}")
        for mark in marks:
            known.setdefault(mark, user)


def _are_two(one: Row[*tuple[Any, ...]], other: Row[*tuple[Any, ...]], mark: tuple[str, str]) -> bool:
    """Whether two accounts of one name have each a NIP of their own: two people may be called alike."""
    return mark[0] == "name" and bool(one.nip and other.nip) and one.nip != other.nip


def roles_mixed(register: Register) -> Iterator[Found]:
    """Find active administrators who are requester, change manager or head as well."""
    return register.rows(
        select(User.id, User.full_name, User.username, literal(None)).where(
            User.agency_id == register.agency_id,
            User.is_active,
            User.is_administrator,
            or_(*(getattr(User, f"is_{role.value}") for role in ACTOR_ROLES)),
        )
    )


def nip_missing(register: Register) -> Iterator[Found]:
    """Find active accounts of actors whose NIP is not known: two of them may be one person."""
    return register.rows(
        select(User.id, User.full_name, User.username, literal(None)).where(
            User.agency_id == register.agency_id,
            User.is_active,
            User.nip.is_(None),
            or_(*(getattr(User, f"is_{role.value}") for role in ACTOR_ROLES)),
        )
    )


def sop_old(register: Register) -> Iterator[Found]:
    """Find the SOP in force if it was neither enacted nor enacted anew for a year."""
    return register.rows(
        select(
            SopRevision.id, func.coalesce(SopRevision.number, SopRevision.key), literal(None), SopRevision.enacted_at
        ).where(
            SopRevision.agency_id == register.agency_id,
            SopRevision.state == SopState.IN_FORCE,
            SopRevision.enacted_at < register.now - rules.SOP_REVIEW,
        )
    )


def inspector_undated(register: Register) -> Iterator[Found]:
    """Find open accounts of inspectors without dates."""
    return register.rows(_inspectors(register).where(User.inspects_until.is_(None)))


def inspector_over(register: Register) -> Iterator[Found]:
    """Find accounts of inspectors that are enabled although their last day is past."""
    return register.rows(_inspectors(register).where(User.inspects_until < register.agency.local_date(register.now)))


def _inspectors(register: Register) -> Select[*tuple[Any, ...]]:
    return (
        select(User.id, User.full_name, User.username, literal(None))
        .where(User.agency_id == register.agency_id, User.is_active, User.is_inspector)
        .order_by(User.id)
    )


QUERIES: dict[RuleKey, Callable[[Register], Iterator[Found]]] = {
    RuleKey.DOCUMENT_MISSING: document_missing,
    RuleKey.OUT_OF_ORDER: out_of_order,
    RuleKey.PARTS_NOT_APART: parts_not_apart,
    RuleKey.APPROVAL_MISSING: approval_missing,
    RuleKey.LATE_UNEXPLAINED: late_unexplained,
    RuleKey.CONDITION_NOT_MET: condition_not_met,
    RuleKey.FOLLOW_UP_OVERDUE: follow_up_overdue,
    RuleKey.FINDING_OVERDUE: finding_overdue,
    RuleKey.RELEASE_NOT_RECORDED: release_not_recorded,
    RuleKey.ASSET_NOT_UPDATED: asset_not_updated,
    RuleKey.ASSET_DOUBLE: asset_double,
    RuleKey.ASSET_GAP: asset_gap,
    RuleKey.DECREE_MISSING: decree_missing,
    RuleKey.TERM_TOO_LONG: term_too_long,
    RuleKey.POST_VACANT: post_vacant,
    RuleKey.ASLEEP: asleep,
    RuleKey.ACCOUNT_UNUSED: account_unused,
    RuleKey.PERSON_TWICE: person_twice,
    RuleKey.ROLES_MIXED: roles_mixed,
    RuleKey.NIP_MISSING: nip_missing,
    RuleKey.SOP_OLD: sop_old,
    RuleKey.INSPECTOR_UNDATED: inspector_undated,
    RuleKey.INSPECTOR_OVER: inspector_over,
}
