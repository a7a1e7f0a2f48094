"""The small portal with break-glass: a role on its rack, two accounts, three criteria, security contacts."""

from __future__ import annotations

from typing import Any

from jitportal.models import Activation, Grant
from jitportal.operations import emergencies
from jitportal.rules.emergencies import Claim
from jitportal.webhook_settings import WebhookEndpoint
from tests.operations import memory_target, world

SIEM = {"siem": WebhookEndpoint("siem", "http://127.0.0.1:9/", ("whsec_" + "A" * 44,))}
BROKEN = "Nobody can sign in, and the shop is down."
EXPECTED = "Restart the identity provider's database."

POLICY = (
    world.changed(
        ("    allowed_for: [outage]\n", "    allowed_for: [outage, storm]\n"),
        (
            "post_incident_review]\n",
            """post_incident_review, max_duration_60_minutes]
    roles: [rescue]
    security_contacts: {teams: [security]}
    may_end: {people: [dean]}
    webhooks: [siem]
""",
        ),
        (
            "    outage: {name: Outage}\n",
            """    outage: {name: Outage, description: The provider is away., evidence: A picture.}
    storm: {name: Storm}
  emergency_accounts:
    rescue-1:
      name: Rescue one
      target: rack
      login: emergency1
      reaches: The whole rack.
      custodians: [dora, dina]
      credential: {kind: badge, place: the safe}
    rescue-2: {target: rack, login: emergency2, custodians: [dora]}
""",
        ),
        text=memory_target.POLICY,
    )
    + """\
    rescue:
      name: Rescue the rack
      target: rack
      owner: otto
      entitlement: rescue door
      accounts: [rescue-1, rescue-2]
      eligible: {people: [rita, remy]}
      revokers: [role_owner]
      risk: high
"""
)


def claim(**said: Any) -> Claim:
    """A claim that the policy lets through, but for what is said."""
    usual: dict[str, Any] = {
        "role_key": "rescue",
        "scope": "all",
        "account": "rescue-1",
        "criterion": "outage",
        "incident": "INC-7",
        "broken": BROKEN,
        "expected": EXPECTED,
        "minutes": 30,
    }
    return Claim(**{**usual, **said})


def activate(who: str = "rita", **said: Any) -> Activation:
    """A click on the emergency form."""
    return emergencies.activate(actor=world.person(who), claim=claim(**said))


def live(who: str = "rita", **said: Any) -> Activation:
    """An activation whose access is on its target."""
    activation = activate(who, **said)
    world.work()
    return now_of(activation)


def now_of(activation: Activation) -> Activation:
    """As it is stored now."""
    return Activation.objects.select_related("person", "role", "account").get(pk=activation.pk)


def grant_of(activation: Activation) -> Grant:
    return Grant.objects.select_related("lease", "role", "scope", "person").get(activation=activation)
