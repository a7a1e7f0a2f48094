"""Nothing that is typed on a review's page is lost, whatever is clicked."""

from __future__ import annotations

import re

import pytest

from jitportal.models import ReviewDraft
from tests.web.incidents.filled import DONE, FOUND, As, review_of, seen
from tests.web.world import World

pytestmark = pytest.mark.django_db


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


def test_what_is_typed_beside_an_act_survives_it_and_its_refusal(made: World, as_: As, address: str) -> None:
    """The page is one form: without script, too, each button brings along what stands elsewhere on it."""
    olga = as_("olga")
    page = olga.get(address).content.decode()
    assert page.count("</form>") == page.count("<form")
    form = page[page.index('id="review"') : page.index("</form>", page.index('id="review"'))]
    for name in ("determine-finding", "return-note", "confirm_rotation-evidence"):
        assert f'name="{name}"' in form
    typed = {
        "drafted": "determine",
        "determine-finding": "Half a sent",
        "determine-fit": "right",
        "return-note": "Which do",
    }
    rotate = {"act": "confirm_rotation", **typed, "confirm_rotation-evidence": ""}
    for sent, status in ((rotate, 422), ({**rotate, "confirm_rotation-evidence": "A new lock."}, 302)):
        answer = olga.post(address, sent)
        assert answer.status_code == status
        shown = (answer if status == 422 else olga.get(address)).content
        assert b"\nHalf a sent</textarea>" in shown
        assert b"\nWhich do</textarea>" in shown
        assert re.search(rb'value="right"[^>]*checked', shown)
    assert review_of(made).rotation_proof == "A new lock."
    assert b"Half a sent" not in as_("mona").get(address).content
    assert b"Which do" not in as_("mona").get(address).content


def test_nobody_signs_without_what_they_have_just_typed(made: World, as_: As, address: str) -> None:
    mona = as_("mona")
    mona.post(address, {**FOUND, **seen(mona, address)})
    mona.post(address, {"act": "confirm_rotation", "confirm_rotation-evidence": "A new lock."})
    mona.post(address, DONE)
    changed = {**DONE, "act": "sign", "remediate-reverted": "One door was\r\nlocked again."}
    answer = mona.post(address, changed)
    assert answer.status_code == 422
    assert "isn't kept yet" in answer.content.decode().replace("&#x27;", "'")
    assert b"locked again.</textarea>" in answer.content
    assert mona.post(address, {**changed, "act": "remediate"}).status_code == 302
    assert mona.post(address, changed).status_code == 302
    assert review_of(made).status == "closed"


def test_what_is_sent_again_is_about_what_is_shown_anew(as_: As, address: str) -> None:
    mona = as_("mona")
    answer = mona.post(address, {**FOUND, "determine-seen": "0" * 64})
    assert answer.status_code == 409
    digest = re.search(r'name="determine-seen" value="([0-9a-f]{64})"', answer.content.decode())
    assert digest is not None
    assert mona.post(address, {**FOUND, "determine-seen": digest[1]}).status_code == 302
