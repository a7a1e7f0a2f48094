-- Who owns and who may execute what. Nobody but a superuser, then what is named here.

DO $$
DECLARE
  f record;
  portal regrole;
  for_portal text[] := ARRAY['grant_leases', 'revoke_leases', 'cut_sessions', 'drop_logins',
                             'take_remains', 'set_password', 'observe', 'holders', 'health',
                             'session_log', 'sign_in_log'];
  for_superusers text[] := ARRAY['manage_role', 'unmanage_role', 'warn_of_hashes', 'run_sweep', 'cron_job'];
  problem text;
BEGIN
  FOR f IN SELECT p.oid::regprocedure AS signature, p.proname
             FROM pg_proc p WHERE p.pronamespace = 'jit'::regnamespace
  LOOP
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f.signature);
    IF f.proname = 'read_log' THEN
      EXECUTE format('ALTER ROUTINE %s OWNER TO jit_log_reader', f.signature);
    ELSIF f.proname <> ALL (for_superusers) THEN
      EXECUTE format('ALTER ROUTINE %s OWNER TO jit_definer', f.signature);
    END IF;
    FOR portal IN SELECT login FROM jit.portal WHERE f.proname = ANY (for_portal) LOOP
      EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', f.signature, portal);
    END LOOP;
  END LOOP;
  GRANT EXECUTE ON FUNCTION jit.cron_job() TO jit_definer;
  GRANT EXECUTE ON FUNCTION jit.read_log(text[], text, timestamptz, text, bigint) TO jit_definer;
  REVOKE EXECUTE ON FUNCTION jit.read_log(text[], text, timestamptz, text, bigint) FROM jit_log_reader;

  FOR portal IN SELECT login FROM jit.portal LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA jit TO %s', portal);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %s', current_database(), portal);
    EXECUTE format('GRANT jit_remains TO %s', portal);
    SELECT jit.danger(m.roleid) INTO problem FROM pg_auth_members m
     WHERE m.member = portal AND m.roleid <> 'jit_remains'::regrole AND jit.danger(m.roleid) IS NOT NULL;
    IF problem IS NULL THEN
      SELECT 'it has attributes that it does not need, or NOINHERIT' INTO problem FROM pg_roles r
       WHERE r.oid = portal
         AND (r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls OR NOT r.rolinherit);
    END IF;
    IF problem IS NOT NULL THEN
      RAISE 'The portal''s login % must be an ordinary one, but %: mend it, or name another with '
        '-v portal=….', portal, problem;
    END IF;
  END LOOP;
END $$;
