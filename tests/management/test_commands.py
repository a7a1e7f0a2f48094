"""The commands from a shell: their words, and their exit status."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from jitportal.management import states_page
from jitportal.models import Event, Person, PolicyVersion, StandingPower
from jitportal.rules.lifecycle import TABLES
from jitportal.rules.vocabulary import PolicyStatus
from tests.operations import world

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.django_db


@pytest.fixture
def small_portal(db: None) -> None:
    world.settle()


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A file with the small portal's policy, in which a role may last shorter."""
    file = tmp_path / "policy.yaml"
    file.write_text(world.changed(("      max_total_minutes: 100\n", "      max_total_minutes: 90\n")))
    return file


def run(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def refused(*arguments: str) -> tuple[str, int]:
    """What a command that refuses says, and its exit status."""
    with pytest.raises(CommandError) as raised:
        run(*arguments)
    return str(raised.value), raised.value.returncode


# The policy


def test_check_lists_everything_wrong_with_its_place(small_portal: None, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        world.changed(("owner: otto\n      entitlement: administrator", "owner: otto\n      risk: hihg"))
    )
    text, status = refused("policy", "check", str(file))
    assert status == 1
    lines = text.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{file}:") for line in lines)
    assert "roles.administrator" in text
    assert "`hihg` isn't a risk" in text


def test_check_reads_standard_input_and_knows_the_directory(
    small_portal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def piped(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    piped(world.POLICY)
    assert "standard input is sound" in run("policy", "check", "-")
    piped(world.changed(("eligible: {people: [eve], teams: [platform]}", "eligible: {people: [eva]}")))
    assert "There is no person `eva`" in refused("policy", "check", "-")[0]
    piped(world.changed(("eligible: {people: [eve], teams: [platform]}", "eligible: {people: [eva]}")))
    assert "is sound" in run("policy", "check", "--alone", "-")


@pytest.mark.parametrize(
    ("content", "words", "status"),
    [(None, "can't be read: No such file or directory", 2), (b"a: \xff", "isn't UTF-8 text", 1)],
)
def test_check_says_why_a_file_cant_be_read(
    tmp_path: Path, content: bytes | None, words: str, status: int
) -> None:
    file = tmp_path / "policy.yaml"
    if content is not None:
        file.write_bytes(content)
    text, code = refused("policy", "check", str(file))
    assert words in text
    assert code == status


def test_plan_shows_sentences_and_then_the_difference(small_portal: None, changed: Path) -> None:
    text = run("policy", "plan", str(changed))
    assert "against policy 1" in text
    assert "narrows" in text
    assert "-      max_total_minutes: 100" in text
    changed.write_text(world.POLICY)
    assert "changes nothing that policy 1 says" in run("policy", "plan", str(changed))
    assert PolicyVersion.objects.count() == 1


def test_a_change_takes_two_people(small_portal: None, changed: Path) -> None:
    text, status = refused("policy", "propose", str(changed), "--as", "sven")
    assert "needs the policy editor's power" in text
    assert status == 1
    for username in ("sven", "sara"):
        world.empower(username, "policy-editor")
    assert "Policy 2 is proposed" in run(
        "policy", "propose", str(changed), "--as", "sven", "--note", "Shorter"
    )
    assert "A second person has to approve" in refused("policy", "apply", "2", "--as", "sven")[0]
    assert "A second person has to approve" in refused("policy", "approve", "2", "--as", "sven")[0]
    run("policy", "approve", "2", "--as", "sara")
    assert "Policy 2 is in force" in run("policy", "apply", "2", "--as", "sven")
    assert run("policy", "export") == changed.read_text()
    assert run("policy", "export", "1") == world.POLICY
    actors = (
        Event.objects.filter(policy_version__number=2)
        .order_by("id")
        .values_list("actor__username", flat=True)
    )
    assert list(actors) == ["sven", "sara", "sven"]


def test_a_proposal_can_be_turned_down(small_portal: None, changed: Path) -> None:
    world.empower("sven", "policy-editor")
    run("policy", "propose", str(changed), "--as", "sven")
    run("policy", "reject", "2", "--as", "sven", "--reason", "Not yet.")
    assert PolicyVersion.objects.get(number=2).status == PolicyStatus.REJECTED


def test_the_bootstrap_is_done_once(small_portal: None, changed: Path) -> None:
    text, status = refused("policy", "bootstrap", str(changed), "--as", "sven")
    assert "There is a policy already" in text
    assert status == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("approve", "7", "--as", "sven"), "There is no policy 7"),
        (("approve", "1", "--as", "nobody"), "no active person with the username nobody"),
        (("approve", "1", "--as", "system"), "no active person with the username system"),
    ],
)
def test_who_and_what_must_be_there(small_portal: None, arguments: tuple[str, ...], words: str) -> None:
    text, status = refused("policy", *arguments)
    assert words in text
    assert status == 2


def test_export_writes_a_file(small_portal: None, tmp_path: Path) -> None:
    run("policy", "export", "--output", str(tmp_path / "out.yaml"))
    assert (tmp_path / "out.yaml").read_text() == world.POLICY
    assert "can't be written" in refused("policy", "export", "--output", str(tmp_path / "no" / "out.yaml"))[0]


# People


def test_the_first_administrator_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert "first administrator" in run("first_administrator", "ada", "--name", "Ada Moreau")
    assert StandingPower.objects.get().person.username == "ada"
    assert Person.objects.get(username="ada").check_password("correct horse battery")
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert "already" in refused("first_administrator", "bob", "--name", "Bob")[0]


def test_a_weak_password_is_refused_with_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1234\n"))
    text, status = refused("first_administrator", "Ada!", "--name", "Ada")
    assert status == 1
    assert len(text.splitlines()) >= 3
    assert all(line.startswith(("username:", "password:")) for line in text.splitlines())
    assert not Person.objects.filter(name="Ada").exists()


def test_somebody_leaves(small_portal: None) -> None:
    world.empower("sven", "administrator")
    grant = world.live("rita", "operator")
    said = run("deactivate", "rita", "--reason", "Has left.", "--as", "sven")
    assert "Rita is deactivated" in said
    assert world.now_of(grant).stopped_at is not None
    assert "deactivated already" in refused("deactivate", "rita", "--reason", "x", "--as", "sven")[0]
    assert "There is no person nobody" in refused("deactivate", "nobody", "--reason", "x", "--as", "sven")[0]
    text, status = refused("deactivate", "remy", "--reason", "x", "--as", "mona")
    assert "managed by administrators" in text
    assert status == 1


# States


def test_the_states_page_says_what_the_tables_say(settings: LazySettings, tmp_path: Path) -> None:
    assert "says what the tables say" in run("states", "--check")
    page = states_page.page()
    assert page.count("stateDiagram-v2") == len(TABLES)
    settings.BASE_DIR = tmp_path
    assert "Run: manage.py states" in refused("states", "--check")[0]
    run("states")
    assert (tmp_path / "docs" / "states.md").read_text() == page
    assert "says what the tables say" in run("states", "--check")


# From a shell


def _shell(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JITPORTAL_")}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_shell_sees_a_status_and_no_traceback(tmp_path: Path) -> None:
    bad = tmp_path / "policy.yaml"
    bad.write_text("elevation_policy: [1]\n")
    done = _shell("policy", "check", "--alone", str(bad), JITPORTAL_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"{bad}:1:")
    assert not done.stdout
    for variables, words in (
        ({}, "The database isn't set up"),
        ({"JITPORTAL_DATABASE_URL": "postgres://x@127.0.0.1:1/x"}, "The database can't be used"),
        ({"JITPORTAL_PRODUCTION": "1"}, "The settings can't be used: JITPORTAL_SECRET_KEY"),
        ({"JITPORTAL_WORKERS": "two"}, "Set it to a whole number"),
    ):
        done = _shell("policy", "export", JITPORTAL_DATA_DIR=str(tmp_path), **variables)
        assert done.returncode == 1, words
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_too_few_workers_are_refused(settings: LazySettings) -> None:
    settings.WORKERS = 2
    assert "3 is the least" in refused("worker")[0]
    assert "3 is the least" in refused("serve")[0]
