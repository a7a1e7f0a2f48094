"""The pages of post-incident reviews: each step with its errors and drafts, the register, and the evidence."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import LazySettings, settings
from django.test import Client, override_settings
from pytest_django.plugin import DjangoDbBlocker

from jitportal.evidence import verify
from jitportal.models import (
    EmergencyAccount,
    EmergencySignIn,
    Entry,
    Event,
    FollowUp,
    Grant,
    PostIncidentReview,
    ReviewDraft,
)
from jitportal.operations import clock
from jitportal.operations.recordings import path_of
from jitportal.rules.limits import Limit
from tests.models import rows
from tests.undone import undone
from tests.web.world import World, small_world

pytestmark = pytest.mark.django_db

FOUND = {
    "act": "determine",
    "determine-classification": "emergency",
    "determine-criterion": "yes",
    "determine-fit": "right",
    "determine-could_jit": "no",
    "determine-recording": "gap_accepted",
    "determine-recording_reason": "Doors aren't recorded.",
    "determine-finding": "As declared.",
}
DONE = {
    "act": "remediate",
    "remediate-sessions_ended": "The doors are shut.",
    "remediate-reverted": "Nothing was changed.",
    "remediate-person_outcome": "none",
    "remediate-model_outcome": "none",
    "remediate-reportable": "no",
}


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield small_world()


@pytest.fixture
def as_(made: World, db: None) -> Callable[[str], Client]:
    """A signed-in client of somebody."""

    def client(username: str) -> Client:
        one = Client()
        one.force_login(made[username])
        return one

    return client


@pytest.fixture
def address(made: World) -> str:
    return f"/emergency/reviews/{made.incident}/"


As = Callable[[str], Client]


def seen(client: Client, address: str) -> dict[str, str]:
    """The digest of the facts, as the form holds it."""
    found = re.search(rb'name="determine-seen" value="([0-9a-f]{64})"', client.get(address).content)
    assert found is not None
    return {"determine-seen": found[1].decode()}


def review_of(made: World) -> PostIncidentReview:
    return PostIncidentReview.objects.get(pk=made.incident)


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


def test_drafts_are_kept_by_the_button_and_while_one_types(as_: As, address: str) -> None:
    mona = as_("mona")
    typed = {"act": "determine", "determine-finding": "I think", "determine-fit": "right"}
    assert mona.post(address, {**typed, "draft": "1"}).status_code == 302
    assert b"\nI think</textarea>" in mona.get(address).content
    assert b"\nI think</textarea>" not in as_("olga").get(address).content
    answer = mona.post(
        f"{address}draft/", {**typed, "determine-finding": "I think so"}, headers={"HX-Request": "true"}
    )
    assert b"Draft saved" in answer.content
    page = mona.get(address).content
    assert b"\nI think so</textarea>" in page
    assert re.search(rb'value="right"[^>]*checked', page)
    too_long = mona.post(f"{address}draft/", {**typed, "determine-finding": "x" * 5000})
    assert b"Draft saved" not in too_long.content
    assert ReviewDraft.objects.get().typed["finding"] == "I think so"
    mona.post(address, {**FOUND, **seen(mona, address)})
    assert ReviewDraft.objects.get().typed == {}


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


# reports by machines


def report(token: str, body: object) -> tuple[int, dict[str, object]]:
    sent = body if isinstance(body, str) else json.dumps(body)
    answer = Client().post(
        "/emergency/sign-ins/", sent, "application/json", headers={"Authorization": f"Bearer {token}"}
    )
    return answer.status_code, answer.json()


def told(**said: object) -> dict[str, object]:
    return {
        "account": "lever",
        "login": "lever",
        # The account's last use ended a moment ago, and clocks differ: this is past what that explains.
        "at": (datetime.now(UTC) + timedelta(minutes=2)).isoformat(),
        "reference": "door-7",
        "address": "192.0.2.9",
        **said,
    }


@pytest.mark.usefixtures("made", "db")
def test_an_orphan_sign_in_is_reported_with_a_token_once() -> None:
    with override_settings(SIGN_IN_REPORT_TOKEN="let me report"):
        assert report("", told())[0] == 401
        assert report("something else", told())[0] == 401
        status, first = report("let me report", told())
        assert (status, first["orphan"]) == (200, True)
        assert report("let me report", told())[1] == first
        # Another system's sign-in of that reference, to another account, is another sign-in.
        rows.emergency_account(key="crowbar", target=EmergencyAccount.objects.get().target)
        status, second = report("let me report", told(account="crowbar"))
        assert (status, second["orphan"]) == (200, True)
        assert second["sign_in"] != first["sign_in"]
    with override_settings(SIGN_IN_REPORT_TOKEN=""):
        assert report("", told())[0] == 401
    assert {one.review.status for one in EmergencySignIn.objects.all()} == {"statement"}
    assert [one.sign_ins.count() for one in EmergencyAccount.objects.all()] == [1, 1]


@pytest.mark.usefixtures("made", "db")
def test_whoever_took_the_token_floods_nobody_with_reports() -> None:
    limits = settings.LIMITS | {"report": Limit(2, 600)}
    with override_settings(SIGN_IN_REPORT_TOKEN="let me report", LIMITS=limits):
        statuses = [report("let me report", told(reference=f"door-{number}"))[0] for number in range(3)]
    assert statuses == [200, 200, 429]
    assert EmergencySignIn.objects.count() == 2


@pytest.mark.usefixtures("made", "db")
@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "[" * 8_000,
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        told(account="none"),
        told(account="\ud800"),
        told(at="today"),
        told(at="2026-01-01T00:00:00"),
        told(login=""),
        told(login=7),
        told(reference="x" * 500),
        told(address="here"),
        told(detail="\x00"),
    ],
    ids=range(13),
)
def test_a_report_that_makes_no_sense_is_refused(body: object) -> None:
    with override_settings(SIGN_IN_REPORT_TOKEN="let me report"):
        status, said = report("let me report", body)
    assert status == 422
    assert str(said["refused"]).endswith(".")
    assert not EmergencySignIn.objects.exists()


def test_a_sign_in_of_somebody_unknown_is_named_on_its_page(as_: As) -> None:
    with override_settings(SIGN_IN_REPORT_TOKEN="let me report"):
        report("let me report", told())
    review = EmergencySignIn.objects.get().review
    address = f"/emergency/reviews/{review.pk}/"
    page = as_("kai").get(address).content
    assert b"A sign-in that no activation explains" in page
    assert b"192.0.2.9" in page
    assert as_("kai").post(address, {"act": "name", "name-person": "nobody"}).status_code == 422
    assert as_("kai").post(address, {"act": "name", "name-person": "rita"}).status_code == 302
    assert b"You owe a statement" in as_("rita").get("/").content


# late


def test_two_people_lift_a_block_on_the_page(made: World, as_: As, address: str) -> None:
    as_("mona").post(address, {"act": "return", "return-note": "Which doors?"})
    with clock.moved(by=timedelta(hours=25)):
        mona, olga = as_("mona"), as_("olga")
        assert b"The statement is late" in mona.get(address).content
        assert mona.post(address, {"act": "override", "override-reason": ""}).status_code == 422
        assert mona.post(address, {"act": "override", "override-reason": "It can't wait."}).status_code == 302
        assert b"It can&#x27;t wait." in olga.get(address).content
        assert mona.post(address, {"act": "grant_override"}).status_code == 403
        assert olga.post(address, {"act": "grant_override"}).status_code == 302
        assert b"The statement is late" not in mona.get(address).content


@pytest.fixture
def typed(made: World, db: None, settings: LazySettings, tmp_path: Path) -> PostIncidentReview:
    """The review with two lines in its action log, as a recording of the session has them."""
    settings.RECORDINGS_DIR = tmp_path
    review = review_of(made)
    data = json.dumps({"version": 2, "width": 80, "height": 24}) + "\n"
    data += json.dumps([1, "o", "$ rm lock\r\n$ cat keys\r\n"]) + "\n"
    recording = rows.recording(
        grant=Grant.objects.get(activation=review.activation),
        state="complete",
        finished_at=clock.now(),
        size=len(data),
    )
    path_of(recording).parent.mkdir(parents=True)
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
    half = {"act": "determine", "determine": "1", "determine-finding": "Half a sent", **seen(mona, address)}
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
