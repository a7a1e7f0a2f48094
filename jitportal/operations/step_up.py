"""Step-up: a fresh second factor for one act, asked for, shown, and used once.

An operation calls ``require`` inside its transaction. Without a proof that raises ``StepUpNeeded``, and
nothing is done; the page asks for a second factor, keeps what was typed, and sends it again with the answer.
``operations.proving`` verifies the answer and stores it before the operation begins: a wrong one is counted,
whatever becomes of the operation. ``require`` then takes the proof, once, for exactly what is decided.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import signing

from jitportal.models import Person, StepUpProof
from jitportal.operations import clock
from jitportal.rules.canonical import Plain
from jitportal.rules.step_up import WORDS, Act, Method, challenge, decision_digest, stale

_SALT = "jitportal.step_up"
OLD = "That took too long: a second factor counts for five minutes. Confirm again."
USED = "This confirmation has been used already: each is for one act. Confirm again."
_OWN = "The policy asks for a second factor of the portal's own here. Add one under You, or use yours."
_OTHER = "What you confirmed isn't what is being decided now. Look at it again, and confirm that."


_in_a_story: ContextVar[bool] = ContextVar("in_a_story", default=False)


@contextmanager
def told_as_a_story() -> Iterator[None]:
    """Nobody is asked for a second factor inside: for the demo's history, whose people have none.

    Raises ``RuntimeError`` in production.
    """
    if settings.PRODUCTION:
        raise RuntimeError("Second factors can't be left out in production.")
    token = _in_a_story.set(True)
    try:
        yield
    finally:
        _in_a_story.reset(token)


def is_story() -> bool:
    return _in_a_story.get()


class StepUpNeeded(Exception):
    """A fresh second factor is needed before this may be done; nothing was done. ``problem`` says what was
    wrong with the one that was shown.
    """

    def __init__(
        self, act: Act, about: Mapping[str, Plain], sentence: str, problem: str = "", *, own: bool = False
    ) -> None:
        super().__init__(problem or f"Confirm {WORDS[act]} with your second factor.")
        self.act, self.about, self.sentence, self.problem, self.own = act, about, sentence, problem, own


class EnrolmentNeeded(Exception):
    """A second factor is needed before this may be done, and the person has none; nothing was done."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody is asked to confirm: sent to the page and back, signed, and stored nowhere."""

    person: int
    username: str
    act: Act
    about: dict[str, Plain]
    sentence: str
    nonce: str
    asked_at: datetime
    own: bool = False  # the portal's own factors alone count: the policy says so

    @property
    def digest(self) -> str:
        return decision_digest(self.username, self.act, self.about)

    @property
    def lines(self) -> list[str]:
        """The sentence as the page shows it: what it is first, then all that is bound with it."""
        return self.sentence.split("\n")

    @property
    def challenge(self) -> bytes:
        """What a passkey signs."""
        return challenge(self.nonce, self.digest)


def ask(person: Person, act: Act, about: Mapping[str, Plain], sentence: str, *, own: bool = False) -> Ask:
    """A new question, with a number that is used once."""
    nonce = secrets.token_hex(32)
    return Ask(person.pk, person.username, act, dict(about), sentence, nonce, clock.now(), own)


def sealed(asked: Ask) -> str:
    """The question as the page carries it."""
    said = {
        "person": asked.person,
        "username": asked.username,
        "act": str(asked.act),
        "about": asked.about,
        "sentence": asked.sentence,
        "nonce": asked.nonce,
        "at": asked.asked_at.isoformat(),
        "own": asked.own,
    }
    return signing.Signer(salt=_SALT).sign_object(said, compress=True)


def opened(text: str, person: Person) -> Ask | None:
    """The question that the page carried, if it was put to this person; else None."""
    try:
        said = signing.Signer(salt=_SALT).unsign_object(text)
    except (signing.BadSignature, ValueError):
        return None
    if said["person"] != person.pk:
        return None
    asked_at = datetime.fromisoformat(said["at"])
    return Ask(
        person=said["person"],
        username=said["username"],
        act=Act(said["act"]),
        about=said["about"],
        sentence=said["sentence"],
        nonce=said["nonce"],
        asked_at=asked_at,
        own=said["own"],
    )


def is_required(act: Act) -> bool:
    """Whether this act takes a fresh second factor here. Signing in and a change of second factors always
    do, of whoever has one.
    """
    return bool(settings.STEP_UP) or act in (Act.FACTORS, Act.SIGN_IN)


def has_factor(person: Person) -> bool:
    """Whether the person can show a second factor of the portal's own. Recovery codes alone are none."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return bool(Authenticator.objects.filter(user=person, type__in=kinds).exists())


def require(
    *,
    actor: Person,
    act: Act,
    about: Mapping[str, Plain],
    sentence: str,
    proof: StepUpProof | None,
    own: bool = False,
) -> StepUpProof | None:
    """Take the proof for this act, inside the operation's transaction; None where none is needed.

    ``about`` is what is decided, in plain words and numbers: the proof is for exactly this. ``sentence`` says
    all of it to whoever confirms it, as "Approve orders-writer for Rita, for 45 minutes", with a line
    for each further thing that is bound. ``own``: the portal's own alone will do, as the policy says. Raises
    ``StepUpNeeded`` and ``EnrolmentNeeded``.
    """
    if actor.is_system or is_story() or not is_required(act):
        return None
    if proof is None:
        by_provider = settings.STEP_UP_BY_PROVIDER and not own
        if act is not Act.FACTORS and not has_factor(actor) and not by_provider:
            what = WORDS[act][0].upper() + WORDS[act][1:]
            raise EnrolmentNeeded(f"{what} takes a second factor, and you have none yet.")
        raise StepUpNeeded(act, about, sentence, own=own)
    row = StepUpProof.objects.select_for_update(of=("self",)).get(pk=proof.pk)
    now = clock.now()
    problem = _problem(row, actor, act, about, now) or (_OWN if own and row.method == Method.PROVIDER else "")
    if problem:
        raise StepUpNeeded(act, about, sentence, problem, own=own)
    row.used_at = now
    row.save(update_fields=["used_at"])
    return row


def traced(proof: StepUpProof | None) -> dict[str, Any]:
    """What an event says of the proof that its act took."""
    return {"step_up": {"proof": proof.pk, "digest": proof.digest, "by": proof.method}} if proof else {}


def _problem(row: StepUpProof, actor: Person, act: Act, about: Mapping[str, Plain], now: datetime) -> str:
    if row.person_id != actor.pk:
        return "This confirmation is somebody else's. Confirm it yourself."
    if row.used_at is not None:
        return USED
    if stale(row.asked_at, now):
        return OLD
    if row.digest != decision_digest(actor.username, act, about):
        return _OTHER
    return ""
