"""A real worker on this test's database."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.operations import world
from tests.worker.processes import Worker

StartWorker = Callable[..., Worker]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes are watched through /proc, and end with their parent on Linux alone."""
    if sys.platform == "linux":
        return
    for item in items:
        if "start_worker" in getattr(item, "fixturenames", []):
            item.add_marker(pytest.mark.skip(reason="The worker's processes are watched on Linux alone."))


@pytest.fixture
def shared_portal(transactional_db: None) -> None:
    """The cast, their teams and the first policy, committed: other processes see them."""
    world.settle()


@pytest.fixture
def start_worker(database_url: str, tmp_path: Path) -> Iterator[StartWorker]:
    """Starts a worker; several share the test's folder and log."""
    workers: list[Worker] = []

    def start(*, supervised: bool = True) -> Worker:
        worker = Worker(database_url, tmp_path, supervised=supervised)
        workers.append(worker)
        worker.start()
        return worker

    yield start
    for worker in workers:
        worker.end()
