-- jitportal: what a PostgreSQL server needs to give access for a while, and to end it by itself.
--
-- Read it, then run it as a superuser in ONE database of the server, the one that pg_cron lives in
-- (cron.database_name, as a rule "postgres"). Running it again is how it is upgraded.
--
--     psql -d postgres -v portal=jitportal -v prefix=jit -f install.sql
--
--   portal   the portal's login; made here, without a password, where there is none (default jitportal)
--   prefix   what every handle (jit-12) and every dynamic login (jit_anna_12) of this portal begins
--            with: its JITPORTAL_INSTANCE (default jit)
--
-- It makes the schema jit; the roles jit_definer (owns the functions; nobody can log in as it),
-- jit_dynamic (every dynamic login is a member, for pg_hba.conf) and jit_remains (owns what ended
-- logins leave behind; has no right), jit_log_reader (owns the one function that reads the server's log,
-- for recorded sessions and for sign-ins); and, where pg_cron is installed, the jobs "jit sweep" and
-- "jit sweep at start". The portal's login may execute eleven functions and nothing else.
--
-- Nothing can be granted yet. For each role that the portal may give, a superuser then says
--
--     SELECT jit.manage_role('app_writer', '8 hours');
--     SELECT jit.manage_role('app_reader', '8 hours', dynamic => true);

\set ON_ERROR_STOP on
\if :{?portal}
\else
  \set portal jitportal
\endif
\if :{?prefix}
\else
  \set prefix jit
\endif

BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
SELECT set_config('jit.install_prefix', :'prefix', true) AS "jit: installing, with the prefix";

\ir sql/roles.sql
\ir sql/tables.sql
\ir sql/limits.sql
\ir sql/granting.sql
\ir sql/ending.sql
\ir sql/sessions.sql
\ir sql/dynamic_logins.sql
\ir sql/looking.sql
\ir sql/recording.sql
\ir sql/sweep.sql
\ir sql/rights.sql
COMMIT;

\ir sql/schedule.sql
