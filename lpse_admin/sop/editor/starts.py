"""What an edited SOP can begin with: a blank form, a paper that comes with the program, or an SOP that is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.sop.editor.document import SopDocument
from lpse_admin.sop.steps import Outcome, Step

if TYPE_CHECKING:
    from lpse_admin.sop.model import SopAgency


def blank_document(agency: SopAgency, time_zone: str, head_title: str = "") -> SopDocument:
    """Return an SOP of an agency with the usual actors, and the row with which every request begins."""
    return SopDocument(
        {
            "time_zone": time_zone,
            "agency": _agency_values(agency),
            "actors": [
                {"key": "pemohon", "title": "Pemohon", "role": Role.REQUESTER.value},
                {"key": "pengelola", "title": "Pengelola Perubahan", "role": Role.CHANGE_MANAGER.value},
                {"key": "kepala", "title": head_title or "Kepala LPSE", "role": Role.HEAD.value},
            ],
            "steps": [
                {
                    "key": Step.REQUEST.value,
                    "no": 1,
                    "activity": "",
                    "actor": "pemohon",
                    "outcomes": {Outcome.SUBMITTED.value: Step.CLOSED.value},
                }
            ],
        }
    )


def document_for_agency(text: str, agency: SopAgency, time_zone: str) -> SopDocument:
    """Return the SOP in ``text`` as one of ``agency``; another's paper loses number, dates and signatory."""
    document = SopDocument.read(text)
    values = document.values
    if values["agency"].get("key") != agency.key:
        for key in ("number", "made", "revised", "approved", "header"):
            values.pop(key, None)
        values |= {"agency": _agency_values(agency), "signatory": {}, "time_zone": time_zone}
    return document


def next_revision(text: str) -> SopDocument:
    """Return a loaded SOP to be revised: its date of revision and of approval are still to come."""
    document = SopDocument.read(text)
    for key in ("revised", "approved"):
        document.values.pop(key, None)
    return document


def _agency_values(agency: SopAgency) -> dict[str, object]:
    values: dict[str, object] = {"key": agency.key, "name": agency.name, "region": agency.region}
    return values | ({"province": agency.province} if agency.province else {})
