"""Reviews after use: the holder's statement, somebody else's determination, and back for more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.models import AfterUseReview, Person, StandingPower
from jitportal.operations import clock, people
from jitportal.rules.vocabulary import Power
from tests.web.engineer import house
from tests.web.engineer.conftest import SignedIn

SAID = {"act": "state", "statement": "Lent two keys, got both back.", "changes_left": "A new lock on rack 3."}
FOUND = {"act": "determine", "determine-determination": "As it was asked for."}
MORE = {"act": "return", "return-note": "Which keys?"}


def test_a_review_goes_from_its_holder_to_somebody_else_and_closes(as_: SignedIn) -> None:
    review = house.review()
    address = f"/reviews/{review.pk}/"
    ed, olga = as_("ed"), as_("olga")
    assert b"Say what was done" in ed.get("/reviews/").content
    assert b"What did you do, and with what result?" in ed.get(address).content
    assert b"Ed Test has yet to say what was done." in olga.get(address).content
    assert ed.post(address, SAID).status_code == 302
    assert b"Olga Test or Mona Test has yet to read it." in ed.get(address).content
    page = olga.get(address).content
    assert b"Lent two keys, got both back." in page
    assert b"A new lock on rack 3." in page
    assert olga.post(address, MORE).status_code == 302
    assert b"Which keys?" in ed.get(address).content
    assert b"Lent two keys, got both back.</textarea>" in ed.get(address).content
    ed.post(address, {**SAID, "statement": "Lent the keys of rack 3 and 4."})
    assert olga.post(address, FOUND).status_code == 302
    review.refresh_from_db()
    assert (review.status, review.determination) == ("closed", "As it was asked for.")
    assert review.reviewer is not None
    assert review.reviewer.username == "olga"
    closed = ed.get(address).content
    assert b"As it was asked for." in closed
    assert b"<textarea" not in closed
    assert b"Closed" in ed.get("/reviews/").content


def test_nobody_closes_the_review_of_their_own_access(as_: SignedIn) -> None:
    review = house.review()
    as_("ed").post(f"/reviews/{review.pk}/", SAID)
    answer = as_("ed").post(f"/reviews/{review.pk}/", FOUND)
    assert answer.status_code == 403
    assert b"Somebody else has to close it." in answer.content
    review.refresh_from_db()
    assert review.status == "determination"


def test_whoever_placed_the_holder_is_told_before_they_write(as_: SignedIn) -> None:
    review = house.review()
    as_("ed").post(f"/reviews/{review.pk}/", SAID)
    olga, mona, ed = (Person.objects.get(username=name) for name in ("olga", "mona", "ed"))
    StandingPower.objects.create(
        person=olga, power=Power.ADMINISTRATOR, reason="For this test.", given_at=clock.now()
    )
    people.set_manager(actor=olga, person=ed, manager=None)
    people.set_manager(actor=olga, person=ed, manager=mona)
    page = as_("olga").get(f"/reviews/{review.pk}/").content
    assert b"put either of you in place" in page
    assert b"<textarea" not in page
    assert b"<textarea" in as_("mona").get(f"/reviews/{review.pk}/").content


def test_others_do_not_see_it_and_readers_do_not_speak_for_the_holder(as_: SignedIn) -> None:
    review = house.review()
    for username in ("sam", "eve", "kai"):
        assert as_(username).get(f"/reviews/{review.pk}/").status_code == 404
        assert as_(username).post(f"/reviews/{review.pk}/", SAID).status_code == 404
        assert b"Key cabinet" not in as_(username).get("/reviews/").content
    assert as_("mona").post(f"/reviews/{review.pk}/", SAID).status_code == 403
    review.refresh_from_db()
    assert review.status == "statement"


@pytest.mark.parametrize(
    ("said", "field", "kept"),
    [
        ({**SAID, "statement": ""}, "id_statement_error", "A new lock on rack 3.</textarea>"),
        ({**SAID, "statement": "x" * 4_001}, "id_statement_error", "xxxx</textarea>"),
        (
            {**SAID, "changes_left": "a\x00b"},
            "id_changes_left_error",
            "Lent two keys, got both back.</textarea>",
        ),
    ],
)
def test_a_statement_that_cannot_be_kept(as_: SignedIn, said: dict[str, str], field: str, kept: str) -> None:
    review = house.review()
    answer = as_("ed").post(f"/reviews/{review.pk}/", said)
    assert answer.status_code == 422
    assert field in answer.content.decode()
    assert kept in answer.content.decode()
    review.refresh_from_db()
    assert review.status == "statement"


def test_a_determination_takes_words_and_its_turn(as_: SignedIn) -> None:
    review = house.review()
    early = as_("olga").post(f"/reviews/{review.pk}/", FOUND)
    assert early.status_code == 409
    as_("ed").post(f"/reviews/{review.pk}/", SAID)
    empty = as_("olga").post(f"/reviews/{review.pk}/", {"act": "determine", "determine-determination": " "})
    assert empty.status_code == 422
    assert "id_determine-determination_error" in empty.content.decode()


@pytest.mark.parametrize("act", ["", "close", "determine\x00"])
def test_an_act_that_there_is_none(as_: SignedIn, act: str) -> None:
    review = house.review()
    assert as_("olga").post(f"/reviews/{review.pk}/", {"act": act}).status_code == 403
    assert as_("ed").post(f"/reviews/{review.pk}/", {"act": act}).status_code == 422
    assert AfterUseReview.objects.get().status == "statement"


def test_what_is_overdue_says_so(as_: SignedIn) -> None:
    review = house.review()
    with clock.moved(to=review.due_at + timedelta(minutes=1)):
        assert b"Overdue: statement wanted" in as_("ed").get("/reviews/").content
