"""What is wrong with a page, as a browser sees it: for eyes, for screen readers, at every width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDE = 1440
MIDDLE = 768
NARROW = 320
HEIGHT = 900

#: Whether the page can be scrolled sideways, and what it is that stands out.
_TOO_WIDE = """() => {
  const page = document.documentElement, wide = page.clientWidth;
  if (page.scrollWidth <= wide) return [];
  const out = [...document.querySelectorAll("body *")].filter(
    (node) => node.getBoundingClientRect().right > wide + 1 && !node.closest(".visually-hidden"));
  return [`${page.scrollWidth} of ${wide} px: ` + out.slice(-3).map(
    (node) => `${node.localName}.${node.className}`).join(", ")];
}"""

_LETTERS = "(size) => { document.documentElement.style.fontSize = size; }"

#: What every page has once, and what no page may have twice.
_ANATOMY = """() => {
  const wrong = [];
  const headings = document.querySelectorAll("h1").length;
  if (headings !== 1) wrong.push(`${headings} first headings`);
  if (document.querySelectorAll("main").length !== 1) wrong.push("not one main landmark");
  const title = document.title.replace(/ \\S jitportal$/, "").trim();
  if (!title) wrong.push("no title");
  const seen = new Set();
  for (const { id } of document.querySelectorAll("[id]")) {
    if (seen.has(id)) wrong.push(`the id ${id} twice`);
    seen.add(id);
  }
  return wrong;
}"""

#: What is pressed on a phone and is less high than a thumb is broad: 44 px.
_TOO_SMALL = """() => [...document.querySelectorAll(".button, .chip, .rail-link, select, main input")].filter(
  (node) => !["hidden", "checkbox", "radio"].includes(node.type)
    && node.checkVisibility() && node.getBoundingClientRect().height < 43.9,
).map((node) => `${node.outerHTML.slice(0, 160)}`).slice(0, 3)"""

#: Two pages of one shape are one page for axe; the words in them don't matter to it.
_SHAPE = """() => [...document.querySelectorAll("body, body *")].map((node) => [
  node.localName, node.className, node.getAttribute("role"), node.getAttribute("aria-disabled"),
  node.getAttribute("aria-current"), node.hasAttribute("hidden"), node.childElementCount,
].join(" ")).join("\\n")"""

_AXE = """(options) => axe.run(document, options).then(({ violations }) => violations.map((one) => ({
  rule: one.id, impact: one.impact, nodes: one.nodes.map((node) => node.html.slice(0, 160)),
  why: one.nodes[0].any.concat(one.nodes[0].all, one.nodes[0].none).map((check) => check.message)[0],
})))"""

_BRIEFLY: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
#: Targets that one can hit with a finger are of WCAG 2.2, and off unless asked for.
_TARGETS = {"target-size": {"enabled": True}}
_EVERYTHING = {**_BRIEFLY, "rules": _TARGETS}
#: Colours are what takes axe long, and no width changes them.
_BUT_COLOURS = {**_BRIEFLY, "rules": {**_TARGETS, "color-contrast": {"enabled": False}}}
_COLOURS = {**_BRIEFLY, "runOnly": ["color-contrast"]}


class Looker:
    """Looks at pages in one window, and remembers the shapes it has seen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._seen: set[tuple[str, int]] = set()

    def faults(self) -> Iterator[str]:
        """All that is wrong with the page that is open, at each width, in light and in dark.

        Between the widths that axe looks at, the frame is the narrow one's and the rest the wide one's.
        """
        yield from self.page.evaluate(_ANATOMY)
        for width in (WIDE, MIDDLE, NARROW):
            self.page.set_viewport_size({"width": width, "height": HEIGHT})
            yield from (f"too wide: {what}" for what in self.page.evaluate(_TOO_WIDE))
            if width == NARROW:
                yield from (f"too small for a thumb: {what}" for what in self.page.evaluate(_TOO_SMALL))
            if width != MIDDLE and self._is_new(width):
                yield from (f"at {width} px, {fault}" for fault in self._axe(colours=width == WIDE))
        self.page.set_viewport_size({"width": WIDE, "height": HEIGHT})
        self.page.evaluate(_LETTERS, "200%")
        yield from (f"too wide with large letters: {what}" for what in self.page.evaluate(_TOO_WIDE))
        self.page.evaluate(_LETTERS, "")

    def _is_new(self, width: int) -> bool:
        shape = (str(self.page.evaluate(_SHAPE)), width)
        known = shape in self._seen
        self._seen.add(shape)
        return not known

    def _axe(self, *, colours: bool) -> Iterator[str]:
        self.page.evaluate(AXE_SCRIPT)
        if not colours:
            yield from self._said(_BUT_COLOURS)
            return
        yield from self._said(_EVERYTHING)
        self.page.emulate_media(color_scheme="dark")
        yield from (f"in dark, {fault}" for fault in self._said(_COLOURS))
        self.page.emulate_media(color_scheme="light")

    def _said(self, options: dict[str, Any]) -> Iterator[str]:
        for one in self.page.evaluate(_AXE, options):
            yield f"{one['impact']} {one['rule']}: {one['why']} {one['nodes'][:2]}"
