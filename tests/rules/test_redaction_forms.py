"""Secrets are gone in whatever form the language lets them be written, and what was done stays readable."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitportal.rules.redaction import redact

SECRET = "hunter2-Xq9"
BARE = "hunter2Xq9"


@pytest.mark.parametrize(
    "statement",
    [
        f"ALTER ROLE rita PASSWORD /* his */ '{SECRET}'",
        f"ALTER ROLE rita PASSWORD -- his\n '{SECRET}'",
        f"ALTER ROLE rita PASSWORD /* a /* nested */ one */ E'\\x41{SECRET}'",
        f"ALTER ROLE rita PASSWORD U&'\\0041{SECRET}'",
        f"ALTER ROLE rita PASSWORD U&'!0041{SECRET}' UESCAPE '!'",
        f"ALTER ROLE rita PASSWORD 'one'\n '{SECRET}'",
        f"ALTER ROLE rita PASSWORD 'one' -- and\n'two' \n\n'{SECRET}'",
        f"ALTER ROLE rita PASSWORD '\\' {SECRET}'",  # where backslashes escape
        f"SELECT set_config('my.thing', '{SECRET}', false)",
        f"SELECT x, E'my.p\\x61ss', '{SECRET}'",
        f"SELECT x, 'my.pass' || 'word', '{SECRET}'",
        f"SET my.secret TO {BARE}",
        f"ALTER DATABASE orders SET my.token = {BARE}",
        f'SET SESSION my.token = "{SECRET}"',
        f"UPDATE people SET U&\"p\\0061ss\" = '{SECRET}'",
        f"CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'db', apikey '{SECRET}')",
        f"ALTER USER MAPPING FOR rita SERVER s OPTIONS (SET user 'r', SET password /**/ '{SECRET}')",
        f"SELECT * FROM dblink('host=db user=rita password=''a {SECRET}''', 'SELECT 1') AS t(a int)",
        f"SELECT * FROM link('host=db password = ab''{SECRET} sslmode=require')",
        f"SELECT * FROM link('host=db password=''a\\''b {SECRET}'' sslmode=require')",
        f"SELECT link('postgresql://rita:p@ss:{SECRET}@db/orders')",
        f"SELECT link('postgresql://db/orders?user=rita&password={SECRET}')",
        f"COPY t FROM PROGRAM 'PGPASSWORD={SECRET} psql -h db'",
        f"COPY t FROM PROGRAM 'PGPASSWORD=\"a {SECRET}\" psql -h db'",
        f"COPY t FROM PROGRAM 'mysql -u root -p{SECRET} orders'",
        f"COPY t FROM PROGRAM 'curl --user rita:{SECRET} https://x'",
        f"COPY t FROM PROGRAM 'vault login --token {SECRET}'",
        f'SELECT \'{{"user": "rita", "client_secret": "{SECRET}"}}\'::jsonb',
        f"DO $$ BEGIN ALTER ROLE rita PASSWORD '{SECRET}'; END $$",
        f"DO LANGUAGE plpgsql 'BEGIN EXECUTE ''ALTER ROLE rita PASSWORD ''''{SECRET}''''''; END'",
        f"DO $a$ BEGIN EXECUTE $b$ALTER ROLE rita PASSWORD '{SECRET}'$b$; END $a$",
        f"DO $$ BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', 'rita', '{SECRET}'); END $$",
        f"DO $$ BEGIN EXECUTE 'ALTER ROLE rita PASS' || 'WORD ' || quote_literal('{SECRET}'); END $$",
        f"CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ''{SECRET}'' AS password'",
        f"EXECUTE new_person('rita', '{SECRET}')",
        f"ALTER ROLE rita PASSWORD 'x' /* was {SECRET} */",
        f"SELECT 1 -- password: {SECRET}",
        f"SELECT 1 /* postgres://rita:{SECRET}@db */",
    ],
)
def test_the_secret_is_gone(statement: str) -> None:
    kept = redact(statement)
    assert SECRET not in kept
    assert BARE not in kept
    assert "[redacted]" in kept


@pytest.mark.parametrize(
    "statement",
    [
        "DO $$ BEGIN DELETE FROM orders WHERE name = 'rita'; DROP TABLE passwords; END $$",
        "SELECT 'it''s', E'a\\'b', $x$ y $x$ -- why\n, U&'\\0041', \"a \"\" b\"",
        "ALTER TABLE tokens OWNER TO rita",
        "SELECT $1, a$b, c FROM t WHERE d = 'https://example.com/a?b=c'",
        "SELECT * FROM a JOIN b ON a.token_id = b.token_id",
    ],
)
def test_the_rest_stays_as_it_was(statement: str) -> None:
    assert redact(statement) == statement


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        (
            f"DO $$ BEGIN DELETE FROM t WHERE n = 'rita'; ALTER ROLE rita PASSWORD '{SECRET}'; END $$",
            "DO $$ BEGIN DELETE FROM t WHERE n = 'rita'; ALTER ROLE rita PASSWORD '[redacted]'; END $$",
        ),
        (
            f"COPY t FROM PROGRAM 'PGPASSWORD={SECRET} psql -c ''DROP TABLE t'' db'",
            "COPY t FROM PROGRAM 'PGPASSWORD=[redacted] psql -c [redacted] db'",
        ),
        (
            f"SELECT link('postgres://rita:{SECRET}@db/orders'), 'and ''that'''",
            "SELECT link('postgres://rita:[redacted]@db/orders'), 'and ''that'''",
        ),
        (
            f"UPDATE t SET a = 'x', password = '{SECRET}'; DELETE FROM t WHERE a = 'x'",
            "UPDATE t SET a = '[redacted]', password = '[redacted]'; DELETE FROM t WHERE a = 'x'",
        ),
    ],
)
def test_what_was_done_stays_readable_around_it(statement: str, kept: str) -> None:
    assert redact(statement) == kept


# A secret is planted in a statement as its writer would, in any of the language's quotes, among anything.

secrets = st.text("abcXYZ019'\"\\$@:;,/&=() -*żà\n", max_size=12).map(lambda text: f"hunt{text}er2")
spaces = st.lists(
    st.sampled_from([" ", "\n", "\t", "/* then */", "/* /* 'a */ b' */", "-- it's\n", "--\n"]), max_size=4
).map(lambda found: f" {''.join(found)} ")


def plain(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def conninfo(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def escaped(text: str) -> str:
    return f"E{conninfo(text)}"


def dollars(text: str) -> str:
    return f"$q9${text}$q9$"


def in_unicode(text: str) -> str:
    return f"U&{plain(text.replace(chr(92), 2 * chr(92)))}"


def continued(text: str) -> str:
    return f"'not it' -- more\n {plain(text)}"


Writing = Callable[[str], str]
quotings = st.sampled_from([plain, escaped, dollars, in_unicode, continued])
wrappings = st.sampled_from(
    [
        str,
        lambda text: f"SELECT 1; {text}; SELECT 'x'",
        lambda text: f"/* 'one */ {text} -- 'end",
        lambda text: f"DO $w7$ BEGIN {text}; END $w7$",
        lambda text: f"DO {plain(f'BEGIN {text}; END')}",
        lambda text: f"DO $w7$ BEGIN EXECUTE {plain(text)}; END $w7$",
        lambda text: f"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS {escaped(text)}",
    ]
)
SETTINGS = settings(max_examples=15, deadline=None)


@pytest.mark.parametrize(
    "template",
    [
        "ALTER ROLE rita{s}PASSWORD{s}{q}{s}VALID UNTIL 'infinity'",
        "CREATE USER rita WITH ENCRYPTED{s}PASSWORD{s}{q}",
        "UPDATE people SET name = 'x',{s}password_hash{s}={s}{q} WHERE id = 1",
        "INSERT INTO people (name, api_key){s}VALUES ('x',{s}{q}), ('y',{s}'z')",
        "SELECT set_config('app.jwt_secret',{s}{q}, false)",
        "SET my.token{s}TO{s}{q}",
        "CREATE USER MAPPING FOR rita SERVER s OPTIONS (user 'rita',{s}password{s}{q})",
        "SELECT dblink_connect({q})",
        "SELECT crypt({s}{q}, gen_salt('bf'))",
        "SELECT login('rita', token{s}=>{s}{q})",
        "SELECT{s}{q}::text AS password",
    ],
)
@given(secret=secrets, between=spaces, quoting=quotings, wrapping=wrappings)
@SETTINGS
def test_a_planted_secret_never_survives(
    template: str, secret: str, between: str, quoting: Writing, wrapping: Writing
) -> None:
    kept = redact(wrapping(template.format(s=between, q=quoting(secret))))
    assert "hunt" not in kept
    assert "er2" not in kept


@pytest.mark.parametrize(
    "template",
    ["host=db password={c} sslmode=require", "password = {c}", "user=rita sslpassword={c}"],
)
@given(secret=secrets, quoting=quotings, wrapping=wrappings)
@SETTINGS
def test_nor_does_one_in_a_connection_string(
    template: str, secret: str, quoting: Writing, wrapping: Writing
) -> None:
    kept = redact(wrapping(f"SELECT link({quoting(template.format(c=conninfo(secret)))})"))
    assert "hunt" not in kept
    assert "er2" not in kept


PIECES = (
    *("password ", "'", "$a$", "insert into t(", "secret=", "://", "\\", "\\'", "/*", "*/", "--", "$$", ";"),
    *('"', "E'", "U&'", "$a$$b$", "mysql -p", "-u :", "bearer ", "://b:@", "do $$", "eyJaaaaaaaa.", "secret"),
    *("-----BEGIN PRIVATE KEY-----", "mysql ", " a", "set token to a ", "AS '", "''"),
)


@pytest.mark.proof
@pytest.mark.parametrize("piece", PIECES)
def test_a_hostile_statement_takes_no_time_wherever_it_stands(piece: str) -> None:
    text = piece * (50_000 // len(piece))
    begun = time.monotonic()
    for hostile in (
        text,
        f"SELECT '{text}",
        f"SELECT $z$ mysql {text} $z$",
        f"DO $z$ {text} $z$",
        f"-- {text}",
    ):
        redact(hostile)
    assert time.monotonic() - begun < 10
