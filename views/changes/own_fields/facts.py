"""What a step says in the fields that its SOP asks for, as facts of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import own_words
from views.forms.folding import collapsible_text
from views.listing.page.cells import Fact

if TYPE_CHECKING:
    from models.changes.loading import StepShown


def own_facts(step: StepShown) -> list[Fact]:
    """Return the fields that ``step`` filled in, in the order of its SOP."""
    return [Fact(own_words(one.label), collapsible_text(one.words)) for one in step.own_values]
