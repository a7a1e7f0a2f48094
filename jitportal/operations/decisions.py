"""Verdicts on requests, bound to exactly what the approver saw; and the stages they fill."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from jitportal.audit.context import acting
from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import AccessRequest, Approval, Person, StepUpProof
from jitportal.operations import (
    clock,
    confirmation_words,
    enrolment,
    granting,
    notices,
    nudge_times,
    policies,
    risks,
    standing,
    step_up,
    telling,
)
from jitportal.operations.delegated import counted_on
from jitportal.operations.directory import person_facts
from jitportal.operations.facts import insist, may, on_behalf_of, open_deciders, require
from jitportal.operations.seats import decided_before, spared
from jitportal.operations.spoken_times import moment
from jitportal.operations.transaction import lock_request, operation
from jitportal.rules.canonical import Plain, digest
from jitportal.rules.durations import spoken
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, PolicyRefuses, TooLate
from jitportal.rules.lifecycle import check_transition, spoken_state
from jitportal.rules.permissions import Answer, Denied, Verb
from jitportal.rules.plain_text import words_problem
from jitportal.rules.policy import start_problems
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import EndReason, RequestStatus, Verdict

_CLOSES = {Verdict.DENY: RequestStatus.DENIED, Verdict.SEND_BACK: RequestStatus.SENT_BACK}
_SAID = {Verdict.APPROVE: "approved", Verdict.DENY: "denied", Verdict.SEND_BACK: "sent back"}


def seen_digest(request: AccessRequest) -> str:
    """The hash of what a decision form shows: the revision, the open stage, the lowest minutes, and whether
    the grant that it renews was revoked: what somebody has just ended goes on only knowingly.

    Other live context (who else holds the role, and so on) stays outside it.
    """
    return digest(_seen(request))


def deciders(request: AccessRequest) -> list[Person]:
    """Those who can decide the open stage now, by name."""
    return list(Person.objects.active().filter(username__in=open_deciders(request)).order_by("name"))


def why_not(person: Person, request: AccessRequest, now: datetime | None = None) -> Answer:
    """Whether this person can decide on the request now, or why not, in a sentence."""
    return standing.why_not(person, request, now or clock.now(), standing.standing_of(request))


def decide(
    *,
    actor: Person,
    request: AccessRequest,
    verdict: Verdict,
    digest: str,
    reason: str = "",
    minutes: int | None = None,
    proof: StepUpProof | None = None,
) -> Approval:
    """Give a verdict on the open stage of the request's current revision.

    ``digest`` is what ``seen_digest`` gave to the form. ``minutes`` may only shorten. ``proof`` is the fresh
    second factor that the approval of a role of high risk takes. Raises
    ``NotAllowed`` (who), ``TooLate`` (when), ``Conflict`` (somebody was faster, or it reads otherwise
    than what the approver saw), ``InvalidInput`` (reason, minutes), ``PolicyRefuses`` (it may not start).
    """
    with operation(actor):
        request = lock_request(request)
        now = clock.now()
        _refuse_decider(actor, request, now)
        enrolment.require(actor, "Deciding")
        if digest != seen_digest(request):
            raise Conflict(
                "The request reads otherwise now than when you opened this page. "
                "Look at it again, then decide."
            )
        minutes = _checked(request, verdict, reason, minutes)
        delegator = on_behalf_of(actor, request)
        if verdict is Verdict.APPROVE:
            _refuse_if_needed_later(actor, request, delegator)
            _refuse_if_narrowed(request)
        document = _document(actor, request, verdict, minutes, delegator)
        taken = _stepped_up(actor, request, verdict, document, delegator, proof)
        approval = _store(actor, request, document, reason.strip(), now, delegator=delegator)
        if verdict is Verdict.APPROVE:
            _approved(request, actor, approval, now, step_up.traced(taken))
        else:
            _closed(request, actor, approval, reason.strip(), now)
        return approval


def move_on(request: AccessRequest, actor: Person, now: datetime) -> None:
    """Pass the stages that are filled, then ask those of the next one, or make the grant.

    The request is locked, or has just been made.
    """
    stages = request.asked.stages
    before = request.stage
    while request.stage < len(stages) and _filled(request, stages[request.stage], now):
        request.stage += 1
    if request.stage != before:
        request.save(update_fields=["stage"])
    if request.stage < len(stages):
        if request.stage != before:
            nudge_times.set_times(request, now)
        telling.ask_deciders(request, deciders(request), actor, now)
        return
    nudge_times.stop(request)
    check_transition("request", request.status, RequestStatus.APPROVED)
    request.status, request.closed_at = RequestStatus.APPROVED, now
    request.save(update_fields=["status", "closed_at"])
    with acting(system()):
        granting.make_grant(request, now)


def refuse_late(request: AccessRequest, now: datetime) -> None:
    """Deadlines count when a decision is made, not when a sweeper comes by."""
    if now >= request.lapses_at:
        raise TooLate(
            f"This request had to be decided by {moment(request.lapses_at, seconds=True)}, and that has "
            "passed. Its requester can ask again."
        )


def _seen(request: AccessRequest) -> dict[str, Plain]:
    seen: dict[str, Plain] = {
        "revision": request.asked.document,
        "stage": request.stage,
        "minutes": request.minutes,
    }
    earlier = request.renewal_of
    if earlier is not None:
        seen["revoked"] = earlier.end_reason == EndReason.REVOKED
    return seen


def _has_decided(person: Person, request: AccessRequest) -> bool:
    return request.asked.approvals.filter(person=person, by_system=False).exists()


def _refuse_decider(actor: Person, request: AccessRequest, now: datetime) -> None:
    if request.requester_id == actor.pk:
        require(Verb.REQUEST_DECIDE, actor, request, now)
    if request.status != RequestStatus.PENDING:
        raise Conflict(_settled(request))
    refuse_late(request, now)
    if _has_decided(actor, request):
        raise Conflict("You have decided on this request already: one person counts once.")
    if actor.username in counted_on(request):
        raise Conflict("Your delegate has decided on this request for you: one person counts once.")
    answer = may(Verb.REQUEST_DECIDE, actor, request, now)
    if not answer and actor.is_active and decided_before(actor, request):
        raise Conflict(f"{_settled_by(request)} was faster: the stage that is open now isn't yours.")
    insist(answer)


def _settled_by(request: AccessRequest) -> Person | str:
    last = request.approvals.filter(by_system=False).last()
    return last.person if last else "Somebody"


def _settled(request: AccessRequest) -> str:
    last = request.approvals.filter(by_system=False).last()
    if request.status in (RequestStatus.APPROVED, RequestStatus.DENIED, RequestStatus.SENT_BACK) and last:
        when = moment(last.decided_at, seconds=True)
        return f"{last.person} was faster: the request was {spoken_state(request.status)} at {when}."
    return f"The request is {spoken_state(request.status)}: there is nothing left to decide."


def _checked(request: AccessRequest, verdict: Verdict, reason: str, minutes: int | None) -> int | None:
    """The minutes that an approval sets (None for other verdicts)."""
    problems = []
    if verdict is not Verdict.APPROVE and not reason.strip():
        problems.append(Invalid("Say why, so that the requester knows what to do.", field="reason"))
    if problem := words_problem(reason.strip()):
        problems.append(Invalid(problem, field="reason"))
    wished = request.minutes if minutes is None else minutes
    if verdict is Verdict.APPROVE and not 1 <= wished <= request.minutes:
        problems.append(
            Invalid(
                f"Choose from 1 to {request.minutes} minutes: an approver may only shorten.", field="minutes"
            )
        )
    if problems:
        raise InvalidInput(problems)
    return wished if verdict is Verdict.APPROVE else None


def _refuse_if_needed_later(actor: Person, request: AccessRequest, delegator: Person | None) -> None:
    answer = spared(actor, request, delegator)
    if isinstance(answer, Denied):
        raise PolicyRefuses(answer.reason)


def _refuse_if_narrowed(request: AccessRequest) -> None:
    """A policy newer than the request may only narrow it: also while it waits."""
    pinned = policies.pinned_rules(request)
    current = policies.current_rules(request.role.key)
    problems = start_problems(person_facts(request.requester), request.scope.key, pinned, current)
    if problems:
        raise PolicyRefuses(f"This can't be approved any more. {problems[0].sentence}")


def _document(
    actor: Person,
    request: AccessRequest,
    verdict: Verdict,
    minutes: int | None,
    delegator: Person | None = None,
) -> dict[str, Plain]:
    """What the verdict binds to."""
    document = {**_seen(request), "verdict": str(verdict), "minutes": minutes, "person": actor.username}
    if delegator is not None:
        document["on_behalf_of"] = delegator.username
    return document


def _stepped_up(
    actor: Person,
    request: AccessRequest,
    verdict: Verdict,
    document: dict[str, Plain],
    delegator: Person | None,
    proof: StepUpProof | None,
) -> StepUpProof | None:
    """The second factor that approving a role of high risk takes, for exactly this document."""
    if verdict is not Verdict.APPROVE or not risks.is_high(request):
        return None
    earlier = request.renewal_of
    revoked = earlier is not None and earlier.end_reason == EndReason.REVOKED
    return step_up.require(
        actor=actor,
        act=Act.APPROVE,
        about={"request": request.pk, "approval": digest(document)},
        sentence=confirmation_words.of_approval(request, document, delegator, revoked=revoked),
        proof=proof,
        own=risks.wants_own_factor(request),
    )


def _store(
    actor: Person,
    request: AccessRequest,
    document: dict[str, Plain],
    reason: str,
    now: datetime,
    *,
    by_system: bool = False,
    delegator: Person | None = None,
) -> Approval:
    return Approval.objects.create(
        request=request,
        revision=request.asked,
        stage=request.stage,
        stage_name=request.asked.stages[request.stage]["name"],
        person=actor,
        on_behalf_of=delegator,
        requester=request.requester,
        verdict=str(document["verdict"]),
        reason=reason,
        minutes=cast("int | None", document["minutes"]),
        by_system=by_system,
        document=document,
        digest=digest(document),
        decided_at=now,
    )


def _approved(
    request: AccessRequest, actor: Person, approval: Approval, now: datetime, traced: dict[str, Any]
) -> None:
    minutes = approval.minutes or request.minutes
    shorter = minutes < request.minutes
    if shorter:
        request.minutes = minutes
        request.save(update_fields=["minutes"])
    length = f", for {spoken(minutes)} and no longer" if shorter else ""
    why = f": {approval.reason}" if approval.reason else "."
    sentence = f"{approval.by} approved stage {approval.stage_name}{length}{why}"
    _say(request, actor, "approved", sentence, approval, now, traced=traced)
    stage = request.stage
    if _filled(request, request.asked.stages[stage], now):
        notices.handled(request=request, stage=stage, by=actor, sentence=sentence, now=now)
    move_on(request, actor, now)
    if request.status == RequestStatus.APPROVED:
        telling.tell_requester(request, "approved", sentence, now, actor)


def _closed(request: AccessRequest, actor: Person, approval: Approval, reason: str, now: datetime) -> None:
    verdict = Verdict(approval.verdict)
    check_transition("request", request.status, _CLOSES[verdict])
    nudge_times.stop(request)
    request.status = _CLOSES[verdict]
    if verdict is Verdict.DENY:
        request.closed_at = now
    request.save(update_fields=["status", "closed_at"])
    sentence = f"{approval.by} {_SAID[verdict]} the request: {reason}"
    _say(request, actor, request.status, sentence, approval, now)
    said = f"{approval.by} {_SAID[verdict]} it."
    notices.handled(request=request, stage=request.stage, by=actor, sentence=said, now=now)
    telling.tell_requester(request, request.status, sentence, now, actor)


def _filled(request: AccessRequest, stage: dict[str, object], now: datetime) -> bool:
    """Whether the open stage has all that it needs; a system's stage is approved here."""
    if stage["system_rule"]:
        _system_approves(request, str(stage["system_rule"]), now)
        return True
    given = request.asked.approvals.filter(stage=request.stage, verdict=Verdict.APPROVE)
    return given.values("person").distinct().count() >= int(str(stage["people"]))


def _system_approves(request: AccessRequest, rule: str, now: datetime) -> None:
    actor = system()
    reason = f"Rule {rule} of the policy matches."
    with acting(actor):
        document = _document(actor, request, Verdict.APPROVE, request.minutes)
        approval = _store(actor, request, document, reason, now, by_system=True)
        sentence = f"The system approved stage {approval.stage_name}: rule {rule} of the policy matches."
        _say(request, actor, "approved", sentence, approval, now)


def _say(
    request: AccessRequest,
    actor: Person,
    what: str,
    sentence: str,
    approval: Approval | None,
    now: datetime,
    *,
    traced: dict[str, Any] | None = None,
) -> None:
    record(
        verb=f"request.{what}",
        actor=actor,
        sentence=sentence,
        now=now,
        person=request.requester,
        request=request,
        role=request.role,
        target=request.role.target,
        data={
            "approval": approval.pk if approval else None,
            "stage": approval.stage if approval else None,
            "minutes": approval.minutes if approval else None,
            "digest": approval.digest if approval else None,
            **(
                {"on_behalf_of": approval.on_behalf_of.username} if approval and approval.on_behalf_of else {}
            ),
            **(traced or {}),
        },
    )


__all__ = ["decide", "deciders", "move_on", "refuse_late", "seen_digest", "why_not"]
