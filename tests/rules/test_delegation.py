"""Who decides for whom: whatever is delegated to whom, nobody reaches their own request by it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.delegation import stand_ins

PEOPLE = ("ada", "bob", "carl", "dora", "eve")
SOME = st.frozensets(st.sampled_from(PEOPLE))
PAIRS = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)), max_size=12)
SOMEBODY = st.sampled_from(PEOPLE)


@given(SOME, PAIRS, SOMEBODY)
def test_by_no_chain_does_anybody_reach_their_own_request(
    named: frozenset[str], pairs: list[tuple[str, str]], requester: str
) -> None:
    found = stand_ins(named - {requester}, pairs, requester=requester, counted=frozenset())
    assert requester not in found
    assert requester not in found.values()


@given(SOME, PAIRS, SOMEBODY, SOME)
def test_a_delegate_stands_in_for_who_is_entitled_themselves_and_named_them(
    named: frozenset[str], pairs: list[tuple[str, str]], requester: str, counted: frozenset[str]
) -> None:
    for delegate, delegator in stand_ins(named, pairs, requester=requester, counted=counted).items():
        assert (delegator, delegate) in pairs
        assert delegator in named - counted - {requester}
        assert delegate not in named | counted


@given(SOME, PAIRS, SOMEBODY, st.lists(SOMEBODY))
def test_nobodys_say_counts_twice_whoever_clicks_in_whatever_order(
    named: frozenset[str], pairs: list[tuple[str, str]], requester: str, clicks: list[str]
) -> None:
    entitled = named - {requester}
    said: list[str] = []
    for person in clicks:
        standing_in = stand_ins(entitled, pairs, requester=requester, counted=frozenset(said))
        if person in entitled - set(said):
            said.append(person)
        elif person in standing_in:
            said += [person, standing_in[person]]
    assert len(said) == len(set(said))
    assert requester not in said


def test_it_does_not_chain() -> None:
    pairs = [("ada", "bob"), ("bob", "carl")]
    found = stand_ins(frozenset({"ada"}), pairs, requester="eve", counted=frozenset())
    assert found == {"bob": "ada"}


def test_of_two_delegators_the_first_whose_say_is_free_is_meant() -> None:
    pairs = [("bob", "carl"), ("ada", "carl")]
    both = frozenset({"ada", "bob"})
    assert stand_ins(both, pairs, requester="eve", counted=frozenset()) == {"carl": "ada"}
    assert stand_ins(both, pairs, requester="eve", counted=frozenset({"ada"})) == {"carl": "bob"}
    assert stand_ins(both, pairs, requester="ada", counted=frozenset()) == {"carl": "bob"}
