"""Who takes part in the journeys, and the policy that they live under.

Each journey has an engineer of its own, so that none meets another's requests. ``settle`` runs in the
portal's own process: ``manage.py shell``.
"""

from __future__ import annotations

from jitportal.audit.system import system
from jitportal.models import Person
from jitportal.operations import people, policies

PASSWORD = "a journey begins with a password"

#: username: name, team, manager.
CAST: dict[str, tuple[str, str, str]] = {
    "ruth": ("Ruth Abernathy", "", ""),
    "mia": ("Mia Lindqvist", "", "ruth"),
    "dana": ("Dana Okafor", "dba", "ruth"),
    "ada": ("Ada Moreau", "platform", "mia"),
    "ben": ("Ben Sato", "platform", "mia"),
    "cleo": ("Cleo Haddad", "platform", "mia"),
    "dov": ("Dov Petrov", "platform", "mia"),
    "esra": ("Esra Yildiz", "platform", "mia"),
    "finn": ("Finn Aalto", "platform", "mia"),
    "gia": ("Gia Romano", "platform", "mia"),
    "hugo": ("Hugo Becker", "platform", "mia"),
    "ines": ("Inês Duarte", "platform", "mia"),
    "jun": ("Jun Tanaka", "platform", "mia"),
    "kim": ("Kim Vogt", "platform", "mia"),
    "noor": ("نور الخطيب", "platform", "mia"),
    "lina": ("Lina Sørensen", "platform", "mia"),
    "omer": ("Ömer Kaya", "platform", "mia"),
    "vera": ("Vera Holm", "", "ruth"),
    "pia": ("Pia Novak", "platform", "vera"),
    "quin": ("Quin Abara", "platform", "vera"),
    "rosa": ("Rosa Keller", "platform", "vera"),
    "sami": ("Sami Virtanen", "platform", "vera"),
    "tova": ("Tova Lind", "platform", "vera"),
    "uma": ("Uma Rao", "platform", "vera"),
    "wanda": ("Wanda Ilves", "", "ruth"),
    "xaver": ("Xaver Roth", "", "ruth"),
    "yara": ("Yara Haddad", "", "ruth"),
    "zeno": ("Zeno Marti", "", "ruth"),
    "enno": ("Enno Falk", "platform", "mia"),
    "rhea": ("Rhea Lund", "platform", "mia"),
    "aiko": ("Aiko Tanaka", "", "ruth"),
    "lior": ("Lior Adler", "", "ruth"),
}
WITH_PASSWORD = ("ada", "mia", "noor")
ENGINEERS = tuple(username for username, (_, team, _) in CAST.items() if team == "platform")

POLICY = r"""
elevation_policy:
  jit_access:
    allowed_for: [policy-editor, audit, orders-read, orders-write, orders-admin]
    requires: [manager_or_system_approval, max_duration_60_minutes, full_audit_log]
  temporary_access:
    allowed_for: [orders-migration]
    requires: [manager_approval, max_duration_14_days, full_audit_log]
  break_glass:
    allowed_for: [outage]
    requires: [named_emergency_account, session_recording, post_incident_review]
    roles: [orders-rescue]
    may_end: {people: [ruth]}
  criteria:
    outage: {name: Outage}
  emergency_accounts:
    orders-emergency:
      name: Emergency account of the orders
      target: orders-db
      login: emergency_orders
      custodians: [dana, ruth]
  defaults:
    justification: {least: 15}
  targets:
    orders-db:
      name: Orders database
      connector: postgres
      settings:
        host: 127.0.0.1
        port: <port>
        database: <database>
        user: <portal>
        password_secret: JITPORTAL_TARGET_ORDERS_PASSWORD
    portal: {name: This portal, connector: portal}
  roles:
    policy-editor:
      name: Edit the policy
      description: Propose changes of this portal's policy, and approve those of others.
      target: portal
      owner: ruth
      entitlement: policy_editor
      eligible: {people: [wanda, xaver, yara, zeno]}
      system_approval: [{name: incident, ticket_pattern: 'INC-\d{1,8}', max_minutes: 30}]
    audit:
      name: Audit this portal
      description: Read everything that happened here.
      target: portal
      owner: ruth
      entitlement: auditor
      eligible: {people: [aiko, lior]}
    orders-read:
      name: Read orders in production
      description: Look at orders, without changing anything.
      target: orders-db
      owner: dana
      entitlement: orders_ro
      eligible: {teams: [platform]}
      recommended_minutes: 15
      ticket: {pattern: '(?:INC|CHG)-\d{1,8}', hint: "An incident or a change, such as INC-1042."}
      risk: low
    orders-write:
      name: Change orders in production
      description: Correct rows of the orders application.
      target: orders-db
      owner: dana
      entitlement: orders_rw
      eligible: {teams: [platform]}
      system_approval: [{name: incident, ticket_pattern: 'INC-\d{1,8}', max_minutes: 30}]
      risk: medium
    orders-admin:
      name: Administer the orders database
      description: Read everything there is, with a login made for the occasion.
      target: orders-db
      owner: dana
      entitlement: orders_admin
      login: dynamic
      eligible: {teams: [platform]}
      system_approval: [{name: incident, ticket_pattern: 'INC-\d{1,8}', max_minutes: 30}]
      risk: medium
    orders-rescue:
      name: Rescue the orders database
      target: orders-db
      owner: dana
      entitlement: orders_rescue
      login: dynamic
      accounts: [orders-emergency]
      eligible: {people: [enno, rhea]}
      risk: high
    orders-migration:
      name: Migrate the orders database
      description: Change the structure of the orders tables.
      target: orders-db
      owner: dana
      entitlement: orders_ddl
      eligible: {teams: [platform]}
      stages:
        - {name: manager, decides: manager}
        - {name: database administrators, decides: {team: dba}}
      max_days: 14
      recommended_days: 2
      ticket: {required: true, pattern: 'CHG-\d{1,8}', hint: "The approved change, such as CHG-2001."}
      risk: high
"""
#: The roles on the server that the policy's entitlements name; the last is for dynamic logins too.
ENTITLEMENTS = ("orders_ro", "orders_rw", "orders_ddl", "orders_admin", "orders_rescue")


def settle(*, port: int, database: str, portal: str) -> None:
    """Make the people, their teams and the policy, in an empty portal."""
    actor = system()
    cast: dict[str, Person] = {}
    for username, (name, _, manager) in CAST.items():
        cast[username] = people.create_person(
            actor=actor,
            username=username,
            name=name,
            email=f"{username}@example.test",
            manager=cast.get(manager),
            password=PASSWORD if username in WITH_PASSWORD else None,
        )
    for key in ("platform", "dba"):
        team = people.create_team(actor=actor, key=key, name=key.capitalize())
        for username, (_, member_of, _) in CAST.items():
            if member_of == key:
                people.join_team(actor=actor, person=cast[username], team=team)
    text = POLICY.replace("<port>", str(port)).replace("<database>", database).replace("<portal>", portal)
    policies.bootstrap(actor=actor, text=text)
