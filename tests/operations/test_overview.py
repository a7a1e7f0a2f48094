"""The figures of the overview, compared with what the rows themselves say, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jitportal.models import AccessRequest, Approval, Grant
from jitportal.operations import clock, grants, overview, requests
from jitportal.operations.overview import Decisions, Durations
from jitportal.operations.waits import usual_waits
from jitportal.rules.vocabulary import GrantStatus
from jitportal.rules.waiting import at_share
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

KIRITIMATI = ZoneInfo("Pacific/Kiritimati")  # 14 hours before UTC
BERLIN, UTC_ = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")


@contextmanager
def ago(**duration: float) -> Iterator[None]:
    with clock.moved(by=-timedelta(**duration)):
        yield


def days(zone: ZoneInfo = KIRITIMATI) -> list[date]:
    return overview.last_days(clock.now(), zone)


def test_thirty_days_are_shown_and_the_last_is_today_there() -> None:
    shown = days()
    assert len(shown) == 30
    assert shown[-1] == clock.now().astimezone(KIRITIMATI).date()
    assert shown == sorted(shown)


def test_what_stands_now() -> None:
    empty = overview.standing(clock.now())
    assert (empty.in_force, empty.ready, empty.waiting, empty.oldest_waiting, empty.late) == (
        0,
        0,
        0,
        None,
        0,
    )
    with ago(hours=1):
        oldest = world.ask("rita", "operator")
    world.ask("remy", "operator")
    window = {"opens_in": timedelta(), "closes_in": timedelta(hours=2)}
    ready = world.approve_all(world.submit("rosa", world.on_click("operator", **window)))
    held = world.live("rita", "auditor")
    given = world.granted("remy", "auditor")
    found = overview.standing(clock.now())
    assert (found.in_force, found.live, found.ready, found.waiting) == (2, 1, 1, 2)
    assert found.oldest_waiting == oldest.created_at
    now = clock.now()
    assert set(Grant.objects.entitling(now)) == set(Grant.objects.in_force(now)) == {held, given}
    assert {ready.status, held.status, given.status} == {
        GrantStatus.READY,
        GrantStatus.ACTIVE,
        GrantStatus.PROVISIONING,
    }


def test_a_removal_is_late_a_minute_after_its_end_whether_or_not_the_worker_has_begun() -> None:
    grant = world.live("rita", "auditor", minutes=5)
    other = world.live("remy", "auditor", minutes=30)
    grants.hand_back(actor=world.person("remy"), grant=other)
    assert overview.standing(clock.now()).late == 0
    with world.later(minutes=2):
        assert overview.standing(clock.now()).late == 1
    with world.later(minutes=5, seconds=50):
        assert overview.standing(clock.now()).late == 1
    with world.later(minutes=6, seconds=10):
        assert overview.standing(clock.now()).late == 2
        assert overview.standing(clock.now()).in_force == 0
    assert grant.status == GrantStatus.ACTIVE


def test_what_lapsed_waits_no_longer_though_nobody_has_swept() -> None:
    world.ask("rita", "operator")
    with world.later(days=60):
        assert overview.standing(clock.now()).waiting == 0


def test_decisions_are_counted_by_the_viewers_days() -> None:
    with ago(days=3):
        world.approve_all(world.ask("rita", "operator"))
        world.deny("mona", world.ask("remy", "operator"))
    world.send_back("mona", world.ask("rosa", "operator"))
    world.ask("rita", "quick", ticket="INC-1", minutes=5)
    for zone in (KIRITIMATI, BERLIN, ZoneInfo("America/Los_Angeles")):
        found = overview.decisions(days(zone), zone)
        expected: dict[date, dict[str, int]] = {}
        for one in Approval.objects.all():
            kind = (
                "by_system"
                if one.by_system
                else {"approve": "approved", "deny": "denied"}.get(one.verdict, "sent_back")
            )
            of_day = expected.setdefault(one.decided_at.astimezone(zone).date(), {})
            of_day[kind] = of_day.get(kind, 0) + 1
        assert found == {day: Decisions(**kinds) for day, kinds in expected.items()}
        assert sum(one.by_system for one in found.values()) == 1


def test_a_day_begins_at_midnight_of_the_viewer_to_the_microsecond() -> None:
    zone = BERLIN
    shown = days(zone)
    midnight = datetime.combine(shown[-2], datetime.min.time(), tzinfo=zone)
    for who, moment in (("rita", midnight), ("remy", midnight - timedelta(milliseconds=1))):
        with world.at(moment - timedelta(seconds=1)):
            request = world.ask(who, "operator")
        with world.at(moment):
            world.deny("mona", request)
    found = overview.decisions(shown, zone)
    decided = [one.decided_at.astimezone(zone).date() for one in Approval.objects.all()]
    assert {day: decided.count(day) for day in decided} == {day: one.denied for day, one in found.items()}


def test_what_is_older_is_left_out() -> None:
    with ago(days=31):
        world.approve_all(world.ask("rita", "operator"))
    shown = days()
    assert overview.decisions(shown, KIRITIMATI) == {}
    assert overview.waits(shown, KIRITIMATI) == overview.Measured({}, None)
    assert overview.most_asked(shown, KIRITIMATI) == []


def test_waits_are_those_of_the_last_revision_and_of_people_alone() -> None:
    with ago(minutes=30):
        asked = [world.ask(who, "operator") for who in ("rita", "remy", "rosa")]
        world.ask("rita", "quick", ticket="INC-1", minutes=5)
        requests.withdraw(actor=world.person("rita"), request=world.ask("rita", "auditor"))
    for minutes, request in zip((25, 10, 0), asked, strict=True):
        with ago(minutes=minutes):
            world.deny("mona", request)
    taken = [
        one.closed_at - one.asked.created_at
        for one in AccessRequest.objects.filter(pk__in=[one.pk for one in asked]).select_related("current")
        if one.closed_at
    ]
    found = overview.waits(days(UTC_), UTC_).all
    assert found is not None
    assert found.number == 3
    assert found.half == pytest.approx(at_share(taken, 0.5).total_seconds(), abs=0.01)
    assert found.most == pytest.approx(at_share(taken, 0.9).total_seconds(), abs=0.01)


def test_shares_are_by_the_nearest_rank_in_each_day() -> None:
    """Against the rules' own measure, with as many as make the two differ."""
    started = clock.now() - timedelta(days=2)
    for minutes in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144):
        with world.at(started):
            request = world.ask("rita", "operator")
        with world.at(started + timedelta(minutes=minutes)):
            world.deny("mona", request)
    closed: dict[date, list[timedelta]] = {}
    for one in AccessRequest.objects.decided().select_related("current"):
        assert one.closed_at is not None
        wait = one.closed_at - one.asked.created_at
        closed.setdefault(one.closed_at.astimezone(BERLIN).date(), []).append(wait)
    found = overview.waits(days(BERLIN), BERLIN)
    assert set(found.days) == set(closed)
    for day, waited in closed.items():
        same(found.days[day], waited, 0.9)
    same(found.all, [wait for waited in closed.values() for wait in waited], 0.9)


def test_removals_are_measured_to_their_verified_absence_and_not_those_by_hand() -> None:
    for who in ("rita", "remy"):
        grant = world.live(who, "auditor")
        grants.hand_back(actor=world.person(who), grant=grant)
        world.work()
    by_hand = world.granted("rosa", "writer")
    world.work()
    world.carry_out()
    world.work()
    grants.hand_back(actor=world.person("rosa"), grant=world.now_of(by_hand))
    world.work()
    world.carry_out()
    world.work()
    assert world.now_of(by_hand).verified_absent_at is not None
    found = overview.removal_lags(days(UTC_), UTC_)
    lags = [
        one.verified_absent_at - one.stopped_at
        for one in Grant.objects.exclude(pk=by_hand.pk)
        if one.verified_absent_at and one.stopped_at
    ]
    assert len(lags) == 2
    same(found.all, lags, 0.99)


def test_the_roles_that_are_asked_for_most_come_first() -> None:
    for who in ("rita", "remy"):
        world.ask(who, "operator")
    world.ask("rita", "auditor")
    found = overview.most_asked(days(), KIRITIMATI)
    assert [(one.key, one.requests) for one in found] == [("operator", 2), ("auditor", 1)]


def test_each_figure_is_few_queries_however_many_days_it_has() -> None:
    shown = days()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        overview.standing(clock.now())
        overview.decisions(shown, KIRITIMATI)
        overview.waits(shown, KIRITIMATI)
        overview.removal_lags(shown, KIRITIMATI)
        overview.most_asked(shown, KIRITIMATI)
    assert len(captured) <= 13, [query["sql"][:100] for query in captured]


def same(found: Durations | None, durations: list[timedelta], share: float) -> None:
    assert found is not None
    assert found.number == len(durations)
    assert found.half == pytest.approx(at_share(durations, 0.5).total_seconds(), abs=0.01)
    assert found.most == pytest.approx(at_share(durations, share).total_seconds(), abs=0.01)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("figure", "index"),
    [
        (overview.decisions, "USING COVERING INDEX approval_when (decided_at>? AND decided_at<?)"),
        (overview.waits, "USING INDEX request_closed (closed_at>? AND closed_at<?)"),
        (
            overview.removal_lags,
            "INDEX grant_verified_absent (verified_absent_at>? AND verified_absent_at<?)",
        ),
        (overview.most_asked, "USING COVERING INDEX request_of_role (role_id=? AND created_at>?)"),
    ],
)
def test_what_is_older_than_the_days_is_not_even_read(figure: Callable[..., object], index: str) -> None:
    shown = days()
    with CaptureQueriesContext(connection) as captured:
        figure(shown, KIRITIMATI)
    (query,) = captured.captured_queries
    assert index in plan_of(query["sql"])


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "of",
    [{}, {"role": 1}, {"role__in": range(50)}, {"role__target": 1}, {"role__target__connector": "portal"}],
)
def test_what_is_in_force_is_found_past_all_that_has_ended(of: dict[str, Any]) -> None:
    rows = Grant.objects.in_force(clock.now()).filter(**of).select_related("person")
    assert "USING INDEX grant_expiry (status=? AND ends_at>?)" in rows.explain()


@pytest.mark.sqlite
def test_usual_waits_of_many_roles_are_looked_up_role_by_role() -> None:
    with CaptureQueriesContext(connection) as captured:
        usual_waits(range(50), clock.now())
    (query,) = captured.captured_queries[-1:]
    assert "request_waits (role_id=? AND closed_at>? AND closed_at<?)" in plan_of(query["sql"])


def plan_of(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        return " / ".join(step for *_, step in cursor.fetchall())
