"""One demo request on its way: the rows that it is made of, as ``ChangeRequest.advance`` would have written them.

Every move is put to ``transitions.decide``, so that nothing comes to stand in the register that the door
would have refused. A test takes requests of the register through the door again and compares.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from demo import deviations
from demo.bulk import inserted, updated
from demo.forms import filled_in, reason_for
from demo.office import person
from lpse_admin.sop import ItemKind, Move, RequirementCondition
from lpse_admin.sop.steps import OUTCOME_EFFECTS, REQUESTER_STEPS, STEP_DUTIES, Duty, Outcome, Step, Urgency
from lpse_admin.workflow.deviations import lateness_deviation
from lpse_admin.workflow.record_fields import RECORD_FIELDS, REQUEST_FIELDS, ChangeKind, FieldKind
from lpse_admin.workflow.transitions import Evidence, Position, decide, reason_move_blocked, required_items, result_of
from lpse_admin.workflow.transitions import detect_deviations as deviations_of
from models.base import to_json_value
from models.changes.activity import ACTIVITY_CLASSES, Activity
from models.changes.change import ChangeRequest
from models.office.agency import request_number

if TYPE_CHECKING:
    import datetime as dt

    from demo.attachments import Attachment
    from demo.bulk import Ledger, Row, Told
    from demo.inventory import Choice
    from demo.office import Office, Player
    from demo.routes import Aim
    from demo.wording import Topic
    from lpse_admin.sop import RequiredItem
    from lpse_admin.workflow.deviations import DetectedDeviation
    from models.delegation.delegation import Delegation

_BLANK = dict.fromkeys(column.name for column in ChangeRequest.__table__.columns)
_BLANK_ACTIVITY = dict.fromkeys(column.name for column in Activity.__table__.columns)
_BLANK_RECORDS: dict[Step, tuple[str, Row]] = {
    step: (kind.__tablename__, dict.fromkeys(column.name for column in kind.__table__.columns))
    for step, kind in ACTIVITY_CLASSES.items()
    if kind.__tablename__ != Activity.__tablename__
}
_ASKING = frozenset({Outcome.SUBMITTED, Outcome.RESUBMITTED})


class Journey:
    """A request, its history and what belongs to them; held together until nothing of it will change any more."""

    def __init__(
        self, ledger: Ledger, office: Office, requester: Player, topic: Topic, places: dict[str, str], aim: Aim | None
    ) -> None:
        """Begin with nothing written yet."""
        self.ledger = ledger
        self.office = office
        self.random = office.random
        self.requester = requester
        self.topic = topic
        self.places = places
        self.aim = aim
        self.change: Row = {}
        self.activities: list[Row] = []
        self.records: list[tuple[str, Row]] = []
        #: Rows of further tables in the order in which they came to be.
        self.others: list[tuple[str, Row]] = []
        self.parts: dict[Duty, frozenset[int]] = {Duty.REQUEST: frozenset({requester.id})}
        self.taken: Counter[Outcome] = Counter()
        self.documents: set[str] = set()
        #: What the review of the asset list found.
        self.choices: list[Choice] = []
        self.deviations: list[Row] = []
        #: Ids of those whose disposal is planned.
        self.awaited: set[int] = set()
        #: Where the present step was reached and, if it is, taken up, in the office's working seconds.
        self.arrived = 0
        self.taken_up: int | None = None
        self.actor: Player | None = None
        self.delegation: Delegation | None = None
        #: How many things will still happen beside its moves.
        self.pending = 0
        self._last_approval: int | None = None
        self._position: Position | None = None

    # -- where it stands ---------------------------------------------------------------------------------------

    @property
    def step(self) -> Step:
        """The present step."""
        step: Step = self.change["step"]
        return step

    @property
    def id(self) -> int:
        """The request's id."""
        id_: int = self.change["id"]
        return id_

    @property
    def position(self) -> Position:
        """Where it stands, as the rules see it; asked for often, so it is kept until the next move."""
        if self._position is None:
            self._position = self._new_position()
        return self._position

    def _new_position(self) -> Position:
        change = self.change
        return Position(
            step=change["step"],
            urgency=change["urgency"],
            requester_id=self.requester.id,
            duties=self.parts,
            refused=change["is_refused"],
            test_failed=change["is_undone"],
            rolled_back=change["is_rolled_back"],
            conditions=_conditions(
                bool(change["on_behalf_of"]),
                change["kind"] is ChangeKind.ACCOUNT,
                change["urgency"] is Urgency.EMERGENCY,
            ),
            assignee_id=self.activities[-1]["held_by_id"],
        )

    def has_deviated(self, user_id: int) -> bool:
        """Whether ``user_id`` would verify deviations of their own, which a delegate may not dispose of."""
        is_verified_here = Outcome.VERIFIED in self.office.paper.rules[self.step].leads_to
        return is_verified_here and any(
            user_id in {row["executor_id"], row["accounted_by_id"]} for row in deviations.undisposed(self)
        )

    def records_of(self, table: str) -> list[Row]:
        """Return the records of one kind, in order."""
        return [record for name, record in self.records if name == table]

    def open_moves(self) -> list[Move]:
        """Return the moves that its history leaves open to whoever may act."""
        step, position = self.step, self.position
        moves = (Move(step, outcome, target) for outcome, target in self.office.paper.rules[step].leads_to.items())
        return [move for move in moves if reason_move_blocked(move, position) is None]

    # -- what happens to it ------------------------------------------------------------------------------------

    def begin(self, said: Row, at: dt.datetime) -> list[Told]:
        """Write the draft down and return what the trail says of it."""
        office = self.office
        self.change = {
            **_BLANK,
            **said,
            "id": self.ledger.next_id("change_request"),
            "agency_id": office.agency.id,
            "sop_id": office.sop_id,
            "step": office.paper.first_step,
            "is_refused": False,
            "is_undone": False,
            "is_rolled_back": False,
            "revision": 1,
            "version": 1,
            "requester_id": self.requester.id,
            "created_at": at,
        }
        return inserted("change_request", self.change) + self._arrive_at(office.paper.first_step, at)

    def take_up(self, at: dt.datetime) -> list[Told]:
        """Take the present step into the actor's hands."""
        assert self.actor is not None  # noqa: S101 - nobody takes up what nobody may do
        own = {"taken_up_at": at, "taken_up_by_id": self.actor.id, "held_by_id": self.actor.id}
        return self._alter_activity(own) + self._alter({"version": self.change["version"] + 1})

    def hand_over(self, to: Player, by: Player, reason: str, at: dt.datetime) -> list[Told]:
        """Put the present step into the hands of ``to``, who finishes it."""
        assert self.actor is not None  # noqa: S101 - as above
        row = {
            "agency_id": self.office.agency.id,
            "change_id": self.id,
            "activity_id": self.activities[-1]["id"],
            "from_id": self.actor.id,
            "to_id": to.id,
            "by_id": by.id,
            "at": at,
            "reason": reason,
        }
        self.actor = to
        told = self._add("handover", row, change=self.id) + self._alter_activity({"held_by_id": to.id})
        return told + self._alter({"version": self.change["version"] + 1})

    def sweep(self, at: dt.datetime) -> list[Told]:
        """Raise that the open step is overdue, if it is."""
        late_ = deviations.lateness(self, at)
        raised = deviations.raise_on(self, [lateness_deviation(late_)] if late_ else [], at, while_open=True)
        return [told for row in raised for told in inserted("deviation", row, change=self.id)]

    def finish(self, move: Move, at: dt.datetime) -> list[Told]:
        """Make ``move`` in the name of ``self.actor`` and return what the trail says of it."""
        actor = self.actor
        assert actor is not None  # noqa: S101 - nobody finishes what nobody may do
        step, outcome = move.origin, move.outcome
        values = filled_in(self, step, outcome, actor, at)
        reason = reason_for(self, outcome)
        items = required_items(self.office.paper.rules[step], self.position)
        absent = deviations.absent_items(self, items)
        equipment = sorted(item.key for item in items if item.kind is ItemKind.EQUIPMENT and item.key not in absent)
        told = self._attach(step, [item for item in items if item.key not in absent], actor, at)
        found, said = self._decide(move, actor, {**values, "reason": reason}, equipment, at)
        told += self._record(step, outcome, values, actor, at)
        if outcome is Outcome.VERIFIED:
            for row in deviations.undisposed(self):
                told += deviations.dispose(self, row, actor, self.delegation, at)
        told += deviations.answer(self, found, said, actor, at)
        told += self._alter_activity(
            {
                "finished_at": at,
                "outcome": outcome,
                "target": move.target,
                "actor_id": actor.id,
                "capacity": self.office.capacity(step, self.delegation),
                "delegation_id": self.delegation.id if self.delegation else None,
                "reason": reason,
                "equipment": equipment,
            }
        )
        return told + self._go_on(move, values if step in REQUESTER_STEPS else {}, actor, at)

    def _go_on(self, move: Move, altered: Row, actor: Player, at: dt.datetime) -> list[Told]:
        """Settle what ``move`` settles and arrive where it leads."""
        if part := STEP_DUTIES.get(move.origin):
            self.parts[part] = self.parts.get(part, frozenset()) | {actor.id}
        if move.origin is Step.APPROVAL:
            self._last_approval = self.activities[-1]["id"]
        self.taken[move.outcome] += 1
        told = self._alter({**altered, **self._settled(move, at)})
        if move.outcome is Outcome.SUBMITTED:
            told += self.office.counters.told()
        if move.outcome in _ASKING:
            told += self._keep_revision(at)
        return told if move.target is Step.CLOSED else told + self._arrive_at(move.target, at)

    def write(self) -> None:
        """Hand all rows to the ledger: nothing of them will change any more."""
        self.ledger.add("change_request", self.change)
        for activity in self.activities:
            self.ledger.add("activity", activity)
        for table, row in (*self.records, *self.others):
            self.ledger.add(table, row)
        for row in self.deviations:
            self.ledger.add("deviation", row)

    # -- its parts ---------------------------------------------------------------------------------------------

    def _decide(
        self, move: Move, actor: Player, values: Row, equipment: list[str], at: dt.datetime
    ) -> tuple[tuple[DetectedDeviation, ...], Row]:
        """Ask the rules, which refuse what the register must not hold; return new deviations, and all accounts."""
        paper, position = self.office.paper, self.position
        if move.origin in REQUESTER_STEPS:
            values = {**{field.key: self.change[field.key] for field in REQUEST_FIELDS}, **values}
        values |= deviations.lacking_outputs(self, move.origin)
        raised = [deviations.found_of(row) for row in self.deviations if row["account"] is None]
        at_hand = Evidence(
            values=values,
            attached_documents=self.documents,
            confirmed_equipment=equipment,
            lateness=deviations.lateness(self, at),
            raised_deviations=raised,
        )
        found = deviations_of(paper, position, move.outcome, at_hand)
        said = deviations.accounts(self, (*raised, *found)) if raised or found else {}
        values |= said
        decide(paper, position, move.outcome, person(actor, stands_in=self.delegation is not None), at_hand)
        return found, said

    def _settled(self, move: Move, at: dt.datetime) -> Row:
        """Return what ``move`` settles on the request itself."""
        change = self.change
        settled: Row = {"step": move.target, "version": change["version"] + 1}
        if move.outcome is Outcome.SUBMITTED:
            year = at.astimezone(self.office.agency.zone).year
            serial = self.office.counters.next(year)
            settled |= {"year": year, "serial": serial, "number": request_number(year, serial), "submitted_at": at}
        elif move.outcome is Outcome.RESUBMITTED:
            settled["revision"] = change["revision"] + 1
        elif move.outcome in OUTCOME_EFFECTS:
            name, value = OUTCOME_EFFECTS[move.outcome]
            settled[name] = value
        if result := result_of(move, rolled_back=change["is_rolled_back"]):
            settled |= {"result": result, "closed_at": at}
        return settled

    def _alter(self, values: Row) -> list[Told]:
        told = updated("change_request", self.id, self.change, values)
        self.change |= values
        self._position = None
        return told

    def _keep_revision(self, at: dt.datetime) -> list[Told]:
        content = {field.key: to_json_value(self.change[field.key]) for field in REQUEST_FIELDS}
        return self._add(
            "change_revision",
            {"change_id": self.id, "revision": self.change["revision"], "submitted_at": at, "content": content},
            change=self.id,
        )

    def _arrive_at(self, step: Step, at: dt.datetime) -> list[Told]:
        """Open the next activity and its record."""
        rule = self.office.paper.rules[step]
        sequence = len(self.activities) + 1
        activity = {
            **_BLANK_ACTIVITY,
            "id": self.ledger.next_id("activity"),
            "agency_id": self.office.agency.id,
            "change_id": self.id,
            "sop_id": self.office.sop_id,
            "requester_id": self.requester.id,
            "sequence": sequence,
            "previous_sequence": sequence - 1 or None,
            "revision": self.change["revision"],
            "step": step,
            "actor_role": rule.actor,
            "standard_minutes": rule.standard.minutes if rule.standard else None,
            "arrived_at": at,
            "equipment": [],
            "declared": {},
        }
        self.activities.append(activity)
        self._position = None
        told = inserted("activity", activity, change=self.id)
        if step in _BLANK_RECORDS:
            table, blank = _BLANK_RECORDS[step]
            record = {**blank, "id": activity["id"]}
            if step is Step.EVALUATION and self.change["is_refused"]:
                record["answers_id"] = self._last_approval
            if step is Step.ASSET_UPDATE:
                record["draft"] = {}
            self.records.append((table, record))
            told += inserted(table, record, change=self.id)
        return told

    def _alter_activity(self, values: Row) -> list[Told]:
        activity = self.activities[-1]
        told = updated("activity", activity["id"], activity, values, change=self.id)
        activity.update(values)
        self._position = None
        return told

    def _record(self, step: Step, outcome: Outcome, values: Row, actor: Player, at: dt.datetime) -> list[Told]:
        """Put ``values`` where each field of the step is kept."""
        if step in REQUESTER_STEPS:
            return []
        table, record = self.records[-1]
        own: Row = {}
        told: list[Told] = []
        for field in RECORD_FIELDS[step]:
            if field.key not in values:
                continue
            value = values[field.key]
            match field.kind:
                case FieldKind.TEST_CASES:
                    told += self._list("test_case", "run_id", value)
                case FieldKind.ASSETS:
                    told += self._list("asset_review_item", "review_id", value)
                case FieldKind.TOUCHED_ASSETS:
                    told += self._list("release_asset", "release_id", value)
                case FieldKind.MUTATIONS:
                    own["draft"] = {"rows": value}
                case _:
                    own[field.key] = value
        told = updated(table, record["id"], record, own, change=self.id) + told
        record.update(own)
        if outcome is Outcome.UPDATED:
            told += self._mutate(values["mutations"], record["id"], actor, at)
        return told

    def _list(self, table: str, owner: str, rows: list[Row]) -> list[Told]:
        id_ = self.activities[-1]["id"]
        return [
            told
            for place, row in enumerate(rows, 1)
            for told in self._add(table, {owner: id_, "position": place, **row})
        ]

    def _mutate(self, rows: list[Row], update_id: int, actor: Player, at: dt.datetime) -> list[Told]:
        mutations, told = self.office.inventory.apply(rows, self.id, update_id, at, actor.id)
        self.others += [("asset_mutation", mutation) for mutation in mutations]
        return told

    def _add(self, table: str, row: Row, *, change: int | None = None) -> list[Told]:
        """Keep a new row of a further table and return what the trail says of it."""
        row = {"id": self.ledger.next_id(table), **row}
        self.others.append((table, row))
        return inserted(table, row, change=change)

    # -- its files ---------------------------------------------------------------------------------------------

    def _attach(self, step: Step, items: list[RequiredItem], actor: Player, at: dt.datetime) -> list[Told]:
        """Attach what the paper asks for here and is there, and now and then something more."""
        told: list[Told] = []
        for item in items:
            if item.kind is ItemKind.DOCUMENT and item.key not in self.documents:
                self.documents.add(item.key)
                told += self._file(self.random.choice(self.office.letters[item.key]), item.key, actor, at)
        for kind, chance in self.office.extras.get(step, ()):
            if self.random.random() < chance:
                told += self._file(self.random.choice(self.office.letters[kind]), None, actor, at)
        return told

    def _file(self, file: Attachment, item_key: str | None, actor: Player, at: dt.datetime) -> list[Told]:
        told = self.office.shelf.keep(file)
        document = {
            "agency_id": self.office.agency.id,
            "change_id": self.id,
            "activity_id": self.activities[-1]["id"],
            "delegation_id": None,
            "item_key": item_key,
            "name": file.name,
            "media_type": file.media_type,
            "size": len(file.content),
            "sha256": file.sha256,
            "uploaded_by_id": actor.id,
            "uploaded_at": at,
        }
        return told + self._add("document", document, change=self.id)


@cache
def _conditions(*hold: bool) -> frozenset[RequirementCondition]:
    """Return the conditions that hold, of: by proxy, an account, an emergency."""
    conditions = (RequirementCondition.BY_PROXY, RequirementCondition.ACCOUNT, RequirementCondition.EMERGENCY)
    return frozenset(condition for condition, holds in zip(conditions, hold, strict=True) if holds)
