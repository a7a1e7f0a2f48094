"""How a holder gets in: the exact command, and a password that is set on the server and shown once."""

from __future__ import annotations

import psycopg
import pytest
from django.apps import apps
from django.conf import LazySettings

from jitportal.models import Event, Grant
from jitportal.operations import grants, proving, step_up
from jitportal.operations.step_up import StepUpNeeded
from jitportal.rules.errors import Conflict, NotAllowed, OutsideError
from jitportal.rules.vocabulary import GrantStatus, Secret
from tests.connectors.postgres_target import PostgresTarget, is_cut, reads
from tests.operations import world
from tests.operations.postgres_rack import SECRET, policy
from tests.web.second_factors import App


@pytest.fixture
def rack(db: None, server: PostgresTarget) -> tuple[PostgresTarget, str]:
    role = server.role()
    world.settle(policy(server, server.login(), role))
    return server, role


def reveal(grant: Grant, who: str = "rita") -> Secret:
    return grants.reveal(actor=world.person(who), grant=grant)


def test_a_login_is_made_its_password_is_shown_and_both_end(rack: tuple[PostgresTarget, str]) -> None:
    server, role = rack
    grant = world.live("rita", "made", minutes=30)
    assert grant.status == GrantStatus.ACTIVE
    assert grant.account in grants.instructions(grant)
    first = reveal(grant)
    secret = reveal(grant)
    assert (secret.login, secret.password != first.password) == (grant.account, True)
    with pytest.raises(psycopg.OperationalError):
        server.connect(first.login, password=first.password)
    session = server.session(secret.login, password=secret.password)
    session.execute(f'SET ROLE "{role}"'.encode())
    assert reads(session, role)
    assert world.verbs(grant=grant)[-2:] == ["grant.revealed", "grant.revealed"]
    grants.hand_back(actor=world.person("rita"), grant=grant)
    world.work()
    assert is_cut(session)
    assert world.now_of(grant).status == GrantStatus.ENDED
    with pytest.raises(psycopg.OperationalError):
        server.connect(secret.login, password=secret.password)


def test_the_password_is_stored_nowhere(rack: tuple[PostgresTarget, str]) -> None:
    grant = world.live("rita", "made")
    password = reveal(grant).password
    for model in apps.get_models():
        for row in model._default_manager.values():
            assert password not in str(row), model._meta.label


def test_the_holder_alone_is_shown_it_while_it_is_live(rack: tuple[PostgresTarget, str]) -> None:
    grant = world.granted("rita", "made")
    with pytest.raises(Conflict, match="isn't live"):
        reveal(grant)
    world.work()
    for username in ("mona", "otto", "remy"):
        with pytest.raises(NotAllowed, match="Only the holder"):
            reveal(grant, username)
    grants.hand_back(actor=world.person("rita"), grant=grant)
    with pytest.raises(Conflict, match="isn't live"):
        reveal(grant)
    assert not Event.objects.filter(verb="grant.revealed").exists()


def test_ones_own_login_has_ones_own_password(rack: tuple[PostgresTarget, str]) -> None:
    grant = world.live("rita", "door")
    with pytest.raises(Conflict, match="your own login"):
        reveal(grant)
    assert "psql" in grants.instructions(grant)


def test_a_server_that_gives_no_answer_is_said_so(
    rack: tuple[PostgresTarget, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = world.live("rita", "made")
    monkeypatch.setenv(SECRET, "changed meanwhile")
    with pytest.raises(OutsideError, match="could not set a password") as refusal:
        reveal(grant)
    assert "changed meanwhile" not in str(refusal.value)
    monkeypatch.delenv(SECRET)
    with pytest.raises(OutsideError, match=SECRET):
        reveal(grant)


def test_a_renewal_goes_on_with_the_login_and_a_late_one_gets_another(
    rack: tuple[PostgresTarget, str],
) -> None:
    first = world.live("rita", "made", minutes=30)
    renewal = world.approve_all(world.submit("rita", world.renewing(first)))
    assert renewal.account == "", "which login it is shows when it begins"
    grants.revoke(actor=world.person("mona"), grant=renewal, reason="Another way.")
    late = world.submit("remy", world.asking("made"))
    assert world.approve_all(late).account != first.account


def test_a_password_of_high_risk_takes_a_second_factor_each_time(
    db: None, server: PostgresTarget, settings: LazySettings
) -> None:
    text = policy(server, server.login(), server.role()).replace("made: {", "made: {risk: high, ")
    assert "risk: high, " in text
    world.settle(text)
    grant = world.live("rita", "made")
    settings.STEP_UP = True
    rita, app = world.person("rita"), App(world.person("rita"))
    with pytest.raises(StepUpNeeded) as needed:
        reveal(grant)
    assert grant.account in needed.value.sentence
    asked = step_up.ask(rita, needed.value.act, needed.value.about, needed.value.sentence)
    proof = proving.prove_by_code(actor=rita, asked=asked, code=app.code())
    secret = grants.reveal(actor=rita, grant=grant, proof=proof)
    server.connect(secret.login, password=secret.password).close()
    with pytest.raises(StepUpNeeded, match="used already"):
        grants.reveal(actor=rita, grant=grant, proof=proof)
