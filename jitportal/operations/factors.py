"""One's second factors: added, removed, and reset by an administrator. Each is told to whom it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from allauth.mfa.models import Authenticator

from jitportal.audit.events import record
from jitportal.models import Person, StepUpProof
from jitportal.operations import (
    clock,
    first_factor,
    notices,
    one_time_codes,
    passkeys,
    step_up,
)
from jitportal.operations.facts import require
from jitportal.operations.passkeys import NoPasskey, Site
from jitportal.operations.transaction import lock_person, operation
from jitportal.operations.wording import words
from jitportal.rules.errors import Conflict, Invalid, NotAllowed
from jitportal.rules.permissions import Verb
from jitportal.rules.step_up import Act, quoted

MOST_PASSKEYS = 20
#: What a passkey is called that nobody named.
UNNAMED = "Passkey"
LONGEST_NAME = 60


def of(person: Person) -> list[Authenticator]:
    """The person's factors, in the order in which they were added."""
    return list(Authenticator.objects.filter(user=person).order_by("pk"))


def add_codes(
    *,
    actor: Person,
    secret: str,
    code: str,
    proof: StepUpProof | None = None,
    by_password: bool = False,
) -> list[str]:
    """Add an authenticator app that shows the right code. Gives recovery codes to show once, where they are
    the first. ``by_password``: this session began with the password, and not by single sign-on. Raises
    ``Invalid`` for a wrong code, ``Conflict`` where there is one, ``StepUpNeeded``.
    """
    with operation(actor):  # whoever sends a code has the key: there is nothing to guess
        actor = lock_person(actor.pk)
        require(Verb.FACTORS_CHANGE, actor)
        if Authenticator.objects.filter(user=actor, type=Authenticator.Type.TOTP).exists():
            raise Conflict("You have an authenticator app already. Remove it first, then add the new one.")
        counter = _counter(secret, code, proof)
        if counter is None:
            raise Invalid(
                "That code isn't right. Type the one that the app shows now; where it is never right, set "
                "your device's clock.",
                field="code",
            )
        about: dict[str, Any] = {"add": "codes", "key": hashlib.sha256(secret.encode()).hexdigest()}
        _fresh(actor, about, "Add an authenticator app.", proof, by_password=by_password)
        factor = one_time_codes.store(actor, secret, used=counter)
        return _added(actor, factor)


def add_passkey(
    *,
    actor: Person,
    name: str,
    answer: str,
    state: Mapping[str, Any],
    site: Site,
    proof: StepUpProof | None = None,
    by_password: bool = False,
) -> list[str]:
    """Add a passkey that has answered. Gives recovery codes as ``add_codes`` does, and raises as it does."""
    with operation(actor):
        actor = lock_person(actor.pk)
        require(Verb.FACTORS_CHANGE, actor)
        name = words(name, "name") or UNNAMED
        if len(name) > LONGEST_NAME:
            raise Invalid(f"Keep the name under {LONGEST_NAME} characters.", field="name")
        held = Authenticator.objects.filter(user=actor, type=Authenticator.Type.WEBAUTHN)
        if held.count() >= MOST_PASSKEYS:
            raise Conflict(f"You have {MOST_PASSKEYS} passkeys. Remove one first.")
        try:
            credential = passkeys.registered(state, answer, site)
            passkeys.refuse_known(credential)
        except NoPasskey as error:
            raise Invalid(
                "The browser's answer can't be used: it came late, or the passkey is known already. "
                "Try again."
            ) from error
        about = {"add": "passkey", "name": name, "key": passkeys.fingerprint(credential)}
        _fresh(actor, about, f"Add passkey {name}.", proof, by_password=by_password)
        return _added(actor, passkeys.store(actor, name, credential))


def remove(*, actor: Person, factor_id: int, proof: StepUpProof | None = None) -> str:
    """Remove one of one's own. Recovery codes go with the last. Raises ``Conflict`` where it is gone."""
    with operation(actor):
        actor = lock_person(actor.pk)
        require(Verb.FACTORS_CHANGE, actor)
        factor = Authenticator.objects.filter(user=actor, pk=factor_id).first()
        if factor is None or factor.type == Authenticator.Type.RECOVERY_CODES:
            raise Conflict("That second factor is gone already.")
        name = called(factor)
        _fresh(actor, {"remove": factor_id}, f"Remove {name}.", proof)
        factor.delete()
        if not step_up.has_factor(actor):
            Authenticator.objects.filter(user=actor).delete()
        _say(actor, actor, "removed", f"{actor} removed a second factor: {name}.")
        return name


def new_recovery_codes(*, actor: Person, proof: StepUpProof | None = None) -> list[str]:
    """Replace the recovery codes. Raises ``Conflict`` for who has no second factor to recover."""
    with operation(actor):
        actor = lock_person(actor.pk)
        require(Verb.FACTORS_CHANGE, actor)
        if not step_up.has_factor(actor):
            raise Conflict("Recovery codes stand in for a second factor. Add one first.")
        _fresh(actor, {"replace": "recovery codes"}, "Make new recovery codes.", proof)
        codes = one_time_codes.recovery_codes(actor)
        _say(actor, actor, "recovery_codes", f"{actor} made new recovery codes; the earlier ones are void.")
        return codes


def reset(*, actor: Person, person: Person, reason: str, proof: StepUpProof | None = None) -> None:
    """Remove all of somebody else's, who has lost them, and end their sessions. It takes a fresh second
    factor of whoever does it.

    Raises ``NotAllowed`` for one's own, ``Invalid`` without a reason, ``Conflict`` where there is none, and
    ``StepUpNeeded``.
    """
    with operation(actor):
        require(Verb.FACTORS_RESET, actor)
        if person.pk == actor.pk:
            raise NotAllowed("Somebody else resets your second factors, so that no one person can.")
        person = lock_person(person.pk)
        reason = words(reason, "reason", needed="Say why, for the record and for the person.")
        held = Authenticator.objects.filter(user=person)
        if not held.exists():
            raise Conflict(f"{person} has no second factor.")
        taken = step_up.require(
            actor=actor,
            act=Act.RESET,
            about={"person": person.username, "reason": reason},
            sentence=f"Remove every second factor of {person} ({person.username}), and end their sessions.\n"
            f"Your reason: {quoted(reason)}",
            proof=proof,
        )
        held.delete()
        person.session_epoch += 1
        person.save(update_fields=["session_epoch"])
        sentence = f"{actor} reset the second factors of {person}: {reason}"
        _say(actor, person, "reset", sentence, **step_up.traced(taken))


def called(factor: Authenticator) -> str:
    """As people know it."""
    if factor.type == Authenticator.Type.WEBAUTHN:
        return f"passkey {factor}"
    return "an authenticator app" if factor.type == Authenticator.Type.TOTP else "recovery codes"


def _fresh(
    actor: Person,
    about: dict[str, Any],
    sentence: str,
    proof: StepUpProof | None,
    *,
    by_password: bool = False,
) -> None:
    """Whoever has a second factor shows it before another comes or goes; the first takes signing in anew."""
    if step_up.has_factor(actor) or first_factor.way(actor, by_password=by_password):
        step_up.require(actor=actor, act=Act.FACTORS, about=about, sentence=sentence, proof=proof)


def _counter(secret: str, code: str, proof: StepUpProof | None) -> int | None:
    """The half minute of which this is the code: of now, or of when the code was typed and something else
    was asked for first.
    """
    now = one_time_codes.matching(secret, code, clock.now())
    if now is not None or proof is None:
        return now
    return one_time_codes.matching(secret, code, proof.asked_at)


def _added(actor: Person, factor: Authenticator) -> list[str]:
    _say(actor, actor, "added", f"{actor} added a second factor: {called(factor)}.")
    kept = Authenticator.objects.filter(user=actor, type=Authenticator.Type.RECOVERY_CODES)
    return [] if kept.exists() else one_time_codes.recovery_codes(actor)


def _say(actor: Person, person: Person, what: str, sentence: str, **data: Any) -> None:
    now = clock.now()
    record(verb=f"factor.{what}", actor=actor, sentence=sentence, now=now, person=person, data=data)
    notices.notify(
        recipients=[person],
        kind=f"factor.{what}",
        key=f"{person.pk}:{now.isoformat()}",
        subject=f"Your second factors: {_SUBJECTS[what]}",
        body=f"{sentence} If you don't know of this, somebody else can sign in as you: sign out "
        "everywhere, and tell an administrator.",
        path="/you/factors/",
        now=now,
        actor=actor,
    )


_SUBJECTS = {
    "added": "one was added",
    "removed": "one was removed",
    "reset": "they were reset",
    "recovery_codes": "new recovery codes",
}
