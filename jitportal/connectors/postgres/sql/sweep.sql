-- The sweep: what ends access when the portal is gone. A job of pg_cron calls it; each step is a
-- transaction of its own, because sessions are cut after the revoke is committed.

CREATE FUNCTION jit.version() RETURNS integer
LANGUAGE sql IMMUTABLE AS $$ SELECT 3 $$;

-- What is due, by role; and when the next lease runs out.
CREATE FUNCTION jit.due_roles() RETURNS SETOF oid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT l.role::oid FROM jit.lease l
   WHERE l.removed_at IS NULL AND l.expires_at <= clock_timestamp()
$$;

CREATE FUNCTION jit.next_end() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT min(l.expires_at) FROM jit.lease l WHERE l.removed_at IS NULL AND l.expires_at > clock_timestamp()
$$;

-- Once a second or so: beat; once in a while: forget leases that ended long ago.
CREATE FUNCTION jit.beat() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
  before timestamptz;
BEGIN
  SELECT swept_at INTO before FROM jit.pulse FOR UPDATE SKIP LOCKED;
  IF NOT FOUND OR before > clock_timestamp() - interval '900 milliseconds' THEN
    RETURN;
  END IF;
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE jit.pulse SET swept_at = clock_timestamp();
  IF date_trunc('hour', before) IS DISTINCT FROM date_trunc('hour', clock_timestamp()) THEN
    DELETE FROM jit.lease WHERE removed_at < clock_timestamp() - interval '90 days'
       AND (NOT dynamic OR dropped_at IS NOT NULL);
  END IF;
END $$;

-- Loop for a while, about once a second, and at the very moment when a lease runs out. Runs as the
-- superuser whose job it is, and does nothing but call functions of jit_definer.
CREATE PROCEDURE jit.run_sweep(run_for interval DEFAULT '10 minutes')
LANGUAGE plpgsql AS $$
DECLARE
  stop_at timestamptz := pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) run_for;
  due oid[];
  subject oid;
  ended integer;
  uncleared integer;
  pause double precision;
BEGIN
  -- A procedure that commits can't have its path set by a SET clause.
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
  PERFORM set_config('default_transaction_isolation', 'read committed', false);
  PERFORM set_config('jit', 'off', false);
  COMMIT;
  WHILE clock_timestamp() < stop_at LOOP
    ended := 0;
    due := ARRAY(SELECT jit.due_roles());
    FOREACH subject IN ARRAY due LOOP
      ended := ended + jit.end_due(subject);
      COMMIT;
    END LOOP;
    uncleared := jit.cut_ended();
    COMMIT;
    PERFORM jit.drop_ended();
    COMMIT;
    PERFORM jit.watch_lending();
    PERFORM jit.beat();
    COMMIT;
    pause := CASE WHEN uncleared > 0 OR ended > 0 THEN 0.1 WHEN due <> '{}' THEN 0.25 ELSE 1.0 END;
    pause := least(pause, extract(epoch FROM jit.next_end() - clock_timestamp()));
    PERFORM pg_sleep(greatest(pause, 0.01));
    COMMIT;
  END LOOP;
END $$;

-- Whether pg_cron is in this database, and the job in it. Owned by the superuser who installs it,
-- because pg_cron shows a job to its owner alone; it takes nothing and tells three facts.
CREATE FUNCTION jit.cron_job() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found jsonb;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
    RETURN jsonb_build_object('installed', false, 'scheduled', false, 'active', false);
  END IF;
  EXECUTE $q$
    SELECT jsonb_build_object('installed', true, 'scheduled', count(*) > 0,
                              'active', coalesce(bool_or(active), false))
      FROM cron.job WHERE jobname = 'jit sweep' AND database = current_database() $q$ INTO found;
  RETURN found;
END $$;
