"""``manage.py people`` from a shell: the plan as it reads, and its refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitportal.models import Person
from tests.management.test_commands import refused, run
from tests.operations import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(db: None, tmp_path: Path) -> Path:
    world.settle()
    world.empower("sven", "administrator")
    file = tmp_path / "people.csv"
    file.write_text("username,name,manager,teams\nrita,Rita Falk,mona,platform dba\nnora,Nora,rita,\n")
    return file


def digest_in(said: str) -> str:
    return said.strip().splitlines()[-1].removeprefix("Digest of this plan: ")


def test_the_plan_is_shown_and_then_done(file: Path) -> None:
    said = run("people", "plan", str(file))
    assert said.splitlines()[:-1] == [
        "New (1)",
        "  + nora (Nora)",
        "      manager: rita",
        "",
        "Changed (1)",
        "  ~ rita (Rita)",
        "      made by hand until now; from now on the file decides",
        "      name: Rita -> Rita Falk",
        "      joins dba",
        "",
    ]
    sync = ("people", "sync", str(file), "--as", "sven", "--digest")
    assert refused(*sync, "0" * 64)[1] == 1
    assert "Done as planned: 2 people" in run(*sync, digest_in(said))
    assert "Nothing to do" in run(*sync, "whatever")
    assert "Nothing changes" in run("people", "plan", str(file))
    file.write_text("username,name\nrita,Rita Falk\n")
    said = run("people", "plan", str(file))
    assert "  - nora (Nora) is missing in the file" in said
    assert "1 of 2 people would leave (50 %)." in said
    assert "sync refuses it without --most-leaving." in said
    text, status = refused(*sync, digest_in(said))
    assert (status, "--most-leaving" in text) == (1, True)
    assert "Done as planned: 1 person changed." in run(*sync, digest_in(said), "--most-leaving", "50")
    assert not Person.objects.get(username="nora").is_active


def test_faults_are_lines_that_editors_understand(file: Path) -> None:
    file.write_text("username,name,manager\nrita,Rita,nobody\nMax,Max,\n")
    text, status = refused("people", "plan", str(file))
    assert status == 1
    assert [line.removeprefix(f"{file}:").partition(" ")[0] for line in text.splitlines()] == ["2:", "3:"]
    other = file.with_suffix(".txt")
    other.write_text("x")
    assert refused("people", "plan", str(other))[1] == 2
