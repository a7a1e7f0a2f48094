"""Who is reminded, who is told when a stage waits for long, and which channels are told of what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Told(StrEnum):
    """Whom an escalation tells, as the policy names them."""

    MANAGER = "manager"
    ROLE_OWNER = "role_owner"
    OWNERS_MANAGER = "role_owner_manager"
    TEAM = "team"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class ToldRules:
    """Whom an escalation tells: a kind, and for a team its key, for a person the username."""

    kind: Told
    name: str = ""

    def __str__(self) -> str:
        words = {
            Told.MANAGER: "the requester's manager",
            Told.ROLE_OWNER: "the role's owner",
            Told.OWNERS_MANAGER: "the manager of the role's owner",
            Told.TEAM: f"team {self.name}",
        }
        return words.get(self.kind, self.name)


@dataclass(frozen=True, slots=True)
class NudgeRules:
    """What happens while a stage waits; in minutes from when it opened. None: nothing.

    An escalation tells more people. It lets nobody decide whom the stage doesn't name.
    """

    remind_after: int | None = None
    escalate_after: int | None = None
    escalate_to: tuple[ToldRules, ...] = ()


@dataclass(frozen=True, slots=True)
class NotifyRules:
    """The channels that are told of requests for a role, of access that begins, and of its end."""

    requests: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


NO_NUDGES = NudgeRules()
NO_CHANNELS = NotifyRules()
