"""The Ed25519 key that signs evidence: the operator's, or one that is made on first use."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.conf import settings

from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import EvidenceKey
from jitportal.operations import clock
from jitportal.operations.sealing import seal, unseal
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Conflict, OutsideError

_PURPOSE = "evidence"


def signing_key() -> Ed25519PrivateKey:
    """The key in use. Two that make the first one at once agree on one.

    Raises ``OutsideError`` where the operator's is none.
    """
    if settings.EVIDENCE_KEY:
        return _read(settings.EVIDENCE_KEY)
    row = EvidenceKey.objects.order_by("pk").first() or _made()
    return _read(unseal(_PURPOSE, row.sealed))


def public_pem() -> str:
    """The public key as the portal publishes it; empty before the first evidence is taken out."""
    if settings.EVIDENCE_KEY:
        return pem_of(_read(settings.EVIDENCE_KEY))
    row = EvidenceKey.objects.order_by("pk").first()
    return row.public if row is not None else ""


def pem_of(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def fingerprint(pem: str) -> str:
    """What people compare: the SHA-256 of the key as it is published."""
    return f"SHA256:{hashlib.sha256(pem.encode()).hexdigest()}"


def _made() -> EvidenceKey:
    actor = system()
    key = Ed25519PrivateKey.generate()
    secret = base64.b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())).decode()
    try:
        with operation(actor):
            # The system's row serialises this: whoever comes second finds the first one's key.
            type(actor).objects.select_for_update(no_key=True).get(pk=actor.pk)
            known = EvidenceKey.objects.order_by("pk").first()
            if known is not None:
                return known
            now = clock.now()
            pem = pem_of(key)
            made = EvidenceKey.objects.create(public=pem, sealed=seal(_PURPOSE, secret), made_at=now)
            said = f"The portal made the key that signs evidence: {fingerprint(pem)}."
            record(verb="evidence.key_made", actor=actor, sentence=said, now=now)
            return made
    except Conflict:
        return EvidenceKey.objects.earliest("pk")


def _read(text: str) -> Ed25519PrivateKey:
    """From the 32 bytes of the private key, in base64."""
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise OutsideError(
            "JITPORTAL_EVIDENCE_KEY isn't the 32 bytes of an Ed25519 key in base64. Make one with: "
            "openssl rand -base64 32",
            permanent=True,
        ) from error
