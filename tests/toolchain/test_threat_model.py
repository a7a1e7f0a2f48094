"""docs/threat-model.md names a test for each threat, and each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "docs" / "threat-model.md").read_text()
ROWS = [
    line
    for line in TEXT.partition("\n## Threats\n")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| Threat |")
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_there_are_threats_of_every_kind() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:50])
def test_each_threat_names_tests_that_exist(row: str) -> None:
    tests = NAMED.findall(row.split("|")[3])
    assert tests, "No test is named."
    for path, name in tests:
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path}::{name}"
