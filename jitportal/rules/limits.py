"""How often something may be done, and how long whoever guesses waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so many seconds. They may come at once; then one more each time its share has passed."""

    most: int
    seconds: int

    @property
    def share(self) -> timedelta:
        return timedelta(seconds=self.seconds) / self.most


def admit(
    limit: Limit, full_at: datetime | None, now: datetime, *, more: int = 1
) -> tuple[datetime, timedelta]:
    """Whether one more fits, or so many (the generic cell rate algorithm).

    ``full_at``: what has been counted so far is used up at this moment. Gives the moment with them
    counted and no wait; or the same moment, and how long to wait.
    """
    at = max(full_at or now, now) + limit.share * more
    wait = at - now - timedelta(seconds=limit.seconds)
    if wait > timedelta():
        return full_at or now, wait
    return at, timedelta()


@dataclass(frozen=True, slots=True)
class Guessing:
    """So many failures are free; after each further one the wait is twice as long, and never longer than
    ``longest``: nobody is locked out for ever.
    """

    free: int
    longest: timedelta
    first: timedelta = timedelta(seconds=10)

    def wait(self, failures: int) -> timedelta:
        if failures < self.free:
            return timedelta()
        doublings = min(failures - self.free, 20)
        return min(self.first * (1 << doublings), self.longest)

    def is_told(self, failures: int) -> bool:
        """Whether the record tells of this failure: when the waits begin, and each time there are twice as
        many. Whoever guesses for a week leaves a dozen events, and not a million.
        """
        ratio, rest = divmod(failures, self.free)
        return rest == 0 and ratio > 0 and ratio & (ratio - 1) == 0


def spoken_wait(wait: timedelta) -> str:
    """The wait in words, rounded up: "10 seconds", "2 minutes"."""
    seconds = max(1, -(-int(wait.total_seconds() * 1000) // 1000))
    number, unit = (seconds, "second") if seconds < 90 else (-(-seconds // 60), "minute")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def network_of(address: str | None) -> str:
    """What counts as one address: who has one of IPv6 has 2⁶⁴ of them. Empty where it isn't known.

    One of IPv4 counts as such however it is spelled: else all of them would be one network of IPv6.
    """
    if not address:
        return ""
    found = ip_address(address)
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network(f"{found}/64", strict=False))
