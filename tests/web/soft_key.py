"""A passkey made of software: it signs for whatever site and challenge it is told to."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from jitportal.models import Person
from jitportal.operations import passkeys
from jitportal.operations.passkeys import Site

_PRESENT = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


class SoftKey:
    """One key of a person's, known to the portal for this site."""

    def __init__(self, person: Person, site: Site) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._id = hashlib.sha256(person.username.encode()).digest()
        public = ES256.from_cryptography_key(self._private.public_key())  # type: ignore[no-untyped-call] # fido2
        credential = AttestedCredentialData.create(b"\0" * 16, self._id, public)
        data = AuthenticatorData.create(
            _hash(site.host), _PRESENT | AuthenticatorData.FLAG.AT, 0, bytes(credential)
        )
        response = {
            "clientDataJSON": websafe_encode(_client_data("webauthn.create", b"made", site.origin)),
            "attestationObject": websafe_encode(bytes(AttestationObject.create("none", data, {}))),
        }
        passkeys.store(person, "soft key", self._said(response))

    def answer(self, challenge: bytes, site: Site, *, what: str = "webauthn.get") -> str:
        """What a browser would send from this site."""
        data = AuthenticatorData.create(_hash(site.host), _PRESENT, 1)
        client = _client_data(what, challenge, site.origin)
        signature = self._private.sign(bytes(data) + _digest(client), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client),
            "authenticatorData": websafe_encode(bytes(data)),
            "signature": websafe_encode(signature),
        }
        return json.dumps(self._said(response))

    def _said(self, response: dict[str, Any]) -> dict[str, Any]:
        name = websafe_encode(self._id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }


def _client_data(what: str, challenge: bytes, origin: str) -> bytes:
    return bytes(CollectedClientData.create(what, challenge, origin))


def _hash(host: str) -> bytes:
    return _digest(host.encode())


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
