"""docs/operators.md names every setting that the code reads, and no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
READ = re.compile(
    r"\b_?env\.(?:networks|text|words|flag|number|positive|limit|secret)\(\s*\"([A-Z_]+)\"|self\.(?:secret|number)\(\"([A-Z_]+)\""
)
NAMED = re.compile(r"os\.environ[^\n]*\"JITPORTAL_([A-Z_]+)\"")
SHOWN = re.compile(r"^\| `JITPORTAL_([A-Z_]+)`", re.MULTILINE)
SECRET = re.compile(r"\.secret\(\"([A-Z_]+)\"")
#: Between the supervisor and its children alone.
INTERNAL = {"SUPERVISOR_PID", "PULSE_FD"}


def _sources() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "jitportal").rglob("*.py"))


def test_every_setting_is_described() -> None:
    sources = _sources()
    read = {first or second for first, second in READ.findall(sources)} | set(NAMED.findall(sources))
    read = {name.removesuffix("_FILE") for name in read} - INTERNAL
    assert set(SHOWN.findall((ROOT / "docs" / "operators.md").read_text())) == read


def test_every_secret_may_come_from_a_file() -> None:
    page = (ROOT / "docs" / "operators.md").read_text()
    for name in SECRET.findall(_sources()):
        assert f"| `JITPORTAL_{name}`, or a file |" in page


def _headings(page: Path) -> set[str]:
    """What links within the page lead to."""
    return {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
        for line in page.read_text().splitlines()
        if line.startswith("#")
    }


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "docs" / "operators.md"):
        for link in re.findall(r"(?<!!)\[[^\]]*\]\(([^)]+)\)", page.read_text()):
            if "://" in link:
                continue
            file, _, heading = link.partition("#")
            there = page.parent / file if file else page
            assert there.exists(), link
            assert not heading or heading in _headings(there), link
