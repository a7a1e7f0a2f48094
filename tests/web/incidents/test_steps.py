"""The page of a post-incident review: each step with its errors, and whose turn it is."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from jitportal.audit.system import system
from jitportal.models import ActivationAlert
from jitportal.operations import clock, emergency_alerts
from jitportal.operations.transaction import operation
from tests.web.incidents.filled import DONE, FOUND, As, review_of, seen
from tests.web.world import World

pytestmark = pytest.mark.django_db


def test_a_review_goes_to_its_end_on_its_page(made: World, as_: As, address: str) -> None:
    mona, kai = as_("mona"), as_("kai")
    assert mona.post(address, {**FOUND, **seen(mona, address)}).status_code == 302
    assert b"An actual emergency" in mona.get(address).content
    refused = mona.post(address, {"act": "sign"})
    assert refused.status_code == 422
    assert b"Rotate the account" in refused.content
    assert mona.post(address, DONE).status_code == 302
    rotation = {"act": "confirm_rotation", "confirm_rotation-evidence": "New lock, ticket T-9."}
    assert kai.post(address, rotation).status_code == 302
    assert mona.post(address, {"act": "sign"}).status_code == 302
    assert review_of(made).status == "closed"
    for username in ("mona", "rita", "kai", "auda"):
        page = as_(username).get(address).content
        assert b"New lock, ticket T-9." in page
        assert b"<textarea" not in page


def test_signing_says_beforehand_that_it_takes_a_second_factor(
    made: World, as_: As, address: str, settings: Any
) -> None:
    mona = as_("mona")
    mona.post(address, {**FOUND, **seen(mona, address)})
    beforehand = b"When you sign, you confirm that with your second factor"
    assert beforehand not in mona.get(address).content
    settings.STEP_UP = True
    assert beforehand in mona.get(address).content


def test_everything_that_is_missing_is_said_beside_its_field_and_nothing_typed_is_lost(
    as_: As, address: str
) -> None:
    mona = as_("mona")
    answer = mona.post(
        address, {"act": "determine", "determine-finding": "Half a sent", **seen(mona, address)}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "\nHalf a sent</textarea>" in page
    for sentence in (
        "Say what it was.",
        "Say whether the criterion was met.",
        "Say what you find of the rec",
    ):
        assert page.count(sentence) >= 2  # in the summary, and beside the field
    answer = mona.post(address, {**FOUND, "determine-recording": "complete", **seen(mona, address)})
    assert b"There is no recording at all." in answer.content


def test_what_was_seen_binds_the_determination(as_: As, address: str) -> None:
    answer = as_("mona").post(address, {**FOUND, "determine-seen": "0" * 64})
    assert answer.status_code == 409
    assert b"changed since you looked" in answer.content
    assert b"\nAs declared.</textarea>" in answer.content


def test_the_second_of_two_reviewers_gets_a_clear_conflict(made: World, as_: As, address: str) -> None:
    mona, olga = as_("mona"), as_("olga")
    first, second = {**FOUND, **seen(mona, address)}, {**FOUND, **seen(olga, address)}
    assert mona.post(address, first).status_code == 302
    answer = olga.post(address, {**second, "determine-finding": "Something else."})
    assert answer.status_code == 409
    assert b"Something else.</textarea>" in answer.content
    review = review_of(made)
    assert review.reviewer is not None
    assert (review.reviewer.username, review.finding) == ("mona", "As declared.")


def test_what_changed_since_it_was_determined_is_set_apart(made: World, as_: As, address: str) -> None:
    mona = as_("mona")
    mona.post(address, {**FOUND, **seen(mona, address)})
    assert b"Changed since it was determined" not in mona.get(address).content
    account = review_of(made).account
    before = account.name
    with operation(system()):
        account.name = "The blue lever"
        account.save(update_fields=["name"])
    alert = ActivationAlert.objects.filter(activation__review=made.incident).first()
    assert alert is not None
    emergency_alerts.acknowledge(actor=alert.person, activation=alert.activation)
    page = mona.get(address).content.decode()
    apart = page[page.index("Changed since it was determined") : page.index("<dt>Review</dt>")]
    for said in ("Name of the account", before, "The blue lever", "Alerts", "acknowledged at: 20"):
        assert said in apart
    assert "Broken" not in apart


def test_it_is_returned_and_stated_again(made: World, as_: As, address: str) -> None:
    assert as_("mona").post(address, {"act": "return", "return-note": ""}).status_code == 422
    assert as_("mona").post(address, {"act": "return", "return-note": "Which doors?"}).status_code == 302
    rita = as_("rita")
    assert b"You owe a statement" in rita.get("/").content
    page = rita.get(address).content
    assert b"Which doors?" in page
    answers = dict(re.findall(r'<textarea name="(state-\w+)"[^>]*>\s*([^<]*)</textarea>', page.decode()))
    assert len(answers) == 8
    assert rita.post(address, {"act": "state", **answers, "state-done": " "}).status_code == 422
    assert rita.post(address, {"act": "state", **answers, "state-done": "Opened A and B."}).status_code == 302
    assert review_of(made).done == "Opened A and B."
    assert b"You owe a statement" not in rita.get("/").content


def test_nobody_reviews_their_own_and_strangers_see_nothing(as_: As, address: str) -> None:
    for act in ({**FOUND, "determine-seen": ""}, {"act": "sign"}, {"act": "return", "return-note": "x"}):
        assert as_("rita").post(address, act).status_code == 403
    for username in ("sam", "oskar", "opal"):
        assert as_(username).get(address).status_code == 404
        assert as_(username).post(address, FOUND).status_code == 404


def test_two_people_lift_a_block_on_the_page(made: World, as_: As, address: str) -> None:
    as_("mona").post(address, {"act": "return", "return-note": "Which doors?"})
    with clock.moved(by=timedelta(hours=25)):
        mona, olga = as_("mona"), as_("olga")
        assert b"The statement is late" in mona.get(address).content
        assert mona.post(address, {"act": "override", "override-reason": ""}).status_code == 422
        assert mona.post(address, {"act": "override", "override-reason": "It can't wait."}).status_code == 302
        assert b"It can&#x27;t wait." in olga.get(address).content
        assert mona.post(address, {"act": "grant_override"}).status_code == 403
        answer = olga.post(address, {"act": "grant_override"}, follow=True)
        assert b"is lifted until " in answer.content
        assert b"The statement is late" not in mona.get(address).content
