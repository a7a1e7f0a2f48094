"""Figures that the proofs measure: printed, and kept with their results."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

Say = Callable[[str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]) -> Say:
    """Print a figure past pytest's capture, and keep it with the test's result."""

    def say_it(figure: str) -> None:
        record_property("figure", figure)
        with capsys.disabled():
            sys.stdout.write(f"\n    {figure}\n")

    return say_it
