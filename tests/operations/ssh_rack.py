"""The small portal's policy with a real fleet of SSH hosts in the place of its rack."""

from __future__ import annotations

import pytest

from jitportal.models import Grant, SshHost
from jitportal.operations import certifying, ssh_hosts
from tests.connectors.ssh_orders import Client
from tests.connectors.ssh_target import SshFleet
from tests.operations import emergency_world, world
from tests.operations.rack import rack
from tests.operations.ssh_sessions import configure

RACK = "      connector: manual\n      settings: {carriers: carl}\n"
ROLES = """\
    shell: {target: rack, owner: otto, entitlement: web-ops, eligible: {teams: [platform]}}
    filmed:
      target: rack
      owner: otto
      entitlement: web-ops
      options: {session: recorded, pty: 'yes'}
      eligible: {teams: [platform]}
"""


def policy(fleet: SshFleet) -> str:
    """Role ``shell`` gives a plain session on the host, role ``filmed`` a recorded one."""
    settings = "".join(f"        {name}: '{value}'\n" for name, value in fleet.settings().items())
    return world.changed(
        (RACK, f"      connector: ssh\n      settings:\n{settings}"),
        ("writer, quick, boarded]", "writer, quick, boarded, shell, filmed]"),
        ("    door:\n", f"{ROLES}    door:\n"),
    )


def emergency_policy(fleet: SshFleet) -> str:
    """Break-glass on the host: role ``rescue`` by the accounts ``emergency1`` and ``emergency2``."""
    settings = "".join(f"        {name}: '{value}'\n" for name, value in fleet.settings().items())
    return world.changed(
        (
            "      connector: postgres\n      settings: {host: memory.example}\n",
            f"      connector: ssh\n      settings:\n{settings}",
        ),
        ("entitlement: rescue door", "entitlement: rescue-ops\n      options: {pty: 'yes'}"),
        ("    webhooks: [siem]\n", ""),
        text=emergency_world.POLICY,
    )


def settle(fleet: SshFleet, monkeypatch: pytest.MonkeyPatch, text: str = "") -> None:
    """The people and the policy; the authority's secrets are where the policy says."""
    for name in ("JITPORTAL_TARGET_FLEET_CA", "JITPORTAL_TARGET_FLEET_PASSPHRASE"):
        monkeypatch.setenv(name, fleet.secret(name))
    world.settle(text or policy(fleet))
    fleet.serve(rack().key)


def attached(fleet: SshFleet, monkeypatch: pytest.MonkeyPatch, portal: str) -> SshHost:
    """The portal of that address with the real host as its own, and the host with a token of its own."""
    settle(fleet, monkeypatch)
    host, token = ssh_hosts.add(actor=world.person("otto"), target=rack(), name="web1")
    configure(fleet, portal, token, target="rack")
    fleet.take_list(ssh_hosts.revocation_list(rack()))
    return host


def granted(client: Client, role: str = "filmed") -> tuple[Grant, str]:
    """Live access, and the certificate for it."""
    grant = world.live("rita", role)
    made = certifying.certify(actor=grant.person, grant=grant, public_key=client.public)
    return grant, made.text
