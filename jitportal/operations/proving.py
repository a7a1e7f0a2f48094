"""A second factor that somebody shows: verified, counted where it is wrong, and stored as a proof.

Each answers a question of ``step_up.ask``, and is for that act alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.hashers import check_password

from jitportal.audit.events import record
from jitportal.models import Person, ProviderIdentity, StepUpProof
from jitportal.operations import (
    clock,
    factor_guesses,
    first_factor,
    notices,
    one_time_codes,
    passkeys,
    provider,
    step_up,
)
from jitportal.operations.passkeys import NoPasskey, Site
from jitportal.operations.provider import LEEWAY
from jitportal.operations.sealing import Unreadable
from jitportal.operations.step_up import Ask, StepUpNeeded
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.errors import Invalid, TooOften
from jitportal.rules.step_up import WORDS, Act, Method, stale

_UNNAMED = {Method.PROVIDER: "single sign-on", Method.PASSWORD: "the password"}
_FIRST_ALONE = "A password confirms nothing here but your first second factor. Use a second factor."
_KEPT_CLAIMS = ("issuer", "subject", "auth_time", "acr", "amr", "at")
_WRONG_CODE = "That code isn't right. Codes change each half minute: type the one that is shown now."
_WRONG_RECOVERY_CODE = "That isn't one of the recovery codes that you have left. Each counts once."
_USED_CODE = "That code has been used already. Wait for the next one, and type that."
_NOT_THIS = "That passkey's answer isn't for this: it is another's, or of another question. Confirm again."


def prove_by_code(*, actor: Person, asked: Ask, code: str, browser: str = "") -> StepUpProof:
    """By a one-time code, or a recovery code. ``browser``: one that this person has signed in with before.
    Raises ``StepUpNeeded`` with what was wrong.
    """
    _refuse_late(asked)
    where = f"sign in {browser}" if asked.act is Act.SIGN_IN else "confirm"
    with _refused_as_needed(asked), factor_guesses.counted(actor, where):
        return _by_code(actor, asked, code)


def _by_code(actor: Person, asked: Ask, code: str) -> StepUpProof:
    with operation(actor):
        lock_person(actor.pk)  # the same code twice at once is one proof
        now = clock.now()
        for factor in Authenticator.objects.filter(user=actor).order_by("pk"):
            if factor.type == Authenticator.Type.TOTP:
                counter = one_time_codes.matching(_secret_of(factor), code, now)
                if counter is not None:
                    shown = StepUpProof.objects.filter(factor_id=factor.pk, counter__gte=counter)
                    if one_time_codes.was_used(factor, counter) or shown.exists():
                        raise Invalid(_USED_CODE)
                    return _store(actor, asked, Method.CODE, factor, now, counter=counter)
            if factor.type == Authenticator.Type.RECOVERY_CODES and one_time_codes.spend_recovery_code(
                factor, code
            ):
                _tell_of_recovery_code(actor, factor, now)
                return _store(actor, asked, Method.RECOVERY_CODE, factor, now)
        raise Invalid(_WRONG_CODE if one_time_codes.has_app(actor) else _WRONG_RECOVERY_CODE)


def prove_by_password(*, actor: Person, asked: Ask, password: str) -> StepUpProof:
    """By the password, for one's first second factor alone. Raises ``StepUpNeeded`` with what was wrong."""
    _refuse_late(asked)
    if not first_factor.is_for(asked, actor):
        raise _needed(asked, _FIRST_ALONE)
    with _refused_as_needed(asked), factor_guesses.counted(actor, "password"):
        if not check_password(password, actor.password):
            raise Invalid("That password isn't right. Type the one that you sign in with.")
        with operation(actor):
            lock_person(actor.pk)
            return _store(actor, asked, Method.PASSWORD, None, clock.now())


def prove_by_passkey(*, actor: Person, asked: Ask, answer: str, site: Site) -> StepUpProof:
    """By what a passkey signed. Raises ``StepUpNeeded`` with what was wrong."""
    _refuse_late(asked)
    with _refused_as_needed(asked), operation(actor):
        lock_person(actor.pk)
        said = passkeys.signed(actor, asked.challenge, answer, site)
        return _store(
            actor,
            asked,
            Method.PASSKEY,
            said.factor,
            clock.now(),
            credential_id=said.credential_id,
            public_key=said.public_key,
            authenticator_data=said.authenticator_data,
            client_data=said.client_data,
            signature=said.signature,
        )


@contextmanager
def _refused_as_needed(asked: Ask) -> Iterator[None]:
    """Whatever is wrong with the answer, the page asks again and says it."""
    try:
        yield
    except NoPasskey as error:
        raise _needed(asked, _NOT_THIS) from error
    except (Invalid, TooOften) as error:
        raise _needed(asked, error.sentence) from error


def prove_by_provider(*, actor: Person, asked: Ask, claims: Mapping[str, Any]) -> StepUpProof:
    """By what the single sign-on's provider says: that somebody signed in there after this was asked.

    ``claims`` are verified, of this person, and of this session; ``at`` is when they came, by our clock, and
    ``auth_time`` by the provider's, which may differ a little. Counts where the settings say so. Raises
    ``StepUpNeeded`` with what was wrong.
    """
    _refuse_late(asked)
    if problem := _provider_problem(actor, asked, claims):
        raise _needed(asked, problem)
    kept = {name: claims[name] for name in _KEPT_CLAIMS if name in claims}
    with _refused_as_needed(asked), operation(actor):
        lock_person(actor.pk)
        return _store(actor, asked, Method.PROVIDER, None, clock.now(), claims=kept)


def signed_in_since(asked: Ask, claims: Mapping[str, Any]) -> bool:
    """Whether they came from the provider after this was asked, and had signed in there for it."""
    when, came, asked_at = claims.get("auth_time"), claims.get("at"), int(asked.asked_at.timestamp())
    return isinstance(when, int) and isinstance(came, int) and came > asked_at and when >= asked_at - LEEWAY


def _needed(asked: Ask, problem: str) -> StepUpNeeded:
    """The same question again, with what was wrong with the answer."""
    return StepUpNeeded(asked.act, asked.about, asked.sentence, problem, own=asked.own)


def _provider_problem(actor: Person, asked: Ask, claims: Mapping[str, Any]) -> str:
    counts = settings.STEP_UP_BY_PROVIDER and not asked.own
    if not counts and not first_factor.is_for(asked, actor):
        return "Signing in by your organisation doesn't count here. Use a second factor of the portal's own."
    if not _is_of(actor, claims):
        return "What your organisation said isn't about you. Sign in there again, as yourself."
    if not signed_in_since(asked, claims):
        return (
            "You haven't signed in again since this was asked. Sign in by your organisation, and come back."
        )
    by_class = settings.STEP_UP_BY_PROVIDER and settings.STEP_UP_ACR
    if by_class and claims.get("acr") not in settings.STEP_UP_ACR:
        return "Your organisation signed you in without the factor that is needed here."
    return ""


def _is_of(actor: Person, claims: Mapping[str, Any]) -> bool:
    """Whether it is the provider that is set up now who said it, and of this person."""
    set_up = provider.current()
    if set_up is None or claims.get("issuer") != set_up.issuer:
        return False
    known = ProviderIdentity.objects.filter(issuer=set_up.issuer, person=actor)
    return known.filter(subject=str(claims.get("subject", ""))).exists()


def _refuse_late(asked: Ask) -> None:
    if stale(asked.asked_at, clock.now()):
        raise _needed(asked, step_up.OLD)


def _tell_of_recovery_code(actor: Person, factor: Authenticator, now: datetime) -> None:
    factor.refresh_from_db()  # allauth has taken the code from a row that it read itself
    left = one_time_codes.recovery_codes_left(factor)
    notices.notify(
        recipients=[actor],
        kind="factor.recovery_code",
        key=f"{actor.pk}:{now.isoformat()}",
        subject="A recovery code of yours was used",
        body=f"One of your recovery codes was used; {left} are left. If that wasn't you, sign out "
        "everywhere, and tell an administrator.",
        path="/you/factors/",
        now=now,
        actor=actor,
    )


def _secret_of(factor: Authenticator) -> str:
    try:
        return one_time_codes.secret_of(factor)
    except Unreadable as error:
        raise Invalid("The portal can't read your authenticator's secret. Tell an administrator.") from error


def _store(
    actor: Person, asked: Ask, method: Method, factor: Authenticator | None, now: datetime, **values: Any
) -> StepUpProof:
    if StepUpProof.objects.filter(nonce=asked.nonce).exists():
        raise Invalid(step_up.USED)
    if factor is not None:
        factor.last_used_at = now
        factor.save(update_fields=["last_used_at"])
    name = str(factor) if factor is not None else _UNNAMED[method]
    proof = StepUpProof.objects.create(
        person=actor,
        act=asked.act,
        about=asked.about,
        digest=asked.digest,
        nonce=asked.nonce,
        method=method,
        factor=name[:200],
        factor_id=factor.pk if factor is not None else None,
        asked_at=asked.asked_at,
        proven_at=now,
        **values,
    )
    record(
        verb="factor.shown",
        actor=actor,
        sentence=f"{actor} confirmed {WORDS[asked.act]} with {_shown(factor, name)}.",
        now=now,
        person=actor,
        data=step_up.traced(proof),
    )
    return proof


def _shown(factor: Authenticator | None, name: str) -> str:
    return name if factor is None else f"a second factor: {name}"
