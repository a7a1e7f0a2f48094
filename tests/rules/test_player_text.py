"""What a player is given: the same, but for what would have it work for minutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.player_text import MOST_CELLS, PlayerText


def fed(*parts: str) -> str:
    player = PlayerText(80, 24)
    return "".join(player.feed(part) for part in parts)


@pytest.mark.parametrize(
    ("parts", "played"),
    [
        (
            ("\x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07\x1b[2J",),
            "\x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07\x1b[2J",
        ),
        (("a\x1b[3b",), "a\x1b[3b"),
        (("a\x1b[99999999b",), "a\x1b[80b"),
        (("a\x1b[b\x1b[;9b",), "a\x1b[1b\x1b[1b"),
        (("a\x1b[9\n99\x0099b", "c"), "a\x1b[80bc"),
        (("a\x1b", "[99", "999", "b"), "a\x1b[80b"),
        (("a\x9b99999b",), "a\x1b[80b"),
        (("\x1b[8;9999;9999t", "x"), "x"),
        (("a\x1b[9", "9" * 400, "b"), "ab"),
        (("half \x1b[",), "half "),
    ],
)
def test_what_would_cost_much_is_bounded(parts: tuple[str, ...], played: str) -> None:
    assert fed(*parts) == played


@given(st.lists(st.text(alphabet="a1;?[]#8cbtJ\x1b\x9b\x00\n\x18é", max_size=20), max_size=5))
def test_plain_text_stays_and_no_character_comes_often(parts: list[str]) -> None:
    shown = fed(*parts)
    assert len(shown) <= sum(map(len, parts)) + 8 * "".join(parts).count("b")
    assert shown.count("é") == "".join(parts).count("é")


@pytest.mark.parametrize("dear", ["\x1b[2J", "\x1bc", "\x1b#8", "\x1b[99L", "a\x1b[400b", "\x1b[?1049h"])
def test_what_redraws_the_screen_is_counted_until_nothing_is_left(dear: str) -> None:
    player = PlayerText(400, 150)
    player.feed(dear * 1_000)
    assert MOST_CELLS - player.left > 10_000_000
    while player.left > 0:
        player.feed(dear * 10_000)
    assert player.feed(dear) == ("a" if dear.startswith("a") else "")


@pytest.mark.parametrize("dear", ["\n", "\x0b", "\x0c", "\x1b[\n\nm", "\x1b\n[m", "\x1bD", "\x85"])
def test_so_is_what_begins_a_row(dear: str) -> None:
    player = PlayerText(80, 24)
    player.feed(dear * 1_000)
    assert MOST_CELLS - player.left >= 1_000 * 1_000
