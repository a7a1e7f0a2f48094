"""What a team's channel is told by policy: requests, access that begins, its end; and never why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from jitportal.environment import Channel
from jitportal.models import Notice, PolicyVersion
from jitportal.operations import grants, policies, requests, sending
from jitportal.rules.policy_document import PolicyDocumentError
from tests.operations import world
from tests.operations.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db

JIT = "    requires: [manager_or_system_approval, max_duration_60_minutes, full_audit_log]\n"
NOTIFY = "    notify: {requests: [room], grants: [room], ends: [room, watch]}\n"
QUICK = "      system_approval: [{name: incident"
POLICY = world.changed((JIT, JIT + NOTIFY), (QUICK, "      notify: {ends: []}\n" + QUICK))


@pytest.fixture
def chat(settings: Any) -> Iterator[Receiver]:
    with receiving() as receiver:
        settings.OUTGOING_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
        settings.CHANNELS = {
            "room": Channel("room", f"json://{receiver.host}/room"),
            "watch": Channel("watch", f"json://{receiver.host}/watch"),
            "direct": Channel("direct", f"json://{receiver.host}/{{username}}", for_people=True),
        }
        world.settle(POLICY)
        yield receiver


def rooms(kind: str) -> list[str]:
    rows = Notice.objects.filter(kind=kind, recipient__isnull=True)
    return list(rows.order_by("pk").values_list("channel", flat=True))


def test_a_room_hears_who_what_and_until_when_and_never_why(chat: Receiver) -> None:
    request = world.ask("rita", "auditor", ticket="INC-77")
    Notice.objects.filter(channel="mail").update(given_up_at=request.created_at)
    assert sending.send_due() == 1
    (message,) = chat.taken
    assert chat.paths == ["/room"]
    assert message["title"] == "Rita asks for auditor"
    for said in ("Rita (rita)", "30 minutes", "To be decided by", f"/requests/{request.pk}/"):
        assert said in message["message"]
    assert world.WHY not in json.dumps(message)
    assert "INC-77" not in json.dumps(message)
    assert "/notices/" not in message["message"], "a room chooses nothing"


def test_an_edit_is_told_once_more(chat: Receiver) -> None:
    request = world.ask("rita", "auditor")
    wish = world.asking("auditor", minutes=9)
    requests.edit(actor=world.person("rita"), request=request, ask=wish, revision=1)
    subjects = list(
        Notice.objects.filter(kind="room.request").order_by("pk").values_list("subject", flat=True)
    )
    assert subjects == ["Rita asks for auditor", "Rita asks for auditor, changed"]


def test_access_that_begins_and_ends_is_told_once_each(chat: Receiver) -> None:
    grant = world.granted("rita", "auditor")
    requests_told = rooms("room.request")
    assert requests_told == ["room"]
    assert rooms("room.grant") == ["room"]
    grants.revoke(actor=world.person("mona"), grant=grant, reason="Not today.")
    assert rooms("room.end") == ["room", "watch"]
    end = Notice.objects.filter(kind="room.end").first()
    assert end is not None
    assert end.body == "auditor (All of This portal) of Rita has ended: revoked by Mona."
    assert "Not today." not in json.dumps(end.details) + end.body


def test_what_expires_is_told_and_a_role_says_otherwise_than_its_pathway(chat: Receiver) -> None:
    world.granted("rita", "auditor")
    world.ask("remy", "quick", ticket="INC-1", minutes=15)
    with world.later(minutes=31):
        assert grants.expire_due() == 2
        grants.expire_due()
    ends = Notice.objects.filter(kind="room.end")
    assert {notice.body for notice in ends} == {"auditor (All of This portal) of Rita has ended: expired."}, (
        "quick tells nobody of its ends"
    )
    assert rooms("room.grant") == ["room", "room"]


def test_what_never_began_ends_without_a_word(chat: Receiver) -> None:
    request = world.ask("rita", "auditor")
    requests.withdraw(actor=world.person("rita"), request=request)
    assert rooms("room.end") == []


@pytest.mark.parametrize("name", ["rooom", "direct"])
def test_a_policy_names_only_channels_for_teams(chat: Receiver, name: str) -> None:
    text = POLICY.replace("requests: [room]", f"requests: [{name}]")
    with pytest.raises(PolicyDocumentError) as refusal:
        policies.check(text)
    assert f"no channel `{name}` for teams" in str(refusal.value)
    assert PolicyVersion.objects.count() == 1
