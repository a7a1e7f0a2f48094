"""What a host could not tell the portal: it waits on its disk, and holds up no revocation list."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from pytest_django.live_server_helper import LiveServer

from jitportal.models import EmergencySignIn, Recording, SshHost
from jitportal.operations import recordings, ssh_hosts
from jitportal.rules.vocabulary import RecordingKind
from tests.connectors.ssh_orders import Client
from tests.connectors.ssh_target import SshFleet, now, run
from tests.operations import ssh_rack, world
from tests.operations.rack import rack
from tests.operations.ssh_sessions import NOWHERE, SPOOL, configure

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = '{"version": 2, "width": 80, "height": 24}\n'


@pytest.fixture
def client(ssh_fleet: SshFleet, tmp_path: Path) -> Client:
    configure(ssh_fleet, NOWHERE, "none")
    return Client(ssh_fleet, tmp_path)


@pytest.fixture
def host(
    client: Client,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
    tmp_path: Path,
) -> SshHost:
    settings.RECORDINGS_DIR = tmp_path / "recordings"
    return ssh_rack.attached(client.fleet, monkeypatch, live_server.url)


def shell(fleet: SshFleet, text: str) -> str:
    return fleet.inside("sh", "-c", text)


def portal_is(fleet: SshFleet, url: str) -> None:
    shell(fleet, f"sed -i 's|^portal = .*|portal = {url}|' /etc/jit-session.conf")


def leave_behind(fleet: SshFleet, session: str, serial: int, said: str) -> None:
    """A recording as an earlier session, which ended an hour ago, left it."""
    moment = now().timestamp() - 3600
    about = {
        "session": session * 16,
        "serial": str(serial),
        "account": "rita",
        "started": moment - 60,
        "end": moment,
        "kind": "asciicast_v2",
    }
    place = f"{SPOOL}/{session * 16}"
    (fleet.root / "about").write_text(json.dumps(about))
    (fleet.root / "cast").write_text(
        f"{HEADER}{json.dumps([1.0, 'o', said])}\n{json.dumps([2.0, 'm', 'exit 0'])}\n"
    )
    shell(
        fleet,
        f"cp {fleet.root}/about {place}.json; cp {fleet.root}/cast {place}.done;"
        f" touch -d -1hour {place}.done; touch -d '-{ord(session)} seconds' {place}.json",
    )


def test_a_sign_in_waits_on_the_disk_until_the_portal_takes_it(
    client: Client, live_server: LiveServer, host: SshHost
) -> None:
    fleet = client.fleet
    world.apply_policy(ssh_rack.emergency_policy(fleet))
    portal_is(fleet, NOWHERE)
    signed = client.certificate(client.order(login="emergency1", role="rescue-ops"))
    assert run(client.ssh(signed, "id", "-un", login="emergency1")).stdout == "emergency1\n"
    assert not EmergencySignIn.objects.exists()
    kept = shell(fleet, f"stat -c '%a %U' {SPOOL}/sign-ins {SPOOL}/sign-ins/*.json").split("\n")
    assert kept[:2] == ["700 root", "600 root"]
    # Whatever still ran on the host has gone, as after a reboot; one that can't be true waits before it.
    shell(fleet, "pkill -f '[j]it-sign-in' || true")
    odd = '{"login": "nobody-knows", "at": "2001-01-01T00:00:00Z", "reference": "odd"}'
    shell(fleet, f"echo '{odd}' >{SPOOL}/sign-ins/0.json")
    portal_is(fleet, live_server.url)
    fleet.inside("/usr/local/sbin/jit-krl")
    seen = EmergencySignIn.objects.get()
    assert (seen.login, seen.source, seen.activation) == ("emergency1", "ssh", None)
    assert shell(fleet, f"ls {SPOOL}/sign-ins").split() == ["0.json"]
    shell(fleet, f"touch -d '-3 days' {SPOOL}/sign-ins/0.json")
    fleet.inside("/usr/local/sbin/jit-krl")
    assert shell(fleet, f"ls {SPOOL}/sign-ins") == ""


def test_no_more_than_a_thousand_sign_ins_wait(client: Client) -> None:
    fleet = client.fleet
    shell(fleet, f"mkdir -p {SPOOL}/sign-ins; cd {SPOOL}/sign-ins; seq -f '%g.json' 1000 | xargs touch")
    signed = client.certificate(client.order(login="emergency1", role="rescue-ops"))
    assert run(client.ssh(signed, "true", login="emergency1")).returncode == 0
    assert int(shell(fleet, f"ls {SPOOL}/sign-ins | wc -l")) == 1000


def test_one_that_the_portal_does_not_take_holds_up_neither_the_list_nor_the_next(
    client: Client, live_server: LiveServer, host: SshHost
) -> None:
    fleet = client.fleet
    grant, _certificate = ssh_rack.granted(client)
    assert grant.lease
    made = grant.lease.certificates.get()
    leave_behind(fleet, "c", 7, "never signed")
    leave_behind(fleet, "b", made.serial, "signed")
    shell(
        fleet, f"echo 'cut o' >{SPOOL}/{'a' * 16}.json; echo >{SPOOL}/{'a' * 16}.done; rm -f /etc/ssh/*.krl"
    )
    begun = time.monotonic()
    fleet.inside("/usr/local/sbin/jit-krl")
    assert time.monotonic() - begun < 10
    assert "signed" in recordings.path_of(Recording.objects.get(state="complete")).read_text()
    left = shell(fleet, f"cd {SPOOL}; ls *.done").split()
    assert left == [f"{'a' * 16}.done", f"{'c' * 16}.done"]
    shell(fleet, "ssh-keygen -Q -l -f /etc/ssh/jit-revoked.krl")


def test_a_host_added_anew_finishes_what_it_has_begun(client: Client, host: SshHost) -> None:
    """Its recording began under the token of before; the portal hears of the rest under the new one."""
    fleet = client.fleet
    grant, _certificate = ssh_rack.granted(client)
    assert grant.lease
    made = grant.lease.certificates.get()
    leave_behind(fleet, "d", made.serial, "all of it")
    announced = recordings.Announced(
        "d" * 16, made.serial, "rita", RecordingKind.ASCIICAST_V2, now().timestamp() - 3660
    )
    begun = recordings.begin(host, announced)
    ssh_hosts.remove(actor=world.person("otto"), host=host)
    _again, token = ssh_hosts.add(actor=world.person("otto"), target=rack(), name="web1")
    shell(fleet, f"sed -i 's|^token = .*|token = {token}|' /etc/jit-session.conf")
    fleet.inside("/usr/local/sbin/jit-krl")
    whole = Recording.objects.get()
    assert (whole.pk, whole.state, whole.gaps) == (begun.pk, "complete", [])


def test_one_that_the_portal_has_closed_is_set_aside_and_told(
    client: Client, host: SshHost, settings: LazySettings
) -> None:
    fleet = client.fleet
    grant, _certificate = ssh_rack.granted(client)
    assert grant.lease
    leave_behind(fleet, "e", grant.lease.certificates.get().serial, "x" * 1000)
    settings.LARGEST_RECORDING = 200
    fleet.inside("/usr/local/sbin/jit-krl")
    fleet.inside("/usr/local/sbin/jit-krl")
    closed = Recording.objects.get()
    assert (closed.state, closed.gaps) == ("truncated", [recordings.FULL])
    assert shell(fleet, f"cd {SPOOL}; ls e*").split() == [f"{'e' * 16}.refused", f"{'e' * 16}.refused.json"]
    host.refresh_from_db()
    assert host.report["refused"] == "1"


@pytest.fixture
def hanging() -> Iterator[str]:
    """A portal that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for one in held:
            one.close()


@pytest.mark.proof
def test_a_portal_that_hangs_leaves_the_next_minute_free(client: Client, hanging: str) -> None:
    fleet = client.fleet
    for number, session in enumerate("abcdef"):
        leave_behind(fleet, session, number + 1, "waits")
    shell(fleet, f"mkdir -p {SPOOL}/sign-ins; cd {SPOOL}/sign-ins; seq -f '%g.json' 50 | xargs touch")
    portal_is(fleet, hanging)
    begun = time.monotonic()
    shell(fleet, "/usr/local/sbin/jit-krl || true")
    assert time.monotonic() - begun < 50
