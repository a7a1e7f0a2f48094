"""A role's approval rule: its own stages, or those that its pathway requires."""

from __future__ import annotations

from collections.abc import Sequence

from jitportal.rules.deciders import DeciderRules, enough_people
from jitportal.rules.durations import spoken
from jitportal.rules.policy import StageRules, SystemRules
from jitportal.rules.policy_lines import Path, Report, did_you_mean
from jitportal.rules.policy_requirements import SECTIONS, PathwayRules, Requirement
from jitportal.rules.policy_schema import Role, Stage, SystemApproval
from jitportal.rules.ticket_patterns import matches_anything
from jitportal.rules.vocabulary import Decider, Pathway

MOST_STAGES = 10
MOST_RULES = 20
MANAGER = DeciderRules(Decider.MANAGER)
OWNER = DeciderRules(Decider.ROLE_OWNER)

_REQUIRED_STAGES = {
    Requirement.MANAGER_OR_SYSTEM_APPROVAL: ("manager", MANAGER),
    Requirement.MANAGER_APPROVAL: ("manager", MANAGER),
    Requirement.OWNER_APPROVAL: ("owner", OWNER),
}


def role_stages(
    section: Role,
    pathway: PathwayRules,
    *,
    scopes: frozenset[str],
    max_minutes: int,
    report: Report,
    path: Path,
) -> tuple[StageRules, ...]:
    """The compiled stages; reports those that nobody could fill, and a system without a rule."""
    if pathway.pathway is Pathway.BREAK_GLASS:
        _refuse_approval(section, report, path)
        return ()
    compiler = _Stages(section, pathway, scopes=scopes, max_minutes=max_minutes, report=report, path=path)
    stages = compiler.required() if section.stages is None else compiler.own(section.stages)
    if stages and not _fillable(stages):
        report.problem(
            (*path, "stages"),
            "The stages need more different people than there can be: a requester has one manager, a role "
            "one owner, and one person counts once. Ask for fewer people, or let a team decide.",
        )
    return stages


def _refuse_approval(section: Role, report: Report, path: Path) -> None:
    sentence = "Nobody approves a break-glass role before its use; it is reviewed afterwards. Take this out."
    if section.stages is not None:
        report.problem((*path, "stages"), sentence)
    if section.system_approval:
        report.problem((*path, "system_approval"), sentence)


class _Stages:
    def __init__(
        self,
        section: Role,
        pathway: PathwayRules,
        *,
        scopes: frozenset[str],
        max_minutes: int,
        report: Report,
        path: Path,
    ) -> None:
        self.section = section
        self.pathway = pathway
        self.scopes = scopes
        self.max_minutes = max_minutes
        self.report = report
        self.path = path

    def required(self) -> tuple[StageRules, ...]:
        """The stages that follow from the pathway's requirements."""
        approvals = self.pathway.approvals
        if not approvals:
            section = SECTIONS[self.pathway.pathway]
            self.report.problem(
                (*self.path, "stages"),
                f"Nobody approves this role: give it `stages`, or let {section} require an approval.",
            )
        rules = self._system_rules(self.section.system_approval, (*self.path, "system_approval"))
        stages = []
        for approval in approvals:
            name, decider = _REQUIRED_STAGES[approval]
            by_system = approval is Requirement.MANAGER_OR_SYSTEM_APPROVAL
            stages.append(StageRules(name, (decider,), system_when=rules if by_system else ()))
        return tuple(stages)

    def own(self, sections: Sequence[Stage]) -> tuple[StageRules, ...]:
        """The stages that the role itself writes down."""
        here = (*self.path, "stages")
        if not sections:
            self.report.problem(
                here, "The list of stages is empty: nobody would approve. Add a stage, or take it out."
            )
        if len(sections) > MOST_STAGES:
            sentence = (
                f"A role has {MOST_STAGES} stages at most, and these are {len(sections)}. Take some out."
            )
            self.report.problem(here, sentence)
            sections = sections[:MOST_STAGES]
        if self.section.system_approval:
            self.report.problem(
                (*self.path, "system_approval"),
                "This role has its own stages: write `system_approval` in the stage that it belongs to.",
            )
        stages = tuple(self._stage(stage, index, (*here, index)) for index, stage in enumerate(sections))
        self._refuse_same_names(stages, here)
        self._warn_of_missing(stages, here)
        return stages

    def _stage(self, stage: Stage, index: int, path: Path) -> StageRules:
        if not stage.decides:
            known = did_you_mean("", ["manager", "role_owner", "team"])
            self.report.problem(
                (*path, "decides"), f"`decides` is missing: say who decides this stage.{known}"
            )
        rules = self._system_rules(stage.system_approval, (*path, "system_approval"))
        return StageRules(stage.name or _stage_name(stage, index), tuple(stage.decides), stage.people, rules)

    def _refuse_same_names(self, stages: Sequence[StageRules], path: Path) -> None:
        names = [stage.name for stage in stages]
        for index, name in enumerate(names):
            if name in names[:index]:
                sentence = f"Two stages are named `{name}`. Give each its own `name`."
                self.report.problem((*path, index), sentence)

    def _warn_of_missing(self, stages: Sequence[StageRules], path: Path) -> None:
        """Where the role's own stages leave out an approval that its pathway lists."""
        for approval in self.pathway.approvals:
            decider = _REQUIRED_STAGES[approval][1]
            if not any(decider in stage.deciders for stage in stages):
                self.report.warn(
                    path,
                    f"{SECTIONS[self.pathway.pathway]} requires `{approval}`, and this role's own stages, "
                    f"which stand in its place, have none that {decider} decides.",
                )

    def _system_rules(self, sections: Sequence[SystemApproval], path: Path) -> tuple[SystemRules, ...]:
        if sections and Requirement.MANAGER_OR_SYSTEM_APPROVAL not in self.pathway.approvals:
            self.report.problem(path, self._no_system_sentence())
        if len(sections) > MOST_RULES:
            sentence = (
                f"A stage has {MOST_RULES} rules at most, and these are {len(sections)}. Take some out."
            )
            self.report.problem(path, sentence)
            sections = sections[:MOST_RULES]
        rules = tuple(self._system_rule(one, index, (*path, index)) for index, one in enumerate(sections))
        names = [rule.name for rule in rules]
        for index, name in enumerate(names):
            if name in names[:index]:
                self.report.problem(
                    (*path, index), f"Two rules are named `{name}`. Give each its own `name`."
                )
        return rules

    def _no_system_sentence(self) -> str:
        if self.pathway.pathway is Pathway.TEMPORARY:
            return "Temporary access is approved by people alone. Take `system_approval` out."
        section = SECTIONS[self.pathway.pathway]
        return (
            f"{section} doesn't require `manager_or_system_approval`, so the system can't approve here. Take "
            "`system_approval` out, or change what the pathway requires."
        )

    def _system_rule(self, section: SystemApproval, index: int, path: Path) -> SystemRules:
        for scope in set(section.scopes) - self.scopes:
            hint = did_you_mean(scope, self.scopes)
            self.report.problem((*path, "scopes"), f"This role has no scope `{scope}`.{hint}")
        if section.max_minutes is not None and section.max_minutes > self.max_minutes:
            self.report.problem(
                (*path, "max_minutes"),
                f"{spoken(section.max_minutes)} is over this role's longest, {spoken(self.max_minutes)}.",
            )
        elif not self._narrows(section):
            self.report.problem(
                path,
                "This rule matches every request, so the system would approve by default. Add a condition "
                "that leaves some out: `max_minutes` under the role's longest, `ticket_pattern`, `teams` or "
                "`scopes`.",
            )
        elif self._leaves_nobody_out(section):
            self.report.warn(
                path,
                "Every request for this role matches this rule, so the system approves them all, and nobody "
                "else is asked.",
            )
        return SystemRules(
            name=section.name or f"rule {index + 1}",
            max_minutes=section.max_minutes,
            ticket_pattern=section.ticket_pattern,
            teams=frozenset(section.teams),
            scopes=frozenset(section.scopes),
        )

    def _narrows(self, section: SystemApproval) -> bool:
        """Whether the rule leaves any request out."""
        return (
            (section.max_minutes is not None and section.max_minutes < self.max_minutes)
            or not matches_anything(section.ticket_pattern)
            or bool(section.teams)
            or (bool(section.scopes) and not self.scopes <= set(section.scopes))
        )

    def _leaves_nobody_out(self, section: SystemApproval) -> bool:
        """Whether the conditions only repeat what the role asks of every request anyway."""
        role, eligible = self.section, self.section.eligible
        if section.max_minutes is not None and section.max_minutes < self.max_minutes:
            return False
        if section.scopes and not self.scopes <= set(section.scopes):
            return False
        if section.teams and (eligible.people or not set(eligible.teams) <= set(section.teams)):
            return False
        required = role.ticket.required or self.pathway.needs(Requirement.TICKET)
        repeated = {"", role.ticket.pattern, ".+", ".*"} if required else {""}
        return section.ticket_pattern in repeated


def _stage_name(stage: Stage, index: int) -> str:
    if len(stage.decides) != 1:
        return f"stage {index + 1}"
    decider = stage.decides[0]
    return {Decider.MANAGER: "manager", Decider.ROLE_OWNER: "owner"}.get(decider.kind, decider.team)


def _fillable(stages: Sequence[StageRules]) -> bool:
    """Whether different people could fill every stage, were each team large enough."""
    seats = sum(stage.people for stage in stages)

    def people(decider: DeciderRules) -> set[str]:
        one = str(decider)
        return {f"{one} {number}" for number in range(seats)} if decider.kind is Decider.TEAM else {one}

    return enough_people(
        [
            (frozenset().union(*map(people, stage.deciders)), stage.people)
            for stage in stages
            if stage.deciders
        ]
    )
