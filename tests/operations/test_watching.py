"""The portal itself sees who uses an emergency account of a real PostgreSQL server."""

from __future__ import annotations

import pytest

from jitportal.models import EmergencyAccount, EmergencySignIn, Event, Notice, PostIncidentReview, Target
from jitportal.operations import emergencies, watching
from jitportal.rules.emergencies import Claim
from jitportal.rules.vocabulary import ReviewStatus
from jitportal.worker import tasks
from tests.connectors.postgres_target import PostgresTarget
from tests.operations import postgres_rack, world
from tests.operations.world import changed, person

pytestmark = [pytest.mark.postgres_server, pytest.mark.django_db]


def settled(server: PostgresTarget) -> str:
    """A break-glass role on the server with a named login, kept by Dora; gives the login."""
    login, role = server.login(), server.role()
    emergency, entitlement = server.login(), server.role()
    text = postgres_rack.policy(server, login, role)
    text = changed(
        ("post_incident_review]\n", "post_incident_review, max_duration_60_minutes]\n    roles: [rescue]\n"),
        (
            "  targets:\n",
            f"  emergency_accounts:\n    red: {{target: rack, login: {emergency}, custodians: [dora]}}\n  targets:\n",
        ),
        text=text,
    )
    text += f"""\
    rescue:
      target: rack
      owner: otto
      entitlement: {entitlement}
      accounts: [red]
      eligible: {{people: [rita, remy]}}
"""
    world.settle(text)
    return emergency


def rack() -> Target:
    return Target.objects.get(key="rack")


def test_a_session_with_no_activation_opens_a_review_once(server: PostgresTarget) -> None:
    login = settled(server)
    assert watching.look(rack()) == 0
    session = server.session(login)
    try:
        assert watching.look(rack()) == 1
        assert watching.look(rack()) == 0
        with world.later(days=1):
            assert watching.look(rack()) == 0  # the same process, whose review is open
        tasks.check_targets()
    finally:
        session.close()
    seen = EmergencySignIn.objects.get()
    assert (seen.login, seen.source, seen.activation) == (login, "postgres", None)
    assert seen.review.status == ReviewStatus.STATEMENT
    told = Notice.objects.filter(kind="review.orphan").values_list("recipient__username", flat=True)
    assert sorted(told) == ["dora", "otto"]


def test_a_session_in_an_activation_is_its_use(server: PostgresTarget) -> None:
    login = settled(server)
    claim = Claim(
        role_key="rescue",
        scope="all",
        account="red",
        criterion="outage",
        incident="INC-7",
        broken="Nobody can sign in.",
        expected="Restart the identity provider.",
        minutes=30,
    )
    activation = emergencies.activate(actor=person("rita"), claim=claim)
    world.work()
    session = server.session(login)
    try:
        assert watching.look(rack()) == 1
    finally:
        session.close()
    assert EmergencySignIn.objects.get().activation == activation
    assert Event.objects.filter(verb="emergency.signed_in", activation=activation).count() == 1
    assert PostIncidentReview.objects.get().activation == activation


def test_a_target_that_does_not_answer_or_can_not_tell_is_no_news(server: PostgresTarget) -> None:
    settled(server)
    server.server.stop()
    try:
        assert watching.look(rack()) == 0
    finally:
        server.server.start()
    assert watching.look(Target.objects.get(key="portal")) == 0
    assert EmergencyAccount.objects.count() == 1
