"""What a provider's claims say of somebody, read as the operator states it; pure.

A claim is named as it stands in the token, or by its way through it with full stops (``realm_access.roles``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from jitportal.rules.errors import NotAllowed
from jitportal.rules.plain_text import is_plain

LONGEST = 200


class Linking(StrEnum):
    """Which people the portal knows already may be those whom the provider names by username."""

    NOBODY = "nobody"
    DIRECTORY = "directory"  # whom the directory's file has brought
    ANYBODY = "anybody"


class Unwanted(NotAllowed):
    """The provider vouches for somebody whom the portal doesn't let in."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Which claims say what. Empty: the provider doesn't say it, and what is known stays.

    ``teams``: the provider's groups, each with the portal's team that it means. No other team is touched.
    ``needed``: groups of which one is needed to come in. ``active``: a claim that must be true.
    """

    username: str = "preferred_username"
    name: str = "name"
    mail: str = "email"
    manager: str = ""
    groups: str = "groups"
    teams: Mapping[str, str] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    active: str = ""

    @property
    def governed(self) -> frozenset[str]:
        """The teams that the provider decides about."""
        return frozenset(self.teams.values())

    def names(self) -> frozenset[str]:
        """Every claim that is read."""
        said = {self.username, self.name, self.mail, self.manager, self.active}
        groups = {self.groups} if self.teams or self.needed else set()
        return frozenset((said | groups) - {""})


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody whom the provider vouches for. None: it doesn't say.

    ``gone``: why it says that they have left; empty while they haven't.
    """

    subject: str
    username: str
    name: str
    mail: str | None = None
    manager: str | None = None
    teams: frozenset[str] | None = None
    gone: str = ""


def arrival(claims: Mapping[str, object], rules: ClaimRules) -> Arrival:
    """Who arrives. Raises ``Unwanted`` where the claims don't say what is needed to know."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or len(subject) > 255:
        raise Unwanted("The provider didn't say who you are (sub). Its operator has to mend that.")
    username = _text(claims, rules.username)
    if not username:
        raise Unwanted(
            f"The provider didn't say your username (claim {rules.username}). An administrator of it can "
            "have it told to the portal."
        )
    groups = _groups(claims, rules)
    return Arrival(
        subject=subject,
        username=username.lower(),
        name=_text(claims, rules.name) or username,
        mail=_text(claims, rules.mail),
        manager=_manager(claims, rules),
        teams=None if groups is None else frozenset(rules.teams[one] for one in groups & set(rules.teams)),
        gone=_gone(claims, rules, groups),
    )


def _gone(claims: Mapping[str, object], rules: ClaimRules, groups: frozenset[str] | None) -> str:
    if rules.active:
        said = find(claims, rules.active)
        if said is None:
            raise Unwanted(
                f"The provider didn't say whether your account is active (claim {rules.active}). An "
                "administrator of it can have it told to the portal."
            )
        if said not in (True, "true", "yes", "1", 1):
            return f"The provider says that the account isn't active (claim {rules.active})."
    if rules.needed:
        if groups is None:
            raise Unwanted(
                f"The provider didn't say your groups (claim {rules.groups}), and one of them is needed. An "
                "administrator of it can have them told to the portal."
            )
        if not groups & rules.needed:
            return "The provider names none of the groups that may come in."
    return ""


def find(claims: Mapping[str, object], name: str) -> object:
    """The claim of this name, or at the end of this way; None where there is none."""
    if not name or name in claims:
        return claims.get(name)
    found: object = claims
    for step in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def _text(claims: Mapping[str, object], name: str) -> str | None:
    said = find(claims, name)
    if not isinstance(said, str):
        return None
    text = " ".join(said.split())[:LONGEST]
    return text if is_plain(text) else None


def _manager(claims: Mapping[str, object], rules: ClaimRules) -> str | None:
    said = _text(claims, rules.manager) if rules.manager else None
    return None if said is None else said.lower()


def _groups(claims: Mapping[str, object], rules: ClaimRules) -> frozenset[str] | None:
    if not rules.teams and not rules.needed:
        return None
    said = find(claims, rules.groups)
    if isinstance(said, str):
        return frozenset({said})
    if not isinstance(said, list | tuple):
        return None
    return frozenset(one for one in said if isinstance(one, str))
