-- Dynamic logins: made for one lease, without a password, and dropped after it. It inherits its role,
-- so that any client works; the portal's instructions set the role, so that it owns what is made.

-- Every statement of the login goes to the server's log, from its first session on. It can't undo that:
-- only a superuser may set the parameter, or whoever was given it (PostgreSQL 15 and later).
CREATE FUNCTION jit.log_statements(login text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER ROLE %I SET log_statement = %L', login, 'all');
EXCEPTION WHEN insufficient_privilege THEN
  PERFORM jit.refuse('This server can''t log the statements of one login, which break-glass needs: it takes '
                     'PostgreSQL 15 or later, and install.sql of this version.');
END $$;

-- The login that the order is for: made, or made usable again, with the order's end.
CREATE FUNCTION jit.dynamic_login(o jit.lease_order, held jit.lease,
                                             managed jit.managed_role, prefix text)
RETURNS oid
LANGUAGE plpgsql AS $$
DECLARE
  login oid := (SELECT oid FROM pg_roles WHERE rolname = o.account);
BEGIN
  IF NOT managed.dynamic THEN
    PERFORM jit.refuse(format('This server gives %I to named logins only. A superuser changes it: '
                              'SELECT jit.manage_role(%L, ''1 hour'', dynamic => true).', o.role, o.role));
  ELSIF o.account !~ '^[a-z0-9_-]{2,63}$' OR NOT jit.is_own(o.account, prefix) THEN
    PERFORM jit.refuse(format('%s is no name for a dynamic login: it begins with %s_, and has small '
                              'letters, digits, _ and - only.', quote_ident(o.account), prefix));
  ELSIF login IS NULL THEN
    EXECUTE format('CREATE ROLE %I LOGIN INHERIT CONNECTION LIMIT 20 VALID UNTIL %L',
                   o.account, jit.until_text(o.until));
    EXECUTE format('GRANT jit_dynamic TO %I', o.account);
    IF o.logged THEN
      PERFORM jit.log_statements(o.account);
    END IF;
    RETURN (SELECT oid FROM pg_roles WHERE rolname = o.account);
  ELSIF held.dynamic AND held.member = login AND NOT EXISTS (SELECT FROM jit.borrowers(login)) THEN
    -- The portal may have become a member of it after its end: not of one with a role.
    IF jit.is_member((SELECT oid FROM pg_roles WHERE rolname = session_user), login) THEN
      EXECUTE format('REVOKE %I FROM %I', o.account, session_user);
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN VALID UNTIL %L', o.account, jit.until_text(o.until));
    IF o.logged THEN
      PERFORM jit.log_statements(o.account);
    END IF;
  ELSE
    PERFORM jit.refuse(format('A role %I exists already on this server, and this lease can''t use it: it was '
                              'made by others, or lent to others.',
                              o.account));
  END IF;
  RETURN login;
END $$;

-- Nobody logs in as it any more. Gives why not, where its own session holds its row ("BEGIN; ALTER
-- ROLE me …"): the role was revoked before this, and it is tried again once the session is cut.
CREATE FUNCTION jit.disable_login(login text) RETURNS text
LANGUAGE plpgsql SET lock_timeout = '50ms' AS $$
BEGIN
  EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', login);
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RETURN format('The login %I holds no role any more, but could not be disabled yet: %s.', login, SQLERRM);
END $$;

-- Where a login still owns something, or has rights: the databases' names.
CREATE FUNCTION jit.owning_databases(login oid) RETURNS text[]
LANGUAGE sql STABLE AS $$
  SELECT array_agg(DISTINCT d.datname::text ORDER BY d.datname::text)
    FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid OR (s.dbid = 0 AND d.datname = current_database())
   WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = login
$$;

-- Drop the login of an ended lease, once no session of it is left. What it owns keeps it: disabled,
-- without any role, until the portal has handed that over.
CREATE FUNCTION jit.drop_login(p_handle text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  l jit.lease;
  login pg_roles;
  trouble text;
BEGIN
  SELECT * INTO l FROM jit.lease WHERE handle = p_handle AND dynamic AND removed_at IS NOT NULL
     AND dropped_at IS NULL FOR UPDATE SKIP LOCKED;
  IF l.handle IS NULL THEN
    RETURN;
  END IF;
  SELECT * INTO login FROM pg_roles WHERE oid = l.member;
  IF login.rolcanlogin THEN
    -- It could not be disabled when it ended. Whoever logged in since then is cut by another round.
    trouble := jit.disable_login(login.rolname);
    UPDATE jit.lease SET cut_from = NULL, cleared_at = NULL, problem = trouble WHERE handle = p_handle;
    RETURN;
  ELSIF l.cleared_at IS NULL THEN
    RETURN;  -- a session, or somebody who is just logging in: its number must keep its name
  ELSIF login.oid IS NOT NULL THEN
    BEGIN
      EXECUTE format('DROP ROLE %I', login.rolname);
    EXCEPTION
      WHEN dependent_objects_still_exist THEN
        trouble := format(
          'The login %I is disabled and holds no role, but was not dropped: it owns objects, or has rights '
          'of its own, in the database %s. The portal hands them over where its setting databases names it.',
          login.rolname, array_to_string(jit.owning_databases(l.member), ', '));
      WHEN OTHERS THEN
        trouble := format('The login %I is disabled and holds no role, but was not dropped yet: %s.',
                          login.rolname, SQLERRM);
    END;
  END IF;
  UPDATE jit.lease
     SET dropped_at = CASE WHEN trouble IS NULL THEN clock_timestamp() END, problem = trouble,
         retry_at = CASE WHEN trouble IS NOT NULL THEN clock_timestamp() + interval '1 minute' END
   WHERE handle = p_handle;
END $$;

-- For the portal: drop the logins of its ended leases, and some that were left before. Gives those
-- that are not dropped yet.
CREATE FUNCTION jit.drop_logins(handles text[]) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
  give_up timestamptz := clock_timestamp() + interval '3 seconds';
  prefix text := jit.own_prefix();
  tried text[];
  h text;
BEGIN
  tried := ARRAY(SELECT x FROM unnest(handles) AS x WHERE jit.is_own(x, prefix))
        || ARRAY(SELECT l.handle FROM jit.lease l
                  WHERE l.dynamic AND l.removed_at IS NOT NULL AND l.dropped_at IS NULL
                    AND (l.retry_at IS NULL OR l.retry_at <= clock_timestamp())
                    AND jit.is_own(l.handle, prefix) AND l.handle <> ALL (handles)
                  ORDER BY l.removed_at LIMIT 20);
  FOREACH h IN ARRAY tried LOOP
    EXIT WHEN clock_timestamp() > give_up;
    PERFORM jit.drop_login(h);
  END LOOP;
  RETURN QUERY SELECT l.handle FROM jit.lease l
    WHERE l.handle = ANY (tried) AND l.dynamic AND l.removed_at IS NOT NULL AND l.dropped_at IS NULL;
END $$;

-- For the sweep: the same, for all that are due.
CREATE FUNCTION jit.drop_ended() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
  SELECT jit.drop_login(l.handle) FROM jit.lease l
   WHERE l.dynamic AND l.removed_at IS NOT NULL AND l.dropped_at IS NULL
     AND (l.retry_at IS NULL OR l.retry_at <= clock_timestamp())
   LIMIT 1000
$$;

-- For the portal: become a member of its ended logins that own something, to hand that over to
-- jit_remains in each database. They hold nothing else; the membership ends with the login.
CREATE FUNCTION jit.take_remains(handles text[])
RETURNS TABLE (handle text, login text, databases text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
#variable_conflict use_column
BEGIN
  FOR handle, login, databases IN
    SELECT l.handle, r.rolname, jit.owning_databases(r.oid)
      FROM jit.lease l JOIN pg_roles r ON r.oid = l.member
     WHERE l.handle = ANY (handles) AND jit.is_own(l.handle, jit.own_prefix())
       AND l.dynamic AND l.removed_at IS NOT NULL AND l.dropped_at IS NULL AND NOT r.rolcanlogin
       AND NOT EXISTS (SELECT FROM pg_auth_members m
                       WHERE m.member = r.oid AND m.roleid <> 'jit_dynamic'::regrole)
       AND jit.owning_databases(r.oid) IS NOT NULL
  LOOP
    EXECUTE format('GRANT %I TO %I', login, session_user);
    RETURN NEXT;
  END LOOP;
END $$;

-- For the portal: set a password that was hashed by the portal; the clear one never comes here.
CREATE FUNCTION jit.set_password(p_handle text, p_claim bigint, verifier text)
RETURNS TABLE (outcome text, message text, valid_until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  l jit.lease;
  login text;
BEGIN
  IF NOT jit.fence(p_handle, p_claim, jit.own_prefix()) THEN
    RETURN QUERY SELECT 'superseded', NULL, NULL::timestamptz;
    RETURN;
  END IF;
  SELECT * INTO l FROM jit.lease WHERE handle = p_handle;
  SELECT rolname INTO login FROM pg_roles WHERE oid = l.member AND rolcanlogin;
  IF verifier !~ '^SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$' THEN
    RETURN QUERY SELECT 'refused', 'That is no SCRAM-SHA-256 verifier.', NULL::timestamptz;
  ELSIF l.removed_at IS NOT NULL OR l.expires_at <= clock_timestamp() OR login IS NULL THEN
    RETURN QUERY SELECT 'refused', 'The access has ended on the target: there is no login to set a password on.',
                        NULL::timestamptz;
  ELSIF NOT l.dynamic THEN
    RETURN QUERY SELECT 'refused', 'This access uses the person''s own login and its own password.',
                        NULL::timestamptz;
  ELSE
    EXECUTE format('ALTER ROLE %I PASSWORD %L VALID UNTIL %L', login, verifier,
                   jit.until_text(l.expires_at));
    RETURN QUERY SELECT 'done', NULL, l.expires_at;
  END IF;
END $$;
