"""What a policy says of a PostgreSQL target, checked. ``docs/targets-postgres.md`` lists the keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from jitportal.connectors.base import SettingProblem, TargetSettings, UnusableSettings

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
VERIFYING = ("verify-ca", "verify-full")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
LONGEST_NAME = 63  # bytes: PostgreSQL cuts longer names off, silently

Expiry = Literal["pg_cron", "none"]


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """How to reach the server, and what the operator set up there.

    Every key is a string in the policy; ``host`` alone is required.

    - ``host``: a name, an address, or the directory of a Unix socket
    - ``port``: default 5432
    - ``user``: the portal's login there (``portal`` of install.sql); default jitportal
    - ``database``: where install.sql was run; default postgres
    - ``databases``: those that people connect to, separated by commas; the first is what
      instructions name when a scope names none. Default: ``database``
    - ``sslmode``: as in libpq; default verify-full, and prefer on this machine
    - ``sslrootcert``: the file with the authority's certificate; default: the system's own ones
    - ``password_secret``: the name of the secret with the login's password; none: the server
      asks for no password (a client certificate, a Unix socket)
    - ``expiry``: pg_cron when the sweep is armed on the server; default none
    """

    host: str
    port: int
    user: str
    database: str
    databases: tuple[str, ...]
    sslmode: str
    sslrootcert: str
    password_secret: str
    expiry: Expiry


KEYS = frozenset(PostgresSettings.__dataclass_fields__)


def read_settings(target: TargetSettings) -> PostgresSettings:
    """Raises UnusableSettings, which lists everything wrong at once."""
    values = {key: value.strip() for key, value in target.values.items()}
    known = ", ".join(sorted(KEYS))
    problems = [
        SettingProblem(key, f"unknown setting “{key}”; known are {known}")
        for key in sorted(values.keys() - KEYS)
    ]
    host = values.get("host", "")
    if not host or "," in host:
        problems.append(SettingProblem("host", "host must name one server"))
    port = values.get("port") or "5432"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        problems.append(SettingProblem("port", f"port must be a number from 1 to 65535, not “{port}”"))
    database = values.get("database") or "postgres"
    user = values.get("user") or "jitportal"
    databases = _names(values.get("databases") or database)
    problems += [
        SettingProblem(key, f"“{name[:80]}” can't be a name: 1 to {LONGEST_NAME} bytes")
        for key, names in (("user", (user,)), ("database", (database,)), ("databases", databases))
        for name in names
        if not is_name(name)
    ]
    problems += _choice_problems(values)
    if problems:
        said = "; ".join(problem.clause for problem in problems)
        raise UnusableSettings(f"The settings of target {target.key} can't be used: {said}.", problems)
    sslmode = values.get("sslmode") or ("prefer" if _is_local(host) else "verify-full")
    return PostgresSettings(
        host=host,
        port=int(port),
        user=user,
        database=database,
        databases=databases,
        sslmode=sslmode,
        sslrootcert=values.get("sslrootcert") or ("system" if sslmode == "verify-full" else ""),
        password_secret=values.get("password_secret", ""),
        expiry="pg_cron" if values.get("expiry") == "pg_cron" else "none",
    )


def is_name(name: str) -> bool:
    """Whether PostgreSQL could hold it whole: not empty, no NUL, UTF-8, at most 63 bytes."""
    try:
        return 0 < len(name.encode()) <= LONGEST_NAME and "\0" not in name
    except UnicodeEncodeError:
        return False


def _choice_problems(values: Mapping[str, str]) -> list[SettingProblem]:
    problems = []
    sslmode = values.get("sslmode") or "prefer"
    if sslmode not in SSL_MODES:
        said = f"sslmode must be one of {', '.join(SSL_MODES)}, not “{sslmode}”"
        problems.append(SettingProblem("sslmode", said))
    if sslmode == "verify-ca" and not values.get("sslrootcert"):
        problems.append(SettingProblem("sslmode", "sslmode verify-ca needs sslrootcert"))
    if (expiry := values.get("expiry") or "none") not in get_args(Expiry):
        problems.append(SettingProblem("expiry", f"expiry must be pg_cron or none, not “{expiry}”"))
    return problems


def _names(text: str) -> tuple[str, ...]:
    """Several names, separated by commas, without doubles."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _is_local(host: str) -> bool:
    return host in LOOPBACK or host.startswith("/")
