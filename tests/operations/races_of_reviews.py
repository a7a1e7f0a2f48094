"""Races about post-incident reviews."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from jitportal.models import EmergencySignIn, OverdueOverride, PostIncidentReview, ReviewVersion
from jitportal.operations import clock, post_incident_overdue, post_incident_steps, sign_ins
from jitportal.operations.post_incident_facts import facts_of
from jitportal.operations.sign_ins import Seen
from jitportal.rules.errors import JitportalError
from jitportal.rules.post_incident_words import Classification, PersonOutcome
from tests.models import rows
from tests.operations import world
from tests.operations.incidents import DONE, FOUND, SAID, remediated, sign, sign_second, stated, used
from tests.operations.racing import MANY, Act, race, together


def three_reviewers_determining() -> None:
    review = stated()
    seen = facts_of(review).digest

    def click(who: str) -> Act:
        person = world.person(who)
        found = replace(FOUND, finding=f"Says {who}.")
        return lambda: post_incident_steps.determine(
            actor=person, review=review, found=found, marks={}, seen=seen
        )

    race([click(who) for who in ("mona", "otto", "sven")])
    review.refresh_from_db()
    assert review.reviewer is not None
    assert review.finding == f"Says {review.reviewer.username}."
    assert ReviewVersion.objects.filter(review=review, step="determination").count() == 1


def determining_and_returning() -> None:
    review = stated()
    seen = facts_of(review).digest
    mona, otto = world.person("mona"), world.person("otto")
    race(
        [
            lambda: post_incident_steps.determine(
                actor=mona, review=review, found=FOUND, marks={}, seen=seen
            ),
            lambda: post_incident_steps.return_to_responder(actor=otto, review=review, note="More."),
        ]
    )


def eight_statements() -> None:
    review = used()
    rita = world.person("rita")
    race([lambda: post_incident_steps.state(actor=rita, review=review, said=SAID)] * MANY)
    assert ReviewVersion.objects.filter(review=review).count() == 1


def two_second_signatures() -> None:
    misuse = replace(FOUND, classification=Classification.MISUSE)
    review = sign("otto", remediated(misuse, replace(DONE, person_outcome=PersonOutcome.TRAINING)))
    race([lambda: sign_second("sven", review), lambda: sign_second("mona", review)])
    review.refresh_from_db()
    assert (review.status, review.second_reviewer is None) == ("closed", False)


def eight_reports_of_one_sign_in() -> None:
    role = rows.role(pathway="break_glass", owner=world.person("otto"))
    account = rows.emergency_account(target=role.target)
    seen = Seen("root", clock.now() - timedelta(seconds=1), f"session-{account.pk}")
    outcomes = together([lambda: sign_ins.report(source="report", account=account, seen=seen)] * MANY)
    assert not [one for one in outcomes if isinstance(one, Exception)], outcomes
    assert EmergencySignIn.objects.filter(account=account).count() == 1
    assert PostIncidentReview.objects.filter(account=account).count() == 1


def lifting_a_block_together() -> None:
    review = used()
    with world.later(hours=25):
        asked_by, others = world.person("mona"), [world.person("otto"), world.person("sven")]
        post_incident_overdue.ask_override(actor=asked_by, review=review, reason="It can't wait.")

        def click(number: int) -> Act:
            return lambda: post_incident_overdue.grant_override(actor=others[number], review=review)

        race([click(0), click(1)], losers_say=JitportalError)
    assert OverdueOverride.objects.filter(review=review, granted_at__isnull=False).count() == 1


def four_workers_escalating() -> None:
    review = used()
    with world.later(hours=25):
        together([post_incident_overdue.nudge_due] * 4)
        post_incident_overdue.nudge_due()
    assert world.verbs(activation=review.activation).count("incident_review.escalated") == 1


OF_REVIEWS = [
    three_reviewers_determining,
    determining_and_returning,
    eight_statements,
    two_second_signatures,
    eight_reports_of_one_sign_in,
    lifting_a_block_together,
    four_workers_escalating,
]
