"""Break-glass that was used while the portal was down: written down afterwards, alerted and reviewed.

And what is done with sealed envelopes beforehand: that they were sealed, and that they open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from jitportal.audit.events import record
from jitportal.models import (
    Activation,
    Criterion,
    EmergencyAccount,
    Event,
    Person,
    PolicyVersion,
    Role,
    RoleScope,
)
from jitportal.operations import clock, policies, post_incident
from jitportal.operations.emergency_alerts import raise_alerts
from jitportal.operations.emergency_telling import say
from jitportal.operations.facts import require
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.durations import spoken
from jitportal.rules.emergencies import LEAST_WORDS, LONGEST_INCIDENT, usable_criteria
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, PolicyRefuses
from jitportal.rules.permissions import Verb
from jitportal.rules.plain_text import is_plain, words_problem
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_document import PolicyDocument
from jitportal.rules.vocabulary import ActivationStatus, EndReason, Pathway, ProbeSays

#: What is older can hardly be reviewed: it is for the auditors.
OLDEST = timedelta(days=90)
_WHY_NO_PROBE = "Used while the portal was down: no probe was asked."


@dataclass(frozen=True, slots=True)
class Use:
    """One use without the portal. ``envelope``: the number of the sealed envelope that was opened for it."""

    responder: Person
    account: str
    role_key: str
    scope: str
    criterion: str
    incident: str
    broken: str
    done: str
    began_at: datetime
    ended_at: datetime
    envelope: str = ""

    def __post_init__(self) -> None:
        """Moments may come in whatever zone; what is written down of them says UTC."""
        for name in ("began_at", "ended_at"):
            object.__setattr__(self, name, getattr(self, name).astimezone(UTC))


def take_in(*, actor: Person, use: Use) -> Activation:
    """Write the use down as an activation after the fact, with its review.

    There was no population to check: that somebody outside it used the account is for the review. Raises
    ``InvalidInput`` with everything that is wrong, ``NotAllowed``, and ``Conflict`` for what is written down
    already.
    """
    with operation(actor):
        account = _account(use.account)
        require(Verb.ENVELOPE_MANAGE, actor, account)
        responder = lock_person(use.responder.pk)  # before the account, as an activation locks them
        account = EmergencyAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
        version, document = _policy()
        now = clock.now()
        if problems := list(_problems(use, document, account, now)):
            raise InvalidInput(problems)
        _refuse_known(use, account)
        activation = _written(
            use, responder, account, document.roles[use.role_key], version, actor=actor, now=now
        )
        event = _say(activation, use, actor, now)
        post_incident.open_for(activation=activation, actor=actor, now=now)
        raise_alerts(activation, (), event, actor, now)
        return activation


def note_envelope(*, actor: Person, account: str, act: str, facts: dict[str, object]) -> Event:
    """Record that an envelope was ``sealed`` or ``drilled``; ``facts`` says nothing of its content."""
    with operation(actor):
        row = _account(account)
        require(Verb.ENVELOPE_MANAGE, actor, row)
        said = "sealed an envelope" if act == "sealed" else "proved that an envelope opens,"
        return record(
            verb=f"envelope.{act}",
            actor=actor,
            sentence=f"{actor} {said} for {row} on {row.target}.",
            now=clock.now(),
            target=row.target,
            data={"account": row.key, **facts},
        )


def _account(key: str) -> EmergencyAccount:
    row = EmergencyAccount.objects.offered().filter(key=key).select_related("target").first()
    if row is None:
        raise InvalidInput([Invalid(f"The policy names no emergency account {key}.", field="account")])
    return row


def _policy() -> tuple[PolicyVersion, PolicyDocument]:
    version = policies.current_version()
    if version is None:
        raise PolicyRefuses("No policy is in force. Bring one into force first: it says who reviews this.")
    return version, policies.document_of(version)


def _problems(
    use: Use, document: PolicyDocument, account: EmergencyAccount, now: datetime
) -> Iterator[Invalid]:
    role = document.roles_on(Pathway.BREAK_GLASS).get(use.role_key)
    if role is None or account.key not in role.accounts:
        yield Invalid(f"{account} isn't used by a break-glass role {use.role_key}.", field="role")
    elif use.scope not in role.scopes:
        yield Invalid(f"{role.name} has no scope {use.scope}.", field="scope")
    if use.criterion not in usable_criteria(document):
        yield Invalid(f"Break-glass isn't allowed for {use.criterion}.", field="criterion")
    if not is_plain(use.incident) or len(use.incident.strip()) > LONGEST_INCIDENT:
        yield Invalid(f"A reference is text of {LONGEST_INCIDENT} characters at most.", field="incident")
    for field, text, what in (
        ("broken", use.broken, "what was broken"),
        ("done", use.done, "what was done"),
    ):
        if problem := words_problem(text.strip()):
            yield Invalid(problem, field=field)
        elif len(text.strip()) < LEAST_WORDS:
            yield Invalid(f"Say {what}, in at least {LEAST_WORDS} characters.", field=field)
    if not use.began_at < use.ended_at <= now:
        yield Invalid("It began before it ended, and both have passed.", field="until")
    elif now - use.began_at > OLDEST:
        yield Invalid(f"It began more than {OLDEST.days} days ago.", field="from")


def _refuse_known(use: Use, account: EmergencyAccount) -> None:
    """The same hours of the same account are written down once, whoever reports them."""
    same = Activation.objects.filter(
        account=account, opened_at__lt=use.ended_at, ends_at__gt=use.began_at
    ).exclude(stopped_at__lte=use.began_at)
    if (known := same.first()) is not None:
        raise Conflict(
            f"These hours of {account} are activation {known.pk} already. Write what is missing there."
        )


def _written(
    use: Use,
    responder: Person,
    account: EmergencyAccount,
    rules: RoleRules,
    version: PolicyVersion,
    *,
    actor: Person,
    now: datetime,
) -> Activation:
    """Open, ending and ended in one transaction: the same steps as every other activation takes."""
    role = Role.objects.select_related("target", "owner").get(key=rules.key)
    activation = Activation.objects.create(
        person=responder,
        role=role,
        scope=RoleScope.objects.get(role=role, key=use.scope),
        account=account,
        criterion=Criterion.objects.get(key=use.criterion),
        probe_said=ProbeSays.UNKNOWN,
        probe_detail=_WHY_NO_PROBE,
        incident=use.incident.strip(),
        broken=use.broken.strip(),
        expected=use.done.strip(),
        minutes=ceil((use.ended_at - use.began_at) / timedelta(minutes=1)),
        cap_minutes=rules.max_minutes,
        opened_at=use.began_at,
        ends_at=use.ended_at,
        after_the_fact=True,
        recorded_by=actor,
        policy_version=version,
    )
    activation.status = ActivationStatus.ENDING
    activation.stopped_at, activation.stopped_by = use.ended_at, responder
    activation.end_reason = EndReason.HANDED_BACK
    activation.end_note = "Written down afterwards."
    activation.save()
    activation.status, activation.ended_at = ActivationStatus.ENDED, now
    activation.save()
    return activation


def _say(activation: Activation, use: Use, actor: Person, now: datetime) -> Event:
    by = f", by opening envelope {use.envelope}" if use.envelope else ""
    return say(
        activation,
        verb="emergency.taken_in",
        actor=actor,
        sentence=(
            f"{activation.person} used {activation.account} on {activation.role.target} for "
            f"{spoken(activation.minutes)} while the portal was down{by}. {actor} wrote it down afterwards."
        ),
        now=now,
        policy_version=activation.policy_version,
        data={
            "account": activation.account.key,
            "criterion": activation.criterion.key,
            "incident": activation.incident,
            "envelope": use.envelope,
            "opened_at": activation.opened_at.isoformat(),
            "ends_at": activation.ends_at.isoformat(),
        },
    )
