"""The receivers of webhooks, as the environment names them; every error names its variable."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured

from jitportal.environment import Environment

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """One receiver. Whoever has a secret can forge what it is told, and an address may hold one too."""

    name: str
    address: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def webhook_endpoints(env: Environment) -> dict[str, WebhookEndpoint]:
    """Those that ``JITPORTAL_WEBHOOKS`` names, each with its address and its secrets.

    Several secrets sign side by side while a receiver changes from one to the next.
    """
    return {name: _endpoint(env, name) for name in env.words("WEBHOOKS")}


def _endpoint(env: Environment, name: str) -> WebhookEndpoint:
    if not _NAME.fullmatch(name):
        raise ImproperlyConfigured(
            f"JITPORTAL_WEBHOOKS: {name!r} can't be a receiver's name. Use 1 to 40 small letters, digits, "
            "hyphens and underscores."
        )
    variable = f"WEBHOOK_{name.upper().replace('-', '_')}"
    address = env.secret(variable)
    if not address.startswith(("https://", "http://")):
        raise ImproperlyConfigured(
            f"JITPORTAL_{variable} (or JITPORTAL_{variable}_FILE) must hold the address of receiver {name}. "
            "It begins with https://."
        )
    secrets = tuple(env.secret(f"{variable}_SECRET").replace(",", " ").split())
    if not secrets or not all(map(_is_secret, secrets)):
        raise ImproperlyConfigured(
            f"JITPORTAL_{variable}_SECRET (or JITPORTAL_{variable}_SECRET_FILE) must hold a secret for "
            f"receiver {name}: {_PREFIX} and the base64 of {_SHORTEST} to {_LONGEST} random bytes. Several, "
            "with blanks between them, sign side by side."
        )
    return WebhookEndpoint(name, address, secrets)


def _is_secret(text: str) -> bool:
    if not text.startswith(_PREFIX):
        return False
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return _SHORTEST <= len(key) <= _LONGEST
