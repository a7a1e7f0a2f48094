-- The server's log: the statements of a login that was made for a recorded session, and who signed in to
-- an emergency account. The portal reads those lines, and no others.

-- A part of the server's log (jsonlog) from an offset on: the lines of these logins, or those of them alone
-- that hold p_words. Its owner may read files of the log's directory, and does nothing else; jit_definer
-- alone may call it.
--   file, next_offset  where to go on; more: there is more to be read now; lost: something before was gone
CREATE FUNCTION jit.read_log(p_logins text[], p_words text, p_since timestamptz, p_file text, p_offset bigint,
                             OUT file text, OUT next_offset bigint, OUT more boolean, OUT lost boolean,
                             OUT entries jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  most CONSTANT integer := 1048576;
  needle CONSTANT text := coalesce(p_words, to_json(p_logins[1])::text);
  found record;
  later text;
  part text;
  line text;
  cut integer;
BEGIN
  entries := '[]';
  more := false;
  lost := false;
  SELECT * INTO found FROM pg_ls_logdir() WHERE name = p_file;
  IF p_file IS NULL OR found.name IS NULL THEN
    lost := p_file IS NOT NULL;
    p_offset := 0;
    SELECT * INTO found FROM pg_ls_logdir() WHERE name LIKE '%.json' AND modification >= p_since
     ORDER BY modification, name LIMIT 1;
    IF found.name IS NULL THEN
      RETURN;
    END IF;
  END IF;
  IF found.size < p_offset THEN  -- begun anew under the same name
    lost := true;
    p_offset := 0;
  END IF;
  file := found.name;
  next_offset := p_offset;
  SELECT name INTO later FROM pg_ls_logdir()
   WHERE name LIKE '%.json' AND (modification, name) > (found.modification, found.name)
   ORDER BY modification, name LIMIT 1;
  -- Each byte as a character, so that a part may end within one; lines are read as UTF-8 below.
  part := convert_from(pg_read_binary_file(current_setting('log_directory') || '/' || found.name, p_offset,
                                           least(most, found.size - p_offset)), 'LATIN1');
  cut := length(part) - coalesce(nullif(strpos(reverse(part), E'\n'), 0), length(part) + 1) + 1;
  IF cut > 0 THEN
    next_offset := p_offset + cut;
    FOREACH line IN ARRAY string_to_array(rtrim(left(part, cut), E'\n'), E'\n') LOOP
      IF strpos(line, needle) > 0 THEN
        BEGIN
          line := convert_from(convert_to(line, 'LATIN1'), 'UTF8');
          IF line::jsonb ->> 'user' = ANY (p_logins) THEN
            entries := entries || jsonb_build_array(line::jsonb);
          END IF;
        EXCEPTION WHEN OTHERS THEN
          lost := true;  -- no line of JSON
        END;
      END IF;
    END LOOP;
    more := next_offset < found.size OR later IS NOT NULL;
  ELSIF length(part) = most THEN  -- one line longer than a part
    next_offset := p_offset + most;
    lost := true;
    more := true;
  ELSIF later IS NOT NULL THEN
    file := later;
    next_offset := 0;
    more := true;
  END IF;
END $$;

CREATE FUNCTION jit.refuse_without_log() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_setting('logging_collector') <> 'on' OR current_setting('log_destination') !~ '\mjsonlog\M' THEN
    RAISE 'The server writes no log that can be read: set logging_collector = on, and log_destination = '
      '''jsonlog'' (with others, if you like), and restart it.' USING ERRCODE = 'JT002';
  END IF;
END $$;

-- For the portal: what was logged of a login that it had made.
CREATE FUNCTION jit.session_log(p_login text, p_since timestamptz, p_file text, p_offset bigint)
RETURNS TABLE (file text, next_offset bigint, more boolean, lost boolean, entries jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jit.is_own(p_login, jit.own_prefix()) IS NOT TRUE OR p_login !~ '^[a-z0-9_-]{2,63}$' THEN
    RAISE 'The portal may read the log of logins that were made for it alone.'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM jit.refuse_without_log();
  RETURN QUERY SELECT * FROM jit.read_log(ARRAY[p_login], NULL, p_since, p_file, p_offset);
END $$;

-- For the portal: when and from where these logins signed in, however shortly, and nothing else of them.
-- The server writes that line before it looks at what the session wants to be set otherwise.
CREATE FUNCTION jit.sign_in_log(p_logins text[], p_since timestamptz, p_file text, p_offset bigint)
RETURNS TABLE (file text, next_offset bigint, more boolean, lost boolean, entries jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM jit.own_prefix();
  PERFORM jit.refuse_without_log();
  IF current_setting('log_connections') !~ '\m(on|true|yes|1|all|authorization)\M' THEN
    RAISE 'The server doesn''t log who signs in: set log_connections = on.' USING ERRCODE = 'JT002';
  END IF;
  RETURN QUERY
    SELECT r.file, r.next_offset, r.more, r.lost,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                     'login', e ->> 'user', 'process', e ->> 'pid', 'session', e ->> 'session_id',
                     'address', e ->> 'remote_host', 'database', e ->> 'dbname') ORDER BY at), '[]')
              FROM jsonb_array_elements(r.entries) WITH ORDINALITY AS one (e, at)
             WHERE e ->> 'message' LIKE 'connection authorized: %')
      FROM jit.read_log(p_logins, '"message":"connection authorized: ', p_since, p_file, p_offset) AS r;
END $$;
