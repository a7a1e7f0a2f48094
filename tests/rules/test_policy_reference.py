"""``docs/policy.md`` says what is so: its examples load, and no key, word or default is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from jitportal.rules.durations import spoken
from jitportal.rules.policy_document import load
from jitportal.rules.policy_requirements import DEFAULT_CAP, LARGEST_CAP, SECTIONS, WORDS, Requirement
from jitportal.rules.policy_roles import WAITS
from jitportal.rules.policy_schema import (
    BreakGlassSection,
    Credential,
    Criterion,
    Defaults,
    Eligible,
    EmergencyAccount,
    Justification,
    Notify,
    Nudges,
    Probe,
    ReviewTimes,
    Role,
    Scope,
    Shape,
    Stage,
    SystemApproval,
    Target,
    Ticket,
)
from jitportal.rules.vocabulary import Pathway
from tests.rules.documents import SEED

REFERENCE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", REFERENCE, re.DOTALL | re.MULTILINE)
SHAPES = [
    BreakGlassSection, Credential, Criterion, Defaults, Eligible, EmergencyAccount, Justification, Probe, Notify, Nudges, ReviewTimes, Role, Scope, Stage,
    SystemApproval, Target, Ticket,
]  # fmt: skip
ORDER = (Pathway.JIT, Pathway.TEMPORARY, Pathway.BREAK_GLASS)


def row(first: str, table: str) -> list[str]:
    """The cells of the row that begins with this text, in the table whose head begins with that one."""
    rows = REFERENCE[REFERENCE.index(f"| {table} |") :].split("\n\n", 1)[0].splitlines()
    (found,) = [line for line in rows if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in found.strip("|").split("|")]


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_loads_without_a_warning(text: str) -> None:
    assert load(text).warnings == ()


def test_the_first_example_is_the_first_policy() -> None:
    assert EXAMPLES[0] == SEED
    assert len(EXAMPLES) == 3


def test_the_full_example_describes_everything_that_it_names() -> None:
    document = load(EXAMPLES[-1])
    assert document.unbound == ()
    assert set(document.pathways) == set(Pathway)


def test_every_shape_is_looked_at() -> None:
    abstract = {BaseModel, Shape}
    known = {shape for listed in SHAPES for shape in listed.__mro__ if isinstance(shape, type(BaseModel))}
    assert set(_below(Shape)) <= known | abstract


def _below(shape: type[Shape]) -> list[type[Shape]]:
    return [found for below in shape.__subclasses__() for found in (below, *_below(below))]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_key_is_explained(shape: type[Shape]) -> None:
    """Defaults say their durations by the stem alone."""
    missing = [
        key for key in shape.model_fields if f"`{key}`" not in REFERENCE and f"`{key}:" not in REFERENCE
    ]
    assert missing == []


@pytest.mark.parametrize("word", list(Requirement))
def test_every_requirement_is_in_the_table_with_its_pathways(word: Requirement) -> None:
    cells = row(f"`{word}`", "Requirement")
    assert cells[1:4] == ["yes" if word in WORDS[pathway] else "" for pathway in ORDER]


def test_the_table_of_requirements_has_no_others() -> None:
    table = REFERENCE[REFERENCE.index("| Requirement |") : REFERENCE.index("The cap binds")]
    words = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert words == {*Requirement, "max_duration_60_minutes"}


@pytest.mark.parametrize("pathway", ORDER)
def test_the_caps_are_those_of_the_code(pathway: Pathway) -> None:
    default, largest = row(f"`{SECTIONS[pathway]}`", "Section")[3:5]
    assert default.replace("60 minutes", "1 hour") == spoken(DEFAULT_CAP[pathway])
    assert largest == spoken(LARGEST_CAP[pathway])


def test_the_defaults_are_those_of_the_code() -> None:
    waits = [WAITS[pathway] for pathway in ORDER]
    assert row("recommended", "Default of")[1:] == [spoken(one.recommended) for one in waits]
    assert row("total, in longest grants", "Default of")[1:] == [str(one.total_factor) for one in waits]
    assert row("lapse after", "Default of")[1:] == [spoken(one.lapse_after) for one in waits]
    assert row("window", "Default of")[1:] == [spoken(one.window) for one in waits]
    assert row("horizon", "Default of")[1:] == [spoken(one.horizon) for one in waits]
