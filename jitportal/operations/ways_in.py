"""New ways into a live grant of high risk: a password, a certificate, a key. Each takes a second factor.

Whoever has stolen the holder's session would otherwise make one of their own.
"""

from __future__ import annotations

from jitportal.models import Grant, Person, StepUpProof
from jitportal.operations import risks, step_up
from jitportal.rules.step_up import Act


def is_dear(grant: Grant) -> bool:
    """Whether a way into it takes a fresh second factor: where its risk is high, and in an emergency."""
    return grant.activation_id is not None or risks.is_high_grant(grant)


def password(actor: Person, grant: Grant, proof: StepUpProof | None) -> StepUpProof | None:
    """The factor for a password; None where none is taken. Raises ``StepUpNeeded``, as the others do."""
    if not is_dear(grant):
        return None
    return step_up.require(
        actor=actor,
        act=Act.CONNECT,
        about={"grant": grant.pk, "password_of": grant.account},
        sentence=f"See a new password for login {grant.account} on {grant.role.target}.\n{_of(grant)}",
        proof=proof,
        own=risks.grant_wants_own_factor(grant),
    )


def certificate(
    actor: Person, grant: Grant, fingerprint: str, proof: StepUpProof | None
) -> StepUpProof | None:
    """The factor for a certificate of this key."""
    if not is_dear(grant):
        return None
    return step_up.require(
        actor=actor,
        act=Act.CONNECT,
        about={"grant": grant.pk, "key": fingerprint},
        sentence=f"Have your key {fingerprint} signed for {grant.role.target}.\n{_of(grant)}",
        proof=proof,
        own=risks.grant_wants_own_factor(grant),
    )


def key(person: Person, name: str, fingerprint: str, proof: StepUpProof | None) -> StepUpProof | None:
    """The factor for another key, while the person holds a grant that such a key can be signed for."""
    held = (
        Grant.objects.unfinished()
        .filter(person=person, stopped_at__isnull=True, role__target__connector="ssh")
        .select_related("role__target", "scope", "request__role")
        .order_by("pk")
    )
    open_to_it = [grant for grant in held if is_dear(grant)]
    if not open_to_it:
        return None
    return step_up.require(
        actor=person,
        act=Act.CONNECT,
        about={"grants": [grant.pk for grant in open_to_it], "key": fingerprint, "name": name},
        sentence="\n".join([f"Add the SSH key {fingerprint}, {name}.", *map(_of, open_to_it)]),
        proof=proof,
        own=any(risks.grant_wants_own_factor(grant) for grant in open_to_it),
    )


def _of(grant: Grant) -> str:
    return f"Grant {grant.pk}: {grant.role} ({grant.scope})."
