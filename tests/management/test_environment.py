"""Settings from the environment: each error names its variable."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from jitportal.environment import Environment


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("", ""),
        ("redis://queue:6379/0", "redis://queue:6379/0?socket_connect_timeout=2&socket_timeout=5"),
        (
            "rediss://:p%40ss@queue/1?socket_timeout=9",
            "rediss://:p%40ss@queue/1?socket_connect_timeout=2&socket_timeout=9",
        ),
        ("unix:///run/redis.sock", "unix:///run/redis.sock?socket_connect_timeout=2&socket_timeout=5"),
    ],
)
def test_redis_never_waits_for_ever(said: str, read: str) -> None:
    assert Environment({"JITPORTAL_REDIS_URL": said}).redis() == read


def test_a_wrong_redis_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="JITPORTAL_REDIS_URL must begin with redis://"):
        Environment({"JITPORTAL_REDIS_URL": "queue:6379"}).redis()
