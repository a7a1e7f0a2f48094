"""The common changes of the policy as forms: a new role, who may ask for one, and its caps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from jitportal.models import Person, Target, Team
from jitportal.rules.deciders import DeciderRules
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_edits import Eligibility, NewRole, NewScope
from jitportal.rules.policy_lines import did_you_mean
from jitportal.rules.policy_scalars import slug_problem
from jitportal.rules.vocabulary import Decider, Pathway, Risk
from jitportal.web.forms.base import PortalForm
from jitportal.web.forms.lengths import LengthField
from jitportal.web.forms.policy import LARGEST

_PATHWAYS = {
    Pathway.JIT: "JIT: a task now, or in a change window",
    Pathway.TEMPORARY: "Temporary: days, for a migration or an investigation",
}
PATHWAY_NAMES = {
    Pathway.JIT: "JIT",
    Pathway.TEMPORARY: "temporary",
    Pathway.BREAK_GLASS: "break-glass",
}
_RISKS = [("", "The policy's default"), *((risk, risk.value.capitalize()) for risk in Risk)]
_SCOPE = re.compile(r"(?P<key>[^:]+):(?P<entitlement>[^,]+)(?:,(?P<name>.+))?")
_NO_SLUG = re.compile(r"[^a-z0-9]+")
AS_REQUIRED, NOBODY_ELSE = "", ""


class UsernamesField(forms.CharField):
    """Usernames with blanks, commas or lines between them; each must be an active person's."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 4000)
        kwargs.setdefault("required", False)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        return " ".join(str(value or "").replace(",", " ").split())

    def clean(self, value: Any) -> list[str]:
        names = list(dict.fromkeys(super().clean(value).split()))
        found = set(Person.objects.active().filter(username__in=names).values_list("username", flat=True))
        unknown = [name for name in names if name not in found]
        if unknown:
            raise ValidationError([_nobody(name) for name in unknown[:10]])
        return names


def _nobody(name: str) -> str:
    known = Person.objects.active().filter(username__startswith=name[:1]).values_list("username", flat=True)
    return f"There is no person {name}.{did_you_mean(name, known[:300])}"


class ChangeForm(PortalForm):
    """What every change of the policy needs: why it is made, and into which text it is written.

    ``text`` is the draft that other changes are in already; empty: the policy in force.
    """

    text = forms.CharField(required=False, strip=False, max_length=LARGEST, widget=forms.HiddenInput)
    base = forms.IntegerField(required=False, min_value=1, max_value=2_000_000_000, widget=forms.HiddenInput)
    note = forms.CharField(
        label="What it changes, and why",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The second person reads this first.",
        error_messages={"required": "Say what this changes, and why."},
    )


class NewRoleForm(ChangeForm):
    """A role on a pathway where people decide; break-glass roles are written in the document itself."""

    name = forms.CharField(
        label="Name",
        max_length=200,
        help_text="What people see: “Read orders in production”.",
        error_messages={"required": "Name the role."},
    )
    key = forms.CharField(
        label="Key",
        max_length=63,
        required=False,
        help_text="Small letters, digits and hyphens; it never changes. Left empty, it is made of the name.",
    )
    description = forms.CharField(
        label="Description",
        max_length=500,
        required=False,
        help_text="What it is for: people find a role by these words.",
    )
    target = forms.ChoiceField(label="Target", error_messages={"required": "Choose its target."})
    pathway = forms.ChoiceField(
        label="Pathway", widget=forms.RadioSelect, error_messages={"required": "Choose its pathway."}
    )
    entitlement = forms.CharField(
        label="Entitlement on the whole target",
        max_length=200,
        required=False,
        help_text="What the target calls the privilege, such as a PostgreSQL role. Or give scopes instead.",
    )
    scopes = forms.CharField(
        label="Scopes",
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Narrow parts of the target, one on a line: key: entitlement, name. "
        "For example “orders: app_rw, Tables of the orders application”.",
    )
    people = UsernamesField(
        label="People who may ask", help_text="Usernames, with blanks or commas between them."
    )
    teams = forms.MultipleChoiceField(
        label="Teams that may ask", required=False, widget=forms.CheckboxSelectMultiple
    )
    decides = forms.ChoiceField(label="Who decides", required=False)
    then_decides = forms.ChoiceField(label="And after them", required=False)
    longest = LengthField(label="Longest grant")
    risk = forms.ChoiceField(label="Risk", required=False, choices=_RISKS)
    owner = forms.CharField(
        label="Owner",
        max_length=63,
        help_text="The username of the person who answers for this role.",
        error_messages={"required": "Say who answers for it."},
        widget=forms.TextInput(attrs={"list": "known-people", "autocomplete": "off"}),
    )

    field_order = (
        "name", "key", "description", "target", "pathway", "entitlement", "scopes", "people", "teams",
        "decides", "then_decides", "longest", "risk", "owner", "note",
    )  # fmt: skip

    def __init__(
        self, *args: Any, pathways: Iterable[Pathway], targets: Iterable[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        names = dict(Target.objects.values_list("key", "name"))
        choices: dict[str, Sequence[tuple[str, str]]] = {
            "target": [("", "Choose one"), *((key, names.get(key, key)) for key in targets)],
            "pathway": [(pathway, _PATHWAYS[pathway]) for pathway in pathways if pathway in _PATHWAYS],
            "teams": _teams(),
            "decides": [(AS_REQUIRED, "Whom the pathway requires"), *_deciders()],
            "then_decides": [(NOBODY_ELSE, "Nobody else"), *_deciders()],
        }
        for name, listed in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = list(listed)

    def clean_key(self) -> str:
        key = self.cleaned_data["key"] or _NO_SLUG.sub(
            "-", self.cleaned_data.get("name", "").casefold()
        ).strip("-")
        problem = slug_problem(key[:63]) if key else "Give the role a key: its name has no letters for one."
        if problem and "name" in self.cleaned_data:
            raise ValidationError(problem)
        return str(key[:63])

    def clean_owner(self) -> str:
        owner: str = self.cleaned_data["owner"].strip()
        if not Person.objects.active().filter(username=owner).exists():
            raise ValidationError(_nobody(owner))
        return owner

    def clean_scopes(self) -> list[NewScope]:
        """Each line as a scope; a line that is none is named."""
        found: list[NewScope] = []
        for line in filter(None, map(str.strip, self.cleaned_data["scopes"].splitlines())):
            parts = _SCOPE.fullmatch(line)
            if parts is None:
                raise ValidationError(f"“{line[:80]}” is no scope. Write “key: entitlement, name”.")
            key, entitlement, name = (
                str(part or "").strip() for part in parts.group("key", "entitlement", "name")
            )
            problem = slug_problem(key)
            if problem:
                raise ValidationError(problem)
            if key in {one.key for one in found}:
                raise ValidationError(f"The scope {key} stands here twice. Keep one.")
            found.append(NewScope(key, entitlement, name))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        given = [bool(cleaned.get(name)) for name in ("entitlement", "scopes")]
        if not set(self.errors) & {"entitlement", "scopes"} and sum(given) != 1:
            sentence = "Give either an entitlement on the whole target, or scopes."
            self.add_error("entitlement", sentence)
        if cleaned.get("then_decides") and not cleaned.get("decides"):
            self.add_error("decides", "Say who decides first.")
        return cleaned

    def role(self) -> NewRole:
        """What was typed, as a role."""
        said = self.cleaned_data
        stages = [_decider(said[name]) for name in ("decides", "then_decides") if said[name]]
        return NewRole(
            key=said["key"],
            pathway=Pathway(said["pathway"]),
            target=said["target"],
            owner=said["owner"],
            max_minutes=said["longest"],
            name=said["name"],
            description=said["description"],
            entitlement=said["entitlement"],
            scopes=said["scopes"],
            people=said["people"],
            teams=said["teams"],
            stages=stages,
            risk=Risk(said["risk"]) if said["risk"] else None,
        )


class EligibilityForm(ChangeForm):
    """Who may ask for a role: those who come, and those who go."""

    add_people = UsernamesField(
        label="Add people", help_text="Usernames, with blanks or commas between them."
    )
    add_teams = forms.MultipleChoiceField(
        label="Add teams", required=False, widget=forms.CheckboxSelectMultiple
    )
    remove_people = forms.MultipleChoiceField(
        label="Take out people", required=False, widget=forms.CheckboxSelectMultiple
    )
    remove_teams = forms.MultipleChoiceField(
        label="Take out teams", required=False, widget=forms.CheckboxSelectMultiple
    )

    field_order = ("add_people", "add_teams", "remove_people", "remove_teams", "note")

    def __init__(self, *args: Any, rules: RoleRules, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rules = rules
        people = dict(
            Person.objects.filter(username__in=rules.eligible_people).values_list("username", "name")
        )
        teams = _teams()
        names = dict(teams)
        choices = {
            "add_teams": [one for one in teams if one[0] not in rules.eligible_teams],
            "remove_people": [
                (one, f"{people.get(one, one)} ({one})") for one in sorted(rules.eligible_people)
            ],
            "remove_teams": [(one, names.get(one, one)) for one in sorted(rules.eligible_teams)],
        }
        for name, listed in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = listed
            if not listed:
                del self.fields[name]

    def clean_add_people(self) -> list[str]:
        names: list[str] = self.cleaned_data["add_people"]
        already = [name for name in names if name in self.rules.eligible_people]
        if already:
            raise ValidationError(f"{', '.join(already)} may ask for it already.")
        return names

    def clean(self) -> dict[str, Any]:
        if not self.errors and self.change() == Eligibility():
            raise ValidationError("Say whom to add, or whom to take out.")
        return self.cleaned_data

    def change(self) -> Eligibility:
        said = self.cleaned_data
        names = ("add_people", "add_teams", "remove_people", "remove_teams")
        return Eligibility(**{name: tuple(said.get(name, ())) for name in names})


class CapsForm(ChangeForm):
    """How long a role's grants may last, and any grant on its pathway; what stays as it is isn't written."""

    field_names = {"longest": "max"}

    max = LengthField(label="Longest grant")
    recommended = LengthField(label="Recommended")
    max_total = LengthField(label="Longest with renewals")
    pathway = LengthField(required=False)

    field_order = ("max", "recommended", "max_total", "pathway", "note")

    def __init__(self, *args: Any, rules: RoleRules, cap: int, **kwargs: Any) -> None:
        """``cap``: the longest grant on the role's pathway, in minutes."""
        self.now = {
            "max": rules.max_minutes,
            "recommended": rules.recommended_minutes,
            "max_total": rules.max_total_minutes,
        }
        self.cap = cap
        kwargs["initial"] = {**self.now, "pathway": cap, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        for stem in self.now:  # a list of errors at the top of the page would say the same of each
            wanted = f"{self.fields[stem].label}: say for how long."
            self.fields[stem].error_messages |= {"required": wanted, "incomplete": wanted}
        self.fields["pathway"].label = f"Longest grant of any {PATHWAY_NAMES[rules.pathway]} role"
        self.fields["pathway"].help_text = (
            "No role on this pathway lasts longer, and those that say no length of their own last as long. "
            "Raise it where this role should last longer than it allows."
        )

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if not self.errors and self.caps() == self.now and self.pathway_cap() == self.cap:
            raise ValidationError("Nothing differs from the policy as it is. Change one of the lengths.")
        longest = cleaned.get("max")
        if longest and (cleaned.get("recommended") or 0) > longest:
            self.add_error("recommended", "Recommend no more than the longest grant.")
        if longest and (cleaned.get("max_total") or longest) < longest:
            self.add_error("max_total", "Allow at least the longest grant in all.")
        return cleaned

    def caps(self) -> dict[str, int]:
        """The minutes of each cap, by its stem."""
        return {stem: self.cleaned_data[stem] for stem in self.now}

    def pathway_cap(self) -> int:
        """The longest grant on the pathway, in minutes."""
        return self.cleaned_data.get("pathway") or self.cap


def _teams() -> list[tuple[str, str]]:
    return list(Team.objects.order_by("name").values_list("key", "name"))


def _deciders() -> list[tuple[str, str]]:
    teams = [(f"team:{key}", f"One of team {name}") for key, name in _teams()]
    return [(Decider.MANAGER, "The requester's manager"), (Decider.ROLE_OWNER, "The role's owner"), *teams]


def _decider(choice: str) -> DeciderRules:
    kind, _, team = choice.partition(":")
    return DeciderRules(Decider(kind), team)
