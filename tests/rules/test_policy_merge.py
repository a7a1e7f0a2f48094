"""Two changes of one text are put together where neither touches the other's lines."""

from __future__ import annotations

import pytest

from jitportal.rules.policy_merge import merged

BASE = "a\nb\nc\nd\ne\n"


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (BASE, BASE, BASE),
        ("a\nB\nc\nd\ne\n", BASE, "a\nB\nc\nd\ne\n"),
        (BASE, "a\nb\nc\nd\nE\n", "a\nb\nc\nd\nE\n"),
        ("A\nb\nc\nd\ne\n", "a\nb\nc\nD\ne\n", "A\nb\nc\nD\ne\n"),
        ("b\nc\nd\ne\n", "a\nb\nc\nd\ne\nf\n", "b\nc\nd\ne\nf\n"),
        ("a\nb\nX\nc\nd\ne\n", "a\nb\nX\nc\nd\ne\n", "a\nb\nX\nc\nd\ne\n"),  # both alike: once
        ("a\nB\nc\nd\ne\n", "a\nBB\nc\nd\ne\n", None),
        ("a\nB\nc\nd\ne\n", "a\nb\nC\nd\ne\n", None),  # neighbours
        ("a\nb\nX\nc\nd\ne\n", "a\nb\nY\nc\nd\ne\n", None),
    ],
)
def test_both_changes_or_none(theirs: str, ours: str, expected: str | None) -> None:
    assert merged(BASE, theirs, ours) == expected
    assert merged(BASE, ours, theirs) == expected
