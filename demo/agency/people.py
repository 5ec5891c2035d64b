"""The actions of the demo's people: each an operation of the program at a given time, in its own transaction."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from demo.content import forms
from demo.content.letters import decree
from demo.content.wording import say
from demo.requests import deviations
from demo.requests.journey import PlannedRelease
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import Outcome
from lpse_admin.workflow.transitions import required_items
from models.accounts.user import User
from models.audit.trail import AuditContext, set_audit_context, update_audit_context
from models.changes.change import ChangeRequest
from models.changes.moves.assignment import reassign, take_up
from models.changes.moves.drafts import create_draft
from models.changes.steps.activity import Activity, Release
from models.delegation import absence
from models.delegation.delegation import Delegation
from models.delegation.grant import grant_delegation
from models.deviations.deviation import Deviation
from models.documents.document import attach
from models.notifications.notification import mark_all_read
from models.office.agency import Agency
from models.releases import freeze
from models.worktime.deadlines import sweep

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from sqlalchemy.orm import Session

    from demo.agency.office import Deputy, Office
    from demo.cast import Player
    from demo.content.attachments import Attachment
    from demo.requests.journey import Journey
    from lpse_admin.sop import RequiredItem
    from models.releases.freeze import FreezeValues

T = TypeVar("T")

#: The actor name of the program in the audit trail.
_PROGRAM = "Sistem"


class People:
    """Runs actions through ``session``; ``mark`` is the request id in the audit trail."""

    def __init__(self, session: Session, mark: str) -> None:
        self._session = session
        self._mark = mark

    @contextmanager
    def _acting(self, by: Player | None, at: dt.datetime, action: str, **details: str | None) -> Iterator[User | None]:
        """Set the audit context, yield the user of ``by`` (None: the program), and commit."""
        set_audit_context(
            self._session,
            AuditContext(
                at=at,
                actor_id=by.id if by else None,
                actor_name=by.name if by else _PROGRAM,
                action=action,
                address=by.ip_address if by else None,
                request_id=self._mark,
                **details,
            ),
        )
        yield self._session.get_one(User, by.id) if by else None
        self._session.commit()

    # -- the office --------------------------------------------------------------------------------------------

    def enter_assets(self, office: Office, by: Player, at: dt.datetime) -> None:
        """Enter the first asset list."""
        with self._acting(by, at, "asset.enter") as user:
            office.inventory.enter(_known(user), at)

    def delegate(self, office: Office, deputy: Deputy, head: Player, number: int, at: dt.datetime) -> None:
        """Record the absence of ``head`` and the delegation, with its decree."""
        with self._acting(head, at, "absence.record") as user:
            absence.record_absence(
                self._session,
                head=_known(user),
                from_date=deputy.first,
                until_date=deputy.last,
                reason=deputy.reason,
                by=_known(user),
                now=at,
            )
        with self._acting(head, at, "delegation.grant", reason=deputy.reason) as user:
            decree_number = f"800/{number:03d}/SPT-LPSE/{deputy.first.year}"
            delegation = grant_delegation(
                self._session,
                head=_known(user),
                delegate=self._session.get_one(User, deputy.delegate_id),
                kind=deputy.kind,
                decree_number=decree_number,
                from_date=deputy.first,
                until_date=deputy.last,
                by=_known(user),
                now=at,
                reason=deputy.reason,
            )
            self._attach_file(decree(decree_number, deputy, office.name), _known(user), at, delegation)

    def freeze(self, office: Office, by: Player, entry: FreezeValues, at: dt.datetime) -> int:
        """Enter a freeze and return its id."""
        with self._acting(by, at, "freeze.enter", reason=entry.reason) as user:
            agency = self._session.get_one(Agency, office.agency_id)
            return freeze.create_freeze(self._session, agency, entry, by=_known(user), now=at).id

    def lift(self, freeze_id: int, by: Player, reason: str, at: dt.datetime) -> None:
        """Lift a freeze."""
        with self._acting(by, at, "freeze.lift", reason=reason) as user:
            self._session.get_one(freeze.Freeze, freeze_id).lift(reason, by=_known(user), now=at)

    def sweep(self, office: Office, at: dt.datetime) -> None:
        """Run the deadline sweep of the office."""
        with self._acting(None, at, "deadline.sweep"):
            sweep(self._session, self._session.get_one(Agency, office.agency_id), at)

    def read_notifications(self, player: Player, at: dt.datetime) -> None:
        """Mark the notifications of ``player`` as read."""
        with self._acting(player, at, "notification.read") as user:
            mark_all_read(self._session, _known(user), at)

    def change_addresses(self, by: Player, addresses: Mapping[int, str | None], at: dt.datetime) -> None:
        """Change the e-mail addresses of users; ``addresses`` by user id."""
        with self._acting(by, at, "user.edit"):
            for user_id, address in addresses.items():
                self._session.get_one(User, user_id).email = address

    # -- a request ---------------------------------------------------------------------------------------------

    def begin(self, journey: Journey, said: forms.Values, at: dt.datetime) -> None:
        """Create a draft of the requester."""
        with self._acting(journey.requester, at, "change.draft") as user:
            change = create_draft(self._session, _known(user), now=at, values=said)
            update_audit_context(self._session, capacity=change.capacity_of(_known(user), at))
            journey.update(change)

    def take_up(self, journey: Journey, at: dt.datetime) -> None:
        """Take up the current step by its actor."""
        with self._acting(journey.actor, at, "change.take-up") as user:
            change = self._change(journey)
            update_audit_context(self._session, capacity=change.capacity_of(_known(user), at))
            take_up(change, _known(user), now=at)
            journey.update(change)

    def hand_over(self, journey: Journey, to: Player, by: Player, at: dt.datetime) -> None:
        """Reassign the current step to ``to``, who will finish it."""
        reason = say(journey.random, "handover", "reason", journey.texts)
        with self._acting(by, at, "change.hand-over", reason=reason) as user:
            change = self._change(journey)
            update_audit_context(self._session, capacity=change.capacity_of(_known(user), at))
            reassign(change, self._session.get_one(User, to.id), _known(user), now=at, reason=reason)
            journey.update(change)
        journey.actor = to

    def finish(self, journey: Journey, outcome: Outcome, at: dt.datetime) -> None:
        """Finish the current step by its actor with ``outcome``."""
        actor, step = _known(journey.actor), journey.step
        with self._acting(actor, at, f"change.{outcome}") as user:
            change = self._change(journey)
            turn = forms.Turn(journey, change, outcome, actor, at)
            items = required_items(journey.office.sop.rules[step], journey.position)
            absent = deviations.absent_items(journey, items, journey.attached)
            present = [item for item in items if item.key not in absent]
            self._attach(turn, _known(user), present)
            values = forms.filled_in(turn) | {"reason": forms.reason_for(turn)}
            values |= deviations.accounts(journey, step, [item for item in items if item.key in absent])
            if outcome is Outcome.VERIFIED:
                values |= deviations.disposals(journey, change, at)
            finished = change.advance(
                outcome,
                _known(user),
                now=at,
                values=values,
                equipment=[item.key for item in present if item.kind is ItemKind.EQUIPMENT],
            )
            update_audit_context(self._session, capacity=finished.capacity, reason=finished.reason)
            if isinstance(finished, Release) and finished.window_end_at and finished.actual_at is None:
                journey.release = PlannedRelease(finished.id, finished.window_end_at)
            journey.taken[outcome] += 1
            journey.update(change)

    def dispose(self, journey: Journey, deviation_id: int, by: Player, at: dt.datetime) -> None:
        """Dispose of a deviation by the head or acting head."""
        with self._acting(by, at, "deviation.dispose") as user:
            deviation = self._session.get_one(Deviation, deviation_id)
            values = deviations.disposal(journey, deviation.executor_id, at)
            deviation.dispose(_known(user), now=at, values=values)
            update_audit_context(self._session, capacity=deviation.disposed_capacity, reason=deviation.disposal_note)
            journey.update_deviations(deviation.change)

    def follow_up(self, journey: Journey, deviation_id: int, by: Player, at: dt.datetime) -> None:
        """Record the follow-up of a deviation."""
        note = say(journey.random, "disposal", "followed-up", journey.texts)
        with self._acting(by, at, "deviation.follow-up", reason=note) as user:
            self._session.get_one(Deviation, deviation_id).follow_up(_known(user), now=at, note=note)

    def add_actual_time(self, release_id: int, by: Player, at: dt.datetime) -> None:
        """Record that a release took place at its planned start."""
        with self._acting(by, at, "release.actual"):
            release = self._session.get_one(Release, release_id)
            release.add_actual_time(_known(release.window_start_at), now=at)

    def _change(self, journey: Journey) -> ChangeRequest:
        return self._session.get_one(ChangeRequest, journey.id)

    def _attach(self, turn: forms.Turn, by: User, items: list[RequiredItem]) -> None:
        """Attach the documents of ``items``, and sometimes extra files."""
        journey = turn.journey
        documents = {item.key for item in items if item.kind is ItemKind.DOCUMENT} - journey.attached
        journey.attached |= documents
        unasked = journey.office.extras.get(journey.step, ())
        files: list[tuple[str, str | None]] = [(key, key) for key in sorted(documents)]
        files += [(kind, None) for kind, chance in unasked if turn.random.random() < chance]
        for kind, item_key in files:
            file = turn.random.choice(journey.office.letters[kind])
            self._attach_file(file, by, turn.at, _known(turn.change.current_activity), item_key)

    def _attach_file(
        self, file: Attachment, by: User, at: dt.datetime, owner: Activity | Delegation, item_key: str | None = None
    ) -> None:
        attach(
            self._session,
            name=file.name,
            media_type=file.media_type,
            content=file.content,
            by=by,
            now=at,
            item_key=item_key,
            activity=owner if isinstance(owner, Activity) else None,
            delegation=owner if isinstance(owner, Delegation) else None,
        )


def _known(value: T | None) -> T:
    """Return ``value``; it must not be None."""
    if value is None:
        raise ValueError("the scenario has no such value")
    return value
