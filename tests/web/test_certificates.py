"""One's own keys, and the page on which one of them gets a certificate: up to a real host that takes it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from jitportal.models import Event, Grant, Recording, SshCertificate, SshKey
from jitportal.operations import certifying, grants, ssh_hosts
from tests.connectors import ssh_orders
from tests.connectors.ssh_target import SshFleet, run
from tests.operations import emergency_world, ssh_rack, world
from tests.operations.rack import rack
from tests.web.second_factors import HALF_MINUTE, App, browser_of, confirmed

pytestmark = pytest.mark.django_db


@pytest.fixture
def laptop(ssh_fleet: SshFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssh_orders.Client:
    ssh_rack.settle(ssh_fleet, monkeypatch)
    ssh_fleet.take_list(ssh_hosts.revocation_list(rack()))
    return ssh_orders.Client(ssh_fleet, tmp_path)


@pytest.fixture
def grant(laptop: ssh_orders.Client) -> Grant:
    return world.live("rita", "shell")


@pytest.fixture
def rita(laptop: ssh_orders.Client) -> Client:
    client = Client()
    client.force_login(world.person("rita"))
    return client


def text_of(answer: object) -> str:
    return html.unescape(getattr(answer, "content", b"").decode())


def test_a_pasted_key_gets_a_certificate_that_a_host_takes(
    grant: Grant, rita: Client, laptop: ssh_orders.Client
) -> None:
    address = f"/grants/{grant.pk}/certificate/"
    assert "Get a certificate" in text_of(rita.get(f"/grants/{grant.pk}/"))
    answer = rita.post(
        address, {"key": "pasted", "public_key": f"{laptop.public} rita@laptop\n"}, follow=True
    )
    page = text_of(answer)
    saved = re.search(r"cat >(\S+) <<'END'\n(.*)\nEND", page)
    assert saved is not None
    name, certificate = saved.groups()
    assert certificate.startswith("ssh-ed25519-cert-v01@openssh.com ")
    connect = re.search(r"ssh .*-o CertificateFile=(\S+) .*rita@127\.0\.0\.1", page)
    assert connect is not None
    assert connect[1] == name
    assert run(laptop.ssh(certificate, "id", "-un")).stdout == "rita\n"
    file = rita.get(f"{address}1/")
    assert file.content.decode().strip() == certificate
    assert name in file.headers["Content-Disposition"]


def test_a_key_that_was_added_is_one_click(grant: Grant, rita: Client, laptop: ssh_orders.Client) -> None:
    added = rita.post("/you/keys/", {"public_key": laptop.public, "name": "laptop"}, follow=True)
    assert "laptop is one of your keys now" in text_of(added)
    key = SshKey.objects.get()
    page = text_of(rita.get(f"/grants/{grant.pk}/certificate/"))
    assert key.fingerprint[:19] in page
    rita.post(f"/grants/{grant.pk}/certificate/", {"key": str(key.pk)})
    assert SshCertificate.objects.get().fingerprint == key.fingerprint
    gone = rita.post(f"/you/keys/{key.pk}/remove/", follow=True)
    assert "no longer one of your keys" in text_of(gone)
    assert rita.post(f"/you/keys/{key.pk}/remove/").status_code == 409


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"key": "pasted"}, "Paste your public key."),
        ({"key": "pasted", "public_key": "hello"}, "Paste one line of a .pub file"),
        ({"key": "7"}, "Choose one of your keys."),
        ({}, "Choose a key."),
        ({"key": "pasted", "public_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "never send it"),
        ({"key": "pasted", "public_key": "x" * 6_000}, "at most 5000 characters"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    grant: Grant, rita: Client, posted: dict[str, str], said: str
) -> None:
    answer = rita.post(f"/grants/{grant.pk}/certificate/", posted)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not SshCertificate.objects.exists()


def test_an_authority_that_is_away_is_said_and_what_was_typed_stays(
    grant: Grant, rita: Client, laptop: ssh_orders.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JITPORTAL_TARGET_FLEET_PASSPHRASE", "wrong")
    answer = rita.post(f"/grants/{grant.pk}/certificate/", {"key": "pasted", "public_key": laptop.public})
    assert answer.status_code == 503
    assert "could not be signed" in text_of(answer)
    assert laptop.public in text_of(answer)


def test_after_the_end_there_is_none(grant: Grant, rita: Client, laptop: ssh_orders.Client) -> None:
    made = certifying.certify(actor=grant.person, grant=grant, public_key=laptop.public)
    grants.hand_back(actor=grant.person, grant=grant)
    world.work()
    assert made.text not in text_of(rita.get(f"/grants/{grant.pk}/certificate/"))
    assert rita.get(f"/grants/{grant.pk}/certificate/1/").status_code == 404
    answer = rita.post(f"/grants/{grant.pk}/certificate/", {"key": "pasted", "public_key": laptop.public})
    assert answer.status_code == 409
    assert "isn't live" in text_of(answer)


def test_hosts_fetch_the_list_and_the_authority_without_signing_in(
    grant: Grant, laptop: ssh_orders.Client
) -> None:
    anybody = Client()
    assert anybody.get("/ssh/rack/authority.pub").content.decode().strip() == laptop.fleet.authority
    first = anybody.get("/ssh/rack/revoked.krl")
    assert first.headers["Cache-Control"] == "no-cache"
    again = anybody.get("/ssh/rack/revoked.krl", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    certifying.certify(actor=grant.person, grant=grant, public_key=laptop.public)
    grants.hand_back(actor=grant.person, grant=grant)
    world.work()
    changed = anybody.get("/ssh/rack/revoked.krl", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.content != first.content
    assert anybody.get("/ssh/portal/revoked.krl").status_code == 404


def test_the_responder_of_an_emergency_gets_one_on_its_page(
    ssh_fleet: SshFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh_rack.settle(ssh_fleet, monkeypatch, ssh_rack.emergency_policy(ssh_fleet))
    laptop = ssh_orders.Client(ssh_fleet, tmp_path)
    activation = emergency_world.live("rita")
    grant = emergency_world.grant_of(activation)
    client = Client()
    client.force_login(activation.person)
    page = text_of(client.get(f"/emergency/activations/{activation.pk}/"))
    assert "Get a certificate" in page
    assert "Show the password" not in page
    posted = {"key": "pasted", "public_key": laptop.public}
    answer = client.post(f"/grants/{grant.pk}/certificate/", posted, follow=True)
    assert "emergency1@127.0.0.1" in text_of(answer)
    made = SshCertificate.objects.get()
    assert made.principals == [f"{grant.role.target.key}/rescue-ops:emergency1"]
    Recording.objects.create(
        grant=grant,
        kind="asciicast_v2",
        source="web1",
        account="emergency1",
        session="a-session",
        started_at=made.issued_at,
        received_at=made.issued_at,
    )
    assert "Session on web1" in text_of(client.get(f"/emergency/activations/{activation.pk}/"))


def test_a_key_is_added_with_what_is_wrong_beside_it(rita: Client) -> None:
    answer = rita.post("/you/keys/", {"public_key": "ssh-rsa AAAA", "name": "x"})
    assert answer.status_code == 422
    assert "cut off" in text_of(answer)
    assert "ssh-rsa AAAA" in text_of(answer)
    assert not Event.objects.filter(verb="ssh_key.added").exists()


def test_a_key_and_a_certificate_of_high_risk_take_a_second_factor_each(
    ssh_fleet: SshFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    """Whoever has stolen the holder's session has a key of their own, and no second factor."""
    dear = ssh_rack.policy(ssh_fleet).replace("shell: {target", "shell: {risk: high, target")
    ssh_rack.settle(ssh_fleet, monkeypatch, dear)
    ssh_fleet.take_list(ssh_hosts.revocation_list(rack()))
    laptop = ssh_orders.Client(ssh_fleet, tmp_path)
    grant = world.live("rita", "shell")
    settings.STEP_UP = True
    app, rita = App(grant.person), browser_of(grant.person)
    page, keys = f"/grants/{grant.pk}/certificate/", "/you/keys/"
    asked = rita.post(keys, {"public_key": laptop.public, "name": "laptop"})
    assert asked.status_code == 403
    assert "Add the SSH key SHA256:" in text_of(asked)
    assert not SshKey.objects.exists()
    assert confirmed(rita, asked, keys, step_up_code=app.code()).status_code == 302
    key = SshKey.objects.get()
    asked = rita.post(page, {"key": str(key.pk)})
    assert asked.status_code == 403
    assert f"Have your key {key.fingerprint} signed" in text_of(asked)
    assert not SshCertificate.objects.exists()
    assert confirmed(rita, asked, page, step_up_code=app.code(HALF_MINUTE)).status_code == 302
    made = SshCertificate.objects.get()
    assert run(laptop.ssh(made.text, "id", "-un")).stdout == "rita\n"
    assert Event.objects.get(verb="grant.certified").data["step_up"]["by"] == "code"
    again = rita.post(page, {"key": str(key.pk)})  # the same certificate, which is no secret
    assert again.status_code == 302
    assert SshCertificate.objects.count() == 1
