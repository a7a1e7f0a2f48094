"""Text stands out from what it stands on, in light and in dark: WCAG 2.2, 1.4.3 (4.5 to 1) and 1.4.11.

Where more contrast is asked for: 1.4.6 (7 to 1).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLES = (Path(__file__).parents[3] / "static" / "tokens.css").read_text(encoding="utf-8")

TEXT = [
    *((ink, ground) for ink in ("ink", "ink-soft", "accent", "failed") for ground in ("page", "surface")),
    ("ink", "sunken"),
    ("ink-soft", "sunken"),
    ("ink", "accent-soft"),
    ("accent", "accent-soft"),
    ("accent-hover", "surface"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("force", "force-soft"),
    ("waiting", "waiting-soft"),
    ("ended", "ended-soft"),
    ("failed", "failed-soft"),
    ("emergency", "emergency-soft"),
]
EDGES = [("line-strong", "surface"), ("line-strong", "page"), ("force", "surface"), ("waiting", "surface")]


def colours(query: str) -> dict[str, str]:
    """The colours that the tokens have where the reader asks for this; the first ones, where for nothing."""
    block = STYLES.split(f"@media {query} {{", 1)[1] if query else STYLES
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block.split("@media", 1)[0]))


DARK, MORE = "(prefers-color-scheme: dark)", "(prefers-contrast: more)"
LIGHT = colours("")
THEMES = {
    "light": LIGHT,
    "dark": LIGHT | colours(f"screen and {DARK}"),
    "light, more": LIGHT | colours(MORE),
    "dark, more": LIGHT
    | colours(f"screen and {DARK}")
    | colours(MORE)
    | colours(f"screen and {MORE} and {DARK}"),
}


def luminance(colour: str) -> float:
    """WCAG's relative luminance of an sRGB colour."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("pairs", "least", "more"), [(TEXT, 4.5, 7.0), (EDGES, 3.0, 4.5)])
def test_contrast(theme: str, pairs: list[tuple[str, str]], least: float, more: float) -> None:
    palette = THEMES[theme]
    ratios = {pair: round(contrast(*(palette[name] for name in pair)), 2) for pair in pairs}
    wanted = more if "more" in theme else least
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < wanted} == {}
