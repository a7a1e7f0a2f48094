"""What the log says is one line for each thing that is said, whatever somebody typed."""

from __future__ import annotations

import logging

import pytest

from jitportal.log_lines import LineFormatter

LINES = LineFormatter("{levelname} {name}: {message}", style="{")


def line(name: str, message: str, *arguments: object, broken: bool = False) -> str:
    error = ValueError("It is broken.") if broken else None
    exc_info = (ValueError, error, None) if error else None
    return LINES.format(logging.LogRecord(name, logging.ERROR, "", 0, message, arguments, exc_info))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("a\nERROR root: It burns", r"a\nERROR root: It burns"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("\u2028\u202e\x85", r"\u2028\u202e\x85"),
        ("Zoë 漢", "Zoë 漢"),
    ],
)
def test_nobody_begins_a_line_of_their_own(typed: str, said: str) -> None:
    assert line("jitportal", "Heard of %s.", typed) == f"ERROR jitportal: Heard of {said}."


def test_what_is_broken_shows_its_stack_and_what_is_refused_does_not() -> None:
    assert line("django.request", "Broken", broken=True).splitlines()[-1] == "ValueError: It is broken."
    refused = line("django.security.DisallowedHost", "Invalid host: %r.", "evil\n", broken=True)
    assert refused == r"ERROR django.security.DisallowedHost: Invalid host: 'evil\n'."
