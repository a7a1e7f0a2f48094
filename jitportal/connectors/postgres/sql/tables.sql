-- The tables. Only the functions reach them. Row security keeps out whoever may read or write all
-- data (pg_read_all_data): with no policy, only the owner sees a row.

CREATE SCHEMA IF NOT EXISTS jit;
REVOKE ALL ON SCHEMA jit FROM PUBLIC;
GRANT USAGE ON SCHEMA jit TO jit_definer;

-- The portals that may ask, each for handles that begin with its own prefix.
CREATE TABLE IF NOT EXISTS jit.portal (
  login  regrole PRIMARY KEY,
  prefix text NOT NULL UNIQUE CHECK (prefix ~ '^[a-z0-9]{1,12}$')
);

-- What may be granted, and for how long at the most.
CREATE TABLE IF NOT EXISTS jit.managed_role (
  role        regrole PRIMARY KEY,
  max_seconds integer NOT NULL CHECK (max_seconds BETWEEN 1 AND 366 * 86400),
  dynamic     boolean NOT NULL
);

-- One row for each lease, kept after its end: the highest claim seen refuses orders that come late.
CREATE TABLE IF NOT EXISTS jit.lease (
  handle     text PRIMARY KEY CHECK (octet_length(handle) BETWEEN 1 AND 63),
  claim      bigint NOT NULL,
  member     regrole,                -- by number: a login dropped and made anew is another one
  role       regrole,
  dynamic    boolean NOT NULL DEFAULT false,
  expires_at timestamptz,
  granted_at timestamptz,
  removed_at timestamptz,            -- the membership was taken away
  cut_from   timestamptz,            -- after that was committed: sessions from before are to be cut
  suspects   integer[],              -- processes from before cut_from, nameless ones that were logging in too
  cleared_at timestamptz,            -- no such session is left
  dropped_at timestamptz,            -- a dynamic login is gone
  retry_at   timestamptz,            -- when dropping it is tried again
  problem    text,
  CHECK (removed_at IS NOT NULL OR (member IS NOT NULL AND role IS NOT NULL AND expires_at IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS lease_due ON jit.lease (expires_at) WHERE removed_at IS NULL;
CREATE INDEX IF NOT EXISTS lease_live ON jit.lease (member, role) WHERE removed_at IS NULL;
CREATE INDEX IF NOT EXISTS lease_uncleared ON jit.lease (removed_at)
  WHERE removed_at IS NOT NULL AND cleared_at IS NULL;
CREATE INDEX IF NOT EXISTS lease_undropped ON jit.lease (retry_at)
  WHERE dynamic AND removed_at IS NOT NULL AND dropped_at IS NULL;

-- Logins that were seen to be members of a lease's login while it lasted: cut with it.
CREATE TABLE IF NOT EXISTS jit.lent (
  handle   text NOT NULL REFERENCES jit.lease ON DELETE CASCADE,
  borrower regrole NOT NULL,
  PRIMARY KEY (handle, borrower)
);

-- When the sweep last ran.
CREATE TABLE IF NOT EXISTS jit.pulse (
  one      boolean PRIMARY KEY DEFAULT true CHECK (one),
  swept_at timestamptz
);
INSERT INTO jit.pulse (swept_at) VALUES (NULL) ON CONFLICT DO NOTHING;

ALTER TABLE jit.portal OWNER TO jit_definer;
ALTER TABLE jit.managed_role OWNER TO jit_definer;
ALTER TABLE jit.lease OWNER TO jit_definer;
ALTER TABLE jit.lent OWNER TO jit_definer;
ALTER TABLE jit.pulse OWNER TO jit_definer;
ALTER TABLE jit.portal ENABLE ROW LEVEL SECURITY;
ALTER TABLE jit.managed_role ENABLE ROW LEVEL SECURITY;
ALTER TABLE jit.lease ENABLE ROW LEVEL SECURITY;
ALTER TABLE jit.lent ENABLE ROW LEVEL SECURITY;
ALTER TABLE jit.pulse ENABLE ROW LEVEL SECURITY;

INSERT INTO jit.portal (login, prefix) VALUES (quote_ident(:'portal')::regrole, :'prefix')
  ON CONFLICT (login) DO UPDATE SET prefix = EXCLUDED.prefix;

-- The functions are made anew each time: nothing depends on them, and a type may have changed.
DO $$
DECLARE
  f record;
BEGIN
  FOR f IN SELECT p.oid::regprocedure AS signature FROM pg_proc p WHERE p.pronamespace = 'jit'::regnamespace
  LOOP
    EXECUTE format('DROP ROUTINE %s', f.signature);
  END LOOP;
END $$;
DROP TYPE IF EXISTS jit.lease_order;

-- What one order says.
CREATE TYPE jit.lease_order AS (
  handle text, claim bigint, account text, role text, until timestamptz, dynamic boolean,
  logged boolean  -- every statement of the login that is made goes to the server's log
);
