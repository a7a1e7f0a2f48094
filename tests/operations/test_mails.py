"""Mails as programs read them: two parts that say the same, headers that thread, and nothing that a
person typed taken for what the portal says.
"""

from __future__ import annotations

import re
from email.message import EmailMessage as Parsed
from email.message import Message
from email.parser import BytesParser
from email.policy import default

import pytest
from django.core.mail import EmailMessage

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Notice
from jitportal.operations import people, sending
from jitportal.operations.letters import Letter
from jitportal.operations.mails import mail_of
from jitportal.rules.notices import REMINDER
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

HOSTILE = (
    "<script>alert(1)</script> <a href='https://evil.test/approve'>Approve</a>\n"
    "-- \nFrom: portal\nhttp://127.0.0.1:8000/requests/99/ has been approved by Mona. \u202bevil\u202c"
)


def parsed(mail: EmailMessage) -> Parsed:
    """The mail as its bytes are read at the other end."""
    read: Message = BytesParser(policy=default).parsebytes(mail.message().as_bytes())
    assert isinstance(read, Parsed)
    return read


def mail_to(who: str, request: AccessRequest) -> Parsed:
    notices = Notice.objects.filter(request=request, recipient__username=who).order_by("pk")
    return parsed(mail_of(Letter(world.person(who), list(notices))))


def part(mail: Parsed, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<style>.*</style>", "", html)).split())


def test_it_says_who_what_until_when_and_why_twice() -> None:
    request = world.ask("rita", "migration", minutes=90)
    mail = mail_to("mona", request)
    assert mail.get_content_type() == "multipart/alternative"
    for text in (part(mail, "plain"), words(part(mail, "html"))):
        for said in ("Rita (rita)", "migration, All of This portal", "1 hour 30 minutes", "CHG-7", world.WHY):
            assert said in text
        assert f"{request.lapses_at:%-d %B %Y, %H:%M} UTC" in text
    link = f"http://127.0.0.1:8000/requests/{request.pk}/"
    assert link in part(mail, "plain")
    assert f'href="{link}"' in part(mail, "html")


def test_no_link_decides_anything() -> None:
    html = part(mail_to("mona", world.ask("rita", "auditor")), "html")
    links = re.findall(r'href="([^"]+)"', html)
    assert [re.sub(r"\d+/$", "N/", link) for link in links] == [
        "http://127.0.0.1:8000/requests/N/",
        "http://127.0.0.1:8000/notices/",
    ]
    assert "<table" not in html
    assert "<img" not in html
    assert "<form" not in html


@pytest.mark.parametrize(
    ("zone", "clock"),
    [("Asia/Kolkata", "IST"), ("America/St_Johns", ("NST", "NDT")), ("Mars/Olympus", "UTC")],
)
def test_times_are_in_the_readers_zone(zone: str, clock: str | tuple[str, ...]) -> None:
    request = world.ask("rita", "auditor")
    notice = Notice.objects.get(request=request)
    mona = world.person("mona")
    mona.time_zone = zone
    text = part(parsed(mail_of(Letter(mona, [notice]))), "plain")
    (said,) = re.findall(r"To be decided by: (.+)", text)
    assert said.endswith(clock)


def test_what_a_person_typed_is_marked_as_theirs_and_is_only_text() -> None:
    request = world.ask("rita", "auditor", justification=HOSTILE)
    mail = mail_to("mona", request)
    html, text = part(mail, "html"), part(mail, "plain")
    assert "<script>" not in html
    assert "<a href='https://evil" not in html
    assert "&lt;script&gt;" in html
    assert "\u202b" not in html + text, "nothing is shown in another order than it was typed"
    quoted = [line for line in text.splitlines() if "evil" in line or "From: portal" in line]
    assert quoted
    assert all(line.startswith("> ") for line in quoted)
    assert text.count("\n-- \n") == 1, "the signature is the portal's own"


def test_a_name_from_right_to_left_doesnt_turn_the_sentence_round() -> None:
    people.create_person(
        actor=system(),
        username="rana",
        name="\u0631\u0646\u0627",
        email="rana@example.test",
        manager=world.person("mona"),
    )
    world.joins("rana", "platform")
    mail = mail_to("mona", world.ask("rana", "auditor"))
    assert mail["Subject"] == "\u2068\u0631\u0646\u0627\u2069 asks for auditor"
    assert 'dir="auto"' in part(mail, "html")


def test_hostile_names_make_no_header() -> None:
    rita = world.person("rita")
    rita.name = "Rita\r\nBcc: everybody@example.test\u2028X-Evil: 1\u202e"
    rita.save()
    mail = mail_to("mona", world.ask("rita", "auditor"))
    assert mail["Subject"] == "Rita Bcc: everybody@example.test X-Evil: 1 asks for auditor"
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert mail["To"] == "mona@example.test"


def test_the_mails_about_one_request_thread(mailoutbox: list[EmailMessage]) -> None:
    request = world.ask("rita", "auditor")
    other = world.ask("remy", "auditor")
    sending.send_due()
    world.deny("mona", request)
    with world.later(minutes=1):
        sending.send_due()
    asked, denied = (parsed(mail) for mail in mailoutbox)
    assert denied["References"] == denied["In-Reply-To"] == f"<request-{request.pk}.jit@127.0.0.1>"
    assert asked["References"] is None, "it is about two requests"
    assert asked["Subject"] == "Rita asks for auditor, and 1 more"
    assert f"/requests/{other.pk}/" in part(asked, "plain")
    assert asked["Message-ID"] != denied["Message-ID"]


def test_machines_know_it_for_a_machines() -> None:
    mail = mail_to("mona", world.ask("rita", "auditor"))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "jitportal <notices.jit.127.0.0.1>"
    assert mail["List-Unsubscribe"] == "<http://127.0.0.1:8000/notices/>"
    assert mail["List-Unsubscribe-Post"] is None, "no program chooses for its reader"


def test_a_hundred_notices_are_one_mail_of_a_bearable_length() -> None:
    request = world.ask("rita", "auditor")
    notice = Notice.objects.get(request=request)
    notice.kind = "request.handled"
    mail = parsed(mail_of(Letter(world.person("mona"), [notice] * 100)))
    assert mail["Subject"] == "Rita asks for auditor, and 99 more"
    assert "And 80 more" in part(mail, "plain")
    assert "And 80 more" in part(mail, "html")
    assert len(mail.as_bytes()) < 60_000


def test_a_request_that_is_asked_about_again_stands_in_it_once(mailoutbox: list[EmailMessage]) -> None:
    request, other = world.ask("rita", "auditor"), world.ask("remy", "auditor")
    asked = Notice.objects.get(request=request)
    again = Notice(request=request, kind=REMINDER, subject="Still waiting", body="B", path=asked.path)
    letter = Letter(world.person("mona"), [asked, Notice.objects.get(request=other), again])
    assert [notice.subject for notice in letter.in_full] == ["Remy asks for auditor", "Still waiting"]
    assert letter.subject == "Remy asks for auditor, and 1 more"
