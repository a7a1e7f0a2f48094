"""The policy of the small organisation: doors that are opened by hand, and the portal's own powers."""

from __future__ import annotations

POLICY = r"""elevation_policy:
  jit_access:
    allowed_for: [door, cage, auditor, policy-editor, operator, administrator]
    requires: [manager_or_system_approval, max_duration_60_minutes]

  temporary_access:
    allowed_for: [cabinet]
    requires: [manager_approval, max_duration_14_days]

  break_glass:
    allowed_for: [outage]
    requires: [named_emergency_account, session_recording, post_incident_review, max_duration_60_minutes]
    roles: [rescue]
    security_contacts: {teams: [security]}

  criteria:
    outage: {name: Nobody can sign in}

  emergency_accounts:
    lever: {name: The red lever, target: building, login: lever, custodians: [kai]}

  defaults:
    justification:
      least: 10
    revokers: [manager, role_owner]

  targets:
    portal:
      name: This portal
      connector: portal
    building:
      name: Office building
      connector: manual

  roles:
    door:
      name: Server room door
      description: Enter the server room.
      target: building
      owner: olga
      entitlement: door
      eligible:
        teams: [engineers, support]
      max_minutes: 60
      risk: medium

    cage:
      name: Server cage
      description: Open the cage in the server room.
      target: building
      owner: olga
      scopes:
        left:
          name: The left cage
          entitlement: cage-left
        right:
          name: The right cage
          entitlement: cage-right
      eligible:
        teams: [engineers, support]
      max_minutes: 60
      risk: low

    cabinet:
      name: Key cabinet
      description: Hold the keys of the building for a while.
      target: building
      owner: olga
      entitlement: cabinet
      eligible:
        teams: [engineers, support]
      stages:
        - name: keepers
          decides:
            team: keepers
        - name: manager
          decides: manager
      max_days: 14
      risk: high

    rescue:
      name: Open every door
      target: building
      owner: olga
      entitlement: every-door
      accounts: [lever]
      eligible:
        people: [rita, oskar]
      max_minutes: 60
      risk: high

    auditor:
      name: Auditor of this portal
      target: portal
      owner: olga
      entitlement: auditor
      eligible:
        teams: [office]
      stages:
        - name: security
          decides:
            team: security
      max_minutes: 60
      risk: medium

    policy-editor:
      name: Policy editor of this portal
      target: portal
      owner: olga
      entitlement: policy_editor
      eligible:
        teams: [office]
      stages:
        - name: security
          decides:
            team: security
      max_minutes: 60
      risk: medium

    operator:
      name: Operator of this portal
      target: portal
      owner: olga
      entitlement: operator
      eligible:
        teams: [office]
      stages:
        - name: security
          decides:
            team: security
      max_minutes: 60
      risk: medium

    administrator:
      name: Administrator of this portal
      target: portal
      owner: olga
      entitlement: administrator
      eligible:
        teams: [office]
      stages:
        - name: security
          decides:
            team: security
      max_minutes: 60
      risk: medium
"""
