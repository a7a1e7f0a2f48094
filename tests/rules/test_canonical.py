"""The canonical form: the same document has one digest, another document another."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.canonical import Plain, digest, moment

LEAVES = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
DOCUMENTS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=5),
    max_size=4,
)


def test_the_form_is_json_with_sorted_keys_and_no_spaces() -> None:
    text = '{"a":[1,"ö",null],"b":true}'
    assert digest({"b": True, "a": [1, "ö", None]}) == hashlib.sha256(text.encode()).hexdigest()


@given(DOCUMENTS)
def test_the_order_of_keys_is_no_part_of_it(document: dict[str, Plain]) -> None:
    assert digest(document) == digest(dict(reversed(document.items())))


@given(DOCUMENTS, DOCUMENTS)
def test_other_documents_have_other_digests(one: dict[str, Plain], other: dict[str, Plain]) -> None:
    """``1`` and ``True`` are equal to Python and not here: their representations are compared."""
    same = repr(sorted(one.items())) == repr(sorted(other.items()))
    assert (digest(one) == digest(other)) == same


def test_moments_are_written_in_utc_with_microseconds() -> None:
    there = datetime(2025, 3, 1, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    assert moment(there) == moment(there.astimezone(UTC)) == "2025-03-01T12:00:00.000000+00:00"
    assert moment(None) is None


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        moment(datetime(2025, 3, 1, tzinfo=UTC).replace(tzinfo=None))
