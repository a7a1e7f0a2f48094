"""What a request may ask, and every refusal of it; nothing is half done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Event, Notice, RequestRevision
from jitportal.operations import clock, policies, requests
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, NotAllowed, PolicyRefuses
from jitportal.rules.policy import Outcome
from jitportal.rules.vocabulary import GrantStatus, Pathway, RequestStatus, StartMode
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

HOUR = timedelta(hours=1)


def refused(who: str, role: str, **said: Any) -> dict[str | None, str]:
    """The sentences of the refusal by their field; and nothing was written."""
    before = AccessRequest.objects.count(), Event.objects.count(), Notice.objects.count()
    with pytest.raises(InvalidInput) as refusal:
        world.ask(who, role, **said)
    assert (AccessRequest.objects.count(), Event.objects.count(), Notice.objects.count()) == before
    said_of: dict[str | None, str] = {}
    for problem in refusal.value.problems:
        said_of[problem.field] = f"{said_of.get(problem.field, '')} {problem.sentence}".strip()
    return said_of


def test_a_request_is_pinned_to_its_policy_with_the_reasons() -> None:
    request = world.ask("rita", "writer", scope="left", minutes=45)
    assert (request.status, request.stage, request.minutes) == (RequestStatus.PENDING, 0, 45)
    asked = request.asked
    assert (asked.number, asked.policy_version) == (1, policies.current_version())
    assert asked.document["scope"] == "left"
    assert asked.document["entitlement"] == "left door"
    assert "member of team platform" in asked.reasons[0]
    assert [stage["people"] for stage in asked.stages] == [1, 2]
    assert world.verbs(request=request) == ["request.submitted"]


def test_everything_wrong_is_said_at_once() -> None:
    problems = refused("rita", "writer", scope="attic", minutes=61, justification="now", ticket="x" * 101)
    assert set(problems) == {"scope", "minutes", "justification", "ticket"}
    assert "left, right" in problems["scope"]
    assert "1 hour at most" in problems["minutes"]


@pytest.mark.parametrize("minutes", [0, -5])
def test_no_time_at_all(minutes: int) -> None:
    assert "at least one minute" in refused("rita", "auditor", minutes=minutes)["minutes"]


@pytest.mark.parametrize(
    ("role", "who"), [("auditor", "dora"), ("writer", "otto"), ("migration", "eve"), ("door", "mona")]
)
def test_who_is_not_eligible(role: str, who: str) -> None:
    assert "eligible" in refused(who, role)["role"]


def test_a_role_that_there_is_not() -> None:
    assert "doesn't offer" in refused("rita", "root")["role"]
    assert "doesn't offer" in refused("rita", "outage")["role"], "a criterion is no role"


def test_a_role_on_another_pathway() -> None:
    assert "pathway" in refused("rita", "auditor", pathway=Pathway.TEMPORARY)["role"]
    assert "pathway" in refused("rita", "migration", pathway=Pathway.BREAK_GLASS)["role"]


def test_before_there_is_a_policy(db: None) -> None:
    assert requests.preview(actor=world.person("rita"), ask=world.asking("nothing")).outcome is Outcome.REFUSE


def test_text_that_is_too_long_or_is_none() -> None:
    assert "under 4000" in refused("rita", "auditor", justification="x" * 4001)["justification"]
    assert "aren't text" in refused("rita", "auditor", justification="\x00" * 50)["justification"]
    assert "aren't text" in refused("rita", "auditor", ticket="INC\x00")["ticket"]
    assert "aren't text" in refused("rita", "auditor", justification="\ud800" * 50)["justification"]
    assert "aren't text" in refused("rita", "auditor", ticket="INC\udfff")["ticket"]


def test_a_ticket_where_the_policy_asks_for_one() -> None:
    assert "needs a ticket" in refused("rita", "migration", ticket=" ")["ticket"]
    assert "Such as CHG-7." in refused("rita", "migration", ticket="INC-7")["ticket"]
    assert world.ask("rita", "migration", ticket=" CHG-7 ").asked.ticket == "CHG-7"


def windows() -> list[tuple[StartMode, float | None, float | None, str]]:
    scheduled, click = StartMode.SCHEDULED, StartMode.ON_CLICK
    return [
        (scheduled, None, None, "opens_at"),
        (scheduled, -1, None, "opens_at"),
        (scheduled, 24 * 400, None, "opens_at"),
        (click, None, 1, "opens_at"),
        (click, 1, None, "closes_at"),
        (click, 2, 1, "closes_at"),
        (click, 1, 1, "closes_at"),
        (click, -3, -2, "closes_at"),
        (click, 1, 24 * 90, "closes_at"),
    ]


@pytest.mark.parametrize(("mode", "opens", "closes", "field"), windows())
def test_windows_that_can_not_be(
    mode: StartMode, opens: float | None, closes: float | None, field: str
) -> None:
    now = clock.now()

    def moment(hours: float | None) -> datetime | None:
        return None if hours is None else now + timedelta(hours=hours)

    problems = refused("rita", "auditor", start_mode=mode, opens_at=moment(opens), closes_at=moment(closes))
    assert set(problems) == {field}


def test_moments_that_only_python_can_hold() -> None:
    last = datetime.max.replace(tzinfo=clock.now().tzinfo)
    first = datetime.min.replace(tzinfo=clock.now().tzinfo)
    scheduled = {"start_mode": StartMode.SCHEDULED}
    assert set(refused("rita", "auditor", opens_at=last, **scheduled)) == {"opens_at"}
    assert set(refused("rita", "auditor", opens_at=first, **scheduled)) == {"opens_at"}
    click = {"start_mode": StartMode.ON_CLICK, "opens_at": first, "closes_at": last}
    assert set(refused("rita", "auditor", **click)) == {"closes_at"}


def test_nobody_who_could_decide() -> None:
    assert "Stage manager needs 1" in refused("eve", "operator")["role"], "Eve has no manager"
    for username in ("dora", "dean"):
        world.leaves(username, "dba")
    assert "needs 2" in refused("rita", "writer")["role"]


def test_the_only_one_who_could_decide_is_oneself() -> None:
    world.apply_policy(
        world.changed(
            (
                "eligible: {teams: [platform]}\n      stages: [{name: board",
                "eligible: {people: [mark]}\n      stages: [{name: board",
            )
        )
    )
    assert "nobody other than you" in refused("mark", "boarded")["role"]


def test_a_second_open_request_for_the_same() -> None:
    first = world.ask("rita", "writer", scope="left")
    with pytest.raises(Conflict, match=f"request {first.pk}"):
        world.ask("rita", "writer", scope="left")
    world.ask("rita", "writer", scope="right")
    world.ask("remy", "writer", scope="left")
    world.send_back("mona", first)
    with pytest.raises(Conflict, match="open request"):
        world.ask("rita", "writer", scope="left")


def test_the_system_approves_where_its_rule_matches_alone() -> None:
    done = world.ask("rita", "quick", ticket="INC-9", minutes=15)
    assert done.status == RequestStatus.APPROVED
    approval = done.approvals.get()
    assert (approval.person, approval.by_system) == (system(), True)
    assert done.grant.status == GrantStatus.PROVISIONING
    for username, said in (
        ("remy", {"ticket": "INC-9", "minutes": 16}),
        ("rosa", {"ticket": "CHG-9", "minutes": 5}),
    ):
        assert world.ask(username, "quick", **said).status == RequestStatus.PENDING


def test_somebody_deactivated_asks_for_nothing() -> None:
    rita = world.person("rita")  # as read before the deactivation
    ask = world.asking("auditor")
    world.deactivate("rita")
    with pytest.raises((NotAllowed, InvalidInput), match="deactivated"):
        requests.submit(actor=rita, ask=ask)


def test_a_preview_says_what_would_happen_and_writes_nothing() -> None:
    before = Event.objects.count(), RequestRevision.objects.count()
    decision = requests.preview(actor=world.person("rita"), ask=world.asking("writer"))
    assert (decision.outcome, len(decision.stages)) == (Outcome.ASK, 2)
    assert decision.stages[0].eligible == {"mona", "otto"}
    assert requests.preview(actor=world.person("dora"), ask=world.asking("writer")).problems
    assert (Event.objects.count(), RequestRevision.objects.count()) == before


# Asking again, and taking back


def test_a_clone_points_at_what_it_was_made_from() -> None:
    first = world.ask("rita", "auditor")
    world.deny("mona", first)
    again = world.ask("rita", "auditor", cloned_from=first)
    assert again.cloned_from == first
    assert again.asked.justification == first.asked.justification


def test_nobody_clones_what_somebody_else_asked() -> None:
    theirs = world.ask("remy", "auditor")
    with pytest.raises(NotAllowed, match="Only the requester"):
        world.ask("rita", "auditor", cloned_from=theirs)


def test_withdrawing_closes_it_for_good() -> None:
    request = world.ask("rita", "auditor")
    for username in ("remy", "mona", "otto"):
        with pytest.raises(NotAllowed, match="Only the requester"):
            requests.withdraw(actor=world.person(username), request=request)
    requests.withdraw(actor=world.person("rita"), request=request, reason="Found it.")
    request.refresh_from_db()
    assert request.status == RequestStatus.WITHDRAWN
    assert request.closed_at is not None
    with pytest.raises(Conflict, match="withdrawn"):
        requests.withdraw(actor=world.person("rita"), request=request)
    assert world.verbs(request=request) == ["request.submitted", "request.withdrawn"]
    assert world.ask("rita", "auditor").status == RequestStatus.PENDING


@pytest.mark.parametrize("reason", ["x" * 4001, "\x00", "\ud800"])
def test_a_reason_to_withdraw_that_is_no_text(reason: str) -> None:
    request = world.ask("rita", "auditor")
    with pytest.raises(Invalid):
        requests.withdraw(actor=world.person("rita"), request=request, reason=reason)
    request.refresh_from_db()
    assert request.status == RequestStatus.PENDING


def test_what_is_decided_can_not_be_withdrawn() -> None:
    request = world.ask("rita", "auditor")
    world.approve("mona", request)
    with pytest.raises(Conflict, match="approved"):
        requests.withdraw(actor=world.person("rita"), request=request)


# The deadline


def test_what_nobody_decides_lapses_by_its_deadline() -> None:
    request = world.ask("rita", "auditor")
    sent_back = world.ask("remy", "auditor")
    world.send_back("mona", sent_back)
    with world.at(request.lapses_at - timedelta(seconds=1)):
        assert requests.lapse_due() == 0
    with world.at(sent_back.lapses_at):
        assert requests.lapse_due() == 2
        assert requests.lapse_due() == 0
    request.refresh_from_db()
    assert request.status == RequestStatus.LAPSED
    assert Event.objects.get(request=request, verb="request.lapsed").actor == system()
    said = Event.objects.get(request=sent_back, verb="request.lapsed").sentence
    assert said == "The request was sent back and wasn't changed in time, so it lapsed."
    handled = Notice.objects.filter(kind="request.handled", request=sent_back)
    assert not handled.filter(body__contains="lapsed").exists()
    assert Notice.objects.filter(kind="request.lapsed", recipient__username="rita").count() == 1


def test_a_deadline_is_never_after_the_last_moment_of_use() -> None:
    click = world.submit("rita", world.on_click("auditor", -HOUR, HOUR))
    assert click.lapses_at == click.asked.closes_at
    planned = world.submit("remy", world.scheduled("auditor", HOUR, minutes=20))
    assert planned.asked.opens_at is not None
    assert planned.lapses_at == planned.asked.opens_at + timedelta(minutes=20)
    policy = world.ask("rita", "migration")
    assert policy.lapses_at == policy.created_at + timedelta(hours=24)


def test_a_renewal_begins_at_a_grant() -> None:
    with pytest.raises(PolicyRefuses, match="choose Renew"):
        world.ask("rita", "auditor", start_mode=StartMode.RENEWAL)
