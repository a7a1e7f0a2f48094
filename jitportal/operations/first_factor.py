"""The first second factor of somebody: a session alone doesn't do to add it.

Whoever has stolen a session could otherwise add theirs, and with it confirm all that takes one.
"""

from __future__ import annotations

from jitportal.models import Person, ProviderIdentity
from jitportal.operations import provider
from jitportal.operations.step_up import Ask, has_factor
from jitportal.rules.step_up import Act, Method


def way(person: Person, *, by_password: bool) -> Method | None:
    """How who has none shows that it is them: as they have signed in, once more. None: they can't.

    ``by_password``: their session began with the password. A page that forgets to say so asks for the
    provider of those whom it knows.
    """
    if is_known_there(person) and not by_password:
        return Method.PROVIDER
    return Method.PASSWORD if person.has_usable_password() else None


def is_for(asked: Ask, person: Person) -> bool:
    """Whether this question is about somebody's first factor."""
    return asked.act is Act.FACTORS and not has_factor(person)


def is_known_there(person: Person) -> bool:
    """Whether the provider of single sign-on knows this person."""
    set_up = provider.current()
    return (
        set_up is not None and ProviderIdentity.objects.filter(issuer=set_up.issuer, person=person).exists()
    )
