"""Many notices become one message, loops of clicks no flood, and digests come when they were chosen."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import EmailMessage

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Notice
from jitportal.operations import clock, folding, grants, notice_choices, notices, requests, sending
from jitportal.operations.notice_routes import next_digest
from jitportal.operations.transaction import operation
from jitportal.rules.notices import Pace, Topic
from tests.operations import world
from tests.operations.world import recipients

pytestmark = pytest.mark.usefixtures("small_portal")


def send_at(moment: datetime) -> None:
    """What a worker does at that moment."""
    with world.at(moment):
        while sending.send_due():
            pass


def chooses(who: str, topic: Topic, pace: Pace, *, mail: bool = True) -> None:
    choice = notice_choices.Choice(topic=topic, mail=mail, pace=pace)
    notice_choices.choose(actor=world.person(who), choices=[choice])


def test_what_comes_together_is_one_mail(mailoutbox: list[EmailMessage]) -> None:
    for role in ("auditor", "operator", "migration"):
        world.ask("rita", role)
    send_at(clock.now())
    (mail,) = mailoutbox
    assert mail.subject == "Rita asks for auditor, and 2 more"
    for request in AccessRequest.objects.all():
        assert f"/requests/{request.pk}/" in str(mail.body)
    assert Notice.objects.values("sent_at").distinct().count() == 1


def test_what_somebody_is_woken_for_leads_whatever_it_is_sent_with(mailoutbox: list[EmailMessage]) -> None:
    world.ask("rita", "auditor")
    asked = Notice.objects.get()
    assert asked.recipient is not None
    with operation(system()):
        notices.notify(
            recipients=[asked.recipient],
            kind="emergency.opened",
            key="1",
            subject="Emergency access: Rosa uses the lever",
            body="Open the page.",
            path="/emergency/",
            now=clock.now(),
            actor=system(),
        )
    send_at(clock.now())
    (mail,) = mailoutbox
    assert mail.subject == "Emergency access: Rosa uses the lever, and 1 more"
    assert str(mail.body).index("Rosa uses") < str(mail.body).index("asks for auditor")


def test_what_comes_soon_after_waits_a_little_and_comes_as_one(mailoutbox: list[EmailMessage]) -> None:
    world.ask("rita", "auditor")
    began = clock.now()
    send_at(began)
    for who in ("remy", "rosa"):
        world.ask(who, "auditor")
    send_at(clock.now())
    assert len(mailoutbox) == 1, "not yet"
    send_at(began + folding.APART + timedelta(seconds=5))
    assert [mail.subject for mail in mailoutbox[1:]] == ["Remy asks for auditor, and 1 more"]


def test_one_recipients_wait_is_not_anothers(mailoutbox: list[EmailMessage]) -> None:
    world.ask("rita", "auditor")
    send_at(clock.now())
    world.ask("rita", "writer")
    send_at(clock.now())
    assert recipients(mailoutbox) == ["mona", "otto"]


def test_a_loop_of_asking_and_withdrawing_floods_nobody_and_loses_nothing(
    mailoutbox: list[EmailMessage],
) -> None:
    """Half an hour of it, with a worker that looks each time."""
    began = clock.now()
    for turn in range(45):
        with world.at(began + timedelta(seconds=40 * turn)):
            last = world.ask("rita", "auditor")
            while sending.send_due():
                pass
            requests.withdraw(actor=world.person("rita"), request=last)
    with world.at(began + timedelta(seconds=40 * 45)):
        last = world.ask("rita", "auditor")
    send_at(began + timedelta(hours=1, minutes=30))
    mails = Counter(mail.to[0] for mail in mailoutbox)
    assert 2 <= mails["mona@example.test"] <= folding.MOST_AN_HOUR + 4, mails
    mine = Notice.objects.filter(recipient=world.person("mona"))
    assert not mine.filter(sent_at__isnull=True, given_up_at__isnull=True).exists(), "none is left behind"
    assert mine.filter(request=last, sent_at__isnull=False).exists(), "what is open is told"


def test_a_noisy_requester_delays_nobody_elses_request(mailoutbox: list[EmailMessage]) -> None:
    began = clock.now()
    apart = folding.APART + timedelta(seconds=10)
    for turn in range(folding.MOST_AN_HOUR + 2):
        moment = began + turn * apart
        with world.at(moment):
            request = world.ask("rita", "auditor")
            send_at(moment + timedelta(seconds=5))
            requests.withdraw(actor=world.person("rita"), request=request)
    later = began + (folding.MOST_AN_HOUR + 2) * apart
    mailoutbox.clear()
    with world.at(later):
        world.ask("rita", "operator")
        world.ask("remy", "operator")
    send_at(later + timedelta(seconds=5))
    (mail,) = mailoutbox
    assert "Remy asks for operator" in mail.subject
    assert "Rita" not in str(mail.body)
    send_at(later + folding.FAR_APART)
    assert any("Rita asks for operator" in str(mail.body) for mail in mailoutbox)


def test_a_late_removal_waits_for_nothing(mailoutbox: list[EmailMessage]) -> None:
    world.ask("rita", "writer")  # Otto is asked
    now = clock.now()
    send_at(now)
    mailoutbox.clear()
    for kind in ("removal.late", "request.handled"):
        notices.notify(
            recipients=[world.person("otto")],
            kind=kind,
            key="1",
            subject=kind,
            body="B",
            path="/problems/",
            now=now,
            actor=world.person("otto"),
        )
    send_at(clock.now())
    assert [mail.subject for mail in mailoutbox] == ["removal.late"]


def test_a_digest_comes_once_at_its_time_and_holds_all(mailoutbox: list[EmailMessage]) -> None:
    chooses("rita", Topic.OWN, Pace.HOURLY)
    now = clock.now()
    for role in ("auditor", "operator"):
        grant = world.granted("rita", role)
        grants.revoke(actor=world.person("mona"), grant=grant, reason="Not today.")
    mine = Notice.objects.filter(recipient=world.person("rita"))
    (hour,) = set(mine.values_list("due_at", flat=True))
    assert (hour.minute, hour.second) == (0, 0)
    assert now < hour <= now + timedelta(hours=1)
    send_at(now)
    assert "rita" not in recipients(mailoutbox)
    send_at(hour)
    (mail,) = [mail for mail in mailoutbox if mail.to == ["rita@example.test"]]
    assert mail.subject.endswith(", and 3 more")


def test_a_digest_of_questions_doesnt_wait_until_they_lapse() -> None:
    chooses("mona", Topic.ASKS, Pace.DAILY)
    request = world.ask("rita", "auditor")
    notice = Notice.objects.get(request=request)
    assert notice.due_at <= request.created_at + (request.lapses_at - request.created_at) / 2


@pytest.mark.parametrize(
    ("zone", "now", "digest"),
    [
        ("UTC", "2030-01-10T07:59:00", "2030-01-10T08:00:00"),
        ("UTC", "2030-01-10T08:00:00", "2030-01-11T08:00:00"),
        ("Asia/Kolkata", "2030-01-10T01:00:00", "2030-01-10T02:30:00"),
        ("America/New_York", "2030-03-09T14:00:00", "2030-03-10T12:00:00"),  # the clocks change that night
    ],
)
def test_a_daily_digest_comes_at_eight_where_its_reader_is(zone: str, now: str, digest: str) -> None:
    mona = world.person("mona")
    mona.time_zone = zone
    moment = next_digest(Pace.DAILY, mona, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert moment == datetime.fromisoformat(digest).replace(tzinfo=UTC)


def test_a_question_that_is_answered_is_left_out_of_the_digest(mailoutbox: list[EmailMessage]) -> None:
    chooses("mona", Topic.ASKS, Pace.HOURLY)
    gone, open_ = world.ask("rita", "auditor"), world.ask("remy", "auditor")
    requests.withdraw(actor=world.person("rita"), request=gone)
    send_at(Notice.objects.get(request=open_).due_at)
    (mail,) = mailoutbox
    assert mail.subject == "Remy asks for auditor"
    assert f"/requests/{gone.pk}/" not in str(mail.body)
