"""The demo's policy document, fitted to the machine that the demo runs on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import yaml
from django.conf import settings

from jitportal.rules.policy_lines import TOP

TARGET = "orders-db"


def text(*, port: int | None, armed: bool) -> str:
    """The document with the PostgreSQL target on ``port``; None: without the target and its roles.

    ``armed``: the server ends access by itself, with pg_cron.
    """
    document = (files("jitportal.demo") / "elevation_policy.yaml").read_text(encoding="utf-8")
    # The demo has no identity provider: its own sign of life stands in for one.
    document = _replaced(
        document, "url: http://127.0.0.1:8000/healthz", f"url: {settings.PUBLIC_URL}/healthz"
    )
    if port is None:
        return _without_target(document)
    document = _replaced(document, "port: 5432", f"port: {port}")
    return document if armed else _replaced(document, "expiry: pg_cron", "expiry: none")


def earlier(document: str) -> str:
    """A version from before the demo's change of policy: operators were given longer by default."""
    return _replaced(
        document,
        "description: Check targets, and retry what failed.",
        "description: Check targets.",
    )


def _replaced(document: str, old: str, new: str) -> str:
    changed, times = re.subn(
        rf"^( +){re.escape(old)}$", lambda found: found[1] + new, document, flags=re.MULTILINE
    )
    if times != 1:
        raise ValueError(f"The demo's policy has {times} lines “{old}”, and one is needed.")
    return changed


def _without_target(document: str) -> str:
    """The text without the lines of the target, its roles and its emergency accounts; comments stay."""
    top = _entries(yaml.compose(document, Loader=yaml.SafeLoader))[TOP][1]
    cut: set[int] = set()
    targets = _entries(_entries(top)["targets"][1])
    roles = _entries(_entries(top)["roles"][1])
    on_target = [entry for entry in roles.values() if _entries(entry[1])["target"][1].value == TARGET]
    accounts = _entries(_entries(top)["emergency_accounts"][1]).values()
    on_target += [entry for entry in accounts if _entries(entry[1])["target"][1].value == TARGET]
    for key, value in [targets[TARGET], *on_target]:
        cut |= set(range(key.start_mark.line, value.end_mark.line))
    lines = document.splitlines(keepends=True)
    return "".join(line for number, line in enumerate(lines) if number not in cut)


def _entries(node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """A mapping's keys, each with the nodes of the key and of the value."""
    return {key.value: (key, value) for key, value in _pairs(node)}


def _pairs(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from node.value
