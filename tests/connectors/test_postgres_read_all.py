"""Roles that read everything: what that reaches besides the data, on a real server with pg_cron."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.connectors.answers import granted, refused
from tests.connectors.postgres_target import PostgresTarget

SCHEDULE = "SELECT cron.schedule('mine', '* * * * *', 'SELECT pg_sleep(100000)')"


@contextmanager
def cron_closed(target: PostgresTarget) -> Iterator[None]:
    """As the refusal advises the operator."""
    target.run("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cron FROM PUBLIC")
    try:
        yield
    finally:
        target.run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cron TO PUBLIC")


def manage(target: PostgresTarget, role: str) -> list[str]:
    """Have the role managed; the warnings."""
    said: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        said.append(diagnostic.message_primary or "")

    target.superuser.add_notice_handler(note)
    try:
        target.superuser.execute("SELECT jit.manage_role(%s, '1 hour', true)", [role])
    finally:
        target.superuser.remove_notice_handler(note)
    return said


def test_a_role_whose_holder_could_schedule_jobs_is_never_given(armed_target: PostgresTarget) -> None:
    """Five jobs that sleep keep the sweep from starting again, and then nothing ends by itself."""
    role = armed_target.role()
    order = armed_target.order(armed_target.login(), role)
    armed_target.run("GRANT pg_read_all_data TO {}", role)  # USAGE on every schema, pg_cron's too
    assert "schedule jobs with pg_cron" in refused(armed_target.connector(), order).message
    with pytest.raises(psycopg.errors.RaiseException, match="schedule jobs with pg_cron"):
        manage(armed_target, role)


def test_where_nobody_else_may_schedule_it_is_given_with_a_warning(armed_target: PostgresTarget) -> None:
    role = armed_target.role()
    armed_target.run("GRANT pg_read_all_data TO {}", role)
    with cron_closed(armed_target):
        assert any("hashes of all passwords" in warning for warning in manage(armed_target, role))
        order = armed_target.order(armed_target.login(), role)
        granted(armed_target.connector(), order)
        session = armed_target.session(order.account, role=role)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(SCHEDULE)
        armed_target.connector().revoke([order])


def test_a_role_that_reads_md5_hashes_is_not_managed(target: PostgresTarget) -> None:
    """An md5 hash logs in as its owner: whoever reads the superuser's is one."""
    role, login = target.role(), target.login()
    target.run("GRANT pg_read_all_data TO {}", role)
    target.run("SET password_encryption = 'md5'")
    target.run("ALTER ROLE {} PASSWORD 'old'", login)
    with pytest.raises(psycopg.errors.RaiseException, match="md5 hash logs in as its owner"):
        manage(target, role)
    target.run("DROP ROLE {}", login)
    assert any("hashes of all passwords" in warning for warning in manage(target, role))
