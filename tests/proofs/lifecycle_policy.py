"""Who takes part in the lifecycle's proofs, and what they may ask for."""

from __future__ import annotations

from tests.operations import world

ASKERS = ("rita", "remy")
DECIDERS = ("mona", "otto", "dora", "dean", "dina", "rita", "remy")
REVOKERS = ("mona", "otto", "sara", "rita")
ROLES = ("door", "gate", "writer", "ladder")
SCOPES = {"writer": ("left", "right")}

#: ``rescue`` is break-glass, with two accounts.
#: ``gate`` stands for the same privilege as ``door``; ``ladder`` is approved by the system, and reviewed.
POLICY = world.changed(
    (
        "      connector: manual\n      settings: {carriers: carl}\n",
        "      connector: postgres\n      settings: {host: memory.example}\n",
    ),
    ("allowed_for: [migration, door]", "allowed_for: [migration, door, gate, watched]"),
    ("policy-editor, writer, quick", "policy-editor, writer, ladder, quick"),
    (
        "post_incident_review]\n",
        "post_incident_review]\n    roles: [rescue]\n    may_end: {people: [dean]}\n",
    ),
    (
        "    outage: {name: Outage}\n",
        """\
    outage: {name: Outage}
  emergency_accounts:
    rescue-1: {target: rack, login: emergency1, custodians: [dora]}
    rescue-2: {target: rack, login: emergency2, custodians: [dora]}
""",
    ),
    (
        "    door:\n",
        """\
    gate:
      target: rack
      owner: otto
      entitlement: rack door
      eligible: {teams: [platform]}
      max_total_hours: 400
    rescue:
      target: rack
      owner: otto
      entitlement: rescue door
      accounts: [rescue-1, rescue-2]
      eligible: {people: [rita, remy]}
    watched: {target: rack, owner: otto, entitlement: cellar, eligible: {teams: [platform]}, risk: high}
    ladder:
      target: rack
      owner: otto
      entitlement: ladder
      eligible: {teams: [platform]}
      max_total_minutes: 100
      system_approval: [{name: short, max_minutes: 5}]
    door:
""",
    ),
)
