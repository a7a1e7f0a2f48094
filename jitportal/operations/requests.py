"""Access requests: submitted, edited, withdrawn, lapsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from jitportal.audit.bulk import change_many, insert_many
from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import (
    AccessRequest,
    Person,
    RequestRevision,
    Role,
    RoleScope,
    StageDecider,
    StepUpProof,
    Team,
)
from jitportal.operations import (
    clock,
    decisions,
    notices,
    nudge_times,
    post_incident_overdue,
    rerouting,
    rooms,
    self_starting,
    step_up,
    telling,
)
from jitportal.operations.asking import Ask, Asked, check_renewal, consider, considered, reread
from jitportal.operations.facts import require
from jitportal.operations.overlap import refuse_overlap, wished_span
from jitportal.operations.transaction import lock_person, lock_request, operation
from jitportal.operations.wording import words
from jitportal.rules.canonical import Plain, digest, moment
from jitportal.rules.durations import spoken
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, PolicyRefuses
from jitportal.rules.lifecycle import check_transition
from jitportal.rules.permissions import Verb
from jitportal.rules.policy import DecidedStage, Decision
from jitportal.rules.vocabulary import Decider, Pathway, RequestStatus, StartMode

__all__ = ["Ask", "edit", "lapse_due", "preview", "submit", "withdraw"]

BATCH = 500
_LAPSED = "Nobody decided on the request in time, so it lapsed."
_SENT_BACK_LAPSED = "The request was sent back and wasn't changed in time, so it lapsed."


def preview(*, actor: Person, ask: Ask) -> Decision:
    """What would happen to this ask, for the page beside the form. Writes nothing."""
    return consider(actor, ask, clock.now())[2]


def submit(*, actor: Person, ask: Ask, proof: StepUpProof | None = None) -> AccessRequest:
    """Ask for a role and scope. ``proof`` is the fresh second factor that a grant of high risk takes which
    starts by itself: raises ``StepUpNeeded``.

    Raises ``InvalidInput`` with everything that the policy refuses, ``PolicyRefuses`` for an overlap or
    a renewal that can't be, and ``Conflict`` where an open request exists already.
    """
    with operation(actor):
        actor = lock_person(actor.pk)
        now = clock.now()
        require(Verb.REQUEST_SUBMIT, actor, now=now)
        if ask.cloned_from is not None:
            require(Verb.REQUEST_CLONE, actor, ask.cloned_from, now)
        ask = reread(ask)
        check_renewal(actor, ask, now)
        asked = considered(actor, ask, now)
        role = Role.objects.select_related("target").get(key=ask.role_key)
        post_incident_overdue.refuse_blocked(actor, Pathway(role.pathway), now)
        scope = RoleScope.objects.select_related("entitlement").get(role=role, key=ask.scope)
        _refuse_second(actor, role, scope)
        _refuse_overlap(actor, role, scope, asked, now)
        document = _document(asked, actor, number=1)
        taken = self_starting.confirmed(actor, asked, role, scope, document, proof)
        request = AccessRequest.objects.create(
            requester=actor,
            role=role,
            scope=scope,
            pathway=role.pathway,
            minutes=ask.minutes,
            renewal_of=ask.renewal_of,
            cloned_from=ask.cloned_from,
            created_at=now,
            wanted_at=now,
            lapses_at=_deadline(asked, now),
        )
        _revise(request, asked, document, number=1, now=now)
        _say(request, actor, "submitted", _asked_sentence(request), now, **step_up.traced(taken))
        rooms.tell_of_request(request, asked.rules.notify.requests, actor, now)
        decisions.move_on(request, actor, now)
        rerouting.say_if_stuck(request, actor, now)
        return request


def edit(
    *,
    actor: Person,
    request: AccessRequest,
    ask: Ask,
    revision: int,
    proof: StepUpProof | None = None,
) -> AccessRequest:
    """Ask differently: a new revision, which voids what was approved of the one before.

    ``revision`` is the number that the editor saw. Raises as ``submit``, and ``Conflict`` where that
    isn't the current one any more.
    """
    with operation(actor):
        request = lock_request(request)
        now = clock.now()
        require(Verb.REQUEST_EDIT, actor, request, now)
        check_transition("request", request.status, RequestStatus.PENDING)
        decisions.refuse_late(request, now)
        post_incident_overdue.refuse_blocked(actor, Pathway(request.pathway), now)
        if request.asked.number != revision:
            raise Conflict(
                f"This request has a newer revision ({request.asked.number}) than the one you edited "
                f"({revision}). Look at it, then edit again."
            )
        if ask.role_key != request.role.key:
            raise InvalidInput(
                [Invalid("A request keeps its role. For another, make a new one.", field="role")]
            )
        ask = reread(ask)
        if ask.renewal_of != request.renewal_of:
            raise PolicyRefuses("A request keeps the grant that it renews, or none. Make a new request.")
        check_renewal(actor, ask, now)
        asked = considered(actor, ask, now)
        scope = RoleScope.objects.select_related("entitlement").get(role=request.role, key=ask.scope)
        if scope.pk != request.scope_id:
            _refuse_second(actor, request.role, scope)
        _refuse_overlap(actor, request.role, scope, asked, now)
        document = _document(asked, actor, number=revision + 1)
        taken = self_starting.confirmed(actor, asked, request.role, scope, document, proof)
        notices.drop_unsent(request=request, by=actor, now=now)
        request.scope, request.minutes, request.stage = scope, ask.minutes, 0
        request.status, request.lapses_at = RequestStatus.PENDING, _deadline(asked, now)
        _revise(request, asked, document, number=revision + 1, now=now)
        sentence = f"{actor} changed the request: revision {revision + 1}."
        _say(request, actor, "edited", sentence, now, **step_up.traced(taken))
        rooms.tell_of_request(request, asked.rules.notify.requests, actor, now)
        decisions.move_on(request, actor, now)
        rerouting.say_if_stuck(request, actor, now)
        return request


def withdraw(*, actor: Person, request: AccessRequest, reason: str = "") -> AccessRequest:
    """Take an open request back. Raises ``TransitionError`` where it is decided already."""
    with operation(actor):
        request = lock_request(request)
        now = clock.now()
        require(Verb.REQUEST_WITHDRAW, actor, request, now)
        return withdraw_locked(request, actor, now, words(reason, "reason"))


def withdraw_locked(request: AccessRequest, actor: Person, now: datetime, reason: str) -> AccessRequest:
    """Withdraw a request that is locked already: for the requester, or for whoever deactivates them."""
    check_transition("request", request.status, RequestStatus.WITHDRAWN)
    waited = request.status == RequestStatus.PENDING
    request.status, request.closed_at = RequestStatus.WITHDRAWN, now
    request.save(update_fields=["status", "closed_at"])
    sentence = f"{actor} withdrew the request: {reason}" if reason else f"{actor} withdrew the request."
    _say(request, actor, "withdrawn", sentence, now, reason=reason)
    nudge_times.stop(request)
    if waited:
        notices.handled(request=request, stage=request.stage, by=actor, sentence=sentence, now=now)
    return request


def lapse_due() -> int:
    """Close what was open at its deadline, a batch in one transaction; returns how many."""
    actor = system()
    with operation(actor):
        now = clock.now()
        rows = list(
            AccessRequest.objects.open()
            .filter(lapses_at__lte=now)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .select_related("requester", "role")
            .order_by("lapses_at")[:BATCH]
        )
        sent_back = {row.pk for row in rows if row.status == RequestStatus.SENT_BACK}
        closed = {"status": RequestStatus.LAPSED, "closed_at": now, "remind_at": None, "escalate_at": None}
        change_many([(row, closed) for row in rows], actor)
        for request in rows:
            sentence = _SENT_BACK_LAPSED if request.pk in sent_back else _LAPSED
            _say(request, actor, "lapsed", sentence, now)
            if request.pk not in sent_back:  # those who were asked heard that it was sent back
                notices.handled(request=request, stage=request.stage, by=actor, sentence=sentence, now=now)
            telling.tell_requester(
                request, "lapsed", f"{sentence} Ask again if you still need it.", now, actor
            )
        return len(rows)


def _refuse_second(actor: Person, role: Role, scope: RoleScope) -> None:
    other = AccessRequest.objects.open().filter(requester=actor, role=role, scope=scope).first()
    if other:
        raise Conflict(
            f"You have an open request for this role and scope already: request {other.pk}. "
            "Edit that one, or withdraw it first."
        )


def _refuse_overlap(actor: Person, role: Role, scope: RoleScope, asked: Asked, now: datetime) -> None:
    ask = asked.ask
    span = wished_span(ask.window, ask.minutes, now, ask.renewal_of)
    refuse_overlap(actor.pk, role.pk, scope.pk, span, ignore=ask.renewal_of)


def _deadline(asked: Asked, now: datetime) -> datetime:
    """By when it must be decided: by policy, and never after the last moment at which it is of use."""
    by_policy = now + timedelta(minutes=asked.rules.lapse_after_minutes)
    ask = asked.ask
    if ask.start_mode is StartMode.SCHEDULED and ask.opens_at:
        return min(by_policy, max(ask.opens_at, now) + timedelta(minutes=ask.minutes))
    if ask.start_mode is StartMode.ON_CLICK and ask.closes_at:
        return min(by_policy, ask.closes_at)
    return by_policy


def _document(asked: Asked, requester: Person, *, number: int) -> dict[str, Plain]:
    """What a revision says, but for the number of its request, which it may not have yet."""
    ask, window = asked.ask, asked.ask.window
    return {
        "revision": number,
        "requester": requester.username,
        "role": ask.role_key,
        "pathway": str(ask.pathway),
        "target": asked.rules.target,
        "scope": ask.scope,
        "entitlement": asked.rules.scopes[ask.scope].entitlement,
        "start": str(window.mode),
        "opens_at": moment(window.opens_at),
        "closes_at": moment(window.closes_at),
        "minutes": ask.minutes,
        "justification": ask.justification.strip(),
        "ticket": ask.ticket.strip(),
        "renewal_of": ask.renewal_of.pk if ask.renewal_of else None,
        "policy_version": asked.version.number,
        "policy_digest": asked.version.digest,
        "stages": [_stage_plain(stage, asked) for stage in asked.decision.stages],
    }


def _revise(
    request: AccessRequest, asked: Asked, said: Mapping[str, Plain], *, number: int, now: datetime
) -> None:
    ask, window = asked.ask, asked.ask.window
    document: dict[str, Plain] = {"request": request.pk, **said}
    request.current = RequestRevision.objects.create(
        request=request,
        number=number,
        policy_version=asked.version,
        start_mode=window.mode,
        opens_at=window.opens_at,
        closes_at=window.closes_at,
        minutes=ask.minutes,
        justification=ask.justification.strip(),
        ticket=ask.ticket.strip(),
        stages=document["stages"],
        reasons=list(asked.decision.reasons),
        document=document,
        digest=digest(document),
        created_at=now,
    )
    request.wanted_at = window.opens_at or request.created_at
    request.save()
    nudge_times.set_times(request, now)
    insert_many(StageDecider, list(_decider_rows(request.current, asked)), request.requester)


def _stage_plain(stage: DecidedStage, asked: Asked) -> dict[str, Plain]:
    return {
        "index": stage.index,
        "name": stage.name,
        "people": stage.people,
        "deciders": [{"kind": str(rule.kind), "team": rule.team} for rule in stage.deciders],
        "owner": asked.rules.owner,
        "system_rule": stage.system_rule,
    }


def _decider_rows(revision: RequestRevision, asked: Asked) -> Iterable[StageDecider]:
    owner = Person.objects.filter(username=asked.rules.owner).first()
    for stage in asked.decision.stages:
        if stage.system_rule:
            continue
        for rule in stage.deciders:
            yield StageDecider(
                revision=revision,
                stage=stage.index,
                kind=rule.kind,
                team=Team.objects.filter(key=rule.team).first() if rule.kind is Decider.TEAM else None,
                person=owner if rule.kind is Decider.ROLE_OWNER else None,
            )


def _asked_sentence(request: AccessRequest) -> str:
    what = f"{request.role} ({request.scope}) for {spoken(request.minutes)}"
    if request.renewal_of is not None:
        return f"{request.requester} asked to go on with {what}, renewing grant {request.renewal_of.pk}."
    return f"{request.requester} asked for {what}."


def _say(
    request: AccessRequest, actor: Person, what: str, sentence: str, now: datetime, **data: object
) -> None:
    revision = request.current
    record(
        verb=f"request.{what}",
        actor=actor,
        sentence=sentence,
        now=now,
        person=request.requester,
        request=request,
        role=request.role,
        target=request.role.target,
        data={"revision": revision.number, "digest": revision.digest, **data} if revision else dict(data),
    )
