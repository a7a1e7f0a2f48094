"""A target that gives no answer holds nobody else up."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from jitportal.models import Grant, Lease
from jitportal.operations import grants
from jitportal.rules.vocabulary import GrantStatus, Presence
from tests.operations import world
from tests.worker.conftest import StartWorker
from tests.worker.processes import hanging_server, wait_until

DEAD = 6
#: Far less than a call to a target that hangs takes; with room for a machine that runs other tests.
IN_TIME = 3.0


def _policy(ports: list[int]) -> str:
    """The small portal's, with a role on each of several targets that hang."""
    targets = "".join(
        f"    dead{number}:\n      connector: postgres\n"
        f"      settings: {{host: 127.0.0.1, port: {port}, sslmode: disable}}\n"
        for number, port in enumerate(ports)
    )
    roles = "".join(
        f"    dead{number}:\n      target: dead{number}\n      owner: otto\n"
        "      entitlement: reader\n      eligible: {teams: [platform]}\n"
        for number in range(len(ports))
    )
    names = ", ".join(f"dead{number}" for number in range(len(ports)))
    return world.changed(
        ("quick, boarded]", f"quick, boarded, {names}]"),
        ("  roles:\n", targets + "  roles:\n"),
        ("    auditor:\n", roles + "    auditor:\n"),
    )


def _seconds_until(grant: Grant, status: GrantStatus) -> float:
    return wait_until(lambda: Grant.objects.get(pk=grant.pk).status == status, 20)


@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.proof), DEAD])
def test_dead_targets_delay_no_removal_elsewhere(start_worker: StartWorker, count: int) -> None:
    with ExitStack() as stack:
        world.settle(_policy([stack.enter_context(hanging_server()) for _ in range(count)]))
        well = world.granted("rita", "operator")
        start_worker(supervised=False)
        _seconds_until(well, GrantStatus.ACTIVE)
        stuck = [world.granted("remy", f"dead{number}") for number in range(count)]
        failing = Lease.objects.failing().filter(grants__in=stuck)
        wait_until(failing.exists, 30)

        delays = []
        for holder, following in (("rita", "rosa"), ("rosa", "rita"), ("rita", "rosa")):
            grants.hand_back(actor=world.person(holder), grant=well)
            delays.append(_seconds_until(well, GrantStatus.ENDED))
            well = world.granted(following, "operator")
            _seconds_until(well, GrantStatus.ACTIVE)
        assert max(delays) < IN_TIME
        for grant in stuck:
            waiting = Grant.objects.select_related("lease").get(pk=grant.pk)
            assert waiting.status == GrantStatus.PROVISIONING
            assert waiting.live_at is None
            assert waiting.lease is not None
            assert waiting.lease.presence != Presence.PRESENT
