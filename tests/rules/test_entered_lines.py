"""Which lines were entered at a terminal: whatever the prompt is, and whatever the screen was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.entered_lines import EnteredLines
from jitportal.rules.terminal_text import LONGEST_LINE

ON, OFF = "\x1b[?2004h", "\r\n\x1b[?2004l\r"


def read(*parts: str | int, columns: int = 80) -> tuple[list[str], int, int]:
    """Parts of output, and how often Enter was pressed between them."""
    lines = EnteredLines(columns)
    said: list[str] = []
    for number, part in enumerate(parts):
        if isinstance(part, int):
            lines.entered(part)
        else:
            said += [line.text for line in lines.feed(float(number), part)]
    lines.close()
    return said, lines.unseen, lines.full_screen


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((f"{ON}rita@web1:~$ ", "ls", 1, f"{OFF}file\r\n"), ["ls"]),
        ((ON, "rm -rf /srv", 1, f"{OFF}gone\r\n", ON, "exit", 1, OFF), ["rm -rf /srv", "exit"]),
        ((f"{ON}=) ", "id", 1, OFF, f"{ON}=) ", 1, OFF, f"{ON}=) ", "w", 1, OFF), ["id", "w"]),
        ((f"{ON}\x1b[1;32mweb\x1b[0m > ", "uname", 1, OFF), ["uname"]),
        ((f"{ON}web> ls", 1, OFF), ["web> ls"]),  # all at once: where the prompt ends isn't known
        ((f"{ON}$ ", "lz", "\b\x1b[Ks -l", 1, OFF), ["ls -l"]),
        ((f"{ON}$ ", "ac", "\b\x1b[1@b", 1, OFF), ["abc"]),
        ((f"{ON}$ ", "ls", f"\x1b[{'9' * 5_000}P", 1, OFF), ["ls"]),  # more digits than a number may have
        ((f"{ON}$ ", "abc", "\b\bXc\b", 1, OFF), ["aXc"]),
        ((f"{ON}$ ", "one", "\r\x1b[K$ two", 1, OFF), ["two"]),
        # without an editor that says it: dash, mysql, a question
        (("$ ", 1, "ls\r\nfile\r\n$ ", 1, "id\r\n"), ["ls", "id"]),
        (("", 2, "whoami\r\nexit\r\n"), ["whoami", "exit"]),
        (("Go on? [y/N] ", 1, "y\r\n"), ["Go on? [y/N] y"]),
    ],
)
def test_lines_are_found_whatever_stands_before_them(parts: tuple[str | int, ...], said: list[str]) -> None:
    assert read(*parts)[0] == said


def test_a_line_that_is_wider_than_the_window_is_one() -> None:
    typed = "echo " + "x" * 40
    assert read(f"{ON}$ ", f"{typed[:18]}", f"{typed[18:]}", 1, OFF, columns=20)[0] == [typed]
    wrapped = f"{typed[:18]}{typed[18]}\x1b[K\r{typed[18]}{typed[19:]}"
    assert read(f"{ON}$ ", wrapped, 1, OFF, columns=20)[0] == [typed]


def test_what_the_screen_did_not_show_is_counted() -> None:
    assert read("Password: ", 1, f"\r\n{ON}$ ", "ls", 1, OFF) == (["Password:", "ls"], 0, 0)
    assert read("$ ", 1, "\r\n$ ", 1, f"{ON}", 3) == ([], 2, 0)
    shown = ("\x1b[?1049h\x1b[?2004h~\r\n", 5, "text\r\n\x1b[?2004l\x1b[?1049l", f"{ON}$ ", "w", 1, OFF)
    assert read(*shown) == (["w"], 0, 5)


@given(
    st.lists(
        st.one_of(
            st.text(alphabet=st.sampled_from("ab \r\n\b\x1b[?2004hl1KPCDAGJ@;9\x07]P"), max_size=60),
            st.integers(min_value=0, max_value=9999),
        ),
        max_size=12,
    ),
    st.integers(min_value=20, max_value=400),
)
def test_whatever_comes_lines_are_short_and_plain(parts: list[str | int], columns: int) -> None:
    said, unseen, full_screen = read(*parts, columns=columns)
    assert unseen >= 0
    assert full_screen >= 0
    for line in said:
        assert len(line) <= LONGEST_LINE
        assert line.isprintable()
