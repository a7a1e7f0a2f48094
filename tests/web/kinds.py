"""The kinds of people that the matrix promises answers to, and what a row of it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.web.world import World

#: kind: the person of the world. Somebody who has signed out has no row: that is anonymous.
KINDS = {
    "anonymous": "",
    "stranger": "sam",
    "requester": "rita",
    "peer": "oskar",  # asks for the same roles, in another team
    "manager": "mona",
    "decider": "kai",
    "role owner": "olga",
    "auditor": "auda",
    "proposer": "paul",  # policy editor who proposed the waiting change
    "policy editor": "polly",
    "operator": "opal",
    "administrator": "adam",
    "deactivated": "gwen",
    "expired": "edda",  # was an auditor until two hours ago
}
UNKNOWN = frozenset({"anonymous", "deactivated"})
SIGNED_IN = tuple(kind for kind in KINDS if kind not in UNKNOWN)
#: Those who read everything.
OVERSEERS = "auditor,administrator"
#: Whoever sees Rita's request that waits.
REQUEST_SEEN = "requester,manager,decider,role owner,auditor,operator,administrator"

Answers = Mapping[int, str]
Data = Callable[[World], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Route:
    """``get`` and ``post``: status to kinds, separated by commas; None: 405 for all who are signed in."""

    arguments: Callable[[World], dict[str, object]] = lambda _world: {}
    get: Answers | None = None
    post: Answers | None = None
    otherwise: int = 404
    data: Data = lambda _world: {}
    public: bool = False  # needs no signing in
    plays: bool = False  # may run the player's compiled code

    def expected(self, kind: str, method: str) -> int:
        answers = self.get if method in {"GET", "HEAD"} else self.post if method == "POST" else None
        if kind in UNKNOWN and not self.public:
            return 302
        if answers is None:
            return 405
        named = {one.strip(): status for status, kinds in answers.items() for one in kinds.split(",")}
        return named.get(kind, self.otherwise)


def everybody(status: int = 200) -> dict[int, str]:
    """The same answer for all who have signed in."""
    return {status: ",".join(SIGNED_IN)}


def pending(world: World) -> dict[str, object]:
    """Her request that waits."""
    return {"pk": world.things["rita"].pending.pk}
