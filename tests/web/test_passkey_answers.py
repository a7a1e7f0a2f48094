"""What a passkey signs counts for one person, one question and one site."""

from __future__ import annotations

import pytest

from jitportal.models import StepUpProof
from jitportal.operations import proof_checks, proving, step_up
from jitportal.operations.passkeys import Site
from jitportal.operations.step_up import StepUpNeeded
from jitportal.rules.step_up import Act
from tests.web.soft_key import SoftKey
from tests.web.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.page]
HERE = Site("portal.example", "https://portal.example")
ABOUT = {"grant": 1}


@pytest.mark.parametrize(
    ("whose", "site", "what", "challenged"),
    [
        ("mona", HERE, "webauthn.get", True),
        ("kai", Site("portal.example", "https://evil.example"), "webauthn.get", True),
        ("kai", Site("portal.example", "https://portal.example:8443"), "webauthn.get", True),
        ("kai", Site("evil.example", "https://portal.example"), "webauthn.get", True),
        ("kai", HERE, "webauthn.create", True),
        ("kai", HERE, "webauthn.get", False),
    ],
)
def test_an_answer_of_another_person_site_or_question_is_none(
    settled_world: World, whose: str, site: Site, what: str, challenged: bool
) -> None:
    keys = {name: SoftKey(settled_world[name], HERE) for name in ("kai", "mona")}
    kai = settled_world["kai"]
    asked = step_up.ask(kai, Act.START, ABOUT, "Start it.")
    other = step_up.ask(kai, Act.START, ABOUT, "Start it.")
    answer = keys[whose].answer((asked if challenged else other).challenge, site, what=what)
    with pytest.raises(StepUpNeeded, match="isn't for this"):
        proving.prove_by_passkey(actor=kai, asked=asked, answer=answer, site=HERE)
    assert not StepUpProof.objects.exists()
    right = keys["kai"].answer(asked.challenge, HERE)
    proof = proving.prove_by_passkey(actor=kai, asked=asked, answer=right, site=HERE)
    assert proof_checks.wrong(proof) == ""
    with pytest.raises(StepUpNeeded, match="used already"):
        proving.prove_by_passkey(actor=kai, asked=asked, answer=right, site=HERE)
