"""The short review after a high-risk temporary grant was used."""

from __future__ import annotations

import pytest

from jitportal.models import AfterUseReview, Event, Grant, Notice
from jitportal.operations import grants, reviews
from jitportal.rules.errors import Conflict, Invalid, NotAllowed
from jitportal.rules.vocabulary import ReviewStatus
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")


def used(who: str = "rita", role: str = "migration") -> AfterUseReview:
    grant = world.live(who, role)
    grants.hand_back(actor=world.person(who), grant=grant)
    world.work()
    return AfterUseReview.objects.get(grant=grant)


def stated() -> AfterUseReview:
    return reviews.state(actor=world.person("rita"), review=used(), statement="I moved the tables.")


def test_it_opens_when_the_access_has_ended_and_tells_the_holder() -> None:
    review = used()
    assert (review.status, review.holder) == (ReviewStatus.STATEMENT, world.person("rita"))
    assert review.due_at - review.opened_at == reviews.DUE
    assert Notice.objects.get(kind="review.opened").recipient == review.holder
    assert Event.objects.filter(verb="review.opened", grant=review.grant).count() == 1


def test_it_opens_for_high_risk_temporary_grants_that_were_used_alone() -> None:
    low = world.live("rita", "auditor")
    medium = world.live("rita", "door")
    world.carry_out()
    world.work()
    unused = world.granted("rita", "migration")
    for grant in (low, medium, unused):
        grants.hand_back(actor=world.person("rita"), grant=grant)
    world.work()
    world.carry_out()
    world.work()
    assert not Grant.objects.filter(person__username="rita").unfinished().exists()
    assert not AfterUseReview.objects.exists()


def test_the_holder_states_and_another_determines() -> None:
    review = used()
    for username in ("remy", "mona", "otto"):
        with pytest.raises(NotAllowed):
            reviews.state(actor=world.person(username), review=review, statement="Nothing.")
    review = reviews.state(
        actor=world.person("rita"), review=review, statement="I moved them.", changes_left="An index."
    )
    assert review.status == ReviewStatus.DETERMINATION
    told = Notice.objects.filter(kind="review").values_list("recipient__username", flat=True)
    assert sorted(told) == ["mona", "otto"]
    for username in ("rita", "remy", "dora"):
        with pytest.raises(NotAllowed):
            reviews.determine(actor=world.person(username), review=review, determination="Fine.")
    review = reviews.determine(actor=world.person("mona"), review=review, determination="As asked.")
    assert (review.status, review.reviewer) == (ReviewStatus.CLOSED, world.person("mona"))
    assert review.closed_at is not None


def test_it_can_be_returned_for_more() -> None:
    review = stated()
    with pytest.raises(NotAllowed):
        reviews.return_to_holder(actor=world.person("rita"), review=review, note="More.")
    review = reviews.return_to_holder(actor=world.person("otto"), review=review, note="Which tables?")
    assert (review.status, review.returned_note) == (ReviewStatus.RETURNED, "Which tables?")
    with pytest.raises(Conflict):
        reviews.determine(actor=world.person("otto"), review=review, determination="Fine.")
    reviews.state(actor=world.person("rita"), review=review, statement="Orders and lines.")
    reviews.determine(actor=world.person("otto"), review=review, determination="Fine.")
    kinds = Event.objects.filter(verb__startswith="review.").order_by("id").values_list("verb", flat=True)
    assert list(kinds) == [
        "review.opened",
        "review.stated",
        "review.returned",
        "review.stated",
        "review.closed",
    ]


def test_the_steps_can_not_be_taken_out_of_turn() -> None:
    review = used()
    with pytest.raises(Conflict):
        reviews.determine(actor=world.person("mona"), review=review, determination="Fine.")
    review = reviews.state(actor=world.person("rita"), review=review, statement="I moved them.")
    with pytest.raises(Conflict):
        reviews.state(actor=world.person("rita"), review=review, statement="Again.")
    reviews.determine(actor=world.person("mona"), review=review, determination="Fine.")
    with pytest.raises(Conflict):
        reviews.state(actor=world.person("rita"), review=review, statement="Again.")
    with pytest.raises(Conflict):
        reviews.determine(actor=world.person("otto"), review=review, determination="No.")
    with pytest.raises(Conflict):
        reviews.return_to_holder(actor=world.person("otto"), review=review, note="More.")


@pytest.mark.parametrize("text", ["", "  ", "x" * 4001, "\x00", "\ud800"])
def test_words_are_needed_and_are_text(text: str) -> None:
    review = used()
    with pytest.raises(Invalid):
        reviews.state(actor=world.person("rita"), review=review, statement=text)
    review = reviews.state(actor=world.person("rita"), review=review, statement="I moved them.")
    with pytest.raises(Invalid):
        reviews.determine(actor=world.person("otto"), review=review, determination=text)
    with pytest.raises(Invalid):
        reviews.return_to_holder(actor=world.person("otto"), review=review, note=text)
    review.refresh_from_db()
    assert review.status == ReviewStatus.DETERMINATION


def test_an_administrator_who_was_the_holder_does_not_close_it() -> None:
    world.joins("rita", "security")
    review = stated()
    world.empower("rita", "administrator")
    with pytest.raises(NotAllowed, match="your own access"):
        reviews.determine(actor=world.person("rita"), review=review, determination="All fine.")


def test_it_goes_on_without_the_words_of_who_left() -> None:
    review = used()
    world.deactivate("rita")
    review.refresh_from_db()
    assert review.status == ReviewStatus.DETERMINATION
    assert review.statement == "(Rita was deactivated before saying what was done.)"
    assert Event.objects.get(verb="review.unstated").grant == review.grant
    told = Notice.objects.filter(kind="review", subject__startswith="Rita has left")
    assert sorted(told.values_list("recipient__username", flat=True)) == ["mona", "otto"]
    with pytest.raises(Conflict, match="Rita has left"):
        reviews.return_to_holder(actor=world.person("otto"), review=review, note="More.")
    reviews.determine(actor=world.person("otto"), review=review, determination="The record says enough.")
    assert AfterUseReview.objects.get(pk=review.pk).status == ReviewStatus.CLOSED


def test_what_was_said_before_more_was_asked_stays() -> None:
    review = reviews.return_to_holder(actor=world.person("otto"), review=stated(), note="Which tables?")
    world.deactivate("rita")
    review.refresh_from_db()
    assert review.statement == "I moved the tables.\n\n(Rita was deactivated before saying more.)"


def test_a_review_that_opens_after_somebody_left_asks_those_who_read_it() -> None:
    grant = world.live("rita", "migration")
    world.deactivate("rita")
    world.work()
    assert AfterUseReview.objects.get(grant=grant).status == ReviewStatus.DETERMINATION
    assert not Notice.objects.filter(kind="review.opened").exists()


def test_the_manager_above_hears_of_what_waits_to_be_read() -> None:
    review = stated()
    world.deactivate("mona")
    assert Notice.objects.filter(kind="review", grant=review.grant, recipient__username="mark").exists()
