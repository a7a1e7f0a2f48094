"""Races beside requests and grants: about people, the policy, and what workers do."""

from __future__ import annotations

from jitportal.audit.system import system
from jitportal.models import (
    AccessRequest,
    Grant,
    Membership,
    Notice,
    Person,
    PolicyVersion,
    StandingPower,
)
from jitportal.operations import (
    clock,
    grants,
    people,
    policies,
    requests,
    sending,
)
from jitportal.rules.errors import Conflict, JitportalError
from tests.operations import world
from tests.operations.racing import (
    MANY,
    deciding,
    newcomer,
    numbers,
    race,
    submitting,
    together,
)


def leaving_while_asking_and_being_approved() -> None:
    person = newcomer()
    request = requests.submit(actor=person, ask=world.asking("auditor"))
    ask = world.asking("writer")
    outcomes = together(
        [
            lambda: people.deactivate(actor=system(), person=person, reason="Left."),
            submitting(person, ask),
            *deciding(request, ["mona"]),
        ]
    )
    assert not isinstance(outcomes[0], Exception), outcomes
    assert all(not isinstance(o, Exception) or isinstance(o, JitportalError) for o in outcomes), outcomes
    assert not AccessRequest.objects.open().filter(requester=person).exists()
    assert not Grant.objects.filter(person=person, stopped_at__isnull=True).exists()
    assert not Grant.objects.entitling(clock.now()).filter(person=person).exists()


def joining_a_team_eight_times() -> None:
    person, dba = newcomer(), world.team("dba")
    race([lambda: people.join_team(actor=system(), person=person, team=dba)] * MANY)
    assert Membership.objects.filter(person=person, team=dba).count() == 1


def four_first_administrators() -> None:
    password = "correct horse battery staple"
    if StandingPower.objects.exists():
        return
    race(
        [
            lambda name=f"ada{number}": people.first_administrator(
                username=name, name=name, password=password
            )  # type: ignore[misc]
            for number in range(4)
        ]
    )
    assert StandingPower.objects.count() == 1


def editors() -> tuple[Person, Person]:
    for username in ("sven", "sara"):
        if not world.policy_editor(username):
            world.empower(username, "policy-editor")
    return world.person("sven"), world.person("sara")


def proposal() -> str:
    """A change of the policy in force that nobody has made before."""
    total = 61 + next(numbers) % 900
    return world.changed(("max_total_minutes: 100", f"max_total_minutes: {total}"))


def applying_a_policy_eight_times() -> None:
    sven, sara = editors()
    version = policies.propose(actor=sven, text=proposal())
    policies.approve(actor=sara, version=version)
    race([lambda: policies.apply(actor=sara, version=version)] * MANY)
    assert world.verbs(policy_version=version).count("policy.applied") == 1


def applying_two_policies() -> None:
    sven, sara = editors()
    versions = [policies.propose(actor=sven, text=proposal()) for _ in range(2)]
    for version in versions:
        policies.approve(actor=sara, version=version)
    first, second = versions
    race(
        [
            lambda: policies.apply(actor=sara, version=first),
            lambda: policies.apply(actor=sven, version=second),
        ]
    )
    assert PolicyVersion.objects.filter(status="in_force").count() == 1


def proposing_and_approving_at_once() -> None:
    sven, sara = editors()
    texts = [proposal() for _ in range(4)]
    made = together([lambda text=text: policies.propose(actor=sven, text=text) for text in texts])  # type: ignore[misc]
    versions = [version for version in made if isinstance(version, PolicyVersion)]
    assert versions
    assert all(isinstance(other, Conflict) for other in made if other not in versions), made
    assert len({version.number for version in versions}) == len(versions)
    race([lambda: policies.approve(actor=sara, version=versions[0])] * 4)


def four_workers_send_the_notices() -> None:
    person = newcomer()
    with world.later(hours=2 * next(numbers)):  # so that no message of an earlier telling makes it wait
        request = requests.submit(actor=person, ask=world.asking("writer"))
        sent = together([sending.send_due] * 4)
    assert all(isinstance(number, int) for number in sent), sent
    rows = Notice.objects.filter(request=request)
    assert {(row.attempts, row.sent_at is not None) for row in rows} == {(1, True)}


def four_workers_expire_the_same() -> None:
    made = [
        world.approve_all(requests.submit(actor=newcomer(), ask=world.asking("auditor"))) for _ in range(3)
    ]
    with world.later(minutes=31):
        outcomes = together([grants.expire_due] * 4)
    assert sum(number for number in outcomes if isinstance(number, int)) >= 3, outcomes
    for grant in made:
        assert world.verbs(grant=grant).count("grant.expired") == 1


BESIDE = [
    leaving_while_asking_and_being_approved,
    joining_a_team_eight_times,
    four_first_administrators,
    applying_a_policy_eight_times,
    applying_two_policies,
    proposing_and_approving_at_once,
    four_workers_send_the_notices,
    four_workers_expire_the_same,
]
