"""Roles of the policy document, compiled into the rules that requests are decided by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jitportal.rules.deciders import DeciderRules
from jitportal.rules.durations import MINUTES_IN, spoken
from jitportal.rules.policy import RoleRules, ScopeRules, StageRules
from jitportal.rules.policy_lines import Path, Report, did_you_mean
from jitportal.rules.policy_nudges import Place, notify_rules, nudge_rules, refuse_nudges
from jitportal.rules.policy_requirements import SECTIONS, PathwayRules, Requirement
from jitportal.rules.policy_schema import Defaults, Role, WaitingTimes
from jitportal.rules.policy_shapes import duration_key, minutes_of
from jitportal.rules.policy_stages import MANAGER, OWNER, role_stages
from jitportal.rules.policy_targets import PORTAL, SSH, WITHOUT_LOGINS, TargetRules, refuse_secrets
from jitportal.rules.vocabulary import WHOLE_TARGET, Decider, Pathway, Power, Risk

_HOUR, _DAY = MINUTES_IN["hours"], MINUTES_IN["days"]
LONGEST_WAIT = 366 * _DAY
DEFAULT_JUSTIFICATION = 10
DEFAULT_REVOKERS = (MANAGER, OWNER)


@dataclass(frozen=True, slots=True)
class Waits:
    """What a pathway's roles take where neither they nor the document's defaults say; in minutes.

    ``total_factor``: a chain of renewals may reach so many times the role's longest.
    """

    recommended: int
    total_factor: int
    lapse_after: int
    window: int
    horizon: int


WAITS = {
    Pathway.JIT: Waits(30, 4, 4 * _HOUR, 1 * _DAY, 14 * _DAY),
    Pathway.TEMPORARY: Waits(1 * _DAY, 2, 4 * _DAY, 7 * _DAY, 30 * _DAY),
    Pathway.BREAK_GLASS: Waits(60, 1, 1 * _HOUR, 1 * _DAY, 1 * _DAY),
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a role refers to. ``targets`` holds None for those that couldn't be read."""

    targets: Mapping[str, TargetRules | None]
    defaults: Defaults
    defaults_path: Path
    report: Report


def role_rules(key: str, section: Role, pathway: PathwayRules, around: Surroundings, path: Path) -> RoleRules:
    """The compiled role; reports every reference, cap and combination that can't be."""
    return _Role(key, section, pathway, around, path).compiled()


class _Role:
    def __init__(
        self, key: str, section: Role, pathway: PathwayRules, around: Surroundings, path: Path
    ) -> None:
        self.key = key
        self.section = section
        self.pathway = pathway
        self.around = around
        self.path = path
        self.report = around.report
        self.target = around.targets.get(section.target)
        self.max_minutes = self._longest()

    def compiled(self) -> RoleRules:
        section, defaults = self.section, self.around.defaults
        self._check_names()
        scopes = self._scopes()
        stages = role_stages(
            section,
            self.pathway,
            scopes=frozenset(scopes),
            max_minutes=self.max_minutes,
            report=self.report,
            path=self.path,
        )
        risk = section.risk or defaults.risk or Risk.MEDIUM
        self._warn(stages, risk)
        waits = WAITS[self.pathway.pathway]
        lapse_after = self._wait("lapse_after", waits.lapse_after)
        return RoleRules(
            key=self.key,
            name=section.name or self.key,
            description=section.description,
            pathway=self.pathway.pathway,
            target=section.target,
            scopes=scopes,
            owner=section.owner,
            eligible_people=frozenset(section.eligible.people),
            eligible_teams=frozenset(section.eligible.teams),
            stages=self._nudged(stages, lapse_after),
            max_minutes=self.max_minutes,
            recommended_minutes=self._recommended(waits),
            max_total_minutes=self._total(waits),
            lapse_after_minutes=lapse_after,
            longest_window_minutes=self._wait("window", waits.window),
            horizon_minutes=self._wait("horizon", waits.horizon),
            least_justification=self._least_justification(),
            ticket_required=self._ticket_required(),
            ticket_pattern=section.ticket.pattern or defaults.ticket.pattern,
            ticket_hint=section.ticket.hint or defaults.ticket.hint,
            risk=risk,
            revokers=self._revokers(),
            dynamic_login=section.login == "dynamic",
            review_after_use=self._review_after_use(risk),
            accounts=tuple(section.accounts or ()),
            notify=notify_rules(section.notify, self.pathway.notify),
        )

    def _nudged(self, stages: tuple[StageRules, ...], lapse_after: int) -> tuple[StageRules, ...]:
        """The stages with their reminders and escalations: their own, the role's, or the defaults'."""
        section, around = self.section, self.around
        if self.pathway.pathway is Pathway.BREAK_GLASS:
            refuse_nudges(section, self.report, self.path)
            return stages
        shared = [(section, self.path), (around.defaults, around.defaults_path)]
        own: list[list[Place]] = [[] for _ in stages]
        if section.stages is not None:
            own = [
                [(stage, (*self.path, "stages", index))]
                for index, stage in enumerate(section.stages[: len(stages)])
            ]
        return tuple(
            replace(stage, nudges=nudge_rules([*places, *shared], lapse_after, self.report))
            for stage, places in zip(stages, own, strict=True)
        )

    def _check_names(self) -> None:
        section = self.section
        if not section.owner:
            self._problem("owner", "`owner` is missing: name the person who answers for this role.")
        if not section.target:
            known = did_you_mean("", self.around.targets)
            self._problem("target", f"`target` is missing: say on which system this role is.{known}")
        elif section.target not in self.around.targets:
            hint = did_you_mean(section.target, self.around.targets)
            self._problem("target", f"There is no target `{section.target}`.{hint}")
        if section.login == "dynamic" and self.target and self.target.connector in WITHOUT_LOGINS:
            self._problem(
                "login", f"Connector `{self.target.connector}` makes no logins. Say `login: named`."
            )

    def _scopes(self) -> dict[str, ScopeRules]:
        section = self.section
        if section.entitlement and section.scopes is not None:
            self._problem("scopes", "Give either `entitlement` (the whole target) or `scopes`, not both.")
        if section.scopes is None:
            if not section.entitlement and not self.report.is_spoiled((*self.path, "scopes")):
                self._problem("entitlement", "Say what this role gives: an `entitlement`, or `scopes`.")
            self._check_entitlement(section.entitlement, "entitlement")
            name = self.target.name if self.target else section.target
            whole = ScopeRules(WHOLE_TARGET, f"All of {name}", section.entitlement, self._options({}))
            return {WHOLE_TARGET: whole}
        if not section.scopes:
            self._problem(
                "scopes", "The scopes are empty. Add one, or give an `entitlement` for the whole target."
            )
        return {key: self._scope(key) for key in section.scopes}

    def _scope(self, key: str) -> ScopeRules:
        scope = (self.section.scopes or {})[key]
        if key == WHOLE_TARGET:
            self._problem("scopes", f"`{key}` means the whole target. Name the scope otherwise.", key)
        if not scope.entitlement:
            self._problem(
                "scopes", "`entitlement` is missing: say what this scope gives.", key, "entitlement"
            )
        self._check_entitlement(scope.entitlement, "scopes", key, "entitlement")
        refuse_secrets(scope.options, self.report, (*self.path, "scopes", key, "options"))
        return ScopeRules(key, scope.name or key, scope.entitlement, self._options(scope.options))

    def _check_entitlement(self, entitlement: str, *place: str) -> None:
        if entitlement and self.target and self.target.connector == PORTAL and entitlement not in set(Power):
            hint = did_you_mean(entitlement, list(Power))
            self.report.problem((*self.path, *place), f"`{entitlement}` isn't a power of the portal.{hint}")

    def _options(self, of_scope: Mapping[str, str]) -> dict[str, str]:
        """The role's options, then the scope's, then what the role says otherwise: its kind of login."""
        if "login" in self.section.options or "login" in of_scope:
            self._problem(
                "options", "Say `login: named` or `login: dynamic` on the role, not among the options."
            )
        refuse_secrets(self.section.options, self.report, (*self.path, "options"))
        login = {"login": "dynamic"} if self.section.login == "dynamic" else {}
        return {
            **self.section.options,
            **of_scope,
            **login,
            **self._recorded({**self.section.options, **of_scope}),
        }

    def _recorded(self, said: Mapping[str, str]) -> dict[str, str]:
        """A pathway that requires recorded sessions has its certificates force them, and the statements of
        the logins that are made for it logged.
        """
        connector = self.target.connector if self.target else ""
        made = connector == "postgres" and self.section.login == "dynamic"
        if not (connector == SSH or made) or not self.pathway.needs(Requirement.SESSION_RECORDING):
            return {}
        if said.get("session", "recorded") != "recorded":
            section = SECTIONS[self.pathway.pathway]
            self._problem("options", f"{section} requires session recording, so `session` must be recorded.")
        return {"session": "recorded"}

    def _longest(self) -> int:
        cap = self.pathway.max_minutes
        longest = minutes_of(self.section, "max", self.path, self.report) or cap
        if longest > cap:
            self._problem(
                duration_key(self.section, "max"),
                f"{spoken(longest)} is over the cap of {SECTIONS[self.pathway.pathway]}, {spoken(cap)}.",
            )
        return longest

    def _recommended(self, waits: Waits) -> int:
        said = minutes_of(self.section, "recommended", self.path, self.report)
        if said is not None and said > self.max_minutes:
            self._problem(
                duration_key(self.section, "recommended"),
                f"{spoken(said)} recommended is over the longest, {spoken(self.max_minutes)}.",
            )
        return said or min(waits.recommended, self.max_minutes)

    def _total(self, waits: Waits) -> int:
        said = minutes_of(self.section, "max_total", self.path, self.report)
        if said is None:
            return min(self.max_minutes * waits.total_factor, LONGEST_WAIT)
        if said < self.max_minutes:
            self._problem(
                duration_key(self.section, "max_total"),
                f"{spoken(said)} in all is less than one grant may last, {spoken(self.max_minutes)}.",
            )
        return self._bounded(said, self.section, "max_total", self.path)

    def _wait(self, stem: str, otherwise: int) -> int:
        for section, path in ((self.section, self.path), (self.around.defaults, self.around.defaults_path)):
            said = minutes_of(section, stem, path, self.report)
            if said is not None:
                return self._bounded(said, section, stem, path)
        return otherwise

    def _bounded(self, minutes: int, section: WaitingTimes, stem: str, path: Path) -> int:
        if minutes > LONGEST_WAIT:
            sentence = f"{spoken(minutes)} is too long: {spoken(LONGEST_WAIT)} at most."
            self.report.problem((*path, duration_key(section, stem)), sentence)
        return minutes

    def _least_justification(self) -> int:
        for section in (self.section, self.around.defaults):
            if section.justification.least is not None:
                return section.justification.least
        return DEFAULT_JUSTIFICATION

    def _ticket_required(self) -> bool:
        by_pathway = self.pathway.needs(Requirement.TICKET)
        said = self.section.ticket.required
        if by_pathway and said is False:
            section = SECTIONS[self.pathway.pathway]
            self._problem("ticket", f"{section} requires a ticket, so a role can't do without.", "required")
        if said is None:
            return by_pathway or bool(self.around.defaults.ticket.required)
        return said

    def _review_after_use(self, risk: Risk) -> bool:
        by_pathway = self.pathway.needs(Requirement.AFTER_USE_REVIEW)
        said = self.section.review_after_use
        if by_pathway and said is False:
            section = SECTIONS[self.pathway.pathway]
            self._problem(
                "review_after_use", f"{section} requires a review after use, so a role can't do without."
            )
        temporary = self.pathway.pathway is Pathway.TEMPORARY
        if said and not temporary:
            self._problem("review_after_use", "Only temporary access has a review after use. Take this out.")
        return (by_pathway or (risk is Risk.HIGH and temporary)) if said is None else said

    def _revokers(self) -> tuple[DeciderRules, ...]:
        for section in (self.section, self.around.defaults):
            if section.revokers is not None:
                return tuple(section.revokers)
        return DEFAULT_REVOKERS

    def _warn(self, stages: tuple[StageRules, ...], risk: Risk) -> None:
        eligible = self.section.eligible
        if not (eligible.people or eligible.teams):
            self.report.warn(self.path, "Nobody is eligible for this role, so nobody can request it.")
        if risk is Risk.HIGH and any(stage.system_when for stage in stages):
            self.report.warn(self.path, "The system may approve this role although its risk is high.")
        for stage in stages:
            if {decider.kind for decider in stage.deciders} == {Decider.ROLE_OWNER}:
                self.report.warn(
                    self.path,
                    f"Only {self.section.owner} can decide stage {stage.name}: nobody can while they are "
                    "away, or when they ask themselves.",
                )

    def _problem(self, key: str, sentence: str, *further: str) -> None:
        self.report.problem((*self.path, key, *further), sentence)
