"""The queue on Redis: tasks may be lost with it, and the work isn't."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django_q.models import OrmQ

from jitportal.models import Grant
from jitportal.operations import grants
from jitportal.rules.vocabulary import GrantStatus
from tests.operations import world
from tests.worker.processes import Worker, free_port, wait_until

pytestmark = [
    pytest.mark.usefixtures("shared_portal"),
    pytest.mark.skipif(
        not shutil.which("redis-server"), reason="Redis is not installed (on Debian: redis-server)."
    ),
]


class Redis:
    """A private server, without a file to keep anything in."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        wait_until(self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def worker(queue: Redis, database_url: str, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(database_url, tmp_path)
    worker.environment["JITPORTAL_REDIS_URL"] = f"redis://127.0.0.1:{queue.port}/0"
    worker.start()
    yield worker
    worker.end()


def _is(grant: Grant, status: GrantStatus) -> bool:
    return Grant.objects.get(pk=grant.pk).status == status


def test_gives_and_takes_with_a_queue_that_dies_meanwhile(queue: Redis, worker: Worker) -> None:
    grant = world.granted("rita", "operator")
    wait_until(lambda: _is(grant, GrantStatus.ACTIVE), 20)
    queue.kill()
    grants.hand_back(actor=world.person("rita"), grant=grant)
    other = world.granted("remy", "operator")
    time.sleep(3)
    assert _is(other, GrantStatus.PROVISIONING)
    queue.start()
    wait_until(lambda: _is(grant, GrantStatus.ENDED) and _is(other, GrantStatus.ACTIVE), 60)
    assert "The pulse could not do a step" in worker.log_text()
    assert OrmQ.objects.exists()  # this process's own hints, which nobody reads
