"""What happened at the demo's company in the last weeks: what went well, and what was refused."""

from __future__ import annotations

from datetime import datetime, timedelta

from jitportal.demo import emergency
from jitportal.demo.story import Scene, Story
from jitportal.models import PolicyVersion
from jitportal.operations import policies
from jitportal.operations.requests import Ask
from jitportal.rules.vocabulary import Pathway, StartMode, Verdict


def jit(role: str, minutes: int, why: str, *, scope: str = "all", ticket: str = "") -> Ask:
    """A request on the JIT pathway that starts at once."""
    return Ask(role, Pathway.JIT, scope, StartMode.AT_ONCE, minutes, why, ticket)


def temporary(role: str, days: int, why: str, *, ticket: str = "") -> Ask:
    """A request on the temporary pathway that starts at once."""
    return Ask(role, Pathway.TEMPORARY, "all", StartMode.AT_ONCE, days * 1_440, why, ticket)


def plan(story: Story, *, policy: str, with_database: bool) -> None:
    """Plan the past. ``policy`` is the document that is to be in force at its end."""
    _operating(story)
    _auditing(story)
    _changing_the_policy(story, policy)
    _entering_the_server_room(story)
    emergency.plan(story, days_ago(story, 18, 5, 40))
    if with_database:
        _asking_for_the_database(story)


def days_ago(story: Story, days: int, hour: int, minute: int) -> datetime:
    """That time of the day, in UTC, so many days ago."""
    return (story.now - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)


def _operating(story: Story) -> None:
    Scene(
        story,
        "nina",
        jit("portal-operator", 30, "The orders database moves to its new host; watching its checks."),
        days_ago(story, 26, 9, 12),
    ).approved(3, "maya")
    looked = Scene(
        story,
        "tom",
        jit("portal-operator", 60, "Removals on the orders database were slow yesterday evening."),
        days_ago(story, 19, 13, 40),
    ).approved(6, "dana", "Half an hour is enough to look at the problems page.", minutes=30)
    looked.then(29, lambda: _go_on(story, looked))
    Scene(
        story,
        "lena",
        jit("portal-operator", 45, "Retry what failed while the database server was restarted."),
        days_ago(story, 12, 15, 5),
    ).approved(2, "maya").handed_back(14, "All retries went through.")
    Scene(
        story,
        "lena",
        jit("portal-operator", 60, "Have a look round the targets before the release."),
        days_ago(story, 4, 10, 20),
    ).decided(25, "maya", Verdict.DENY, "The release is off. Ask again when there is a new date.")


def _go_on(story: Story, before: Scene) -> None:
    """A renewal: asked for before the end and approved, it goes on without a gap."""
    ask = Ask(
        "portal-operator",
        Pathway.JIT,
        "all",
        StartMode.RENEWAL,
        20,
        "The cause is found, and the last two removals are being retried.",
        renewal_of=before.grant,
    )
    moment = days_ago(story, 19, 14, 10)
    Scene(story, "tom", ask, moment).approved(3, "dana")


def _auditing(story: Story) -> None:
    Scene(
        story,
        "aiko",
        jit("portal-auditor", 60, "Quarterly check: who held which access in the last three months."),
        days_ago(story, 23, 8, 30),
    ).approved(18, "ruth")
    Scene(
        story,
        "samir",
        jit("portal-administrator", 30, "Two people change teams on Monday.", ticket="CHG-2014"),
        days_ago(story, 9, 14, 10),
    ).approved(4, "ruth").approved(9, "sofia").revoked(
        16, "sofia", "The move is put off by a week: nothing to do today."
    )
    Scene(
        story,
        "aiko",
        jit("portal-auditor", 30, "Follow up on two grants of last week."),
        days_ago(story, 2, 9, 5),
    ).approved(7, "sofia").handed_back(21)


def _changing_the_policy(story: Story, policy: str) -> None:
    """Two policy editors, each with the power for as long as it takes."""
    proposed: list[PolicyVersion] = []
    note = "Say what operators do: they retry, too."
    Scene(
        story,
        "tom",
        jit("portal-policy-editor", 30, "Describe the operator's role as it is meant."),
        days_ago(story, 16, 10, 0),
    ).approved(5, "sofia").then(
        12, lambda: proposed.append(policies.propose(actor=story.cast["tom"], text=policy, note=note))
    )
    Scene(
        story,
        "nina",
        jit("portal-policy-editor", 30, "Read Tom's change of the operator's role, and apply it."),
        days_ago(story, 16, 10, 15),
    ).approved(4, "maya").then(10, lambda: _agree(story, proposed[0])).handed_back(12)


def _agree(story: Story, version: PolicyVersion) -> None:
    policies.approve(actor=story.cast["nina"], version=version)
    policies.apply(actor=story.cast["nina"], version=version)


def _entering_the_server_room(story: Story) -> None:
    Scene(
        story,
        "dana",
        temporary("server-room", 1, "The vendor replaces two disks of the orders database."),
        days_ago(story, 21, 7, 50),
    ).approved(9, "ruth").carried_out(15, "sofia", "Badge 114 opens the door.").carried_out(
        15 + 1_440, "sofia", "Badge 114 is back."
    )
    Scene(
        story,
        "tom",
        temporary("server-room", 5, "Label the cables of racks 3 and 4."),
        days_ago(story, 7, 11, 30),
    ).decided(40, "dana", Verdict.SEND_BACK, "A day is enough for that. Which one?").edited(
        75, temporary("server-room", 1, "Label the cables of racks 3 and 4, on the day that is approved.")
    ).withdrawn(200, "Facilities do it themselves.")


def _asking_for_the_database(story: Story) -> None:
    """What was asked of the database and never reached it: its clock can't be moved into the past."""
    Scene(
        story,
        "omar",
        jit("db-troubleshooting", 60, "Correct the addresses of three orders by hand.", scope="orders"),
        days_ago(story, 15, 16, 45),
    ).decided(12, "maya", Verdict.DENY, "Support can do this in the back office, with a record of each.")
    Scene(
        story,
        "priya",
        jit("orders-read", 15, "A customer asks where their parcel is.", ticket="INC-1007"),
        days_ago(story, 10, 12, 0),
    ).withdrawn(3, "Found it in the back office.")
    Scene(
        story,
        "lena",
        jit("db-troubleshooting", 30, "Look at the slow invoice run of tonight.", scope="billing"),
        days_ago(story, 8, 19, 40),
    )
    opens = days_ago(story, 5, 18, 0)
    window = Ask(
        "db-troubleshooting",
        Pathway.JIT,
        "orders",
        StartMode.ON_CLICK,
        30,
        "Be at hand while the new release is rolled out.",
        "CHG-2019",
        opens_at=opens,
        closes_at=opens + timedelta(hours=2),
    )
    Scene(story, "omar", window, days_ago(story, 5, 9, 30)).approved(15, "maya")
