"""The paper of one step's record: what the SOP and the declaration of its fields say is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpse_admin.i18n import _
from lpse_admin.papers.content import PaperContent, PaperTable, Part
from lpse_admin.papers.kinds import PAPER_OF_STEP, PaperKind
from lpse_admin.sop import ItemKind
from lpse_admin.sop.steps import HEAD_STEPS, Step, words_of
from lpse_admin.workflow.record_fields import REASON_FIELD, fields_of_step
from views.papers.contents.facts import fact, facts_of, own_facts, tables_of
from views.papers.contents.signing import head_place, signer_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from lpse_admin.i18n import Message
    from lpse_admin.papers.content import PaperFact, Signer
    from models.changes.loading import StepShown
    from views.papers.contents.source import Source


def step_paper(source: Source, step: StepShown, kind: PaperKind | None = None) -> PaperContent:
    """Return the paper of a finished step; of a release both its schedule and its minutes (``kind``) are papers."""
    kind = kind or PAPER_OF_STEP[step.step.kind]
    words, fields, values = source.words, fields_of_step(step.step), _values(step)
    result = tuple(
        one
        for one in (
            fact("outcome", _("Outcome of the step"), step.outcome, words),
            fact("reason", REASON_FIELD.label, step.reason, words) if step.reason else None,
            _set_aside(source, step),
        )
        if one is not None
    )
    parts = [
        Part(
            "record",
            words.text(_("Record")),
            (*result, *facts_of(fields, values, words), *own_facts(step)),
            tables=tables_of(fields, values, words),
        ),
        *_background(source, step, kind),
        Part("course", words.text(_("Course of the step")), _course(source, step), tables=_attachments(source, step)),
    ]
    return PaperContent(
        kind,
        title_of(source, step.step, kind, words.text),
        source.change.number or "",
        _moment_of(step, kind),
        about_request(source),
        _opening(source, step, kind),
        tuple(parts),
        _signers(source, step, kind),
    )


def title_of(source: Source, step: Step, kind: PaperKind, text: Callable[[Message], str]) -> str:
    """Return what a paper is called: by its kind, and by the name of a step that the SOP has named."""
    title = source.sop.step_title(step)
    if step.is_own:
        return text(title)
    if not step.own_name:
        return text(kind.title)
    rule = source.sop.rules.get(step)
    return f"{text(kind.title)}: {text(title) if rule is not None and rule.title else words_of(step.own_name)}"


def about_request(source: Source) -> tuple[PaperFact, ...]:
    """Return which request a paper is about."""
    change, words = source.change, source.words
    return (
        fact("number", _("Number of the request"), change.number, words),
        fact("title", _("Title"), change.title, words),
        fact("requester", _("Requester"), change.requester_name, words),
        fact("institution", _("Requester's institution"), change.requester_institution, words),
        fact("sop", _("SOP"), source.sop.number or source.sop.title, words),
    )


def _values(step: StepShown) -> dict[str, object]:
    return dict(step.record)


def _moment_of(step: StepShown, kind: PaperKind) -> dt.datetime:
    """Return when the step ended, or, for the minutes of a release, when it was released if that was later."""
    finished = step.finished_at or step.arrived_at
    released: dt.datetime | None = step.record.get("actual_at") if kind is PaperKind.RELEASE else None
    return max(finished, released) if released else finished


def _set_aside(source: Source, step: StepShown) -> PaperFact | None:
    if step.id not in source.set_aside:
        return None
    return fact("set_aside", _("Plan"), source.words.text(_("Set aside")), source.words)


def _opening(source: Source, step: StepShown, kind: PaperKind) -> str:
    if not kind.is_minutes or step.finished_at is None:
        return ""
    at = step.record["actual_at"] if kind is PaperKind.RELEASE else step.finished_at
    acts = {
        PaperKind.TEST: _("On this day, %(day)s, the change below was tested, as recorded here."),
        PaperKind.ROLLBACK: _("On this day, %(day)s, the change below was rolled back, as recorded here."),
        PaperKind.RELEASE: _("On this day, %(day)s, the change below was released, as recorded here."),
    }
    sentence = acts[kind]
    return source.words.text(type(sentence)(sentence.text, {"day": source.words.day_in_words(at)}))


def _background(source: Source, step: StepShown, kind: PaperKind) -> list[Part]:
    """Return what a decision, a report or minutes refer to: the latest record of the steps before."""
    parts = []
    earlier = {one.step: one for one in source.finished if one.sequence < step.sequence}
    for before in _REFERS_TO.get(kind, ()):
        for last in (one for name, one in earlier.items() if name.kind is before):
            fields, values = fields_of_step(before), _values(last)
            facts = (
                fact("outcome", _("Outcome of the step"), last.outcome, source.words),
                *facts_of(fields, values, source.words),
                *own_facts(last),
            )
            tables = tables_of(fields, values, source.words)
            title = last.step if last.step is before else source.sop.step_title(last.step)
            parts.append(Part(last.step.value, source.words.text(title), facts, tables=tables))
    return parts


#: What each paper repeats of the steps before it.
_REFERS_TO = {
    PaperKind.DECISION: (Step.EVALUATION, Step.URGENCY),
    PaperKind.ROLLBACK: (Step.TEST,),
    PaperKind.REPORT: (Step.IMPLEMENTATION, Step.TEST, Step.ROLLBACK),
    PaperKind.VERIFICATION: (Step.REPORT,),
    PaperKind.RELEASE: (Step.TEST,),
}


def _course(source: Source, step: StepShown) -> tuple[PaperFact, ...]:
    words, rule = source.words, source.sop.rules[step.step]
    said = [
        fact("activity", _("Activity of the SOP"), f"{rule.no}. {rule.activity}" if rule.no else rule.activity, words),
        fact("actor", _("By"), step.actor, words),
        fact("actor_title", _("Position"), step.actor_title, words) if step.actor_title else None,
        fact("capacity", _("In the capacity of"), step.capacity, words),
        fact("decree", _("Decree"), step.decree_number, words) if step.decree_number else None,
        fact("arrived_at", _("Received"), step.arrived_at, words),
        fact("taken_up_at", _("Taken up"), step.taken_up_at, words) if step.taken_up_at else None,
        fact("finished_at", _("Finished"), step.finished_at, words),
        fact("standard", _("Standard time"), rule.standard.text if rule.standard else _("not specified"), words),
        _equipment(source, step),
    ]
    return tuple(one for one in said if one is not None)


def _equipment(source: Source, step: StepShown) -> PaperFact | None:
    items = source.sop.rules[step.step].requires
    names = [item.label for item in items if item.kind is ItemKind.EQUIPMENT and item.key in step.equipment]
    return fact("equipment", _("Equipment"), tuple(names), source.words) if names else None


def _attachments(source: Source, step: StepShown) -> tuple[PaperTable, ...]:
    rows = tuple(source.documents_of(step))
    if not rows:
        return ()
    headings = (source.words.text(_("File")), "SHA-256")
    return (PaperTable("documents", source.words.text(_("Attachments")), headings, rows, (2, 3)),)


def _signers(source: Source, step: StepShown, kind: PaperKind) -> tuple[Signer, ...]:
    own = signer_of(source, step)
    if step.step.kind in HEAD_STEPS or kind not in _SEEN_BY_HEAD:
        return (own,)
    later = [one for one in source.finished if one.step.kind is Step.VERIFICATION and one.sequence > step.sequence]
    earlier = source.latest(Step.VERIFICATION)
    return (head_place(source, later[0] if later else earlier), own)


#: Papers that the head signs too ("Mengetahui").
_SEEN_BY_HEAD = frozenset({PaperKind.TEST, PaperKind.ROLLBACK, PaperKind.REPORT, PaperKind.SCHEDULE, PaperKind.RELEASE})
