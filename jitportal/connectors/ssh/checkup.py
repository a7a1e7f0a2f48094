"""What ``check`` can say of a fleet: the authority itself, and what its hosts last said of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from jitportal.connectors.ssh.public_keys import PublicKey
from jitportal.rules.vocabulary import MAX_SKEW

#: A host says how it is once a minute.
SILENT = timedelta(minutes=5)
#: The version of ``jit-session`` that this connector speaks to.
WRAPPER_VERSION = "3"


@dataclass(frozen=True, slots=True)
class HostReport:
    """What a host last said; ``ago`` None: it never has."""

    name: str
    ago: timedelta | None
    skew: timedelta | None
    facts: Mapping[str, str] = field(default_factory=dict)


def host_problems(authority: PublicKey, hosts: Iterable[HostReport]) -> list[str]:
    """Sentences: what is wrong, what to do."""
    hosts = list(hosts)
    if not hosts:
        return [
            "No host has said how it is, so nothing is known of the hosts: add each with manage.py ssh_host, "
            "and run the script of manage.py target_script ssh there."
        ]
    return [problem for host in hosts for problem in _of(host, authority)]


def _of(host: HostReport, authority: PublicKey) -> Iterable[str]:
    name = host.name
    if host.ago is None:
        yield f"{name} has never said how it is: run the script of manage.py target_script ssh there."
        return
    if host.ago > SILENT:
        minutes = int(host.ago.total_seconds() // 60)
        yield (
            f"{name} fetched the revocation list {minutes} minutes ago: until it does again, a "
            "certificate that "
            "was revoked since is still taken there. Look at the timer jit-krl on it."
        )
    if host.skew is not None and abs(host.skew) > MAX_SKEW:
        ahead = "ahead of" if host.skew > timedelta(0) else "behind"
        yield (
            f"The clock of {name} is {abs(host.skew).total_seconds():.0f} seconds {ahead} the "
            "portal's: access "
            "ends there by that clock. Set both by NTP."
        )
    if host.facts.get("authority", "") != authority.fingerprint:
        yield f"{name} doesn't trust the authority {authority.fingerprint}: run the script there again."
    if host.facts.get("revocations") != "yes":
        yield f"sshd on {name} doesn't read the revocation list: run the script there again."
    wrapper = host.facts.get("wrapper", "none")
    if wrapper == "none":
        yield f"jit-session on {name} is missing, so no recorded session begins: run the script there again."
    elif wrapper != WRAPPER_VERSION:
        yield (
            f"{name} has version {wrapper[:9]} of jit-session, and the portal needs {WRAPPER_VERSION}: run "
            "the script there again."
        )
    if (kept := host.facts.get("refused", "0")) != "0":
        yield (
            f"{name} keeps {kept[:9]} recordings in /var/lib/jit-session that the portal closed before they "
            "were whole: look at their pages, and take the files *.refused away from there."
        )
