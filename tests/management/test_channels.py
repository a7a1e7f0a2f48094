"""``manage.py channels``: what is set up, without addresses, and a trial through each way."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command

from jitportal.audit.system import system
from jitportal.environment import Channel
from jitportal.models import Notice
from jitportal.operations import people
from tests.operations.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat(settings: Any) -> Any:
    people.create_person(actor=system(), username="ada", name="Ada", email="ada@example.test")
    with receiving() as receiver:
        settings.OUTGOING_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
        settings.CHANNELS = {
            "room": Channel("room", f"json://{receiver.host}/tok-room"),
            "direct": Channel("direct", f"json://{receiver.host}/tok/{{username}}", for_people=True),
        }
        yield receiver


def test_it_lists_them_without_their_addresses(chat: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("channels")
    said = capsys.readouterr().out
    assert "room: a room that a policy may name\n" in said
    assert "direct: reaches people one by one; people may choose it\n" in said
    assert "tok" not in said


def test_a_trial_goes_through_each_and_is_stored_nowhere(
    chat: Receiver, mailoutbox: list[EmailMessage]
) -> None:
    call_command("channels", "--try", "room")
    call_command("channels", "--try", "direct", "--to", "ada")
    call_command("channels", "--try", "mail", "--to", "ada")
    assert chat.paths == ["/tok-room", "/tok/ada"]
    assert [mail.to for mail in mailoutbox] == [["ada@example.test"]]
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--try", "nowhere"], "There is no channel nowhere."),
        (["--try", "direct"], "direct reaches people one by one: say whom"),
        (["--try", "mail"], "mail reaches people one by one: say whom"),
        (["--try", "mail", "--to", "eve"], "There is nobody here with the username eve."),
        (["--try", "room"], "It didn't get through: The channel answered 500."),
    ],
)
def test_what_doesnt_work_is_said(chat: Receiver, arguments: list[str], says: str) -> None:
    chat.manner = 500
    with pytest.raises(CommandError, match=says):
        call_command("channels", *arguments)
