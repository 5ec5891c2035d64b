"""The rules of the self-check: what is looked for, where the rule comes from, and how to put it right."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from lpse_admin.accounts.permissions import Resource
from lpse_admin.i18n import LabelledEnum, Message, _

#: A release whose window ended this long ago should have its actual time.
RELEASE_PATIENCE = dt.timedelta(days=1)
#: A deviation of an open step should be explained by then.
EXPLANATION_PATIENCE = dt.timedelta(days=7)
#: The asset list should be updated this long after a review found that something changed.
UPDATE_PATIENCE = dt.timedelta(days=14)
#: A step in which nothing has happened for this long is asleep.
SLEEP = dt.timedelta(days=30)
#: An account that nobody has logged in to for this long.
UNUSED_ACCOUNT = dt.timedelta(days=90)
#: An SOP should be evaluated (Permenpan-RB 35/2012); offices do so once a year.
SOP_REVIEW = dt.timedelta(days=365)


class Severity(LabelledEnum):
    """How much a finding weighs."""

    SERIOUS = "serious", _("Serious")
    MINOR = "minor", _("Minor")
    NOTE = "note", _("To be looked at")


class RuleKey(LabelledEnum):
    """The rules; the title says what was found."""

    DOCUMENT_MISSING = "document-missing", _("Required document or equipment missing")
    OUT_OF_ORDER = "out-of-order", _("Decided before it was asked")
    PARTS_NOT_APART = "parts-not-apart", _("One person in two parts that must be kept apart")
    APPROVAL_MISSING = "approval-missing", _("Emergency implemented without approval")
    LATE_UNEXPLAINED = "late-unexplained", _("Deviation without explanation")
    CONDITION_NOT_MET = "condition-not-met", _("Document that depends on a condition missing")
    FOLLOW_UP_OVERDUE = "follow-up-overdue", _("Follow-up overdue")
    FINDING_OVERDUE = "finding-overdue", _("Improvement asked for by an assessor overdue")
    RELEASE_NOT_RECORDED = "release-not-recorded", _("Release past without its actual time")
    ASSET_NOT_UPDATED = "asset-not-updated", _("Asset reviewed but not updated")
    ASSET_DOUBLE = "asset-double", _("Asset recorded twice")
    ASSET_GAP = "asset-gap", _("Register numbers out of sequence")
    DECREE_MISSING = "decree-missing", _("Delegation without its decree")
    TERM_TOO_LONG = "term-too-long", _("Delegation longer than the rule")
    POST_VACANT = "post-vacant", _("Post that nobody is appointed to any more")
    ASLEEP = "asleep", _("Request in which nothing happens")
    ACCOUNT_UNUSED = "account-unused", _("Account that nobody uses")
    PERSON_TWICE = "person-twice", _("One person with two accounts")
    ROLES_MIXED = "roles-mixed", _("Administrator who also takes part in requests")
    NIP_MISSING = "nip-missing", _("Account of an actor without NIP")
    SOP_OLD = "sop-old", _("SOP past its yearly evaluation")
    INSPECTOR_UNDATED = "inspector-undated", _("Inspector's account without dates")
    INSPECTOR_OVER = "inspector-over", _("Inspector's account past its last day")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its weight, the screen of the records it is about, its source, and what is to be done."""

    key: RuleKey
    severity: Severity
    resource: Resource
    source: Message
    remedy: Message


_SOP = _("SOP: required documents and equipment of the step")
_LPSE = _("The 17 LPSE standards: change management")

RULES: dict[RuleKey, Rule] = {
    rule.key: rule
    for rule in (
        Rule(RuleKey.DOCUMENT_MISSING, Severity.SERIOUS, Resource.DEVIATION, _SOP,
             _("Add the document, or let the head decide on the deviation.")),
        Rule(RuleKey.OUT_OF_ORDER, Severity.SERIOUS, Resource.CHANGE, _("SOP: order of the activities"),
             _("Find out how it came about; correct it by a clock correction on record.")),
        Rule(RuleKey.PARTS_NOT_APART, Severity.SERIOUS, Resource.CHANGE, _("Procedure: who checks does not carry out"),
             _("Let somebody else check the request, and note it as a comment.")),
        Rule(RuleKey.APPROVAL_MISSING, Severity.SERIOUS, Resource.CHANGE, _("SOP: approval of emergencies"),
             _("Report it to the head.")),
        Rule(RuleKey.LATE_UNEXPLAINED, Severity.MINOR, Resource.DEVIATION, _("SOP: standard times, and their account"),
             _("Whoever carries out the step explains it.")),
        Rule(RuleKey.CONDITION_NOT_MET, Severity.SERIOUS, Resource.CHANGE, _("SOP: documents for this kind of change"),
             _("Ask the requester for the document, or note on the request why there is none.")),
        Rule(RuleKey.FOLLOW_UP_OVERDUE, Severity.SERIOUS, Resource.DEVIATION, _("Decision of the head on it"),
             _("Carry it out and note it on the deviation.")),
        Rule(RuleKey.FINDING_OVERDUE, Severity.SERIOUS, Resource.FINDING,
             _("The 17 LPSE standards: internal assessment"),
             _("Carry out the action, record it, and let the assessor agree.")),
        Rule(RuleKey.RELEASE_NOT_RECORDED, Severity.MINOR, Resource.RELEASE, _("SOP: release as scheduled"),
             _("Note the actual time, or move or set aside the window with its reason.")),
        Rule(RuleKey.ASSET_NOT_UPDATED, Severity.SERIOUS, Resource.ASSET_REVIEW, _("SOP: update of the asset list"),
             _("Finish the step of the asset update.")),
        Rule(RuleKey.ASSET_DOUBLE, Severity.SERIOUS, Resource.ASSET, _("Permendagri 47/2021: bookkeeping of assets"),
             _("Retire one of the two by an asset update.")),
        Rule(RuleKey.ASSET_GAP, Severity.NOTE, Resource.ASSET, _("Permendagri 17/2007: register numbers"),
             _("Record the items that are missing, or note why there are none.")),
        Rule(RuleKey.DECREE_MISSING, Severity.SERIOUS, Resource.DELEGATION, _("Appointment by decree"),
             _("Attach the decree to the delegation.")),
        Rule(RuleKey.TERM_TOO_LONG, Severity.MINOR, Resource.DELEGATION, _("Three months, and once more three"),
             _("State the reason, or let the superior appoint somebody.")),
        Rule(RuleKey.POST_VACANT, Severity.SERIOUS, Resource.APPOINTMENT, _("Appointment by decree"),
             _("Record the decree of who holds the post now: its steps are nobody's until then.")),
        Rule(RuleKey.ASLEEP, Severity.MINOR, Resource.CHANGE, _LPSE,
             _("Finish the step, hand it over, or withdraw the request.")),
        Rule(RuleKey.ACCOUNT_UNUSED, Severity.NOTE, Resource.USER, _("Access control: accounts of people who left"),
             _("Disable the account if nobody needs it.")),
        Rule(RuleKey.PERSON_TWICE, Severity.SERIOUS, Resource.USER, _("Access control: one person, one account"),
             _("Disable one of the accounts.")),
        Rule(RuleKey.ROLES_MIXED, Severity.SERIOUS, Resource.USER, _("Access control: four eyes"),
             _("Take the administrator role or the others away, and give them to somebody else.")),
        Rule(RuleKey.NIP_MISSING, Severity.NOTE, Resource.USER, _("Access control: one person, one account"),
             _("Enter the NIP on the page of the account.")),
        Rule(RuleKey.INSPECTOR_UNDATED, Severity.MINOR, Resource.USER, _("Access control: inspection for a time"),
             _("Enter the first and the last day of the inspection.")),
        Rule(RuleKey.INSPECTOR_OVER, Severity.NOTE, Resource.USER, _("Access control: inspection for a time"),
             _("Disable the account, or enter other days if the inspection goes on.")),
        Rule(RuleKey.SOP_OLD, Severity.NOTE, Resource.SOP, _("Permenpan-RB 35/2012: evaluation of SOPs"),
             _("Evaluate the SOP; enact a revision, or the same text anew.")),
    )
}  # fmt: skip
