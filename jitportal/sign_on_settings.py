"""The OpenID Connect provider, as the environment names it; every error names its variable."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from jitportal.environment import Environment
from jitportal.rules.sign_on import ClaimRules, Linking

_TEAM = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignOn:
    """Single sign-on. ``name`` is what its button says; ``makes_people``: whom nobody knows yet gets in."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False, default="")
    name: str = "your company account"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    claims: ClaimRules = field(default_factory=ClaimRules)
    linking: Linking = Linking.NOBODY
    makes_people: bool = True


def sign_on_settings(env: Environment, *, production: bool) -> SignOn | None:
    """The provider; None where there is none, and people sign in with passwords."""
    issuer = env.text("OIDC_ISSUER").strip()
    if not issuer:
        return None
    parts = urlsplit(issuer)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured("JITPORTAL_OIDC_ISSUER must be the provider's address: https://….")
    if production and parts.scheme != "https":
        raise ImproperlyConfigured("JITPORTAL_OIDC_ISSUER must begin with https:// in production.")
    client_id = env.text("OIDC_CLIENT_ID").strip()
    if not client_id:
        raise ImproperlyConfigured("JITPORTAL_OIDC_CLIENT_ID is missing. The provider gave it to the portal.")
    scopes = env.words("OIDC_SCOPES", "openid,profile,email")
    return SignOn(
        issuer=issuer,
        client_id=client_id,
        client_secret=env.secret("OIDC_CLIENT_SECRET"),
        name=env.text("OIDC_NAME", "your company account").strip(),
        scopes=tuple(dict.fromkeys(("openid", *scopes))),
        claims=_claims(env),
        linking=_linking(env.text("OIDC_LINK", Linking.NOBODY)),
        makes_people=env.flag("OIDC_MAKES_PEOPLE", default=True),
    )


def _claims(env: Environment) -> ClaimRules:
    return ClaimRules(
        username=env.text("OIDC_USERNAME_CLAIM", "preferred_username"),
        name=env.text("OIDC_NAME_CLAIM", "name"),
        mail=env.text("OIDC_MAIL_CLAIM", "email"),
        manager=env.text("OIDC_MANAGER_CLAIM"),
        groups=env.text("OIDC_GROUPS_CLAIM", "groups"),
        teams=_teams(env.text("OIDC_TEAMS")),
        needed=frozenset(_listed(env.text("OIDC_NEEDED_GROUPS"), "OIDC_NEEDED_GROUPS")),
        active=env.text("OIDC_ACTIVE_CLAIM"),
    )


def _linking(said: str) -> Linking:
    try:
        return Linking(said.strip().lower())
    except ValueError:
        offered = ", ".join(Linking)
        raise ImproperlyConfigured(f"JITPORTAL_OIDC_LINK is {said!r}. Set it to one of: {offered}.") from None


def _teams(said: str) -> dict[str, str]:
    """``group=team`` with commas, or a JSON object where a group's name holds such signs itself."""
    if said.lstrip().startswith("{"):
        pairs = _json(said, "OIDC_TEAMS")
        teams = {str(group): str(team) for group, team in pairs.items()} if isinstance(pairs, dict) else {}
    else:
        split = [word.rpartition("=") for word in said.split(",") if word.strip()]
        teams = {group.strip(): team.strip() for group, _, team in split}
    for group, team in teams.items():
        if not group or not _TEAM.fullmatch(team):
            raise ImproperlyConfigured(
                f"JITPORTAL_OIDC_TEAMS: {group!r} can't mean team {team!r}. Write group=team, with commas; a "
                "team's key is small letters, digits, hyphens and underscores."
            )
    return teams


def _listed(said: str, name: str) -> list[str]:
    if said.lstrip().startswith("["):
        found = _json(said, name)
        return [str(one) for one in found] if isinstance(found, list) else []
    return [word.strip() for word in said.split(",") if word.strip()]


def _json(said: str, name: str) -> object:
    try:
        found: object = json.loads(said)
    except ValueError as error:
        raise ImproperlyConfigured(f"JITPORTAL_{name} isn't JSON: {error}.") from None
    return found
