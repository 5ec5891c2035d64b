"""Each column of a final row is immutable in both databases, a column that is added next among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask_migrate import upgrade
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    create_engine,
    inspect,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from lpse_admin.accounts.four_eyes import AccountAct
from lpse_admin.papers.kinds import PaperKind
from lpse_admin.self_check.rules import RuleKey, Severity
from models.base import Base
from models.database import is_sqlite
from models.immutability import Immutable, RowRules, UpdateRule, no_update_or_delete
from models.integrity.findings import FindingKind
from models.inventory.period import SIGNATORY_KEYS
from models.papers.printed import SignedForm
from models.triggers.conditions import DENY_TRIGGERS
from models.triggers.deny import DenyTrigger, table_triggers
from tests.support.migrations import migration_app
from tests.upgrades.test_upgrade import restored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Table

_FINISHED = "{} IN (SELECT id FROM activity WHERE finished_at IS NOT NULL)"
_SET = frozenset({"set_by_id", "set_by_name", "set_by_title", "set_at"})
_SUBMITTED = "change_id IN (SELECT id FROM change_request WHERE step NOT IN ('request', 'returned'))"
_WEEK = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
_DOSSIER_RESULT = {"finished_at", "error", "fingerprint", "anchor", "sha256", "size", "files"}
_FINDING = {
    "number", "found_on", "assessor", "clause", "finding", "improvement", "priority", "due_on", "change_id",
    "release_id", "asset_id", "sop_id",
}  # fmt: skip
_ACTION = frozenset({
    "action", "action_by_id", "action_by_name", "action_by_title", "action_status", "action_on",
    "action_recorded_by_id", "action_recorded_by_name", "action_recorded_at", "agreement", "agreement_note",
    "agreed_by", "agreed_on", "agreement_recorded_by_id", "agreement_recorded_by_name", "agreement_recorded_at",
})  # fmt: skip
_ASSET = {"code", "register", "name", "condition", "origin", "price", "remarks", "details", "is_retired"}

#: Table, the criterion for its final rows, and the columns of those that stay mutable.
FINAL: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("audit_entry", "TRUE", frozenset()),
    ("audit_row", "TRUE", frozenset()),
    ("audit_chain", "TRUE", frozenset({"number"})),
    ("handover", "TRUE", frozenset()),
    ("freeze_permit", "TRUE", frozenset()),
    ("asset_mutation", "TRUE", frozenset()),
    ("sop_step", "TRUE", frozenset()),
    ("sop_move", "TRUE", frozenset()),
    ("file_content", "TRUE", frozenset()),
    ("change_revision", "TRUE", frozenset()),
    ("change_comment", "TRUE", frozenset()),
    ("step_consent", "TRUE", frozenset()),
    ("appointment", "ended_at IS NOT NULL", frozenset()),
    ("appointment", "ended_at IS NULL", frozenset({"ended_at", "ended_by_id", "ended_by_name", "ended_by_title",
                                       "ended_by_capacity", "ended_reason"})),
    ("release_revision", "TRUE", frozenset()),
    ("requester_takeover", "TRUE", frozenset()),
    ("clock_correction", "TRUE", frozenset()),
    ("change_item", _SUBMITTED, frozenset()),
    ("activity", "finished_at IS NOT NULL", frozenset()),
    *(
        (table, _FINISHED.format("id"), frozenset[str]())
        for table in (
            "evaluation", "urgency_assessment", "approval", "implementation", "test_run", "rollback", "report",
            "verification", "asset_review", "asset_update", "own_step",
        )
    ),
    ("release", f"{_FINISHED.format('id')} AND window_start_at IS NOT NULL", frozenset({"actual_at"})),
    ("release", f"{_FINISHED.format('id')} AND actual_at IS NOT NULL", frozenset()),
    ("test_case", _FINISHED.format("run_id"), frozenset()),
    ("asset_review_item", _FINISHED.format("review_id"), frozenset()),
    ("release_asset", _FINISHED.format("release_id"), frozenset()),
    ("evaluation_item", _FINISHED.format("evaluation_id"), frozenset()),
    ("field_value", _FINISHED.format("activity_id"), frozenset()),
    ("document", _FINISHED.format("activity_id"), frozenset()),
    ("document", "delegation_id IS NOT NULL", frozenset()),
    ("change_request", "closed_at IS NOT NULL", frozenset({"version"})),
    ("sop", "superseded_at IS NOT NULL", frozenset()),
    ("edited_sop", "state = 'loaded'", frozenset()),
    ("sop", "state = 'in-force'", frozenset({"state", "superseded_at"})),
    ("delegation", "withdrawn_at IS NOT NULL", frozenset()),
    ("delegation", "void_at IS NOT NULL", frozenset()),
    ("absence", "ended_at IS NOT NULL", frozenset()),
    ("deviation", "followed_up_at IS NOT NULL", frozenset()),
    ("notification", "read_at IS NOT NULL", frozenset()),
    ("mail", "state = 'sent'", frozenset()),
    ("freeze_period", "lifted_at IS NOT NULL", frozenset()),
    ("password_reset", "used_at IS NOT NULL", frozenset()),
    ("password_reset", "used_at IS NULL", frozenset({"used_at", "used_from"})),
    ("calendar_feed", "revoked_at IS NOT NULL", frozenset()),
    ("asset", "id IN (SELECT asset_id FROM asset_mutation)", frozenset(_ASSET)),
    ("asset_period", "TRUE", frozenset()),
    ("asset_import", "state IN ('undone', 'discarded')", frozenset()),
    ("asset_code", "TRUE", frozenset({"name"})),
    ("import_profile", "TRUE", _SET | {"layout"}),
    ("inventory_options", "TRUE", _SET | {"unknown_code", *SIGNATORY_KEYS}),
    ("room", "TRUE", frozenset({
        "name", "unit", "location_code", "keeper_name", "keeper_nip", "answerable_name", "answerable_title",
        "answerable_nip", "is_closed",
    })),
    ("office_day", "TRUE", _SET | {"kind", "name", "hours"}),
    ("threshold", "TRUE", _SET | {"warning_share"}),
    ("office_options", "TRUE", _SET | {"file_types", "digest_time", "anchor_addresses"}),
    ("audit_check", "TRUE", frozenset()),
    ("audit_finding", "TRUE", frozenset()),
    ("audit_anchor", "time_stamp IS NULL", frozenset({
        "addresses", "sent_at", "error", "next_try_at", "claimed_until", "stamped_by", "stamped_at", "time_stamp",
    })),
    ("audit_anchor", "time_stamp IS NOT NULL", frozenset({
        "addresses", "sent_at", "error", "next_try_at", "claimed_until",
    })),
    ("audit_job", "run_id IS NULL", frozenset({"claimed_until", "run_id", "error"})),
    ("audit_job", "run_id IS NOT NULL", frozenset()),
    ("paper_print", "TRUE", frozenset()),
    ("signed_paper", "TRUE", frozenset()),
    ("paper_layout", "TRUE", frozenset()),
    ("letterhead", "TRUE", _SET | {
        "names", "address", "place", "signs_for", "number_pattern", "classification", "arms_sha256", "arms_type",
    }),
    ("trusted_certificate", "removed_at IS NULL", frozenset({
        "removed_at", "removed_by_id", "removed_by_name", "removed_by_title",
    })),
    ("trusted_certificate", "removed_at IS NOT NULL", frozenset()),
    ("self_check_finding", "cleared_at IS NULL", frozenset({"cleared_at"})),
    ("self_check_finding", "cleared_at IS NOT NULL", frozenset()),
    ("inspection_dossier", "finished_at IS NULL", frozenset({"started_at", "removed_at", *_DOSSIER_RESULT})),
    ("inspection_dossier", "finished_at IS NOT NULL AND removed_at IS NULL", frozenset({"removed_at"})),
    ("inspection_dossier", "removed_at IS NOT NULL", frozenset()),
    ("assessor_finding", "action IS NULL", _ACTION | _FINDING),
    ("assessor_finding", "action IS NOT NULL AND agreement IS NULL", _ACTION),
    ("assessor_finding", "agreement = 'agreed'", frozenset()),
    ("hold", "lifted_at IS NULL", frozenset({"lifted_at", "lifted_by_id", "lifted_by_name", "lift_reason"})),
    ("hold", "lifted_at IS NOT NULL", frozenset()),
    ("destruction", "decided_at IS NULL", frozenset({
        "state", "decided_by_id", "decided_by_name", "decided_at", "note",
    })),
    ("destruction", "decided_at IS NOT NULL", frozenset()),
    ("destruction_item", "TRUE", frozenset()),
    ("erasure", "TRUE", frozenset()),
    ("archive_reference", "TRUE", frozenset({
        "reference_number", "classification_code", "set_by_id", "set_by_name", "set_at",
    })),
    ("passkey", "removed_at IS NULL", frozenset({"sign_count", "used_at", "removed_at"})),
    ("passkey", "removed_at IS NOT NULL", frozenset()),
    ("recovery_code", "ended_at IS NULL", frozenset({"ended_at", "used_from"})),
    ("recovery_code", "ended_at IS NOT NULL", frozenset()),
    ("account_request", "decided_at IS NULL", frozenset({
        "decided_at", "decided_by_id", "decided_by_name", "decided_by_title", "decision", "refusal_reason",
    })),
    ("account_request", "decided_at IS NOT NULL", frozenset()),
    ("ramadan_month", "TRUE", _SET),
    ("working_hours", "TRUE", _SET | _WEEK | {f"ramadan_{day}" for day in _WEEK}),
)  # fmt: skip

#: Tables whose rows are never final: accounts, counters, preferences, what is computed of other rows.
MUTABLE_TABLES = {
    "agency", "user_account", "number_counter", "login", "login_failure", "saved_view", "list_choice", "step_time",
    "step_due", "request_total", "requester_total", "step_total", "deviation_total", "requester_deviation",
    "requester_deviation_total", "reckoned_month", "retention_rule", "search_record", "submission", "pending_upload",
    "upload",
}  # fmt: skip

#: What makes a row final where the old register has none.
_FINISH = (
    "UPDATE sop SET state = 'superseded', superseded_at = enacted_at WHERE id = (SELECT max(id) FROM sop)",
    "UPDATE absence SET ended_at = recorded_at, ended_by_id = head_id",
    "UPDATE delegation SET void_at = recorded_at WHERE withdrawn_at IS NULL",
    "UPDATE calendar_feed SET revoked_at = made_at",
    "INSERT INTO change_comment (agency_id, change_id, author_id, author_name, text, at)"
    " SELECT agency_id, id, requester_id, 'Pemohon', 'Mohon kabar', created_at FROM change_request",
    "INSERT INTO step_consent (agency_id, change_id, activity_id, user_id, actor_key, capacity, agrees, reason, at)"
    " SELECT agency_id, change_id, id, requester_id, 'pemohon', 'Pemohon', TRUE, 'Sesuai', arrived_at FROM activity",
    "INSERT INTO appointment (agency_id, actor_key, actor_title, role, user_id, decree_number, decree_date, from_date,"
    " recorded_by_id, recorded_at)"
    " SELECT a.id, 'kepala', 'Kepala', 'head', u.id, '800/1', '2026-01-02', '2026-01-02', u.id, '2026-01-02 03:04:05'"
    " FROM agency a, (SELECT min(id) AS id FROM user_account) u",
    "UPDATE appointment SET ended_at = recorded_at, ended_by_id = user_id, ended_reason = 'Pindah'"
    " WHERE id = (SELECT min(id) FROM appointment)",
    "INSERT INTO change_item (change_id, position, service)"
    f" SELECT change_id, 1, 'SPSE' FROM (SELECT id AS change_id FROM change_request) c WHERE {_SUBMITTED}",
    "INSERT INTO evaluation_item (evaluation_id, position, service)"
    f" SELECT id, 1, 'SPSE' FROM evaluation WHERE {_FINISHED.format('id')}",
    # A finished step gets no fields, so one that has some is finished.
    "INSERT INTO field_value (agency_id, change_id, activity_id, position, key, label, kind, value, words)"
    " SELECT agency_id, change_id, id, 1, 'biaya', 'Biaya', 'line', 'x', 'x' FROM activity WHERE finished_at IS NULL",
    "UPDATE activity SET finished_at = arrived_at, outcome = 'accepted', actor_id = requester_id, actor_name = 'A',"
    " capacity = 'A', target = (SELECT m.target FROM sop_move m WHERE m.sop_id = activity.sop_id"
    " AND m.step = activity.step AND m.outcome = 'accepted') WHERE step = 'evaluation' AND finished_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM deviation d WHERE d.activity_id = activity.id)",
    "INSERT INTO own_step (id, notes) SELECT min(id), 'Catatan' FROM activity WHERE finished_at IS NOT NULL",
    "INSERT INTO release_revision (agency_id, change_id, release_id, number, kind, reason, revised_at, revised_by_id)"
    " SELECT a.agency_id, a.change_id, a.id, 1, 'set-aside', 'Tender ditunda', a.arrived_at, a.requester_id"
    " FROM activity a JOIN release r ON r.id = a.id",
    "UPDATE release SET plan_revision = 1",
    "INSERT INTO requester_takeover (agency_id, change_id, from_id, to_id, at, reason)"
    " SELECT agency_id, id, requester_id, (SELECT min(id) FROM user_account WHERE id <> requester_id), created_at,"
    " 'Pindah tugas' FROM change_request",
    "INSERT INTO clock_correction"
    " (agency_id, change_id, activity_id, former_arrived_at, arrived_at, by_id, at, reason)"
    " SELECT agency_id, change_id, id, arrived_at, '2001-01-02 03:04:05', requester_id, arrived_at, 'Jam server keliru'"
    " FROM activity",
    "INSERT INTO office_options (agency_id, set_by_id, set_at)"
    " SELECT a.id, (SELECT min(id) FROM user_account), '2026-01-02 03:04:05' FROM agency a",
    "INSERT INTO password_reset (at, name, address)"
    " SELECT '2026-01-02 03:04:05', username, '127.0.0.1' FROM user_account",
    "INSERT INTO asset_period (agency_id, year, half, ends_on, signed_on, locked_at, locked_by_id)"
    " SELECT a.id, 2001, 1, '2001-06-30', '2001-07-02', '2001-07-02 03:04:05', (SELECT min(id) FROM user_account)"
    " FROM agency a",
    "INSERT INTO asset_import (agency_id, name, size, sha256, booked_on, state, uploaded_at)"
    " SELECT a.id, 'kib-b.csv', 1, (SELECT min(sha256) FROM file_content), '2001-12-31', 'discarded',"
    " '2026-01-02 03:04:05' FROM agency a",
    "INSERT INTO edited_sop"
    " (agency_id, key, title, content, version, state, begun_at, begun_by_id, saved_at, saved_by_id)"
    " SELECT a.id, 'kota', 'SOP', '', 1, 'loaded', '2026-01-02 03:04:05', u.id, '2026-01-02 03:04:05', u.id"
    " FROM agency a, (SELECT min(id) AS id FROM user_account) u",
    "INSERT INTO asset_code (agency_id, scheme, code, name)"
    " SELECT id, 'Permendagri 17/2007', '02.06.01.04.06', 'Genset' FROM agency",
    "INSERT INTO import_profile (agency_id, name, layout, set_by_id, set_at)"
    " SELECT a.id, 'KIB B', '{}', (SELECT min(id) FROM user_account), '2026-01-02 03:04:05' FROM agency a",
    "INSERT INTO inventory_options (agency_id, unknown_code, set_by_id, set_at)"
    " SELECT a.id, 'warn', (SELECT min(id) FROM user_account), '2026-01-02 03:04:05' FROM agency a",
    "INSERT INTO room (agency_id, code, name, is_closed) SELECT id, 'R-1', 'Ruang server', FALSE FROM agency",
    "INSERT INTO audit_check (started_at, finished_at, made_by, entries, compared_rows, files, found, notes)"
    " VALUES ('2026-01-02 03:04:05', '2026-01-02 03:05:05', 'flask audit verify', 1, 1, 0, 1, '[]')",
    "INSERT INTO audit_finding (run_id, kind, error)"
    f" SELECT id, '{next(iter(FindingKind)).value}', '{{}}' FROM audit_check",
    *(
        "INSERT INTO audit_anchor (agency_id, day, made_at, lines, time_stamp)"
        f" SELECT id, '2026-01-0{day}', '2026-01-02 03:04:05', '1 1 abc', {stamp} FROM agency"
        for day, stamp in ((2, "NULL"), (3, "'MIIB'"))
    ),
    *(
        "INSERT INTO audit_job (asked_at, asked_by_name, run_id)"
        f" SELECT '2026-01-02 03:04:05', 'Sistem', {run} FROM audit_check"
        for run in ("NULL", "id")
    ),
    "INSERT INTO letterhead (agency_id, names, set_by_id, set_at)"
    " SELECT id, name, (SELECT min(id) FROM user_account), '2026-01-02 03:04:05' FROM agency",
    "INSERT INTO paper_layout (agency_id, key, text, set_by_id, set_at)"
    " SELECT id, 'approval', '', (SELECT min(id) FROM user_account), '2026-01-02 03:04:05' FROM agency",
    "INSERT INTO paper_print"
    " (agency_id, change_id, kind, subject_id, number, fingerprint, sha256, size, printed_by_id, printed_at)"
    f" SELECT agency_id, id, '{next(iter(PaperKind)).value}', id, '1', 'abc', (SELECT min(sha256) FROM file_content),"
    " 1, requester_id, created_at FROM change_request",
    "INSERT INTO signed_paper"
    " (agency_id, print_id, change_id, form, name, media_type, size, sha256, findings, filed_by_id, filed_at)"
    f" SELECT agency_id, id, change_id, '{next(iter(SignedForm)).value}', 'a.pdf', 'application/pdf', 1, sha256,"
    " '{}', printed_by_id, printed_at FROM paper_print",
    *(
        "INSERT INTO trusted_certificate (agency_id, subject, issuer, fingerprint, not_before, not_after, pem,"
        " added_by_id, added_at, removed_at, removed_by_id) SELECT a.id, 'CN=a', 'CN=b', 'abc', '2026-01-02 03:04:05',"
        f" '2027-01-02 03:04:05', 'PEM', u.id, '2026-01-02 03:04:05', {removed}"
        " FROM agency a, (SELECT min(id) AS id FROM user_account) u"
        for removed in ("NULL, NULL", "'2026-01-03 03:04:05', u.id")
    ),
    *(
        "INSERT INTO self_check_finding (agency_id, rule, severity, record_id, record_name, found_at, cleared_at)"
        f" SELECT id, '{next(iter(RuleKey)).value}', '{next(iter(Severity)).value}', 1, 'RFC/1', '2026-01-02 03:04:05',"
        f" {cleared} FROM agency"
        for cleared in ("NULL", "'2026-01-03 03:04:05'")
    ),
    *(
        "INSERT INTO passkey (user_id, name, credential_id, public_key, sign_count, added_at, removed_at)"
        f" SELECT id, 'Kunci', '{key}' || id, 'abc', 0, '2026-01-02 03:04:05', {removed} FROM user_account"
        for key, removed in (("a", "NULL"), ("b", "'2026-01-03 03:04:05'"))
    ),
    *(
        "INSERT INTO recovery_code (user_id, number, code_hash, made_at, ended_at)"
        f" SELECT id, {number}, 'abc', '2026-01-02 03:04:05', {ended} FROM user_account"
        for number, ended in ((1, "NULL"), (2, "'2026-01-03 03:04:05'"))
    ),
    *(
        "INSERT INTO account_request (agency_id, user_id, act, asked_by_id, asked_at, expires_at, decided_at, decision)"
        f" SELECT agency_id, id, '{next(iter(AccountAct)).value}', id, '2026-01-02 03:04:05', '2026-01-09 03:04:05',"
        f" {decided} FROM user_account"
        for decided in ("NULL, NULL", "'2026-01-03 03:04:05', 'approved'")
    ),
    *(
        "INSERT INTO hold (agency_id, change_id, reason, placed_by_id, placed_at, lifted_at, lift_reason)"
        " SELECT agency_id, id, 'Sengketa', requester_id, '2026-01-02 03:04:05',"
        f" {lifted} FROM change_request"
        for lifted in ("NULL, NULL", "'2026-01-03 03:04:05', 'Selesai'")
    ),
    *(
        "INSERT INTO destruction (agency_id, record_class, reason, state, proposed_by_id, proposed_at, decided_at)"
        " SELECT a.id, 'request', 'Habis', "
        f"{decided[0]}, (SELECT min(id) FROM user_account), '2026-01-02 03:04:05', {decided[1]} FROM agency a"
        for decided in (("'proposed'", "NULL"), ("'refused'", "'2026-01-03 03:04:05'"))
    ),
    "INSERT INTO destruction_item (agency_id, destruction_id, record_id, record_name, due_on)"
    " SELECT agency_id, id, 1, 'RFC/1', '2026-01-02' FROM destruction",
    "INSERT INTO erasure (agency_id, table_name, row_key, content_hash, reason, erased_at, erased_by_id,"
    " erased_by_name) SELECT a.id, 'none', CAST(a.id AS TEXT), 'x', 'KTP', '2026-01-02 03:04:05',"
    " (SELECT min(id) FROM user_account), 'A' FROM agency a",
    "INSERT INTO archive_reference (agency_id, change_id, classification_code, set_by_id, set_at)"
    " SELECT agency_id, id, '000', requester_id, '2026-01-02 03:04:05' FROM change_request",
    *(
        "INSERT INTO inspection_dossier (agency_id, first_day, last_day, asked_by_id, asked_at, finished_at, error,"
        " removed_at) SELECT a.id, '2025-01-01', '2025-12-31', (SELECT min(id) FROM user_account),"
        f" '2026-01-02 03:04:05', {finished}, {error}, {removed} FROM agency a"
        for finished, error, removed in (
            ("NULL", "NULL", "NULL"),
            ("'2026-01-02 03:04:05'", "'Penuh'", "NULL"),
            ("'2026-01-02 03:04:05'", "'Penuh'", "'2026-01-09 03:04:05'"),
        )
    ),
    *(
        "INSERT INTO assessor_finding (agency_id, number, found_on, assessor, finding, improvement, priority, due_on,"
        " entered_by_id, entered_at, action, action_by_id, action_status, action_recorded_at, agreement, agreed_by,"
        f" agreed_on, agreement_recorded_at) SELECT a.id, '{number}', '2026-01-02', 'Penilai', 'Temuan', 'Perbaikan',"
        f" 'high', '2026-02-02', u.id, '2026-01-02 03:04:05', {acted} FROM agency a,"
        " (SELECT min(id) AS id FROM user_account) u"
        for number, acted in (
            ("1", "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"),
            ("2", "'Diubah', u.id, 'done', '2026-01-02 03:04:05', NULL, NULL, NULL, NULL"),
            (
                "3",
                "'Diubah', u.id, 'done', '2026-01-02 03:04:05', 'agreed', 'Penilai', '2026-02-02',"
                " '2026-02-02 03:04:05'",
            ),
        )
    ),
    "UPDATE password_reset SET used_at = at WHERE name LIKE 'kepala%'",
)


def models_by_table() -> dict[str, type[Base]]:
    """Return the model of each table."""
    return {
        mapper.local_table.description: mapper.class_
        for mapper in sorted(Base.registry.mappers, key=lambda mapper: mapper.inherits is not None, reverse=True)
    }


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    """Give a connection to a register that has final rows in every table."""
    with restored("0.1.0", str(request.param), request, tmp_path) as url:
        with migration_app(url):
            upgrade()
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as opened:
            for statement in _FINISH:
                opened.execute(text(statement))
            yield opened


def other_value(column: Column[object]) -> str:
    """Return SQL for a value of the column's type that is not its present one."""
    if isinstance(column.type, Boolean):
        return f"NOT coalesce({column.name}, FALSE)"
    if isinstance(column.type, Date | DateTime) or "DateTime" in type(column.type).__name__:
        return "'2001-01-02 03:04:05'"
    if isinstance(column.type, JSON):
        return "'{\"other\": 1}'"
    if isinstance(column.type, LargeBinary):
        return "'other'"
    if isinstance(column.type, Numeric) or column.type.python_type is int:
        return f"coalesce({column.name}, 0) + 1"
    return "'other'"


def refusal(connection: Connection, table: Table, column: Column[object], where: str) -> str:
    """Update the column of one row, take it back, and return why the database refused; empty where it did not."""
    keys = [key.name for key in table.primary_key]
    statement = f"UPDATE {table.name} SET {column.name} = {other_value(column)} WHERE ({', '.join(keys)}) IN"
    statement += f" (SELECT {', '.join(keys)} FROM {table.name} WHERE {where} LIMIT 1)"
    savepoint = connection.begin_nested()
    try:
        assert connection.execute(text(statement)).rowcount == 1, statement
    except DBAPIError as error:
        return str(error.orig)
    finally:
        savepoint.rollback()
    return ""


def messages(table: str) -> tuple[str, ...]:
    """Return the messages of the triggers that refuse updates of the table: the database chooses which comes first."""
    own = (rule.message for rule in models_by_table()[table].row_rules if isinstance(rule, UpdateRule))
    return (*own, *(one.message for one in DENY_TRIGGERS if (one.table, one.event) == (table, "UPDATE")))


def test_every_table_has_rules_or_is_known_to_be_mutable() -> None:
    ruled = {table for table, model in models_by_table().items() if any_update_rule(model.row_rules)}
    assert ruled == {table for table, _where, _mutable in FINAL}
    assert ruled | MUTABLE_TABLES == set(Base.metadata.tables)
    assert not ruled & MUTABLE_TABLES


def any_update_rule(rules: RowRules) -> bool:
    return any(isinstance(rule, UpdateRule) for rule in rules)


def test_each_column_of_a_final_row_is_refused_but_those_that_stay_mutable(connection: Connection) -> None:
    wrong = []
    for name, where, mutable in FINAL:
        table = Base.metadata.tables[name]
        for column in table.columns:
            answer = refusal(connection, table, column, where)
            is_refused = any(message in answer for message in messages(name))
            if is_refused is (column.name in mutable):
                wrong.append(f"{name}.{column.name} where {where}: {answer or 'updated'}")
    assert wrong == []


def test_a_new_column_of_any_of_these_tables_is_immutable_without_being_mentioned(connection: Connection) -> None:
    wrong = []
    copies = {name: Base.metadata.tables[name].to_metadata(MetaData()) for name, _where, _mutable in FINAL}
    for name, table in copies.items():
        table.append_column(Column("added", Text))
        connection.execute(text(f"ALTER TABLE {name} ADD COLUMN added TEXT"))
        for trigger in table_triggers(table, models_by_table()[name].row_rules):
            if trigger.event == "UPDATE":
                recreate(connection, trigger)
    for name, where, _mutable in FINAL:
        answer = refusal(connection, copies[name], copies[name].c.added, where)
        if not any(message in answer for message in messages(name)):
            wrong.append(f"{name} where {where}: {answer or 'updated'}")
    assert wrong == []
    assert "added" in {column["name"] for column in inspect(connection).get_columns("release")}


def recreate(connection: Connection, trigger: DenyTrigger) -> None:
    """Let the trigger of this name do what its new definition says."""
    if is_sqlite(connection):
        connection.execute(text(f"DROP TRIGGER {trigger.name}"))
        connection.execute(text(trigger.sqlite_statement()))
    else:
        function, _trigger = trigger.postgresql_statements()
        connection.execute(text(function.replace("CREATE ", "CREATE OR REPLACE ", 1)))


def test_a_rule_that_names_a_column_that_is_not_there_is_an_error() -> None:
    table = Base.metadata.tables["threshold"]
    for part in (Immutable(mutable=("warning_chare",)), Immutable(columns=("warning_chare",))):
        with pytest.raises(ValueError, match="threshold has no column warning_chare"):
            part.condition(table)


def test_rules_without_a_condition_refuse_always() -> None:
    update, delete = table_triggers(Base.metadata.tables["threshold"], no_update_or_delete("it stays"))
    assert (update.name, update.event, update.condition) == ("threshold_no_update", "UPDATE", "")
    assert (delete.name, delete.event, delete.condition) == ("threshold_no_delete", "DELETE", "")
