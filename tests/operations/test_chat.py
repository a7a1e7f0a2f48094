"""Chat through apprise and a real HTTP receiver that fails, hangs, redirects, and is gone."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.mail import EmailMessage

from jitportal.environment import Channel
from jitportal.models import ChannelState, Entry, Event, Notice, NoticeChoice
from jitportal.operations import clock, couriers, notice_choices, sending
from jitportal.rules.notices import Pace, Topic
from tests.operations import world
from tests.operations.receiver import Receiver, receiving

pytestmark = pytest.mark.usefixtures("small_portal")

SECRET = "tok-8d2f0c"


@pytest.fixture
def chat(settings: Any) -> Iterator[Receiver]:
    """A receiver behind channel ``direct``, which reaches each person by themselves."""
    with receiving() as receiver:
        address = f"json://{receiver.host}/{SECRET}/{{username}}"
        settings.CHANNELS = {"direct": Channel("direct", address, for_people=True)}
        settings.OUTGOING_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
        yield receiver


def chooses(
    who: str, topic: Topic, *, mail: bool, channel: str = "direct", pace: Pace = Pace.AT_ONCE
) -> None:
    choice = notice_choices.Choice(topic=topic, mail=mail, channel=channel, pace=pace)
    notice_choices.choose(actor=world.person(who), choices=[choice])


def ask_mona_in_chat() -> Notice:
    chooses("mona", Topic.ASKS, mail=False)
    request = world.ask("rita", "auditor")
    return Notice.objects.get(request=request)


def test_a_person_is_told_where_they_chose_to_be(chat: Receiver, mailoutbox: list[EmailMessage]) -> None:
    notice = ask_mona_in_chat()
    assert sending.send_due() == 1
    assert mailoutbox == []
    assert chat.paths == [f"/{SECRET}/mona"]
    (message,) = chat.taken
    assert message["title"] == "Rita asks for auditor"
    assert f"http://127.0.0.1:8000/requests/{notice.request_id}/" in message["message"]
    assert "To be decided by: " in message["message"]
    assert world.WHY not in message["message"], "who reads along in a chat isn't known"
    assert "http://127.0.0.1:8000/notices/" in message["message"]


def test_both_ways_are_two_notices_of_one_occasion(chat: Receiver, mailoutbox: list[EmailMessage]) -> None:
    chooses("mona", Topic.ASKS, mail=True)
    request = world.ask("rita", "auditor")
    assert sending.send_due() == 2
    assert (len(mailoutbox), len(chat.taken)) == (1, 1)
    assert set(Notice.objects.filter(request=request).values_list("channel", flat=True)) == {"mail", "direct"}


@pytest.mark.parametrize(
    ("manner", "said"), [(500, "The channel answered 500."), (403, "The channel answered 403.")]
)
def test_a_channel_that_fails_rests_and_is_tried_again(chat: Receiver, manner: int, said: str) -> None:
    chat.manner = manner
    notice = ask_mona_in_chat()
    assert sending.send_due() == 0
    notice.refresh_from_db()
    assert (notice.attempts, notice.last_error) == (1, said)
    assert sending.send_due() == 0, "it rests"
    assert len(chat.paths) == 1
    chat.manner = 200
    with world.later(seconds=sending.CHANNEL_BACKOFF[0] + 1):
        assert sending.send_due() == 1


def test_a_channel_that_hangs_holds_mail_up_for_no_longer_than_its_patience(
    chat: Receiver, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage]
) -> None:
    monkeypatch.setattr(couriers, "LETTER_SECONDS", 0.5)
    chat.manner = "hang"
    ask_mona_in_chat()
    world.ask("rita", "writer")  # Otto is asked by mail
    began = time.monotonic()
    assert sending.send_due() == 1
    assert time.monotonic() - began < 4
    assert [mail.to for mail in mailoutbox] == [["otto@example.test"]]
    assert ChannelState.objects.get(name="direct").last_error == "No answer within 0.5 seconds."


def test_an_answer_leads_nowhere_else(chat: Receiver) -> None:
    """A redirect could reach what only this machine reaches."""
    with receiving() as inner:
        chat.manner = f"http://{inner.host}/latest/meta-data/"
        notice = ask_mona_in_chat()
        assert sending.send_due() == 0
        assert inner.paths == []
    notice.refresh_from_db()
    assert notice.last_error == "The channel answered 307."


def test_not_even_where_the_address_asks_for_it(chat: Receiver, settings: Any) -> None:
    settings.CHANNELS = {"direct": Channel("direct", f"json://{chat.host}/x?redirect=yes", for_people=True)}
    with receiving() as inner:
        chat.manner = f"http://{inner.host}/"
        ask_mona_in_chat()
        assert sending.send_due() == 0
        assert inner.paths == []


@pytest.mark.parametrize("status", [410, 404])
def test_what_a_channel_that_is_gone_should_have_carried_comes_by_mail(
    chat: Receiver, status: int, mailoutbox: list[EmailMessage]
) -> None:
    chat.manner = status
    notice = ask_mona_in_chat()
    sending.send_due()
    notice.refresh_from_db()
    assert notice.given_up_at is not None
    assert notice.last_error == f"The channel answered {status}."
    assert sending.send_due() == 1
    (mail,) = mailoutbox
    assert mail.to == ["mona@example.test"]
    assert mail.subject == "Rita asks for auditor"


def test_a_channel_that_the_operator_took_away_gives_way_to_mail(
    chat: Receiver, settings: Any, mailoutbox: list[EmailMessage]
) -> None:
    ask_mona_in_chat()
    settings.CHANNELS = {}
    sending.send_due()
    assert sending.send_due() == 1, "what was written before"
    world.ask("remy", "auditor")
    with world.later(minutes=1):
        assert sending.send_due() == 1, "and what is written after"
    assert [mail.to for mail in mailoutbox] == [["mona@example.test"]] * 2


@pytest.mark.parametrize("address", ["json://", "gopher://x/y", "slack://not-a-token"])
def test_an_address_that_cant_be_one_gives_way_to_mail(
    chat: Receiver, settings: Any, address: str, mailoutbox: list[EmailMessage]
) -> None:
    ask_mona_in_chat()
    settings.CHANNELS = {"direct": Channel("direct", address, for_people=True)}
    sending.send_due()
    assert sending.send_due() == 1
    assert "can't be read" in ChannelState.objects.get(name="direct").last_error


def test_a_channel_on_a_private_address_is_called_where_the_operator_allows_it_alone(
    chat: Receiver, settings: Any, mailoutbox: list[EmailMessage]
) -> None:
    settings.OUTGOING_ALLOWED_NETWORKS = ()
    ask_mona_in_chat()
    sending.send_due()
    assert chat.paths == []
    said = ChannelState.objects.get(name="direct").last_error
    assert "JITPORTAL_OUTGOING_ALLOWED_NETWORKS" in said
    assert SECRET not in said
    assert sending.send_due() == 1, "by mail"


def test_a_person_without_an_address_is_reached_in_chat_alone(chat: Receiver) -> None:
    mona = world.person("mona")
    mona.email = ""
    mona.save()
    notice = ask_mona_in_chat()
    chat.manner = 410
    sending.send_due()
    notice.refresh_from_db()
    assert notice.given_up_at is not None
    assert Notice.objects.count() == 1


@pytest.mark.parametrize("manner", [200, 500, 410, "hang"])
def test_the_address_stands_in_no_row_and_no_log(
    chat: Receiver,
    manner: int | str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(couriers, "LETTER_SECONDS", 0.5)
    caplog.set_level(logging.DEBUG)
    chat.manner = manner
    ask_mona_in_chat()
    sending.send_due()
    assert chat.paths
    written = [
        *Event.objects.values(),
        *Entry.objects.values(),
        *Notice.objects.values(),
        *ChannelState.objects.values(),
        *NoticeChoice.objects.values(),
    ]
    assert SECRET not in json.dumps(written, default=str)
    logged = capfd.readouterr().err  # what the portal's handlers wrote: pytest's own one hears everything
    assert "urllib3" not in logged
    assert SECRET not in logged
    assert SECRET not in repr(Channel("direct", f"json://x/{SECRET}"))


def test_what_people_typed_calls_nobody_and_hides_no_link(chat: Receiver) -> None:
    rita = world.person("rita")
    rita.name = "@everyone <!channel> [Approve](https://evil.test) `x`\u202e"
    rita.save()
    ask_mona_in_chat()
    sending.send_due()
    (message,) = chat.taken
    said = message["title"] + message["message"]
    assert "@e" not in said
    assert "<!" not in said
    assert "](" not in said
    assert "\u202e" not in said


def test_a_username_cant_lead_to_another_place(settings: Any, chat: Receiver) -> None:
    mona = world.person("mona")
    mona.email = "x/../y?z=1&a@example.test"
    mona.save()
    settings.CHANNELS = {"direct": Channel("direct", f"json://{chat.host}/dm/{{email}}/end", for_people=True)}
    ask_mona_in_chat()
    sending.send_due()
    (path,) = chat.paths
    assert path.startswith("/dm/")
    assert path.endswith("/end")
    assert path.count("/") == 3


def test_a_team_is_told_through_no_channel_for_one_by_one(chat: Receiver) -> None:
    now = clock.now()
    Notice.objects.create(
        key="room",
        channel="direct",
        kind="room.request",
        subject="S",
        body="B",
        path="/",
        created_at=now,
        due_at=now,
    )
    sending.send_due()
    assert chat.paths == []
    notice = Notice.objects.get()
    assert notice.last_error == "Channel direct reaches people one by one, and no team."
    assert notice.given_up_at is not None
    with world.at(now + timedelta(days=1)):
        assert sending.send_due() == 0
