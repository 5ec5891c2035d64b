"""The screen of asset updates, with a page for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from flask_admin import expose

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.i18n import _
from lpse_admin.inventory.cards import Card
from lpse_admin.parsing.blank import strip_blank
from lpse_admin.sop.steps import Step
from models.database import db
from views.changes.assets import update as assets_update
from views.changes.steps.lists import step_spec
from views.changes.steps.record_view import StepRecordView
from views.forms.once import keep_submission
from views.forms.recovery import recoverable
from views.listing.filters.kinds import MAX_SEARCH_LENGTH
from views.listing.record_view import parse_id

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from models.changes.steps.activity import AssetUpdate


class AssetUpdateView(StepRecordView):
    """Updates of the asset list."""

    step = Step.ASSET_UPDATE
    resource = Resource.ASSET_UPDATE
    title = _("Updates of the asset list")
    empty_message = _("No update yet. One appears when a review finds changed assets.")
    spec = step_spec(Step.ASSET_UPDATE, "notes")

    @expose("/<change_id>/item", methods=("GET", "POST"))
    @recoverable
    def item(self, change_id: str) -> ResponseReturnValue:
        """Enter or correct one row of an open update: first the item is picked, then its columns are filled in."""
        self.require_permission(Verb.EDIT)
        case, update = assets_update.open_update(parse_id(change_id))
        back = self.link_url(case.change.id)
        if not (request.args.get("kind") or request.args.get("row")):
            return self._pick(update, back)
        row = assets_update.RowForm(case.change, update, request.args)
        return self.submit_form(
            row.form,
            lambda: assets_update.save_row(case, row),
            lambda _done: self.redirect_with_message(_("Noted. The list changes when the step is finished."), back),
            location=lambda _done: back,
            heading=row.heading,
            submit=_("Note this change"),
            back=back,
        )

    def _pick(self, update: AssetUpdate, back: str) -> str:
        """Show the items on the list by code, name or place."""
        text = strip_blank(request.args.get("search", ""))[:MAX_SEARCH_LENGTH].replace("\x00", "")
        assets = assets_update.pick_assets(update.agency_id, text)
        return str(
            self.render(
                "changes/steps/pick_asset.html",
                view=self,
                assets=assets[: assets_update.MAX_PICKED],
                has_more=len(assets) > assets_update.MAX_PICKED,
                text=text,
                cards=[*Card],
                change_id=update.change_id,
                back=back,
            )
        )

    @expose("/<change_id>/item/remove", methods=("POST",))
    def remove_item(self, change_id: str) -> ResponseReturnValue:
        """Take a row out of an open update."""
        self.require_permission(Verb.EDIT)
        case, update = assets_update.open_update(parse_id(change_id))
        back = self.link_url(case.change.id)
        assets_update.remove_row(case, update, request.form.get("row"))
        keep_submission(back)
        db.session.commit()
        return self.redirect_with_message(_("The row was removed."), back)
