-- Cutting sessions. A session that did SET ROLE before the revoke keeps the role, and nothing shows
-- which did: so every session of the login is cut, in every database, from before the revoke's commit.

-- Those logging in right now. Such a process has taken its transaction's lock, and may have read its
-- memberships and taken its role, but gets its name in pg_stat_activity only afterwards. Whoever logs in
-- can make that last: "options='-c role=… -c post_auth_delay=600'".
CREATE FUNCTION jit.nameless_processes() RETURNS integer[]
LANGUAGE plpgsql AS $$
DECLARE
  locking integer[];
BEGIN
  -- First the locks, then a fresh look at the names: nobody falls between the two.
  locking := ARRAY(SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'virtualxid' AND pid IS NOT NULL);
  PERFORM pg_stat_clear_snapshot();
  RETURN ARRAY(SELECT unnest(locking) EXCEPT SELECT pid FROM pg_stat_get_activity(NULL));
END $$;

-- The sessions that a removed lease must not leave behind: with a name, or among the given nameless ones.
CREATE FUNCTION jit.left_sessions(handles text[], nameless integer[])
RETURNS TABLE (handle text, pid integer)
LANGUAGE sql STABLE AS $$
  WITH ended AS (
    SELECT l.handle, l.member, l.cut_from, l.suspects FROM jit.lease l
     WHERE l.handle = ANY (handles) AND l.removed_at IS NOT NULL AND l.cleared_at IS NULL
  ), login AS (
    SELECT e.handle, e.member::oid AS oid, e.cut_from, e.suspects FROM ended e
     UNION
    SELECT e.handle, b.borrower::oid, e.cut_from, e.suspects FROM ended e JOIN jit.lent b USING (handle)
  )
  SELECT login.handle, a.pid
    FROM pg_stat_get_activity(NULL) AS a
    JOIN login ON login.oid = a.usesysid
    JOIN pg_roles r ON r.oid = a.usesysid AND NOT r.rolsuper
   WHERE a.pid <> pg_backend_pid()
     AND (login.cut_from IS NULL OR a.backend_start <= login.cut_from OR a.pid = ANY (login.suspects))
   UNION ALL
  SELECT e.handle, n FROM ended e, unnest(e.suspects) AS n WHERE n = ANY (nameless)
$$;

-- Cut one. False: we may not, because it is a superuser's, or not authenticated yet.
CREATE FUNCTION jit.cut_process(target integer) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_terminate_backend(target);
  RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
  RETURN false;
END $$;

-- Cut those who were logging in at a cut, and still have no name a moment later: nobody else takes that
-- long after the password. One that is not authenticated yet is harmless, since it will read its
-- memberships only afterwards; it is a suspect no longer.
CREATE FUNCTION jit.cut_nameless(handles text[], nameless integer[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  harmless integer[];
BEGIN
  harmless := ARRAY(
    SELECT stuck.pid FROM (
      SELECT DISTINCT n AS pid FROM jit.lease l, unnest(l.suspects) AS n
       WHERE l.handle = ANY (handles) AND l.cleared_at IS NULL AND n = ANY (nameless)
         AND l.cut_from < clock_timestamp() - interval '500 milliseconds') AS stuck
     WHERE NOT jit.cut_process(stuck.pid));
  UPDATE jit.lease l SET suspects = ARRAY(SELECT unnest(l.suspects) EXCEPT SELECT unnest(harmless))
   WHERE l.handle = ANY (handles) AND l.cleared_at IS NULL AND l.suspects && harmless;
END $$;

-- One pass over the given removed leases: cut, and give how many sessions each still had. The first
-- pass cuts all of a login's sessions, whatever their start says (a clock may have been set back);
-- later passes only those from before, so that whoever logs in afterwards, without the role, stays.
-- A lease is clear once a pass finds nothing.
CREATE FUNCTION jit.cut(handles text[])
RETURNS TABLE (handle text, open_sessions integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  fresh text[];
  nameless integer[];
  victims integer[];
BEGIN
  fresh := ARRAY(SELECT l.handle FROM jit.lease l
                  WHERE l.handle = ANY (handles) AND l.removed_at IS NOT NULL
                    AND l.cleared_at IS NULL AND l.cut_from IS NULL
                  FOR UPDATE SKIP LOCKED);
  INSERT INTO jit.lent (handle, borrower)
    SELECT l.handle, b FROM jit.lease l, LATERAL jit.borrowers(l.member) AS b
     WHERE l.handle = ANY (fresh) ON CONFLICT DO NOTHING;
  nameless := jit.nameless_processes();
  PERFORM jit.cut_nameless(handles, nameless);
  victims := ARRAY(SELECT DISTINCT s.pid FROM jit.left_sessions(handles, '{}') AS s);
  UPDATE jit.lease l SET cut_from = clock_timestamp(), suspects = nameless || victims
   WHERE l.handle = ANY (fresh);
  PERFORM jit.cut_process(v) FROM unnest(victims) AS v;
  RETURN QUERY
    WITH counted AS (
      SELECT l.handle, count(s.pid)::integer AS open_sessions
        FROM jit.lease l LEFT JOIN jit.left_sessions(handles, nameless) AS s ON s.handle = l.handle
       WHERE l.handle = ANY (handles) AND l.removed_at IS NOT NULL AND l.cleared_at IS NULL
       GROUP BY l.handle
    ), clear AS (
      SELECT l.handle FROM jit.lease l JOIN counted c USING (handle)
       WHERE c.open_sessions = 0 FOR UPDATE OF l SKIP LOCKED
    ), cleared AS (
      UPDATE jit.lease l SET cleared_at = clock_timestamp(), suspects = NULL
        FROM clear WHERE clear.handle = l.handle
    )
    SELECT * FROM counted;
END $$;

-- For the portal: one pass over its own leases. Leases in force are passed over, so an order that
-- comes late cuts nobody.
CREATE FUNCTION jit.cut_sessions(handles text[])
RETURNS TABLE (handle text, open_sessions integer)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
  SELECT * FROM jit.cut(ARRAY(SELECT h FROM unnest(handles) AS h WHERE jit.is_own(h, jit.own_prefix())))
$$;

-- For the sweep: one pass over every lease that is not clear. Gives how many are left that it may
-- soon get clear.
CREATE FUNCTION jit.cut_ended() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
BEGIN
  PERFORM FROM jit.cut(ARRAY(SELECT l.handle FROM jit.lease l
                              WHERE l.removed_at IS NOT NULL AND l.cleared_at IS NULL));
  RETURN (SELECT count(*) FROM jit.lease l WHERE l.removed_at IS NOT NULL AND l.cleared_at IS NULL
             AND l.cut_from > clock_timestamp() - interval '10 seconds');
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN 1;
END $$;

-- For the sweep: remember who is a member of a login that holds a lease, to cut them with it.
CREATE FUNCTION jit.watch_lending() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO jit.lent (handle, borrower)
    SELECT l.handle, b FROM jit.lease l, LATERAL jit.borrowers(l.member) AS b
     WHERE l.removed_at IS NULL
       AND EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = l.member)
    ON CONFLICT DO NOTHING
$$;
