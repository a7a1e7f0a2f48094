"""Alerts of emergencies that nobody acknowledges, and emergencies with nobody named to hear of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from jitportal.audit.system import system
from jitportal.models import Activation, ActivationAlert, Event, Notice, WebhookDelivery
from jitportal.operations import clock, due, emergencies, emergency_alerts, people, post_incident_steps
from jitportal.operations.notice_routes import by_mail_instead
from jitportal.operations.post_incident_closing import confirm_rotation
from jitportal.operations.transaction import operation
from jitportal.rules.emergencies import ALERT_AGAIN_FOR, alert_again_at
from jitportal.worker import tasks
from tests.models.rows import NOW
from tests.operations import emergency_world as house
from tests.operations import world
from tests.operations.incidents import DONE, SAID, determine, sign

MINUTE = timedelta(minutes=1)
#: Who would have decided is alerted anyway; he isn't.
KEPT_BY_CARL = (("[dora, dina]", "[carl]"), ("custodians: [dora]}", "custodians: [carl]}"))


@pytest.fixture(scope="module")
def break_glass_policy() -> str:
    return world.changed(*KEPT_BY_CARL, text=house.POLICY)


@pytest.fixture
def opened(settled_with_break_glass: None, db: None, monkeypatch: pytest.MonkeyPatch) -> Activation:
    monkeypatch.setattr(settings, "WEBHOOKS", house.SIEM)
    return house.activate("rita")


def again() -> list[str]:
    rows = Notice.objects.filter(kind="emergency.unacknowledged").order_by("recipient__username", "pk")
    return list(rows.values_list("recipient__username", flat=True))


def test_what_nobody_acknowledges_goes_out_again_and_to_more_people(opened: Activation) -> None:
    before = set(ActivationAlert.objects.values_list("person__username", flat=True))
    assert "carl" not in before
    tasks.keep_time()
    assert again() == []
    with world.later(minutes=6):
        assert due.work_due(clock.now()).timely
        tasks.keep_time()
        assert set(again()) == before | {"carl"}  # its custodian
        tasks.keep_time()
        assert len(again()) == len(before) + 1
    (event,) = Event.objects.filter(verb="emergency.unacknowledged")
    assert "Nobody acknowledged the alert in 6 minutes" in event.sentence
    (call,) = WebhookDelivery.objects.filter(kind="emergency.unacknowledged")
    assert call.event == event
    with world.later(minutes=16):
        tasks.keep_time()
    assert again().count("sven") == 2
    emergency_alerts.acknowledge(actor=world.person("carl"), activation=opened)
    with world.later(hours=3):
        tasks.keep_time()
        assert not Activation.objects.filter(alert_again_at__isnull=False).exists()
    assert again().count("sven") == 2


def test_what_takes_its_place_is_alerted_of_instead(opened: Activation) -> None:
    second = emergencies.extend(
        actor=world.person("rita"), activation=opened, minutes=30, why="Going on: it still burns."
    )
    with world.later(minutes=6):
        tasks.keep_time()
    about = Notice.objects.filter(kind="emergency.unacknowledged").values_list("activation", flat=True)
    assert set(about) == {second.pk}
    body = Notice.objects.filter(kind="emergency.unacknowledged")[0].body
    assert body.endswith("acknowledge this alert, and to end the access if it should not be.")


def test_a_closed_review_was_read_by_somebody(opened: Activation) -> None:
    emergencies.hand_back(actor=world.person("rita"), activation=opened)
    with world.later(minutes=6):
        tasks.keep_time()
    before = again()
    assert Notice.objects.filter(kind="emergency.unacknowledged")[0].body.endswith(
        "Open the page to acknowledge this alert."
    )
    review = post_incident_steps.state(actor=world.person("rita"), review=opened.review, said=SAID)
    review = determine("otto", review)
    review = confirm_rotation(actor=world.person("carl"), review=review, evidence="Vault version 12.")
    review = post_incident_steps.remediate(actor=world.person("otto"), review=review, done=DONE)
    assert sign("otto", review).closed_at is not None
    with world.later(hours=1):
        tasks.keep_time()
        assert not Activation.objects.filter(alert_again_at__isnull=False).exists()
    assert again() == before


@given(seconds=st.integers(0, 3 * 86_400))
def test_the_next_is_later_and_some_day_it_is_enough(seconds: int) -> None:
    now: datetime = NOW + timedelta(seconds=seconds)
    following = alert_again_at(NOW, now)
    if following is None:
        assert now > NOW + ALERT_AGAIN_FOR - 60 * MINUTE
    else:
        assert now < following <= min(now + 60 * MINUTE, NOW + ALERT_AGAIN_FOR)


def test_what_chat_lost_stands_with_its_activation_by_mail(opened: Activation) -> None:
    lost = Notice.objects.filter(kind="emergency.opened", activation=opened)[0]
    lost.pk, lost.channel, lost.key = None, "gone", "emergency.opened:another:gone"
    with operation(system()):
        by_mail_instead([lost], clock.now(), system())
    assert Notice.objects.get(key="emergency.opened:another").activation == opened


def test_with_no_security_contact_there_the_custodians_hear_of_it(opened: Activation) -> None:
    for username in ("sven", "sara"):
        people.deactivate(actor=system(), person=world.person(username), reason="Left.")
    other = house.activate("remy", account="rescue-2")
    told = ActivationAlert.objects.filter(activation=other).values_list("person__username", "cause")
    assert ("carl", "custodian") in told
