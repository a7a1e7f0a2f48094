"""What `make test` says last: it tells skips apart, and calls no tests a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUMMARY = Path(__file__).resolve().parents[2] / "scripts" / "test_summary.py"
PASSES = "def test_passes(): pass\n"
SKIPS = "import pytest\ndef test_skips(): pytest.skip('No such server.')\n"
FAILS_AS_EXPECTED = "import pytest\n@pytest.mark.xfail\ndef test_fails(): assert False\n"
FAILS = "def test_fails_outright(): assert False\n"


def _summary(results: Path, *, tests: str) -> tuple[int, str]:
    """Run the tests with pytest, bare of this project's settings, and then the summary."""
    results.mkdir()
    module = results / "test_sample.py"
    module.write_text(tests)
    pytest_alone = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:django",
        "-c",
        "/dev/null",
        "--rootdir",
        str(results),
    ]
    junit = f"--junitxml={results / 'sqlite.xml'}"
    subprocess.run(
        [*pytest_alone, junit, str(module)],
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
        capture_output=True,
        timeout=60,
    )
    done = subprocess.run(
        [sys.executable, str(SUMMARY), str(results)], check=False, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout


def test_counts_each_kind_and_gives_the_reasons(tmp_path: Path) -> None:
    status, said = _summary(tmp_path / "results", tests=PASSES + SKIPS + FAILS_AS_EXPECTED)
    assert status == 0
    assert "1 passed, 0 failed, 1 skipped, 1 failed as expected" in said
    assert "skipped 1: No such server." in said
    assert said.splitlines()[-1] == "All passed; 1 skipped in 1 runs."


@pytest.mark.parametrize("tests", [PASSES + FAILS, SKIPS, ""], ids=["failure", "only skips", "nothing"])
def test_fails_where_not_everything_is_good(tmp_path: Path, tests: str) -> None:
    status, said = _summary(tmp_path / "results", tests=tests)
    assert status == 1
    assert said.splitlines()[-1].startswith("FAILED")
