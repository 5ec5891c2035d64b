"""What is refused of the papers of an office, and of what its people decided, set and were told."""

from __future__ import annotations

from models.triggers.deny import Ban, both, changes

BANS: tuple[Ban, ...] = (
    Ban(
        "sop_says_what_was_loaded",
        "sop",
        "UPDATE",
        "a loaded paper cannot be changed",
        changes("agency_id", "key", "revision", "number", "title", "source", "digest", "loaded_at")
        + " OR (OLD.enacted_at IS NOT NULL AND (" + changes("enacted_at", "enacted_by_id") + "))",
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
        changes("agency_id", "head_id", "delegate_id", "kind", "decree_number", "from_date", "until_date",
                 "recorded_by_id", "recorded_at")
        + " OR (OLD.withdrawn_at IS NOT NULL AND ("
        + changes("withdrawn_at", "withdrawn_by_id", "withdrawn_reason") + "))",
    ),
    Ban("delegation_kept", "delegation", "DELETE", "a delegation is withdrawn, not deleted"),
    Ban(
        "deviation_stands",
        "deviation",
        "UPDATE",
        "a deviation is accounted for and disposed of once, and keeps what it says",
        changes("agency_id", "change_id", "activity_id", "step", "kind", "subject", "what", "standard",
                 "allowed_minutes", "raised_at", "was_open")
        + " OR (OLD.account IS NOT NULL AND ("
        + changes("account", "accounted_at", "accounted_by_id", "measured_minutes", "executor_id")
        + ")) OR (OLD.disposal IS NOT NULL AND ("
        + changes("disposal", "disposal_note", "disposed_at", "disposed_by_id", "disposed_capacity", "delegation_id",
                   "follow_up_by_id", "follow_up_until")
        + ")) OR (OLD.followed_up_at IS NOT NULL AND ("
        + changes("followed_up_at", "followed_up_by_id", "follow_up_note") + "))",
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
    *both("handover", "a hand-over stays as it is"),
    *(
        Ban(f"{table}_of_its_office", table, "UPDATE", "what an office sets stays with its office and its day",
            changes("agency_id", *days))
        for table, days in (("office_day", ("date",)), ("working_hours", ("since",)), ("threshold", ()),
                            ("ramadan_month", ("first_day", "last_day")))
    ),
    Ban(
        "notification_stands",
        "notification",
        "UPDATE",
        "a notification can only be read, once",
        changes("agency_id", "user_id", "event", "change_id", "activity_id", "key", "at")
        + " OR CAST(NEW.details AS TEXT) <> CAST(OLD.details AS TEXT)"
        + " OR (OLD.read_at IS NOT NULL AND (" + changes("read_at") + "))",
    ),
    Ban("notification_kept", "notification", "DELETE", "a notification is kept"),
    Ban(
        "mail_sent_once",
        "mail",
        "UPDATE",
        "a mail that was sent is not sent again, and keeps its reader",
        "OLD.state = 'sent' OR " + changes("notification_id", "agency_id")
        # One that failed for its address may go to another.
        + " OR ((" + changes("address") + ") AND NOT (OLD.state = 'failed' AND NEW.state = 'waiting'))"
        + " OR (OLD.message_id IS NOT NULL AND (" + changes("message_id") + "))",
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
        changes("agency_id", "head_id", "from_date", "until_date", "reason", "recorded_by_id", "recorded_at",
                 "recorded_because")
        + " OR (OLD.ended_at IS NOT NULL AND (" + changes("ended_at", "ended_by_id", "ended_because") + "))",
    ),
    Ban("absence_kept", "absence", "DELETE", "an absence is ended, not deleted"),
    Ban(
        "freeze_stands",
        "freeze_period",
        "UPDATE",
        "a freeze that is lifted, or that the head has allowed a release in, stays as it is",
        "OLD.lifted_at IS NOT NULL OR (EXISTS (SELECT 1 FROM freeze_permit p WHERE p.freeze_id = OLD.id) AND ("
        + changes("name", "from_at", "until_at", "environment", "reason") + ")) OR "
        + changes("agency_id", "entered_by_id", "entered_at"),
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
    *both("freeze_permit", "what the head has allowed stays as it is"),
    Ban(
        "calendar_feed_revoked_once",
        "calendar_feed",
        "UPDATE",
        "the address of a calendar can only be revoked, once",
        changes("user_id", "agency_id", "token_hash", "made_at") + " OR OLD.revoked_at IS NOT NULL",
    ),
)  # fmt: skip
