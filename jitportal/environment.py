"""Reads the process's environment for ``jitportal.settings``; every error names its variable."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

from jitportal.rules.limits import Limit
from jitportal.rules.outgoing import Network, allowed_network

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}

#: PostgreSQL ends what stands still: a process that is stopped within a transaction keeps its locks, and
#: everybody would wait for them. Who waits for a lock hears that the portal is busy.
PATIENCE = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"


_CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Channel:
    """A way into a chat. Its address signs in whoever has it, so it is never shown.

    ``for_people``: people may choose it for what they themselves are told.
    """

    name: str
    address: str = field(repr=False)
    for_people: bool = False

    @property
    def personal(self) -> bool:
        """Whether each person is reached by themselves: the address has a place for who they are."""
        return "{username}" in self.address or "{email}" in self.address


class Environment:
    """The variables that begin with ``JITPORTAL_``, read with a type."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def text(self, name: str, default: str = "") -> str:
        return self._variables.get(f"JITPORTAL_{name}", default)

    def words(self, name: str, default: str = "") -> list[str]:
        """A list that is written with commas."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def flag(self, name: str, *, default: bool = False) -> bool:
        said = self.text(name, "1" if default else "0").strip().lower()
        if said in _TRUE:
            return True
        if said in _FALSE:
            return False
        raise ImproperlyConfigured(f"JITPORTAL_{name} is {said!r}. Set it to 1 or to 0.")

    def number(self, name: str, default: int) -> int:
        said = self.text(name, str(default))
        try:
            return int(said)
        except ValueError:
            raise ImproperlyConfigured(f"JITPORTAL_{name} is {said!r}. Set it to a whole number.") from None

    def limit(self, name: str, default: str) -> Limit | None:
        """How many in how many seconds, as ``120/60``; ``0`` for no limit."""
        said = self.text(name, default).strip()
        if said == "0":
            return None
        most, _, seconds = said.partition("/")
        if not (most.isdecimal() and seconds.isdecimal() and int(most) > 0 and int(seconds) > 0):
            raise ImproperlyConfigured(
                f"JITPORTAL_{name} is {said!r}. Write how many in how many seconds, for example {default}; "
                "or 0 for no limit."
            )
        return Limit(int(most), int(seconds))

    def web_threads(self) -> int:
        """The threads of each process that serves pages."""
        return self.number("WEB_THREADS", 4)

    def positive(self, name: str, default: int) -> int:
        """A whole number of at least one."""
        if (said := self.number(name, default)) < 1:
            raise ImproperlyConfigured(f"JITPORTAL_{name} is {said}. Set it to at least 1.")
        return said

    def secret(self, name: str, default: str = "") -> str:
        """From ``JITPORTAL_<name>``, or from the file that ``JITPORTAL_<name>_FILE`` names."""
        path = self.text(f"{name}_FILE")
        if not path:
            return self.text(name, default)
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"JITPORTAL_{name}_FILE can't be read: {error.strerror}. Name a readable file."
            ) from None

    def channels(self, names: list[str], offered: list[str]) -> dict[str, Channel]:
        """The chat channels of these names, each with its address.

        People may choose those that are ``offered``, and those that reach each by themselves.
        """
        for name in (*names, *offered):
            if not _CHANNEL.fullmatch(name) or name == "mail":
                raise ImproperlyConfigured(
                    f"JITPORTAL_CHANNELS: {name!r} can't be a channel's name. Use small letters, digits, "
                    "hyphens and underscores; mail is there already."
                )
        for name in offered:
            if name not in names:
                raise ImproperlyConfigured(
                    f"JITPORTAL_CHANNELS_FOR_PEOPLE names {name}, and JITPORTAL_CHANNELS doesn't. "
                    "Add it there."
                )
        channels = {name: Channel(name, self._channel_address(name), name in offered) for name in names}
        return {
            name: replace(channel, for_people=channel.for_people or channel.personal)
            for name, channel in channels.items()
        }

    def _channel_address(self, name: str) -> str:
        variable = f"CHANNEL_{name.upper().replace('-', '_')}"
        address = self.secret(variable)
        if "://" not in address:
            raise ImproperlyConfigured(
                f"JITPORTAL_{variable} (or JITPORTAL_{variable}_FILE) must hold the address of channel "
                f"{name}, as apprise writes it. For example slack://…"
            )
        return address

    def networks(self, name: str) -> tuple[Network, ...]:
        """Networks with commas, as ``10.20.0.0/16, fd00::/8``."""
        networks = []
        for said in self.words(name):
            if (network := allowed_network(said)) is None:
                raise ImproperlyConfigured(
                    f"JITPORTAL_{name}: {said!r} can't be one of its networks. Write each as its first "
                    "address and its length, such as 10.20.0.0/16; the widest are /8, and /7 of IPv6."
                )
            networks.append(network)
        return tuple(networks)

    def redis(self) -> str:
        """The URL of Redis with time-outs: without them a server that hangs would hang every page."""
        url = self.secret("REDIS_URL")
        if not url:
            return ""
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ImproperlyConfigured(
                "JITPORTAL_REDIS_URL must begin with redis://, rediss:// or unix://. "
                "For example redis://queue.internal:6379/0"
            )
        timeouts = {"socket_connect_timeout": "2", "socket_timeout": "5"}
        said = dict(parse_qsl(parts.query))
        return f"{url.partition('?')[0]}?{urlencode({**timeouts, **said})}"

    def database(self, data: Path) -> dict[str, Any]:
        """Django's settings of the database that ``JITPORTAL_DATABASE_URL`` names; without it SQLite."""
        url = self.secret("DATABASE_URL")
        if not url or url.startswith("sqlite:"):
            return _sqlite(Path(url.removeprefix("sqlite:///")) if url else data / "jitportal.sqlite3")
        parts = urlsplit(url)
        if parts.scheme not in ("postgres", "postgresql"):
            raise ImproperlyConfigured(
                "JITPORTAL_DATABASE_URL must begin with postgres:// or sqlite:///. "
                "For example postgres://jitportal@db.internal:5432/jitportal"
            )
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or "") or self.secret("DATABASE_PASSWORD"),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": self.number("DATABASE_CONNECTION_SECONDS", 60),
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {"connect_timeout": 5, "options": PATIENCE, **dict(parse_qsl(parts.query))},
        }


def _sqlite(path: Path) -> dict[str, Any]:
    """WAL and IMMEDIATE together end "database is locked"; FULL keeps the record of a grant that the
    target already holds through a power cut. Recursive triggers let the guards see what a REPLACE deletes.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": ("PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA recursive_triggers=ON;"),
        },
    }
