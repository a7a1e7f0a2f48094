"""The settings of a PostgreSQL target, as a policy gives them."""

from __future__ import annotations

import pytest

from jitportal.connectors.base import TargetError, TargetSettings
from jitportal.connectors.postgres.connector import PostgresConnector
from jitportal.connectors.postgres.settings import read_settings


def settings(**values: str) -> TargetSettings:
    return TargetSettings("orders-db", values, str)


def test_only_the_host_is_needed() -> None:
    found = read_settings(settings(host="db.example.org"))
    assert (found.port, found.user, found.database) == (5432, "jitportal", "postgres")
    assert found.databases == ("postgres",)
    assert found.expiry == "none"


def test_the_server_is_verified_unless_it_is_on_this_machine() -> None:
    far = read_settings(settings(host="db.example.org"))
    assert (far.sslmode, far.sslrootcert) == ("verify-full", "system")
    for host in ("127.0.0.1", "localhost", "/var/run/postgresql"):
        assert read_settings(settings(host=host)).sslmode == "prefer"


def test_databases_are_a_list() -> None:
    found = read_settings(settings(host="db", databases=" orders, billing,orders ,"))
    assert found.databases == ("orders", "billing")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ["host"]),
        ({"host": "a,b"}, ["host"]),
        ({"host": "db", "port": "0"}, ["port", "“0”"]),
        ({"host": "db", "port": "\uff16"}, ["port"]),
        ({"host": "db", "port": "many", "colour": "red"}, ["port", "colour"]),
        ({"host": "db", "sslmode": "off"}, ["sslmode", "verify-full"]),
        ({"host": "db", "sslmode": "verify-ca"}, ["sslrootcert"]),
        ({"host": "db", "expiry": "cron"}, ["expiry", "pg_cron or none"]),
        ({"host": "db", "user": "x" * 64}, ["63 bytes"]),
        ({"host": "db", "databases": "a,nul\0"}, ["63 bytes"]),
    ],
)
def test_everything_wrong_is_said_at_once(values: dict[str, str], words: list[str]) -> None:
    with pytest.raises(TargetError) as refused:
        PostgresConnector(settings(**values))
    assert refused.value.permanent
    for word in ["orders-db", *words]:
        assert word in str(refused.value)


def test_a_missing_secret_is_said_by_the_operator_s_own_words() -> None:
    def secrets(name: str) -> str:
        raise TargetError(f"Set {name} for the worker.", permanent=True)

    connector = PostgresConnector(
        TargetSettings("db", {"host": "127.0.0.1", "password_secret": "DB_PASSWORD"}, secrets)
    )
    with pytest.raises(TargetError, match="Set DB_PASSWORD"):
        connector.holders()
