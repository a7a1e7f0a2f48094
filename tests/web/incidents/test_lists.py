"""The reviewers' queue, the register, the follow-ups, and the evidence that is taken out."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.test import Client

from jitportal.evidence import verify
from jitportal.models import Event, FollowUp
from jitportal.operations import clock, incident_register
from tests.web.incidents.filled import FOUND, As, seen
from tests.web.world import World

pytestmark = pytest.mark.django_db


def test_a_follow_up_is_added_and_done(made: World, as_: As, address: str) -> None:
    mona, kai = as_("mona"), as_("kai")
    mona.post(address, {**FOUND, **seen(mona, address)})
    day = f"{clock.now() + timedelta(days=3):%Y-%m-%d}"
    said = {"act": "follow_up", "follow_up-what": "Oil the lock.", "follow_up-due_at": day}
    answer = mona.post(address, {**said, "follow_up-owner": "nobody"})
    assert answer.status_code == 422
    assert b"Nobody here has this username." in answer.content
    assert b"\nOil the lock.</textarea>" in answer.content
    assert mona.post(address, {**said, "follow_up-owner": "kai"}).status_code == 302
    assert b"Oil the lock." in kai.get("/emergency/follow-ups/").content
    made_one = FollowUp.objects.get(what="Oil the lock.")
    done = f"/emergency/follow-ups/{made_one.pk}/"
    assert kai.post(done, {"complete-note": ""}).status_code == 422
    assert kai.post(done, {"complete-note": "Oiled."}).status_code == 302
    again = kai.post(done, {"complete-note": "Oiled again."})
    assert again.status_code == 409
    assert b"Oiled again." in again.content


def test_the_queue_shows_each_their_own(as_: As, address: str) -> None:
    for username, there in (("mona", True), ("olga", True), ("rita", True), ("sam", False), ("otto", False)):
        assert (address.encode() in as_(username).get("/emergency/reviews/").content) == there, username
    told = as_("mona").get("/reviews/").content
    assert b"After emergencies (1)" in told
    assert b"1 review after emergencies</a> waits for you" in told
    assert b"No review waits for you." not in told
    assert b"No review waits for you." in as_("sam").get("/reviews/").content
    for username, waits in (("mona", True), ("olga", True), ("rita", False), ("sam", False)):
        assert bool(_in_the_rail(as_(username))) is waits, username


def _in_the_rail(client: Client) -> int:
    """What every page's rail says of reviews; the page that it leads to lists as many."""
    page = client.get("/reviews/").context
    count: int = next(link.count for link in page["frame"].first if link.label == "Reviews")
    assert count == len(page["desk"].to_state) + len(page["desk"].to_determine) + page["incidents"]
    return count


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 2),
        ("?person=rita", 1),
        ("?kind=drills", 0),
        ("?kind=real&state=open&account=lever&criterion=outage", 2),
        ("?found=emergency", 1),
        ("?state=overdue", 0),
        ("?since=2020-01-01&until=2020-01-02", 0),
        ("?after=nonsense", 2),
    ],
)
def test_the_register_is_filtered_and_taken_out(as_: As, query: str, number: int) -> None:
    adam = as_("adam")
    page = adam.get(f"/emergency/register/{query}").content
    assert len(re.findall(rb'class="row-title" href="/emergency/reviews/\d+/"', page)) == number
    answer = adam.post(f"/emergency/register/export/{query}")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == number
    assert Event.objects.filter(verb="incident_register.exported").latest("pk").data["count"] == number


def test_a_filter_that_can_not_be_read_says_so(as_: As) -> None:
    answer = as_("adam").get("/emergency/register/?since=yesterday&account=none&found=perhaps")
    assert answer.status_code == 422
    assert answer.content.count(b'class="field-error"') == 3
    exported = as_("adam").post("/emergency/register/export/?since=yesterday&person=%00")
    assert exported.status_code == 422
    assert not Event.objects.filter(verb="incident_register.exported").exists()


@pytest.mark.parametrize("query", ["until=9999-12-31", "since=0001-01-01"])
def test_a_day_far_away_is_refused_in_words(as_: As, query: str) -> None:
    answer = as_("adam").get(f"/emergency/register/?{query}")
    assert answer.status_code == 422
    assert b"Choose a date between 2000 and 2100." in answer.content


def test_a_file_is_never_cut_in_silence(as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incident_register, "MOST_ROWS", 1)
    answer = as_("adam").post("/emergency/register/export/")
    assert answer.status_code == 422
    assert b"A file holds 1 uses at the most." in answer.content
    assert not Event.objects.filter(verb="incident_register.exported").exists()


def test_the_register_shows_nobody_more_than_the_reviews_do(as_: As) -> None:
    for username, number in (("sam", 0), ("rita", 1), ("oskar", 1), ("olga", 2), ("kai", 2), ("auda", 2)):
        answer = as_(username).post("/emergency/register/export/")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert len(rows) == number, username


def test_evidence_is_taken_out_and_verifies(as_: As, address: str) -> None:
    answer = as_("auda").post(f"{address}evidence/")
    assert answer["Content-Type"] == "application/zip"
    key = Client().get("/evidence/key.pem").content.decode()
    assert verify.problems(answer.content, key) == []
    taken = json.loads(verify.contents(answer.content)["evidence.json"])
    assert taken["people"]["responder"] == "Rita Test"
    assert (
        Client().get("/evidence/verify.py").content.decode()
        == verify.contents(answer.content)["__main__.py"].decode()
    )
    assert Event.objects.filter(verb="incident_review.evidence_taken").count() == 1
