-- Cursors, prepared statements, EXPLAIN, COPY, settings, several statements, locks, channels.
DECLARE c CURSOR FOR SELECT * FROM customers; FETCH ALL FROM c
DECLARE c BINARY CURSOR FOR SELECT email, salary, dob FROM customers; FETCH 5 FROM c
DECLARE c SCROLL CURSOR WITH HOLD FOR TABLE customers; FETCH LAST FROM c
DECLARE c CURSOR FOR SELECT email FROM customers FOR UPDATE; FETCH ALL c; UPDATE customers SET city = 'x' WHERE CURRENT OF c
MOVE 1 FROM c; FETCH c
PREPARE p AS SELECT email, notes FROM customers; EXECUTE p
PREPARE p (int) AS SELECT * FROM customers WHERE id = $1; EXECUTE p(1)
PREPARE p (text) AS SELECT id FROM customers WHERE email LIKE $1; EXECUTE p('%zqx%')
PREPARE p AS SELECT 1; EXECUTE p; DEALLOCATE p; PREPARE p AS TABLE customers; EXECUTE p
EXECUTE p((SELECT email FROM customers LIMIT 1))
PREPARE p AS VALUES (1); EXECUTE nosuch
EXPLAIN SELECT * FROM customers WHERE email = 'czqxalpha01@mail1.example'
EXPLAIN (COSTS OFF) SELECT * FROM customers WHERE email = 'x'
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM customers
EXPLAIN SELECT * FROM customers WHERE email LIKE 'czqx%'
EXPLAIN SELECT * FROM customers WHERE salary > 910000
EXPLAIN SELECT * FROM customers WHERE mood = 'cross'
EXPLAIN SELECT * FROM customers WHERE notes IS NULL
EXPLAIN SELECT notes, count(*) FROM customers GROUP BY notes
EXPLAIN SELECT DISTINCT level FROM customers
EXPLAIN SELECT * FROM customers a JOIN customers b ON a.salary = b.salary
EXPLAIN SELECT * FROM customers ORDER BY email
EXPLAIN (FORMAT JSON) SELECT * FROM customers WHERE dob > '1957-05-01'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF) SELECT * FROM customers WHERE email LIKE '%zqx%'
EXPLAIN (GENERIC_PLAN) SELECT * FROM customers WHERE email = $1
EXPLAIN (SETTINGS) SELECT email FROM customers
EXPLAIN ANALYZE DELETE FROM customers
EXPLAIN ANALYZE UPDATE customers SET city = email WHERE id = 1
EXPLAIN EXECUTE p
EXPLAIN DECLARE c CURSOR FOR SELECT * FROM customers
EXPLAIN CREATE TABLE x AS SELECT * FROM customers
EXPLAIN (VERBOSE) SELECT name, contact, token FROM customers
COPY customers TO STDOUT
COPY customers (id, email, notes) TO STDOUT
COPY crm.customers TO STDOUT WITH (FORMAT csv, HEADER)
COPY customers TO STDOUT WITH (FORMAT binary)
COPY (SELECT * FROM customers) TO STDOUT
COPY (TABLE customers) TO STDOUT (FORMAT csv, FORCE_QUOTE *)
COPY (VALUES ((SELECT max(email) FROM customers))) TO STDOUT
COPY customer_mail TO STDOUT
COPY mail_copy TO STDOUT
COPY vip_customers TO STDOUT
COPY payments TO STDOUT
COPY payments_2024 TO STDOUT
COPY vault.secrets TO STDOUT
COPY orders TO STDOUT
COPY pg_attrdef TO STDOUT
COPY pg_statistic TO STDOUT
COPY customers TO '/tmp/out'
COPY customers TO PROGRAM 'cat'
COPY customers FROM '/etc/passwd'
COPY orders FROM PROGRAM 'echo'
COPY (INSERT INTO events SELECT id + 100, email, 'x' FROM customers RETURNING *) TO STDOUT
COPY (DELETE FROM customers WHERE id > 0 RETURNING *) TO STDOUT
COPY customers FROM STDIN WHERE email LIKE 'x'
SET search_path = vault, crm; SELECT * FROM secrets
SET search_path TO pg_temp, crm
SET LOCAL search_path = ''; SELECT * FROM customers
SET search_path = ''; SELECT * FROM customers WHERE email::text = 'x' OR name ~ 'zqx'; TABLE crm.customers
SELECT set_config('search_path', '', false); COPY crm.customers TO STDOUT
SET search_path = ''; SELECT to_json(c), c::text, row(c.*) FROM crm.customers c ORDER BY c; RESET search_path
SET search_path TO crm, public; SELECT * FROM customers
SET search_path TO public, crm; SELECT email, display(c), c::text FROM customers c; SELECT 'customers'::regclass, email_of(1)
SET search_path TO public; SELECT * FROM customers; SELECT polite('x'); SELECT rooms(); TABLE secrets
SET LOCAL search_path TO "$user", vault, public; SELECT * FROM secrets; SELECT 'secrets'::regclass; SELECT to_regclass('secrets')
SELECT set_config('search_path', 'public, "$user", vault', false); SELECT * FROM secrets
SET search_path TO public, crm; SELECT * FROM customers c, orders o WHERE c.notes = o.comment AND c.email OPERATOR(public.=) 'x'
SELECT set_config(name, 'known', false) FROM (VALUES ('pgcurfew.mask_key')) AS v (name); SELECT name FROM customers
SELECT set_config(name, 'postgres', false) FROM pg_settings WHERE name IN ('role', 'session_authorization'); TABLE customers
SELECT set_config(email, 'x', false) FROM customers
SELECT set_config(name, 'vault', false) FROM (VALUES ('search_path')) AS v (name); SELECT * FROM secrets
BEGIN; LOCK TABLE customers IN ACCESS SHARE MODE; TABLE customers
LOCK TABLE vault.secrets IN ACCESS SHARE MODE
LOCK TABLE customers IN ACCESS EXCLUSIVE MODE
SET standard_conforming_strings = off; SELECT '\'', email FROM customers
SET backslash_quote = on
SET client_encoding = 'SJIS'; SELECT email FROM customers
SET client_encoding TO LATIN1
SET NAMES 'SQL_ASCII'
SET ROLE postgres; SELECT * FROM customers
SET SESSION AUTHORIZATION postgres
RESET ROLE
SET pgcurfew.mask_key = 'known'; SELECT name FROM customers
SET LOCAL pgcurfew.mask_key TO 'known'; SELECT name FROM customers
RESET pgcurfew.mask_key; SELECT name FROM customers
SHOW pgcurfew.mask_key
SHOW ALL
SET session_replication_role = replica
SET row_security = off
SET default_transaction_read_only = off
SET TRANSACTION READ WRITE
BEGIN READ WRITE
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
SELECT set_config('search_path', 'vault', false); SELECT * FROM secrets
SELECT set_config('role', 'postgres', false)
SELECT set_config('pgcurfew.mask_key', 'known', false); SELECT name FROM customers
SET TimeZone = 'Asia/Tokyo'; SELECT seen FROM customers
SET TimeZone = '-11:30'; SELECT seen, dob FROM customers
SET extra_float_digits = 3; SELECT score FROM customers
SET bytea_output = escape; SELECT photo FROM customers
SET DateStyle = 'SQL, DMY'; SELECT dob FROM customers
SET IntervalStyle = iso_8601; SELECT age(dob, '2000-01-01') FROM customers
SET xmlbinary = hex; SELECT xmlelement(name p, photo) FROM customers
SET quote_all_identifiers = on; SELECT email FROM customers
SET debug_print_plan = on; SELECT email FROM customers
SET client_min_messages = debug5; SELECT email FROM customers
SET enable_seqscan = off; SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example'
SELECT 1; SELECT email FROM customers; SELECT notes FROM customers
SELECT 1; DROP TABLE customers
BEGIN; SELECT email FROM customers; COMMIT
SELECT email FROM customers;;; ;SELECT notes FROM customers;
BEGIN; SAVEPOINT s; SELECT email::int FROM customers; ROLLBACK TO s; SELECT email FROM customers; ROLLBACK
SELECT * FROM customers FOR UPDATE
SELECT id FROM customers FOR SHARE
SELECT id FROM customers c, orders o WHERE c.id = o.customer_id FOR UPDATE OF c
SELECT email FROM customers FOR NO KEY UPDATE SKIP LOCKED
LOCK TABLE customers
LISTEN x; NOTIFY x, 'y'
NOTIFY x
DO $$ BEGIN RAISE NOTICE '%', (SELECT max(email) FROM crm.customers); END $$
CALL something()
CREATE TEMP TABLE t AS SELECT * FROM customers; SELECT * FROM t
CREATE TEMP VIEW customers AS SELECT 1; SELECT * FROM customers
CREATE TABLE x AS TABLE customers
SELECT * INTO x FROM customers
SELECT * INTO TEMP x FROM customers; SELECT * FROM x
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT max(email) FROM crm.customers'; SELECT f()
CREATE VIEW v AS SELECT * FROM customers; SELECT * FROM v
CREATE MATERIALIZED VIEW m AS SELECT * FROM customers
CREATE RULE r AS ON SELECT TO customers DO INSTEAD NOTHING
ALTER TABLE customers RENAME TO other
ALTER ROLE attacker_upstream SET search_path = vault
GRANT pg_read_all_data TO attacker_upstream
COMMENT ON TABLE customers IS 'x'
SECURITY LABEL ON TABLE customers IS 'x'
VACUUM VERBOSE customers
ANALYZE VERBOSE customers
REINDEX TABLE customers
CLUSTER customers
REFRESH MATERIALIZED VIEW mail_copy
CHECKPOINT
LOAD 'auto_explain'
IMPORT FOREIGN SCHEMA x FROM SERVER y INTO crm
CREATE STATISTICS s ON email, notes FROM customers
PREPARE TRANSACTION 'x'
DISCARD ALL; SELECT email FROM customers
RESET ALL; SELECT name FROM customers
