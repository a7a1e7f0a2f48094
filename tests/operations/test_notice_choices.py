"""What people choose to be told, and what they can't choose away."""

from __future__ import annotations

from typing import Any

import pytest

from jitportal.environment import Channel
from jitportal.models import Entry, Notice, NoticeChoice
from jitportal.operations import channels
from jitportal.operations.notice_choices import CHOSEN, Choice, choices_of, choose
from jitportal.rules.errors import InvalidInput, NotAllowed
from jitportal.rules.notices import Pace, Topic
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")


@pytest.fixture(autouse=True)
def set_up(settings: Any) -> None:
    settings.CHANNELS = {
        "direct": Channel("direct", "json://localhost/{username}", for_people=True),
        "dba-room": Channel("dba-room", "json://localhost/room"),
    }


def test_without_a_choice_all_comes_by_mail_at_once() -> None:
    assert choices_of(world.person("mona")) == [Choice(topic) for topic in CHOSEN]


def test_a_choice_is_kept_recorded_and_obeyed() -> None:
    mona = world.person("mona")
    wish = Choice(Topic.HANDLED, mail=False)
    choose(actor=mona, choices=[wish, Choice(Topic.ASKS)])
    assert wish in choices_of(mona)
    assert world.verbs(person=mona) == [
        "person.created",
        "notices.chosen",
    ] or "notices.chosen" in world.verbs(person=mona)
    (row,) = NoticeChoice.objects.all()
    assert Entry.objects.filter(object_id=row.pk, content_type__model="noticechoice", actor=mona).exists()
    request = world.ask("rita", "writer")
    Notice.objects.update(sent_at=request.created_at)
    world.deny("otto", request)
    assert not Notice.objects.filter(kind="request.handled").exists()


def test_the_same_again_writes_nothing() -> None:
    mona = world.person("mona")
    for _ in range(2):
        choose(actor=mona, choices=[Choice(Topic.OWN, pace=Pace.DAILY)])
    assert world.verbs(person=mona).count("notices.chosen") == 1


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (Choice(Topic.ASKS, mail=False), "asks-mail"),
        (Choice(Topic.WORK, mail=False), "work-mail"),
        (Choice(Topic.LATE, mail=False, channel="direct"), "late-mail"),
        (Choice(Topic.LATE, pace=Pace.DAILY), "late-mail"),
        (Choice(Topic.OWN, channel="dba-room"), "own-channel"),
        (Choice(Topic.OWN, channel="nowhere"), "own-channel"),
    ],
)
def test_what_cant_be_chosen(wish: Choice, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        choose(actor=world.person("mona"), choices=[Choice(Topic.HANDLED, mail=False), wish])
    assert [problem.field for problem in refusal.value.problems] == [field]
    assert not NoticeChoice.objects.exists(), "all of it or nothing"


def test_who_has_left_chooses_nothing() -> None:
    mona = world.person("mona")
    world.deactivate("mona")
    with pytest.raises(NotAllowed):
        choose(actor=mona, choices=[Choice(Topic.HANDLED, mail=False)])


def test_the_channels_that_are_offered_are_those_for_people() -> None:
    assert channels.people_may_choose() == ["direct"]
    assert channels.rooms_offered() == ["dba-room"]
