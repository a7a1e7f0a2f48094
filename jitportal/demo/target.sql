-- The demo's target: two applications' databases with a little data, and the roles that the demo's
-- policy gives. Run with psql as the superuser, once, in the database postgres.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- Whoever reads everything could otherwise schedule jobs, and keep the server's own sweep from running.
SELECT 'REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cron FROM PUBLIC'
 WHERE EXISTS (SELECT FROM pg_namespace WHERE nspname = 'cron') \gexec

CREATE ROLE app_ro NOLOGIN;
CREATE ROLE app_rw NOLOGIN;
CREATE ROLE app_ddl NOLOGIN;
CREATE ROLE billing_rw NOLOGIN;
CREATE ROLE app_admin_ro NOLOGIN;
GRANT pg_monitor TO app_admin_ro;
CREATE ROLE app_emergency NOLOGIN;
GRANT app_ro, app_rw, billing_rw TO app_emergency;

SELECT jit.manage_role('app_ro', '65 minutes') IS NULL,
       jit.manage_role('app_rw', '65 minutes') IS NULL,
       jit.manage_role('billing_rw', '65 minutes') IS NULL,
       jit.manage_role('app_ddl', '14 days 5 minutes') IS NULL,
       jit.manage_role('app_admin_ro', '65 minutes', dynamic => true) IS NULL,
       jit.manage_role('app_emergency', '65 minutes', dynamic => true) IS NULL \g /dev/null

\connect orders
SET client_min_messages = warning;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO app_ddl;
CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  city text NOT NULL
);
CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer bigint NOT NULL REFERENCES customers,
  placed_at timestamptz NOT NULL,
  status text NOT NULL CHECK (status IN ('new', 'picking', 'shipped', 'returned')),
  total numeric(10, 2) NOT NULL
);
INSERT INTO customers (name, city)
SELECT (ARRAY['Ines', 'Jonas', 'Kofi', 'Leila', 'Mateo', 'Noor', 'Olga', 'Pavel'])[1 + n % 8] || ' '
       || (ARRAY['Adler', 'Brandt', 'Costa', 'Dubois', 'Eriksen'])[1 + n % 5],
       (ARRAY['Bergen', 'Gdansk', 'Leiden', 'Porto', 'Turin', 'Uppsala'])[1 + n % 6]
  FROM generate_series(1, 40) AS n;
INSERT INTO orders (customer, placed_at, status, total)
SELECT 1 + n % 40, now() - n * interval '37 minutes',
       (ARRAY['new', 'picking', 'shipped', 'shipped', 'shipped', 'returned'])[1 + n % 6],
       round((12 + (n * 7919 % 25000) / 100.0)::numeric, 2)
  FROM generate_series(1, 400) AS n;
ALTER TABLE customers OWNER TO app_ddl;
ALTER TABLE orders OWNER TO app_ddl;
GRANT SELECT ON customers, orders TO app_ro, app_rw, app_admin_ro;
GRANT INSERT, UPDATE, DELETE ON customers, orders TO app_rw;

\connect billing
SET client_min_messages = warning;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE TABLE invoices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id bigint NOT NULL,
  due_on date NOT NULL,
  paid boolean NOT NULL DEFAULT false,
  amount numeric(10, 2) NOT NULL
);
INSERT INTO invoices (order_id, due_on, paid, amount)
SELECT n, current_date + (n % 30), n % 3 = 0, round((12 + (n * 7919 % 25000) / 100.0)::numeric, 2)
  FROM generate_series(1, 200) AS n;
GRANT SELECT ON invoices TO app_admin_ro;
GRANT SELECT, INSERT, UPDATE, DELETE ON invoices TO billing_rw;
