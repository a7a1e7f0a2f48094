"""What those who decide, and whoever asked, are told of a request, in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from jitportal.models import AccessRequest, Person
from jitportal.operations import notices
from jitportal.operations.notice_details import isolated, of_request
from jitportal.rules.durations import spoken


def ask_deciders(request: AccessRequest, deciders: Iterable[Person], actor: Person, now: datetime) -> None:
    """Ask those who can decide the open stage."""
    stage = request.asked.stages[request.stage]
    who = isolated(request.requester)
    notices.notify(
        recipients=deciders,
        kind=notices.TO_DECIDE,
        key=notices.asked_key(request, request.stage),
        subject=f"{who} asks for {request.role}",
        body=(
            f"{who} asks for {request.role} ({request.scope}) for {spoken(request.minutes)}, "
            f"and stage {stage['name']} is yours to decide."
        ),
        path=path_of(request),
        now=now,
        actor=actor,
        request=request,
        details=of_request(request),
        until=request.lapses_at,
    )


def tell_requester(request: AccessRequest, what: str, body: str, now: datetime, actor: Person) -> None:
    """The notice to whoever asked."""
    became = "has lapsed" if what == "lapsed" else f"is {what.replace('_', ' ')}"
    notices.notify(
        recipients=[request.requester],
        kind=f"request.{what}",
        key=f"{request.pk}:{now.isoformat()}",
        subject=f"{request.role}: your request {became}",
        body=body,
        path=path_of(request),
        now=now,
        actor=actor,
        request=request,
    )


def path_of(request: AccessRequest) -> str:
    """The request's page."""
    return f"/requests/{request.pk}/"
