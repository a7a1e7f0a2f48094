"""Reminders and escalations: each once, to those whom the policy names, and never after a decision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from jitportal.models import AccessRequest, Event, Notice
from jitportal.operations import clock, due, facts, nudges, requests, sending
from jitportal.operations.decisions import why_not
from jitportal.rules.errors import JitportalError
from jitportal.rules.notices import ESCALATED, REMINDER
from jitportal.rules.permissions import Verb
from tests.operations import world
from tests.operations.racing import together
from tests.undone import undone

CRITERIA = "  criteria:\n    outage: {name: Outage}\n"
DEFAULTS = """\
  defaults:
    remind_after_minutes: 30
    escalate_after_hours: 2
    escalate_to: [role_owner_manager, team: security, person: eve]
"""
SECOND = "{name: second, decides: {team: dba}, people: 2}"
TOTAL = "      max_total_minutes: 100\n"  # of role auditor
POLICY = world.changed(
    (CRITERIA, DEFAULTS + CRITERIA),
    (SECOND, SECOND[:-1] + ", remind_after_minutes: 10}"),
    (TOTAL, TOTAL + "      escalate_after_minutes: 60\n      escalate_to: [manager, person: eve]\n"),
)


@pytest.fixture(scope="module")
def settled(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), undone():
        world.settle(POLICY)
        yield


@pytest.fixture
def reminding(settled: None, db: None) -> None:
    """The small portal, with reminders and escalations in its policy."""


def nudge(**later: float) -> int:
    with world.later(**later):
        return nudges.nudge_due()


def told(kind: str, request: AccessRequest) -> list[str]:
    rows = Notice.objects.filter(request=request, kind=kind)
    return sorted(rows.values_list("recipient__username", flat=True))


@pytest.mark.usefixtures("reminding")
def test_those_who_can_decide_are_reminded_once() -> None:
    request = world.ask("rita", "writer")
    assert nudge(minutes=29) == 0
    assert nudge(minutes=31) == 1
    assert nudge(minutes=31) == 0
    assert told(REMINDER, request) == ["mona", "otto"]
    event = Event.objects.get(request=request, verb="request.reminded")
    assert event.sentence == "Stage first has waited for 30 minutes: reminded Mona and Otto."
    assert event.data == {"stage": 0, "people": ["mona", "otto"]}
    notice = Notice.objects.filter(kind=REMINDER).first()
    assert notice is not None
    assert notice.subject == "Still waiting: Rita asks for writer"


@pytest.mark.usefixtures("reminding")
def test_others_are_told_once_and_can_read_but_not_decide() -> None:
    request = world.ask("rita", "writer")
    mark = world.person("mark")
    assert not facts.may(Verb.REQUEST_VIEW, mark, request)
    assert nudge(minutes=121) == 1
    assert nudge(minutes=121) == 0
    assert told(ESCALATED, request) == ["eve", "mark", "sara", "sven"]
    assert facts.may(Verb.REQUEST_VIEW, mark, request)
    assert request in facts.visible_requests(mark, clock.now())
    assert not why_not(mark, request)
    body = Notice.objects.get(kind=ESCALATED, recipient=mark).body
    assert body.endswith("It can be decided by Mona and Otto.")
    event = Event.objects.get(request=request, verb="request.escalated")
    assert event.sentence == "Stage first has waited for 2 hours: told Eve, Mark, Sara and Sven."
    assert not facts.may(Verb.GRANT_VIEW, mark, request), "what comes of it isn't theirs"


@pytest.mark.usefixtures("reminding")
def test_who_is_told_and_stands_in_the_stage_is_asked_to_decide() -> None:
    request = world.ask("rita", "auditor")
    assert nudge(minutes=61) == 1
    assert told(ESCALATED, request) == ["eve", "mona"]
    bodies = dict(Notice.objects.filter(kind=ESCALATED).values_list("recipient__username", "body"))
    assert bodies["mona"].endswith("You can decide it.")
    assert bodies["eve"].endswith("It can be decided by Mona.")


@pytest.mark.usefixtures("reminding")
def test_nobody_is_told_of_their_own_request_or_after_they_left() -> None:
    request = world.ask("eve", "writer")
    world.deactivate("sara")
    nudge(minutes=121)
    assert told(ESCALATED, request) == ["mark", "sven"]


@pytest.mark.usefixtures("reminding")
@pytest.mark.parametrize("how", ["deny", "send back", "withdraw", "lapse", "approve"])
def test_nothing_comes_once_it_is_decided(how: str) -> None:
    request = world.ask("rita", "auditor")
    if how == "lapse":
        with world.at(request.lapses_at):
            requests.lapse_due()
    elif how == "withdraw":
        requests.withdraw(actor=world.person("rita"), request=request)
    else:
        verdicts: dict[str, world.VerdictGiver] = {"deny": world.deny, "send back": world.send_back}
        verdicts.get(how, world.approve)("mona", request)
    request.refresh_from_db()
    assert (request.remind_at, request.escalate_at) == (None, None)
    for hours in (1, 3, 5):
        assert nudge(hours=hours) == 0


@pytest.mark.usefixtures("reminding")
def test_a_later_stage_waits_anew_and_an_approval_in_it_moves_nothing() -> None:
    request = world.ask("rita", "writer")
    nudge(minutes=31)
    world.approve("mona", request)
    request.refresh_from_db()
    first = request.remind_at
    assert first is not None
    assert abs(first - clock.now() - timedelta(minutes=10)) < timedelta(seconds=30)
    world.approve("dora", request)
    request.refresh_from_db()
    assert request.remind_at == first
    assert nudge(minutes=11) == 1
    assert told(REMINDER, request) == ["dean", "dina", "mona", "otto"], "Dora has decided"


@pytest.mark.usefixtures("reminding")
def test_an_edit_waits_anew() -> None:
    request = world.ask("rita", "auditor")
    nudge(minutes=31)
    with world.later(minutes=40):
        wish = world.asking("auditor", minutes=9)
        requests.edit(actor=world.person("rita"), request=request, ask=wish, revision=1)
    assert nudge(minutes=60) == 0
    assert nudge(minutes=71) == 1
    assert world.verbs(request=request).count("request.reminded") == 2


@pytest.mark.usefixtures("reminding")
def test_what_would_come_after_it_lapses_doesnt_come() -> None:
    wish = world.on_click("auditor", timedelta(), timedelta(minutes=45))
    request = world.submit("rita", wish)
    assert request.remind_at is not None
    assert request.escalate_at is None


@pytest.mark.usefixtures("reminding")
def test_after_a_long_outage_both_come_and_once_it_has_lapsed_neither() -> None:
    late, lapsed = world.ask("rita", "auditor"), world.ask("remy", "auditor")
    assert nudge(minutes=200) == 2
    assert world.verbs(request=late)[-2:] == ["request.reminded", "request.escalated"]
    other = world.ask("rosa", "auditor")
    with world.at(other.lapses_at + timedelta(seconds=1)):
        assert nudges.nudge_due() == 0
    assert lapsed.pk != other.pk


@pytest.mark.usefixtures("reminding")
def test_a_reminder_that_isnt_sent_yet_is_dropped_by_the_decision(mailoutbox: list[EmailMessage]) -> None:
    request = world.ask("rita", "auditor")
    while sending.send_due():
        pass
    mailoutbox.clear()
    nudge(minutes=61)
    world.deny("mona", request)
    with world.later(minutes=70):
        while sending.send_due():
            pass
    assert world.recipients(mailoutbox) == ["rita"], "Mona has decided, and Eve was never told"


@pytest.mark.usefixtures("reminding")
def test_whoever_was_told_hears_that_it_is_handled(mailoutbox: list[EmailMessage]) -> None:
    request = world.ask("rita", "auditor")
    with world.later(minutes=61):
        nudges.nudge_due()
        while sending.send_due():
            pass
    mailoutbox.clear()
    world.deny("mona", request)
    with world.later(minutes=70):
        while sending.send_due():
            pass
    assert world.recipients(mailoutbox) == ["eve", "rita"]


@pytest.mark.usefixtures("reminding")
def test_the_pulse_finds_what_is_due_by_an_index_and_only_then() -> None:
    request = world.ask("rita", "auditor")
    Notice.objects.update(given_up_at=request.created_at)
    assert not due.work_due(clock.now())
    with world.later(minutes=31) as now:
        assert due.work_due(now).timely
        nudges.nudge_due()
        Notice.objects.update(given_up_at=request.created_at)
        assert not due.work_due(now)
    plan = AccessRequest.objects.filter(remind_at__lte=clock.now()).explain()
    assert "request_remind" in plan or "Seq Scan" in plan, "a table of one row is read whole"


#: What can happen while a request waits, each by whoever can.
ACTS = st.lists(
    st.sampled_from(["pass 20 minutes", "nudge", "approve", "deny", "withdraw", "edit", "lapse"]),
    min_size=3,
    max_size=12,
)


@pytest.mark.usefixtures("reminding")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_never_twice_for_a_stage_and_never_after_the_decision(acts: list[str]) -> None:
    with undone():
        request = world.ask("rita", "writer")
        passed = timedelta()
        for act in acts:
            passed += timedelta(minutes=20) if act == "pass 20 minutes" else timedelta()
            with world.at(request.created_at + passed + timedelta(seconds=1)):
                _do(act, request)
                nudges.nudge_due()
        _check_story(request)


def _do(act: str, request: AccessRequest) -> None:
    request = AccessRequest.objects.get(pk=request.pk)
    rita = world.person("rita")
    try:
        if act in ("approve", "deny"):
            who = next(
                (name for name in ("mona", "dora", "dean") if why_not(world.person(name), request)), ""
            )
            if who:
                (world.approve if act == "approve" else world.deny)(who, request)
        elif act == "withdraw":
            requests.withdraw(actor=rita, request=request)
        elif act == "edit":
            wish = world.asking("writer", minutes=9, scope=request.scope.key)
            requests.edit(actor=rita, request=request, ask=wish, revision=request.asked.number)
        elif act == "lapse":
            requests.lapse_due()
    except JitportalError:
        pass  # it is decided already


def _check_story(request: AccessRequest) -> None:
    seen: set[tuple[str, int]] = set()
    closed = False
    for event in Event.objects.filter(request=request).order_by("pk"):
        if event.verb in ("request.submitted", "request.edited"):
            seen, closed = set(), False
        elif event.verb in ("request.denied", "request.withdrawn", "request.lapsed", "grant.ready"):
            closed = True
        elif event.verb in ("request.reminded", "request.escalated"):
            once = (event.verb, event.data["stage"])
            assert not closed, f"{event.verb} after the decision"
            assert once not in seen, f"{event.verb} twice for stage {once[1]}"
            seen.add(once)


def test_four_workers_do_it_once_also_while_somebody_decides(transactional_db: None) -> None:
    world.settle(POLICY)
    waiting, deciding = world.ask("rita", "auditor"), world.ask("remy", "auditor")
    with world.later(minutes=61):
        outcomes = together([*[nudges.nudge_due] * 4, lambda: world.deny("mona", deciding)])
        nudges.nudge_due()
    failed = [one for one in outcomes if isinstance(one, BaseException)]
    assert failed == []
    assert world.verbs(request=waiting).count("request.reminded") == 1
    assert world.verbs(request=waiting).count("request.escalated") == 1
    _check_story(deciding)
    assert AccessRequest.objects.get(pk=deciding.pk).status == "denied"
