"""Django's own list of what a deployment should have, with the settings of production."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDED = {
    "JITPORTAL_PRODUCTION": "1",
    "JITPORTAL_SECRET_KEY": "9aZ-bY8_cX7dW6eV5fU4gT3hS2iR1jQ0kP9lO8mN7nM6oL5pK4qJ3rI2sH1tG0",
    "JITPORTAL_HOSTS": "portal.example",
    "JITPORTAL_PUBLIC_URL": "https://portal.example",
}


def _checked(data: Path, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JITPORTAL_")}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT,
        env={**kept, **NEEDED, "JITPORTAL_DATA_DIR": str(data), **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_nothing_is_found_in_production(tmp_path: Path, proxies: str) -> None:
    done = _checked(tmp_path, JITPORTAL_TRUSTED_PROXIES=proxies)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_something_is_found_where_plain_requests_are_served(tmp_path: Path) -> None:
    done = _checked(tmp_path, JITPORTAL_SSL_REDIRECT="0")
    assert "security.W008" in done.stderr


def test_something_is_found_where_second_factors_are_switched_off(tmp_path: Path) -> None:
    done = _checked(tmp_path, JITPORTAL_STEP_UP="0", JITPORTAL_SECOND_FACTOR="0")
    assert done.returncode == 1
    assert "jitportal.W001" in done.stderr
    assert "jitportal.W002" in done.stderr


def test_something_is_found_where_a_provider_counts_for_anything(tmp_path: Path) -> None:
    done = _checked(tmp_path, JITPORTAL_STEP_UP_BY_PROVIDER="1")
    assert "jitportal.W003" in done.stderr
    assert "jitportal.W004" in done.stderr
    whole = {"JITPORTAL_OIDC_ISSUER": "https://id.example", "JITPORTAL_OIDC_CLIENT_ID": "jitportal"}
    asked = _checked(tmp_path, JITPORTAL_STEP_UP_BY_PROVIDER="1", JITPORTAL_STEP_UP_ACR="mfa", **whole)
    assert asked.returncode == 0, asked.stderr


def test_something_is_found_where_a_secret_can_be_guessed(tmp_path: Path) -> None:
    weak = {"JITPORTAL_SEALING_KEY": "hunter2", "JITPORTAL_SIGN_IN_REPORT_TOKEN": "x" * 64}
    done = _checked(tmp_path, **weak)
    assert "jitportal.W005" in done.stderr
    assert "jitportal.W006" in done.stderr
    assert "hunter2" not in done.stderr
    strong = "q7Zk0dYw3xJb9mTf5pLr8sVn2cHg6uEa1iOoKqXzWyB="
    done = _checked(tmp_path, JITPORTAL_SEALING_KEY=strong, JITPORTAL_SIGN_IN_REPORT_TOKEN=strong[::-1])
    assert done.returncode == 0, done.stderr
