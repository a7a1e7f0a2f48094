"""What people do in an emergency: activate, go on, return it, and end somebody else's."""

from __future__ import annotations

from hypothesis import strategies as st

from jitportal.models import AccessRequest, Activation
from jitportal.operations import emergencies
from jitportal.rules.emergencies import Claim
from tests.operations import world
from tests.proofs.lifecycle_policy import ASKERS
from tests.proofs.lifecycle_stage import MINUTES, WHICH, Draw, Stage


class Emergencies(Stage):
    """Their clicks; any may be refused, none may break."""

    def break_glass(self, draw: Draw) -> None:
        who = draw(st.sampled_from(ASKERS))
        claim = Claim(
            role_key="rescue",
            scope="all",
            account=draw(st.sampled_from(("rescue-1", "rescue-2"))),
            criterion="outage",
            incident="",
            broken="Nobody can sign in any more.",
            expected="Restart what has stopped.",
            minutes=draw(MINUTES),
            drill=draw(st.booleans()),
        )
        waiting = None
        if draw(st.booleans()):
            waiting = self.pick(AccessRequest.objects.open().filter(requester__username=who), 0)
        self.attempt(emergencies.activate, actor=world.person(who), claim=claim, from_request=waiting)

    def extend_emergency(self, draw: Draw) -> None:
        activation = self.pick(Activation.objects.unfinished(), draw(WHICH))
        minutes = draw(MINUTES)
        if activation is not None:
            why = "It takes longer than that."
            self.attempt(
                emergencies.extend,
                actor=activation.person,
                activation=activation,
                minutes=minutes,
                why=why,
            )

    def end_emergency(self, draw: Draw) -> None:
        activation = self.pick(Activation.objects.unfinished(), draw(WHICH))
        who = draw(st.sampled_from((None, "dean", "otto", "eve")))
        if activation is None:
            return
        if who is None:
            self.attempt(emergencies.hand_back, actor=activation.person, activation=activation)
        else:
            self.attempt(
                emergencies.end, actor=world.person(who), activation=activation, reason="It is mended."
            )
