"""Notices: one for a person, sent once, dropped when nobody needs it, and tried again when mail fails."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage

from jitportal.models import Notice
from jitportal.operations import notices, requests, sending
from tests.operations import world
from tests.operations.world import recipients

pytestmark = pytest.mark.usefixtures("small_portal")


def send(**later: float) -> None:
    """Send what is due, now or so much later."""
    with world.later(**later):
        while sending.send_due():
            pass


def test_those_who_can_decide_are_asked_once_with_a_link(mailoutbox: list[EmailMessage]) -> None:
    request = world.ask("rita", "writer", scope="left")
    send()
    send()
    assert recipients(mailoutbox) == ["mona", "otto"]
    mail = mailoutbox[0]
    assert mail.subject == "Rita asks for writer"
    assert f"http://127.0.0.1:8000/requests/{request.pk}/" in str(mail.body)
    assert world.WHY in str(mail.body)
    assert "approve" not in str(mail.body).lower().replace("approved", ""), "no link decides anything"


def test_the_others_hear_that_it_was_handled_and_each_once(mailoutbox: list[EmailMessage]) -> None:
    request = world.ask("rita", "writer")
    send()
    mailoutbox.clear()
    world.approve("mona", request)
    send(minutes=1)
    assert recipients(mailoutbox) == ["dean", "dina", "dora", "otto"]
    (handled,) = [mail for mail in mailoutbox if mail.to == ["otto@example.test"]]
    assert handled.subject == "Handled: Rita and writer"
    assert "Mona approved stage first" in str(handled.body)
    assert "nothing left for you to do" in str(handled.body)
    mailoutbox.clear()
    world.approve("dora", request)
    send(minutes=2)
    assert mailoutbox == [], "one more of the team is needed, and all of them have been asked"
    world.approve("dean", request)
    send(minutes=2)
    assert recipients(mailoutbox) == ["dina", "dora", "rita"]


def test_a_question_that_is_answered_before_it_is_sent_is_not_sent(mailoutbox: list[EmailMessage]) -> None:
    request = world.ask("rita", "writer")
    world.deny("mona", request)
    send()
    assert recipients(mailoutbox) == ["rita"]
    assert mailoutbox[0].subject == "writer: your request is denied"
    dropped = Notice.objects.filter(kind=notices.TO_DECIDE)
    assert {row.given_up_at is not None for row in dropped} == {True}


def test_a_withdrawal_and_an_edit_drop_what_was_not_sent(mailoutbox: list[EmailMessage]) -> None:
    request = world.ask("rita", "auditor")
    requests.edit(
        actor=world.person("rita"), request=request, ask=world.asking("auditor", minutes=9), revision=1
    )
    send()
    assert recipients(mailoutbox) == ["mona"], "about the new revision alone"
    assert "9 minutes" in str(mailoutbox[0].body)
    mailoutbox.clear()
    requests.withdraw(actor=world.person("rita"), request=request)
    send(minutes=1)
    assert recipients(mailoutbox) == ["mona"]
    assert "Rita withdrew" in str(mailoutbox[0].body)


def test_the_requester_hears_that_nobody_decided(mailoutbox: list[EmailMessage]) -> None:
    request = world.ask("rita", "auditor")
    with world.at(request.lapses_at):
        requests.lapse_due()
        send()
    told = [mail.subject for mail in mailoutbox if mail.to == ["rita@example.test"]]
    assert told == ["auditor: your request has lapsed"]


@pytest.mark.parametrize(
    ("verdict", "word"), [(world.approve, "approved"), (world.deny, "denied"), (world.send_back, "sent back")]
)
def test_the_requester_hears_of_every_verdict(
    verdict: world.VerdictGiver, word: str, mailoutbox: list[EmailMessage]
) -> None:
    request = world.ask("rita", "auditor")
    verdict("mona", request)
    send()
    assert recipients(mailoutbox) == ["rita"]
    assert mailoutbox[0].subject == f"auditor: your request is {word}"


def test_whoever_has_no_address_or_has_left_gets_none() -> None:
    world.deactivate("otto")
    request = world.ask("rita", "writer")
    asked = Notice.objects.filter(request=request, kind=notices.TO_DECIDE)
    assert list(asked.values_list("recipient__username", flat=True)) == ["mona"]


def test_what_people_typed_makes_no_header_of_its_own(mailoutbox: list[EmailMessage]) -> None:
    world.ask(
        "rita", "auditor", justification="Because.\nBcc: everybody@example.test\n\nAnd so on, at length."
    )
    send()
    assert recipients(mailoutbox) == ["mona"]
    assert mailoutbox[0].bcc == []
    assert "\n" not in mailoutbox[0].subject


def test_a_worker_that_dies_after_the_claim_loses_a_minute(mailoutbox: list[EmailMessage]) -> None:
    world.ask("rita", "auditor")
    assert len(sending._claimed("mail")) == 1
    assert sending.send_due() == 0
    with world.later(seconds=61):
        assert sending.send_due() == 1
    assert recipients(mailoutbox) == ["mona"]
