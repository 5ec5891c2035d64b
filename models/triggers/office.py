"""What is refused of the papers of an office, and of what its people decided, set and were told."""

from __future__ import annotations

from models.triggers.deny import DenyTrigger, any_column_changed, deny_update_and_delete

DENY_TRIGGERS: tuple[DenyTrigger, ...] = (
    DenyTrigger(
        "sop_says_what_was_loaded",
        "sop",
        "UPDATE",
        "a loaded paper cannot be changed",
        any_column_changed("agency_id", "key", "revision", "number", "title", "source", "digest", "loaded_at")
        + " OR (OLD.enacted_at IS NOT NULL AND (" + any_column_changed("enacted_at", "enacted_by_id") + "))",
    ),
    *(
        DenyTrigger(f"{table}_only_of_a_draft", table, "INSERT", "a paper in force gets no further rows",
            "(SELECT state FROM sop s WHERE s.id = NEW.sop_id) <> 'draft'")
        for table in ("sop_step", "sop_move")
    ),
    DenyTrigger(
        "delegation_stands",
        "delegation",
        "UPDATE",
        "a delegation can only be withdrawn, once",
        any_column_changed("agency_id", "head_id", "delegate_id", "kind", "decree_number", "from_date", "until_date",
                 "recorded_by_id", "recorded_at")
        + " OR (OLD.withdrawn_at IS NOT NULL AND ("
        + any_column_changed("withdrawn_at", "withdrawn_by_id", "withdrawn_reason") + "))",
    ),
    DenyTrigger("delegation_kept", "delegation", "DELETE", "a delegation is withdrawn, not deleted"),
    DenyTrigger(
        "deviation_stands",
        "deviation",
        "UPDATE",
        "a deviation is accounted for and disposed of once, and keeps what it says",
        any_column_changed("agency_id", "change_id", "activity_id", "step", "kind", "subject", "what", "standard",
                 "allowed_minutes", "raised_at", "was_open")
        + " OR (OLD.account IS NOT NULL AND ("
        + any_column_changed("account", "accounted_at", "accounted_by_id", "measured_minutes", "executor_id")
        + ")) OR (OLD.disposal IS NOT NULL AND ("
        + any_column_changed("disposal", "disposal_note", "disposed_at", "disposed_by_id", "disposed_capacity",
                             "delegation_id",
                   "follow_up_by_id", "follow_up_until")
        + ")) OR (OLD.followed_up_at IS NOT NULL AND ("
        + any_column_changed("followed_up_at", "followed_up_by_id", "follow_up_note") + "))",
    ),
    DenyTrigger("deviation_kept", "deviation", "DELETE", "a deviation is settled, not deleted"),
    DenyTrigger(
        "activity_finished_with_its_accounts",
        "activity",
        "UPDATE",
        "a step is finished when its deviations are accounted for",
        "OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL AND EXISTS"
        " (SELECT 1 FROM deviation d WHERE d.activity_id = OLD.id AND d.account IS NULL)",
    ),
    DenyTrigger(
        "activity_verified_with_its_disposals",
        "activity",
        "UPDATE",
        "a report is verified when the deviations before it are disposed of",
        "NEW.outcome = 'verified' AND OLD.finished_at IS NULL AND EXISTS"
        " (SELECT 1 FROM deviation d WHERE d.change_id = OLD.change_id AND d.activity_id <> OLD.id"
        " AND d.disposal IS NULL)",
    ),
    *deny_update_and_delete("handover", "a hand-over stays as it is"),
    *(
        DenyTrigger(f"{table}_of_its_office", table, "UPDATE", "what an office sets stays with its office and its day",
            any_column_changed("agency_id", *days))
        for table, days in (("office_day", ("date",)), ("working_hours", ("since",)), ("threshold", ()),
                            ("ramadan_month", ("first_day", "last_day")))
    ),
    DenyTrigger(
        "notification_stands",
        "notification",
        "UPDATE",
        "a notification can only be read, once",
        any_column_changed("agency_id", "user_id", "event", "change_id", "activity_id", "key", "at")
        + " OR CAST(NEW.details AS TEXT) <> CAST(OLD.details AS TEXT)"
        + " OR (OLD.read_at IS NOT NULL AND (" + any_column_changed("read_at") + "))",
    ),
    DenyTrigger("notification_kept", "notification", "DELETE", "a notification is kept"),
    DenyTrigger(
        "mail_sent_once",
        "mail",
        "UPDATE",
        "a mail that was sent is not sent again, and keeps its reader",
        "OLD.state = 'sent' OR " + any_column_changed("notification_id", "agency_id")
        # One that failed for its address may go to another.
        + " OR ((" + any_column_changed("address") + ") AND NOT (OLD.state = 'failed' AND NEW.state = 'waiting'))"
        + " OR (OLD.message_id IS NOT NULL AND (" + any_column_changed("message_id") + "))",
    ),
    DenyTrigger("mail_kept", "mail", "DELETE", "a mail stays in the outbox"),
    DenyTrigger(
        "absence_of_a_head",
        "absence",
        "INSERT",
        "an absence is that of a head of the agency",
        "NOT EXISTS (SELECT 1 FROM user_account u WHERE u.id = NEW.head_id AND u.agency_id = NEW.agency_id"
        " AND u.is_head)",
    ),
    DenyTrigger(
        "absence_apart",
        "absence",
        "INSERT",
        "two absences of one head do not overlap",
        "EXISTS (SELECT 1 FROM absence a WHERE a.head_id = NEW.head_id AND a.ended_at IS NULL"
        " AND (NEW.until_date IS NULL OR a.from_date <= NEW.until_date)"
        " AND (a.until_date IS NULL OR a.until_date >= NEW.from_date))",
    ),
    DenyTrigger(
        "absence_stands",
        "absence",
        "UPDATE",
        "an absence can only be ended, once",
        any_column_changed("agency_id", "head_id", "from_date", "until_date", "reason", "recorded_by_id", "recorded_at",
                 "recorded_because")
        + " OR (OLD.ended_at IS NOT NULL AND (" + any_column_changed("ended_at", "ended_by_id", "ended_because") + "))",
    ),
    DenyTrigger("absence_kept", "absence", "DELETE", "an absence is ended, not deleted"),
    DenyTrigger(
        "freeze_stands",
        "freeze_period",
        "UPDATE",
        "a freeze that is lifted, or that the head has allowed a release in, stays as it is",
        "OLD.lifted_at IS NOT NULL OR (EXISTS (SELECT 1 FROM freeze_permit p WHERE p.freeze_id = OLD.id) AND ("
        + any_column_changed("name", "from_at", "until_at", "environment", "reason") + ")) OR "
        + any_column_changed("agency_id", "entered_by_id", "entered_at"),
    ),
    DenyTrigger("freeze_kept", "freeze_period", "DELETE", "a freeze is lifted, not deleted"),
    DenyTrigger(
        "freeze_permit_within_one_agency",
        "freeze_permit",
        "INSERT",
        "the head allows a release of their own agency in a freeze of that agency",
        "NOT EXISTS (SELECT 1 FROM freeze_period f JOIN change_request c ON c.agency_id = f.agency_id"
        " WHERE f.id = NEW.freeze_id AND c.id = NEW.change_id AND f.agency_id = NEW.agency_id)",
    ),
    *deny_update_and_delete("freeze_permit", "what the head has allowed stays as it is"),
    DenyTrigger(
        "calendar_feed_revoked_once",
        "calendar_feed",
        "UPDATE",
        "the address of a calendar can only be revoked, once",
        any_column_changed("user_id", "agency_id", "token_hash", "made_at") + " OR OLD.revoked_at IS NOT NULL",
    ),
)  # fmt: skip
