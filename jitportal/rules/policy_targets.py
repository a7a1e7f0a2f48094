"""Targets as the policy describes them: how each is reached, and under which account a person is known."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from jitportal.rules.policy_lines import Path, Report, did_you_mean
from jitportal.rules.policy_schema import Target

PORTAL = "portal"
MANUAL = "manual"
SSH = "ssh"
#: The connectors of this version. A caller that knows others passes its own set.
CONNECTORS = frozenset({PORTAL, "postgres", MANUAL, SSH})
#: Connectors that have no logins of their own to make for a grant.
WITHOUT_LOGINS = frozenset({PORTAL, MANUAL, SSH})
#: Connectors on which each grant has a lease of its own: what was signed for one is not another's.
WITH_CERTIFICATES = frozenset({SSH})

SECRET_SUFFIX = "_secret"  # noqa: S105 -- the ending of a key's name, no secret
#: What the name of a target's secret begins with: the policy's editors must not be able to have the
#: portal's own secrets sent to a host of their choice.
SECRET_PREFIX = "JITPORTAL_TARGET_"  # noqa: S105 -- the beginning of a name
_SECRET_NAME = re.compile(rf"{SECRET_PREFIX}[A-Z0-9_]+", re.ASCII)
_SECRET_KEY = re.compile(
    r"pas+(w(or)?d|phrase)|pass$|pwd|secret|token|api_?key|private_?key|credential", re.ASCII
)
_SECRET_VALUE = re.compile(
    r"://[^/\s:@]*:[^/\s@]+@"  # a password within an address
    r"|\b(password|passwd|pwd|token|secret)\s*=\s*\S"  # or within a connection string
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}|xox[abprs]-\S{10,}|glpat-\S{10,})",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TargetRules:
    """A target, with flat settings for its connector. Secrets are there by name alone."""

    key: str
    name: str
    connector: str
    settings: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    account_template: str = "{username}"
    declared: frozenset[str] = frozenset()

    def account_for(self, username: str) -> str:
        """The person's own account on the target."""
        return self.accounts.get(username) or self.account_template.replace("{username}", username)


def target_rules(
    key: str, section: Target, connectors: frozenset[str], report: Report, path: Path
) -> TargetRules:
    """The compiled target; reports a connector that isn't known, secrets, and shared accounts."""
    if not section.connector:
        report.problem((*path, "connector"), f"`connector` is missing.{did_you_mean('', connectors)}")
    elif section.connector not in connectors:
        hint = did_you_mean(section.connector, connectors)
        report.problem((*path, "connector"), f"`{section.connector}` isn't a connector of this portal.{hint}")
    refuse_secrets(section.settings, report, (*path, "settings"))
    _refuse_shared_accounts(section.accounts, report, (*path, "accounts"))
    return TargetRules(
        key=key,
        name=section.name or key,
        connector=section.connector,
        settings=section.settings,
        accounts=section.accounts,
        account_template=section.account_template,
        declared=frozenset(section.declared),
    )


def compare_targets(targets: Mapping[str, TargetRules], report: Report, path: Path) -> None:
    """Reports a second portal target, and warns where two targets are one and the same system."""
    same: dict[tuple[str, frozenset[tuple[str, str]]], str] = {}
    for key, target in targets.items():
        if target.connector == MANUAL:
            continue
        where = frozenset((name, value) for name, value in target.settings.items() if name in _PLACES)
        first = same.setdefault((target.connector, where), key)
        if first == key:
            continue
        if target.connector == PORTAL:
            report.problem((*path, key), f"`{first}` is the portal's own target already. Keep one.")
        else:
            report.warn((*path, key), f"`{key}` and `{first}` have the same address: are they one system?")


#: Settings that say where a target is, rather than how it is spoken to.
_PLACES = frozenset({"host", "hostaddr", "port", "url", "database", "dbname", "service", "socket"})


def refuse_secrets(values: Mapping[str, str], report: Report, path: Path) -> None:
    """Reports what looks like a secret: the document is read by many, and kept for ever."""
    for name, value in values.items():
        sentence = _secret_sentence(name, value)
        if sentence:
            report.problem((*path, name), sentence)


def _secret_sentence(name: str, value: str) -> str | None:
    if name.endswith(SECRET_SUFFIX):
        if _SECRET_NAME.fullmatch(value):
            return None
        return (
            f"`{name}` names the environment variable that holds the secret, or with _FILE added the file: "
            f"{SECRET_PREFIX} and more capitals. Never write the secret itself here."
        )
    advice = (
        f"Keep it in an environment variable {SECRET_PREFIX}… or in a file, and name that as "
        f"`{_stem(name)}{SECRET_SUFFIX}`."
    )
    if _SECRET_KEY.search(name):
        return f"`{name}` looks like a secret, which this document must not hold. {advice}"
    if _SECRET_VALUE.search(value):
        return f"The value of `{name}` looks like it holds a secret, which this document must not. {advice}"
    return None


def _stem(name: str) -> str:
    """The setting that would name the secret, without its ending."""
    stem = name.removesuffix("secret").rstrip("_-")
    return stem if stem and _SECRET_KEY.search(name) else "password"


def _refuse_shared_accounts(accounts: Mapping[str, str], report: Report, path: Path) -> None:
    """One account for two people would let one hold what was granted to the other."""
    holders: dict[str, list[str]] = defaultdict(list)
    for username, account in accounts.items():
        holders[account].append(username)
    for account, usernames in holders.items():
        for other in usernames[1:]:
            report.problem(
                (*path, other), f"`{account}` is {usernames[0]}'s account already. Give each person one."
            )
