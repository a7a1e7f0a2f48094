"""Targets: checked by those who may, and their secrets read by name alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitportal.connectors.base import TargetError
from jitportal.models import Event, RoleScope, Target
from jitportal.operations import targets
from jitportal.rules.errors import NotAllowed
from jitportal.rules.vocabulary import Enforcement
from tests.operations import world
from tests.operations.postgres_rack import SECRET

in_the_small_portal = pytest.mark.usefixtures("small_portal")

UNREACHABLE = world.changed(
    (
        "      connector: manual\n      settings: {carriers: carl}\n",
        f"      connector: postgres\n      settings: {{host: 127.0.0.1, port: 1, password_secret: {SECRET}}}\n",
    )
)


@pytest.fixture
def settled_portal(db: None) -> None:
    """Made anew for each: other tests here stand in another world."""
    world.settle()


@in_the_small_portal
def test_operators_check_targets_and_nobody_else() -> None:
    rack = Target.objects.get(key="rack")
    for username in ("rita", "mona", "otto", "carl"):
        with pytest.raises(NotAllowed, match="operator"):
            targets.check(actor=world.person(username), target=rack)
    world.empower("sven", "operator")
    health = targets.check(actor=world.person("sven"), target=rack)
    assert (health.reachable, health.problems) == (True, [])
    assert "is well" in Event.objects.get(verb="target.checked").sentence


@pytest.fixture
def unreachable(db: None) -> Target:
    world.settle(UNREACHABLE)
    return Target.objects.get(key="rack")


def test_a_sick_target_is_an_answer(unreachable: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    world.empower("sven", "operator")
    missing = targets.check(actor=world.person("sven"), target=unreachable)
    assert (missing.reachable, SECRET in missing.problems[0]) == (False, True)
    monkeypatch.setenv(SECRET, "hush")
    silent = targets.check(actor=world.person("sven"), target=unreachable)
    assert (silent.reachable, silent.rights) == (False, False)
    assert "hush" not in str(silent.problems)


def test_secrets_are_read_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(TargetError, match=SECRET):
        targets.read_secret(SECRET)
    monkeypatch.setenv(SECRET, "hush")
    assert targets.read_secret(SECRET) == "hush"
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    monkeypatch.setenv(f"{SECRET}_FILE", str(file))
    assert targets.read_secret(SECRET) == "from a file"
    file.unlink()
    with pytest.raises(TargetError, match="can't be read"):
        targets.read_secret(SECRET)
    monkeypatch.setenv("JITPORTAL_SECRET_KEY", "the portal's own")
    with pytest.raises(TargetError, match="JITPORTAL_TARGET_"):
        targets.read_secret("JITPORTAL_SECRET_KEY")


@in_the_small_portal
def test_settings_that_make_no_connector_are_said_on_the_badge() -> None:
    scope = RoleScope.objects.select_related("role__target", "entitlement").get(role__key="door")
    scope.role.target.settings = {"colour": "green"}  # as a later version's connector might see an old policy
    plan = targets.plan_for(scope.role, scope)
    assert (plan.enforcement, "isn't set up" in plan.explanation) == (Enforcement.PORTAL_ONLY, True)
