"""What happens when several people reach for one emergency account at the same moment."""

from __future__ import annotations

from collections.abc import Callable

from jitportal.models import Activation, ActivationAlert, Grant, Person, PostIncidentReview
from jitportal.operations import emergencies
from jitportal.rules.errors import Conflict
from jitportal.rules.vocabulary import ActivationStatus
from tests.operations import emergency_world as house
from tests.operations import world
from tests.operations.racing import MANY, Act, race, together


def _activating(who: Person) -> Act:
    return lambda: emergencies.activate(actor=who, claim=house.claim())


def _whole(opened: Activation) -> None:
    assert Grant.objects.filter(activation=opened).count() == 1
    assert PostIncidentReview.objects.filter(activation=opened).count() == 1
    assert ActivationAlert.objects.filter(activation=opened).exists()


def one_account_wanted_by_two_many_times() -> None:
    people = [world.person("rita"), world.person("remy")]
    race([_activating(people[number % 2]) for number in range(MANY)])
    (opened,) = Activation.objects.filter(status=ActivationStatus.OPEN)
    assert Activation.objects.count() == 1
    _whole(opened)


def ending_handing_back_and_extending() -> None:
    """One of them wins; the others hear that it has ended."""
    activation = house.activate("rita", account="rescue-2")
    acts: list[Callable[[], object]] = [
        lambda: emergencies.hand_back(actor=world.person("rita"), activation=activation),
        lambda: emergencies.end(actor=world.person("dean"), activation=activation, reason="Enough."),
        lambda: emergencies.extend(
            actor=world.person("rita"), activation=activation, minutes=5, why="A little more time for it."
        ),
    ]
    race(acts)
    assert house.now_of(activation).stopped_at is not None
    assert Activation.objects.filter(account__key="rescue-2", status=ActivationStatus.OPEN).count() <= 1


def a_drill_that_goes_on_and_is_in_the_way() -> None:
    """The drill's responder extends it while two people need its account: one of them has it at the end."""
    drill = house.activate("rita", drill=True)
    people = [world.person("rita"), world.person("remy")]

    def extending() -> object:
        return emergencies.extend(actor=people[0], activation=drill, minutes=5, why="A little more practice.")

    _, *outcomes = together([extending, *(_activating(people[number % 2]) for number in range(MANY - 1))])
    (opened,) = Activation.objects.filter(status=ActivationStatus.OPEN)
    assert not opened.drill
    assert [outcome for outcome in outcomes if not isinstance(outcome, Conflict)] == [opened]
    assert Activation.objects.filter(drill=False).count() == 1
    _whole(opened)


OF_EMERGENCIES = [
    one_account_wanted_by_two_many_times,
    ending_handing_back_and_extending,
    a_drill_that_goes_on_and_is_in_the_way,
]
