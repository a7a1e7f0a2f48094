"""How many reviews wait for somebody, for the rail of every page: one query over open reviews alone."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from jitportal.models import ActivationAlert, AfterUseReview, Person, PostIncidentReview
from jitportal.rules.post_incident import RESPONDERS_TURN
from jitportal.rules.vocabulary import AlertCause, ReviewStatus


def reviews_waiting(person: Person) -> int:
    """Those of either kind whose next step is this person's to take: as the one who writes it, or as one of
    those who are asked to read it.
    """
    return _after_use(person).union(_after_emergencies(person), all=True).count()


def _after_use(person: Person) -> QuerySet[AfterUseReview, int]:
    writes = Q(holder=person, status__in=RESPONDERS_TURN)
    reads = Q(status=ReviewStatus.DETERMINATION) & ~Q(holder=person)
    asked = Q(holder__manager=person) | Q(grant__role__owner=person)
    rows = AfterUseReview.objects.exclude(status=ReviewStatus.CLOSED).filter(writes | reads & asked)
    return rows.order_by().values_list("pk", flat=True)


def _after_emergencies(person: Person) -> QuerySet[PostIncidentReview, int]:
    """Who had a part in what is reviewed writes, or isn't asked."""
    alerted = ActivationAlert.objects.filter(person=person, cause=AlertCause.SECURITY_CONTACT)
    writes = Q(responder=person, status__in=RESPONDERS_TURN)
    asked = (
        Q(responder__manager=person)
        | Q(activation__role__owner=person)
        | Q(activation__in=alerted.values("activation"))
    )
    part = (
        Q(responder=person)
        | Q(named_by=person)
        | Q(stated_by=person)
        | Q(activation__recorded_by=person)
        | Q(activation__extension_of__person=person)
        | Q(activation__extended_by__person=person)
    )
    own = PostIncidentReview.objects.filter(part).values("pk")
    reads = Q(status=ReviewStatus.DETERMINATION) & asked & ~Q(pk__in=own)
    goes_on = Q(status=ReviewStatus.REMEDIATION, reviewer=person)
    signs = Q(status=ReviewStatus.SECOND_SIGNOFF) & asked & ~Q(reviewer=person) & ~Q(pk__in=own)
    rows = PostIncidentReview.objects.open().filter(writes | reads | goes_on | signs)
    return rows.order_by().values_list("pk", flat=True)
