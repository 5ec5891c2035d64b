"""What the trail calls tables, columns and values: the words of the screens, with times by the reader's clock."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import Boolean, Date, Enum, select

from lpse_admin.i18n import Message, _
from lpse_admin.workflow.record_fields import REASON_FIELD, RECORD_FIELDS, REQUEST_FIELDS
from models.accounts.user import User
from models.base import Base, OpenEnum, UtcDateTime
from models.changes.change import ChangeRequest
from models.database import db
from models.office.agency import Agency
from models.sops.sop import SopRevision
from views.i18n.language import format_date, format_datetime_full, tr

if TYPE_CHECKING:
    from sqlalchemy import Column as TableColumn

#: Tables by the name of what a row of them is.
TABLES: dict[str, Message] = {
    "absence": _("Absence of the head"),
    "activity": _("Step of a request"),
    "agency": _("Agency"),
    "approval": _("Approval"),
    "archive_reference": _("Archive number"),
    "asset": _("Asset"),
    "asset_code": _("Item code"),
    "asset_import": _("List of assets that is taken over"),
    "asset_mutation": _("Change of the asset list"),
    "asset_period": _("Locked half-year"),
    "asset_review": _("Review of the asset list"),
    "asset_review_item": _("Finding of a review"),
    "asset_update": _("Update of the asset list"),
    "audit_anchor": _("Anchor of the audit trail"),
    "audit_check": _("Verification of the register"),
    "audit_finding": _("Finding of a verification"),
    "audit_job": _("Verification that was asked for"),
    "calendar_feed": _("Calendar address"),
    "change_request": _("Request"),
    "change_revision": _("Revision of a request"),
    "delegation": _("Delegation"),
    "destruction": _("Destruction"),
    "destruction_item": _("Request of a destruction"),
    "deviation": _("Deviation"),
    "document": _("File"),
    "erasure": _("Erasure"),
    "evaluation": _("Evaluation"),
    "file_content": _("Content of a file"),
    "freeze_period": _("Freeze"),
    "freeze_permit": _("Permit in a freeze"),
    "handover": _("Reassignment"),
    "hold": _("Hold"),
    "implementation": _("Implementation"),
    "import_profile": _("Layout of a list"),
    "inventory_options": _("Setting"),
    "letterhead": _("Letterhead"),
    "list_choice": _("Columns of a list"),
    "login": _("Login"),
    "login_failure": _("Failed login"),
    "mail": _("Mail"),
    "notification": _("Notification"),
    "number_counter": _("Counter of numbers"),
    "office_day": _("Holiday or working day"),
    "office_options": _("Setting"),
    "paper_layout": _("Layout of a paper"),
    "paper_print": _("Draft of a paper"),
    "ramadan_month": _("Ramadan"),
    "release": _("Release"),
    "release_asset": _("Asset of a release"),
    "report": _("Report"),
    "retention_rule": _("Rule of retention"),
    "own_step": _("Step of an SOP's own"),
    "rollback": _("Roll back"),
    "room": _("Room"),
    "saved_view": _("Saved view"),
    "account_request": _("Change of an account for a second person"),
    "assessor_finding": _("Finding of an assessment"),
    "inspection_dossier": _("Dossier of a period"),
    "passkey": _("Passkey"),
    "recovery_code": _("Recovery code"),
    "self_check_finding": _("Finding of the self-check"),
    "signed_paper": _("Signed paper"),
    "edited_sop": _("SOP that is being edited"),
    "sop": _("SOP"),
    "sop_move": _("Outcome of an SOP"),
    "sop_step": _("Step of an SOP"),
    "test_case": _("Test case"),
    "test_run": _("Test"),
    "threshold": _("Threshold"),
    "trusted_certificate": _("Trusted certificate"),
    "urgency_assessment": _("Urgency assessment"),
    "user_account": _("User"),
    "verification": _("Verification"),
    "working_hours": _("Working hours"),
    "appointment": _("Appointment"),
    "step_consent": _("Agreement to a step"),
    "change_comment": _("Comment"),
    "change_item": _("Affected asset or service"),
    "clock_correction": _("Correction of a wrong clock"),
    "evaluation_item": _("Affected asset or service"),
    "field_value": _("Field that the SOP asks for"),
    "password_reset": _("Link to set a password"),
    "pending_upload": _("File of an unfinished form"),
    "release_revision": _("Revision of a release"),
    "requester_takeover": _("Takeover of the requester's part"),
    "upload": _("File that was sent"),
    "submission": _("Form that was taken"),
}

#: Columns that several tables have; those of records are called as on their forms.
_COLUMNS: dict[str, Message] = {
    "added": _("Entered"),
    "account": _("Executor's explanation"),
    "actor": _("By"),
    "agency": _("Agency"),
    "arrived": _("Arrived"),
    "accounted": _("Explained"),
    "actual": _("Actual release time"),
    "asked": _("Requester"),
    "delegate": _("Delegate"),
    "disposed": _("Decided"),
    "executor": _("Executor"),
    "follow_up": _("Responsible for the follow-up"),
    "followed_up": _("Followed up"),
    "head": _("Head of the LPSE"),
    "label": _("Label"),
    "recorded": _("Recorded"),
    "sop": _("SOP"),
    "value": _("Value as stored"),
    "withdrawn": _("Withdrawn"),
    "based_on": _("Began with"),
    "begun": _("Begun"),
    "saved": _("Saved"),
    "content": _("Content"),
    "capacity": _("Capacity"),
    "change": _("Request"),
    "closed": _("Closed"),
    "code": _("Item code"),
    "condition": _("Condition"),
    "created": _("Created"),
    "decree_number": _("Decree number"),
    "details": _("Columns of the card"),
    "email": _("E-mail"),
    "enacted": _("Enacted"),
    "entered": _("Entered"),
    "filed": _("Filed"),
    "finished": _("Finished"),
    "found": _("Found"),
    "form": _("Form"),
    "from_date": _("From"),
    "full_name": _("Name"),
    "held": _("With"),
    "institution": _("Institution"),
    "is_active": _("Active"),
    "is_retired": _("Removed from the list"),
    "is_refused": _("Refused by the head"),
    "kind": _("Kind"),
    "language": _("Language"),
    "name": _("Name"),
    "nip": _("NIP"),
    "number": _("Number"),
    "origin": _("Origin"),
    "outcome": _("Outcome"),
    "phone": _("Telephone"),
    "position": _("Position"),
    "price": _("Price (Rp)"),
    "printed": _("Printed"),
    "reason": REASON_FIELD.label,
    "register": _("Register number"),
    "remarks": _("Remarks"),
    "removed": _("Removed"),
    "requester": _("Requester"),
    "result": _("Result"),
    "revision": _("Revision"),
    "revoked": _("Revoked"),
    "rule": _("Finding"),
    "sequence": _("Place in the history"),
    "set": _("Determined"),
    "severity": _("Severity"),
    "size": _("Size (bytes)"),
    "standard_minutes": _("Standard (minutes)"),
    "state": _("State"),
    "step": _("Step"),
    "submitted": _("Submitted"),
    "taken_up": _("Assigned"),
    "until_date": _("Until"),
    "uploaded": _("Uploaded"),
    "urgency": _("Urgency"),
    "user": _("User"),
    "username": _("User name"),
    "version": _("Version"),
    "words": _("Words"),
    "year": _("Year"),
}
#: What is kept beside a person, a moment or another record.
_ENDINGS = {
    "_id": Message(""),
    "_at": Message(""),
    "_name": _("name"),
    "_title": _("title"),
    "_capacity": _("capacity"),
}
_FIELDS: dict[str, Message] = {
    field.key: field.label for fields in (REQUEST_FIELDS, *RECORD_FIELDS.values()) for field in fields
}


#: What a record is shown by where a row refers to it.
_NAMES: dict[str, Any] = {
    "agency": Agency.name,
    "user_account": User.full_name,
    "change_request": ChangeRequest.number,
    "sop": SopRevision.title,
}


def table_title(table: str) -> str:
    """Return what a row of a table is called."""
    return tr(TABLES[table]) if table in TABLES else table


def column_title(column: str) -> str:
    """Return what a column is called; its own name, as code, where no screen has a word for it."""
    if column in _FIELDS:
        return tr(_FIELDS[column])
    stem, more = column, ""
    for ending, word in _ENDINGS.items():
        if stem.endswith(ending):
            stem, more = stem.removesuffix(ending), f" ({tr(word)})" if word.text else more
    stem = stem.removesuffix("_by")
    return f"{tr(_COLUMNS[stem])}{more}" if stem in _COLUMNS else Markup("<code>{}</code>").format(column)


def value_text(table: str, column: str, value: object) -> str:
    """Return a stored value as a reader says it: a choice by its title, a moment by the reader's clock."""
    if value is None or value == "":
        return ""
    declared = Base.metadata.tables[table].c.get(column) if table in Base.metadata.tables else None
    return str(value) if declared is None else _declared_text(declared, value)


def _declared_text(declared: TableColumn[Any], value: object) -> str:
    kind: Any = declared.type
    for key in declared.foreign_keys:
        if (named := _NAMES.get(key.column.table.name)) is not None and str(value).isdigit():
            return str(db.session.scalar(select(named).where(key.column == int(str(value)))) or value)
    if isinstance(kind, Boolean):
        return gettext("Yes") if value else gettext("No")
    try:
        if isinstance(kind, UtcDateTime):
            return format_datetime_full(dt.datetime.fromisoformat(str(value)))
        if isinstance(kind, Date):
            return format_date(dt.date.fromisoformat(str(value))) or ""
        if isinstance(kind, Enum | OpenEnum) and kind.enum_class is not None:
            return tr(kind.enum_class(str(value)))
    except (ValueError, AttributeError):
        pass  # what an earlier version wrote
    return str(value)
