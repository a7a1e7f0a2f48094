"""A request as the portal's views see it: signed in, and with one reading of the clock."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, QueryDict
from django_htmx.middleware import HtmxDetails

from jitportal.models import Person
from jitportal.operations import clock, directory
from jitportal.rules.permissions import ActorFacts


class PortalRequest(HttpRequest):
    """A request of somebody who has signed in (``LoginRequiredMiddleware`` sees to it)."""

    user: Person
    htmx: HtmxDetails


def typed(request: PortalRequest) -> QueryDict | None:
    """What a form is bound to: what was sent; or, while one types, what htmx asks about; else None."""
    if request.method == "POST":
        return request.POST
    return request.GET if request.htmx else None


def now_of(request: HttpRequest) -> datetime:
    """The portal's clock, read once for a request, so that a page agrees with itself."""
    moment: datetime | None = getattr(request, "portal_now", None)
    if moment is None:
        moment = clock.now()
        request.portal_now = moment  # type: ignore[attr-defined]
    return moment


def actor_of(request: PortalRequest) -> ActorFacts:
    """Who asks, with the powers in force now, read once for a request."""
    facts: ActorFacts | None = getattr(request, "portal_actor", None)
    if facts is None:
        facts = directory.actor_facts(request.user, now_of(request))
        request.portal_actor = facts  # type: ignore[attr-defined]
    return facts


def forget_reading(request: HttpRequest) -> None:
    """After an operation: what follows on this request reads the clock and the powers afresh."""
    for name in ("portal_now", "portal_actor"):
        if hasattr(request, name):
            delattr(request, name)
