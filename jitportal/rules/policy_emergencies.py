"""Break-glass in the policy document: emergency accounts, criteria with their probes, and who is told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_lines import Path, Report, did_you_mean
from jitportal.rules.policy_mentions import Named
from jitportal.rules.policy_schema import BreakGlassSection, Criterion, EmergencyAccount, Probe
from jitportal.rules.policy_targets import TargetRules, refuse_secrets
from jitportal.rules.vocabulary import Pathway

#: What stands in an incident probe's address for the reference that was typed.
INCIDENT = "{incident}"
LONGEST_LOGIN = 40
_ADDRESS = re.compile(r"https?://([^\s/?#]+)([/?#]\S*)?", re.ASCII)


class ProbeKind(StrEnum):
    """What a probe asks."""

    HTTP = "http"  # whether an address answers as it should: the criterion holds while it doesn't
    OPENID = "openid"  # the same of an identity provider: its discovery document and its keys
    INCIDENT = "incident"  # whether the incident that was named is there, and is what the criterion says


@dataclass(frozen=True, slots=True)
class ProbeRules:
    """How the portal itself looks whether a criterion holds.

    ``failures``: so many in a row, and the criterion holds. ``match``: for an incident, the fields of
    the answer (dotted for nested ones) and the values that each may have.
    """

    kind: ProbeKind
    url: str
    expect_status: int = 200
    failures: int = 3
    every_seconds: int = 30
    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    token_secret: str = ""  # the name of an environment variable, never the token

    @property
    def on_claim(self) -> bool:
        """Whether it can look only once somebody has named an incident."""
        return self.kind is ProbeKind.INCIDENT


@dataclass(frozen=True, slots=True)
class CriterionRules:
    """A circumstance in which break-glass may be used."""

    key: str
    name: str
    description: str = ""
    evidence: str = ""
    probe: ProbeRules | None = None


@dataclass(frozen=True, slots=True)
class EmergencyAccountRules:
    """A named account for break-glass alone."""

    key: str
    name: str
    target: str
    login: str
    reaches: str = ""
    custodians: tuple[str, ...] = ()
    credential_kind: str = ""
    credential_place: str = ""
    rotate_every_days: int | None = None
    drill_every_days: int = 90


def criterion_rules(key: str, section: Criterion, report: Report, path: Path) -> CriterionRules:
    """The compiled criterion; reports a probe that can't look."""
    probe = _probe(section.probe, report, (*path, "probe")) if section.probe else None
    return CriterionRules(key, section.name or key, section.description, section.evidence, probe)


def account_rules(
    key: str, section: EmergencyAccount, targets: Mapping[str, object], report: Report, path: Path
) -> EmergencyAccountRules:
    """The compiled emergency account; reports what is missing, and warns where nobody keeps it."""
    if not section.target:
        report.problem((*path, "target"), "`target` is missing: say on which system this account is.")
    elif section.target not in targets:
        hint = did_you_mean(section.target, targets)
        report.problem((*path, "target"), f"There is no target `{section.target}`.{hint}")
    if not section.login:
        report.problem((*path, "login"), "`login` is missing: say what the account is called on its target.")
    elif len(section.login) > LONGEST_LOGIN:
        sentence = f"A login for emergencies has {LONGEST_LOGIN} characters at most. Shorten it."
        report.problem((*path, "login"), sentence)
    if not section.custodians:
        report.warn(path, "Nobody keeps this emergency account: name its custodians.")
    refuse_secrets(
        {"kind": section.credential.kind, "place": section.credential.place}, report, (*path, "credential")
    )
    return EmergencyAccountRules(
        key=key,
        name=section.name or key,
        target=section.target,
        login=section.login,
        reaches=section.reaches,
        custodians=tuple(section.custodians),
        credential_kind=section.credential.kind,
        credential_place=section.credential.place,
        rotate_every_days=section.rotate_every_days,
        drill_every_days=section.drill_every_days,
    )


def compare_accounts(accounts: Mapping[str, EmergencyAccountRules], report: Report, path: Path) -> None:
    """Reports two emergency accounts that are one login on one target."""
    seen: dict[tuple[str, str], str] = {}
    for key, account in accounts.items():
        first = seen.setdefault((account.target, account.login), key)
        if first != key and account.login:
            sentence = (
                f"`{account.login}` on {account.target} is {first} already. Give this one another login."
            )
            report.problem((*path, key, "login"), sentence)


def check_use(
    roles: Mapping[str, RoleRules],
    accounts: Mapping[str, EmergencyAccountRules],
    report: Report,
    path: Path,
) -> None:
    """Reports roles that name an emergency account that isn't theirs, and warns of those without one."""
    for key, role in roles.items():
        place = (*path, key)
        if role.pathway is not Pathway.BREAK_GLASS:
            if role.accounts:
                sentence = "Only break-glass uses emergency accounts. Take `accounts` out."
                report.problem((*place, "accounts"), sentence)
            continue
        if not role.accounts:
            report.warn(
                place, "This role names no emergency account under `accounts`: it can't be activated."
            )
        for index, name in enumerate(role.accounts):
            account = accounts.get(name)
            if account is None:
                hint = did_you_mean(name, accounts)
                sentence = f"There is no emergency account `{name}`.{hint}"
            elif account.target != role.target:
                sentence = f"`{name}` is an account on {account.target}, and this role is on {role.target}."
            else:
                continue
            report.problem((*place, "accounts", index), sentence)


def borrowed_logins(
    accounts: Mapping[str, EmergencyAccountRules], targets: Mapping[str, TargetRules], people: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """For each emergency account whose login is somebody's own, its key and a sentence."""
    for key, account in accounts.items():
        target = targets.get(account.target)
        if target is None:
            continue
        whose = next((name for name in sorted(people) if target.account_for(name) == account.login), None)
        if whose:
            yield (
                key,
                f"`{account.login}` on {account.target} is {whose}'s own account, and an emergency account "
                "is nobody's. Give it another login.",
            )


def named_in_break_glass(section: BreakGlassSection, path: Path) -> Iterator[Named]:
    """The security contacts, and those who may end an emergency."""
    for what, named in (("security_contacts", section.security_contacts), ("may_end", section.may_end)):
        for index, name in enumerate(named.people):
            yield Named(name, (*path, what, "people", index))
        for index, name in enumerate(named.teams):
            yield Named(name, (*path, what, "teams", index), team=True)


def named_in_account(section: EmergencyAccount, path: Path) -> Iterator[Named]:
    """The custodians."""
    for index, name in enumerate(section.custodians):
        yield Named(name, (*path, "custodians", index))


def _probe(section: Probe, report: Report, path: Path) -> ProbeRules | None:
    kind = _kind(section, report, path)
    problems = list(_address_problems(section.url, incident=kind is ProbeKind.INCIDENT))
    for sentence in problems:
        report.problem((*path, "url"), sentence)
    if section.match and kind is not ProbeKind.INCIDENT:
        report.problem((*path, "match"), "Only an incident probe has fields to match. Take this out.")
    if section.token_secret:
        refuse_secrets({"token_secret": section.token_secret}, report, path)
    refuse_secrets({"url": section.url}, report, path)
    if kind is None or problems:
        return None
    return ProbeRules(
        kind=kind,
        url=section.url,
        expect_status=section.expect_status,
        failures=section.failures,
        every_seconds=section.every_seconds,
        match={name: tuple(values) for name, values in section.match.items()},
        token_secret=section.token_secret,
    )


def _kind(section: Probe, report: Report, path: Path) -> ProbeKind | None:
    if section.kind in set(ProbeKind):
        return ProbeKind(section.kind)
    hint = did_you_mean(section.kind, list(ProbeKind))
    said = f"`{section.kind}` isn't a kind of probe." if section.kind else "`kind` is missing."
    report.problem((*path, "kind"), f"{said}{hint}")
    return None


def _address_problems(url: str, *, incident: bool) -> Iterator[str]:
    host = _host(url)
    if not url:
        yield "`url` is missing: say which address to ask."
    elif host is None:
        yield "This isn't an address: write it whole, such as https://login.example/health."
    elif "@" in host:
        yield "An address holds no user and no password here. Use `token_secret`."
    elif incident and (INCIDENT not in url or INCIDENT in host):
        yield f"Write `{INCIDENT}` after the host, where the incident's reference goes."
    elif not incident and ("{" in url or "}" in url):
        yield "Only an incident probe has braces in its address."


def _host(url: str) -> str | None:
    """What stands between the scheme and the path; None: this is no address on the web."""
    found = _ADDRESS.fullmatch(url)
    return found[1] if found else None
