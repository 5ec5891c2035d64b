"""Importing a list of item codes: codes that are new are entered, names of known ones follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.i18n import _, join_messages
from lpse_admin.inventory.code_list import read_code_list
from lpse_admin.parsing import UnreadableError
from lpse_admin.takeover.spreadsheet import read_table
from models.accounts.permission import require_permission
from models.audit.actions import AuditAction
from models.inventory.code_list import AssetCode
from models.office.agency import Agency, lock_agency
from models.office.upload import count_upload

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy.orm import Session

    from models.accounts.user import User

_IMPORTED = AuditAction("asset.codes.import", _("Imported a list of item codes"))
_NOT_ALLOWED = _("Only a change manager or an administrator imports item codes.")
#: The most errors that a refusal names.
_MAX_NAMED = 20


def import_code_list(session: Session, agency: Agency, content: bytes) -> tuple[int, int]:
    """Enter the codes of a file and return how many are new and how many have another name now.

    Raises ValidationFailed with the rows that are wrong; then nothing must be committed.
    """
    try:
        result = read_code_list(read_table(content).rows)
    except UnreadableError as refusal:
        raise ValidationFailed(refusal.message, field_errors={"file": refusal.message}) from refusal
    if result.errors:
        named = join_messages(list(result.errors[:_MAX_NAMED]), " ")
        raise ValidationFailed(named, field_errors={"file": named})
    lock_agency(session, agency.id)
    present = {
        (one.scheme, one.code): one
        for one in session.scalars(select(AssetCode).where(AssetCode.agency_id == agency.id))
    }
    added = renamed = 0
    for one in result.codes:
        same = present.get((one.scheme, one.code))
        if same is None:
            session.add(AssetCode(agency_id=agency.id, scheme=one.scheme, code=one.code, name=one.name))
            added += 1
        elif same.name != one.name:
            same.name = one.name
            renamed += 1
    _IMPORTED.describe(session)
    session.flush()
    return added, renamed


def upload_codes(session: Session, *, by: User, now: dt.datetime, file: tuple[str, bytes] | None) -> tuple[int, int]:
    """Import a list of codes for the office of ``by``; raises NotAllowed and as ``import_code_list`` does."""
    if by.agency_id is None or now is None:
        raise NotAllowed(_NOT_ALLOWED)
    require_permission(by, Verb.CREATE, Resource.ASSET_CODE, by.agency_id, _NOT_ALLOWED)
    if file is None:
        message = _("Choose a file.")
        raise ValidationFailed(message, field_errors={"file": message})
    count_upload(session, by.agency_id, len(file[1]), by=by, now=now, field="file")
    return import_code_list(session, session.get_one(Agency, by.agency_id), file[1])
