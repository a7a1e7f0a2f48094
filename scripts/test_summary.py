"""Print one line for each run of the tests, from the JUnit files that pytest left, and a last word.

Fails when a test failed, or when a run reports no tests at all.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What one run of pytest came to."""

    name: str
    passed: int
    failed: int
    expected_failures: int
    skipped: Counter[str]
    seconds: float

    @property
    def good(self) -> bool:
        return self.failed == 0 and self.passed > 0

    def __str__(self) -> str:
        parts = [f"{self.passed} passed", f"{self.failed} failed", f"{self.skipped.total()} skipped"]
        if self.expected_failures:
            parts.append(f"{self.expected_failures} failed as expected")
        return f"{self.name:<12} {', '.join(parts)} in {self.seconds:.0f} s"


def read(path: Path) -> Run:
    """Count the test cases of one JUnit file, which our own pytest has just written."""
    suites = list(ET.parse(path).getroot().iter("testsuite"))  # noqa: S314 - our own file
    passed = failed = expected = 0
    skipped: Counter[str] = Counter()
    for case in (case for suite in suites for case in suite.iter("testcase")):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is None:
            passed += 1
        elif skip.get("type") == "pytest.xfail":
            expected += 1
        else:
            skipped[skip.get("message") or "no reason given"] += 1
    seconds = sum(float(suite.get("time", "0")) for suite in suites)
    return Run(path.stem, passed, failed, expected, skipped, seconds)


def main(results: Path) -> int:
    """Print the summary of a directory of results; give 1 when something in it is not good."""
    runs = [read(path) for path in sorted(results.glob("*.xml"), reverse=True)]
    print("== Summary")
    for run in runs:
        print(run)
        for reason, count in run.skipped.most_common():
            print(f"{'':<12} skipped {count}: {reason}")
    for path in sorted(results.glob("*.not-run")):
        print(f"{path.stem:<12} not run: {path.read_text().strip()}")
    good = bool(runs) and all(run.good for run in runs)
    skips = sum(run.skipped.total() for run in runs)
    print(f"{'All passed' if good else 'FAILED'}; {skips} skipped in {len(runs)} runs.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
