"""Proofs of second factors, verified again: from what is stored alone, as anybody could who has a copy.

``docs/adr/0010`` says how they are made, so that another program can do the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.utils import websafe_decode
from fido2.webauthn import AuthenticatorData

from jitportal.models import StepUpProof
from jitportal.operations.passkeys import BROKEN
from jitportal.rules.step_up import Act, Method, challenge, decision_digest


def wrong(proof: StepUpProof) -> str:
    """What is wrong with it, as a sentence; empty: nothing.

    A one-time code can't be verified again: its proof says which code of which device was for which digest.
    """
    if proof.digest != decision_digest(proof.person.username, Act(proof.act), proof.about):
        return "Its digest isn't that of what it says was decided."
    if proof.method != Method.PASSKEY:
        return ""
    try:
        return _wrong_signature(proof)
    except BROKEN:
        return "What the passkey signed can't be read."


def all_wrong() -> Iterator[tuple[StepUpProof, str]]:
    """Those that don't verify, with what is wrong."""
    for proof in StepUpProof.objects.select_related("person").order_by("pk").iterator():
        if problem := wrong(proof):
            yield proof, problem


def _wrong_signature(proof: StepUpProof) -> str:
    client_data = websafe_decode(proof.client_data)
    said = json.loads(client_data)
    if said["type"] != "webauthn.get":
        return "What was signed is no answer to a question."
    if websafe_decode(said["challenge"]) != challenge(proof.nonce, proof.digest):
        return "What was signed is another challenge than that of its digest."
    data = AuthenticatorData(websafe_decode(proof.authenticator_data))
    if not data.is_user_present():
        return "Nobody was present when it was signed."
    key = CoseKey.parse(cast("Mapping[int, Any]", cbor.decode(websafe_decode(proof.public_key))))
    try:
        key.verify(bytes(data) + hashlib.sha256(client_data).digest(), websafe_decode(proof.signature))
    except InvalidSignature:
        return "The signature isn't that of its key."
    return ""
