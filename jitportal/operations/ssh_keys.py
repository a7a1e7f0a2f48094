"""People's own public keys. The private ones never come near the portal."""

from __future__ import annotations

from jitportal.audit.events import record
from jitportal.connectors.ssh.public_keys import LONGEST, PublicKey, UnusableKey, read_public_key
from jitportal.models import Person, SshKey, StepUpProof
from jitportal.operations import clock, step_up, ways_in
from jitportal.operations.facts import require
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.errors import Conflict, Invalid
from jitportal.rules.permissions import Verb

MOST = 20
LONGEST_KEY = LONGEST


def read(text: str) -> PublicKey:
    """The key that was pasted. Raises ``Invalid`` with what is wrong."""
    try:
        return read_public_key(text)
    except UnusableKey as error:
        raise Invalid(str(error), field="public_key") from error


def keys_of(person: Person) -> list[SshKey]:
    return list(SshKey.objects.filter(person=person, removed_at__isnull=True).order_by("added_at", "pk"))


def add(*, actor: Person, name: str, public_key: str, proof: StepUpProof | None = None) -> SshKey:
    """Keep a key of the actor's. Raises ``Invalid`` for what is no key or somebody else's, and
    ``StepUpNeeded`` while they hold a grant of high risk that it could be signed for.
    """
    key = read(public_key)
    with operation(actor):
        person = lock_person(actor.pk)
        require(Verb.PROFILE_EDIT, person)
        refuse_somebody_elses(key, person)
        mine = keys_of(person)
        if any(one.fingerprint == key.fingerprint for one in mine):
            raise Invalid("You have added this key already.", field="public_key")
        if len(mine) >= MOST:
            raise Invalid(f"You have {MOST} keys, which is the most. Remove one first.")
        called = name.strip()[:100] or key.comment or key.type
        taken = ways_in.key(person, called, key.fingerprint, proof)
        now = clock.now()
        row = SshKey.objects.create(
            person=person,
            name=called,
            public_key=key.line,
            fingerprint=key.fingerprint,
            added_at=now,
        )
        record(
            verb="ssh_key.added",
            actor=person,
            sentence=f"{person} added the SSH key {key.fingerprint}.",
            now=now,
            person=person,
            data=step_up.traced(taken),
        )
        return row


def remove(*, actor: Person, key: SshKey) -> None:
    """Forget a key of the actor's; certificates that were signed for it go on until their end."""
    with operation(actor):
        person = lock_person(actor.pk)
        require(Verb.PROFILE_EDIT, person)
        row = SshKey.objects.select_for_update().filter(pk=key.pk, person=person, removed_at=None).first()
        if row is None:
            raise Conflict("This key has been removed already.")
        now = clock.now()
        row.removed_at = now
        row.save(update_fields=["removed_at"])
        record(
            verb="ssh_key.removed",
            actor=person,
            sentence=f"{person} removed the SSH key {row.fingerprint}.",
            now=now,
            person=person,
        )


def refuse_somebody_elses(key: PublicKey, person: Person) -> None:
    """Two people never share a key: what one does with it would stand under the other's name."""
    others = SshKey.objects.filter(fingerprint=key.fingerprint, removed_at__isnull=True).exclude(
        person=person
    )
    if others.exists():
        raise Invalid(
            "Somebody else has added this key. Keys aren't shared: make one of your own.", field="public_key"
        )
