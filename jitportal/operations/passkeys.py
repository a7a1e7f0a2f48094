"""Passkeys: the two ceremonies of WebAuthn, by fido2. Stored by allauth, as the browser gave them."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.exceptions import UnsupportedAlgorithm
from fido2 import cbor
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from jitportal.models import Person

#: What parsing an answer that is none may raise, down in the library.
BROKEN = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    EOFError,
    struct.error,
    UnsupportedAlgorithm,
)

#: A browser's answer is a few kilobytes.
LONGEST_ANSWER = 64_000


class NoPasskey(Exception):
    """The answer isn't what was asked for: another challenge, host or key, or no answer at all."""


@dataclass(frozen=True, slots=True)
class Site:
    """For which host passkeys are, and from which origin a browser may speak of them."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class Signed:
    """What a passkey has signed, in base64url, and the key that verifies it."""

    factor: Authenticator
    credential_id: str
    public_key: str
    authenticator_data: str
    client_data: str
    signature: str


def to_register(person: Person, site: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the browser is asked for, and what its answer is compared with."""
    user = PublicKeyCredentialUserEntity(
        id=f"person {person.pk}".encode(), name=person.username, display_name=str(person)
    )
    options, state = _server(site).register_begin(
        user=user,
        credentials=[credential for _factor, credential in _credentials(person)],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return dict(options), dict(state)


def registered(state: Mapping[str, Any], answer: str, site: Site) -> dict[str, Any]:
    """The browser's answer, verified, as it is stored. Raises ``NoPasskey``."""
    said = _parsed(answer)
    try:
        _server(site).register_complete(dict(state), said)
    except BROKEN as error:
        raise NoPasskey(str(error)) from error
    return said


def refuse_known(credential: Mapping[str, Any]) -> None:
    """Raises ``NoPasskey`` where somebody has this passkey already."""
    known = Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN)
    if known.filter(data__credential__rawId=credential["rawId"]).exists():
        raise NoPasskey("This passkey is known already.")


def fingerprint(credential: Mapping[str, Any]) -> str:
    """What tells this passkey from every other: the hash of its id and of all that its device said of it."""
    said = f"{credential['rawId']}:{credential['response']['attestationObject']}"
    return hashlib.sha256(said.encode()).hexdigest()


def store(person: Person, name: str, credential: Mapping[str, Any]) -> Authenticator:
    """Keep a passkey that nobody has yet."""
    made: Authenticator = Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": name, "credential": dict(credential)},
    )
    return made


def to_sign(person: Person, challenge: bytes, site: Site) -> dict[str, Any] | None:
    """What the browser is asked to sign with one of the person's passkeys; None: there is none."""
    credentials = [credential for _factor, credential in _credentials(person)]
    if not credentials:
        return None
    options, _state = _server(site).authenticate_begin(
        credentials=credentials,
        user_verification=UserVerificationRequirement.PREFERRED,
        challenge=challenge,
    )
    return dict(options)


def signed(person: Person, challenge: bytes, answer: str, site: Site) -> Signed:
    """The signature, verified against this person's passkeys. Raises ``NoPasskey``."""
    said, held = _parsed(answer), _credentials(person)
    state = {
        "challenge": websafe_encode(challenge),
        "user_verification": UserVerificationRequirement.PREFERRED,
    }
    try:
        used = _server(site).authenticate_complete(state, [one for _factor, one in held], said)
        response = AuthenticationResponse.from_dict(said).response
    except BROKEN as error:
        raise NoPasskey(str(error)) from error
    factor = next(one for one, credential in held if credential.credential_id == used.credential_id)
    return Signed(
        factor=factor,
        credential_id=websafe_encode(used.credential_id),
        public_key=websafe_encode(cbor.encode(dict(used.public_key))),
        authenticator_data=websafe_encode(bytes(response.authenticator_data)),
        client_data=websafe_encode(bytes(response.client_data)),
        signature=websafe_encode(response.signature),
    )


def credential_of(factor: Authenticator) -> AttestedCredentialData:
    """The public half of a stored passkey."""
    stored = RegistrationResponse.from_dict(factor.data["credential"])
    data: AttestedCredentialData | None = stored.response.attestation_object.auth_data.credential_data
    if data is None:
        raise NoPasskey("The stored passkey has no key.")
    return data


def _credentials(person: Person) -> list[tuple[Authenticator, AttestedCredentialData]]:
    rows = Authenticator.objects.filter(user=person, type=Authenticator.Type.WEBAUTHN).order_by("pk")
    return [(factor, credential_of(factor)) for factor in rows]


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST_ANSWER:
        raise NoPasskey("The answer is too long.")
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise NoPasskey("The answer can't be read.") from error
    if not isinstance(said, dict):
        raise NoPasskey("The answer can't be read.")
    return said


def _server(site: Site) -> Fido2Server:
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=site.host, name="jitportal"),
        verify_origin=lambda origin: origin == site.origin,
    )
