"""Posts letters into chat, through apprise. A channel's address is a secret: nothing here repeats it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.conf import settings

from jitportal.environment import Channel
from jitportal.models import Notice, Person
from jitportal.operations import outgoing
from jitportal.operations.connect_guard import public_addresses_alone
from jitportal.operations.letters import Letter, address_of, choices_address, details_of
from jitportal.operations.notice_details import tame, value_words
from jitportal.operations.outgoing import CallFailed, CallRefused
from jitportal.operations.time_zones import zone_of

if TYPE_CHECKING:
    from apprise import AppriseAsset

#: Seconds, for each request that a plug-in makes; ``couriers`` bounds the whole.
CONNECT_SECONDS, ANSWER_SECONDS, POST_SECONDS = 4.0, 8.0, 12.0
_GONE = {404, 410}
_STATUS = re.compile(r"\berror=(\d{3})\b", re.ASCII)
#: Makes a name or a reason call the whole room, or hide where a link leads, in one chat or another.
_CALLING = str.maketrans(
    {"@": "@\u200b", "<": "\u2039", ">": "\u203a", "[": "\uff3b", "]": "\uff3d", "`": "'"}
)


class NoSuchChannel(Exception):
    """The operator hasn't set this channel up, or its address can't be one."""


class NotTaken(Exception):
    """The channel didn't take the message. ``gone``: it answered that there is no such channel."""

    def __init__(self, sentence: str, *, gone: bool = False) -> None:
        super().__init__(sentence)
        self.gone = gone


def post(name: str, letter: Letter) -> None:
    """Post the letter. Raises ``NoSuchChannel``, ``NotTaken``."""
    channel = settings.CHANNELS.get(name)
    if channel is None:
        raise NoSuchChannel(f"The operator has set up no channel {name}.")
    say(channel, letter.recipient, title=plain(letter.subject), body=words_of(letter))


def prepare() -> None:
    """Load what posting needs, so that it doesn't count as the channel's slowness."""
    _apprise()


def say(channel: Channel, recipient: Person | None, *, title: str, body: str) -> None:
    """Post the words. Raises ``NoSuchChannel``, ``NotTaken``."""
    if channel.personal and recipient is None:
        raise NoSuchChannel(f"Channel {channel.name} reaches people one by one, and no team.")
    apprise = _apprise()
    heard: list[str] = []
    post_office = apprise.Apprise(asset=_asset())
    service = apprise.Apprise.instantiate(address_for(channel, recipient), asset=_asset())
    if service is None:
        raise NoSuchChannel(f"The address of channel {channel.name} can't be read. The operator mends it.")
    guarded = _names_a_host(service)
    if guarded:
        _refuse_private(service)
    service.redirects = False  # whatever the address says: an answer leads nowhere else
    service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, ANSWER_SECONDS
    post_office.add(service)
    with _connecting(guarded=guarded):
        taken = post_office.notify(
            body=body,
            title=title,
            body_format=apprise.NotifyFormat.TEXT,
            timeout=POST_SECONDS,
            log_callback=lambda entry, _service: heard.append(entry.message),
        )
    if not taken:
        raise _not_taken(" ".join(heard))


def _names_a_host(service: Any) -> bool:
    """Elsewhere what stands in its place is a token, which is told to no name server."""
    return bool(service.host) and any("{host}" in form for form in service.templates)


def _refuse_private(service: Any) -> None:
    try:
        outgoing.refuse_private(str(service.host), service.port)
    except CallRefused as error:
        raise NoSuchChannel(str(error)) from None
    except CallFailed:
        return  # apprise finds no address either, and says so


@contextmanager
def _connecting(*, guarded: bool) -> Iterator[None]:
    """apprise looks the name up again: what it then connects to is checked as well."""
    if not guarded:
        yield
        return
    with public_addresses_alone(tuple(settings.OUTGOING_ALLOWED_NETWORKS)) as guard:
        yield
    if guard.refused:
        raise NoSuchChannel(outgoing.PRIVATE)


def address_for(channel: Channel, recipient: Person | None) -> str:
    """The channel's address for this person, where it has a place for who they are."""
    if recipient is None:
        return channel.address
    address = channel.address.replace("{username}", quote(recipient.username, safe=""))
    return address.replace("{email}", quote(recipient.email, safe=""))


def words_of(letter: Letter) -> str:
    """The letter as plain text.

    What somebody typed as a reason stays on the page: who reads along in a channel is not the portal's
    to say.
    """
    zone = zone_of(letter.recipient) if letter.recipient else ZoneInfo(settings.TIME_ZONE)
    parts = [_lines(notice, zone, titled=len(letter.told) > 1) for notice in letter.in_full]
    if letter.left_out:
        parts.append(f"And {letter.left_out} more: {settings.PUBLIC_URL}/")
    if letter.recipient is not None:
        parts.append(f"Choose what you are sent: {choices_address()}")
    return "\n\n".join(parts)


def plain(text: str) -> str:
    """The text, calling nobody and linking nowhere."""
    return tame(text).translate(_CALLING)


def _lines(notice: Notice, zone: ZoneInfo, *, titled: bool) -> str:
    facts = [
        f"{detail.label}: {plain(value_words(detail, zone))}"
        for detail in details_of(notice)
        if not detail.typed
    ]
    title = [plain(notice.subject)] if titled else []
    return "\n".join([*title, plain(notice.body).strip(), *facts, address_of(notice)])


def _not_taken(heard: str) -> NotTaken:
    """What apprise heard is searched for the answer's status, and not repeated: it may hold the address."""
    found = _STATUS.search(heard)
    if found is None:
        return NotTaken("The channel didn't answer.")
    status = int(found[1])
    return NotTaken(f"The channel answered {status}.", gone=status in _GONE)


@cache
def _asset() -> AppriseAsset:
    """Nothing is kept, retried, followed or filled in: the portal does what is to be done itself."""
    apprise = _apprise()
    asset: AppriseAsset = apprise.AppriseAsset(
        app_id="jitportal",
        app_desc="jitportal",
        app_url=settings.PUBLIC_URL,
        async_mode=False,
        http_redirects=False,
        secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=POST_SECONDS,
        allow_templates=False,
    )
    return asset


@cache
def _apprise() -> Any:
    """Loaded, with all its services, when there is something to post: it takes seconds, and most
    processes never post.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its services import what Python gives up
        apprise = import_module("apprise")
        apprise.Apprise.instantiate("json://localhost")
    return apprise
