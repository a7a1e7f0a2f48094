-- What may never be granted, and to whom never. Asked at every grant, not only when it is set up.

-- This role and every one that it is a member of, through others too. (A loop over index look-ups:
-- a batch asks a thousand times, and a recursive query would read the whole catalog each time.)
CREATE FUNCTION jit.reach(subject oid) RETURNS oid[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  reached oid[] := ARRAY[subject];
  further oid[] := reached;
BEGIN
  WHILE further <> '{}' LOOP
    further := ARRAY(SELECT DISTINCT m.roleid FROM pg_auth_members m
                      WHERE m.member = ANY (further) AND m.roleid <> ALL (reached));
    reached := reached || further;
  END LOOP;
  RETURN reached;
END $$;

-- Why whoever can become this role could undo what is built here; null: they can't.
CREATE FUNCTION jit.danger(subject oid) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  reached oid[] := jit.reach(subject);
BEGIN
  RETURN (
    WITH found AS (
      SELECT r.oid, r.rolname, CASE
               WHEN r.rolsuper THEN 'is a superuser'
               WHEN r.rolcreaterole THEN 'may create roles'
               WHEN r.rolreplication THEN 'may replicate the server'
               WHEN r.rolbypassrls THEN 'bypasses row security'
               WHEN r.rolname IN ('pg_execute_server_program', 'pg_read_server_files',
                                  'pg_write_server_files')
                 THEN 'runs programs or touches files as the server'
               WHEN r.rolname IN ('pg_write_all_data', 'pg_maintain')
                 THEN 'may write or lock every table, the leases too'
               WHEN r.rolname IN ('jit_definer', 'jit_remains')
                 OR r.oid IN (SELECT login FROM jit.portal)
                 THEN 'belongs to the portal'
               WHEN r.oid = (SELECT datdba FROM pg_database WHERE datname = current_database())
                 THEN 'owns the database that the leases are in'
             END AS reason
        FROM pg_roles r WHERE r.oid = ANY (reached)
    )
    SELECT CASE WHEN oid = subject THEN format('%I %s', rolname, reason)
                ELSE format('it is a member of %I, which %s', rolname, reason) END
      FROM found WHERE reason IS NOT NULL
     ORDER BY oid <> subject, rolname LIMIT 1);
END $$;

-- Those who are this login too, as members of it: up to 14 a login may lend itself to another ("GRANT
-- me TO other"), and whoever makes roles may at any time. From 16 on a membership may carry neither
-- right, and is harmless (its columns are read through jsonb because 15 has none). Not the portal, which becomes a member of
-- ended logins to hand over what they own.
CREATE FUNCTION jit.borrowers(login oid) RETURNS SETOF oid
LANGUAGE plpgsql STABLE AS $$
DECLARE
  found oid[] := ARRAY[login];
  further oid[] := found;
BEGIN
  WHILE further <> '{}' LOOP
    further := ARRAY(SELECT DISTINCT m.member FROM pg_auth_members m
                      WHERE m.roleid = ANY (further) AND m.member <> ALL (found)
                        AND (coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)
                             OR coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)));
    found := found || further;
  END LOOP;
  RETURN QUERY SELECT r.oid FROM pg_roles r
                WHERE r.oid = ANY (found) AND r.oid <> login AND NOT r.rolsuper
                  AND r.oid NOT IN (SELECT p.login FROM jit.portal p);
END $$;

-- Whether one of these may schedule jobs with pg_cron in this database. PUBLIC may execute its functions;
-- USAGE on its schema is what others lack, and what pg_read_all_data has on every schema.
CREATE FUNCTION jit.may_schedule(roles oid[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, unnest(roles) AS r
                  WHERE n.nspname = 'cron' AND p.proname IN ('schedule', 'schedule_in_database')
                    AND has_schema_privilege(r, n.oid, 'USAGE') AND has_function_privilege(r, p.oid, 'EXECUTE'))
$$;

-- Why this role can't be given for a while; null: it can.
CREATE FUNCTION jit.managed_problem(subject oid) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  found pg_roles;
  why text := jit.danger(subject);
  reached oid[] := jit.reach(subject);
  handed text;
BEGIN
  SELECT * INTO found FROM pg_roles WHERE oid = subject;
  IF found.oid IS NULL THEN
    RETURN 'The role is gone from this server.';
  ELSIF found.rolcanlogin THEN
    -- Whoever is a member may set its password ("ALTER ROLE it PASSWORD"), and log in as it later.
    RETURN format('%I can log in, so its holder could keep it by setting its password: '
                  'ALTER ROLE %I NOLOGIN first.', found.rolname, found.rolname);
  ELSIF why IS NOT NULL THEN
    RETURN format('%I is never given for a while: %s.', found.rolname, why);
  ELSIF jit.may_schedule(reached) THEN
    RETURN format('%I is never given for a while: its holder could schedule jobs with pg_cron, and enough of '
                  'them keep the sweep from running. In this database: REVOKE EXECUTE ON ALL FUNCTIONS IN '
                  'SCHEMA cron FROM PUBLIC.', found.rolname);
  END IF;
  SELECT string_agg(DISTINCT m.roleid::regrole::text, ', ') INTO handed
    FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
   WHERE m.member = ANY (reached) AND (m.admin_option OR g.rolname = 'pg_signal_backend');
  IF handed IS NOT NULL THEN
    RETURN format('%I is never given for a while: its holder could hand out %s for good, or cut the '
                  'portal''s own sessions.', found.rolname, handed);
  END IF;
  RETURN NULL;
END $$;

-- Why nothing is granted to this login; null: it can be.
CREATE FUNCTION jit.login_problem(login oid) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  found pg_roles;
  why text := jit.danger(login);
  others text;
BEGIN
  SELECT * INTO found FROM pg_roles WHERE oid = login;
  SELECT string_agg(b::regrole::text, ', ') INTO others FROM jit.borrowers(login) AS b;
  IF NOT found.rolcanlogin THEN
    RETURN format('%I can''t log in: name the person''s own login.', found.rolname);
  ELSIF why IS NOT NULL THEN
    RETURN format('Nothing is granted to %I: %s.', found.rolname, why);
  ELSIF EXISTS (SELECT FROM jit.lease l WHERE l.member = login AND l.dynamic) THEN
    RETURN format('%I is a dynamic login of another lease.', found.rolname);
  ELSIF others IS NOT NULL THEN
    RETURN format('%s would hold it too, as a member of %I: REVOKE %I FROM %s first.',
                  others, found.rolname, found.rolname, others);
  END IF;
  RETURN NULL;
END $$;

-- Whoever reads all data reads pg_authid. An md5 hash there is as good as the password.
CREATE FUNCTION jit.warn_of_hashes(subject oid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF 'pg_read_all_data'::regrole <> ALL (jit.reach(subject)) THEN
    RETURN;
  ELSIF EXISTS (SELECT FROM pg_authid WHERE rolpassword LIKE 'md5%') THEN
    RAISE '% reads the hashes of all passwords, and an md5 hash logs in as its owner: set those passwords '
      'anew with password_encryption = scram-sha-256 first.', subject::regrole;
  END IF;
  RAISE WARNING '% reads the hashes of all passwords, the superusers'' too: weak ones can be guessed from them, '
    'and then outlive the access. Better give it rights on schemas.', subject::regrole;
END $$;

-- For a superuser: let the portal give this role, for at most so long, counted from each order.
CREATE FUNCTION jit.manage_role(role text, longest interval, dynamic boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  subject oid := (SELECT oid FROM pg_roles WHERE rolname = manage_role.role);
  problem text;
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RAISE 'Only a superuser says which roles the portal may give.';
  ELSIF subject IS NULL THEN
    RAISE 'There is no role % on this server: CREATE ROLE % NOLOGIN, and give it its rights.',
      manage_role.role, quote_ident(manage_role.role);
  END IF;
  problem := jit.managed_problem(subject);
  IF problem IS NOT NULL THEN
    RAISE '%', problem;
  END IF;
  IF EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass
             AND refobjid = subject AND deptype = 'o') THEN
    RAISE WARNING '% owns objects: who holds it can grant rights on them to anybody, and those stay '
      'after the end. Better give it rights on objects that another role owns.', quote_ident(role);
  END IF;
  PERFORM jit.warn_of_hashes(subject);
  INSERT INTO jit.managed_role AS m (role, max_seconds, dynamic)
  VALUES (subject, extract(epoch FROM longest), manage_role.dynamic)
  ON CONFLICT ON CONSTRAINT managed_role_pkey
    DO UPDATE SET max_seconds = EXCLUDED.max_seconds, dynamic = EXCLUDED.dynamic;
  IF current_setting('server_version_num')::int >= 160000 THEN
    EXECUTE format('GRANT %I TO jit_definer WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', role);
  END IF;
END $$;

-- For a superuser: the portal may give this role no longer.
CREATE FUNCTION jit.unmanage_role(role text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  subject oid := (SELECT oid FROM pg_roles WHERE rolname = unmanage_role.role);
  live bigint;
BEGIN
  SELECT count(*) INTO live FROM jit.lease l WHERE l.role = subject AND l.removed_at IS NULL;
  IF live > 0 THEN
    RAISE '% leases of % are in force: revoke them in the portal first.', live, quote_ident(role);
  END IF;
  DELETE FROM jit.managed_role m WHERE m.role = subject;
  IF current_setting('server_version_num')::int >= 160000 THEN
    EXECUTE format('REVOKE %I FROM jit_definer', role);
  END IF;
END $$;
