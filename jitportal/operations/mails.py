"""Notices as mails: plain text and HTML that say the same, and headers that thread and file them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import engines

from jitportal.models import Notice
from jitportal.operations.letters import Letter, address_of, choices_address, details_of
from jitportal.operations.notice_details import Detail, tame, value_words
from jitportal.operations.time_zones import zone_of

#: Which of the settings' template engines: it has no tags of the pages.
ENGINE = "mail"
WIDTH = 76


@dataclass(frozen=True, slots=True)
class Fact:
    """A detail in the reader's words."""

    label: str
    value: str
    typed: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One notice of a mail, for the templates."""

    subject: str
    body: str
    facts: list[Fact]
    url: str


def mail_of(letter: Letter) -> EmailMultiAlternatives:
    """The mail to a person. Raises ``ValueError`` where the address can't be one."""
    recipient = letter.recipient
    if recipient is None:
        raise ValueError("A mail is sent to a person.")
    zone = zone_of(recipient)
    items = [_item(notice, zone) for notice in letter.in_full]
    mail = EmailMultiAlternatives(
        subject=letter.subject,
        body=_text(letter, items),
        to=[recipient.email],
        headers=_headers(letter),
    )
    mail.attach_alternative(_html(letter, items), "text/html")
    return mail


def _item(notice: Notice, zone: ZoneInfo) -> Item:
    facts = [_fact(detail, zone) for detail in details_of(notice)]
    return Item(tame(notice.subject), tame(notice.body).strip(), facts, address_of(notice))


def _fact(detail: Detail, zone: ZoneInfo) -> Fact:
    return Fact(detail.label, value_words(detail, zone), detail.typed)


def _headers(letter: Letter) -> dict[str, str]:
    """Nobody answers a machine, filters know it by its list, and what is about one request threads."""
    host = (urlsplit(settings.PUBLIC_URL).hostname or "localhost").replace(":", "-")
    first, last = letter.notices[0], letter.notices[-1]
    headers = {
        # the same when it is tried again, so that who got it after all can drop the second
        "Message-ID": f"<notice-{first.pk}-{last.pk}.{settings.INSTANCE}@{host}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"jitportal <notices.{settings.INSTANCE}.{host}>",
        "List-Unsubscribe": f"<{choices_address()}>",
        "X-Jitportal-Notice": " ".join(str(notice.pk) for notice in letter.in_full),
    }
    requests = {notice.request_id for notice in letter.notices}
    if len(requests) == 1 and first.request_id:
        thread = f"<request-{first.request_id}.{settings.INSTANCE}@{host}>"
        headers |= {"In-Reply-To": thread, "References": thread}
    return headers


def _text(letter: Letter, items: list[Item]) -> str:
    parts = ["\n".join(_lines(item, titled=len(items) > 1)) for item in items]
    if letter.left_out:
        parts.append(f"And {letter.left_out} more: {settings.PUBLIC_URL}/")
    because = "\n".join(letter.because)
    parts.append(f"-- \n{because}\nChoose what you are sent: {choices_address()}")
    return "\n\n\n".join(parts) + "\n"


def _lines(item: Item, *, titled: bool) -> Iterator[str]:
    if titled:
        yield item.subject
        yield "=" * min(len(item.subject), WIDTH)
    yield item.body
    short = [fact for fact in item.facts if not _long(fact)]
    if short:
        yield ""
    for fact in short:
        yield f"{fact.label}: {fact.value}"
    for fact in filter(_long, item.facts):
        yield ""
        yield f"{fact.label}:"
        yield _quoted(fact.value)
    yield ""
    yield item.url


def _long(fact: Fact) -> bool:
    return fact.typed and (len(fact.value) > WIDTH // 2 or "\n" in fact.value)


def _quoted(words: str) -> str:
    """What a person typed, marked on each line, so that it can't pass for what the portal says."""
    lines = [
        line
        for paragraph in words.strip().splitlines()
        for line in textwrap.wrap(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    ]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _html(letter: Letter, items: list[Item]) -> str:
    template = engines[ENGINE].get_template("message.html")
    return str(
        template.render(
            {
                "subject": letter.subject,
                "items": items,
                "titled": len(items) > 1,
                "left_out": letter.left_out,
                "because": letter.because,
                "home": f"{settings.PUBLIC_URL}/",
                "choices": choices_address(),
            }
        )
    )
