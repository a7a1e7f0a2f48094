"""Public keys in OpenSSH's format: read strictly, and named by their fingerprint."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

#: What may be certified; DSA and keys of other kinds are too weak or unknown to older hosts.
TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
LONGEST = 5_000  # characters: RSA with 16384 bits has 2,800
LEAST_RSA_BITS = 3072
LARGEST_RSA_BITS = 16_384
_LINE = re.compile(
    r"(?P<type>[a-z0-9@.-]+)[ \t]+(?P<key>[A-Za-z0-9+/]+={0,2})(?:[ \t]+(?P<comment>[^\r\n]*))?"
)


class UnusableKey(ValueError):
    """Why a text is no key that can be certified: a sentence, with what to do."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key in its shortest form; ``comment`` is what its owner calls it."""

    type: str
    key: str
    comment: str

    @property
    def line(self) -> str:
        return f"{self.type} {self.key}"

    @property
    def blob(self) -> bytes:
        return base64.b64decode(self.key)

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` shows it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip('=')}"


def read_public_key(text: str) -> PublicKey:
    """One public key, as it stands in a ``.pub`` file. Raises ``UnusableKey``."""
    text = text.strip()
    if "PRIVATE KEY" in text:
        raise UnusableKey(
            "This is a private key, which nobody else may see: never send it. Paste the file that ends in "
            ".pub. Make a new key if this one has been shown to anybody."
        )
    if len(text) > LONGEST:
        raise UnusableKey(f"A public key has {LONGEST} characters at most. Paste one .pub file.")
    found = _LINE.fullmatch(text)
    if found is None:
        raise UnusableKey("Paste one line of a .pub file: a type, such as ssh-ed25519, and the key.")
    kind = found["type"]
    if "-cert-v0" in kind:
        raise UnusableKey("This is a certificate. Paste the public key that it was made for.")
    if kind not in TYPES:
        raise UnusableKey(f"Keys of the type {kind[:60]} aren't certified. Use ssh-ed25519.")
    key = PublicKey(kind, found["key"], (found["comment"] or "").strip()[:100])
    _check(key)
    return key


def _check(key: PublicKey) -> None:
    broken = UnusableKey("The key is cut off or changed. Copy the whole line of the .pub file.")
    try:
        loaded = load_ssh_public_key(key.line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise broken from error
    if base64.b64encode(key.blob).decode() != key.key:
        raise broken
    if isinstance(loaded, RSAPublicKey) and not LEAST_RSA_BITS <= loaded.key_size <= LARGEST_RSA_BITS:
        raise UnusableKey(
            f"An RSA key needs {LEAST_RSA_BITS} to {LARGEST_RSA_BITS} bits; this one has {loaded.key_size}. "
            "Make another: ssh-keygen -t ed25519"
        )
