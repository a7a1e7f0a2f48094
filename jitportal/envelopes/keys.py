"""Custodians' keys: an X25519 key each, the private one under a passphrase."""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

PUBLIC, PRIVATE = "jitportal-custodian-1", "jitportal-custodian-key-1"
SHORTEST_PASSPHRASE = 14
#: Scrypt's cost: 64 MB and a fraction of a second for each guess.
COST, BLOCK, PARALLEL = 2**16, 8, 1
#: A file that asks for more is no key of ours: it would only fill the memory.
_MOST = 2**20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}", re.ASCII)


class EnvelopeError(Exception):
    """A refusal, as a sentence for the custodians."""


@dataclass(frozen=True, slots=True)
class Custodian:
    """Who holds a share, and the public key that it is encrypted to."""

    name: str
    key: bytes

    def public(self) -> X25519PublicKey:
        return X25519PublicKey.from_public_bytes(self.key)

    def text(self) -> str:
        """The public file: it may be shown to anybody."""
        return _text({"format": PUBLIC, "name": self.name, "key": encoded(self.key)})


def make(name: str, passphrase: str) -> tuple[Custodian, str]:
    """A new key: its public half, and the private file's text."""
    if not _NAME.fullmatch(name):
        raise EnvelopeError("A custodian's name is letters, digits, full stops, hyphens, underscores and @.")
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise EnvelopeError(
            f"The passphrase needs at least {SHORTEST_PASSPHRASE} characters: several words are easiest."
        )
    private = X25519PrivateKey.generate()
    custodian = Custodian(name, private.public_key().public_bytes_raw())
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    box = ChaCha20Poly1305(_stretched(passphrase, salt, COST, BLOCK, PARALLEL))
    head = {
        "format": PRIVATE,
        "name": name,
        "key": encoded(custodian.key),
        "salt": encoded(salt),
        "cost": [COST, BLOCK, PARALLEL],
        "nonce": encoded(nonce),
    }
    sealed = box.encrypt(nonce, private.private_bytes_raw(), canonical(head))
    return custodian, _text({**head, "sealed": encoded(sealed)})


def read_public(text: str) -> Custodian:
    """The custodian of a public file. Raises ``EnvelopeError``."""
    said = loaded(text, PUBLIC, "a custodian's public key")
    return custodian_of(said)


def custodian_of(said: dict[str, Any]) -> Custodian:
    """The custodian as a file describes them."""
    name, key = said.get("name"), decoded(said.get("key"))
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(key) != 32:
        raise EnvelopeError("The file doesn't name a custodian with a key.")
    return Custodian(name, key)


def read_private(text: str, passphrase: str) -> tuple[Custodian, X25519PrivateKey]:
    """The custodian and their key. Raises ``EnvelopeError``: for a wrong passphrase, in words."""
    said = loaded(text, PRIVATE, "a custodian's private key")
    custodian = custodian_of(said)
    sealed, nonce, salt = (decoded(said.get(name)) for name in ("sealed", "nonce", "salt"))
    cost = said.get("cost")
    if (
        not isinstance(cost, list)
        or len(cost) != 3
        or not all(isinstance(one, int) and 0 < one <= _MOST for one in cost)
        or cost[0] & (cost[0] - 1)
        or cost[0] < 2
        or cost[1] * cost[2] > 64
    ):
        raise EnvelopeError("The key file has been changed: its cost can't be right.")
    box = ChaCha20Poly1305(_stretched(passphrase, salt, *cost))
    head = {name: value for name, value in said.items() if name != "sealed"}
    try:
        private = X25519PrivateKey.from_private_bytes(box.decrypt(nonce, sealed, canonical(head)))
    except (InvalidTag, ValueError):
        raise EnvelopeError(
            f"That isn't the passphrase of {custodian.name}'s key, or the key file has been changed."
        ) from None
    return custodian, private


def canonical(said: dict[str, Any]) -> bytes:
    """The same bytes for the same content, however a file is laid out."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def loaded(text: str, wanted: str, what: str) -> dict[str, Any]:
    """The file's content, if it is of the format that is wanted."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.get("format") != wanted:
        raise EnvelopeError(f"This file isn't {what}.")
    return said


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def decoded(text: object) -> bytes:
    """The bytes; raises ``EnvelopeError`` where it isn't base64."""
    try:
        return b64decode(text if isinstance(text, str) else "!", validate=True)
    except ValueError:
        raise EnvelopeError("The file has been changed: a part of it can't be read.") from None


def _stretched(passphrase: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=block, p=parallel).derive(passphrase.encode())


def _text(said: dict[str, Any]) -> str:
    return json.dumps(said, indent=2) + "\n"
