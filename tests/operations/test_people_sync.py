"""People kept in step by a file: what was shown is done, all of it or nothing."""

from __future__ import annotations

import pytest

from jitportal.audit.system import system
from jitportal.models import Event, Membership, Person, Team
from jitportal.operations import people, people_sync
from jitportal.operations.rerouting import NOBODY_DECIDES
from jitportal.rules.errors import Conflict, NotAllowed, PolicyRefuses
from jitportal.rules.people_file import FileKind, PeopleFileError
from jitportal.rules.people_plan import Plan, Step
from jitportal.rules.vocabulary import RequestStatus
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

HEAD = "username,name,mail,manager,teams,time_zone,active"
FILE = f"""{HEAD}
mark,Mark,mark@example.test,,,,yes
mona,Mona,mona@example.test,mark,,,yes
rita,Rita,rita@example.test,mona,platform,,yes
remy,Remy,remy@example.test,mona,platform,,yes
nora,Nora,nora@example.test,mark,dba new-team,Europe/Berlin,yes
gone,Gone,,,,,no
"""


def plan(text: str = FILE) -> Plan:
    return people_sync.plan(text, FileKind.CSV)


def sync(text: str = FILE, *, actor: Person | None = None, digest: str = "", most: float = 20) -> Plan:
    return people_sync.sync(
        actor=actor or system(),
        text=text,
        kind=FileKind.CSV,
        digest=digest or plan(text).digest,
        most_leaving=most,
    )


def without(*usernames: str, text: str = FILE) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if line.partition(",")[0] not in usernames)


def teams_of(username: str) -> set[str]:
    rows = Membership.objects.current().filter(person__username=username)
    return set(rows.values_list("team__key", flat=True))


def test_a_plan_writes_nothing() -> None:
    before = Event.objects.count()
    plan()
    assert Event.objects.count() == before
    assert not Person.objects.filter(username="nora").exists()


def test_a_sync_does_what_was_shown_once() -> None:
    planned = plan()
    assert [entry.username for entry in planned.of(Step.NEW)] == ["nora"]
    assert planned.new_teams == ("new-team",)
    assert all(entry.taken_over for entry in planned.of(Step.CHANGES))
    sync()
    nora = world.person("nora")
    assert (nora.name, nora.email, nora.time_zone) == ("Nora", "nora@example.test", "Europe/Berlin")
    assert nora.manager == world.person("mark")
    assert teams_of("nora") == {"dba", "new-team"}
    assert not Person.objects.filter(username="gone").exists()
    said = Event.objects.get(verb="people.synced")
    assert said.data["digest"] == planned.digest
    assert "1 new, 4 changed" in said.sentence
    before = Event.objects.count()
    assert sync(digest=planned.digest).entries == (), "once more changes nothing, whatever the digest"
    assert Event.objects.count() == before


def test_who_is_missing_leaves_if_an_earlier_file_named_them_and_nobody_else() -> None:
    sync()
    live = world.live("rita", "auditor")
    shorter = without("rita")
    planned = plan(shorter)
    assert [entry.username for entry in planned.of(Step.LEAVES)] == ["rita"]
    (loss,) = people_sync.losses(planned)
    assert loss.sentences == ("auditor (All of This portal) in force is revoked",)
    sync(shorter)
    assert not world.person("rita").is_active
    assert world.now_of(live).stopped_at is not None
    assert world.person("rosa").is_active, "she was made by hand"
    assert "Missing in the directory's file" in Event.objects.get(verb="person.deactivated").sentence


def test_whoever_comes_back_has_what_the_file_says_and_nothing_else() -> None:
    sync()
    sync(without("rita"))
    returning = FILE.replace(
        "rita,Rita,rita@example.test,mona,platform", "rita,Rita,rita@example.test,mark,dba"
    )
    assert [entry.username for entry in plan(returning).of(Step.RETURNS)] == ["rita"]
    sync(returning)
    assert world.person("rita").is_active
    assert teams_of("rita") == {"dba"}


def test_another_plan_than_the_one_shown_is_refused() -> None:
    shown = plan().digest
    world.joins("eve", "dba")
    assert plan().digest == shown, "what the file doesn't touch changes no plan"
    world.leaves("rita", "platform")
    with pytest.raises(Conflict, match="another one"):
        sync(digest=shown)
    with pytest.raises(Conflict, match="another one"):
        sync(without("remy"), digest=shown)
    assert not Person.objects.filter(username="nora").exists()


def test_too_many_leavers_are_refused_unless_told_so() -> None:
    sync()
    shorter = without("rita", "remy")
    with pytest.raises(PolicyRefuses, match="2 of 5 people would leave: 40 %"):
        sync(shorter)
    assert world.person("rita").is_active
    sync(shorter, most=40)
    assert not world.person("rita").is_active


def test_nobody_syncs_themselves_away_and_only_administrators_sync() -> None:
    with pytest.raises(NotAllowed):
        sync(actor=world.person("eve"))
    world.empower("sven", "administrator")
    text = FILE + "sven,Sven,,,,,no\n"
    with pytest.raises(PolicyRefuses, match="would leave by this"):
        sync(text, actor=world.person("sven"), most=100)
    assert world.person("sven").is_active


def test_everything_wrong_is_said_at_once_and_nothing_is_done() -> None:
    text = f"""{HEAD}
Rita,Rita,,,,,yes
remy,Remy,remy-at-home,nobody,a/b,Berlin,yes
mark,Mark,,mona,,,yes
mona,Mona,,mark,,,yes
system,System,,,,,yes
"""
    with pytest.raises(PeopleFileError) as refusal:
        plan(text)
    found = [(fault.line, fault.column) for fault in refusal.value.faults]
    assert found == [
        (2, "username"),
        (3, "mail"),
        (3, "manager"),
        (3, "teams"),
        (3, "time_zone"),
        (4, "manager"),
        (6, "username"),
    ]
    assert not Team.objects.filter(key="a/b").exists()


def test_managers_may_change_places_in_one_sync() -> None:
    sync()
    swapped = FILE.replace("mark@example.test,,", "mark@example.test,mona,").replace(
        "mona@example.test,mark,", "mona@example.test,,"
    )
    sync(swapped)
    assert world.person("mona").manager is None
    assert world.person("mark").manager == world.person("mona")


def test_a_refusal_half_way_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    sync()
    text = without("rita") + "olga,Olga,,mark,,,yes\n"

    def fails(**_said: object) -> None:
        raise Conflict("Somebody was faster.")

    monkeypatch.setattr(people, "deactivate", fails)
    with pytest.raises(Conflict, match="faster"):
        sync(text)
    assert not Person.objects.filter(username="olga").exists()


def test_a_request_is_not_said_to_be_stuck_on_the_way_to_who_decides_it() -> None:
    sync()
    request = world.ask("rita", "auditor")
    moved = without("mona").replace("rita@example.test,mona", "rita@example.test,nora")
    sync(moved.replace("remy@example.test,mona", "remy@example.test,nora"))
    assert not Event.objects.filter(verb=NOBODY_DECIDES).exists()
    world.approve("nora", request)
    request.refresh_from_db()
    assert request.status == RequestStatus.APPROVED


def test_the_plan_says_which_roles_go_with_a_team() -> None:
    sync()
    planned = plan(FILE.replace("mona,platform,,yes\nremy", "mona,dba,,yes\nremy"))
    (loss,) = people_sync.losses(planned)
    assert (
        "role migration can't be requested any more, and what isn't begun of it won't begin" in loss.sentences
    )
