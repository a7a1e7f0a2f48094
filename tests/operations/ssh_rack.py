"""The small portal's policy with a real fleet of SSH hosts in the place of its rack."""

from __future__ import annotations

import pytest

from tests.connectors.ssh_target import SshFleet
from tests.operations import emergency_world, world

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
