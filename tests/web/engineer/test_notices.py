"""The page of one's own notices: choosing how one is told, and what one was told of late."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.mail import EmailMessage

from jitportal.environment import Channel
from jitportal.models import NoticeChoice, Person
from jitportal.operations import notices, sending
from jitportal.operations.notice_choices import CHOSEN, choices_of
from jitportal.web.forms.notices import GROUPS
from tests.web.engineer.conftest import SignedIn

ALL_BY_MAIL = {
    f"{topic}-{what}": said for topic in CHOSEN for what, said in (("mail", "on"), ("pace", "at_once"))
}


@pytest.fixture(autouse=True)
def channels(settings: Any) -> None:
    settings.CHANNELS = {
        "direct": Channel("direct", "json://localhost/{username}", for_people=True),
        "dba-room": Channel("dba-room", "json://localhost/room"),
    }


def test_what_is_chosen_is_kept_and_shown_again(as_: SignedIn, house: dict[str, Person]) -> None:
    ed = as_("ed")
    page = ed.get("/notices/").content.decode()
    assert "Requests for me to decide" in page
    assert {topic for _, topics in GROUPS for topic in topics} == set(CHOSEN)
    assert "direct" in page
    assert "dba-room" not in page, "a team's channel isn't a person's to choose"
    wish = {**ALL_BY_MAIL, "own-channel": "direct", "own-pace": "hourly"}
    del wish["handled-mail"]
    answer = ed.post("/notices/", wish, follow=True)
    assert "You are told as you chose from now on." in answer.content.decode()
    chosen = {str(choice.topic): choice for choice in choices_of(house["ed"])}
    assert (chosen["own"].channel, chosen["own"].pace) == ("direct", "hourly")
    assert not chosen["handled"].mail
    assert '<option value="hourly" selected>' in answer.content.decode()


def test_what_cant_be_chosen_keeps_what_was_typed_and_stores_nothing(as_: SignedIn) -> None:
    wish = {**ALL_BY_MAIL, "own-pace": "daily"}
    del wish["asks-mail"]
    answer = as_("ed").post("/notices/", wish)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Requests to decide wait for you: choose mail, a channel or both." in page
    assert '<a href="#id_asks-mail">' in page
    assert '<option value="daily" selected>' in page
    assert not NoticeChoice.objects.exists()


@pytest.mark.parametrize("broken", [{"own-pace": "yearly"}, {"own-pace": ""}, {"own-channel": "dba-room"}])
def test_what_no_page_offers_is_refused(as_: SignedIn, broken: dict[str, str]) -> None:
    assert as_("ed").post("/notices/", {**ALL_BY_MAIL, **broken}).status_code == 422
    assert not NoticeChoice.objects.exists()


def test_a_channel_that_was_taken_away_shows_as_gone(as_: SignedIn, settings: Any) -> None:
    as_("ed").post("/notices/", {**ALL_BY_MAIL, "own-channel": "direct"})
    settings.CHANNELS = {}
    page = as_("ed").get("/notices/").content.decode()
    assert "direct (not there any more: comes by mail)" in page
    assert "has set up no chat channel" in page


def test_what_one_was_told_lately_and_how_it_got_on(
    as_: SignedIn, house: dict[str, Person], mailoutbox: list[EmailMessage]
) -> None:
    ed = house["ed"]
    now = ed.date_joined
    notices.notify(
        recipients=[ed],
        kind="request.approved",
        key="1",
        subject="<b>Yours</b>",
        body="B",
        path="/history/",
        now=now,
        actor=ed,
    )
    waiting = as_("ed").get("/notices/").content.decode()
    assert "&lt;b&gt;Yours&lt;/b&gt;" in waiting
    assert "goes out" in waiting
    sending.send_due()
    assert len(mailoutbox) == 1
    assert "By mail,\n" in as_("ed").get("/notices/").content.decode()
    assert "Yours" not in as_("kai").get("/notices/").content.decode()
