"""Races between approvers and those who decide for them."""

from __future__ import annotations

from jitportal.models import Approval, Delegation, Person
from jitportal.operations import clock, delegations, requests
from jitportal.rules.errors import JitportalError
from tests.operations import world
from tests.operations.racing import HOUR, Act, deciding, newcomer, now_of, race, together


def delegation(who: str, to: str) -> Delegation:
    """The delegation that is in force; made where there is none."""
    known = Delegation.objects.in_force(clock.now()).filter(delegator__username=who).first()
    return known or delegations.delegate(
        actor=world.person(who), to=world.person(to), ends_at=clock.now() + HOUR, reason="On leave."
    )


def an_approver_and_her_delegate_at_once() -> None:
    """One seat is left that Dora or her delegate can fill; the other is Dean's alone."""
    delegation("dora", "carl")
    request = requests.submit(actor=newcomer(), ask=world.asking("writer"))
    world.approve("mona", request)
    race([*deciding(now_of(request), ["dora", "carl"])], losers_say=JitportalError)
    given = Approval.objects.get(request=request, stage=1)
    assert (given.person.username, given.on_behalf_of) in (("dora", None), ("carl", world.person("dora")))


def deciding_for_her_while_she_ends_it() -> None:
    held = delegation("dina", "eve")
    request = requests.submit(actor=newcomer(), ask=world.asking("writer"))
    world.approve("mona", request)
    dina: Person = world.person("dina")
    stop: Act = lambda: delegations.stop(actor=dina, delegation=held)  # noqa: E731
    outcomes = together([*deciding(now_of(request), ["eve"]), stop])
    assert not isinstance(outcomes[1], Exception), outcomes
    assert not isinstance(outcomes[0], Exception) or isinstance(outcomes[0], JitportalError), outcomes
    given = Approval.objects.filter(request=request, person__username="eve").count()
    assert given == (0 if isinstance(outcomes[0], Exception) else 1)


def four_delegations_at_once() -> None:
    who = newcomer()
    to, until = world.person("carl"), clock.now() + HOUR
    act: Act = lambda: delegations.delegate(actor=who, to=to, ends_at=until, reason="On leave.")  # noqa: E731
    race([act] * 4)
    assert Delegation.objects.filter(delegator=who).count() == 1


OF_DELEGATES = [
    an_approver_and_her_delegate_at_once,
    deciding_for_her_while_she_ends_it,
    four_delegations_at_once,
]
