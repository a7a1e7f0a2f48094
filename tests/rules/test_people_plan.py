"""What a file of people would change: whatever the file, a plan carried out leaves nothing to do."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.people_file import Listed
from jitportal.rules.people_plan import Entry, Known, Plan, Step, faults_of, plan

USERNAMES = ("ada", "bob", "carl", "dora", "eve")
TEAMS = ("one", "two")
SOME_TEAMS = st.sets(st.sampled_from(TEAMS)).map(frozenset)


@st.composite
def listings(draw: st.DrawFn) -> list[Listed]:
    names = draw(st.lists(st.sampled_from(USERNAMES), unique=True))
    return [
        Listed(
            line,
            name,
            draw(st.sampled_from(["A", "B"])),
            mail=draw(st.sampled_from([None, "", "m@example.test"])),
            manager=draw(st.sampled_from([None, "", *USERNAMES])),
            teams=draw(st.none() | SOME_TEAMS),
            active=draw(st.booleans()),
        )
        for line, name in enumerate(names, start=2)
    ]


@st.composite
def directories(draw: st.DrawFn) -> dict[str, Known]:
    known: dict[str, Known] = {}
    for name in draw(st.lists(st.sampled_from(USERNAMES), unique=True)):
        active = draw(st.booleans())
        above = draw(st.sampled_from(["", *known]))
        teams = draw(SOME_TEAMS) if active else frozenset()
        known[name] = Known(name, "A", "", above, teams, active=active, brought=draw(st.booleans()))
    return known


def carried_out(done: Plan, known: dict[str, Known]) -> dict[str, Known]:
    """The people after the plan, by what its entries say alone."""
    after = dict(known)
    for entry in done.entries:
        after[entry.username] = _after(entry, known.get(entry.username))
    return after


def _after(entry: Entry, before: Known | None) -> Known:
    person = before or Known(entry.username, entry.name)
    if entry.step is Step.LEAVES:
        return replace(person, active=False, teams=frozenset())
    said = {one.what: one.after for one in entry.differences}
    teams = person.teams if person.active else frozenset()
    return replace(
        person, **said, active=True, brought=True, teams=(teams | set(entry.joins)) - set(entry.leaves)
    )


@given(listings(), directories())
def test_a_plan_carried_out_leaves_nothing_to_do(listed: list[Listed], known: dict[str, Known]) -> None:
    done = plan(listed, known, frozenset(TEAMS))
    again = plan(listed, carried_out(done, known), frozenset(TEAMS))
    assert again.entries == ()


@given(listings(), directories())
def test_who_was_made_by_hand_is_never_touched_unless_named(
    listed: list[Listed], known: dict[str, Known]
) -> None:
    named = {one.username for one in listed}
    for entry in plan(listed, known, frozenset()).entries:
        assert entry.username in named or known[entry.username].brought


@given(listings(), directories())
def test_a_file_without_faults_leaves_nobody_in_a_circle_or_under_somebody_who_left(
    listed: list[Listed], known: dict[str, Known]
) -> None:
    if list(faults_of(listed, known, frozenset())):
        return
    after = carried_out(plan(listed, known, frozenset()), known)
    for one in listed:
        if one.active and one.manager:
            assert after[one.manager].active
    for person in after.values():
        above, seen = person.manager, 0
        while above and above in after and seen <= len(after):
            above, seen = after[above].manager, seen + 1
        assert seen <= len(after), after


@given(listings(), directories(), listings())
def test_two_plans_have_one_digest_only_if_they_do_the_same(
    one: list[Listed], known: dict[str, Known], other: list[Listed]
) -> None:
    first, second = plan(one, known, frozenset(TEAMS)), plan(other, known, frozenset(TEAMS))
    same = carried_out(first, known) == carried_out(second, known)
    assert first.digest != second.digest or same


def test_faults_name_their_lines() -> None:
    known = {"hand": Known("hand", "Hand"), "gone": Known("gone", "Gone", brought=True)}
    listed = [
        Listed(2, "ada", "Ada", manager="bob"),
        Listed(3, "bob", "Bob", manager="ada"),
        Listed(4, "carl", "Carl", manager="carl"),
        Listed(5, "dora", "Dora", manager="gone"),
        Listed(6, "eve", "Eve", manager="hand"),
        Listed(7, "system", "System"),
        Listed(8, "fay", "Fay", manager="nobody"),
    ]
    found = sorted((fault.line, fault.column) for fault in faults_of(listed, known, frozenset({"system"})))
    assert found == [(2, "manager"), (4, "manager"), (5, "manager"), (7, "username"), (8, "manager")]


def test_the_share_that_leaves_is_of_those_whom_the_file_decides_about() -> None:
    known = {name: Known(name, name, brought=name != "eve") for name in USERNAMES}
    done = plan([Listed(2, "ada", "ada"), Listed(3, "bob", "bob")], known, frozenset())
    assert [entry.username for entry in done.of(Step.LEAVES)] == ["carl", "dora"]
    assert (done.governed, done.leaving_percent) == (4, 50.0)
