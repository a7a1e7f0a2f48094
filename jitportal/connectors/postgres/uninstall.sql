-- jitportal: take away what install.sql made. Every access given through the portal ends with it.
--
-- Read it, then run it as a superuser in the database where install.sql was run:
--
--     psql -d postgres -f uninstall.sql
--
-- The portal's login stays: DROP ROLE it afterwards. A dynamic login that owns something stays
-- disabled; the script names it.

\set ON_ERROR_STOP on

SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') AS has_cron \gset
\if :has_cron
  SELECT cron.unschedule(jobid) IS NOT NULL AS "jit: job removed" FROM cron.job
   WHERE jobname IN ('jit sweep', 'jit sweep at start');
\endif

-- Authority first, and committed; then the sessions; then the logins.
SET search_path = pg_catalog, pg_temp;
UPDATE jit.lease SET expires_at = clock_timestamp() WHERE removed_at IS NULL;
SELECT sum(jit.end_due(role)) AS "jit: leases ended" FROM (SELECT jit.due_roles() AS role) AS due;
SELECT jit.cut_ended() AS "jit: still to be cut";
SELECT pg_sleep(1);
SELECT jit.cut_ended() AS "jit: still to be cut";
UPDATE jit.lease SET retry_at = NULL WHERE dynamic AND removed_at IS NOT NULL AND dropped_at IS NULL;
SELECT jit.drop_ended();
SELECT problem AS "jit: stays behind" FROM jit.lease WHERE problem IS NOT NULL;
DO $$
BEGIN
  IF EXISTS (SELECT FROM jit.lease WHERE removed_at IS NULL) THEN
    RAISE 'Not every lease could be ended: look at SELECT * FROM jit.lease, and run this again.';
  END IF;
END $$;

BEGIN;
DROP SCHEMA jit CASCADE;
DROP OWNED BY jit_definer;
DROP ROLE jit_definer;
DROP OWNED BY jit_log_reader;
DROP ROLE jit_log_reader;
COMMIT;
\echo 'jit: removed. jit_dynamic and jit_remains stay while something is theirs; else DROP ROLE them.'
