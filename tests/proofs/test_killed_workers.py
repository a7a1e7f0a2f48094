"""Workers killed and stalled at each step of a round, against a real PostgreSQL server.

Another worker finishes what they began: the target ends right, once. A worker that wakes up after its
claim ran out changes nothing any more.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection

from jitportal.models import Grant, Lease, Target
from jitportal.operations import claims, grants, leases
from jitportal.operations.claims import GRANT, REMOVAL
from jitportal.rules.errors import Conflict
from jitportal.rules.vocabulary import GrantStatus
from tests.connectors.postgres_target import PASSWORD, PostgresTarget, is_cut
from tests.operations import world
from tests.operations.postgres_rack import SECRET, forget_leases, policy
from tests.proofs.stalling_worker import CALL_SECONDS, CLAIM, STEPS

ROOT = Path(__file__).resolve().parents[2]
GIVING = ["claim", "check", "still claimed", "grant", "confirm"]
TAKING = ["claim", "revoke", "revoke's cut", "revoke's drop", "keep claims", "observe", "confirm"]
WRITING = ["claim's writing", "confirm's writing"]
POINTS = [
    *((GRANT, step, when) for step in GIVING for when in ("before", "after")),
    *((REMOVAL, step, when) for step in TAKING for when in ("before", "after")),
]
PATIENCE = 30.0


@dataclass
class Rack:
    """The target, a login on it that Rita has, and a role that the portal may give."""

    server: PostgresTarget
    login: str
    role: str
    database_url: str

    def holds(self) -> bool:
        return self.server.is_member(self.login, self.role)

    def has_made(self, account: str) -> bool:
        return bool(self.server.value("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", account))


@pytest.fixture
def rack(target: PostgresTarget, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Rack:
    """The small portal, committed, with the real server as its rack."""
    monkeypatch.setenv(SECRET, PASSWORD)
    forget_leases(target)
    monkeypatch.setattr(claims, "CLAIM", CLAIM)
    monkeypatch.setattr(claims, "CALL_SECONDS", CALL_SECONDS)
    login, role = target.login(), target.role()
    world.settle(policy(target, login, role))
    return Rack(target, login, role, database_url)


class Worker:
    """A worker in a process of its own that gets as far as one step."""

    def __init__(self, rack: Rack, lane: str, step: str, when: str, sign: str) -> None:
        target = Target.objects.get(key="rack")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.proofs.stalling_worker", str(target.pk), lane, step, when, sign],
            cwd=ROOT,
            env=os.environ
            | {
                "JITPORTAL_DATABASE_URL": rack.database_url,
                "DJANGO_SETTINGS_MODULE": "jitportal.settings",
                SECRET: PASSWORD,
            },
        )
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        if sign == "SIGSTOP":
            assert os.WIFSTOPPED(status), f"the worker never got to {step}: {status}"
        else:
            assert os.WIFSIGNALED(status), f"the worker never got to {step}: {status}"
            self.process.returncode = -os.WTERMSIG(status)

    def wake_up(self) -> None:
        """It goes on as if nothing had been, to its end."""
        os.kill(self.process.pid, signal.SIGCONT)
        assert self.process.wait(timeout=PATIENCE) in (0, 1)

    def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait(timeout=PATIENCE)


def finish(grant: Grant, wanted: GrantStatus) -> Grant:
    """Another worker goes round until the grant is as wanted."""
    target = Target.objects.get(key="rack")
    give_up = time.monotonic() + PATIENCE
    while world.now_of(grant).status != wanted:
        assert time.monotonic() < give_up, f"it is {world.now_of(grant).status} still"
        for lane in (REMOVAL, GRANT):
            try:
                leases.converge(target_id=target.pk, lane=lane, worker="another")
            except Conflict:  # the one that stands still holds a lock
                continue
        time.sleep(0.05)
    return world.now_of(grant)


def told(grant: Grant) -> list[str]:
    """What the record says of it, each thing as often as it was said."""
    return [verb for verb in world.verbs(grant=grant) if verb not in ("grant.troubled", "grant.mended")]


def given(rack: Rack, role: str = "door") -> Grant:
    """A grant that is live on the server."""
    grant = world.granted("rita", role)
    finish(grant, GrantStatus.ACTIVE)
    return grant


def stop_it(grant: Grant) -> None:
    grants.hand_back(actor=world.person("rita"), grant=grant)


def check_given(rack: Rack, grant: Grant) -> None:
    assert rack.holds()
    assert told(grant) == ["grant.ready", "grant.started", "grant.live"]
    held = rack.server.superuser.execute(
        "SELECT expires_at, removed_at FROM jit.lease WHERE handle = %s", [lease_of(grant).handle]
    ).fetchall()
    assert held == [(grant.ends_at, None)]


def check_taken(rack: Rack, grant: Grant) -> None:
    assert not rack.holds()
    assert told(grant)[-2:] == ["grant.handed_back", "grant.ended"]
    assert told(grant).count("grant.ended") == 1
    assert grant.verified_absent_at is not None
    assert grant.verified_absent_at >= (grant.stopped_at or grant.verified_absent_at)


def lease_of(grant: Grant) -> Lease:
    return Lease.objects.get(grants=grant)


def prepared(rack: Rack, lane: str, role: str = "door") -> Grant:
    if lane == GRANT:
        return world.granted("rita", role)
    grant = given(rack, role)
    stop_it(grant)
    return grant


def check(rack: Rack, lane: str, grant: Grant) -> None:
    if lane == GRANT:
        check_given(rack, finish(grant, GrantStatus.ACTIVE))
    else:
        check_taken(rack, finish(grant, GrantStatus.ENDED))


def test_every_step_of_a_round_is_among_them() -> None:
    assert {*GIVING, *TAKING, *WRITING} == set(STEPS)


def test_killed_once_the_server_holds_it_and_nobody_knows(rack: Rack) -> None:
    """The one of all cases that the suite tells each time: the others are proofs."""
    grant = prepared(rack, GRANT)
    Worker(rack, GRANT, "grant", "after", "SIGKILL")
    assert rack.holds()
    assert world.now_of(grant).status == GrantStatus.PROVISIONING
    check(rack, GRANT, grant)


@pytest.mark.proof
@pytest.mark.parametrize(("lane", "step", "when"), POINTS)
def test_killed(rack: Rack, lane: str, step: str, when: str) -> None:
    grant = prepared(rack, lane, "made" if step == "revoke's drop" else "door")
    Worker(rack, lane, step, when, "SIGKILL")
    check(rack, lane, grant)


@pytest.mark.proof
@pytest.mark.parametrize(("lane", "step", "when"), POINTS)
def test_stalled_past_its_claim_and_woken_up_late(rack: Rack, lane: str, step: str, when: str) -> None:
    grant = prepared(rack, lane, "made" if step == "revoke's drop" else "door")
    worker = Worker(rack, lane, step, when, "SIGSTOP")
    try:
        check(rack, lane, grant)
        before = lease_of(grant)
        worker.wake_up()
        check(rack, lane, grant)
        after = lease_of(grant)
        assert (after.claim, after.presence, after.due_at, after.last_error) == (
            before.claim,
            before.presence,
            before.due_at,
            "",
        )
    finally:
        worker.end()


@pytest.mark.proof
@pytest.mark.parametrize("step", ["claim", "still claimed", "grant", "confirm"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_stalled_in_the_middle_of_a_grant_while_another_removes_it(rack: Rack, step: str, when: str) -> None:
    grant = prepared(rack, GRANT)
    worker = Worker(rack, GRANT, step, when, "SIGSTOP")
    try:
        stop_it(grant)
        check(rack, REMOVAL, grant)
        worker.wake_up()
        check(rack, REMOVAL, grant)
        was_live = (step, when) == ("confirm", "after")
        assert (world.now_of(grant).live_at is not None) == was_live
        time.sleep(CLAIM.total_seconds())
        world.work()
        check(rack, REMOVAL, grant)
    finally:
        worker.end()


@pytest.mark.proof
def test_stalled_in_the_middle_of_a_removal_while_it_is_granted_anew(rack: Rack) -> None:
    first = prepared(rack, REMOVAL)
    worker = Worker(rack, REMOVAL, "revoke", "before", "SIGSTOP")
    try:
        second = world.granted("rita", "door")
        check_given(rack, finish(second, GrantStatus.ACTIVE))
        worker.wake_up()
        world.work()
        assert rack.holds(), "the late removal was refused"
        assert (world.now_of(first).status, world.now_of(second).status) == (
            GrantStatus.ENDED,
            GrantStatus.ACTIVE,
        )
    finally:
        worker.end()


@pytest.mark.proof
@pytest.mark.parametrize("sign", ["SIGKILL", "SIGSTOP"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", WRITING)
@pytest.mark.parametrize("lane", [GRANT, REMOVAL])
def test_ended_within_a_transaction(rack: Rack, lane: str, step: str, when: str, sign: str) -> None:
    """What it wrote is undone. One that stands still there keeps its locks until the database, or the
    portal's supervisor, ends it.
    """
    grant = prepared(rack, lane)
    if connection.vendor == "postgresql":
        rack.database_url += "?options=-c%20idle_in_transaction_session_timeout%3D2s"
    worker = Worker(rack, lane, step, when, sign)
    try:
        if connection.vendor == "sqlite":
            worker.end()
        check(rack, lane, grant)
    finally:
        worker.end()


@pytest.mark.proof
@pytest.mark.parametrize("step", ["revoke", "revoke's cut", "observe", "confirm"])
def test_a_session_that_took_the_role_before_is_cut_whoever_finishes(rack: Rack, step: str) -> None:
    grant = given(rack)
    session = rack.server.session(rack.login, role=rack.role)
    stop_it(grant)
    Worker(rack, REMOVAL, step, "before", "SIGKILL")
    check(rack, REMOVAL, grant)
    assert is_cut(session)


@pytest.mark.proof
@pytest.mark.parametrize("sign", ["SIGKILL", "SIGSTOP"])
@pytest.mark.parametrize("step", ["revoke", "revoke's cut", "revoke's drop", "observe", "confirm"])
def test_a_login_that_was_made_is_gone_whoever_finishes(rack: Rack, step: str, sign: str) -> None:
    grant = given(rack, "made")
    account = world.now_of(grant).account
    assert rack.has_made(account)
    stop_it(grant)
    worker = Worker(rack, REMOVAL, step, "before", sign)
    try:
        check(rack, REMOVAL, grant)
        if sign == "SIGSTOP":
            worker.wake_up()
        assert not rack.has_made(account)
    finally:
        worker.end()
