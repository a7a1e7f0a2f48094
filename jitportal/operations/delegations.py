"""An approver who is away names a delegate for a time, and ends it early; both names are recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jitportal.audit.bulk import change_many
from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import Delegation, Person, StepUpProof
from jitportal.operations import clock, confirmation_words, notices, step_up
from jitportal.operations.delegated import delegated_to
from jitportal.operations.facts import decided_in_own_right, queue_for, require
from jitportal.operations.transaction import lock_person, operation
from jitportal.operations.wording import words
from jitportal.rules.canonical import moment as canonical_moment
from jitportal.rules.errors import Conflict, Invalid, InvalidInput
from jitportal.rules.permissions import Verb
from jitportal.rules.step_up import Act

#: Whoever is away for longer has left the work to somebody: the policy should name them.
LONGEST = timedelta(days=90)
FARTHEST = timedelta(days=365)
PAGE = "/you/delegation/"
QUEUE = "/queue/"
BATCH = 100


def delegate(
    *,
    actor: Person,
    to: Person,
    ends_at: datetime,
    reason: str,
    starts_at: datetime | None = None,
    proof: StepUpProof | None = None,
) -> Delegation:
    """Name somebody to decide for the actor from ``starts_at`` (None, or past: from now) until ``ends_at``,
    each in whatever zone.

    It takes a fresh second factor, and both are told. Raises ``StepUpNeeded``.

    Raises ``InvalidInput`` with everything that is wrong, and ``Conflict`` where the actor has delegated
    a part of that time already.
    """
    ends_at = ends_at.astimezone(UTC)
    starts_at = starts_at.astimezone(UTC) if starts_at is not None else None
    with operation(actor):
        actor = lock_person(actor.pk)
        now = clock.now()
        require(Verb.DELEGATION_MAKE, actor, now=now)
        begins = max(starts_at or now, now)
        _check(actor, to, begins, ends_at, reason, now)
        _refuse_overlap(actor, begins, ends_at)
        later = starts_at if starts_at is not None and starts_at > now else None
        taken = step_up.require(
            actor=actor,
            act=Act.DELEGATE,
            about={
                "to": to.username,
                "starts_at": canonical_moment(later),
                "ends_at": canonical_moment(ends_at),
                "reason": reason.strip(),
            },
            sentence=confirmation_words.of_delegation(to, later, ends_at, reason),
            proof=proof,
        )
        made = Delegation.objects.create(
            delegator=actor,
            delegate=Person.objects.get(pk=to.pk),
            starts_at=begins,
            ends_at=ends_at,
            reason=words(reason, "reason"),
            made_at=now,
            tell_at=begins if begins > now else None,
        )
        sentence = (
            f"{actor} named {to} to decide for them from {begins:%d %b %Y %H:%M} to "
            f"{ends_at:%d %b %Y %H:%M} UTC: {made.reason}"
        )
        _say(made, actor, "made", sentence, now, **step_up.traced(taken))
        waits = "" if made.tell_at else f" {_waits(made, now)}"
        _tell(made, made.delegate, f"Decide for {actor}", sentence + waits, actor, now)
        known = f"{sentence} If you don't know of this, end it there, and sign out everywhere."
        _tell(made, made.delegator, f"{to} decides for you", known, actor, now)
        return made


def begin_due() -> int:
    """Tell the delegates whose time has come what waits already, a batch in one transaction; returns for
    how many. What is asked from then on they are told of each time.
    """
    actor = system()
    with operation(actor):
        now = clock.now()
        rows = list(
            Delegation.objects.filter(tell_at__lte=now)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .select_related("delegator", "delegate")
            .order_by("pk")[:BATCH]
        )
        for begun in rows:
            _say_begun(begun, actor, now)
        change_many([(begun, {"tell_at": None}) for begun in rows], actor)
        return len(rows)


def stop(*, actor: Person, delegation: Delegation) -> Delegation:
    """End a delegation early: its delegator, its delegate or an administrator. Raises ``Conflict`` if it
    has ended.
    """
    with operation(actor):
        lock_person(delegation.delegator_id)
        held = (
            Delegation.objects.select_for_update(of=("self",), no_key=True)
            .select_related("delegator", "delegate")
            .get(pk=delegation.pk)
        )
        now = clock.now()
        require(Verb.DELEGATION_STOP, actor, held, now)
        if held.stopped_at is not None or now >= held.ends_at:
            raise Conflict("This delegation has ended already.")
        stop_locked(held, actor, now)
        return held


def stop_locked(held: Delegation, actor: Person, now: datetime, why: str = "") -> None:
    """End a delegation whose delegator is locked already, and tell the other of the two."""
    held.stopped_at, held.stopped_by, held.tell_at = now, actor, None
    held.save(update_fields=["stopped_at", "stopped_by", "tell_at"])
    reason = f": {why}" if why else "."
    sentence = f"{actor} ended the delegation of {held.delegator} to {held.delegate}{reason}"
    _say(held, actor, "stopped", sentence, now)
    for person in (held.delegator, held.delegate):
        if person.pk != actor.pk:
            subject = f"{held.delegate} no longer decides for {held.delegator}"
            _tell(held, person, subject, sentence, actor, now)


def _check(
    actor: Person, to: Person, begins: datetime, ends_at: datetime, reason: str, now: datetime
) -> None:
    problems = []
    known = Person.objects.active().filter(pk=to.pk).exists()
    if to.pk == actor.pk:
        problems.append(Invalid("Name somebody else: you decide for yourself already.", field="to"))
    elif not known:
        problems.append(Invalid(f"{to} isn't active. Name somebody who is here.", field="to"))
    if ends_at <= begins:
        problems.append(Invalid("Choose an end after the start, and not in the past.", field="ends_at"))
    elif ends_at - begins > LONGEST:
        problems.append(Invalid(f"Choose at most {LONGEST.days} days.", field="ends_at"))
    if begins - now > FARTHEST:
        problems.append(Invalid("Choose a start within a year.", field="starts_at"))
    try:
        words(reason, "reason", needed="Say why, for the record.")
    except Invalid as problem:
        problems.append(problem)
    if problems:
        raise InvalidInput(problems)


def _refuse_overlap(actor: Person, begins: datetime, ends_at: datetime) -> None:
    """One delegate at a time: an approver counts once, and everybody sees who decides for them."""
    other = (
        Delegation.objects.filter(
            delegator=actor, stopped_at__isnull=True, starts_at__lt=ends_at, ends_at__gt=begins
        )
        .select_related("delegate")
        .first()
    )
    if other is not None:
        raise Conflict(
            f"{other.delegate} decides for you in a part of that time already. End that delegation first."
        )


def _say_begun(begun: Delegation, actor: Person, now: datetime) -> None:
    if now >= begun.ends_at:
        return
    until = f"{begun.ends_at:%d %b %Y %H:%M} UTC"
    notices.notify(
        recipients=[begun.delegate],
        kind="delegation.begun",
        key=str(begun.pk),
        subject=f"You decide for {begun.delegator} now",
        body=f"Until {until} you decide for {begun.delegator}. {_waits(begun, now)}",
        path=QUEUE,
        now=now,
        actor=actor,
    )


def _waits(begun: Delegation, now: datetime) -> str:
    """What waited before the delegation began: nobody has asked the delegate for it."""
    theirs = queue_for(begun.delegate, now).filter(lapses_at__gt=now)
    theirs = theirs.filter(delegated_to(begun.delegate, now, begun.delegator))
    waiting = theirs.exclude(decided_in_own_right(begun.delegate)).count()
    if not waiting:
        return "Nothing waits for them right now."
    if waiting == 1:
        return "One request waits already: it is in your queue."
    return f"{waiting} requests wait already: they are in your queue."


def _say(made: Delegation, actor: Person, what: str, sentence: str, now: datetime, **data: object) -> None:
    record(
        verb=f"delegation.{what}",
        actor=actor,
        sentence=sentence,
        now=now,
        person=made.delegator,
        data={
            "delegation": made.pk,
            "delegator": made.delegator.username,
            "delegate": made.delegate.username,
            "starts_at": made.starts_at.isoformat(),
            "ends_at": made.ends_at.isoformat(),
            **data,
        },
    )


def _tell(made: Delegation, person: Person, subject: str, body: str, actor: Person, now: datetime) -> None:
    notices.notify(
        recipients=[person],
        kind="delegation.stopped" if made.stopped_at else "delegation.made",
        key=str(made.pk),
        subject=subject,
        body=body,
        path=PAGE,
        now=now,
        actor=actor,
    )
