"""A policy's patterns are refused where they could take for ever on what people type."""

from __future__ import annotations

import re
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.policy import LONGEST_TICKET
from jitportal.rules.ticket_patterns import LONGEST_PATTERN, matches_anything, pattern_problem


@pytest.mark.parametrize(
    "pattern",
    [
        "INC-[0-9]+",
        r"(?:INC|CHG|PRB)-\d{1,8}",
        r"(INC-\d{6}|CHG\d+)(, )?",
        r"[A-Z][A-Z0-9]{1,9}-\d+",
        r"https://tickets\.example/\w+",
        r"[]a^-]+",
        r"(?:ab){3}",
        r"\[urgent\] .+",
        "plain",
        "^INC-1$",
        "a{2}?",
    ],
)
def test_patterns_that_tickets_have_are_accepted(pattern: str) -> None:
    assert pattern_problem(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        "(?:a|a)*b",
        "(a|aa)+$",
        "((a{1,9}){1,9}){1,9}",
        "a*a*a*a*b",
        r"(\d+)*x",
        "(a?){50}a{50}",
        "(?:(?:a|b)*c)*d",
        "a?" * 30 + "a" * 30,
        "(a|a)" * 30,
        "(.*)(.*)(.*)(.*)x",
    ],
)
def test_patterns_that_take_for_ever_are_refused(pattern: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None
    assert "too many ways" in problem


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("INC-(", "isn't a regular expression"),
        ("*", "isn't a regular expression"),
        (")", "isn't a regular expression"),
        ("a{99999999999999}", "isn't a regular expression"),
        (r"(a)\1", "refers back to a group"),
        ("(?=a)a", "begins something that patterns can't use"),
        ("(?i)inc", "begins something that patterns can't use"),
        ("(?P<x>a)", "begins something that patterns can't use"),
        ("[[a]", "A `[` has no closing `]`"),
        ("[a", "A `[` has no closing `]`"),
        ("[a--z]", "set operation"),
        ("x" * (LONGEST_PATTERN + 1), "201 characters, and 200 are allowed"),
    ],
)
def test_patterns_that_arent_are_refused(pattern: str, said: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None
    assert said in problem


@pytest.mark.parametrize("pattern", ["", ".*", "(?:.*)", r"[\s\S]*"])
def test_a_pattern_that_asks_for_nothing_is_known(pattern: str) -> None:
    assert matches_anything(pattern)


def test_a_pattern_that_asks_for_something_is_known() -> None:
    assert not any(map(matches_anything, ("INC-[0-9]+", "x", ".+", "[a-z ]*")))


_PIECES = st.sampled_from(
    [
        "a",
        "b",
        ".",
        r"\d",
        "[ab]",
        "(",
        "(?:",
        ")",
        "|",
        "*",
        "+",
        "?",
        "{2}",
        "{1,3}",
        "{2,}",
        "{,4}",
        "\\",
        "^",
    ]
)


@given(st.lists(_PIECES, max_size=14).map("".join))
def test_an_accepted_pattern_is_quick_on_the_worst_ticket(pattern: str) -> None:
    if pattern_problem(pattern) is None:
        compiled = re.compile(pattern)
        started = monotonic()
        for ticket in ("a" * LONGEST_TICKET, "a" * (LONGEST_TICKET - 1) + "!", "ab" * (LONGEST_TICKET // 2)):
            compiled.fullmatch(ticket)
        assert monotonic() - started < 5


@given(st.text(max_size=30))
def test_any_text_is_judged_without_a_crash(pattern: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is None or problem.endswith(".")
