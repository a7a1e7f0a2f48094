"""The scripts that an operator runs on a target, as one text to read; and running one with psql."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

_CONNECTORS = files("jitportal") / "connectors"
#: How a script names a file of its folder that belongs in its place: psql's way, and the shell scripts'.
_INCLUDE = re.compile(r"^(?:\\ir|#include) +(?P<name>[\w/.-]+)$", re.MULTILINE)
_SUFFIXES = ("sql", "sh")


class TargetScriptError(RuntimeError):
    """There is no such script, or the target refused it; the message says what to do."""


def kinds() -> list[str]:
    """The connectors that have an installation script."""
    return sorted(each.name for each in _CONNECTORS.iterdir() if _suffix(each.name))


def _suffix(kind: str) -> str:
    """Whether the connector's script is psql's or a shell's; empty: it has none."""
    found = (one for one in _SUFFIXES if (_CONNECTORS / kind / f"install.{one}").is_file())
    return next(found, "")


def script(kind: str, *, uninstall: bool = False) -> str:
    """The whole script for a kind of target, with what it includes put in its place."""
    if kind not in kinds():
        raise TargetScriptError(
            f"There is no script for targets of the kind “{kind}”: choose {', '.join(kinds())}."
        )
    folder = _CONNECTORS / kind
    name = f"{'uninstall' if uninstall else 'install'}.{_suffix(kind)}"
    text = (folder / name).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: (folder / found["name"]).read_text(encoding="utf-8").rstrip(), text)


def run_with_psql(text: str, *, url: str, variables: Mapping[str, str], psql: Path | str = "psql") -> str:
    """Run a script as whoever ``url`` names; what it printed.

    Raises TargetScriptError with the server's refusal; what the script does is then undone.
    """
    command = [str(psql), "--no-psqlrc", "--quiet", "--dbname", url, "--file", "-"]
    for name, value in variables.items():
        command += ["--set", f"{name}={value}"]
    done = subprocess.run(  # noqa: S603 - our own command line, without a shell
        command,
        input=text,
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
    )
    if done.returncode:
        raise TargetScriptError(f"The script failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
