-- Arm the sweep, where pg_cron is in this database.

SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') AS has_cron \gset
\if :has_cron
  -- Only those of another superuser: replacing one's own in place doesn't interrupt the run.
  SELECT cron.unschedule(jobid) IS NOT NULL AS "jit: replaced a job" FROM cron.job
   WHERE jobname IN ('jit sweep', 'jit sweep at start') AND username <> current_user;
  -- The run lasts ten minutes: the starts that pg_cron missed meanwhile make the next begin at once.
  SELECT cron.schedule('jit sweep', '* * * * *', 'CALL jit.run_sweep()') IS NOT NULL AS "jit: sweep scheduled";
  SELECT cron.schedule('jit sweep at start', '@reboot', 'CALL jit.run_sweep(''70 seconds'')') IS NOT NULL
      AS "jit: and at the server's start";
  \echo 'jit: installed. The sweep begins within a minute; the portal''s check says when it runs.'
\else
  \echo 'jit: installed WITHOUT pg_cron in this database: access ends only while the portal runs.'
  \echo 'jit: install pg_cron, CREATE EXTENSION pg_cron here, and run this script again.'
\endif
