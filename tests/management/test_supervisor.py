"""The supervisor's children, as real processes: started again, killed with their groups, asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jitportal.management import supervisor
from jitportal.management.supervisor import Child, Service
from tests.worker.processes import alive, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Processes are watched through /proc.")

PULSES = """
import os, time
while True:
    os.write(int(os.environ["JITPORTAL_PULSE_FD"]), b".")
    time.sleep(0.05)
"""
LEAVES_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep({seconds})
"""
IGNORES = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write("ready")
time.sleep(60)
"""
SUPERVISES = """
import sys
from jitportal.management.supervisor import Service, Supervisor
Supervisor([Service("test", [sys.executable, "-c", sys.argv[1], sys.argv[2]])], say=print).run()
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def children(said: list[str]) -> Iterator[list[Child]]:
    children: list[Child] = []
    yield children
    for child in children:
        child.kill()


def _child(
    children: list[Child], said: list[str], code: str, *arguments: str, watched: bool = False
) -> Child:
    service = Service("test", [sys.executable, "-c", code, *arguments], watched=watched)
    children.append(Child(service, said.append))
    return children[-1]


def _pid(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


def test_a_child_that_ends_comes_back_later_each_time(
    children: list[Child], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "WAITS", (0.1, 0.2))
    child = _child(children, said, "raise SystemExit(3)")

    def three_times() -> bool:
        child.look()
        return len(said) == 3

    wait_until(three_times)
    assert said[0] == "The test process ended (status 3). It is started again in 0.1 s."
    assert [line.rpartition("in ")[2] for line in said] == ["0.1 s.", "0.2 s.", "0.2 s."]


def test_a_killed_child_is_named_by_its_signal(children: list[Child], said: list[str]) -> None:
    child = _child(children, said, "import time; time.sleep(60)")
    child.look()
    os.kill(_pid(child), signal.SIGKILL)

    def noticed() -> bool:
        child.look()
        return bool(said)

    wait_until(noticed)
    assert "ended (SIGKILL)" in said[0]


def test_what_a_child_leaves_behind_is_killed_with_it(
    children: list[Child], said: list[str], tmp_path: Path
) -> None:
    left = tmp_path / "pid"
    child = _child(children, said, LEAVES_A_CHILD.format(seconds=0), str(left))
    child.look()
    wait_until(child.ended)
    wait_until(lambda: not alive(int(left.read_text())), 5)


def test_a_child_that_stands_still_is_killed(
    children: list[Child], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "NEXT_PULSE", 0.5)
    child = _child(children, said, PULSES, watched=True)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        child.look()
        time.sleep(0.05)
    assert child.last_pulse is not None
    assert not said
    first = _pid(child)
    os.kill(first, signal.SIGSTOP)

    def noticed() -> bool:
        child.look()
        return bool(said)

    wait_until(noticed)
    assert "stood still and was killed" in said[0]
    wait_until(lambda: not alive(first), 5)


def test_a_child_that_never_shows_life_is_killed(
    children: list[Child], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PULSE", 0.3)
    child = _child(children, said, "import time; time.sleep(60)", watched=True)

    def noticed() -> bool:
        child.look()
        return bool(said)

    wait_until(noticed)
    assert "stood still" in said[0]


@pytest.mark.parametrize(("requests", "status"), [(1, 0), (2, 0)])
def test_a_second_request_to_stop_kills_at_once(tmp_path: Path, requests: int, status: int) -> None:
    """The first waits for the child (here in vain, so only for a while)."""
    ready = tmp_path / "ready"
    code = IGNORES if requests == 2 else LEAVES_A_CHILD.format(seconds=60)
    process = subprocess.Popen([sys.executable, "-c", SUPERVISES, code, str(ready)], start_new_session=True)
    wait_until(lambda: ready.exists() and ready.read_text())
    for number in range(requests):
        time.sleep(0.5 * number)
        process.send_signal(signal.SIGINT)
    assert process.wait(10) == status


def test_a_killed_supervisor_takes_its_children_with_it(tmp_path: Path) -> None:
    """And theirs, where they have asked for it: see ``jitportal.worker.parent_death``."""
    asks = (
        "import os, sys, time\n"
        "from jitportal.worker import parent_death\n"
        "parent_death.end_with_supervisor()\n"
        "parent_death.end_children_with_this_process()\n"
        "child = os.fork()\n"
        "if child: open(sys.argv[1], 'w').write(f'{os.getpid()} {child}')\n"
        "time.sleep(60)\n"
    )
    pids = tmp_path / "pids"
    process = subprocess.Popen([sys.executable, "-c", SUPERVISES, asks, str(pids)])
    wait_until(lambda: pids.exists() and pids.read_text())
    family = [int(pid) for pid in pids.read_text().split()]
    process.kill()
    process.wait()
    wait_until(lambda: not [pid for pid in family if alive(pid)], 5)
