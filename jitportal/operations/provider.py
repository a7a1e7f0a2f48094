"""Talks to the provider of single sign-on, and believes nothing that it hasn't verified.

OpenID Connect's authorization code flow with PKCE: the id token's signature, issuer, audience, times and
nonce are checked, whichever way it came. Only asymmetric signatures count: nobody but the provider can
have signed. See docs/adr/0011.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlencode, urlsplit

import jwt
from django.conf import settings
from django.core.cache import cache

from jitportal.operations import outgoing
from jitportal.rules.sign_on import find
from jitportal.sign_on_settings import SignOn

SECONDS = 6.0
#: So long nobody asks a provider again that gave no answer: one that hangs would hold every thread.
REST_SECONDS = 5
LARGEST = 512 * 1024
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
#: By so much the provider's clock may differ from ours.
LEEWAY = 60
_RESTS = "jitportal.provider.rests"
_NEEDED = ["iss", "sub", "aud", "exp", "iat"]


class ProviderTrouble(Exception):
    """The provider doesn't answer, or not as OpenID Connect says. The sentence is for whoever signs in."""


class TokenRefused(Exception):
    """What came isn't a proof that this provider has signed this person in here and now."""


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider says of itself."""

    sign_on: SignOn
    authorize: str
    token: str
    keys: str
    userinfo: str
    by_basic: bool

    @property
    def issuer(self) -> str:
        return self.sign_on.issuer


def current() -> SignOn | None:
    """The provider that the operator has set up."""
    sign_on: SignOn | None = settings.SIGN_ON
    return sign_on


def discover(sign_on: SignOn) -> Provider:
    """Ask the provider where its doors are. Raises ``ProviderTrouble``; at once, while it rests."""
    if resting := cache.get(_RESTS):
        raise ProviderTrouble(resting)
    said = _json(sign_on.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if said.get("issuer") != sign_on.issuer:
        raise ProviderTrouble(
            "The provider calls itself by another name than the operator does (JITPORTAL_OIDC_ISSUER)."
        )
    methods = said.get("token_endpoint_auth_methods_supported")
    return Provider(
        sign_on,
        authorize=_door(said, "authorization_endpoint", sign_on),
        token=_door(said, "token_endpoint", sign_on),
        keys=_door(said, "jwks_uri", sign_on),
        userinfo=_door(said, "userinfo_endpoint", sign_on) if said.get("userinfo_endpoint") else "",
        by_basic=not isinstance(methods, list) or "client_secret_basic" in methods,
    )


def authorize_address(
    provider: Provider, *, back: str, state: str, nonce: str, verifier: str, again: bool = False
) -> str:
    """Where the browser goes to sign in. ``again``: though they have signed in there already."""
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    said = {
        "response_type": "code",
        "client_id": provider.sign_on.client_id,
        "redirect_uri": back,
        "scope": " ".join(provider.sign_on.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if again else {}),
    }
    joint = "&" if urlsplit(provider.authorize).query else "?"
    return f"{provider.authorize}{joint}{urlencode(said)}"


def redeem(provider: Provider, *, code: str, back: str, nonce: str, verifier: str) -> dict[str, object]:
    """The verified claims of who has signed in. Raises ``ProviderTrouble``, ``TokenRefused``."""
    sign_on = provider.sign_on
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": verifier,
    }
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    if sign_on.client_secret and provider.by_basic:
        pair = f"{quote(sign_on.client_id, safe='')}:{quote(sign_on.client_secret, safe='')}"
        headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    else:
        form["client_id"] = sign_on.client_id
        if sign_on.client_secret:
            form["client_secret"] = sign_on.client_secret
    said = _json(provider.token, method="POST", body=urlencode(form).encode(), headers=headers)
    token = said.get("id_token")
    if not isinstance(token, str):
        raise TokenRefused("The provider gave no id token.")
    claims = verified(provider, token, nonce=nonce)
    return {**_userinfo(provider, claims, said.get("access_token")), **claims}


def verified(provider: Provider, token: str, *, nonce: str) -> dict[str, object]:
    """The claims of an id token that this provider signed for this portal, now, for this browser."""
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise TokenRefused("The id token is signed in a way that proves nothing.")
        claims = jwt.decode(
            token,
            key=_key(provider, header),
            algorithms=[header["alg"]],
            audience=provider.sign_on.client_id,
            issuer=provider.issuer,
            leeway=LEEWAY,
            options={"require": _NEEDED},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise TokenRefused(f"The id token isn't valid: {type(error).__name__}.") from None
    if not nonce or claims.get("nonce") != nonce:
        raise TokenRefused("The id token was made for another sign-in (nonce).")
    if claims.get("azp", provider.sign_on.client_id) != provider.sign_on.client_id:
        raise TokenRefused("The id token was made for another application (azp).")
    return dict(claims)


def _key(provider: Provider, header: Mapping[str, object]) -> jwt.PyJWK:
    """The provider's key by its id; where neither side names one, the only key there is."""
    keys = _json(provider.keys).get("keys")
    usable = [
        key
        for key in (keys if isinstance(keys, list) else [])
        if isinstance(key, dict) and key.get("use", "sig") == "sig" and key.get("kty") != "oct"
    ]
    wanted = header.get("kid")
    found = [key for key in usable if key.get("kid") == wanted] if wanted else usable
    if len(found) != 1:
        raise TokenRefused("The provider has no such key.")
    return jwt.PyJWK(found[0], algorithm=str(header["alg"]))


def _userinfo(provider: Provider, claims: Mapping[str, object], access: object) -> dict[str, object]:
    """What the id token leaves out, where the provider tells it apart."""
    left_out = [name for name in provider.sign_on.claims.names() if find(claims, name) is None]
    if not left_out or not provider.userinfo or not isinstance(access, str):
        return {}
    said = _json(provider.userinfo, headers={"authorization": f"Bearer {access}"})
    if said.get("sub") != claims["sub"]:
        raise TokenRefused("The provider's answers are about two people.")
    return said


def _door(said: Mapping[str, object], name: str, sign_on: SignOn) -> str:
    address = said.get(name)
    secure = urlsplit(sign_on.issuer).scheme == "https"
    if not isinstance(address, str) or outgoing.refusal(address):
        raise ProviderTrouble(f"The provider doesn't say its {name}.")
    if secure and not address.startswith("https://"):
        raise ProviderTrouble(f"The provider's {name} isn't on https.")
    return address


def _json(
    address: str, *, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> dict[str, object]:
    try:
        answer = outgoing.call(
            address,
            method=method,
            body=body,
            headers=headers,
            seconds=SECONDS,
            largest=LARGEST,
            anywhere=True,
        )
    except outgoing.CallFailed as error:
        cache.set(_RESTS, trouble := f"The provider can't be reached. {error}", REST_SECONDS)
        raise ProviderTrouble(trouble) from None
    if answer.status != 200 or answer.cut:
        raise ProviderTrouble(f"The provider answered {answer.status}.")
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ProviderTrouble("The provider's answer can't be read.")
    return said
