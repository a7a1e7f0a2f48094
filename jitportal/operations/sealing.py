"""Secrets that must be read again later are sealed before they are stored, for one purpose each.

The keys come from the environment (``settings.SEALING_KEYS``). The first seals; all of them open, so that a
key is changed by putting a new one before it, and sealing anew.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from jitportal.rules.errors import JitportalError


class Unreadable(JitportalError):
    """No key that the portal has opens this: it was sealed with another, or changed since."""


def seal(purpose: str, text: str) -> str:
    """The text, encrypted and authenticated for this purpose alone."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """The text that was sealed for this purpose. Raises ``Unreadable``."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable(
            f"A secret ({purpose}) can't be read with the keys that are set. Put the key that sealed it "
            "into JITPORTAL_SEALING_KEY_FALLBACKS."
        ) from None


def _box(purpose: str) -> MultiFernet:
    return MultiFernet([_fernet(purpose, key) for key in settings.SEALING_KEYS])


def _fernet(purpose: str, key: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"jitportal.sealing.{purpose}".encode())
    return Fernet(urlsafe_b64encode(derived.derive(key.encode())))
