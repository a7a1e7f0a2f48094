"""A grant's page and its verbs: started, handed back, revoked, renewed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from jitportal.models import AccessRequest, Grant
from jitportal.operations import clock
from tests.web.engineer import house
from tests.web.engineer.conftest import SignedIn


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def page(client: Client, grant: Grant) -> str:
    return words(client.get(f"/grants/{grant.pk}/").content.decode())


def test_the_page_says_when_it_started_when_it_ends_and_who_ends_it(ed: Client) -> None:
    grant = house.held()
    told = page(ed, grant)
    assert "In force" in told
    for label in (
        "Started",
        "Live on the target",
        "Ends",
        "Longest session after the end",
        "The target cuts",
    ):
        assert label in told
    html = ed.get(f"/grants/{grant.pk}/").content.decode()
    assert grant.ends_at is not None
    machine = grant.ends_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert f'<time class="countdown" datetime="{machine}"' in html


def test_one_that_has_ended_offers_to_ask_for_the_same_again(ed: Client, as_: SignedIn) -> None:
    grant = house.held()
    again = f'href="/requests/{grant.request_id}/clone/"'
    assert again not in ed.get(f"/grants/{grant.pk}/").content.decode()
    house.hand_back("ed")
    assert again in ed.get(f"/grants/{grant.pk}/").content.decode()
    assert again not in as_("mona").get(f"/grants/{grant.pk}/").content.decode()


def test_what_the_target_has_not_confirmed_is_never_said_to_be_in_force(ed: Client) -> None:
    request = house.approve(house.ask(role="cage"))  # a person has to carry it out
    house.work()
    grant = Grant.objects.get(request=request)
    for told in (page(ed, grant), words(ed.get("/").content.decode())):
        assert "Being given" in told
        assert "You are elevated" not in told
    assert "The target hasn't confirmed it yet." in words(
        ed.get(f"/requests/{request.pk}/").content.decode()
    ).replace("&#x27;", "'")


def test_the_end_shows_when_it_was_verified_absent_and_how_long_that_took(ed: Client) -> None:
    grant = house.held()
    ed.post(f"/grants/{grant.pk}/hand-back/", {"note": "Done early."})
    house.work()
    told = page(ed, grant)
    assert re.search(r"Verified absent .* \d+(\.\d)? seconds? after its end", told)
    assert "Ed Test handed it back." in told
    assert "Done early." in told


def test_past_its_end_it_is_not_in_force_whatever_the_worker_does(ed: Client) -> None:
    grant = house.held()
    assert grant.ends_at is not None
    with clock.moved(to=grant.ends_at):
        told = page(ed, grant)
        assert "Being removed" in told
        assert "Hand back" not in told
        assert "You are elevated" not in told
        assert ed.post(f"/grants/{grant.pk}/hand-back/").status_code == 409


def test_starting_by_a_click(ed: Client) -> None:
    grant = house.ready()
    assert "Start 30 minutes now" in words(ed.get(f"/grants/{grant.pk}/start/").content.decode())
    assert ed.post(f"/grants/{grant.pk}/start/").status_code == 302
    grant.refresh_from_db()
    assert grant.status == "provisioning"
    again = ed.post(f"/grants/{grant.pk}/start/")
    assert again.status_code == 409
    assert b"This grant is provisioning already." in again.content


def test_starting_after_the_window(ed: Client) -> None:
    grant = house.ready()
    with clock.moved(to=grant.closes_at):
        assert "Its window has closed." in ed.get(f"/grants/{grant.pk}/").content.decode()
        answer = ed.post(f"/grants/{grant.pk}/start/")
        assert answer.status_code == 409
        assert b"Its window closed at" in answer.content
    grant.refresh_from_db()
    assert grant.status == "ready"


def test_starting_before_the_window(ed: Client) -> None:
    opens = clock.now() + timedelta(hours=1)
    grant = house.ready(opens_at=opens, closes_at=opens + timedelta(hours=1))
    assert "Planned" in page(ed, grant)
    assert ed.post(f"/grants/{grant.pk}/start/").status_code == 409


def test_revoking_takes_a_reason_and_those_whom_the_policy_names(as_: SignedIn) -> None:
    grant = house.held()
    assert as_("sam").post(f"/grants/{grant.pk}/revoke/", {"reason": "x"}).status_code == 404
    assert as_("ed").post(f"/grants/{grant.pk}/revoke/", {"reason": "x"}).status_code == 403
    mona = as_("mona")
    assert "Revoke" in page(mona, grant)
    empty = mona.post(f"/grants/{grant.pk}/revoke/", {"reason": "  "})
    assert empty.status_code == 422
    assert b"Say why." in empty.content
    assert mona.post(f"/grants/{grant.pk}/revoke/", {"reason": "The disk is replaced."}).status_code == 302
    grant.refresh_from_db()
    assert (grant.end_reason, grant.end_note) == ("revoked", "The disk is replaced.")
    assert "Mona Test revoked it." in page(as_("ed"), grant)


@pytest.mark.parametrize("text", ["x" * 4_001, "a\x00b"])
def test_a_note_that_cannot_be_kept_is_said_beside_the_field(as_: SignedIn, text: str) -> None:
    grant = house.held()
    for username, verb, field in (("ed", "hand-back", "note"), ("mona", "revoke", "reason")):
        answer = as_(username).post(f"/grants/{grant.pk}/{verb}/", {field: text})
        assert answer.status_code == 422
        assert f'id="id_{field}_error"' in answer.content.decode()
    grant.refresh_from_db()
    assert grant.status == "active"


@pytest.mark.parametrize("verb", ["start", "hand-back", "renew", "reveal"])
def test_only_the_holder(as_: SignedIn, verb: str) -> None:
    grant = house.held()
    for username, status in (("mona", 403), ("olga", 403), ("eve", 404), ("sam", 404)):
        client = as_(username)
        assert client.get(f"/grants/{grant.pk}/{verb}/").status_code == status
        assert client.post(f"/grants/{grant.pk}/{verb}/").status_code == status
    grant.refresh_from_db()
    assert grant.status == "active"


def renewal(**fields: str) -> dict[str, str]:
    plain = {
        "scope": "all",
        "minutes_number": "30",
        "minutes_unit": "minutes",
        "justification": "The second disk of rack 12 fails too.",
        "ticket": "",
    }
    return {**plain, **fields}


def test_a_renewal_shows_what_was_said_before_and_takes_a_fresh_reason(ed: Client) -> None:
    grant = house.held()
    html = ed.get(f"/grants/{grant.pk}/renew/").content.decode()
    told = words(html)
    assert house.WHY in told
    assert f"{house.WHY}</textarea>" not in html
    assert "30 minutes of 1 hour 40 minutes in one stretch are used" in told
    assert ed.post(f"/grants/{grant.pk}/renew/", renewal()).status_code == 302
    made = AccessRequest.objects.get(renewal_of=grant)
    assert made.current is not None
    assert (made.current.start_mode, made.minutes) == ("renewal", 30)


def test_what_was_renewed_is_handed_back_with_its_renewal_unless_that_is_kept(ed: Client) -> None:
    for typed, reason, said in (
        ({"note": "", "renewal": "on"}, "handed_back", "Operator of this portal and its renewal back"),
        ({"note": ""}, "", "Operator of this portal back"),
    ):
        grant = house.held()
        address = f"/grants/{grant.pk}/hand-back/"
        assert "renewal" not in ed.get(address).content.decode()
        ed.post(f"/grants/{grant.pk}/renew/", renewal())
        waits = ed.get(address).content.decode()
        assert "You have asked to go on with it: request" in words(waits)
        assert re.search(r'name="renewal"[^>]* checked', waits)
        house.approve(AccessRequest.objects.get(renewal_of=grant))
        form = ed.get(address).content.decode()
        assert "It has been renewed for 30 minutes, from" in words(form)
        assert re.search(r'name="renewal"[^>]* checked', form)
        assert said in words(ed.post(address, typed, follow=True).content.decode())
        assert Grant.objects.get(renewal_of=grant).end_reason == reason
        house.work()


def test_a_renewal_that_waits_is_withdrawn_with_the_hand_back(ed: Client) -> None:
    grant = house.held()
    ed.post(f"/grants/{grant.pk}/renew/", renewal())
    asked = AccessRequest.objects.get(renewal_of=grant)
    told = words(ed.post(f"/grants/{grant.pk}/hand-back/", {"renewal": "on"}, follow=True).content.decode())
    assert "The request to go on is withdrawn." in told
    asked.refresh_from_db()
    assert asked.status == "withdrawn"


def test_a_renewal_past_the_total_is_refused_beside_the_length(ed: Client) -> None:
    grant = house.held(minutes=60)
    assert 'value="30"' in ed.get(f"/grants/{grant.pk}/renew/").content.decode()
    answer = ed.post(f"/grants/{grant.pk}/renew/", renewal(minutes_number="41"))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Operator of this portal may be held for 1 hour 40 minutes in one stretch" in html
    assert 'id="id_minutes_error"' in html
    assert not AccessRequest.objects.filter(renewal_of=grant).exists()


@pytest.mark.parametrize("scope", ["right", "all", ""])
def test_a_renewal_keeps_its_scope_whatever_is_posted(ed: Client, scope: str) -> None:
    request = house.approve(house.ask(role="cage"))
    grant = Grant.objects.get(request=request)
    answer = ed.post(f"/grants/{grant.pk}/renew/", renewal(scope=scope))
    assert answer.status_code == 422
    assert not AccessRequest.objects.filter(renewal_of=grant).exists()


def test_what_has_ended_is_not_renewed(ed: Client) -> None:
    grant = house.held()
    ed.post(f"/grants/{grant.pk}/hand-back/")
    answer = ed.post(f"/grants/{grant.pk}/renew/", renewal())
    assert answer.status_code == 422
    assert "in force any more" in answer.content.decode()
    assert "The second disk of rack 12 fails too.</textarea>" in answer.content.decode()


def test_a_renewal_is_changed_with_its_own_form(ed: Client) -> None:
    grant = house.held()
    ed.post(f"/grants/{grant.pk}/renew/", renewal())
    made = AccessRequest.objects.get(renewal_of=grant)
    html = ed.get(f"/requests/{made.pk}/edit/").content.decode()
    assert 'name="start_mode"' not in html
    answer = ed.post(f"/requests/{made.pk}/edit/", renewal(revision="1", minutes_number="10"))
    assert answer.status_code == 302
    made.refresh_from_db()
    assert (made.minutes, made.renewal_of) == (10, grant)


def test_ones_own_login_has_no_password_to_show(ed: Client) -> None:
    grant = house.held()
    assert "Show the password" not in page(ed, grant)
    answer = ed.post(f"/grants/{grant.pk}/reveal/")
    assert answer.status_code == 409
    assert b"This role uses your own login" in answer.content


def test_there_is_no_form_for_what_the_state_does_not_allow(as_: SignedIn) -> None:
    grant = house.held()
    ed, mona = as_("ed"), as_("mona")
    assert ed.get(f"/grants/{grant.pk}/start/").status_code == 409
    ed.post(f"/grants/{grant.pk}/hand-back/")
    assert ed.get(f"/grants/{grant.pk}/hand-back/").status_code == 409
    assert mona.get(f"/grants/{grant.pk}/revoke/").status_code == 409
    for verb in ("edit", "withdraw"):
        answer = ed.get(f"/requests/{grant.request_id}/{verb}/")
        assert answer.status_code == 409
        assert b"This request is approved" in answer.content
