"""Settings from the environment: each error names its variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from jitportal.environment import Channel, Environment


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


def _channels(**said: str) -> dict[str, Channel]:
    env = Environment({f"JITPORTAL_{name}": value for name, value in said.items()})
    return env.channels(env.words("CHANNELS"), env.words("CHANNELS_FOR_PEOPLE"))


def test_channels_have_names_and_addresses_that_nobody_is_shown(tmp_path: Path) -> None:
    secret = tmp_path / "room"
    secret.write_text("slack://token/room\n")
    found = _channels(
        CHANNELS="dba-room, direct, all",
        CHANNEL_DBA_ROOM_FILE=str(secret),
        CHANNEL_DIRECT="json://chat.test/{username}",
        CHANNEL_ALL="json://chat.test/all",
        CHANNELS_FOR_PEOPLE="all",
    )
    assert found["dba-room"].address == "slack://token/room"
    assert {name for name, channel in found.items() if channel.for_people} == {"direct", "all"}
    assert {name for name, channel in found.items() if channel.personal} == {"direct"}
    assert "token" not in repr(found)
    assert _channels() == {}


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"CHANNELS": "dba-room"}, "JITPORTAL_CHANNEL_DBA_ROOM .* must hold the address of channel dba-room"),
        ({"CHANNELS": "x", "CHANNEL_X": "token-1"}, "JITPORTAL_CHANNEL_X"),
        ({"CHANNELS": "mail", "CHANNEL_MAIL": "json://x"}, "'mail' can't be a channel's name"),
        ({"CHANNELS": "The Room"}, "'The Room' can't be a channel's name"),
        (
            {"CHANNELS_FOR_PEOPLE": "all"},
            "JITPORTAL_CHANNELS_FOR_PEOPLE names all, and JITPORTAL_CHANNELS doesn't",
        ),
    ],
)
def test_a_wrong_channel_is_named_without_its_address(said: dict[str, str], says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=says) as refusal:
        _channels(**said)
    assert "token" not in str(refusal.value)
