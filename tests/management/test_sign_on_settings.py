"""The settings of single sign-on: each error names its variable, and the secret is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from jitportal.environment import Environment
from jitportal.rules.sign_on import Linking
from jitportal.sign_on_settings import SignOn, sign_on_settings

ISSUER = {"OIDC_ISSUER": "https://idp.example.org/realms/x", "OIDC_CLIENT_ID": "jitportal"}


def read(**said: str) -> SignOn | None:
    return sign_on_settings(environment(**said), production=False)


def environment(**said: str) -> Environment:
    return Environment({f"JITPORTAL_{name}": value for name, value in said.items()})


def test_without_an_issuer_there_is_none() -> None:
    assert read() is None


def test_a_provider(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush-7d\n")
    set_up = read(
        **ISSUER,
        OIDC_CLIENT_SECRET_FILE=str(secret),
        OIDC_SCOPES="profile,groups",
        OIDC_TEAMS="/dba=dba, /eng=platform",
        OIDC_NEEDED_GROUPS="/staff",
        OIDC_LINK="directory",
    )
    assert set_up is not None
    assert set_up.client_secret == "hush-7d"
    assert "hush" not in repr(set_up)
    assert set_up.scopes == ("openid", "profile", "groups")
    assert set_up.claims.teams == {"/dba": "dba", "/eng": "platform"}
    assert set_up.claims.needed == {"/staff"}
    assert set_up.linking is Linking.DIRECTORY


def test_groups_whose_names_hold_commas_are_written_as_json() -> None:
    set_up = read(
        **ISSUER, OIDC_TEAMS='{"CN=dba,OU=Groups": "dba"}', OIDC_NEEDED_GROUPS='["CN=staff,OU=Groups"]'
    )
    assert set_up is not None
    assert set_up.claims.teams == {"CN=dba,OU=Groups": "dba"}
    assert set_up.claims.needed == {"CN=staff,OU=Groups"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"OIDC_ISSUER": "idp.example.org"}, "JITPORTAL_OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://idp.example.org?x=1"}, "JITPORTAL_OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://idp.example.org"}, "JITPORTAL_OIDC_CLIENT_ID"),
        ({**ISSUER, "OIDC_LINK": "maybe"}, "JITPORTAL_OIDC_LINK"),
        ({**ISSUER, "OIDC_TEAMS": "dba"}, "JITPORTAL_OIDC_TEAMS"),
        ({**ISSUER, "OIDC_TEAMS": "/dba=The DBAs"}, "JITPORTAL_OIDC_TEAMS"),
        ({**ISSUER, "OIDC_TEAMS": "{"}, "JITPORTAL_OIDC_TEAMS isn't JSON"),
        ({**ISSUER, "OIDC_MAKES_PEOPLE": "perhaps"}, "JITPORTAL_OIDC_MAKES_PEOPLE"),
    ],
)
def test_what_is_wrong_is_named(said: dict[str, str], why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=why):
        read(**said)


def test_a_provider_without_tls_is_refused_in_production() -> None:
    with pytest.raises(ImproperlyConfigured, match="https:// in production"):
        sign_on_settings(environment(OIDC_ISSUER="http://idp", OIDC_CLIENT_ID="x"), production=True)
