"""Mail through a real server on loopback that answers well, hangs, drips, refuses and breaks off."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from jitportal.models import ChannelState, Notice
from jitportal.operations import clock, couriers, due, sending
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

#: How long a letter may take in these tests.
PATIENCE = 0.4


class Inbox:
    """Takes mail; ``moods`` says per recipient what it answers instead, or that it breaks off."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.moods: dict[str, str] = {}
        self.connections = 0

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[Any]
    ) -> str:
        mood = self.moods.get(address.partition("@")[0], "")
        if mood == "break off":
            assert server.transport is not None
            server.transport.close()
        if mood[:1].isdigit():
            return mood
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        (to,) = envelope.rcpt_tos
        mood = self.moods.get(to.partition("@")[0], "")
        if mood.startswith("data "):
            return mood.removeprefix("data ")
        self.taken.append(to.partition("@")[0])
        return "250 OK"


@pytest.fixture(autouse=True)
def smtp(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_TIMEOUT = 5


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    inbox = Inbox()
    settings.EMAIL_PORT = _closed_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=settings.EMAIL_PORT)
    controller.start()
    yield inbox
    controller.stop()


def test_one_connection_carries_many_letters(inbox: Inbox) -> None:
    world.ask("rita", "writer")
    assert sending.send_due() == 2
    assert sorted(inbox.taken) == ["mona", "otto"]
    assert inbox.connections == 1
    assert not Notice.objects.unsent().exists()
    assert ChannelState.objects.get().last_sent_at is not None


@pytest.mark.parametrize("answer", ["550 No such person", "450 Mailbox busy", "data 554 No", "data 452 Full"])
def test_one_bad_recipient_stops_no_other(inbox: Inbox, answer: str) -> None:
    inbox.moods["mona"] = answer
    world.ask("rita", "writer")
    assert sending.send_due() == 1
    assert inbox.taken == ["otto"]
    late = Notice.objects.get(sent_at__isnull=True)
    assert (late.recipient, late.attempts) == (world.person("mona"), 1)
    assert late.last_error == answer.removeprefix("data ")
    assert late.due_at > clock.now()
    assert not ChannelState.objects.filter(failing_since__isnull=False).exists()
    inbox.moods.clear()
    with world.later(seconds=sending.BACKOFF[0] + 1):
        assert sending.send_due() == 1
    assert inbox.taken == ["otto", "mona"]


def test_a_recipient_who_is_never_taken_is_given_up_in_the_end(inbox: Inbox) -> None:
    inbox.moods["mona"] = "550 No such person"
    world.ask("rita", "auditor")
    notice = Notice.objects.get()
    for _ in range(len(sending.BACKOFF) + 1):
        with world.at(notice.due_at + timedelta(seconds=1)):
            assert sending.send_due() == 0
        notice.refresh_from_db()
    assert notice.given_up_at is not None
    assert notice.attempts == len(sending.BACKOFF) + 1
    with world.later(days=30):
        assert sending.send_due() == 0


@pytest.mark.parametrize("mood", ["break off", "421 Closing"])
def test_a_server_that_breaks_off_rests_and_the_letter_in_hand_goes_last(inbox: Inbox, mood: str) -> None:
    inbox.moods["mona"] = mood
    world.ask("rita", "writer")
    first = Notice.objects.order_by("pk").first()
    assert first is not None
    assert first.recipient == world.person("mona")
    assert sending.send_due() == 0
    assert sending.send_due() == 0, "the server rests"
    assert not due.work_due(clock.now()).notices, "and so does the pulse"
    with world.later(seconds=sending.CHANNEL_BACKOFF[0] + 0.1):
        assert sending.send_due() == 1
    assert inbox.taken == ["otto"]


def test_a_server_that_isnt_there_is_asked_again_soon_and_nothing_is_lost(
    settings: Any, inbox: Inbox
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, _closed_port()
    world.ask("rita", "writer")
    at = clock.now()
    for wait in (*sending.CHANNEL_BACKOFF, *sending.CHANNEL_BACKOFF[-1:] * 20):
        with world.at(at):
            assert sending.send_due() == 0
        at += timedelta(seconds=wait + 1)
    state = ChannelState.objects.get()
    assert state.failures > len(sending.CHANNEL_BACKOFF)
    assert "refused" in state.last_error.lower()
    assert Notice.objects.unsent().count() == 2, "an outage of hours loses nothing"
    settings.EMAIL_PORT = port
    with world.at(at + timedelta(hours=5)):
        assert sending.send_due() == 2
    state.refresh_from_db()
    assert (state.failing_since, state.failures, state.backoff_until) == (None, 0, None)


def test_after_a_day_without_the_server_a_letter_is_given_up(settings: Any) -> None:
    settings.EMAIL_PORT = _closed_port()
    world.ask("rita", "auditor")
    with world.later(hours=25):
        assert sending.send_due() == 0
    assert Notice.objects.get().given_up_at is not None


def _accept_and_say(what: Callable[[socket.socket], None]) -> tuple[int, Callable[[], None]]:
    """A server of sockets alone: gives its port, and how to close it."""
    server = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            clients.append(client)
            threading.Thread(target=what, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()

    def close() -> None:
        server.close()
        for client in clients:
            client.close()

    return server.getsockname()[1], close


def _silent(_client: socket.socket) -> None:
    """Accepts, and never says a word."""


def _dripping(client: socket.socket) -> None:
    """Says a sign now and then, so that no time-out of a socket ever passes."""
    try:
        while True:
            client.sendall(b"2")
            time.sleep(0.02)
    except OSError:
        return


@pytest.mark.parametrize("manner", [_silent, _dripping])
def test_a_server_that_hangs_holds_nobody_up(
    manner: Callable[[socket.socket], None], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(couriers, "LETTER_SECONDS", PATIENCE)
    monkeypatch.setattr(couriers, "CLOSING_SECONDS", PATIENCE)
    settings.EMAIL_PORT, close = _accept_and_say(manner)
    world.ask("rita", "writer")
    began = time.monotonic()
    assert sending.send_due() == 0
    assert time.monotonic() - began < 3 * PATIENCE, "one letter is tried, and no other"
    state = ChannelState.objects.get()
    assert state.last_error == "No answer within 0.4 seconds."
    assert state.backoff_until is not None
    assert Notice.objects.filter(attempts__gt=0).count() == 1
    assert Notice.objects.filter(claimed_until__isnull=False).count() == 0, "what waits is free to go"
    close()


def test_the_longest_that_mail_can_hold_a_worker_is_well_under_its_time_out(settings: Any) -> None:
    longest = sending.ROUND_SECONDS + couriers.LETTER_SECONDS + couriers.CLOSING_SECONDS
    assert longest < settings.TASK_SECONDS / 2


def test_a_server_that_is_slow_with_each_letter_leaves_the_rest_for_the_next_round(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ROUND_SECONDS", 0.0)
    world.ask("rita", "writer")
    assert sending.send_due() == 0, "the round was over before it began"
    monkeypatch.undo()
    assert Notice.objects.filter(claimed_until__isnull=False).count() == 0


def test_what_is_decided_between_the_claim_and_the_letter_is_not_sent(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = world.ask("rita", "writer")
    claimed = sending._claimed

    def then_mona_denies(channel: str) -> list[Any]:
        letters = claimed(channel)
        world.deny("mona", request)
        return letters

    monkeypatch.setattr(sending, "_claimed", then_mona_denies)
    assert sending.send_due() == 0
    assert inbox.taken == []


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
