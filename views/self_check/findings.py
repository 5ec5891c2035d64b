"""The findings of the self-check, each with its rule, its remedy and a link to the record."""

from __future__ import annotations

from typing import Any

from flask import url_for
from typing_extensions import override

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import _
from lpse_admin.self_check.rules import RuleKey, Severity
from models.office.agency import Agency
from models.self_check.finding import SelfCheckFinding
from views.app.access import can
from views.exports.columns import CellKind
from views.listing.filters.agency import AgencyFilter
from views.listing.filters.kinds import CaseFilter, ChoiceFilter, DateRangeFilter
from views.listing.lists import Column
from views.listing.record_view import RecordView

_OPEN = CaseFilter(
    "state",
    _("State"),
    cases=(
        ("open", _("Open"), SelfCheckFinding.cleared_at.is_(None)),
        ("cleared", _("Put right"), SelfCheckFinding.cleared_at.is_not(None)),
    ),
    default="open",
)


class SelfCheckView(RecordView):
    """What the self-check found in the register of the reader's office."""

    resource = Resource.SELF_CHECK
    model = SelfCheckFinding
    title = _("Self-check")
    empty_message = _("Nothing was found. The server checks every six hours.")
    details_template = "self_check/details.html"
    column_joins = ((Agency, Agency.id == SelfCheckFinding.agency_id),)
    column_list = (
        Column("name", _("Record"), SelfCheckFinding.record_name, is_link=True),
        Column("rule", _("Finding"), SelfCheckFinding.rule, CellKind.CHOICE, RuleKey, wide=True),
        Column("severity", _("Severity"), SelfCheckFinding.severity, CellKind.CHOICE, Severity),
        Column("agency", _("Agency"), Agency.name, superadmin_only=True),
        Column("fact", _("Concerns"), SelfCheckFinding.fact),
        Column("since", _("Since"), SelfCheckFinding.since, CellKind.DATETIME),
        Column("found", _("Found"), SelfCheckFinding.found_at, CellKind.DATETIME, sortable=True),
        Column("cleared", _("Put right"), SelfCheckFinding.cleared_at, CellKind.DATETIME, in_list=False),
    )
    column_filters = (
        _OPEN,
        ChoiceFilter("severity", _("Severity"), column=SelfCheckFinding.severity, choices=Severity),
        ChoiceFilter("rule", _("Finding"), column=SelfCheckFinding.rule, choices=RuleKey),
        DateRangeFilter("found", _("Found"), column=SelfCheckFinding.found_at),
        AgencyFilter("agency", _("Agency"), column=SelfCheckFinding.agency_id),
    )
    column_searchable_list = (SelfCheckFinding.record_name, SelfCheckFinding.fact)
    search_hint = _("Name of the record, and whom or what the finding concerns.")
    column_sortable_list = ("found",)
    column_default_sort = "-found"

    @override
    def details_context(self, id: int) -> dict[str, Any]:
        """Give the page the rule, and the address of the record if the reader may open it."""
        finding = self.get_one(str(id))
        rule = finding.definition
        # Of an account, say: the finding is told to more than may open what it is about.
        is_open = can(Verb.READ, rule.resource)
        record_url = url_for(f"{rule.resource.value}.details_view", id=finding.record_id) if is_open else None
        return {"finding": finding, "rule": rule, "record_url": record_url, "name": str(finding)}
