"""The check: what it finds wrong with a server, and that it says what to do."""

from __future__ import annotations

import hashlib
import re
import shlex
from datetime import timedelta

import psycopg
import pytest

from jitportal.connectors.base import RoleOnTarget
from jitportal.connectors.postgres.checkup import SCRIPT_VERSION
from jitportal.management.target_scripts import script
from jitportal.rules.vocabulary import Enforcement, Pathway
from tests.connectors.postgres_target import PASSWORD, PostgresTarget, now


def test_a_server_without_a_sweep_is_well_when_none_is_promised(target: PostgresTarget) -> None:
    target.role()
    health = target.connector().check(portal_now=now)
    assert (health.usable, health.expiry_armed, health.problems) == (True, False, ())
    assert health.skew is not None
    assert abs(health.skew) < timedelta(milliseconds=100)


def test_a_promised_sweep_that_is_not_there_is_a_problem(target: PostgresTarget) -> None:
    health = target.connector(expiry="pg_cron").check(portal_now=now)
    assert not health.expiry_armed
    assert "pg_cron is not in the database" in " ".join(health.problems)


def test_a_server_with_the_script_of_before_is_told_to_run_it_again(target: PostgresTarget) -> None:
    target.run("CREATE OR REPLACE FUNCTION jit.version() RETURNS integer LANGUAGE sql AS 'SELECT 2'")
    try:
        health = target.connector().check(portal_now=now)
    finally:
        target.run("CREATE OR REPLACE FUNCTION jit.version() RETURNS integer LANGUAGE sql AS 'SELECT 3'")
    assert not health.rights
    assert "run the script of `manage.py target_script postgres` again" in " ".join(health.problems)
    assert target.connector().check(portal_now=now).rights


def test_whoever_changes_the_script_raises_its_version() -> None:
    """What operators must run again is told to them by its version alone; comments change nothing."""
    steps = re.sub(r"^\s*--.*\n|\s+(?=\n)", "", script("postgres"), flags=re.MULTILINE)
    assert (SCRIPT_VERSION, hashlib.sha256(steps.encode()).hexdigest()[:16]) == (3, "1d064775b7b2c79e")


@pytest.mark.parametrize(("seconds", "word"), [(5.0, "behind"), (-5.0, "ahead")])
def test_a_clock_that_is_off_is_measured_and_refused(
    target: PostgresTarget, seconds: float, word: str
) -> None:
    health = target.connector().check(portal_now=lambda: now() + timedelta(seconds=seconds))
    assert health.skew is not None
    assert health.skew.total_seconds() == pytest.approx(-seconds, abs=0.1)
    assert not health.usable
    assert any(word in problem for problem in health.problems)


def test_rights_that_the_portal_does_not_need_are_a_problem(target: PostgresTarget) -> None:
    target.run("GRANT pg_read_all_data TO {}", target.portal)
    target.run("ALTER ROLE {} CREATEROLE", target.portal)
    try:
        problems = " ".join(target.connector().check(portal_now=now).problems)
    finally:
        target.run("REVOKE pg_read_all_data FROM {}", target.portal)
        target.run("ALTER ROLE {} NOCREATEROLE", target.portal)
    assert "pg_read_all_data" in problems
    assert "NOCREATEROLE" in problems


def test_a_server_where_nothing_may_be_given_says_what_to_run(target: PostgresTarget) -> None:
    with target.superuser.transaction():
        target.superuser.execute("CREATE TABLE kept AS SELECT * FROM jit.managed_role")
        target.superuser.execute("DELETE FROM jit.managed_role")
    try:
        health = target.connector().check(portal_now=now)
    finally:
        target.superuser.execute("INSERT INTO jit.managed_role SELECT * FROM kept ON CONFLICT DO NOTHING")
        target.superuser.execute("DROP TABLE kept")
    assert any("jit.manage_role" in problem for problem in health.problems)


def test_the_plan_follows_from_the_settings(target: PostgresTarget) -> None:
    def plan(*, dynamic: bool, expiry: str = "none") -> tuple[Enforcement, timedelta | None]:
        role = RoleOnTarget("writer", Pathway.JIT, dynamic_login=dynamic)
        found = target.connector(expiry=expiry).plan(role)
        return found.enforcement, found.longest_residual

    assert plan(dynamic=False) == (Enforcement.PORTAL_ONLY, None)
    assert plan(dynamic=True) == (Enforcement.TARGET_REFUSES, None)
    for dynamic in (False, True):
        cuts = plan(dynamic=dynamic, expiry="pg_cron")
        assert cuts == (Enforcement.TARGET_CUTS, timedelta(seconds=3))


def test_instructions_are_a_command_to_copy(target: PostgresTarget) -> None:
    connector = target.connector(databases="orders, billing")
    order = target.order("o'brien smith", 'odd "role"')
    (line,) = connector.instructions(order).splitlines()
    assert line.startswith("psql 'host=127.0.0.1 ")
    assert "dbname=orders" in line
    scoped = target.order("ada", "writer", database="billing")
    assert "dbname=billing user=ada" in connector.instructions(scoped)


def test_the_command_to_copy_sets_the_role_whatever_it_is_called(target: PostgresTarget) -> None:
    role, login = target.role(target.name('odd "role" \\ name')), target.login()
    target.run("GRANT {} TO {}", role, login)
    command = target.connector().instructions(target.order(login, role))
    with psycopg.connect(shlex.split(command)[1], password=PASSWORD) as session:
        assert session.execute("SELECT current_user, session_user").fetchone() == (role, login)
