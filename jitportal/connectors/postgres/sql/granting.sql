-- Granting. A refusal is raised with SQLSTATE JT001 and a sentence; the batch answers with it.

CREATE FUNCTION jit.refuse(sentence text) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN RAISE '%', sentence USING ERRCODE = 'JT001'; END $$;

-- The prefix of the portal that is logged in. Refuses everybody else.
CREATE FUNCTION jit.own_prefix() RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  found text := (SELECT p.prefix FROM jit.portal p JOIN pg_roles r ON r.oid = p.login
                 WHERE r.rolname = session_user);
BEGIN
  IF found IS NULL THEN
    RAISE '% is no portal''s login on this server: run install.sql with -v portal=%.',
      session_user, session_user USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN found;
END $$;

-- Whether a name is of the portal with this prefix: jit-12, jit_anna_12.
CREATE FUNCTION jit.is_own(name text, prefix text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_catalog.left(name, pg_catalog.length(prefix) + 1) IN (prefix || '-', prefix || '_')
$$;

-- Remember the claim. False: a higher one was seen already, so this order comes too late.
-- Locks the lease's row until the transaction ends.
CREATE FUNCTION jit.fence(p_handle text, p_claim bigint, prefix text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF jit.is_own(p_handle, prefix) IS NOT TRUE THEN
    PERFORM jit.refuse(format('The handle %s is not of this portal, whose handles begin with %s-: '
                              'JITPORTAL_INSTANCE and the prefix of install.sql must agree.',
                              p_handle, prefix));
  END IF;
  INSERT INTO jit.lease (handle, claim, removed_at, cleared_at)
    VALUES (p_handle, p_claim, clock_timestamp(), clock_timestamp()) ON CONFLICT DO NOTHING;
  PERFORM FROM jit.lease WHERE handle = p_handle FOR UPDATE;
  UPDATE jit.lease SET claim = p_claim WHERE handle = p_handle AND claim < p_claim;
  RETURN EXISTS (SELECT FROM jit.lease WHERE handle = p_handle AND claim = p_claim);
END $$;

CREATE FUNCTION jit.is_member(login oid, subject oid) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM pg_auth_members WHERE roleid = subject AND member = login);
END $$;

CREATE FUNCTION jit.until_text(moment timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT pg_catalog.to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'
$$;

-- Refuse what the role's limits don't allow; give the role's row. (role_problem is looked up once for
-- all orders of a batch that are for the role.)
CREATE FUNCTION jit.within_limits(o jit.lease_order, role_problem text) RETURNS jit.managed_role
LANGUAGE plpgsql AS $$
DECLARE
  managed jit.managed_role;
BEGIN
  SELECT m.* INTO managed FROM jit.managed_role m JOIN pg_roles r ON r.oid = m.role
   WHERE r.rolname = o.role;
  IF managed.role IS NULL THEN
    PERFORM jit.refuse(format('%I is not a role that the portal may give on this server. A superuser '
                              'adds it: SELECT jit.manage_role(%L, ''1 hour'').', o.role, o.role));
  END IF;
  IF role_problem IS NOT NULL THEN
    PERFORM jit.refuse(role_problem);
  ELSIF o.until IS NULL OR o.until <= clock_timestamp() THEN
    PERFORM jit.refuse('The end has passed already: nothing was granted.');
  -- The ten seconds are for the time that the order took, and clocks that differ a little.
  ELSIF o.until > clock_timestamp() + make_interval(secs => managed.max_seconds + 10) THEN
    PERFORM jit.refuse(format(
      'The end is %s minutes away, and this server gives %I for at most %s. Ask for less, or a '
      'superuser raises the cap: SELECT jit.manage_role(%L, ''…'').',
      CASE WHEN isfinite(o.until) THEN ceil(extract(epoch FROM o.until - clock_timestamp()) / 60)
           ELSE 'infinity' END, o.role,
      ceil(managed.max_seconds / 60.0), o.role));
  END IF;
  RETURN managed;
END $$;

-- The named login that the order is for, checked.
CREATE FUNCTION jit.named_login(o jit.lease_order, held jit.lease, managed jit.managed_role)
RETURNS oid
LANGUAGE plpgsql AS $$
DECLARE
  login oid := (SELECT oid FROM pg_roles WHERE rolname = o.account);
  problem text;
BEGIN
  IF login IS NULL THEN
    PERFORM jit.refuse(format('There is no login %I on this server: CREATE ROLE %I LOGIN, or mend the '
                              'account in the portal.', o.account, o.account));
  END IF;
  problem := jit.login_problem(login);
  IF problem IS NOT NULL THEN
    PERFORM jit.refuse(problem);
  -- By removed_at, not by the clock: a lease that has run out but is not swept yet is no standing right.
  ELSIF jit.is_member(login, managed.role) AND NOT EXISTS (
      SELECT FROM jit.lease l WHERE l.member = login AND l.role = managed.role AND l.removed_at IS NULL) THEN
    PERFORM jit.refuse(format('%I holds %I already, by a standing grant that no lease is behind. It would '
                              'not end: REVOKE %I FROM %I, then ask again.',
                              o.account, o.role, o.role, o.account));
  END IF;
  RETURN login;
END $$;

CREATE FUNCTION jit.grant_one(o jit.lease_order, prefix text, role_problem text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  managed jit.managed_role := jit.within_limits(o, role_problem);
  held jit.lease;
  live boolean;
  login oid;
BEGIN
  SELECT * INTO held FROM jit.lease WHERE handle = o.handle;
  live := held.removed_at IS NULL AND EXISTS (SELECT FROM pg_roles WHERE oid = held.member);
  IF o.dynamic THEN
    login := jit.dynamic_login(o, held, managed, prefix);
  ELSE
    login := jit.named_login(o, held, managed);
  END IF;
  IF live AND (held.member <> login OR held.role <> managed.role OR held.dynamic <> o.dynamic) THEN
    PERFORM jit.refuse(format('The lease %s is in force for %s of %s: one lease is for one account and '
                              'one role.', o.handle, held.member, held.role));
  END IF;
  IF NOT jit.is_member(login, managed.role) THEN
    EXECUTE format('GRANT %I TO %I', o.role, o.account);
  END IF;
  IF NOT live THEN
    DELETE FROM jit.lent WHERE handle = o.handle;
  END IF;
  UPDATE jit.lease l
     SET member = login, role = managed.role, dynamic = o.dynamic, expires_at = o.until,
         granted_at = CASE WHEN live THEN l.granted_at ELSE clock_timestamp() END,
         removed_at = NULL, cut_from = NULL, suspects = NULL, cleared_at = NULL, dropped_at = NULL,
         retry_at = NULL, problem = NULL
   WHERE l.handle = o.handle;
END $$;

-- One order: its claim first, which stands even where the rest is refused.
CREATE FUNCTION jit.carry_out(o jit.lease_order, wanted boolean, prefix text, role_problem text,
                              OUT outcome text, OUT message text)
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT jit.fence(o.handle, o.claim, prefix) THEN
    outcome := 'superseded';
    RETURN;
  END IF;
  BEGIN
    IF wanted THEN
      PERFORM jit.grant_one(o, prefix, role_problem);
    ELSE
      PERFORM jit.revoke_one(o);
    END IF;
    outcome := 'done';
  EXCEPTION
    WHEN SQLSTATE 'JT001' THEN
      outcome := 'refused';
      message := SQLERRM;
    WHEN lock_not_available OR deadlock_detected THEN
      RAISE;
    WHEN OTHERS THEN
      outcome := 'failed';
      message := SQLERRM;
  END;
EXCEPTION
  WHEN SQLSTATE 'JT001' THEN
    outcome := 'refused';
    message := SQLERRM;
  WHEN lock_not_available OR deadlock_detected THEN
    outcome := 'busy';
  WHEN OTHERS THEN
    outcome := 'failed';
    message := SQLERRM;
END $$;

-- One writer for a role at a time, so that two leases of one person can't each think that the
-- other one covers them. No user can hold this lock: it is a row of a table of ours. False: locked.
CREATE FUNCTION jit.lock_role(p_role oid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM jit.managed_role m WHERE m.role = p_role FOR UPDATE;
  RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN false;
END $$;

-- Orders by role, so that two batches lock in one order. A role that is locked is waited for once,
-- and a batch that takes long answers "busy" for the rest rather than run out of time.
CREATE FUNCTION jit.carry_out_all(orders jsonb, wanted boolean)
RETURNS TABLE (handle text, outcome text, message text)
LANGUAGE plpgsql AS $$
DECLARE
  prefix text := jit.own_prefix();
  give_up timestamptz := clock_timestamp() + interval '4 seconds';
  at_role text;
  at_oid oid;
  role_problem text;
  locked boolean := true;
  o jit.lease_order;
BEGIN
  FOR o IN SELECT * FROM jsonb_populate_recordset(NULL::jit.lease_order, orders) AS x
           ORDER BY x.role, x.handle
  LOOP
    IF o.role IS DISTINCT FROM at_role THEN
      at_role := o.role;
      at_oid := (SELECT oid FROM pg_roles WHERE rolname = o.role);
      locked := jit.lock_role(at_oid);
      role_problem := jit.managed_problem(at_oid);
    END IF;
    handle := o.handle;
    outcome := 'busy';
    message := NULL;
    IF locked AND clock_timestamp() < give_up THEN
      SELECT c.outcome, c.message INTO carry_out_all.outcome, carry_out_all.message
        FROM jit.carry_out(o, wanted, prefix, role_problem) AS c;
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;

-- For the portal: give each, or move its end.
CREATE FUNCTION jit.grant_leases(orders jsonb)
RETURNS TABLE (handle text, outcome text, message text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
  SELECT * FROM jit.carry_out_all(orders, true)
$$;
