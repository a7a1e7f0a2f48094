"""The action log: for few, each look written down, and marked line by line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import LazySettings

from jitportal.models import Entry, Event, Grant, PostIncidentReview, Recording
from jitportal.operations import clock
from jitportal.operations.action_log import AWAY, lines_of
from jitportal.operations.recordings import path_of
from jitportal.web.forms import incidents as forms
from tests.models import rows
from tests.web.incidents.filled import FOUND, As, review_of, seen
from tests.web.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def typed(made: World, db: None, settings: LazySettings, tmp_path: Path) -> PostIncidentReview:
    """The review with two lines in its action log, as a recording of the session has them."""
    settings.RECORDINGS_DIR = tmp_path
    return recorded(review_of(made), "session-1", "rm lock", "cat keys")


def recorded(review: PostIncidentReview, session: str, *commands: str) -> PostIncidentReview:
    """The review with a recording in which these were run."""
    data = json.dumps({"version": 2, "width": 80, "height": 24}) + "\n"
    data += "".join(
        json.dumps([number, "o", f"$ {command}\r\n"]) + "\n" for number, command in enumerate(commands, 1)
    )
    recording = rows.recording(
        grant=Grant.objects.get(activation=review.activation),
        session=session,
        state="complete",
        finished_at=clock.now(),
        size=len(data),
    )
    path_of(recording).parent.mkdir(parents=True, exist_ok=True)
    path_of(recording).write_text(data)
    return review


def looks() -> list[str]:
    found = Event.objects.filter(verb="incident_review.log_viewed").order_by("pk")
    return [event.actor.username for event in found]


def test_the_action_log_is_for_few_and_each_look_is_written_down(
    as_: As, address: str, typed: PostIncidentReview
) -> None:
    """A custodian may see the review, and not what was typed in it; nobody sees it unrecorded."""
    for username in ("rita", "mona", "kai", "auda"):
        page = as_(username).get(address).content
        assert b"2 lines" in page
        assert b"cat keys" not in page
    assert as_("kai").post(f"{address}log/").status_code == 403
    assert looks() == []
    shown = address
    for number, username in enumerate(("rita", "mona", "auda"), start=1):
        client = as_(username)
        shown = client.post(f"{address}log/").headers["Location"]
        assert len(looks()) == number
        assert b"cat keys" in client.get(shown).content
        assert b"cat keys" not in as_("kai").get(shown).content
    assert looks() == ["rita", "mona", "auda"]
    assert b"cat keys" not in as_("mona").get(shown).content  # it is Auda's address
    assert as_("auda").post(f"{address}evidence/").status_code == 200
    assert looks() == ["rita", "mona", "auda", "auda"]


def test_lines_are_marked_by_who_looked_at_them_and_what_was_typed_stays(
    as_: As, address: str, typed: PostIncidentReview
) -> None:
    mona = as_("mona")
    half = {"drafted": "determine", "marks": "1", "determine-finding": "Half a sent", **seen(mona, address)}
    blind = mona.post(address, {**FOUND, "determine-rest": "explained", **seen(mona, address)})
    assert blind.status_code == 422
    assert b"Mark 2 lines of the action log" in blind.content
    shown = mona.post(f"{address}log/", half).headers["Location"]
    page = mona.get(shown).content.decode()
    assert "\nHalf a sent</textarea>" in page
    fields = re.findall(r'name="determine-mark-([\d:]+)"', page)
    marks = {f"determine-mark-{fields[0]}": "explained", f"determine-note-{fields[0]}": "As declared."}
    mona.post(f"{address}draft/", {"act": "determine", **marks})
    mona.post(f"{address}draft/", {"act": "determine", "determine-finding": "Whole."})  # the log isn't open
    assert "As declared." in mona.get(shown).content.decode()
    left = mona.post(shown, {**FOUND, **marks, "determine-recording": "complete", **seen(mona, address)})
    assert left.status_code == 422
    assert b"Mark one line of the action log" in left.content or b"Mark 1 line" in left.content
    sent = {**FOUND, **marks, "determine-recording": "complete", "determine-rest": "unexplained"}
    assert mona.post(shown, {**sent, **seen(mona, address)}).status_code == 302
    assert sorted(typed.marks.values_list("text", "explained")) == [("cat keys", False), ("rm lock", True)]


def test_what_could_not_be_read_once_is_said_and_read_later(typed: PostIncidentReview) -> None:
    recording = Recording.objects.get(grant__activation=typed.activation)
    file = path_of(recording)
    file.rename(away := file.with_suffix(".away"))
    assert [text for _, text in lines_of(recording)] == [AWAY]
    away.rename(file)
    assert [text for _, text in lines_of(recording)] == ["rm lock", "cat keys"]


def test_a_session_of_many_lines_can_be_determined(
    as_: As, address: str, typed: PostIncidentReview, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a browser sends it: two fields for each line, filled in or not; and a line more than have fields."""
    recorded(typed, "session-2", *(f"cat key-{number}" for number in range(299)))
    monkeypatch.setattr(forms, "MOST_MARKED", 300)
    mona = as_("mona")
    shown = mona.post(f"{address}log/").headers["Location"]
    page = mona.get(shown).content.decode()
    fields = re.findall(r'name="(determine-(?:mark|note)-[\d:]+)"', page)
    assert len(fields) == 600
    assert "The log goes on for 1 more line," in page
    sent = {**FOUND, **dict.fromkeys(fields, ""), "determine-recording": "complete", **seen(mona, address)}
    assert b"Mark 301 lines" in mona.post(shown, sent).content
    assert mona.post(shown, {**sent, "determine-rest": "explained"}).status_code == 302
    assert typed.marks.filter(explained=True).count() == 301


def test_what_was_typed_stands_in_no_diff_and_in_no_table(
    as_: As, address: str, typed: PostIncidentReview
) -> None:
    mona = as_("mona")
    sent = {**FOUND, "determine-recording": "complete", "determine-rest": "explained"}
    shown = mona.post(f"{address}log/").headers["Location"]
    assert mona.post(shown, {**sent, **seen(mona, address)}).status_code == 302
    assert not Entry.objects.filter(changes__icontains="cat keys").exists()
    auda = as_("auda")
    for model in ("postincidentreview", "linemark", "reviewversion"):
        pk = apps.get_model("jitportal", model).objects.latest("pk").pk
        answer = auda.get(f"/admin/jitportal/{model}/{pk}/change/")
        assert answer.status_code == 200
        assert b"cat keys" not in answer.content
