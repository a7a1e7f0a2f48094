"""Which account on the target a grant is for."""

from __future__ import annotations

import re

from django.conf import settings

from jitportal.models import Grant

LONGEST_LOGIN = 63  # PostgreSQL's longest name; shorter than any other target's


def account_for(grant: Grant, goes_on_from: Grant | None = None) -> str:
    """The holder's own login as the policy maps it, or the name of a login made for this grant.

    A renewal that goes on without a gap keeps the login made for the grant before it; a later one gets
    another, because the earlier login is being removed.
    """
    target = grant.role.target
    if grant.activation is not None:
        return _emergency_login(grant, grant.activation.account.login, goes_on_from)
    if grant.role.dynamic_login:
        if goes_on_from is not None:
            return goes_on_from.account
        plain = re.sub(r"[^a-z0-9]+", "_", grant.person.username)[:30]
        return f"{settings.INSTANCE}_{plain}_{grant.pk}"
    mapped = target.accounts.get(grant.person.username)
    return str(mapped or target.account_template.replace("{username}", grant.person.username))[:200]


def _emergency_login(grant: Grant, login: str, goes_on_from: Grant | None) -> str:
    """The emergency account's own login; or one made for the activation, which bears its name."""
    if not grant.role.dynamic_login:
        return login
    if goes_on_from is not None:
        return goes_on_from.account
    plain = re.sub(r"[^a-z0-9]+", "_", login.lower()).strip("_")[:30]
    return f"{settings.INSTANCE}_{plain}_{grant.pk}"
