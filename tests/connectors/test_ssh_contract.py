"""SSH keeps the contract, over real grants and a real host that takes the certificates."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jitportal.connectors.base import Certifying, Connector, RoleOnTarget, TargetError
from jitportal.connectors.ssh.checkup import WRAPPER_VERSION
from jitportal.models import Lease, SshCertificate
from jitportal.operations import clock, ssh_hosts, targets
from jitportal.rules.vocabulary import CertificateOrder, Enforcement, Holding, LeaseOrder, Pathway, Presence
from tests.connectors.contract import ConnectorContract, at, give, see, take, unwanted
from tests.connectors.ssh_orders import Client
from tests.connectors.ssh_target import TARGET, SshFleet, run
from tests.connectors.test_portal_contract import PortalBench
from tests.models import rows


class SshBench(PortalBench):
    """What happens outside the connector is that grants start and stop, and that hosts fetch the list."""

    def __init__(self, fleet: SshFleet) -> None:
        self.fleet = fleet
        self.target = rows.target(key=TARGET, connector="ssh", settings=fleet.settings())
        self.connector: Connector = targets.connector_for(self.target)
        self._right = rows.entitlement(target=self.target, name="web-ops")

    def order(self, *, seconds: float = 600, account: str = "") -> LeaseOrder:
        lease = rows.lease(
            target=self.target, entitlement="web-ops", **({"account": account} if account else {})
        )
        until = clock.now().replace(microsecond=0) + timedelta(seconds=seconds)
        return LeaseOrder(lease.pk, lease.handle, 1, lease.account, lease.entitlement, until)

    def unknown(self) -> LeaseOrder:
        lease = rows.lease(target=self.target, entitlement="no principal, this")
        until = clock.now() + timedelta(minutes=10)
        return LeaseOrder(lease.pk, lease.handle, 1, lease.account, lease.entitlement, until)

    def bring_about(self, order: LeaseOrder) -> None:
        Lease.objects.filter(pk=order.lease_id).update(claim=order.claim)
        super().bring_about(order)

    def certificate(self, order: LeaseOrder, public_key: str) -> str:
        """As ``operations.certifying`` has it signed."""
        assert isinstance(self.connector, Certifying)
        assert order.until is not None
        now = clock.now()
        number = SshCertificate.objects.filter(lease=order.lease_id).count() + 1
        row = rows.ssh_certificate(
            lease=Lease.objects.get(pk=order.lease_id),
            number=number,
            serial=order.lease_id << 16 | number,
            valid_after=now - timedelta(seconds=30),
            valid_before=order.until,
        )
        return self.connector.certify(
            CertificateOrder(order, row.serial, row.key_id, public_key, row.valid_after, row.valid_before)
        )

    def hosts_fetch(self) -> None:
        self.fleet.take_list(ssh_hosts.revocation_list(self.target))


@pytest.mark.django_db
class TestSsh(ConnectorContract):
    @pytest.fixture
    def bench(self, ssh_fleet: SshFleet, monkeypatch: pytest.MonkeyPatch) -> SshBench:
        for name in ("JITPORTAL_TARGET_FLEET_CA", "JITPORTAL_TARGET_FLEET_PASSPHRASE"):
            monkeypatch.setenv(name, ssh_fleet.secret(name))
        ssh_fleet.serve(TARGET)
        return SshBench(ssh_fleet)

    def test_what_is_granted_lets_in_and_what_is_revoked_does_not(
        self, bench: SshBench, tmp_path: Path
    ) -> None:
        client = Client(bench.fleet, tmp_path)
        order = bench.order(account="rita")
        give(bench, order)
        signed = bench.certificate(order, client.public)
        bench.hosts_fetch()
        assert run(client.ssh(signed, "id", "-un")).stdout == "rita\n"
        taken = take(bench, unwanted(order))
        assert taken.presence is Presence.ABSENT
        assert "1 on the revocation list" in taken.detail
        bench.hosts_fetch()
        assert run(client.ssh(signed, "id", "-un")).returncode == 255

    def test_what_ends_sooner_revokes_what_was_signed_for_longer(
        self, bench: SshBench, tmp_path: Path
    ) -> None:
        client = Client(bench.fleet, tmp_path)
        order = bench.order(account="rita")
        give(bench, order)
        longer = bench.certificate(order, client.public)
        sooner = at(order, 60)
        give(bench, sooner)
        shorter = bench.certificate(sooner, client.public)
        bench.hosts_fetch()
        assert run(client.ssh(longer, "true")).returncode == 255
        assert run(client.ssh(shorter, "true")).returncode == 0

    def test_a_certificate_that_is_out_is_held_although_no_grant_entitles(
        self, bench: SshBench, tmp_path: Path
    ) -> None:
        client = Client(bench.fleet, tmp_path)
        order = bench.order()
        give(bench, order)
        bench.certificate(order, client.public)
        PortalBench.bring_about(bench, unwanted(order))
        held = see(bench, unwanted(order))
        assert (held.presence, held.until) == (Presence.PRESENT, order.until)

    def test_the_plan_is_honest_about_open_sessions(self, bench: SshBench) -> None:
        plain = bench.connector.plan(RoleOnTarget("web-ops", Pathway.JIT, dynamic_login=False))
        assert (plain.enforcement, plain.longest_residual) == (Enforcement.TARGET_REFUSES, None)
        assert "stays open" in plain.explanation
        recorded = bench.connector.plan(
            RoleOnTarget("web-ops", Pathway.BREAK_GLASS, dynamic_login=False, options={"session": "recorded"})
        )
        assert recorded.enforcement is Enforcement.TARGET_CUTS
        assert recorded.longest_residual == timedelta(seconds=2)

    def test_what_hosts_say_of_themselves_is_in_the_check(self, bench: SshBench) -> None:
        def problems() -> tuple[str, ...]:
            return bench.connector.check(portal_now=clock.now).problems

        assert "No host has said how it is" in problems()[0]
        host, token = ssh_hosts.add(actor=rows.person(), target=bench.target, name="web1")
        assert "web1 has never said how it is" in problems()[0]
        found = ssh_hosts.by_token(token)
        assert found == host
        seconds = clock.now().timestamp()
        ssh_hosts.heard(
            host, {"authority": "SHA256:another", "revocations": "no", "wrapper": "none"}, seconds + 60
        )
        said = " ".join(problems())
        for part in (
            "clock of web1 is",
            "doesn't trust the authority",
            "revocation list",
            "jit-session on web1",
        ):
            assert part in said
        fingerprint = bench.fleet.inside("ssh-keygen", "-l", "-f", "/etc/ssh/jit-authority.pub").split()[1]
        well = {"authority": fingerprint, "revocations": "yes", "wrapper": WRAPPER_VERSION}
        ssh_hosts.heard(host, {**well, "wrapper": "2"}, seconds)
        assert problems() == (
            f"web1 has version 2 of jit-session, and the portal needs {WRAPPER_VERSION}: run the script there "
            "again.",
        )
        ssh_hosts.heard(host, well, seconds)
        assert problems() == ()
        with clock.moved(by=timedelta(minutes=7)):
            assert "fetched the revocation list 7 minutes ago" in problems()[0]

    def test_a_passphrase_that_is_wrong_is_said(
        self, bench: SshBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JITPORTAL_TARGET_FLEET_PASSPHRASE", "wrong")
        health = bench.connector.check(portal_now=clock.now)
        assert not health.rights
        assert "JITPORTAL_TARGET_FLEET_PASSPHRASE" in health.problems[0]
        assert "wrong" not in health.problems[0]

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"session": "filmed"}, "recorded or plain"),
            ({"session": "recorded", "port_forwarding": "yes"}, "past the recording"),
            ({"pty": "perhaps"}, "yes or no"),
            ({"source_address": "here"}, "no address"),
            ({"login_as": "Robert'); --"}, "login_as"),
            ({"colour": "red"}, "no option colour"),
        ],
    )
    def test_options_that_mean_nothing_are_refused(
        self, bench: SshBench, options: dict[str, str], said: str
    ) -> None:
        order = bench.order()
        mistaken = LeaseOrder(order.lease_id, order.handle, 1, "rita", "web-ops", order.until, options)
        (answer,) = bench.connector.grant([mistaken])
        assert not isinstance(answer, Holding)
        assert answer.permanent
        assert said in answer.message
        with pytest.raises(TargetError, match="options"):
            bench.connector.plan(RoleOnTarget("web-ops", Pathway.JIT, False, options))
