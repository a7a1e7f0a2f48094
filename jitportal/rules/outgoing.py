"""Which addresses the portal may call by itself: those of the public internet, and what the operator allows.

Whoever names an address (a policy's editor, a provider's document) could otherwise have the portal ask
what only its own machine or network reaches: metadata services, databases, administration pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: Wider networks hold the whole internet, and with it everything that is refused: 10.0.0.0/8 and fc00::/7
#: are the widest that anybody owns.
WIDEST = {4: 8, 6: 7}
#: Addresses that carry one of IPv4, to which a gateway passes what is sent to them (RFC 6052, RFC 8215).
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
#: Not public, and not said to be private by every version of Python.
_MORE = (
    IPv4Network("100.64.0.0/10"),  # between a provider and its customers; some clouds' metadata
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),  # once relays from IPv6
    IPv4Network("198.18.0.0/15"),
    IPv6Network("fec0::/10"),  # once local to a site
    IPv6Network("2002::/16"),  # carries an address of IPv4
    IPv6Network("2001::/23"),
)


def allowed_network(text: str) -> Network | None:
    """The network as the operator writes it; None where it is none, or wider than ``WIDEST``."""
    try:
        network = ip_network(text)
    except ValueError:
        return None
    return network if network.prefixlen >= WIDEST[network.version] else None


def is_allowed(address: str, allowed: Iterable[Network]) -> bool:
    """Whether the operator's networks hold the address."""
    found = _plain(address)
    return found is not None and any(found in network for network in allowed)


def is_public(address: str) -> bool:
    """Whether anybody on the internet could call this address: no private, local or special one."""
    found = _plain(address)
    if found is None or any(found in network for network in (*_MORE, *_TRANSLATED)):
        return False
    special = found.is_multicast or found.is_reserved or found.is_unspecified or found.is_link_local
    return found.is_global and not special


def _plain(address: str) -> Address | None:
    """The address itself, where one of IPv6 merely spells one of IPv4; None for what is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
