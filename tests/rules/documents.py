"""Policy documents to test with: a small one that loads, and ways to change a line of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jitportal.rules.policy_document import PolicyDocument, PolicyDocumentError, load

DEMO = Path(__file__).parents[2] / "jitportal" / "demo" / "elevation_policy.yaml"

#: As the product's first policy was written. It must load as it is, and mean what it says.
SEED = """\
elevation_policy:
  jit_access:
    allowed_for:
      - prod-readonly-admin
      - db-troubleshooting
    requires:
      - manager_or_system_approval
      - max_duration_60_minutes
      - full_audit_log

  break_glass:
    allowed_for:
      - identity-provider-outage
      - incident-severity-critical
    requires:
      - named_emergency_account
      - session_recording
      - post_incident_review
"""

SMALL = """\
elevation_policy:
  jit_access:
    allowed_for: [reader, writer]
    requires: [manager_or_system_approval, max_duration_60_minutes, full_audit_log]
  temporary_access:
    allowed_for: [migration]
    requires: [manager_approval, max_duration_14_days]
  break_glass:
    allowed_for: [outage]
    requires: [named_emergency_account, session_recording, post_incident_review]
    roles: [rescue]
  criteria:
    outage: {name: Outage}
  targets:
    portal: {connector: portal}
    db:
      connector: postgres
      settings: {host: db.example, port: 5432}
  roles:
    reader:
      target: db
      owner: dana
      entitlement: app_ro
      eligible: {teams: [platform]}
      system_approval:
        - {name: short, max_minutes: 15, ticket_pattern: 'INC-[0-9]+'}
    writer:
      target: db
      owner: dana
      scopes:
        orders: {entitlement: app_rw}
        billing: {entitlement: billing_rw}
      eligible: {people: [lena], teams: [platform]}
      stages:
        - {name: first, decides: manager}
        - {name: second, decides: {team: dba}, people: 2}
      max_minutes: 30
    migration:
      target: db
      owner: dana
      entitlement: app_ddl
      eligible: {teams: [platform]}
      risk: high
    rescue:
      target: db
      owner: dana
      entitlement: app_rescue
      eligible: {people: [ravi]}
"""


def changed(old: str, new: str, text: str = SMALL) -> str:
    """The document with one piece of text replaced, which must stand in it exactly once."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the document"
    return text.replace(old, new)


def small(*changes: tuple[str, str]) -> PolicyDocument:
    """The small document, with each piece of text replaced by another."""
    return load(text_of(*changes))


def text_of(*changes: tuple[str, str]) -> str:
    text = SMALL
    for old, new in changes:
        text = changed(old, new, text)
    return text


def problems(text: str) -> list[str]:
    """What is wrong with the document, each as ``line N, path: sentence``; empty when it loads."""
    try:
        load(text)
    except PolicyDocumentError as error:
        return [str(problem) for problem in error.problems]
    return []


def line_of(piece: str, text: str = SMALL) -> int:
    """The line on which a piece of text begins, which must stand in the document exactly once."""
    assert text.count(piece) == 1, f"{piece!r} stands {text.count(piece)} times in the document"
    return text[: text.index(piece)].count("\n") + 1


class Mistake(NamedTuple):
    """One piece of text replaced by another, the text whose line is blamed, and how the problem begins."""

    old: str
    new: str
    at: str
    says: str


def check_mistake(mistake: Mistake) -> None:
    """The one mistake is the one problem, at its line."""
    text = changed(mistake.old, mistake.new)
    expected = f"line {line_of(mistake.at, text)}, {mistake.says}"
    found = problems(text)
    assert len(found) == 1, found
    assert found[0].startswith(expected), (found[0], expected)
