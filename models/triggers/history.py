"""What is refused of the trail, of a request and of its history."""

from __future__ import annotations

from lpse_admin.workflow.record_fields import REQUEST_FIELDS
from models.triggers.deny import DenyTrigger, any_column_changed, deny_update_and_delete

#: What the requester asks for; it can be altered while the request is theirs to write.
_REQUEST_FIELDS_CHANGED = any_column_changed(*(field.key for field in REQUEST_FIELDS))

#: The outcome that settled a question last, where it is the second of the two.
_LAST_OUTCOME_IS = (
    "'{bad}' = (SELECT a.outcome FROM activity a WHERE a.change_id = OLD.change_id"
    " AND a.outcome IN ('{good}', '{bad}') ORDER BY a.sequence DESC LIMIT 1)"
)

DENY_TRIGGERS: tuple[DenyTrigger, ...] = (
    *deny_update_and_delete("audit_entry", "audit_entry is append-only"),
    *deny_update_and_delete("audit_row", "audit_row is append-only"),
    DenyTrigger(
        "audit_chain_only_grows",
        "audit_chain",
        "UPDATE",
        "a chain only grows",
        "NEW.chain <> OLD.chain OR NEW.number < OLD.number OR (NEW.number = OLD.number AND NEW.hash <> OLD.hash)",
    ),
    DenyTrigger("audit_chain_kept", "audit_chain", "DELETE", "a chain cannot be deleted"),
    DenyTrigger("activity_frozen", "activity", "UPDATE", "a finished step cannot be changed",
        "OLD.finished_at IS NOT NULL"),
    DenyTrigger(
        "activity_kept",
        "activity",
        "DELETE",
        "a step of a submitted request cannot be deleted",
        "OLD.finished_at IS NOT NULL OR (SELECT submitted_at FROM change_request c WHERE c.id = OLD.change_id)"
        " IS NOT NULL",
    ),
    DenyTrigger(
        "activity_in_its_place",
        "activity",
        "UPDATE",
        "a step keeps its request, its place and the time of its arrival",
        any_column_changed("change_id", "agency_id", "requester_id", "sequence", "step", "revision", "arrived_at")
        + " OR (OLD.taken_up_at IS NOT NULL AND (" + any_column_changed("taken_up_at", "taken_up_by_id") + "))",
    ),
    DenyTrigger(
        "activity_after_refusal",
        "activity",
        "UPDATE",
        "a refused request is not carried out without the head",
        "NEW.target = 'implementation' AND NEW.outcome <> 'approved' AND "
        + _LAST_OUTCOME_IS.format(good="approved", bad="refused"),
    ),
    DenyTrigger(
        "activity_nothing_to_release",
        "activity",
        "UPDATE",
        "nothing is released after a failed test or a roll back",
        "NEW.outcome = 'scheduled' AND (EXISTS (SELECT 1 FROM activity a WHERE a.change_id = OLD.change_id"
        " AND a.outcome = 'rolled-back') OR " + _LAST_OUTCOME_IS.format(good="passed", bad="failed") + ")",
    ),
    DenyTrigger(
        "change_request_moves_with_its_history",
        "change_request",
        "UPDATE",
        "a request stands where its last finished step led",
        "NEW.step <> OLD.step AND NEW.step IS DISTINCT FROM (SELECT a.target FROM activity a"
        " WHERE a.change_id = OLD.id AND a.finished_at IS NOT NULL ORDER BY a.sequence DESC LIMIT 1)",
    ),
    DenyTrigger(
        "change_request_says_what_was_asked",
        "change_request",
        "UPDATE",
        "what was submitted cannot be changed",
        f"OLD.step NOT IN ('request', 'returned') AND ({_REQUEST_FIELDS_CHANGED})",
    ),
    DenyTrigger(
        "change_request_closed",
        "change_request",
        "UPDATE",
        "a closed request cannot be changed",
        "OLD.closed_at IS NOT NULL AND ("
        + any_column_changed("step", "result", "closed_at", "urgency", "is_refused", "is_undone", "is_rolled_back",
                             "revision")
        + ")",
    ),
    DenyTrigger(
        "change_request_kept",
        "change_request",
        "DELETE",
        "a submitted request cannot be deleted",
        "OLD.submitted_at IS NOT NULL",
    ),
    DenyTrigger(
        "change_request_numbered_once",
        "change_request",
        "UPDATE",
        "the number of a request cannot be changed",
        "OLD.number IS NOT NULL AND ("
        + any_column_changed("number", "year", "serial", "submitted_at", "agency_id", "sop_id", "requester_id",
                             "created_at")
        + ")",
    ),
    DenyTrigger("change_revision_frozen", "change_revision", "UPDATE", "a submitted revision cannot be changed"),
    DenyTrigger("change_revision_kept", "change_revision", "DELETE", "a submitted revision cannot be deleted"),
)  # fmt: skip
