"""What the values of an SOP file are called on the screens of the editor."""

from __future__ import annotations

from lpse_admin.i18n import Message, _

#: Labels of the head of the SOP, by their place in the file.
HEAD_LABELS: dict[tuple[str, ...], Message] = {
    ("number",): _("SOP number"),
    ("title",): _("SOP title"),
    ("made",): _("Date created"),
    ("revised",): _("Date revised"),
    ("approved",): _("Date approved"),
    ("signatory", "office"): _("Office of who signs"),
    ("signatory", "name"): _("Name of who signs"),
    ("signatory", "nip"): _("NIP of who signs"),
    ("signatory", "place"): _("Place of signing"),
    ("agency", "name"): _("Name of the LPSE"),
    ("agency", "region"): _("Region"),
    ("agency", "province"): _("Province"),
    ("agency", "hierarchy"): _("Lines of the letterhead"),
    ("agency", "address"): _("Address"),
    ("time_zone",): _("Time zone"),
    ("header",): _("Lines of the cover"),
    ("contents",): _("Table of contents"),
    ("table_title",): _("Heading of the table"),
    ("legal_basis",): _("Legal basis"),
    ("qualifications",): _("Qualifications of the executors"),
    ("related",): _("Related SOPs"),
    ("equipment",): _("Equipment"),
    ("warnings",): _("Warnings"),
    ("record_keeping",): _("Record keeping"),
    ("glossary",): _("Glossary"),
}
#: Labels of the values of rows, actors and fields.
PART_LABELS: dict[str, Message] = {
    "no": _("No."),
    "name": _("Name of the step"),
    "reason_for": _("Reason required for"),
    "apart_from": _("Not by who took"),
    "consents": _("Consent of"),
    "lasts": _("Waits for"),
    "lasts_until": _("Waits until the day in the field"),
    "without_verification": _("Why a change may end without a verification"),
    "activity": _("Activity"),
    "text": _("Text of the row"),
    "actor": _("Executor"),
    "time": _("Time"),
    "requires": _("Requirements"),
    "output": _("Output"),
    "remarks": _("Remarks"),
    "outcomes": _("Outcomes"),
    "flow": _("Words in the columns of the executors"),
    "fields": _("Fields"),
    "title": _("Title"),
    "role": _("Part in the procedure"),
    "label": _("Label"),
    "kind": _("Kind"),
    "required_for": _("Required for"),
    "only_for": _("Asked only for"),
    "when": _("Shown when"),
    "choices": _("Choices"),
    "columns": _("Columns"),
    "help": _("Help"),
    "listed": _("Shown in lists from the start"),
    "of": _("Record of which row"),
    "term": _("Term"),
    "from": _("From the arrival at the row"),
    "to": _("Until this row is finished"),
}
SWITCH_LABELS: dict[str, Message] = {
    "head_approves_every_change": _("The head approves every change"),
    "verification_may_return_report": _("Verification may return a report for revision"),
    "deviations": _("Deviations from the standard are recorded"),
    "clock": _("The standard time is measured from"),
}


def label_of(path: tuple[str | int, ...]) -> Message:
    """Return what the value at ``path`` of the file is called."""
    words = tuple(part for part in path if isinstance(part, str))
    if words in HEAD_LABELS:
        return HEAD_LABELS[words]
    last = words[-1] if words else ""
    return SWITCH_LABELS.get(last) or PART_LABELS.get(last) or Message(last or "SOP")
