"""Who decides for whom while somebody is away; pure."""

from __future__ import annotations

from collections.abc import Iterable


def stand_ins(
    entitled: frozenset[str],
    delegations: Iterable[tuple[str, str]],
    *,
    requester: str,
    counted: frozenset[str],
) -> dict[str, str]:
    """Who can decide for somebody else now, and for whom: by the delegate's username, the delegator's.

    ``entitled`` are those who may decide in their own right, the requester never among them, so that
    nobody decides for the requester and a delegate passes on nothing that was delegated to them.
    ``delegations`` are those in force, delegator and delegate, of people who are active. ``counted`` have
    had their say, in person or by a delegate: neither they nor a delegate of theirs decides again.
    Whoever is entitled decides in their own name; of several delegators the first by username is meant.
    """
    free = entitled - counted - {requester}
    found: dict[str, str] = {}
    for delegator, delegate in sorted(set(delegations)):
        own = delegate in entitled or delegate in counted or delegate in (requester, delegator)
        if delegator in free and not own:
            found.setdefault(delegate, delegator)
    return found
