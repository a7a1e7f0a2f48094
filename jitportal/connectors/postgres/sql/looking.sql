-- Looking, changing nothing: by the catalog of memberships, not by the leases alone.

-- For the portal: what the server holds for each order.
--   state  member: by this lease; covered: another lease gives it; standing: no lease is behind it;
--          login: a dynamic login that can log in; husk: one that is disabled but not dropped; absent
CREATE FUNCTION jit.observe(orders jsonb)
RETURNS TABLE (handle text, state text, expires_at timestamptz, open_sessions integer, problem text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH asked AS (
    SELECT o.handle, l AS held,
           l.handle IS NOT NULL AND l.removed_at IS NULL AS live,
           coalesce(kept.oid, named.oid) AS member,
           coalesce(l.role::oid, wanted.oid) AS role,
           coalesce(kept.rolcanlogin, named.rolcanlogin) AS can_log_in
      FROM jsonb_populate_recordset(NULL::jit.lease_order, orders) AS o
      LEFT JOIN jit.lease l ON l.handle = o.handle
      LEFT JOIN pg_roles kept ON kept.oid = l.member
      LEFT JOIN pg_roles named ON named.rolname = o.account
      LEFT JOIN pg_roles wanted ON wanted.rolname = o.role
     WHERE jit.is_own(o.handle, jit.own_prefix())
  ), sessions AS (
    SELECT a.usesysid, count(*)::integer AS n FROM pg_stat_get_activity(NULL) AS a
     WHERE a.usesysid IS NOT NULL GROUP BY a.usesysid
  ), left_over AS (
    SELECT s.handle, count(*)::integer AS n
      FROM jit.left_sessions(ARRAY(SELECT handle FROM asked), jit.nameless_processes()) AS s
     GROUP BY s.handle
  )
  SELECT a.handle,
         CASE
           WHEN jit.is_member(a.member, a.role) THEN
             CASE WHEN a.live THEN 'member'
                  WHEN EXISTS (SELECT FROM jit.lease c WHERE c.member = a.member AND c.role = a.role
                               AND c.removed_at IS NULL) THEN 'covered'
                  ELSE 'standing' END
           WHEN (a.held).dynamic AND a.member = (a.held).member
             THEN CASE WHEN a.can_log_in THEN 'login' ELSE 'husk' END
           ELSE 'absent'
         END,
         CASE WHEN a.live THEN (a.held).expires_at END,
         coalesce(CASE WHEN a.live THEN s.n ELSE o.n END, 0),
         (a.held).problem
    FROM asked a LEFT JOIN sessions s ON s.usesysid = a.member LEFT JOIN left_over o ON o.handle = a.handle
$$;

-- For the portal: everybody who is a member of a managed role, through others too. Another managed
-- role that is a member is no holder: its own members are, of that role.
CREATE FUNCTION jit.holders()
RETURNS TABLE (account text, role text, handle text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE holds (member, role) AS (
    SELECT m.member, m.roleid FROM pg_auth_members m JOIN jit.managed_role g ON g.role = m.roleid
     WHERE NOT EXISTS (SELECT FROM jit.managed_role n WHERE n.role = m.member)
    UNION
    SELECT m.member, h.role FROM pg_auth_members m JOIN holds h ON m.roleid = h.member
     WHERE NOT EXISTS (SELECT FROM jit.managed_role n WHERE n.role = m.member)
  )
  SELECT who.rolname::text, what.rolname::text, l.handle, l.expires_at
    FROM holds h
    JOIN pg_roles who ON who.oid = h.member AND who.rolname <> 'jit_definer'
    JOIN pg_roles what ON what.oid = h.role
    LEFT JOIN LATERAL (
      SELECT x.handle, x.expires_at FROM jit.lease x
       WHERE x.member = h.member AND x.role = h.role AND x.removed_at IS NULL
       ORDER BY x.expires_at DESC LIMIT 1) AS l ON jit.is_member(h.member, h.role)
   ORDER BY 2, 1
$$;

-- For the portal: how the server is set up, as facts.
CREATE FUNCTION jit.health() RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me oid := (SELECT oid FROM pg_roles WHERE rolname = session_user);
BEGIN
  PERFORM jit.own_prefix();
  RETURN jsonb_build_object(
    'version', jit.version(),
    'managed_roles', (SELECT count(*) FROM jit.managed_role),
    'broken_roles', (SELECT coalesce(jsonb_agg(p.text ORDER BY p.text), '[]') FROM jit.managed_role m,
                     LATERAL (SELECT jit.managed_problem(m.role) AS text) AS p WHERE p.text IS NOT NULL),
    'portal_danger', (SELECT CASE WHEN r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls
                             THEN 'has attributes it does not need' END FROM pg_roles r WHERE r.oid = me),
    'portal_roles', (SELECT coalesce(jsonb_agg(g.rolname ORDER BY g.rolname), '[]')
                     FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                     WHERE m.member = me AND g.rolname <> 'jit_remains'
                       AND NOT EXISTS (SELECT FROM jit.lease l WHERE l.member = g.oid AND l.dynamic)),
    'cron', jit.cron_job(),
    'seconds_since_sweep', (SELECT extract(epoch FROM clock_timestamp() - swept_at) FROM jit.pulse),
    'overdue', (SELECT count(*) FROM jit.lease WHERE removed_at IS NULL
                AND expires_at < clock_timestamp() - interval '10 seconds'),
    'problems', (SELECT coalesce(jsonb_agg(p.problem ORDER BY p.removed_at), '[]') FROM (
                   SELECT l.problem, l.removed_at FROM jit.lease l
                    WHERE l.problem IS NOT NULL
                      AND (l.removed_at IS NULL OR l.dynamic AND l.dropped_at IS NULL
                           OR jit.is_member(l.member, l.role))
                    ORDER BY l.removed_at LIMIT 20) AS p));
END $$;
