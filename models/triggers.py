"""Triggers: what CHECKs and keys cannot say, said by both databases themselves.

Each rule is a name, a table, an event, and a condition on the old row under which the statement is refused. The
migration holds a literal copy of the statements made here, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import DDL, event

from lpse_admin.records import REQUEST_FIELDS
from models import search_index
from models.base import Base

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Ban:
    """A statement on ``table`` that is refused where ``when`` holds for the row.

    TRUNCATE, which only PostgreSQL has, is always refused: it reaches no row's trigger.
    """

    name: str
    table: str
    event: str
    says: str
    when: str = ""

    def sqlite(self) -> str:
        """Return the statement that makes this trigger on SQLite."""
        condition = f" WHEN {self.when}" if self.when else ""
        return (
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW{condition}"
            f" BEGIN SELECT RAISE(ABORT, '{self.says}'); END"
        )

    def postgresql(self) -> tuple[str, str]:
        """Return the statements that make the function and its trigger on PostgreSQL."""
        answer = {"DELETE": "OLD", "TRUNCATE": "NULL"}.get(self.event, "NEW")
        condition = self.when or "TRUE"
        each = "STATEMENT" if self.event == "TRUNCATE" else "ROW"
        return (
            f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN"
            f" RAISE EXCEPTION '{self.says}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
            f" RETURN {answer}; END $$",
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table}"
            f" FOR EACH {each} EXECUTE FUNCTION {self.name}()",
        )


_STEP_IS_FINISHED = "(SELECT finished_at FROM activity WHERE activity.id = OLD.{key}) IS NOT NULL"


def _frozen(table: str, key: str = "id") -> Iterator[Ban]:
    """Refuse changes to a record of a step that is finished."""
    for kind in ("UPDATE", "DELETE"):
        yield Ban(
            f"{table}_frozen_{kind.lower()}",
            table,
            kind,
            "the record of a finished step cannot be changed",
            _STEP_IS_FINISHED.format(key=key),
        )


def _changes(*columns: str) -> str:
    """Return the condition that an update changes one of ``columns``."""
    return " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)


_RELEASE_BUT_ACTUAL_TIME = _changes(
    "version", "window_start_at", "window_end_at", "environment", "downtime_minutes", "audience", "person_in_charge",
    "overlap_reason",
)  # fmt: skip

#: What the requester asks for; it can be altered while the request is theirs to write.
_ASKED = _changes(*(field.key for field in REQUEST_FIELDS))

#: The outcome that settled a question last, where it is the second of the two.
_LAST_IS = (
    "'{bad}' = (SELECT a.outcome FROM activity a WHERE a.change_id = OLD.change_id"
    " AND a.outcome IN ('{good}', '{bad}') ORDER BY a.sequence DESC LIMIT 1)"
)

BANS: tuple[Ban, ...] = (
    *(
        Ban(f"{table}_no_{kind.lower()}", table, kind, f"{table} is append-only")
        for table in ("audit_entry", "audit_row")
        for kind in ("UPDATE", "DELETE")
    ),
    Ban(
        "audit_chain_only_grows",
        "audit_chain",
        "UPDATE",
        "a chain only grows",
        "NEW.chain <> OLD.chain OR NEW.number < OLD.number OR (NEW.number = OLD.number AND NEW.hash <> OLD.hash)",
    ),
    Ban("audit_chain_kept", "audit_chain", "DELETE", "a chain cannot be deleted"),
    Ban("activity_frozen", "activity", "UPDATE", "a finished step cannot be changed", "OLD.finished_at IS NOT NULL"),
    Ban(
        "activity_kept",
        "activity",
        "DELETE",
        "a step of a submitted request cannot be deleted",
        "OLD.finished_at IS NOT NULL OR (SELECT submitted_at FROM change_request c WHERE c.id = OLD.change_id)"
        " IS NOT NULL",
    ),
    Ban(
        "activity_in_its_place",
        "activity",
        "UPDATE",
        "a step keeps its request, its place and the time of its arrival",
        _changes("change_id", "agency_id", "requester_id", "sequence", "step", "revision", "arrived_at")
        + " OR (OLD.taken_up_at IS NOT NULL AND (" + _changes("taken_up_at", "taken_up_by_id") + "))",
    ),
    Ban(
        "activity_after_refusal",
        "activity",
        "UPDATE",
        "a refused request is not carried out without the head",
        "NEW.target = 'implementation' AND NEW.outcome <> 'approved' AND "
        + _LAST_IS.format(good="approved", bad="refused"),
    ),
    Ban(
        "activity_nothing_to_release",
        "activity",
        "UPDATE",
        "nothing is released after a failed test or a roll back",
        "NEW.outcome = 'scheduled' AND (EXISTS (SELECT 1 FROM activity a WHERE a.change_id = OLD.change_id"
        " AND a.outcome = 'rolled-back') OR " + _LAST_IS.format(good="passed", bad="failed") + ")",
    ),
    Ban(
        "change_request_moves_with_its_history",
        "change_request",
        "UPDATE",
        "a request stands where its last finished step led",
        "NEW.step <> OLD.step AND NEW.step IS DISTINCT FROM (SELECT a.target FROM activity a"
        " WHERE a.change_id = OLD.id AND a.finished_at IS NOT NULL ORDER BY a.sequence DESC LIMIT 1)",
    ),
    Ban(
        "change_request_says_what_was_asked",
        "change_request",
        "UPDATE",
        "what was submitted cannot be changed",
        f"OLD.step NOT IN ('request', 'returned') AND ({_ASKED})",
    ),
    Ban(
        "change_request_closed",
        "change_request",
        "UPDATE",
        "a closed request cannot be changed",
        "OLD.closed_at IS NOT NULL AND ("
        + _changes("step", "result", "closed_at", "urgency", "is_refused", "is_undone", "is_rolled_back", "revision")
        + ")",
    ),
    Ban(
        "change_request_kept",
        "change_request",
        "DELETE",
        "a submitted request cannot be deleted",
        "OLD.submitted_at IS NOT NULL",
    ),
    Ban(
        "change_request_numbered_once",
        "change_request",
        "UPDATE",
        "the number of a request cannot be changed",
        "OLD.number IS NOT NULL AND ("
        + _changes("number", "year", "serial", "submitted_at", "agency_id", "sop_id", "requester_id", "created_at")
        + ")",
    ),
    Ban("change_revision_frozen", "change_revision", "UPDATE", "a submitted revision cannot be changed"),
    Ban("change_revision_kept", "change_revision", "DELETE", "a submitted revision cannot be deleted"),
    *(
        ban
        for table in (
            "evaluation", "urgency_assessment", "approval", "implementation", "test_run", "rollback", "report",
            "verification", "asset_review", "asset_update",
        )
        for ban in _frozen(table)
    ),
    Ban(
        "release_frozen_update",
        "release",
        "UPDATE",
        "only the actual time may be added to a finished release",
        f"{_STEP_IS_FINISHED.format(key='id')} AND ({_RELEASE_BUT_ACTUAL_TIME}"
        " OR (OLD.actual_at IS NOT NULL AND OLD.actual_at IS DISTINCT FROM NEW.actual_at))",
    ),
    Ban(
        "release_frozen_delete",
        "release",
        "DELETE",
        "the record of a finished step cannot be changed",
        _STEP_IS_FINISHED.format(key="id"),
    ),
    *_frozen("test_case", "run_id"),
    *_frozen("asset_review_item", "review_id"),
    *_frozen("release_asset", "release_id"),
    *(
        Ban(f"document_frozen_{kind.lower()}", "document", kind, "a file of a finished step stays as it is",
            _STEP_IS_FINISHED.format(key="activity_id"))
        for kind in ("UPDATE", "DELETE")
    ),
    *(
        Ban(f"{table}_no_{kind.lower()}", table, kind, f"a row of {table} stays as it is")
        for table in ("asset_mutation", "sop_step", "sop_move", "file_content")
        for kind in ("UPDATE", "DELETE")
    ),
    Ban(
        "asset_mutation_of_its_request",
        "asset_mutation",
        "INSERT",
        "a mutation belongs to the asset update of the request that it names",
        "NOT EXISTS (SELECT 1 FROM activity a WHERE a.id = NEW.update_id AND a.change_id = NEW.change_id)",
    ),
    Ban(
        "asset_only_by_mutation",
        "asset",
        "UPDATE",
        "an item changes only through a request",
        # Until a request names it, what was typed in at its entry can be corrected, and no more than that.
        "NOT EXISTS (SELECT 1 FROM asset_mutation m WHERE m.asset_id = OLD.id)"
        " AND (EXISTS (SELECT 1 FROM asset_review_item i WHERE i.asset_id = OLD.id)"
        " OR EXISTS (SELECT 1 FROM release_asset r WHERE r.asset_id = OLD.id) OR "
        + _changes("agency_id", "card", "is_retired", "entered_at", "entered_by_id") + ")",
    ),
    Ban("asset_kept", "asset", "DELETE", "an item is taken off the list, not deleted"),
    Ban(
        "sop_says_what_was_loaded",
        "sop",
        "UPDATE",
        "a loaded paper cannot be changed",
        _changes("agency_id", "key", "revision", "number", "title", "source", "digest", "loaded_at")
        + " OR (OLD.enacted_at IS NOT NULL AND (" + _changes("enacted_at", "enacted_by_id") + "))",
    ),
    *(
        Ban(f"{table}_only_of_a_draft", table, "INSERT", "a paper in force gets no further rows",
            "(SELECT state FROM sop s WHERE s.id = NEW.sop_id) <> 'draft'")
        for table in ("sop_step", "sop_move")
    ),
    Ban(
        "delegation_stands",
        "delegation",
        "UPDATE",
        "a delegation can only be withdrawn, once",
        _changes("agency_id", "head_id", "delegate_id", "kind", "decree_number", "from_date", "until_date",
                 "recorded_by_id", "recorded_at")
        + " OR (OLD.withdrawn_at IS NOT NULL AND ("
        + _changes("withdrawn_at", "withdrawn_by_id", "withdrawn_reason") + "))",
    ),
    Ban("delegation_kept", "delegation", "DELETE", "a delegation is withdrawn, not deleted"),
    Ban(
        "deviation_stands",
        "deviation",
        "UPDATE",
        "a deviation is accounted for and disposed of once, and keeps what it says",
        _changes("agency_id", "change_id", "activity_id", "step", "kind", "subject", "what", "standard",
                 "allowed_minutes", "raised_at", "was_open")
        + " OR (OLD.account IS NOT NULL AND ("
        + _changes("account", "accounted_at", "accounted_by_id", "measured_minutes", "executor_id")
        + ")) OR (OLD.disposal IS NOT NULL AND ("
        + _changes("disposal", "disposal_note", "disposed_at", "disposed_by_id", "disposed_capacity", "delegation_id",
                   "follow_up_by_id", "follow_up_until")
        + ")) OR (OLD.followed_up_at IS NOT NULL AND ("
        + _changes("followed_up_at", "followed_up_by_id", "follow_up_note") + "))",
    ),
    Ban("deviation_kept", "deviation", "DELETE", "a deviation is settled, not deleted"),
    Ban(
        "activity_finished_with_its_accounts",
        "activity",
        "UPDATE",
        "a step is finished when its deviations are accounted for",
        "OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL AND EXISTS"
        " (SELECT 1 FROM deviation d WHERE d.activity_id = OLD.id AND d.account IS NULL)",
    ),
    Ban(
        "activity_verified_with_its_disposals",
        "activity",
        "UPDATE",
        "a report is verified when the deviations before it are disposed of",
        "NEW.outcome = 'verified' AND OLD.finished_at IS NULL AND EXISTS"
        " (SELECT 1 FROM deviation d WHERE d.change_id = OLD.change_id AND d.activity_id <> OLD.id"
        " AND d.disposal IS NULL)",
    ),
    *(
        Ban(f"handover_no_{kind.lower()}", "handover", kind, "a hand-over stays as it is")
        for kind in ("UPDATE", "DELETE")
    ),
    *(
        Ban(f"{table}_of_its_office", table, "UPDATE", "what an office sets stays with its office and its day",
            _changes("agency_id", *days))
        for table, days in (("office_day", ("date",)), ("working_hours", ("since",)), ("threshold", ()),
                            ("ramadan_month", ("first_day", "last_day")))
    ),
    Ban(
        "notification_stands",
        "notification",
        "UPDATE",
        "a notification can only be read, once",
        _changes("agency_id", "user_id", "event", "change_id", "activity_id", "key", "at")
        + " OR CAST(NEW.details AS TEXT) <> CAST(OLD.details AS TEXT)"
        + " OR (OLD.read_at IS NOT NULL AND (" + _changes("read_at") + "))",
    ),
    Ban("notification_kept", "notification", "DELETE", "a notification is kept"),
    Ban(
        "mail_sent_once",
        "mail",
        "UPDATE",
        "a mail that was sent is not sent again, and keeps its reader",
        "OLD.state = 'sent' OR " + _changes("notification_id", "agency_id")
        # One that failed for its address may go to another.
        + " OR ((" + _changes("address") + ") AND NOT (OLD.state = 'failed' AND NEW.state = 'waiting'))"
        + " OR (OLD.message_id IS NOT NULL AND (" + _changes("message_id") + "))",
    ),
    Ban("mail_kept", "mail", "DELETE", "a mail stays in the outbox"),
    Ban(
        "absence_of_a_head",
        "absence",
        "INSERT",
        "an absence is that of a head of the agency",
        "NOT EXISTS (SELECT 1 FROM user_account u WHERE u.id = NEW.head_id AND u.agency_id = NEW.agency_id"
        " AND u.is_head)",
    ),
    Ban(
        "absence_apart",
        "absence",
        "INSERT",
        "two absences of one head do not overlap",
        "EXISTS (SELECT 1 FROM absence a WHERE a.head_id = NEW.head_id AND a.ended_at IS NULL"
        " AND (NEW.until_date IS NULL OR a.from_date <= NEW.until_date)"
        " AND (a.until_date IS NULL OR a.until_date >= NEW.from_date))",
    ),
    Ban(
        "absence_stands",
        "absence",
        "UPDATE",
        "an absence can only be ended, once",
        _changes("agency_id", "head_id", "from_date", "until_date", "reason", "recorded_by_id", "recorded_at",
                 "recorded_because")
        + " OR (OLD.ended_at IS NOT NULL AND (" + _changes("ended_at", "ended_by_id", "ended_because") + "))",
    ),
    Ban("absence_kept", "absence", "DELETE", "an absence is ended, not deleted"),
    Ban(
        "freeze_stands",
        "freeze_period",
        "UPDATE",
        "a freeze that is lifted, or that the head has allowed a release in, stays as it is",
        "OLD.lifted_at IS NOT NULL OR (EXISTS (SELECT 1 FROM freeze_permit p WHERE p.freeze_id = OLD.id) AND ("
        + _changes("name", "from_at", "until_at", "environment", "reason") + ")) OR "
        + _changes("agency_id", "entered_by_id", "entered_at"),
    ),
    Ban("freeze_kept", "freeze_period", "DELETE", "a freeze is lifted, not deleted"),
    Ban(
        "freeze_permit_within_one_agency",
        "freeze_permit",
        "INSERT",
        "the head allows a release of their own agency in a freeze of that agency",
        "NOT EXISTS (SELECT 1 FROM freeze_period f JOIN change_request c ON c.agency_id = f.agency_id"
        " WHERE f.id = NEW.freeze_id AND c.id = NEW.change_id AND f.agency_id = NEW.agency_id)",
    ),
    *(
        Ban(f"freeze_permit_no_{kind.lower()}", "freeze_permit", kind, "what the head has allowed stays as it is")
        for kind in ("UPDATE", "DELETE")
    ),
    Ban(
        "calendar_feed_revoked_once",
        "calendar_feed",
        "UPDATE",
        "the address of a calendar can only be revoked, once",
        _changes("user_id", "agency_id", "token_hash", "made_at") + " OR OLD.revoked_at IS NOT NULL",
    ),
)  # fmt: skip

#: Tables that nobody empties at one stroke.
_NEVER_EMPTIED = tuple(dict.fromkeys(ban.table for ban in BANS if ban.event == "DELETE"))

#: What only PostgreSQL needs to be told.
ON_POSTGRESQL = tuple(
    Ban(f"{table}_no_truncate", table, "TRUNCATE", f"{table} cannot be emptied") for table in _NEVER_EMPTIED
)


def statements(dialect: str) -> list[tuple[str, str]]:
    """Return (table, statement) for all triggers of a dialect and what they keep, in the order of their making."""
    if dialect == "sqlite":
        bans = [(ban.table, ban.sqlite()) for ban in BANS]
    else:
        bans = [(ban.table, statement) for ban in (*BANS, *ON_POSTGRESQL) for statement in ban.postgresql()]
    return [*bans, *search_index.statements(dialect)]


def arm() -> None:
    """Make ``metadata.create_all`` set the triggers too."""
    for dialect in ("sqlite", "postgresql"):
        for _table, statement in statements(dialect):
            ddl = DDL(statement.replace("%", "%%")).execute_if(  # type: ignore[no-untyped-call]
                dialect=dialect
            )
            event.listen(Base.metadata, "after_create", ddl)


arm()
