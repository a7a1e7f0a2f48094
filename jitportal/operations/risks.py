"""What is of high risk, and which second factors count for it: by the policy in force, or by the one that it
was asked for under.

A newer policy only narrows. One that calls a role less risky spares nobody the second factor for what was
asked for, and shown to others, as of high risk; nor does one that lets the provider's sign-in count.
"""

from __future__ import annotations

from jitportal.models import AccessRequest, Grant
from jitportal.operations import policies
from jitportal.rules.vocabulary import Risk


def is_high(request: AccessRequest) -> bool:
    """Also where the version that it was made under can't be read any more."""
    if request.role.risk == Risk.HIGH:
        return True
    pinned = policies.role_rules(request.asked.policy_version, request.role.key)
    return pinned is None or pinned.risk is Risk.HIGH


def is_high_grant(grant: Grant) -> bool:
    """The same for the grant that came of a request."""
    return is_high(grant.request) if grant.request is not None else grant.role.risk == Risk.HIGH


def wants_own_factor(request: AccessRequest) -> bool:
    """Whether the portal's own second factors alone count for it."""
    return policies.wants_own_factor(request.pathway, pinned=request.asked.policy_version)


def grant_wants_own_factor(grant: Grant) -> bool:
    """The same for a grant, of a request or of an activation."""
    return policies.wants_own_factor(grant.pathway, pinned=policies.version_of(grant))
