"""The papers of a request as a whole: the change form, the deviations, and the receipt of the handing over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpse_admin.accounts.roles import Role
from lpse_admin.i18n import _
from lpse_admin.papers.content import Choice, PaperContent, PaperTable, Part
from lpse_admin.papers.kinds import PaperKind
from lpse_admin.sop.steps import REQUESTER_STEPS, Outcome, Step, Urgency
from lpse_admin.workflow.record_fields import (
    EVALUATED_FIELDS,
    REASON_FIELD,
    REQUEST_FIELDS,
    ChangeKind,
    fields_of_step,
)
from views.papers.contents.facts import fact, facts_of, own_facts, raw_text, tables_of, value_text
from views.papers.contents.signing import NOT_NEEDED, head_place, open_place, requester_signer, signer_of
from views.papers.contents.step_papers import about_request

if TYPE_CHECKING:
    import datetime as dt

    from lpse_admin.i18n import Message
    from lpse_admin.papers.content import PaperFact, Signer
    from models.changes.loading import StepShown
    from models.deviations.deviation import Deviation
    from views.papers.contents.source import Source


def change_form(source: Source) -> PaperContent:
    """Return the form of four parts: applicant, evaluation of the impact, approval, implementation."""
    return PaperContent(
        PaperKind.CHANGE_FORM,
        source.words.text(PaperKind.CHANGE_FORM),
        source.change.number or "",
        last_moment(source),
        about_request(source)[-1:],
        parts=(_applicant(source), _evaluation(source), _approval(source), _implementation(source)),
    )


def last_moment(source: Source) -> dt.datetime:
    """Return when the last finished step of a request ended."""
    times = [step.finished_at for step in source.finished if step.finished_at is not None]
    return max(times) if times else source.change.created_at


def _applicant(source: Source) -> Part:
    change = source.change
    fields = [field for field in REQUEST_FIELDS if field.key not in {*EVALUATED_FIELDS, "linked_change_id"}]
    own = ("requester_name", "requester_contact", "requester_institution", "on_behalf_of")
    fields.sort(key=lambda field: own.index(field.key) if field.key in own else len(own))
    values = {field.key: getattr(change, field.key) for field in fields}
    facts = facts_of(fields, values, source.words)
    if change.linked_change is not None:
        facts += (fact("linked", _("Earlier request"), change.linked_change.number, source.words),)
    submissions = [step for step in source.finished if step.step in REQUESTER_STEPS]
    facts += own_facts(submissions[-1] if submissions else None)
    title = _("1. Applicant")
    return Part("applicant", source.words.text(title), facts)


def _evaluation(source: Source) -> Part:
    words, change = source.words, source.change
    evaluation, urgency = source.latest(Step.EVALUATION), source.latest(Step.URGENCY)
    values = dict(evaluation.record) if evaluation else {}
    values = {key: values.get(key) or getattr(change, key, None) for key in (*values, *EVALUATED_FIELDS)}
    fields = [field for field in fields_of_step(Step.EVALUATION) if field.key != "kind"]
    facts = facts_of(fields, values, words)
    if urgency is not None:
        facts += facts_of(
            (*fields_of_step(Step.URGENCY), REASON_FIELD), {**urgency.record, "reason": urgency.reason}, words
        )
    facts += own_facts(evaluation) + own_facts(urgency)
    others = _others(source, evaluation)
    facts += tuple(one for step in others for one in _facts_of_other(source, step))
    kinds = values["kind"] or ()
    manager = signer_of(source, evaluation) if evaluation else open_place(source, Role.CHANGE_MANAGER)
    return Part(
        "evaluation",
        words.text(_("2. Evaluation of the impact")),
        facts,
        (
            (
                words.text(_("Type of change")),
                tuple(Choice(one.value, words.text(one), one in kinds) for one in ChangeKind),
            ),
            (
                words.text(_("Category")),
                tuple(Choice(one.value, words.text(one), one is change.urgency) for one in Urgency),
            ),
        ),
        signers=(*(signer_of(source, step) for step in others), manager, requester_signer(source)),
    )


def _others(source: Source, step: StepShown | None) -> tuple[StepShown, ...]:
    """Return the last visits of the other steps of the kind of ``step``, where the SOP has more than one."""
    if step is None:
        return ()
    return tuple(one for one in source.latest_of_each(step.step.kind) if one.id != step.id)


def _facts_of_other(source: Source, step: StepShown) -> tuple[PaperFact, ...]:
    """Return what another step of the same kind came to, each under the name of the step."""
    words, name = source.words, source.words.text(source.sop.step_title(step.step))
    result = fact("outcome", _("Outcome of the step"), step.outcome, words)
    reason = (fact("reason", REASON_FIELD.label, step.reason, words),) if step.reason else ()
    said = (result, *reason, *facts_of(fields_of_step(step.step), step.record, words), *own_facts(step))
    return tuple(replace(one, key=f"{step.step.value}/{one.key}", label=f"{name}: {one.label}") for one in said)


def _approval(source: Source) -> Part:
    words, decision, release = source.words, source.latest(Step.APPROVAL), source.latest(Step.RELEASE)
    executor, others = source.latest(Step.IMPLEMENTATION), _others(source, decision)
    agreed = decision.outcome if decision else None
    note = decision.reason or decision.record.get("considerations") if decision else None
    schedule = _window(source, release)
    facts = (
        fact("note", _("Note"), note, words),
        fact("schedule", _("Schedule"), schedule, words),
        fact("executor", _("Carried out by"), executor.actor if executor else None, words),
        *own_facts(decision),
        *(one for step in others for one in _facts_of_other(source, step)),
    )
    boxes = ((Outcome.APPROVED, _("Agreed")), (Outcome.REFUSED, _("Not agreed")))
    return Part(
        "approval",
        words.text(_("3. Approval or refusal")),
        facts,
        (
            (
                words.text(_("Decision")),
                tuple(Choice(one.value, words.text(label), agreed is one) for one, label in boxes),
            ),
        ),
        signers=(*(signer_of(source, step) for step in others), _approver(source, decision)),
    )


def _window(source: Source, release: StepShown | None) -> str | None:
    if release is None or release.outcome is not Outcome.SCHEDULED or release.id in source.set_aside:
        return None
    start, end = release.record["window_start_at"], release.record["window_end_at"]
    return f"{source.words.moment(start)} – {source.words.moment(end)}"


def _approver(source: Source, decision: StepShown | None) -> Signer:
    is_normal = source.change.urgency is Urgency.NORMAL and decision is None
    if is_normal and not source.sop.switches.head_approves_every_change:
        return open_place(source, Role.HEAD, NOT_NEEDED)
    return head_place(source, decision)


def _implementation(source: Source) -> Part:
    words = source.words
    done, test, undone = (source.latest(step) for step in (Step.IMPLEMENTATION, Step.TEST, Step.ROLLBACK))
    facts = [fact("test", _("Test result"), test.outcome if test else None, words)]
    if test is not None:
        facts += facts_of(fields_of_step(Step.TEST), test.record, words)
    if done is not None:
        facts += facts_of(fields_of_step(Step.IMPLEMENTATION), done.record, words)
    facts += (*own_facts(done), *own_facts(test), *own_facts(undone))
    if undone is not None:
        facts.append(fact("rollback", _("Roll back"), undone.record.get("state_restored"), words))
    facts.append(fact("result", _("Result"), source.change.result, words))
    facts.append(fact("date", _("Date"), done.finished_at if done else None, words))
    return Part(
        "implementation",
        words.text(_("4. Implementation")),
        tuple(facts),
        tables=tables_of(fields_of_step(Step.TEST), test.record, words) if test else (),
        signers=(signer_of(source, done) if done else open_place(source, Role.CHANGE_MANAGER),),
    )


def deviations_paper(source: Source) -> PaperContent:
    """Return the deviations of a request with their accounts and disposals."""
    words = source.words
    headings: tuple[Message, ...] = (
        _("No."), _("Step"), _("Deviation"), _("Standard"), _("Raised"), _("Account"), _("Disposal"),
    )  # fmt: skip
    deviations = sorted(source.details.deviations, key=lambda one: one.id)
    table = PaperTable(
        "deviations",
        "",
        tuple(words.text(heading) for heading in headings),
        tuple((str(number), *_deviation_row(one, source)) for number, one in enumerate(deviations, 1)),
        (0.5, 1.5, 1.6, 1.2, 1.4, 3, 2.6),
        tuple(tuple(raw_text(value) for value in _deviation_values(one)) for one in deviations),
    )
    note = "" if deviations else words.text(_("NIHIL"))
    verification = source.latest(Step.VERIFICATION)
    return PaperContent(
        PaperKind.DEVIATIONS,
        words.text(PaperKind.DEVIATIONS),
        source.change.number or "",
        max(
            [
                last_moment(source),
                *(at for one in deviations for at in (one.raised_at, one.accounted_at, one.disposed_at) if at),
            ]
        ),
        about_request(source),
        parts=(Part("deviations", words.text(_("Deviations")), tables=(table,) if deviations else (), text=note),),
        signers=(head_place(source, verification),),
    )


def _deviation_values(one: Deviation) -> tuple[object, ...]:
    return (
        one.step, one.kind, one.subject, one.standard, one.raised_at, one.account, one.accounted_at, one.disposal,
        one.disposal_note, one.disposed_at,
    )  # fmt: skip


def _deviation_row(one: Deviation, source: Source) -> tuple[str, ...]:
    words = source.words
    account = [one.account or "–"]
    if one.accounted_at is not None:
        account.append(f"({one.accounted_by_name}, {words.day(one.accounted_at)})")
    disposal = [value_text(one.disposal, words)]
    if one.disposed_at is not None:
        disposal += [one.disposal_note or "", f"({one.disposed_by_name}, {words.day(one.disposed_at)})"]
    return (
        words.text(one.step),
        words.text(one.title),
        one.standard or "–",
        words.moment(one.raised_at),
        "\n".join(account),
        "\n".join(text for text in disposal if text),
    )


def handover_paper(source: Source) -> PaperContent:
    """Return the receipt by which the result is handed over to the requester."""
    words, change = source.words, source.change
    report, release = source.latest(Step.REPORT), source.latest(Step.RELEASE)
    facts = [
        fact("result", _("Result"), change.result, words),
        fact("closed_at", _("Closed"), change.closed_at, words),
        fact("description", _("What is to be changed"), change.description, words),
        fact("summary", _("What was done"), report.record.get("summary") if report else None, words),
    ]
    if release is not None:
        facts.append(fact("version", _("Version"), release.record.get("version"), words))
    ended = source.finished[-1]
    if ended.reason:
        facts.append(fact("reason", REASON_FIELD.label, ended.reason, words))
    giver = report or source.latest(Step.EVALUATION) or ended
    closed = change.closed_at or last_moment(source)
    opening = _("On this day, %(day)s, the result of the change below was handed over to its requester.")
    return PaperContent(
        PaperKind.HANDOVER,
        words.text(PaperKind.HANDOVER),
        change.number or "",
        closed,
        about_request(source),
        words.text(type(opening)(opening.text, {"day": words.day_in_words(closed)})),
        (Part("handover", words.text(_("Result")), tuple(facts)),),
        (requester_signer(source), signer_of(source, giver)),
    )
