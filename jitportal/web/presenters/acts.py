"""Buttons that ask the rules: what is refused shows as refused, with the reason on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from jitportal.models import AccessRequest, Grant
from jitportal.operations.certifying import gives_certificates
from jitportal.rules.permissions import Allowed, Answer, Denied, Subject, Verb, allowed
from jitportal.rules.vocabulary import GrantStatus, RequestStatus, StartMode
from jitportal.web.http import PortalRequest, actor_of, now_of


@dataclass(frozen=True, slots=True)
class Act:
    """One act as a button that leads to its form; with a reason it is shown as refused."""

    label: str
    url: str
    icon: str = ""
    classes: str = ""
    reason: str = ""


def act(
    name: str, pk: int, label: str, answer: Answer, *, icon: str = "", classes: str = "", state: str = ""
) -> Act:
    """``state``: why the object's state refuses it; asked after the rule."""
    reason = answer.reason if isinstance(answer, Denied) else state
    return Act(label, reverse(name, args=[pk]), icon, classes, reason)


def of_request(request: PortalRequest, found: AccessRequest, subject: Subject) -> list[Act]:
    """What the requester may do. Others get none of these: deciding has a box of its own."""
    actor = actor_of(request)
    if not allowed(Verb.REQUEST_CLONE, actor, subject):
        return []
    open_ = found.status in (RequestStatus.PENDING, RequestStatus.SENT_BACK)
    if not open_:
        again = allowed(Verb.REQUEST_CLONE, actor, subject)
        return [act("request_clone", found.pk, "Ask again", again, icon="rotate-ccw")]
    late = "The time to decide on this request has passed." if found.lapses_at <= now_of(request) else ""
    return [
        act(
            "request_edit",
            found.pk,
            "Change and send again" if found.status == RequestStatus.SENT_BACK else "Change",
            allowed(Verb.REQUEST_EDIT, actor, subject),
            icon="pencil",
            classes="button-primary" if found.status == RequestStatus.SENT_BACK else "",
            state=late,
        ),
        act("request_withdraw", found.pk, "Withdraw", allowed(Verb.REQUEST_WITHDRAW, actor, subject)),
    ]


def of_grant(request: PortalRequest, grant: Grant, subject: Subject) -> list[Act]:
    """What the viewer may do with a grant in its present state; what isn't theirs isn't listed."""
    actor = actor_of(request)
    return [
        act(name, _about(name, grant), label, Allowed(), icon=icon, classes=classes, state=state)
        for verb, name, label, icon, classes, state in _possible(request, grant)
        if allowed(verb, actor, subject)
    ]


def _about(name: str, grant: Grant) -> int:
    """Asking for the same again starts from the grant's request."""
    return grant.request_id if name == "request_clone" and grant.request_id else grant.pk


def _possible(request: PortalRequest, grant: Grant) -> Iterator[tuple[Verb, str, str, str, str, str]]:
    """Verb, address, label, icon, classes, and why the state refuses it (empty: it doesn't)."""
    first = "button-primary"
    if grant.status == GrantStatus.READY and grant.start_mode == StartMode.ON_CLICK:
        yield Verb.GRANT_START, "grant_start", "Start now", "arrow-right", first, _unopened(request, grant)
    if grant.entitles(now_of(request)):
        yield from credential(grant)
        if grant.activation_id is None:
            renewed = "It has been renewed already." if hasattr(grant, "renewed_by") else ""
            yield Verb.GRANT_RENEW, "grant_renew", "Renew", "refresh-cw", "", renewed
    if grant.status == GrantStatus.ENDED and grant.request_id is not None:
        yield Verb.REQUEST_CLONE, "request_clone", "Ask again", "rotate-ccw", "", ""
    if _stoppable(request, grant):
        yield Verb.GRANT_HAND_BACK, "grant_hand_back", "Hand back", "undo-2", "", ""
        yield Verb.GRANT_REVOKE, "grant_revoke", "Revoke", "ban", "button-danger", ""


def credential(grant: Grant) -> Iterator[tuple[Verb, str, str, str, str, str]]:
    """How the holder of a grant in force gets in, where that takes a click; as ``_possible``."""
    first = "button-primary"
    if gives_certificates(grant):
        early = "" if grant.live_at else "The target hasn't confirmed the access yet."
        yield Verb.GRANT_CERTIFY, "grant_certificate", "Get a certificate", "key-round", first, early
    elif grant.lease is not None and grant.lease.grant_id is not None:  # a login made for the grant
        early = "" if grant.live_at else "The target hasn't confirmed the login yet."
        yield Verb.GRANT_REVEAL, "grant_reveal", "Show the password", "eye", first, early


def _unopened(request: PortalRequest, grant: Grant) -> str:
    now = now_of(request)
    if now < grant.opens_at:
        return "Its window hasn't opened yet."
    return "Its window has closed." if now >= grant.closes_at else ""


def _stoppable(request: PortalRequest, grant: Grant) -> bool:
    if grant.status == GrantStatus.READY:
        return True
    over = grant.ends_at is not None and grant.ends_at <= now_of(request)
    return grant.status in (GrantStatus.PROVISIONING, GrantStatus.ACTIVE) and not over
