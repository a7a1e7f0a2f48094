"""Versions of the policy: proposed by one, approved by another, applied; and read by everything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Max

from jitportal.audit.events import record
from jitportal.models import AccessRequest, Grant, Person, PolicyVersion, StepUpProof, Team
from jitportal.operations import catalogue, clock, confirmation_words, own_hands, step_up
from jitportal.operations.channels import rooms_offered
from jitportal.operations.permission import require_power
from jitportal.operations.target_settings import setting_problems
from jitportal.operations.transaction import operation
from jitportal.operations.wording import words
from jitportal.rules.errors import Conflict, NotAllowed, PolicyRefuses
from jitportal.rules.lifecycle import check_transition, is_terminal
from jitportal.rules.permissions import Verb
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_difference import Change, difference
from jitportal.rules.policy_document import (
    PolicyDocument,
    PolicyDocumentError,
    directory_problems,
    draft,
    load,
    unknown_channels,
    unknown_webhooks,
)
from jitportal.rules.policy_lines import LineProblem, shortened
from jitportal.rules.policy_requirements import Requirement
from jitportal.rules.post_incident import USUAL, Deadlines
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import Pathway, PolicyStatus


def current_version() -> PolicyVersion | None:
    """The version in force; None before the bootstrap."""
    return PolicyVersion.objects.filter(status=PolicyStatus.IN_FORCE).first()


def document_of(version: PolicyVersion) -> PolicyDocument:
    """The version's document, compiled once in each process: its text never changes."""
    return _compiled(version.text)


def document_in(text: str) -> PolicyDocument:
    """The document that the text is, without looking at people, teams and history.

    Raises ``PolicyDocumentError``.
    """
    return load(text)


@lru_cache(maxsize=64)
def _compiled(text: str) -> PolicyDocument:
    return load(text)


def role_rules(version: PolicyVersion | None, role_key: str) -> RoleRules | None:
    """What this version says of the role; None: it doesn't offer it."""
    return document_of(version).roles.get(role_key) if version else None


def current_rules(role_key: str) -> RoleRules | None:
    """What the policy in force says of the role; None: it doesn't offer it."""
    return role_rules(current_version(), role_key)


def wants_own_factor(pathway: str, *, pinned: PolicyVersion | None = None) -> bool:
    """Whether the portal's own second factors alone count on this pathway: by the policy in force, or by
    ``pinned``, which something was asked for under. A newer policy only narrows.
    """
    for version in (current_version(), pinned):
        rules = document_of(version).pathways.get(Pathway(pathway)) if version else None
        if rules is not None and rules.needs(Requirement.OWN_SECOND_FACTOR):
            return True
    return False


def pinned_rules(request: AccessRequest) -> RoleRules:
    """What the version that the request was made under says of its role.

    Raises ``PolicyRefuses`` where that can't be read any more.
    """
    rules = role_rules(request.asked.policy_version, request.role.key)
    if rules is None:
        raise PolicyRefuses("The policy that this request was made under doesn't offer the role. Ask again.")
    return rules


def version_of(grant: Grant) -> PolicyVersion | None:
    """The version that a grant's request or activation was made under."""
    if grant.request is not None:
        return grant.request.asked.policy_version
    return grant.activation.policy_version if grant.activation is not None else None


def rules_of(grant: Grant) -> RoleRules:
    """What the version that a grant's request or activation was made under says of its role.

    Raises ``PolicyRefuses`` where that can't be read any more.
    """
    if grant.request is not None:
        return pinned_rules(grant.request)
    rules = role_rules(version_of(grant), grant.role.key)
    if rules is None:
        raise PolicyRefuses("The policy that this grant was made under doesn't offer its role.")
    return rules


def check(text: str) -> PolicyDocument:
    """The document, or ``PolicyDocumentError`` with everything that is wrong with it, each at its line."""
    document, problems = draft(text)
    further = [
        *_directory_problems(document),
        *_unsaid(catalogue.conflicts(document), problems, steps=2),
        *_unsaid(setting_problems(document), problems, steps=3),
        *unknown_channels(document, rooms_offered()),
        *unknown_webhooks(document, settings.WEBHOOKS),
    ]
    if problems or further:
        raise PolicyDocumentError(shortened([*problems, *further]))
    return document


def _unsaid(
    further: Iterable[LineProblem], problems: Iterable[LineProblem], *, steps: int
) -> Iterable[LineProblem]:
    """Those about places where nothing is wrong yet: what can't be read there would only mislead."""
    broken = {tuple(problem.path.split(".")[:steps]) for problem in problems}
    return (problem for problem in further if tuple(problem.path.split(".")[:steps]) not in broken)


def overtaken() -> list[LineProblem]:
    """What the policy in force says of people who have left since, each at its line: an owner, an eligible
    person, an account.
    """
    version = current_version()
    return sorted(set(_directory_problems(document_of(version)))) if version else []


def _directory_problems(document: PolicyDocument) -> Iterable[LineProblem]:
    people = set(Person.objects.active().values_list("username", flat=True))
    teams = set(Team.objects.values_list("key", flat=True))
    return directory_problems(document, people, teams)


def plan(text: str) -> list[Change]:
    """What would change against the version in force, as a reviewer wants it; raises as ``check``."""
    version = current_version()
    return difference(document_of(version) if version else None, check(text))


def propose(*, actor: Person, text: str, note: str = "", against: int | None = None) -> PolicyVersion:
    """Store a checked document as a proposal.

    ``against`` is the number of the version that its plan was shown against; None: whichever is in force.
    Raises ``PolicyDocumentError``, ``Conflict`` and ``NotAllowed``.
    """
    with operation(actor):
        require_power(Verb.POLICY_PROPOSE, actor)
        text = check(text).text
        base = current_version()
        if against is not None and base is not None and base.number != against:
            raise Conflict(
                f"Policy {base.number} has come into force since this text was begun. Look at what it "
                "changed, and take it in."
            )
        if base and base.text == text:
            raise Conflict("This is the policy in force, word for word. Change something, then propose it.")
        version = _stored(actor, text, note, base=base, bootstrap=False)
        record(
            verb="policy.proposed",
            actor=actor,
            sentence=f"{actor} proposed policy {version.number}.",
            now=version.proposed_at,
            policy_version=version,
            data={"note": note, "base": base.number if base else None},
        )
        return version


def approve(*, actor: Person, version: PolicyVersion) -> PolicyVersion:
    """A second person approves a proposal. Raises ``Conflict``, ``NotAllowed``."""
    with operation(actor):
        version = _locked(version)
        require_power(Verb.POLICY_APPROVE, actor, version)
        own_hands.refuse(actor, version.proposed_by, clock.now())
        _refuse_stale(version)
        check_transition("policy version", version.status, PolicyStatus.APPROVED)
        version.status, version.approved_by = PolicyStatus.APPROVED, actor
        version.approved_at = clock.now()
        version.save(update_fields=["status", "approved_by", "approved_at"])
        _tell(version, actor, "approved")
        return version


def reject(*, actor: Person, version: PolicyVersion, reason: str) -> PolicyVersion:
    """Turn a proposal down, or let its proposer take it back. Raises ``Invalid`` without a reason."""
    with operation(actor):
        version = _locked(version)
        require_power(Verb.POLICY_PROPOSE, actor)
        reason = words(reason, "reason", needed="Say why this change is turned down.")
        check_transition("policy version", version.status, PolicyStatus.REJECTED)
        version.status = PolicyStatus.REJECTED
        version.save(update_fields=["status"])
        _tell(version, actor, "rejected", reason=reason)
        return version


def apply(*, actor: Person, version: PolicyVersion, proof: StepUpProof | None = None) -> PolicyVersion:
    """Bring an approved version into force, with its targets, roles and scopes, in one transaction.

    It takes a fresh second factor: raises ``StepUpNeeded``.
    """
    with operation(actor):
        version = _locked(version)
        require_power(Verb.POLICY_APPLY, actor)
        _refuse_stale(version)
        if version.status == PolicyStatus.PROPOSED:
            raise NotAllowed("A second person has to approve this change before it can be applied.")
        check_transition("policy version", version.status, PolicyStatus.IN_FORCE)
        before = current_version()
        changes = difference(document_of(before) if before else None, document_of(version))
        taken = step_up.require(
            actor=actor,
            act=Act.POLICY,
            about={"version": version.number, "text": version.digest},
            sentence=confirmation_words.of_policy(version, changes),
            proof=proof,
        )
        return _into_force(actor, version, step_up.traced(taken))


def bootstrap(*, actor: Person, text: str, note: str = "") -> PolicyVersion:
    """The first policy of all, which nobody could approve; recorded as such, and possible once."""
    with operation(actor):
        if PolicyVersion.objects.exists():
            raise NotAllowed("There is a policy already: a change now takes a second person. Propose it.")
        text = check(text).text
        version = _stored(actor, text, note, base=None, bootstrap=True)
        version.status = PolicyStatus.APPROVED
        version.approved_by, version.approved_at = actor, version.proposed_at
        version.save(update_fields=["status", "approved_by", "approved_at"])
        return _into_force(actor, version)


def _stored(
    actor: Person, text: str, note: str, *, base: PolicyVersion | None, bootstrap: bool
) -> PolicyVersion:
    last = PolicyVersion.objects.aggregate(last=Max("number"))["last"] or 0
    return PolicyVersion.objects.create(
        number=last + 1,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        note=words(note, "note")[:500],
        base=base,
        bootstrap=bootstrap,
        proposed_by=actor,
        proposed_at=clock.now(),
    )


def _locked(version: PolicyVersion) -> PolicyVersion:
    return PolicyVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)


def _refuse_stale(version: PolicyVersion) -> None:
    """What was shown to the approver is the difference against ``base``: it must still be in force."""
    now_in_force = current_version()
    if is_terminal("policy version", version.status) or version == now_in_force:
        return  # it waits for nobody any more, and the step that is asked for will say so
    if (now_in_force.pk if now_in_force else None) != version.base_id:
        raise Conflict(
            f"Policy {version.number} was proposed against another version than the one in force now. "
            "Look at the difference again, and propose it anew."
        )


def _into_force(
    actor: Person, version: PolicyVersion, traced: Mapping[str, Any] | None = None
) -> PolicyVersion:
    now = clock.now()
    document = check(version.text)
    before = PolicyVersion.objects.select_for_update().filter(status=PolicyStatus.IN_FORCE).first()
    if before:
        before.status, before.superseded_at = PolicyStatus.SUPERSEDED, now
        before.save(update_fields=["status", "superseded_at"])
    version.status, version.applied_by, version.applied_at = PolicyStatus.IN_FORCE, actor, now
    version.save(update_fields=["status", "applied_by", "applied_at"])
    catalogue.materialise(document, version, now)
    changes = difference(document_of(before) if before else None, document)
    how = "as the first policy, without a second person" if version.bootstrap else "with a second person"
    record(
        verb="policy.applied",
        actor=actor,
        sentence=f"{actor} brought policy {version.number} into force, {how}.",
        now=now,
        policy_version=version,
        data={
            "changes": [str(change) for change in changes],
            "bootstrap": version.bootstrap,
            **(traced or {}),
        },
    )
    return version


def _tell(version: PolicyVersion, actor: Person, what: str, **data: str) -> None:
    record(
        verb=f"policy.{what}",
        actor=actor,
        sentence=f"{actor} {what} policy {version.number}.",
        now=clock.now(),
        policy_version=version,
        data=dict(data),
    )


def review_times() -> Deadlines:
    """How long each step of a post-incident review may take, by the policy in force."""
    version = current_version()
    break_glass = document_of(version).break_glass if version else None
    return break_glass.review_times if break_glass else USUAL
