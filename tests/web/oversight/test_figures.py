"""An approver's own figures: counted right, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

from jitportal.models import AccessRequest
from jitportal.operations import clock, decisions
from jitportal.rules.vocabulary import Verdict
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask

PAGE = "/queue/decisions/"


def decided(
    world: World, who: str, request: AccessRequest, verdict: Verdict = Verdict.APPROVE, *, after: int = 0
) -> None:
    """A verdict so many minutes after the request was made."""
    request.refresh_from_db()
    with clock.moved(to=request.created_at + timedelta(minutes=after)):
        decisions.decide(
            actor=world[who],
            request=request,
            verdict=verdict,
            digest=decisions.seen_digest(request),
            reason="So be it.",
        )


def test_without_a_decision_it_says_so(as_: As) -> None:
    assert "You have decided nothing yet." in words(as_("mona").get(PAGE))


def test_the_median_and_the_share_are_those_of_the_period(world: World, as_: As) -> None:
    with clock.moved(by=timedelta(days=-60)):
        old = ask(world, "rita", "door")
        decided(world, "mona", old, Verdict.DENY, after=120)
    with clock.moved(by=timedelta(days=-1)):
        for who, role, after in (("rita", "door", 10), ("gwen", "door", 30), ("gwen", "cage", 20)):
            decided(world, "mona", ask(world, who, role), after=after)
    month, quarter = as_("mona").get(PAGE).context["own"].periods
    assert (month.decided, month.approved, month.share) == (3, 3, 100)
    assert abs(month.took - timedelta(minutes=20)) < timedelta(seconds=5)
    assert (quarter.decided, quarter.denied, quarter.share) == (4, 1, 75)
    assert abs(quarter.took - timedelta(minutes=25)) < timedelta(seconds=5)
    roles = as_("mona").get(PAGE).context["own"].roles
    assert [(one.name, one.decided) for one in roles] == [("Server room door", 3), ("Server cage", 1)]


def test_a_later_stage_is_timed_from_its_own_opening(world: World, as_: As) -> None:
    with clock.moved(by=timedelta(days=-1)):
        request = ask(world, "rita", "cabinet")
        decided(world, "kai", request, after=60)
        decided(world, "mona", request, after=70)
    month = as_("mona").get(PAGE).context["own"].periods[0]
    assert abs(month.took - timedelta(minutes=10)) < timedelta(seconds=5)


def test_each_person_sees_their_own_alone(world: World, as_: As) -> None:
    approve(world, ask(world, "rita", "door"), "mona")
    assert "Rita Test" in words(as_("mona").get(PAGE))
    for other in ("otto", "rita", "olga"):
        page = as_(other).get(f"{PAGE}?person=mona&user={world['mona'].pk}")
        assert "You have decided nothing yet." in words(page)
