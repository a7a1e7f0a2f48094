"""What a policy says of a fleet of SSH hosts, checked. ``docs/targets-ssh.md`` lists the keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from jitportal.connectors.base import SettingProblem, TargetSettings, UnusableSettings
from jitportal.connectors.ssh.public_keys import PublicKey, UnusableKey, read_public_key

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SshSettings:
    """The hosts, and where the authority's key is.

    - ``ca_public_key``: the authority's public key, which the hosts trust; required
    - ``ca_key_secret``: the name of the secret with its private key, encrypted (OpenSSH's format)
    - ``ca_passphrase_secret``: the name of the secret that opens it
    - ``ca_agent_socket``: instead of both, the socket of an ssh-agent that holds the key, or has a token
    - ``hosts``: what people connect to, separated by commas; the first stands in the command to copy
    - ``port``: default 22
    """

    ca_public_key: PublicKey
    ca_key_secret: str
    ca_passphrase_secret: str
    ca_agent_socket: str
    hosts: tuple[str, ...]
    port: int


KEYS = frozenset(SshSettings.__dataclass_fields__)


def read_settings(target: TargetSettings) -> SshSettings:
    """Raises UnusableSettings, which lists everything wrong at once."""
    values = {key: value.strip() for key, value in target.values.items()}
    known = ", ".join(sorted(KEYS))
    problems = [
        SettingProblem(key, f"unknown setting “{key}”; known are {known}")
        for key in sorted(values.keys() - KEYS)
    ]
    problems += _authority_problems(values)
    hosts = tuple(dict.fromkeys(part.strip() for part in values.get("hosts", "").split(",") if part.strip()))
    if not hosts or not all(_HOST.fullmatch(host) for host in hosts):
        problems.append(SettingProblem("hosts", "hosts must name one host or more, separated by commas"))
    port = values.get("port") or "22"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        problems.append(SettingProblem("port", f"port must be a number from 1 to 65535, not “{port[:20]}”"))
    authority: PublicKey | None = None
    try:
        authority = read_public_key(values.get("ca_public_key", ""))
    except UnusableKey as error:
        clause = f"ca_public_key is no public key ({str(error).rstrip('.')})"
        problems.append(SettingProblem("ca_public_key", clause))
    if problems or authority is None:
        said = "; ".join(problem.clause for problem in problems)
        raise UnusableSettings(f"The settings of target {target.key} can't be used: {said}.", problems)
    return SshSettings(
        ca_public_key=authority,
        ca_key_secret=values.get("ca_key_secret", ""),
        ca_passphrase_secret=values.get("ca_passphrase_secret", ""),
        ca_agent_socket=values.get("ca_agent_socket", ""),
        hosts=hosts,
        port=int(port),
    )


def _authority_problems(values: Mapping[str, str]) -> list[SettingProblem]:
    """The key is in an encrypted file, or in an agent: one of the two."""
    socket, key = values.get("ca_agent_socket", ""), values.get("ca_key_secret", "")
    problems = []
    if bool(socket) == bool(key):
        clause = "the authority's key needs either ca_key_secret or ca_agent_socket"
        problems.append(SettingProblem("ca_agent_socket" if socket else "", clause))
    if key and not values.get("ca_passphrase_secret"):
        clause = "ca_key_secret needs ca_passphrase_secret: the authority's key is kept encrypted"
        problems.append(SettingProblem("ca_key_secret", clause))
    if socket and not PurePosixPath(socket).is_absolute():
        problems.append(SettingProblem("ca_agent_socket", "ca_agent_socket must be an absolute path"))
    return problems
