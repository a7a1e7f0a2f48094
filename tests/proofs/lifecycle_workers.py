"""What the clock, workers and the target do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from jitportal.connectors.base import TargetError
from jitportal.models import Lease
from jitportal.operations import (
    clock,
    grants,
    leases,
    problems,
    requests,
)
from jitportal.operations.claims import GRANT, REMOVAL, claim, pairs, still_claimed
from jitportal.operations.confirming import confirm, fail
from jitportal.operations.leases import carry_out
from tests.operations import world
from tests.operations.memory_target import MemoryConnector
from tests.proofs.invariants import check_settled
from tests.proofs.lifecycle_policy import ASKERS
from tests.proofs.lifecycle_stage import FAULTS, LANES, STEPS, WHICH, Draw, Stage, Worker


class Workers(Stage):
    """Workers go their rounds whole or step by step, and may stand still or die at each."""

    # Time, and the worker's own verbs

    def time_passes(self, draw: Draw) -> None:
        self.pass_time(draw(STEPS))

    def pass_time(self, by: timedelta) -> None:
        self.offset += by
        self.moved.close()
        self.moved.enter_context(clock.moved(by=self.offset))

    def pulse(self, draw: Draw) -> None:
        verb = draw(
            st.sampled_from([grants.start_due, grants.expire_due, grants.pass_unused, requests.lapse_due])
        )
        verb()

    def page(self, _draw: Draw) -> None:
        problems.page_late()

    # Workers, whole rounds and in steps

    def converge(self, draw: Draw) -> None:
        lane = draw(LANES)
        faults = draw(FAULTS)
        self.target.faults.extend(faults)
        leases.converge(target_id=self.rack().pk, lane=lane, worker="whole")
        self.target.faults.clear()

    def claim(self, draw: Draw) -> None:
        lane = draw(LANES)
        claimed = claim(self.rack(), lane, "stepwise")
        if claimed:
            self.workers.append(Worker(lane, claimed))

    def call(self, draw: Draw) -> None:
        """As in ``leases.converge``; an answer may be lost, or the worker be killed during the call."""
        if not self.workers:
            return
        which = draw(WHICH)
        faults = draw(FAULTS)
        worker = self.workers[which % len(self.workers)]
        if worker.answers is not None or worker.error:
            return
        worker.claimed = still_claimed(worker.claimed)
        self.target.faults.extend(faults)
        try:
            worker.answers = carry_out(MemoryConnector(self.target), worker.claimed, worker.lane)
        except (TargetError, RuntimeError) as error:
            worker.error = str(error)
        self.target.faults.clear()

    def finish(self, draw: Draw) -> None:
        if not self.workers:
            return
        which = draw(WHICH)
        worker = self.workers.pop(which % len(self.workers))
        if worker.error:
            fail(pairs(worker.claimed), worker.error, permanent=False)
        elif worker.answers is not None:
            confirm(worker.claimed, worker.answers, fences=self.fences)

    def kill(self, draw: Draw) -> None:
        if not self.workers:
            return
        which = draw(WHICH)
        self.workers.pop(which % len(self.workers))

    def arrive_late(self, draw: Draw) -> None:
        """A call that was on its way arrives after all, however old it is."""
        if not (self.workers and self.fences):
            return
        which = draw(WHICH)
        worker = self.workers[which % len(self.workers)]
        carry_out(MemoryConnector(self.target), worker.claimed, worker.lane)

    # The target

    def log_in(self, draw: Draw) -> None:
        who = draw(st.sampled_from(ASKERS))
        self.target.log_in(who)

    def weather(self, draw: Draw) -> None:
        stubborn = draw(st.integers(0, 1))
        skew = draw(st.sampled_from([0, 0, 3]))
        self.target.stubborn, self.target.skew = stubborn, timedelta(seconds=skew)

    def settle(self, _draw: Draw) -> None:
        """The weather clears up, and a worker does what is due until nothing is."""
        self.workers.clear()
        self.target.stubborn, self.target.skew = 0, timedelta()
        for _ in range(60):
            world.pulse()
            now = clock.now()
            if self.rack().pk in leases.due_targets(now):
                for lane in (REMOVAL, GRANT):
                    leases.converge(target_id=self.rack().pk, lane=lane, worker="settling")
                continue
            waits = self.held_up_until()
            if waits is None:
                check_settled(now, self.target)
                return
            self.pass_time(max(waits - now, timedelta()) + timedelta(seconds=1))
        raise AssertionError("It never settles.")

    def held_up_until(self) -> Any:
        """Until when something waits that is due: for a claim to run out, or after a failure."""
        now = clock.now()
        held = Lease.objects.filter(target=self.rack(), due_at__isnull=False)
        moments = [lease.claimed_until for lease in held if lease.claimed_until is not None]
        moments += [
            lease.due_at
            for lease in held
            if lease.due_at is not None and (lease.failing_since or lease.verify_again_at or lease.attempts)
        ]
        backoff = self.rack().health.backoff_until
        if backoff and backoff > now and held.filter(due_at__lte=now).exists():
            moments.append(backoff)
        return min(moments, default=None)
