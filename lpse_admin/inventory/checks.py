"""What a value of an item has to be beyond its column: a NIBAR, a code that the list of codes has."""

from __future__ import annotations

from lpse_admin.i18n import LabelledEnum, _


class UnknownCode(LabelledEnum):
    """What happens to an item whose code is not on the office's list of codes."""

    WARN = "warn", _("Take it and say so")
    REFUSE = "refuse", _("Refuse it")
