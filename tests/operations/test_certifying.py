"""Certificates for a holder's own key: who gets one, for how long, and what becomes of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jitportal.models import Event, Grant, SshCertificate
from jitportal.operations import certifying, clock, connecting, grants, ssh_hosts, ssh_keys, targets
from jitportal.rules.errors import Conflict, Invalid, NotAllowed, OutsideError
from tests.connectors.ssh_orders import Client
from tests.connectors.ssh_target import SshFleet, keygen, run
from tests.operations import ssh_rack, world
from tests.operations.rack import rack

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(ssh_fleet: SshFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    ssh_rack.settle(ssh_fleet, monkeypatch)
    client = Client(ssh_fleet, tmp_path)
    hosts_fetch(ssh_fleet)
    return client


def hosts_fetch(fleet: SshFleet) -> None:
    fleet.take_list(ssh_hosts.revocation_list(rack()))


def certified(grant: Grant, client: Client, who: str = "rita") -> SshCertificate:
    return certifying.certify(actor=world.person(who), grant=grant, public_key=client.public)


def test_the_holder_gets_in_with_their_own_key_until_the_grant_ends(client: Client) -> None:
    grant = world.live("rita", "shell")
    made = certified(grant, client)
    assert grant.ends_at is not None
    assert timedelta() <= grant.ends_at - made.valid_before < timedelta(seconds=1)
    assert run(client.ssh(made.text, "id", "-un")).stdout == "rita\n"
    shown = keygen("-L", "-f", str(_kept(client, made)))
    assert f'Key ID: "{grant.lease and grant.lease.handle}/1 rita"' in shown
    assert f"Serial: {made.serial}" in shown
    assert client.public not in str(list(Event.objects.values_list("data", flat=True)))
    event = Event.objects.get(verb="grant.certified")
    assert event.actor == grant.person
    assert made.fingerprint in event.sentence


def test_the_same_key_gets_the_same_certificate_and_another_gets_another(
    client: Client, tmp_path: Path
) -> None:
    grant = world.live("rita", "shell")
    first = certified(grant, client)
    assert certified(grant, client) == first
    (tmp_path / "b").mkdir()
    second = certified(grant, Client(client.fleet, tmp_path / "b"))
    assert (first.number, second.number) == (1, 2)
    assert second.serial == first.serial + 1


def test_handing_back_puts_it_on_the_list_that_hosts_fetch(client: Client) -> None:
    grant = world.live("rita", "shell")
    made = certified(grant, client)
    grants.hand_back(actor=grant.person, grant=grant)
    world.work()
    assert world.now_of(grant).status == "ended"
    assert run(client.ssh(made.text, "true")).returncode == 0  # until the host has fetched it
    hosts_fetch(client.fleet)
    assert run(client.ssh(made.text, "true")).returncode == 255
    assert "certificate.revoked" in world.verbs(lease=grant.lease)


def test_what_ends_in_time_needs_no_list(client: Client) -> None:
    grant = world.live("rita", "shell", minutes=5)
    made = certified(grant, client)
    with world.later(minutes=6):
        world.work()
        assert world.now_of(grant).status == "ended"
    made.refresh_from_db()
    assert made.revoked_at is None


def test_two_grants_have_certificates_of_their_own(client: Client) -> None:
    """One's end leaves the other's certificate alone."""
    plain, filmed = world.live("rita", "shell"), world.live("rita", "filmed")
    assert plain.lease != filmed.lease
    kept = certified(plain, client)
    gone = certified(filmed, client)
    grants.hand_back(actor=filmed.person, grant=filmed)
    world.work()
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.revoked_at, gone.revoked_at is None) == (None, False)


def test_nobody_else_gets_one(client: Client) -> None:
    grant = world.live("rita", "shell")
    for who in ("remy", "mona", "otto"):
        with pytest.raises(NotAllowed):
            certified(grant, client, who)


def test_there_is_none_before_and_after_the_grant(client: Client) -> None:
    ready = world.granted("rita", "shell")
    with pytest.raises(Conflict, match="isn't live"):
        certified(ready, client)
    world.work()
    with world.later(hours=2), pytest.raises(Conflict, match="isn't live"):
        certified(ready, client)


def test_a_password_is_not_what_it_takes(client: Client) -> None:
    grant = world.live("rita", "shell")
    with pytest.raises(Conflict, match="no password"):
        connecting.reveal(actor=grant.person, grant=grant)


def test_what_is_no_key_is_refused_and_nothing_is_signed(client: Client) -> None:
    grant = world.live("rita", "shell")
    with pytest.raises(Invalid, match="Paste one line") as refused:
        certifying.certify(actor=grant.person, grant=grant, public_key="hello")
    assert refused.value.field == "public_key"
    assert not SshCertificate.objects.exists()


def test_somebody_else_s_key_is_refused(client: Client) -> None:
    ssh_keys.add(actor=world.person("remy"), name="", public_key=client.public)
    grant = world.live("rita", "shell")
    with pytest.raises(Invalid, match="Keys aren't shared"):
        certified(grant, client)
    with pytest.raises(Invalid, match="Keys aren't shared"):
        ssh_keys.add(actor=world.person("rita"), name="", public_key=client.public)


def test_a_key_is_kept_until_it_is_removed(client: Client) -> None:
    rita = world.person("rita")
    key = ssh_keys.add(actor=rita, name="", public_key=f"{client.public} rita@laptop")
    assert key.name == "rita@laptop"
    with pytest.raises(Invalid, match="already"):
        ssh_keys.add(actor=rita, name="", public_key=client.public)
    with pytest.raises(Conflict):
        ssh_keys.remove(actor=world.person("remy"), key=key)
    ssh_keys.remove(actor=rita, key=key)
    assert ssh_keys.keys_of(rita) == []
    with pytest.raises(Conflict):
        ssh_keys.remove(actor=rita, key=key)


def test_an_authority_that_cannot_sign_says_so_and_no_certificate_is_shown(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = world.live("rita", "shell")
    monkeypatch.setenv("JITPORTAL_TARGET_FLEET_PASSPHRASE", "wrong")
    with pytest.raises(OutsideError, match="could not be signed"):
        certified(grant, client)
    assert certifying.certificates_of(grant) == []


def test_a_renewal_goes_on_with_a_certificate_of_its_own(client: Client) -> None:
    grant = world.live("rita", "shell", minutes=10)
    first = certified(grant, client)
    with world.later(minutes=9):
        renewal = world.approve_all(world.submit("rita", world.renewing(grant)))
    with world.later(minutes=9, seconds=40):
        world.work()
    with world.later(minutes=10, seconds=5):
        world.work()
        second = certified(world.now_of(renewal), client)
        assert second.lease == first.lease
        assert second.valid_before > first.valid_before


def test_the_badge_says_who_ends_it(client: Client) -> None:
    plain, filmed = world.live("rita", "shell"), world.live("rita", "filmed")
    assert targets.plan_for(plain.role, plain.scope).enforcement == "target_refuses"
    assert targets.plan_for(filmed.role, filmed.scope).enforcement == "target_cuts"


def test_the_list_is_the_same_bytes_until_something_is_revoked(client: Client) -> None:
    grant = world.live("rita", "shell")
    certified(grant, client)
    empty = ssh_hosts.revocation_list(rack())
    assert ssh_hosts.revocation_list(rack()) == empty
    grants.hand_back(actor=grant.person, grant=grant)
    world.work()
    assert len(ssh_hosts.revocation_list(rack())) > len(empty)
    with clock.moved(by=timedelta(days=3)):
        assert len(ssh_hosts.revocation_list(rack())) == len(empty)


def _kept(client: Client, made: SshCertificate) -> Path:
    place = client.key.with_name("shown-cert.pub")
    place.write_text(f"{made.text}\n")
    return place
