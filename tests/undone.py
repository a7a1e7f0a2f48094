"""What happens inside is undone: the test database is left as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def undone() -> Iterator[None]:
    """A transaction, or a savepoint in one, that is always rolled back.

    Round a module's world it makes the world once, and not for each test: a test's own transaction is a
    savepoint in it.
    """
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
