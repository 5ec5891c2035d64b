"""The fields that an SOP asks for, in words: on its page, on its paper, and for its preview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import _, join_messages, own_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from lpse_admin.i18n import Message
    from lpse_admin.sop import Sop
    from lpse_admin.sop.fields import SopField
    from lpse_admin.sop.steps import Outcome


def own_field_rows(sop: Sop) -> list[tuple[Message, str, Message, Message]]:
    """Return (step, label, kind, conditions and help) of each field that ``sop`` asks for, in its order."""
    return [
        (sop.step_title(rule.step), field.label, _kind(field), _about(field, rule.fields))
        for rule in sop.rules.values()
        for field in rule.fields
    ]


def _kind(field: SopField) -> Message:
    words = field.choices or field.columns
    return _("%(kind)s: %(words)s", kind=field.kind.title, words=", ".join(words)) if words else field.kind.title


def _about(field: SopField, fields: Sequence[SopField]) -> Message:
    """Return when the field is required and asked for, and its help."""
    parts: list[Message | str] = []
    if field.required_for:
        parts.append(_("required for: %(outcomes)s", outcomes=_titles(field.required_for)))
    if field.only_for:
        parts.append(_("only for: %(outcomes)s", outcomes=_titles(field.only_for)))
    if field.when:
        label = next(other.label for other in fields if other.key == field.when.key)
        parts.append(_("only where “%(field)s” is: %(values)s", field=label, values=", ".join(field.when.values)))
    if field.help:
        parts.append(own_words(field.help))
    return join_messages(parts)


def _titles(outcomes: Sequence[Outcome]) -> Message:
    return join_messages([outcome.title for outcome in outcomes], ", ")


def init_app(app: Flask) -> None:
    """Give the templates the rows."""
    app.jinja_env.globals["own_field_rows"] = own_field_rows
