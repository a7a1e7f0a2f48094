"""Post-incident reviews in lists: whose turn it is, what one owes, and the register of all."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from jitportal.models import ActivationAlert, EmergencyAccount, FollowUp, Person, PostIncidentReview
from jitportal.models.post_incident import PostIncidentReviewQuerySet
from jitportal.models.post_incident_parts import FollowUpQuerySet
from jitportal.rules.permissions import OVERSEERS, ActorFacts
from jitportal.rules.post_incident import RESPONDERS_TURN
from jitportal.rules.vocabulary import AlertCause
from jitportal.web.http import PortalRequest, actor_of
from jitportal.web.presenters.incidents import turn_of

#: Open ones are few; the register is paged.
MOST_OPEN = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """The open reviews that this person sees, by whose turn it is; late ones first."""

    to_state: list[PostIncidentReview]
    to_review: list[PostIncidentReview]
    elsewhere: list[PostIncidentReview]


def desk_of(request: PortalRequest) -> Desk:
    person, actor = request.user, actor_of(request)
    rows = list(visible(person, actor).open().order_by("due_at", "pk")[:MOST_OPEN])
    own = [one for one in rows if one.responder_id == person.pk and one.status in RESPONDERS_TURN]
    mine = [one for one in rows if one not in own and _reviews(request, one)]
    taken = {one.pk for one in (*own, *mine)}
    return Desk(own, mine, [one for one in rows if one.pk not in taken])


def waiting_count(request: PortalRequest) -> int:
    """How many open reviews wait for this person."""
    desk = desk_of(request)
    return len(desk.to_state) + len(desk.to_review)


def owed_by(person: Person) -> list[PostIncidentReview]:
    """The statements that this person owes, the one due first before the others."""
    rows = PostIncidentReview.objects.filter(responder=person).waiting_for_responder()
    return list(rows.select_related("account", "activation__role").order_by("due_at", "pk")[:MOST_OPEN])


def visible(person: Person, actor: ActorFacts) -> PostIncidentReviewQuerySet:
    """Those that this person may see, by the relations that a query can tell."""
    rows = PostIncidentReview.objects.select_related(
        "account__target",
        "responder",
        "reviewer",
        "activation__role__owner",
        "activation__criterion",
        "sign_in",
    )
    if actor.powers & OVERSEERS:
        return rows
    alerted = ActivationAlert.objects.filter(person=person, cause=AlertCause.SECURITY_CONTACT)
    accounts = EmergencyAccount.objects.values_list("pk", "custodians")
    kept = [pk for pk, custodians in accounts if person.username in custodians]
    return rows.filter(
        Q(responder=person)
        | Q(responder__manager=person)
        | Q(reviewer=person)
        | Q(activation__role__owner=person)
        | Q(sign_in__isnull=False, account__target__roles__owner=person)
        | Q(activation__in=alerted.values("activation"))
        | Q(account__in=kept)
    ).distinct()


def _reviews(request: PortalRequest, review: PostIncidentReview) -> bool:
    turn = turn_of(request, review)
    return turn.determine or turn.sign or turn.sign_second or turn.without or turn.name


def follow_ups_of(person: Person, actor: ActorFacts) -> FollowUpQuerySet:
    """One's own, and those of the reviews that one sees; ``seen``: whether the review is."""
    rows = FollowUp.objects.select_related("owner", "done_by", "review")
    reviews = visible(person, actor).order_by().values("pk")
    return rows.filter(Q(owner=person) | Q(review__in=reviews))
