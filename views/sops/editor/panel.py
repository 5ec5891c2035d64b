"""What stands beside the forms of the editor: the faults, and the SOP as far as it can be drawn and printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpse_admin.flowchart.layout import chart_with_layout
from lpse_admin.sop.editor.drawing import drawable
from lpse_admin.sop.editor.faults import Section, find_faults, find_remarks
from lpse_admin.sop.reading import read_unsound
from views.app.access import get_current_user
from views.app.clock import now
from views.i18n.language import tr

if TYPE_CHECKING:
    from lpse_admin.i18n import Message
    from lpse_admin.sop.editor.faults import Fault
    from models.sops.editing import EditedSop
    from views.sops.editor.edited_sops import EditedSopView


def panel_context(view: EditedSopView, record: EditedSop) -> dict[str, Any]:
    """Return the faults with their addresses, and the SOP with its chart where it can be drawn."""
    document = record.document
    today = record.agency.local_date(now())
    errors = record.errors(by=get_current_user())
    sop, _errors = read_unsound(record.content, record.key)
    faults = find_faults(document, errors, today=today)
    if sop is not None and not errors:
        faults = find_remarks(document, sop, today=today)
    drawn = drawable(sop) if sop is not None else None
    chart, layout = chart_with_layout(drawn) if drawn else (None, None)
    return {
        "faults": faults,
        "is_sound": not errors,
        "may_edit": view.may_edit(record),
        "sentence": _sentence,
        "fault_url": lambda fault: _fault_url(view, record, fault),
        "sop": drawn,
        "chart": chart,
        "layout": layout,
    }


def _sentence(message: Message) -> str:
    """Return what the checker says as a sentence that stands by itself."""
    text = tr(message)
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _fault_url(view: EditedSopView, record: EditedSop, fault: Fault) -> str:
    """Return the address of the input that a fault is about."""
    place = fault.place
    part = f"{place.part}-label" if place.part.startswith("requires-") and place.part.count("-") == 1 else place.part
    arguments: dict[str, Any] = {"record_id": record.id, "_anchor": part or None}
    if place.section is Section.ROWS:
        if place.index is None:
            return view.row_url(record.id)
        arguments["place"] = place.index
        if place.field is not None:
            return view.get_url(".field", field=place.field, **arguments)
        return view.get_url(".row", **arguments)
    if place.section is Section.ACTORS and place.index is not None:
        arguments["_anchor"] = f"{place.part}-{place.index}"
    return view.get_url(f".{place.section.value}", **arguments)
