"""The envelope: its content under a random key, that key in shares, each share under a custodian's key.

The content is encrypted with ChaCha20-Poly1305. Its key comes (HKDF-SHA256) from 16 random bytes, which
Shamir's scheme splits so that M shares give them and M - 1 say nothing. Each share is encrypted to one
custodian's X25519 key by HPKE (RFC 9180). Everything that the file says is bound into both, so that nothing
in it can be changed unseen.
"""

from __future__ import annotations

import json
import secrets
from base64 import b32decode, b32encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from Crypto.Protocol.SecretSharing import Shamir
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from jitportal.envelopes.keys import (
    Custodian,
    EnvelopeError,
    canonical,
    custodian_of,
    decoded,
    encoded,
    loaded,
)

FORMAT = "jitportal-envelope-1"
LARGEST = 1_000_000
_SECRET = 16  # what the scheme shares
_CHECK = 4
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed envelope as its file says it. ``shares`` are in the order of the custodians."""

    number: str
    title: str
    account: str
    made_at: str
    needed: int
    custodians: tuple[Custodian, ...]
    shares: tuple[bytes, ...]
    nonce: bytes
    content: bytes

    @property
    def head(self) -> dict[str, Any]:
        """What the file says in the open."""
        return {
            "format": FORMAT,
            "number": self.number,
            "title": self.title,
            "account": self.account,
            "made_at": self.made_at,
            "needed": self.needed,
            "custodians": [{"name": one.name, "key": encoded(one.key)} for one in self.custodians],
        }

    @property
    def mark(self) -> bytes:
        """Stands for everything that is said in the open."""
        return sha256(canonical(self.head)).digest()

    def text(self) -> str:
        """The file."""
        said = {
            **self.head,
            "shares": [encoded(share) for share in self.shares],
            "nonce": encoded(self.nonce),
            "content": encoded(self.content),
        }
        return json.dumps(said, indent=2) + "\n"


def seal(
    content: bytes, *, title: str, account: str, made_at: str, needed: int, custodians: Sequence[Custodian]
) -> Envelope:
    """Put the content into an envelope that any ``needed`` of the custodians can open together."""
    _check(content, needed, custodians)
    secret, nonce = secrets.token_bytes(_SECRET), secrets.token_bytes(12)
    made = Envelope(
        number=secrets.token_hex(8),
        title=title,
        account=account,
        made_at=made_at,
        needed=needed,
        custodians=tuple(custodians),
        shares=(),
        nonce=nonce,
        content=b"",
    )
    shares = tuple(
        _SUITE.encrypt(share, custodian.public(), _about(made.mark, index))
        for (index, share), custodian in zip(
            Shamir.split(needed, len(custodians), secret), custodians, strict=True
        )
    )
    sealed = _box(secret, made.mark).encrypt(nonce, content, _bound(made.mark, shares))
    return replace(made, shares=shares, content=sealed)


def read(text: str) -> Envelope:
    """The envelope that the file holds. Raises ``EnvelopeError``."""
    said = loaded(text, FORMAT, "a sealed envelope")
    custodians, shares, needed = said.get("custodians"), said.get("shares"), said.get("needed")
    words = [said.get(name) for name in ("number", "title", "account", "made_at")]
    if (
        not isinstance(custodians, list)
        or not isinstance(shares, list)
        or len(custodians) != len(shares)
        or not isinstance(needed, int)
        or not 1 <= needed <= len(custodians)
        or not all(isinstance(one, dict) for one in custodians)
        or not all(isinstance(word, str) for word in words)
    ):
        raise EnvelopeError("The envelope's file has been changed: it contradicts itself.")
    return Envelope(
        number=said["number"],
        title=said["title"],
        account=said["account"],
        made_at=said["made_at"],
        needed=needed,
        custodians=tuple(custodian_of(one) for one in custodians),
        shares=tuple(decoded(share) for share in shares),
        nonce=decoded(said.get("nonce")),
        content=decoded(said.get("content")),
    )


def share_of(envelope: Envelope, custodian: Custodian, private: X25519PrivateKey) -> tuple[int, bytes]:
    """The custodian's own share, with its number. Raises ``EnvelopeError``."""
    for number, one in enumerate(envelope.custodians, start=1):
        if one.key != custodian.key:
            continue
        try:
            about = _about(envelope.mark, number)
            return number, _SUITE.decrypt(envelope.shares[number - 1], private, about)
        except (InvalidTag, ValueError):
            raise EnvelopeError(
                f"The envelope has been changed since it was sealed: {custodian.name}'s share doesn't fit."
            ) from None
    raise EnvelopeError(f"{custodian.name} is no custodian of this envelope, or has another key by now.")


def opened(envelope: Envelope, shares: Mapping[int, bytes]) -> bytes:
    """The content. Raises ``EnvelopeError`` for too few shares, and for whatever was changed."""
    if len(shares) < envelope.needed:
        raise EnvelopeError(
            f"{len(shares)} of {envelope.needed} custodians are here. It takes {envelope.needed} of "
            f"{len(envelope.custodians)}: {', '.join(one.name for one in envelope.custodians)}."
        )
    try:
        secret = Shamir.combine(sorted(shares.items())[: envelope.needed])
        box = _box(secret, envelope.mark)
        return box.decrypt(envelope.nonce, envelope.content, _bound(envelope.mark, envelope.shares))
    except (InvalidTag, ValueError):
        raise EnvelopeError(
            "The envelope can't be opened: it has been changed since it was sealed, or a share is wrong."
        ) from None


def share_text(envelope: Envelope, number: int, share: bytes) -> str:
    """A share to read out or to type, with a check against slips."""
    whole = bytes([number]) + share
    text = b32encode(whole + _check_of(envelope, whole)).decode().rstrip("=")
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def share_from(envelope: Envelope, text: str) -> tuple[int, bytes]:
    """The share that somebody typed. Raises ``EnvelopeError``."""
    plain = "".join(text.split()).replace("-", "").upper()
    try:
        data = b32decode(plain + "=" * (-len(plain) % 8))
    except ValueError:
        data = b""
    whole, check = data[:-_CHECK], data[-_CHECK:]
    if len(whole) != 1 + _SECRET or check != _check_of(envelope, whole):
        raise EnvelopeError("A share was mistyped, or belongs to another envelope. Type it again.")
    return whole[0], whole[1:]


def _check(content: bytes, needed: int, custodians: Sequence[Custodian]) -> None:
    if not content:
        raise EnvelopeError("There is nothing to seal.")
    if len(content) > LARGEST:
        raise EnvelopeError(f"The content is larger than {LARGEST:,} bytes.")
    if len({one.key for one in custodians}) != len(custodians):
        raise EnvelopeError("A custodian is named twice: each has one share.")
    if len({one.name for one in custodians}) != len(custodians):
        raise EnvelopeError("Two custodians have the same name. Give one of them another.")
    if not 2 <= needed <= len(custodians) <= 255:
        raise EnvelopeError(
            f"{needed} of {len(custodians)} can't be: at least 2 are needed, and there are 255 at most."
        )


def _about(mark: bytes, number: int) -> bytes:
    return b"jitportal envelope share" + mark + bytes([number])


def _bound(mark: bytes, shares: Sequence[bytes]) -> bytes:
    return mark + b"".join(sha256(share).digest() for share in shares)


def _box(secret: bytes, mark: bytes) -> ChaCha20Poly1305:
    key = HKDF(SHA256(), length=32, salt=mark, info=b"jitportal envelope content").derive(secret)
    return ChaCha20Poly1305(key)


def _check_of(envelope: Envelope, whole: bytes) -> bytes:
    return sha256(b"jitportal envelope check" + envelope.mark + sha256(whole).digest()).digest()[:_CHECK]
