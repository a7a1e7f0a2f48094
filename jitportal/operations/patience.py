"""Waiting for what is outside for so long, and no longer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooSlow
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """What the work gives, or whatever it raises; ``TimeoutError`` where it isn't done in time.

    A server that sends a byte now and then satisfies every time-out of a socket, and a name server that
    is silent has none. So the work is done in a thread that is left behind: it ends when its own
    time-outs allow, and never holds the process up. It must not touch the database.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again below, where somebody waits for it
            done.set_exception(error)

    Thread(target=run, name="outside", daemon=True).start()
    try:
        return done.result(timeout=seconds)
    except TooSlow:
        if done.done():
            raise  # the work's own TimeoutError
        raise TimeoutError(f"No answer within {seconds:g} seconds.") from None
