"""How a holder gets in: instructions to copy, and a password that is shown once."""

from __future__ import annotations

from jitportal.connectors.base import TargetError
from jitportal.models import Grant, Person, StepUpProof
from jitportal.operations import clock, step_up, ways_in
from jitportal.operations.certifying import gives_certificates
from jitportal.operations.facts import require
from jitportal.operations.granting import say
from jitportal.operations.targets import connector_for, instructions_for, order_of
from jitportal.operations.transaction import lock_grant, operation
from jitportal.rules.errors import Conflict, OutsideError
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import GrantStatus, Secret


def instructions(grant: Grant) -> str:
    """How the holder connects while the grant is live; empty where there is nothing to say."""
    if grant.lease is None or grant.status != GrantStatus.ACTIVE:
        return ""
    return instructions_for(grant.lease)


def reveal(*, actor: Person, grant: Grant, proof: StepUpProof | None = None) -> Secret:
    """Set a fresh password on the target and return it; it is stored nowhere. Of a role of high risk, and in
    an emergency, it takes a fresh second factor: raises ``StepUpNeeded``.

    The event is written before the target is called: a password that nobody recorded must not exist.
    Raises ``Conflict`` where the grant isn't live, ``OutsideError`` where the target can't.
    """
    with operation(actor):
        grant = lock_grant(grant)
        now = clock.now()
        require(Verb.GRANT_REVEAL, actor, grant, now)
        if grant.lease is None or grant.status != GrantStatus.ACTIVE or not grant.entitles(now):
            raise Conflict("This grant isn't live, so there is no login to set a password for.")
        if gives_certificates(grant):
            raise Conflict("This access has no password: get a certificate for your own key instead.")
        if grant.lease.grant_id is None:  # a login that was made has a lease of its own; a role may change
            raise Conflict(
                "This role uses your own login: its password is yours, and the portal never sees it."
            )
        taken = ways_in.password(actor, grant, proof)
        grant.revealed_at = now
        grant.save(update_fields=["revealed_at"])
        sentence = f"{actor} had a password set for login {grant.account}."
        say(grant, actor, "revealed", sentence, now, **step_up.traced(taken))
        lease = grant.lease
    try:
        return connector_for(lease.target).reveal(order_of(lease))
    except TargetError as error:
        raise OutsideError(
            f"The target could not set a password: {error} Try again.", permanent=error.permanent
        ) from error
