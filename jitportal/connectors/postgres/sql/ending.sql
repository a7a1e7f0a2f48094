-- Ending. Authority ends here, and is committed; sessions are cut afterwards (sessions.sql). The
-- other way round, or both at once, a client that reconnects in between would keep its rights.

-- Whether another lease in force gives the same login the same role: then it keeps both the role
-- and its sessions.
CREATE FUNCTION jit.is_covered(l jit.lease) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM jit.lease other
                 WHERE other.member = l.member AND other.role = l.role AND other.handle <> l.handle
                   AND other.removed_at IS NULL AND other.expires_at > clock_timestamp())
$$;

-- End one lease that is in force. The caller holds the role's lock.
CREATE FUNCTION jit.end_lease(l jit.lease) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  covered boolean := jit.is_covered(l);
  login text := (SELECT rolname FROM pg_roles WHERE oid = l.member);
  subject text := (SELECT rolname FROM pg_roles WHERE oid = l.role);
  trouble text;
BEGIN
  IF NOT covered AND jit.is_member(l.member, l.role) THEN
    EXECUTE format('REVOKE %I FROM %I', subject, login);
  END IF;
  IF NOT covered AND jit.is_member(l.member, l.role) THEN
    -- From 16 on, a grant that somebody else made beside ours is theirs to revoke.
    trouble := format('%I still holds %I by somebody else''s grant: REVOKE %I FROM %I as its grantor.',
                      login, subject, subject, login);
  END IF;
  IF l.dynamic AND login IS NOT NULL THEN
    trouble := coalesce(jit.disable_login(login), trouble);
  END IF;
  UPDATE jit.lease e
     SET removed_at = clock_timestamp(), cut_from = NULL, suspects = NULL, problem = trouble,
         cleared_at = CASE WHEN covered THEN clock_timestamp() END, dropped_at = NULL, retry_at = NULL
   WHERE e.handle = l.handle;
END $$;

-- One order to take away: absent is success, and leaves its claim behind.
CREATE FUNCTION jit.revoke_one(o jit.lease_order) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  held jit.lease;
BEGIN
  SELECT * INTO held FROM jit.lease WHERE handle = o.handle;
  IF held.removed_at IS NULL THEN
    PERFORM jit.end_lease(held);
  END IF;
END $$;

-- For the portal: take each away. Cutting the sessions is the next call, in a transaction of its own.
CREATE FUNCTION jit.revoke_leases(orders jsonb)
RETURNS TABLE (handle text, outcome text, message text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
  SELECT * FROM jit.carry_out_all(orders, false)
$$;

-- For the sweep: end what has run out of one role. Gives the number.
CREATE FUNCTION jit.end_due(p_role oid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
  l jit.lease;
  ended integer := 0;
BEGIN
  IF NOT jit.lock_role(p_role) THEN
    RETURN 0;  -- the portal is at it; a moment later it is asked again
  END IF;
  FOR l IN SELECT * FROM jit.lease d
            WHERE d.role = p_role AND d.removed_at IS NULL AND d.expires_at <= clock_timestamp()
            ORDER BY d.handle FOR UPDATE SKIP LOCKED
  LOOP
    BEGIN
      PERFORM jit.end_lease(l);
      ended := ended + 1;
    EXCEPTION WHEN OTHERS THEN
      -- One that fails must not keep the others from ending; health() tells of it.
      UPDATE jit.lease d SET problem = SQLERRM
       WHERE d.handle = l.handle AND d.problem IS DISTINCT FROM SQLERRM;
    END;
  END LOOP;
  RETURN ended;
END $$;
