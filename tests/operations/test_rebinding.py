"""A channel's name that leads elsewhere once it was checked, asked of a real name server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operations.rebinding import NAME_SERVER, PUBLIC

ROOT = Path(__file__).resolve().parent.parent.parent
#: In a mount namespace of its own, whose system asks the test's name server.
ALONE = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"', "sh"]

POST = "import sys, django; django.setup();from tests.operations.rebinding import post; post(*sys.argv[1:])"


def _posted(folder: Path, *allowed: str) -> list[str]:
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {NAME_SERVER}\noptions attempts:1 timeout:2\n")
    command = [*ALONE, str(resolver), sys.executable, "-c", POST, *allowed]
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    kept["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _may_stand_alone() -> bool:
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


@pytest.mark.skipif(not _may_stand_alone(), reason="Only root has a name server of its own.")
def test_a_channels_name_that_answers_differently_later_gains_nothing(tmp_path: Path) -> None:
    said = str([PUBLIC, "127.0.0.1"])
    refused, *rest = _posted(tmp_path)
    assert "private, local or special" in refused
    assert rest == [said, "0"]
    assert _posted(tmp_path, "127.0.0.0/8") == ["posted", said, "1"], "where the operator allows it"
