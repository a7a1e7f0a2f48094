"""Permission for what needs a power alone. ``operations.facts`` asks for everything that has relations."""

from __future__ import annotations

from jitportal.models import Person, PolicyVersion
from jitportal.operations import clock, enrolment
from jitportal.operations.directory import actor_facts
from jitportal.rules.errors import NotAllowed
from jitportal.rules.permissions import NOBODY, Denied, Relation, Subject, Verb, allowed


def require_power(verb: Verb, actor: Person, version: PolicyVersion | None = None) -> None:
    """Let the actor pass, or raise ``NotAllowed`` with the reason."""
    own = version is not None and version.proposed_by_id == actor.pk
    subject = Subject(frozenset({Relation.PROPOSER})) if own else NOBODY
    answer = allowed(verb, actor_facts(actor, clock.now()), subject)
    if isinstance(answer, Denied):
        raise NotAllowed(answer.reason)
    enrolment.require(actor, "Using one of the portal's own powers")
