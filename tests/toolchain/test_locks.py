"""The locks hold what pyproject.toml asks for, in the same versions, with hashes and no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = "requirements.lock"
DEVELOPMENT = "requirements-dev.lock"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _blocks(lock: str) -> list[str]:
    """Each package with its hashes, without the comments that say who asked for it."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    return [block.replace("\\\n", " ") for block in re.split(r"\n(?=\S)", text.strip())]


def _pins(lock: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in _blocks(lock):
        requirement = Requirement(block.split("--hash")[0])
        (pin,) = requirement.specifier
        found[canonicalize_name(requirement.name)] = pin.version
    return found


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        (PRODUCTION, PROJECT["project"]["dependencies"]),
        (DEVELOPMENT, PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
    ],
    ids=["production", "development"],
)
def test_a_lock_satisfies_pyproject(lock: str, asked: list[str]) -> None:
    pins = _pins(lock)
    wanted = [Requirement(line) for line in asked]
    unsatisfied = [
        str(one)
        for one in wanted
        if not one.specifier.contains(pins.get(canonicalize_name(one.name), "0"), prereleases=True)
    ]
    assert not unsatisfied, f"{lock} is behind pyproject.toml: run `make lock`"


def test_what_is_tested_is_what_runs() -> None:
    assert _pins(PRODUCTION).items() <= _pins(DEVELOPMENT).items()


@pytest.mark.parametrize("lock", [PRODUCTION, DEVELOPMENT])
def test_every_package_has_a_hash_and_no_address(lock: str) -> None:
    assert all("--hash=sha256:" in block for block in _blocks(lock))
    assert "://" not in (ROOT / lock).read_text()


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    asked = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    bare = [one for one in asked if not re.search(rf'"{re.escape(one)}",\s+# \w', text)]
    assert not bare
