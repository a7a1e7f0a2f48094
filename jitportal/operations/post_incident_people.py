"""Who is what to a post-incident review: who took part, and who can review."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from jitportal.models import Activation, ActivationAlert, Delegation, Person, PostIncidentReview
from jitportal.operations import own_hands
from jitportal.rules.emergencies import same_incident
from jitportal.rules.post_incident import Parts, why_not_reviewer
from jitportal.rules.vocabulary import AlertCause


def took_part(review: PostIncidentReview) -> frozenset[str]:
    """The usernames of those who used break-glass in the same emergency, the responder aside: in what
    this activation goes on from or what goes on from it, and at the same time for the same incident.
    """
    activation = review.activation
    if activation is None:
        return frozenset()
    linked = Q(extension_of=activation) | Q(extended_by=activation)
    until = activation.stopped_at or activation.ends_at
    meanwhile = Q(opened_at__lt=until) & (Q(stopped_at__isnull=True) | Q(stopped_at__gt=activation.opened_at))
    others = Activation.objects.filter(linked | meanwhile).exclude(person=review.responder).order_by()
    rows = others.values_list("person__username", "incident", "extension_of", "extended_by")
    return frozenset(
        username
        for username, incident, *links in rows
        if activation.pk in links or same_incident(incident, activation.incident)
    )


def is_security(person: Person, review: PostIncidentReview) -> bool:
    """Whether they were alerted of it as a security contact."""
    return (
        review.activation_id is not None
        and ActivationAlert.objects.filter(
            activation=review.activation_id, person=person, cause=AlertCause.SECURITY_CONTACT
        ).exists()
    )


def reviewers(review: PostIncidentReview, now: datetime) -> list[Person]:
    """Those who are asked to review it: its security contacts, the role's owner, the responder's manager.

    Administrators can, too; they are told when it is late.
    """
    named: dict[int, Person] = {}
    activation = review.activation
    if activation is not None:
        alerted = ActivationAlert.objects.filter(
            activation=activation, cause=AlertCause.SECURITY_CONTACT
        ).select_related("person")
        named = {row.person_id: row.person for row in alerted}
        if activation.role.owner is not None:
            named[activation.role.owner.pk] = activation.role.owner
    if review.responder is not None and review.responder.manager is not None:
        named[review.responder.manager.pk] = review.responder.manager
    active = [person for person in named.values() if person.is_active]
    return sorted(
        (person for person in active if not why_not(review, person, now)), key=lambda person: person.name
    )


def why_not(review: PostIncidentReview, person: Person, now: datetime) -> str:
    """The sentence that says why this person can't review it whatever else they are; empty: they can."""
    responder = review.responder
    hands = own_hands.barred(responder, [person.username], now) if responder is not None else frozenset()
    return why_not_reviewer(
        person.username,
        parts_of(review, now),
        same_hands=hands - ({responder.username} if responder is not None else set()),
    )


def parts_of(review: PostIncidentReview, now: datetime) -> Parts:
    """Who had which part in what is reviewed."""
    recorder = review.activation.recorded_by if review.activation is not None else None
    return Parts(
        responder=_username(review.responder),
        took_part=took_part(review),
        recorded_by=_username(recorder),
        named_by=_username(review.named_by),
        stated_by=_username(review.stated_by),
        delegates=_delegates(review, now),
    )


def _username(person: Person | None) -> str:
    return person.username if person is not None else ""


def _delegates(review: PostIncidentReview, now: datetime) -> frozenset[str]:
    """To whom the responder handed their decisions at any time since the review was opened."""
    if review.responder_id is None:
        return frozenset()
    since = Q(ends_at__gt=review.opened_at) & (
        Q(stopped_at__isnull=True) | Q(stopped_at__gt=review.opened_at)
    )
    given = Delegation.objects.filter(since, delegator=review.responder_id, starts_at__lte=now)
    return frozenset(given.order_by().values_list("delegate__username", flat=True))
