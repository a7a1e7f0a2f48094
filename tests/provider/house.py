"""A small portal with an emergency population: who may sign in with a password though there is single sign-on."""

from __future__ import annotations

from jitportal.audit.system import system
from jitportal.models import Person
from jitportal.operations import people, policies

PASSWORD = "correct horse battery staple"
POLICY = """\
elevation_policy:
  jit_access:
    allowed_for: [reader]
    requires: [manager_or_system_approval, max_duration_60_minutes, full_audit_log]
  break_glass:
    allowed_for: [outage]
    roles: [rescue]
    requires: [named_emergency_account, session_recording, post_incident_review]
    security_contacts: {people: [sue]}
    webhooks: [siem]
  criteria:
    outage: {name: Outage}
  emergency_accounts:
    rescue-1: {target: rack, login: emergency1, custodians: [sue]}
  targets:
    rack: {name: Rack, connector: manual, settings: {carriers: otto}}
  roles:
    reader: {target: rack, owner: otto, entitlement: reading, eligible: {people: [rita]}}
    rescue: {target: rack, owner: otto, entitlement: root, accounts: [rescue-1], eligible: {people: [erin], teams: [on-call]}}
"""


def settle() -> None:
    """Erin and Olli may come in an emergency, Rita may not; Sue and Otto hear of it."""
    for username in ("erin", "rita", "otto", "sue", "olli"):
        password = PASSWORD if username in {"erin", "rita", "olli"} else None
        people.create_person(
            actor=system(),
            username=username,
            name=username.capitalize(),
            email=f"{username}@example.test",
            password=password,
        )
    team = people.create_team(actor=system(), key="on-call", name="On call")
    people.join_team(actor=system(), person=Person.objects.get(username="olli"), team=team)
    policies.bootstrap(actor=system(), text=POLICY)
