"""The demo's people, policy and past: all of it made by the operations."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from jitportal.connectors.postgres.settings import KEYS
from jitportal.demo import cast, load, policy
from jitportal.models import AccessRequest, Event, Grant, Lease, Person, PolicyVersion, Role, Target
from jitportal.operations import clock, due, queue
from jitportal.rules.policy_document import load as load_document
from jitportal.rules.vocabulary import EndReason, GrantStatus, PolicyStatus, RequestStatus

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(settings: LazySettings) -> None:
    settings.DEMO = True
    settings.STEP_UP = settings.SECOND_FACTOR = (
        True  # its people have none, and its past is told all the same
    )


def test_without_a_database_server_the_portal_itself_is_elevated_on(demo: None) -> None:
    load.load(port=None, armed=False)
    assert {target.key for target in Target.objects.all()} == {"portal", "building"}
    assert not Role.objects.filter(key="orders-read").exists()
    now = clock.now()
    maya = Person.objects.get(username="maya")
    assert queue.queue_count(maya, now) == 1
    assert _reasons() >= {EndReason.EXPIRED, EndReason.HANDED_BACK, EndReason.REVOKED}
    assert _statuses() >= {
        RequestStatus.APPROVED,
        RequestStatus.DENIED,
        RequestStatus.WITHDRAWN,
        RequestStatus.PENDING,
    }
    _nothing_is_faked()
    with pytest.raises(CommandError, match="has people already"):
        call_command("demo")
    before = Event.objects.count()
    call_command("demo", if_empty=True)
    assert Event.objects.count() == before


def test_with_a_database_server_its_roles_have_a_past_too(demo: None) -> None:
    """Nobody answers at the port: what the server would do is shown by ``manage.py serve --demo``."""
    load.load(port=1, armed=True)
    target = Target.objects.get(key=policy.TARGET)
    assert target.settings["port"] == "1"
    assert target.settings["expiry"] == "pg_cron"
    assert _reasons() >= {EndReason.UNUSED}
    assert _statuses() >= {RequestStatus.LAPSED}
    lena = Person.objects.get(username="lena")
    assert Grant.objects.filter(person=lena, status=GrantStatus.READY).exists()
    assert not OrmQ.objects.exists()
    _nothing_is_faked()


def _reasons() -> set[str]:
    return set(Grant.objects.exclude(end_reason="").values_list("end_reason", flat=True))


def _statuses() -> set[str]:
    return set(AccessRequest.objects.values_list("status", flat=True))


def _nothing_is_faked() -> None:
    """Whatever ended was live on a target that said so, and every step left its event, in order."""
    portal = Target.objects.get(key="portal")
    for grant in Grant.objects.filter(status=GrantStatus.ENDED, role__target=portal):
        assert grant.live_at is not None
        assert grant.ended_at is not None
        verbs = list(Event.objects.filter(grant=grant).order_by("id").values_list("verb", flat=True))
        assert verbs[0] == "grant.ready"
        assert verbs[-1] == "grant.ended"
    moments = list(Event.objects.order_by("id").values_list("at", flat=True))
    assert moments == sorted(moments)
    assert not Lease.objects.filter(target=portal, due_at__lte=clock.now()).exists()
    versions = PolicyVersion.objects.order_by("number")
    assert [version.status for version in versions] == [PolicyStatus.SUPERSEDED, PolicyStatus.IN_FORCE]
    assert versions[1].proposed_by != versions[1].approved_by
    assert not due.work_due(clock.now()).expiries


@pytest.mark.parametrize(("production", "is_demo"), [(True, True), (True, False), (False, False)])
def test_it_never_loads_into_a_real_portal(settings: LazySettings, production: bool, is_demo: bool) -> None:
    settings.PRODUCTION, settings.DEMO = production, is_demo
    with pytest.raises(CommandError, match="never in production"):
        call_command("demo")
    assert not Person.objects.humans().exists()


@pytest.mark.parametrize(("port", "armed"), [(None, False), (5433, True), (5433, False)])
def test_its_policy_fits_the_machine(port: int | None, armed: bool) -> None:
    document = load_document(policy.text(port=port, armed=armed))
    assert (policy.TARGET in document.targets) == (port is not None)
    assert {rules.target for rules in document.roles.values()} == set(document.targets)
    if port is not None:
        target = document.targets[policy.TARGET]
        assert target.settings["port"] == str(port)
        assert target.settings["expiry"] == ("pg_cron" if armed else "none")
        assert set(target.settings) <= KEYS
        entitled = {
            username
            for rules in document.roles.values()
            if rules.target == policy.TARGET
            for username in (member.username for member in cast.CAST if member.team in rules.eligible_teams)
        }
        assert entitled <= set(cast.WITH_LOGIN)
