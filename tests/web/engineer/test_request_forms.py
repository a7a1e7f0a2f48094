"""Asking for access: what is typed is kept, what is wrong stands beside its field, nothing is half done."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils.html import escape

from jitportal.models import AccessRequest, Grant
from jitportal.operations import clock
from jitportal.rules.vocabulary import StartMode
from tests.web.engineer import house
from tests.web.engineer.conftest import SignedIn

OPERATOR = "/request/jit/operator/"
CAGE = "/request/jit/cage/"
CABINET = "/request/temporary/cabinet/"


def typed(**fields: str) -> dict[str, str]:
    plain = {
        "scope": "all",
        "minutes_number": "30",
        "minutes_unit": "minutes",
        "start_mode": "at_once",
        "justification": house.WHY,
        "ticket": "",
    }
    return {**plain, **fields}


def local(moment: datetime) -> str:
    """As a datetime-local field of somebody in Berlin says it."""
    return moment.astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%dT%H:%M")


def beside(html: str, field: str) -> str:
    """What stands in the field's list of errors; empty: none."""
    _, found, rest = html.partition(f'id="id_{field}_error"')
    return rest.split("</div>", 1)[0] if found else ""


def test_the_form_says_before_it_is_sent_who_decides_what_ends_it_and_how_long(ed: Client) -> None:
    html = ed.get(OPERATOR).content.decode()
    assert "Mona Test decides." in html
    assert "The target cuts" in html  # the enforcement badge
    assert "Longest session after the end" in html
    assert "At most 1 hour at a time, and 1 hour 40 minutes with renewals" in html
    assert 'name="minutes_number" value="30"' in html


def test_a_request_is_made_and_leads_to_its_page(ed: Client) -> None:
    answer = ed.post(OPERATOR, typed())
    made = AccessRequest.objects.get()
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/requests/{made.pk}/"
    assert (made.requester.username, made.minutes, made.scope.key) == ("ed", 30, "all")
    assert made.current is not None
    assert made.current.justification == house.WHY


def test_hours_and_days_are_counted_in_minutes(ed: Client) -> None:
    ed.post(CABINET, typed(minutes_number="2", minutes_unit="days"))
    assert AccessRequest.objects.get().minutes == 2 * 24 * 60


def test_everything_that_the_policy_refuses_shows_at_once_beside_its_field_and_what_was_typed_stays(
    ed: Client,
) -> None:
    answer = ed.post("/request/jit/lift/", typed(minutes_number="61", justification="Just so"))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Goods lift lasts 1 hour at most" in beside(html, "minutes")
    assert "Say why in at least 15 characters (now 7)" in beside(html, "justification")
    assert "Goods lift needs a ticket. Such as CHG-2001." in beside(html, "ticket")
    assert html.count("needs a ticket") == 2  # in the summary at the top, and at the field
    assert 'value="61"' in html
    assert "Just so</textarea>" in html
    assert 'aria-invalid="true"' in html
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize(
    ("number", "unit", "sentence"),
    [
        ("", "minutes", "Say for how long."),
        ("0", "minutes", "Ask for at least one minute."),
        ("-5", "minutes", "Ask for at least one minute."),
        ("ten", "minutes", "Give a whole number."),
        ("1.5", "hours", "Give a whole number."),
        ("9" * 5_000, "minutes", "Give a whole number."),
        ("9" * 30, "days", "That is longer than any policy allows. Ask for less."),
        ("1", "years", "Choose minutes, hours or days."),
        ("1\x00", "minutes", "Give a whole number."),
    ],
)
def test_a_length_that_is_none(ed: Client, number: str, unit: str, sentence: str) -> None:
    answer = ed.post(OPERATOR, typed(minutes_number=number, minutes_unit=unit))
    assert answer.status_code == 422
    assert sentence in beside(answer.content.decode(), "minutes")
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x" * 5_000, "Keep the reason under 4000 characters (now 5000)."),
        ("A rack\x00 to look at, and more.", "Null characters are not allowed."),
        ("", "Say why in at least 15 characters (now 0)."),
        ("   \n\t            \r\n  ", "Say why in at least 15 characters (now 0)."),
    ],
)
def test_text_that_cannot_be_a_reason_is_kept(ed: Client, text: str, sentence: str) -> None:
    answer = ed.post(OPERATOR, typed(justification=text))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in beside(html, "justification")
    assert escape(text.strip()[:200]) in html
    assert not AccessRequest.objects.exists()


def test_binary_text_is_read_as_far_as_it_can_be(ed: Client) -> None:
    body = (
        b"scope=all&minutes_number=30&minutes_unit=minutes&start_mode=at_once&justification=%FF%FE%80"
        + b"a" * 20
    )
    answer = ed.post(OPERATOR, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (302, 422)


def test_more_text_than_any_field_takes_is_a_page_that_says_so(ed: Client) -> None:
    answer = ed.post(OPERATOR, typed(justification="x" * 1_100_000))
    assert answer.status_code == 413
    assert b"more than any field takes" in answer.content
    assert not AccessRequest.objects.exists()


def test_markup_that_is_typed_stays_text(ed: Client) -> None:
    ed.post(OPERATOR, typed(justification="<script>alert(1)</script> for the disk"))
    made = AccessRequest.objects.get()
    html = ed.get(f"/requests/{made.pk}/").content.decode()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


@pytest.mark.parametrize("scope", ["all", "right ", "../left", "x" * 3_000, "left\x00", ""])
def test_a_forged_scope_is_refused_beside_the_field(ed: Client, scope: str) -> None:
    answer = ed.post(CAGE, typed(scope=scope))
    assert answer.status_code == 422
    assert "scope" in beside(answer.content.decode(), "scope").lower()
    assert not AccessRequest.objects.exists()


def test_fields_that_the_form_does_not_have_change_nothing(ed: Client) -> None:
    ed.post(
        OPERATOR,
        typed(role="rescue", pathway="break_glass", requester="1", renewal_of="1", status="approved"),
    )
    made = AccessRequest.objects.get()
    assert (made.role.key, made.pathway, made.requester.username) == ("operator", "jit", "ed")
    assert (made.status, made.renewal_of) == ("pending", None)


@pytest.mark.parametrize(
    ("mode", "field", "value", "sentence"),
    [
        ("scheduled", "starts_at", "", "Say when it should start."),
        ("scheduled", "starts_at", "tomorrow", "Give a date and a time"),
        ("scheduled", "starts_at", "2020-01-01T10:00", "That start is in the past."),
        ("scheduled", "starts_at", "0001-01-01T00:00", "Choose a date between 2000 and 2100."),
        ("scheduled", "starts_at", "9999-12-31T23:59", "Choose a date between 2000 and 2100."),
        ("scheduled", "starts_at", "99999-12-31T23:59", "Give a date and a time"),
        ("scheduled", "starts_at", "2090-01-01T10:00", "ahead at most."),
        ("scheduled", "starts_at", "2027-03-28T02:30", "The clocks change at that hour"),  # is skipped
        ("scheduled", "starts_at", "2026-10-25T02:30", "The clocks change at that hour"),  # comes twice
        ("scheduled", "starts_at", "2027-01\x00-01T10:00", "Give a date and a time"),
        ("on_click", "closes_at", "", "Say until when you may start it."),
        ("on_click", "closes_at", "2020-01-01T10:00", "The window must close after it opens."),
        ("on_click", "opens_at", "soon", "Give a date and a time"),
    ],
)
def test_a_moment_that_cannot_be_is_an_error_of_its_field(
    ed: Client, mode: str, field: str, value: str, sentence: str
) -> None:
    answer = ed.post(CAGE, typed(scope="left", start_mode=mode, **{field: value}))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in beside(html, field)
    assert not AccessRequest.objects.exists()


def test_a_planned_start_is_read_in_the_zone_of_whoever_types_it(ed: Client) -> None:
    start = (clock.now() + timedelta(hours=3)).replace(second=0, microsecond=0)
    assert (
        ed.post(CAGE, typed(scope="left", start_mode="scheduled", starts_at=local(start))).status_code == 302
    )
    revision = AccessRequest.objects.get().current
    assert revision is not None
    assert (revision.start_mode, revision.opens_at) == (StartMode.SCHEDULED, start)


def test_a_window_without_a_beginning_is_open_from_now_on(ed: Client) -> None:
    closes = (clock.now() + timedelta(hours=3)).replace(second=0, microsecond=0)
    before = clock.now()
    assert (
        ed.post(CAGE, typed(scope="left", start_mode="on_click", closes_at=local(closes))).status_code == 302
    )
    revision = AccessRequest.objects.get().current
    assert revision is not None
    assert revision.opens_at is not None
    assert before <= revision.opens_at <= clock.now()
    assert revision.closes_at == closes


def test_moments_of_a_choice_that_is_not_made_do_not_count(ed: Client) -> None:
    assert (
        ed.post(CAGE, typed(scope="left", starts_at="rubbish", closes_at="2020-01-01T10:00")).status_code
        == 302
    )
    revision = AccessRequest.objects.get().current
    assert revision is not None
    assert (revision.opens_at, revision.closes_at) == (None, None)


@pytest.mark.parametrize("mode", ["renewal", "", "never", "at_once\x00"])
def test_a_start_that_the_form_does_not_offer(ed: Client, mode: str) -> None:
    answer = ed.post(OPERATOR, typed(start_mode=mode))
    assert answer.status_code == 422
    assert beside(answer.content.decode(), "start_mode")
    assert not AccessRequest.objects.exists()


def test_a_second_open_request_is_a_conflict_that_keeps_what_was_typed(ed: Client) -> None:
    house.ask()
    answer = ed.post(OPERATOR, typed(justification="Something quite different to do"))
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "You have an open request for this role and scope already" in html
    assert "Something quite different to do</textarea>" in html
    assert AccessRequest.objects.count() == 1


def test_a_time_that_is_covered_already_is_refused(ed: Client) -> None:
    house.held()
    answer = ed.post(OPERATOR, typed())
    assert answer.status_code == 422
    assert "You hold this role and scope until" in beside(answer.content.decode(), "start_mode")
    assert AccessRequest.objects.count() == 1


def test_the_system_decides_only_where_the_rule_matches(ed: Client) -> None:
    short = ed.get("/request/jit/flash/", typed(minutes_number="10"), headers={"HX-Request": "true"})
    assert b"rule short loans matches" in short.content
    long = ed.get("/request/jit/flash/", typed(minutes_number="11"), headers={"HX-Request": "true"})
    assert b"Mona Test decides" in long.content


def test_the_panel_alone_answers_while_one_types(ed: Client) -> None:
    answer = ed.get(OPERATOR, typed(minutes_number="61"), headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "HX-Request" in answer.headers["Vary"]
    assert "<html" not in html
    assert "lasts 1 hour at most" in html
    assert not AccessRequest.objects.exists()


def test_looking_first_asks_for_nothing(ed: Client) -> None:
    answer = ed.post(OPERATOR, typed(look="1", minutes_number="45"))
    assert answer.status_code == 200
    assert b"for 45 minutes" in answer.content
    assert house.WHY in answer.content.decode()
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize("address", ["/request/temporary/operator/", "/request/jit/cabinet/"])
def test_a_role_at_the_other_pathways_address_is_a_clear_message_and_no_request(
    ed: Client, address: str
) -> None:
    for answer in (ed.get(address), ed.post(address, typed())):
        assert answer.status_code == 404
        assert b"Nothing was asked for." in answer.content
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize("address", ["/request/temporary/rescue/", "/request/jit/rescue/"])
def test_break_glass_is_never_asked_for_here(ed: Client, address: str) -> None:
    answer = ed.post(address, typed())
    assert answer.status_code == 404
    assert b"is for emergencies alone" in answer.content
    assert not AccessRequest.objects.exists()
    assert b"Rescue" not in ed.get("/request/").content


def test_who_is_not_eligible_sees_why_and_no_form(as_: SignedIn) -> None:
    answer = as_("sam").get(OPERATOR)
    assert "You aren&#x27;t eligible for Operator of this portal." in answer.content.decode()
    assert b"<textarea" not in answer.content
    assert as_("sam").post(OPERATOR, typed()).status_code == 422
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize("key", ["nothing", "x" * 200])
def test_a_role_that_does_not_exist(ed: Client, key: str) -> None:
    assert ed.get(f"/request/jit/{key}/").status_code == 404


def test_asking_again_is_filled_in_but_for_the_moments(ed: Client) -> None:
    opens = datetime.now(UTC) + timedelta(hours=1)
    window: dict[str, Any] = {
        "start_mode": StartMode.ON_CLICK,
        "opens_at": opens,
        "closes_at": opens + timedelta(hours=1),
    }
    earlier = house.ask(role="cage", scope="right", minutes=20, **window)
    ed.post(f"/requests/{earlier.pk}/withdraw/")
    html = ed.get(f"/requests/{earlier.pk}/clone/").content.decode()
    assert 'value="right" aria-describedby' in html or 'value="right"' in html
    assert 'name="minutes_number" value="20"' in html
    assert f"{house.WHY}</textarea>" in html
    assert local(opens) not in html
    ed.post(f"/requests/{earlier.pk}/clone/", typed(scope="right"))
    again = AccessRequest.objects.exclude(pk=earlier.pk).get()
    assert again.cloned_from == earlier


def test_nobody_repeats_somebody_elses_request(as_: SignedIn) -> None:
    earlier = house.ask()
    assert as_("sam").get(f"/requests/{earlier.pk}/clone/").status_code == 404
    assert as_("mona").get(f"/requests/{earlier.pk}/clone/").status_code == 403
    assert as_("mona").post(f"/requests/{earlier.pk}/clone/", typed()).status_code == 403
    assert AccessRequest.objects.count() == 1


def test_looking_at_forms_changes_nothing(ed: Client) -> None:
    grant = house.held()
    request = house.ask(role="cage")
    ed.get(f"/requests/{request.pk}/edit/")
    ed.get(f"/requests/{request.pk}/withdraw/")
    ed.get(f"/requests/{request.pk}/clone/")
    ed.get(f"/grants/{grant.pk}/renew/")
    ed.get(f"/grants/{grant.pk}/hand-back/")
    request.refresh_from_db()
    assert request.status == "pending"
    assert AccessRequest.objects.count() == 2
    assert Grant.objects.get().status == "active"


def test_what_cannot_be_read_does_not_hide_what_the_policy_refuses(ed: Client) -> None:
    wrong = typed(scope="left", start_mode="on_click", minutes_number="90", justification="short")
    html = ed.post(CAGE, wrong).content.decode()
    assert "Say until when you may start it." in beside(html, "closes_at")
    assert "lasts 1 hour at most" in beside(html, "minutes")
    assert "Say why in at least 15 characters (now 5)." in beside(html, "justification")


def test_each_error_in_the_summary_leads_to_its_field(ed: Client) -> None:
    html = ed.post(
        CAGE, typed(scope="", start_mode="", minutes_number="0", justification="")
    ).content.decode()
    summary = html.partition('class="errors-summary')[2].partition("</section>")[0]
    places = re.findall(r'href="#([^"]+)"', summary)
    assert len(places) == 4
    for place in places:
        assert f'id="{place}"' in html


def test_the_panel_follows_a_change_and_a_renewal_too(ed: Client) -> None:
    request, grant = house.ask(role="cage"), house.held()
    for address in (f"/requests/{request.pk}/edit/", f"/grants/{grant.pk}/renew/"):
        answer = ed.get(address, typed(scope="left", minutes_number="61"), headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert b"lasts 1 hour at most" in answer.content
        assert b"<html" not in answer.content


def test_who_decides_shows_by_name_before_all_is_typed(ed: Client) -> None:
    html = ed.get("/request/jit/lift/").content.decode()  # its ticket is still missing
    assert "Mona Test decides." in html
    assert "Kai Test decides." in ed.get(CABINET).content.decode()


def test_what_will_happen_speaks_of_what_was_typed_also_where_it_is_refused(ed: Client) -> None:
    html = ed.post(OPERATOR, typed(minutes_number="90")).content.decode()
    assert "From the last approval, for 1 hour 30 minutes" in html
