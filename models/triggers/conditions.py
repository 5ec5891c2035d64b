"""Triggers on what a model cannot say of a row alone: what is inserted, and what other rows have to allow."""

from __future__ import annotations

from models.triggers.deny import DenyTrigger

#: The outcome that settled a question last, where it is the second of the two.
_LAST_OUTCOME_IS = (
    "'{bad}' = (SELECT a.outcome FROM activity a WHERE a.change_id = OLD.change_id"
    " AND a.outcome IN ('{good}', '{bad}') ORDER BY a.sequence DESC LIMIT 1)"
)
_IS_ROLLED_BACK = "EXISTS (SELECT 1 FROM activity a WHERE a.change_id = OLD.change_id AND a.outcome = 'rolled-back')"
#: A half-year is locked with all before it.
_IN_A_LOCKED_HALF_YEAR = (
    "EXISTS (SELECT 1 FROM asset_period p WHERE p.agency_id = NEW.agency_id AND p.ends_on >= NEW.booked_on)"
)

DENY_TRIGGERS: tuple[DenyTrigger, ...] = (
    DenyTrigger(
        "activity_finished_by_name",
        "activity",
        "UPDATE",
        "who finished a step is stored with it by name",
        "NEW.finished_at IS NOT NULL AND NEW.actor_name IS NULL",
    ),
    DenyTrigger(
        "field_value_of_an_open_step",
        "field_value",
        "INSERT",
        "a finished step gets no further fields",
        "(SELECT finished_at FROM activity a WHERE a.id = NEW.activity_id) IS NOT NULL",
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
        f"NEW.outcome = 'scheduled' AND ({_IS_ROLLED_BACK} OR {_LAST_OUTCOME_IS.format(good='passed', bad='failed')})",
    ),
    DenyTrigger(
        "change_request_moves_with_its_history",
        "change_request",
        "UPDATE",
        "a request stands where its last finished step led",
        "NEW.step <> OLD.step AND NEW.step IS DISTINCT FROM (SELECT a.target FROM activity a"
        " WHERE a.change_id = OLD.id AND a.finished_at IS NOT NULL ORDER BY a.sequence DESC LIMIT 1)",
    ),
    *(
        DenyTrigger(f"{table}_only_of_a_draft", table, "INSERT", "a paper in force gets no further rows",
            "(SELECT state FROM sop s WHERE s.id = NEW.sop_id) <> 'draft'")
        for table in ("sop_step", "sop_move")
    ),
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
        "freeze_permit_within_one_agency",
        "freeze_permit",
        "INSERT",
        "the head allows a release of their own agency in a freeze of that agency",
        "NOT EXISTS (SELECT 1 FROM freeze_period f JOIN change_request c ON c.agency_id = f.agency_id"
        " WHERE f.id = NEW.freeze_id AND c.id = NEW.change_id AND f.agency_id = NEW.agency_id)",
    ),
    DenyTrigger(
        "asset_mutation_of_its_request",
        "asset_mutation",
        "INSERT",
        "a mutation belongs to the asset update of the request that it names",
        "NEW.update_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM activity a WHERE a.id = NEW.update_id AND a.change_id = NEW.change_id)",
    ),
    DenyTrigger(
        "asset_not_booked_in_a_locked_half_year",
        "asset",
        "INSERT",
        "nothing is booked in a half-year that is locked",
        _IN_A_LOCKED_HALF_YEAR,
    ),
    DenyTrigger(
        "asset_mutation_not_booked_in_a_locked_half_year",
        "asset_mutation",
        "INSERT",
        "nothing is booked in a half-year that is locked",
        _IN_A_LOCKED_HALF_YEAR,
    ),
)  # fmt: skip
