"""The database tables, and the operations on them.

Importing the package imports every model, so that all relationships resolve.
"""

from importlib import import_module

_MODULES = (
    # First, since statements that are made while the others are imported join users to it.
    "models.office.agency",
    "models.accounts.login",
    "models.accounts.password_reset",
    "models.accounts.user",
    "models.audit.trail",
    "models.audit.verification",
    "models.changes.activity",
    "models.changes.assignment",
    "models.changes.change",
    "models.changes.change_item",
    "models.changes.comment",
    "models.changes.drafts",
    "models.changes.history",
    "models.changes.loading",
    "models.changes.record_store",
    "models.changes.revision",
    "models.changes.transition",
    "models.delegation.absence",
    "models.delegation.acting_head",
    "models.delegation.delegation",
    "models.delegation.grant",
    "models.delegation.head_absence",
    "models.deviations.deviation",
    "models.documents.document",
    "models.forms.pending_upload",
    "models.forms.submission",
    "models.inventory.asset",
    "models.inventory.asset_entry",
    "models.inventory.card_import",
    "models.inventory.lookup",
    "models.inventory.mutation",
    "models.listing.saved_view",
    "models.notifications.account_mails",
    "models.notifications.mail",
    "models.notifications.notification",
    "models.notifications.outbox",
    "models.notifications.rules",
    "models.notifications.smtp_client",
    "models.office.calendars",
    "models.office.office_day",
    "models.office.options",
    "models.office.setting",
    "models.office.working_hours",
    "models.releases.calendar",
    "models.releases.calendar_feed",
    "models.releases.conflicts",
    "models.releases.freeze",
    "models.releases.freeze_permit",
    "models.releases.release_revision",
    "models.reports.figures",
    "models.reports.waiting",
    "models.search.index",
    "models.search.search",
    "models.sops.sop",
    "models.worktime.deadlines",
    "models.worktime.register_timing",
    "models.worktime.step_durations",
    "models.worktime.timing",
    # Last, since the triggers are made from the models above.
    "models.triggers",
)

for _name in _MODULES:
    import_module(_name)
