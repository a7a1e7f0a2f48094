"""What somebody had typed when something else came first: kept, and sent when they are back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from jitportal.operations import clock

KEPT = "kept"
#: A field with the address that a form is kept for, where that isn't the one it was sent to.
ADDRESS = "kept_for"
#: Fields that are no part of what was typed there; a password is kept nowhere.
NEVER = frozenset({"csrfmiddlewaretoken", ADDRESS, "step_up_password"})
#: More than this isn't kept: the largest form here is a policy's, whose text is in the browser still.
LARGEST = 200_000
#: After that it is better looked at again than sent.
LASTS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that was sent, and is to be sent again."""

    address: str
    fields: list[tuple[str, str]]


def fields_of(request: HttpRequest, without: Collection[str] = ()) -> list[tuple[str, str]]:
    """Every field that was sent, in order."""
    return [(name, value) for name, values in request.POST.lists() if name not in without for value in values]


def keep(request: HttpRequest) -> None:
    """Remember what was sent, until it is sent again or something else is kept."""
    fields = fields_of(request, NEVER)
    address = request.POST.get(ADDRESS) or request.get_full_path()
    own = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    size = sum(len(name) + len(value) for name, value in fields)
    if request.method == "POST" and own and size <= LARGEST:
        request.session[KEPT] = {"address": address, "fields": fields, "at": clock.now().isoformat()}


def kept_by(request: HttpRequest) -> Kept | None:
    """What waits to be sent again."""
    said = request.session.get(KEPT)
    if not said or clock.now() - datetime.fromisoformat(said["at"]) > LASTS:
        return None
    return Kept(said["address"], [(name, value) for name, value in said["fields"]])


def sent(request: HttpRequest) -> None:
    """What this request sends needn't be kept any longer."""
    said = request.session.get(KEPT)
    if said and said["address"] == request.get_full_path():
        del request.session[KEPT]
