"""A page that waits for a target leaves others their threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.conf import settings

from jitportal.rules.errors import OutsideError
from jitportal.web import waiting


def test_half_of_the_threads_wait_and_the_next_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "TURN", 0.05)
    half = settings.WEB_THREADS // 2
    started, answered = Barrier(half + 1), Event()

    def page() -> None:
        with waiting.waits_for_target():
            started.wait(timeout=10)
            assert answered.wait(timeout=10)

    with ThreadPoolExecutor(half) as pool:
        pages = [pool.submit(page) for _ in range(half)]
        started.wait(timeout=10)
        with pytest.raises(OutsideError, match="Try again"), waiting.waits_for_target():
            pytest.fail("more than half of the threads wait")
        answered.set()
        for done in pages:
            done.result(timeout=10)
    with waiting.waits_for_target():
        pass


def test_a_failure_gives_its_turn_back() -> None:
    for _ in range(settings.WEB_THREADS):
        with pytest.raises(ZeroDivisionError), waiting.waits_for_target():
            _ = 1 / 0
