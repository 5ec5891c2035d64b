"""An SOP as a paper (SOP-AP, Permenpan RB 35/2012): its head, and the table of its activities with the flow chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpse_admin.flowchart.layout import chart_with_layout
from lpse_admin.i18n import _
from lpse_admin.papers.content import PaperContent
from lpse_admin.papers.kinds import PaperKind
from lpse_admin.sop import spaced_nip
from views.papers.contents.wording import Words
from views.sops.limits import limit_rows
from views.sops.own_fields import own_field_rows

if TYPE_CHECKING:
    import datetime as dt

    from lpse_admin.flowchart.chart import FlowChart, FlowChartRow
    from lpse_admin.flowchart.layout import RowLayout
    from lpse_admin.sop import ExtraRow, Sop, StepRule
    from models.sops.sop import SopRevision

_NOT_SPECIFIED = _("not specified")


def sop_paper(revision: SopRevision) -> PaperContent:
    """Return an SOP revision as a paper."""
    sop = revision.sop
    words = Words(revision.agency.zone, sop.head_title)
    return PaperContent(
        PaperKind.SOP,
        sop.title,
        sop.number or sop.key,
        revision.enacted_at or revision.loaded_at,
        extra={
            "revision": revision.revision,
            "state": words.text(revision.state),
            **_head(sop, words),
            **_table(sop, words),
        },
    )


def _head(sop: Sop, words: Words) -> dict[str, Any]:
    signatory = sop.signatory
    blocks = (
        (_("Legal basis"), sop.legal_basis),
        (_("Qualifications of the executors"), sop.qualifications),
        (_("Related SOPs"), sop.related),
        (_("Equipment"), sop.equipment),
        (_("Warnings"), sop.warnings),
        (_("Record keeping"), sop.record_keeping),
    )
    return {
        "office": [*sop.header, *(sop.agency.hierarchy or (sop.agency.name,)), *sop.agency.address],
        "facts": [
            [words.text(_("SOP number")), sop.number or words.text(_NOT_SPECIFIED)],
            [words.text(_("Date created")), _day(sop.made, words)],
            [words.text(_("Date revised")), _day(sop.revised, words)],
            [words.text(_("Date approved")), _day(sop.approved, words)],
        ],
        "approved_label": words.text(_("Approved by")),
        "approved": [signatory.place, _day(sop.approved, words) if sop.approved else "", signatory.office],
        "approved_name": signatory.name,
        "approved_nip": spaced_nip(signatory.nip) if signatory.nip else "",
        "title_label": words.text(_("SOP title")),
        "blocks": [[words.text(label), list(texts)] for label, texts in blocks],
        "glossary_label": words.text(_("Glossary")),
        "glossary": [[term.term, term.text] for term in sop.glossary],
    }


def _day(date: dt.date | None, words: Words) -> str:
    return words.day(date) if date else "–"


def _table(sop: Sop, words: Words) -> dict[str, Any]:
    chart, layout = chart_with_layout(sop)
    headings = (
        _("No."), _("Activity"), _("Executor"), _("Mutu baku (standard)"), _("Requirements"), _("Time"), _("Output"),
        _("Remarks"),
    )  # fmt: skip
    return {
        "table_title": sop.table_title,
        "headings": [words.text(heading) for heading in headings],
        "actors": [actor.title for actor in chart.columns],
        "dividers": list(layout.dividers),
        "rows": [_row(sop, chart, row, layout.rows[index], index, words) for index, row in enumerate(chart.rows)],
        **_limits(sop, words),
        **_own_fields(sop, words),
    }


def _limits(sop: Sop, words: Words) -> dict[str, Any]:
    """Return the limits on stretches of steps; no key where there are none, as in papers printed before."""
    if not sop.limits:
        return {}
    headings = (_("Limit"), _("From"), _("Until"), _("Time"))
    rows = [[title, *(words.text(part) for part in ends)] for title, *ends in limit_rows(sop)]
    return {
        "limits_label": words.text(_("Limits of time")),
        "limits_headings": [words.text(heading) for heading in headings],
        "limits": rows,
    }


def _own_fields(sop: Sop, words: Words) -> dict[str, Any]:
    """Return the fields that the SOP asks for; no key where it asks for none, as in papers printed before."""
    rows = own_field_rows(sop)
    if not rows:
        return {}
    headings = (_("Step"), _("Field"), _("Kind"), _("Rules and help"))
    return {
        "fields_label": words.text(_("Fields that this SOP asks for")),
        "fields_headings": [words.text(heading) for heading in headings],
        "fields": [[words.text(step), label, words.text(kind), words.text(about)] for step, label, kind, about in rows],
    }


def _row(  # the parts of one row
    sop: Sop, chart: FlowChart, row: FlowChartRow, drawn: RowLayout, index: int, words: Words
) -> dict[str, Any]:
    rule = sop.rules.get(row.step) if row.step else None
    return {
        "no": "" if row.no is None else str(row.no),
        "text": words.text(row.text),
        "symbol": drawn.symbol.value if drawn.symbol else "",
        "x": drawn.x,
        "has_head": bool(drawn.incoming),
        "lines": [[line.x1, line.y1, line.x2, line.y2] for line in drawn.segments],
        "labels": [
            [label.port.value, label.at_edge, " / ".join(words.text(arrow.label) for arrow in label.arrows)]
            for label in drawn.labels
        ],
        "alternative": _alternative(chart, row, index, words),
        **(_standard(rule, row, chart, words) if rule else _extra(row.extra_row, words)),
    }


def _standard(rule: StepRule, row: FlowChartRow, chart: FlowChart, words: Words) -> dict[str, Any]:
    written = [f"{chart.columns[column].title}: {text}" for column, text in row.column_texts.items()]
    return {
        "requires": [
            item.label + (f" ({words.text(item.condition)})" if item.condition else "") for item in rule.requires
        ],
        "time": rule.standard.text if rule.standard else words.text(_NOT_SPECIFIED),
        "outputs": list(rule.outputs),
        "remarks": "; ".join(text for text in (rule.remarks, *written) if text),
    }


def _extra(extra: ExtraRow | None, words: Words) -> dict[str, Any]:
    del words
    if extra is None:
        return {"requires": [], "time": "", "outputs": [], "remarks": ""}
    return {
        "requires": list(extra.requires),
        "time": extra.time,
        "outputs": list(extra.outputs),
        "remarks": extra.remarks,
    }


def _alternative(chart: FlowChart, row: FlowChartRow, index: int, words: Words) -> str:
    """Return in words who acts and where the arrows lead, for readers who do not see the chart."""
    if row.column_index is None:
        return words.text(row.text)
    leads = [
        f"{words.text(arrow.label)} → {_row_name(chart.rows[arrow.to_row], words)}".removeprefix(" → ")
        for arrow in chart.arrows_from(index)
    ]
    actor = chart.columns[row.column_index].title
    return f"{actor}: {'; '.join(leads)}" if leads else actor


def _row_name(row: FlowChartRow, words: Words) -> str:
    return str(row.no) if row.no is not None else words.text(row.step or row.text)
