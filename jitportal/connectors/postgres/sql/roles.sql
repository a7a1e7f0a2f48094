-- The roles. Nobody can log in as the four, and no function hands them out.

DO $$
DECLARE
  squatter text;
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RAISE 'Run this script as a superuser: it makes roles and functions that hold rights.';
  END IF;
  IF current_setting('server_version_num')::int < 140000 THEN
    RAISE 'PostgreSQL 14 or later is needed; this is %.', current_setting('server_version');
  END IF;
  IF current_setting('jit.install_prefix') !~ '^[a-z0-9]{1,12}$' THEN
    RAISE 'The prefix must be 1 to 12 small letters and digits: the portal''s JITPORTAL_INSTANCE.';
  END IF;
  -- A schema or a role that somebody else made before us would hand them what it is given here.
  IF EXISTS (SELECT FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
             WHERE n.nspname = 'jit' AND NOT r.rolsuper) THEN
    RAISE 'A schema jit that no superuser owns exists already. Look at it, and drop or rename it.';
  END IF;
  SELECT string_agg(format('%s is a member of %s', m.member::regrole, m.roleid::regrole), ', ') INTO squatter
    FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
   WHERE r.rolname = 'jit_definer';
  IF squatter IS NOT NULL THEN
    RAISE 'Nobody may be a member of jit_definer, but %: revoke that first.', squatter;
  END IF;
END $$;

SELECT format('CREATE ROLE %I NOLOGIN', name)
  FROM unnest(ARRAY['jit_definer', 'jit_dynamic', 'jit_remains', 'jit_log_reader']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
SELECT format('CREATE ROLE %I LOGIN', :'portal')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'portal') \gexec

-- CREATEROLE makes and drops the dynamic logins. On 15 and earlier it could also grant any role
-- but a superuser's: the functions below are what limits it, and nobody becomes jit_definer.
ALTER ROLE jit_definer NOLOGIN CREATEROLE INHERIT NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS;
ALTER ROLE jit_dynamic NOLOGIN NOCREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS;
ALTER ROLE jit_remains NOLOGIN NOCREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS;
ALTER ROLE jit_log_reader NOLOGIN NOCREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS;
GRANT pg_signal_backend, pg_read_all_stats TO jit_definer;

-- For recorded sessions: what jit_definer's logins log, and who reads it. jit_log_reader owns one function;
-- without pg_read_server_files it reaches the server's own directories alone.
SELECT 'GRANT SET ON PARAMETER log_statement TO jit_definer'
 WHERE current_setting('server_version_num')::int >= 150000 \gexec
GRANT pg_read_all_settings TO jit_log_reader;
GRANT EXECUTE ON FUNCTION pg_ls_logdir(), pg_read_binary_file(text, bigint, bigint) TO jit_log_reader;

-- From 16 on CREATEROLE needs the admin option on what it grants.
SELECT 'GRANT jit_dynamic TO jit_definer WITH ADMIN TRUE, INHERIT FALSE, SET FALSE'
 WHERE current_setting('server_version_num')::int >= 160000 \gexec
