"""What a terminal was sent, read as lines; whatever it was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.terminal_text import LONGEST_LINE, ScreenText, command_in


def read(*parts: str) -> list[str]:
    screen = ScreenText()
    lines = [line.text for number, part in enumerate(parts) for line in screen.feed(float(number), part)]
    return lines + [line.text for line in screen.close()]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("plain\r\nlines\r\n", ["plain", "lines"]),
        ("\x1b[1;31mred\x1b[0m and \x1b[4mmore\x1b[m\n", ["red and more"]),
        ("\x1b]0;a title\x07$ ls\r\n", ["$ ls"]),
        ("\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\\n", ["click"]),
        ("lz\x08s -la\n", ["ls -la"]),
        ("10%\r50%\r100%\n", ["100%"]),
        ("\x1b[?2004h\x1b[?2004l\rdone\n", ["done"]),
        ("a\x00b\x07c\x9b31m\n", ["abc31m"]),
        ("\x1bPq#0;1\x1b\\picture\n", ["picture"]),
        ("rm \u202etxt.doog\u202c\n", ["rm <U+202E>txt.doog<U+202C>"]),
        ("one\rtwo\r\r\n", ["two"]),
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_sequences_are_taken_out(sent: str, shown: list[str]) -> None:
    assert read(sent) == shown


def test_a_sequence_that_comes_in_two_parts_is_one() -> None:
    assert read("a\x1b[3", "1mb\x1b", "]0;ti", "tle\x07c\n") == ["abc"]


def test_a_line_has_the_time_at_which_it_was_whole() -> None:
    screen = ScreenText()
    assert [*screen.feed(1.0, "one ")] == []
    (line,) = screen.feed(2.5, "line\n")
    assert (line.seconds, line.text) == (2.5, "one line")


def test_endless_lines_and_sequences_are_cut() -> None:
    screen = ScreenText()
    for _ in range(50):
        assert [*screen.feed(0.0, "x" * 10_000)] == []
    (line,) = screen.close()
    assert len(line.text) == LONGEST_LINE
    assert sum(map(len, read("\x1b]0;" + "t" * 100_000))) <= 100_010


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), max_size=6))
def test_whatever_comes_nothing_that_could_act_is_left(parts: list[str]) -> None:
    for line in read(*parts):
        assert len(line) <= LONGEST_LINE
        assert not {"\x1b", "\x07", "\n", "\r", "\x9b", "\x00", "\u202e", "\u2066"} & set(line)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("rita@web1:~$ systemctl restart nginx", "systemctl restart nginx"),
        ("[root@web1 etc]# vi passwd", "vi passwd"),
        ("(venv) rita@web1:/srv$ make", "make"),
        ("orders=> SELECT 1;", "SELECT 1;"),
        ("orders=# DROP TABLE x;", "DROP TABLE x;"),
        ("bash-5.2$ id", "id"),
        ("$ ls", "ls"),
        ("rita@web1:~$", ""),
        ("total 48", ""),
        ("it costs 5 $ or so", ""),
        ("x" * 3_000, ""),
    ],
)
def test_commands_are_guessed_by_the_prompt(line: str, command: str) -> None:
    assert command_in(line) == command
