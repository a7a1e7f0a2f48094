"""Break-glass: activated, extended, handed back, ended. Nobody approves it; everybody hears of it.

In one transaction stand the activation, its review, its grant, the event and the alerts: none is there
without the others. What has to be asked outside (an incident) is asked before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jitportal.audit import context
from jitportal.models import (
    AccessRequest,
    Activation,
    Criterion,
    EmergencyAccount,
    Event,
    Grant,
    Person,
    PolicyVersion,
    Role,
    RoleScope,
    StepUpProof,
)
from jitportal.operations import clock, confirmation_words, grants, policies, post_incident, probes, step_up
from jitportal.operations.directory import person_facts
from jitportal.operations.emergency_alerts import raise_alerts
from jitportal.operations.emergency_people import deciders_of_request, named_enders
from jitportal.operations.emergency_telling import say
from jitportal.operations.facts import require
from jitportal.operations.granting import begin, has_own_lease
from jitportal.operations.overlap import refuse_overlap
from jitportal.operations.post_incident_overdue import warn_of_late
from jitportal.operations.probes import Said
from jitportal.operations.requests import withdraw_locked
from jitportal.operations.transaction import lock_grant, lock_person, lock_request, operation
from jitportal.operations.wording import words
from jitportal.rules.durations import spoken
from jitportal.rules.emergencies import Claim, claim_problems
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, NotAllowed, PolicyRefuses
from jitportal.rules.lifecycle import spoken_state
from jitportal.rules.permissions import Verb
from jitportal.rules.policy_document import PolicyDocument
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import EndReason, Pathway, StartMode
from jitportal.rules.windows import Span

#: The person's own words of a request that is withdrawn for an emergency, for the record.
WITHDRAWN = "It couldn't wait: emergency access was activated instead."
#: Why a drill ends that had the account which an emergency needs.
GIVES_WAY = "This drill gives way to an emergency, which needs its account."


@dataclass(frozen=True, slots=True)
class _Ground:
    """What an activation stands on: the policy in force, the rows that the claim names, the probe."""

    version: PolicyVersion
    document: PolicyDocument
    role: Role
    scope: RoleScope
    account: EmergencyAccount
    criterion: Criterion
    said: Said


def activate(
    *,
    actor: Person,
    claim: Claim,
    from_request: AccessRequest | None = None,
    proof: StepUpProof | None = None,
) -> Activation:
    """Have emergency access at once.

    ``from_request`` is a request of one's own that still waits: it is withdrawn, and nothing that was
    approved of it counts. A drill that has the account ends. Raises ``InvalidInput`` with everything that is
    wrong with the claim, ``NotAllowed`` outside the population, ``Conflict`` where somebody uses the account
    in an emergency, or at all where this is a drill, and ``StepUpNeeded`` without a fresh second factor.
    """
    said = _ask_probe(actor, claim)
    _end_what_has_passed(claim.account)
    _end_drill_that_shares(actor, claim, said)
    with operation(actor):
        actor = lock_person(actor.pk)
        waiting = lock_request(from_request) if from_request is not None else None
        drill = None if claim.drill else _drill_with(claim.account)
        ground = _ground(actor, claim, said)
        now = clock.now()
        _refuse_in_use(ground.account, actor, but=drill)
        taken = _stepped_up(actor, claim, ground, proof, waiting=waiting)
        if drill is not None:
            grants.stop_locked(drill, actor, EndReason.GAVE_WAY, GIVES_WAY, now)
        withdrawn = _withdraw(waiting, actor, now)
        return _open(actor, claim, ground, now, taken=taken, waiting=waiting, withdrawn=withdrawn)


def extend(
    *, actor: Person, activation: Activation, minutes: int, why: str, proof: StepUpProof | None = None
) -> Activation:
    """Go on: another activation, linked to this one, which ends as it begins. Sessions go on.

    Raises ``Conflict`` where this one has ended, and as ``activate``.
    """
    claim = Claim(
        role_key=activation.role.key,
        scope=activation.scope.key,
        account=activation.account.key,
        criterion=activation.criterion.key,
        incident=activation.incident,
        broken=activation.broken,
        expected=why,
        minutes=minutes,
        drill=activation.drill,
    )
    said = _ask_probe(actor, claim)
    with operation(actor):
        actor = lock_person(actor.pk)
        grant = _grant_of(activation)
        require(Verb.ACTIVATION_EXTEND, actor, activation)
        ground = _ground(actor, claim, said)
        now = clock.now()
        if not grant.entitles(now):
            raise Conflict("This activation has ended. Activate anew if the emergency goes on.")
        taken = _stepped_up(actor, claim, ground, proof, earlier=grant)
        grants.stop_locked(grant, actor, EndReason.EXTENDED, "It goes on in another activation.", now)
        return _open(actor, claim, ground, now, taken=taken, earlier=grant)


def hand_back(*, actor: Person, activation: Activation, note: str = "") -> Activation:
    """The responder returns it. Raises ``Conflict`` where it has ended."""
    with operation(actor):
        grant = _grant_of(activation)
        now = clock.now()
        require(Verb.ACTIVATION_HAND_BACK, actor, activation, now)
        grants.stop_locked(grant, actor, EndReason.HANDED_BACK, words(note, "note"), now)
        return _as_it_is(activation)


def end(*, actor: Person, activation: Activation, reason: str) -> Activation:
    """Somebody whom the policy names ends it, with a reason.

    Raises ``Invalid`` without a reason, ``NotAllowed``, and ``Conflict`` where it has ended.
    """
    with operation(actor):
        grant = _grant_of(activation)
        now = clock.now()
        require(Verb.ACTIVATION_END, actor, activation, now)
        reason = words(reason, "reason", needed="Say why you end it, for the responder and the review.")
        grants.stop_locked(grant, actor, EndReason.REVOKED, reason, now)
        return _as_it_is(activation)


def _ask_probe(actor: Person, claim: Claim) -> Said:
    """What the criterion's probe says, asked outside the transaction; nobody else has the portal ask."""
    role = Role.objects.offered().filter(key=claim.role_key, pathway=Pathway.BREAK_GLASS).first()
    if role is None:
        raise InvalidInput([Invalid("Choose what you need.", field="role")])
    require(Verb.EMERGENCY_ACTIVATE, actor, role)
    criterion = Criterion.objects.offered().filter(key=claim.criterion).first()
    if criterion is None:
        raise InvalidInput([Invalid("Choose the criterion that holds.", field="criterion")])
    return probes.says_to_claim(criterion, claim.incident)


def _ground(actor: Person, claim: Claim, said: Said) -> _Ground:
    """The rows behind the claim, the account's locked; raises with everything that is wrong with it."""
    version = policies.current_version()
    if version is None:
        raise PolicyRefuses("No policy is in force, so there is no emergency access.")
    document = policies.document_of(version)
    problems = claim_problems(person_facts(actor), claim, document)
    if problems:
        raise InvalidInput([Invalid(one.sentence, field=one.field) for one in problems])
    role = Role.objects.select_related("target", "owner").get(key=claim.role_key)
    require(Verb.EMERGENCY_ACTIVATE, actor, role)
    # One activation of an account at a time: whoever comes second waits here, and then sees the first.
    account = EmergencyAccount.objects.select_for_update(no_key=True).get(key=claim.account)
    scope = RoleScope.objects.select_related("entitlement").get(role=role, key=claim.scope)
    criterion = Criterion.objects.get(key=claim.criterion)
    return _Ground(version, document, role, scope, account, criterion, said)


def _end_what_has_passed(account: str) -> None:
    """Write the end down of an activation whose time has passed: no worker need run for the next to begin."""
    passed = Activation.objects.open().filter(account__key=account, ends_at__lte=clock.now())
    if passed.exists():
        grants.expire_due()


def _drill_with(account: str) -> Grant | None:
    """The grant of a drill with this account, locked before the account is, as an extension locks them."""
    drill = Activation.objects.open().filter(account__key=account, drill=True).first()
    grant = _grant_of(drill) if drill is not None else None
    return grant if grant is not None and grant.stopped_at is None else None


def _end_drill_that_shares(actor: Person, claim: Claim, said: Said) -> None:
    """End somebody else's drill ahead where both would be the same login on the target: its access has to be
    gone there before another's can be had. The second factor comes after it, and so does the worker.
    """
    if claim.drill or not Activation.objects.open().filter(account__key=claim.account, drill=True).exists():
        return
    with operation(actor):
        actor = lock_person(actor.pk)
        drill = _drill_with(claim.account)
        if drill is None or drill.person_id == actor.pk or has_own_lease(drill):
            return
        _ground(actor, claim, said)
        grants.stop_locked(drill, actor, EndReason.GAVE_WAY, GIVES_WAY, clock.now())


def _refuse_in_use(account: EmergencyAccount, actor: Person, *, but: Grant | None) -> None:
    using = Activation.objects.open().filter(account=account).select_related("person").first()
    if using is None:
        return _refuse_before_it_is_gone(account, actor)
    if but is not None and using.pk == but.activation_id:
        return None
    who = "You have" if using.person_id == actor.pk else f"{using.person} has"
    drill = ", for a drill" if using.drill else ""
    enders = ", ".join(str(one) for one in named_enders(using)[:5])
    raise Conflict(
        f"{who} activated {account} already{drill}, until {using.ends_at:%H:%M} UTC (activation {using.pk}). "
        "It is used by one at a time: have it handed back or ended, or take another account."
        f"{f' Who can end it: {enders}.' if enders else ''}"
    )


def _refuse_before_it_is_gone(account: EmergencyAccount, actor: Person) -> None:
    leaving = Grant.objects.unfinished().filter(activation__account=account).exclude(person=actor)
    for grant in leaving.select_related("person", "role__target"):
        if not has_own_lease(grant):
            raise Conflict(
                f"{grant.person}'s use of {account} has ended, and {grant.role.target} is still taking the "
                "access away. Send this again in a few seconds."
            )


def _stepped_up(
    actor: Person,
    claim: Claim,
    ground: _Ground,
    proof: StepUpProof | None,
    *,
    waiting: AccessRequest | None = None,
    earlier: Grant | None = None,
) -> StepUpProof | None:
    """The fresh second factor, for exactly this claim."""
    return step_up.require(
        actor=actor,
        act=Act.BREAK_GLASS,
        about={
            "role": claim.role_key,
            "scope": claim.scope,
            "account": claim.account,
            "criterion": claim.criterion,
            "incident": claim.incident.strip(),
            "broken": claim.broken.strip(),
            "expected": claim.expected.strip(),
            "minutes": claim.minutes,
            "drill": claim.drill,
            "request": waiting.pk if waiting else None,
            "extends": earlier.activation_id if earlier else None,
        },
        sentence=confirmation_words.of_claim(
            claim,
            target=str(ground.role.target),
            role=f"{ground.role} ({ground.scope})",
            account=str(ground.account),
            criterion=str(ground.criterion),
            waiting=waiting,
            earlier=earlier,
        ),
        proof=proof,
        own=policies.wants_own_factor(Pathway.BREAK_GLASS),
    )


def _withdraw(waiting: AccessRequest | None, actor: Person, now: datetime) -> Sequence[Person]:
    """Withdraw the request that it takes the place of; gives who would have decided on it."""
    if waiting is None:
        return ()
    if waiting.requester_id != actor.pk:
        raise NotAllowed("That request isn't yours. Activate without it.")
    deciders = deciders_of_request(waiting)
    withdraw_locked(waiting, actor, now, WITHDRAWN)
    return deciders


def _open(
    actor: Person,
    claim: Claim,
    ground: _Ground,
    now: datetime,
    *,
    taken: StepUpProof | None,
    waiting: AccessRequest | None = None,
    withdrawn: Sequence[Person] = (),
    earlier: Grant | None = None,
) -> Activation:
    """All that belongs together: the activation, its review, its grant, the event and the alerts."""
    ends_at = now + timedelta(minutes=claim.minutes)
    refuse_overlap(actor.pk, ground.role.pk, ground.scope.pk, Span(now, ends_at), ignore=earlier)
    activation = Activation.objects.create(
        person=actor,
        role=ground.role,
        scope=ground.scope,
        account=ground.account,
        criterion=ground.criterion,
        probe_said=ground.said.says,
        probe_detail=ground.said.detail,
        incident=claim.incident.strip(),
        broken=claim.broken.strip(),
        expected=claim.expected.strip(),
        minutes=claim.minutes,
        cap_minutes=ground.document.roles[claim.role_key].max_minutes,
        opened_at=now,
        ends_at=ends_at,
        drill=claim.drill,
        extension_of=earlier.activation if earlier else None,
        from_request=waiting,
        address=context.current().address,
        authenticator=f"{spoken_state(taken.method)}, {taken.factor}"[:200] if taken else "",
        policy_version=ground.version,
    )
    review = post_incident.open_for(activation=activation, actor=actor, now=now)
    event = _say_opened(activation, actor, now, step_up.traced(taken))
    warn_of_late(actor, review, actor, now)
    begin(_grant(activation, earlier, now), actor, now)
    raise_alerts(activation, withdrawn, event, actor, now)
    return activation


def _grant(activation: Activation, earlier: Grant | None, now: datetime) -> Grant:
    return Grant.objects.create(
        activation=activation,
        person=activation.person,
        role=activation.role,
        scope=activation.scope,
        pathway=Pathway.BREAK_GLASS,
        renewal_of=earlier,
        start_mode=StartMode.AT_ONCE,
        opens_at=now,
        closes_at=now,
        minutes=activation.minutes,
        cap_minutes=activation.cap_minutes,
        latest_end_at=activation.ends_at,
        created_at=now,
    )


def _say_opened(activation: Activation, actor: Person, now: datetime, traced: dict[str, Any]) -> Event:
    what = "practises emergency access" if activation.drill else "has emergency access"
    again = f", extending activation {activation.extension_of_id}" if activation.extension_of_id else ""
    return say(
        activation,
        verb="emergency.opened",
        actor=actor,
        sentence=(
            f"{actor} {what} to {activation.role.target} with {activation.account} for "
            f"{spoken(activation.minutes)}{again}, claiming {activation.criterion}."
        ),
        now=now,
        request=activation.from_request,
        policy_version=activation.policy_version,
        data={
            "account": activation.account.key,
            "criterion": activation.criterion.key,
            "probe_said": str(activation.probe_said),
            "probe_detail": activation.probe_detail,
            "incident": activation.incident,
            "drill": activation.drill,
            "ends_at": activation.ends_at.isoformat(),
            **traced,
        },
    )


def _grant_of(activation: Activation) -> Grant:
    grant = Grant.objects.filter(activation=activation).first()
    if grant is None:
        raise Conflict("This activation was written down afterwards: it holds no access.")
    return lock_grant(grant)


def _as_it_is(activation: Activation) -> Activation:
    activation.refresh_from_db()
    return activation
