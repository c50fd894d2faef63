-- What has no honest answer at all.
COPY pg_statistic TO STDOUT
COPY customers TO '/tmp/out'
COPY customers TO PROGRAM 'cat'
COPY customers FROM '/etc/passwd'
SET search_path = vault, crm; SELECT * FROM secrets
SET standard_conforming_strings = off; SELECT '\'', email FROM customers
SET client_encoding = 'SJIS'; SELECT email FROM customers
SET ROLE postgres; SELECT * FROM customers
SET SESSION AUTHORIZATION postgres
SET pgcurfew.mask_key = 'known'; SELECT name FROM customers
SET LOCAL pgcurfew.mask_key TO 'known'; SELECT name FROM customers
SHOW pgcurfew.mask_key
SELECT set_config('search_path', 'vault', false); SELECT * FROM secrets
SELECT set_config('pgcurfew.mask_key', 'known', false); SELECT name FROM customers
LOCK TABLE customers
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
REINDEX TABLE customers
CLUSTER customers
REFRESH MATERIALIZED VIEW mail_copy
CHECKPOINT
LOAD 'auto_explain'
IMPORT FOREIGN SCHEMA x FROM SERVER y INTO crm
CREATE STATISTICS s ON email, notes FROM customers
PREPARE TRANSACTION 'x'
SELECT * FROM pg_stats WHERE schemaname = 'crm'
SELECT most_common_vals FROM pg_catalog.pg_stats
SELECT * FROM pg_statistic
SELECT stavalues1 FROM pg_statistic
SELECT * FROM pg_stats_ext
SELECT * FROM pg_statistic_ext_data
SELECT * FROM pg_authid
SELECT * FROM pg_shadow
SELECT * FROM pg_user_mapping
SELECT * FROM pg_largeobject
SELECT * FROM pg_toast.pg_toast_1262
SELECT pg_read_file('/etc/passwd')
SELECT pg_ls_dir('.')
SELECT * FROM pg_ls_logdir()
SELECT query_to_xml('select * from crm.customers', true, true, '')
SELECT table_to_xml('crm.customers', true, true, '')
SELECT schema_to_xml('crm', true, true, '')
SELECT database_to_xml(true, true, '')
SELECT ts_stat('select to_tsvector(email) from crm.customers')
SELECT * FROM ts_stat('select to_tsvector(''simple'', email) from crm.customers')
SELECT ts_rewrite('a'::tsquery, 'select ''a''::tsquery, plainto_tsquery(''simple'', notes) from crm.customers limit 1')
SELECT * FROM extensions.crosstab('select id, email, notes from crm.customers') AS t(a int, b text, c text)
SELECT * FROM extensions.connectby('crm.customers', 'email', 'id', '1', 0) AS t(k text, p text, l int)
SELECT * FROM dblink('dbname=attack_a', 'select email from crm.customers') AS t(e text)
SELECT pg_mcv_list_items(stxdmcv) FROM pg_statistic_ext_data
SELECT get_raw_page('crm.customers', 0)
SELECT * FROM heap_page_items(get_raw_page('crm.customers', 0))
SELECT nextval('crm.ticket_numbers')
SELECT setval('crm.ticket_numbers', (SELECT max(salary)::bigint FROM customers))
SELECT setval('ticket_numbers', ascii(email)) FROM customers
SELECT pg_notify('x', email) FROM customers
SELECT pg_advisory_lock(level) FROM customers
SELECT lo_from_bytea(0, photo) FROM customers
SELECT lo_export(770001, '/tmp/x')
SELECT * FROM current_setting('pgcurfew.mask_key')
SELECT current_setting('pgcurfew.mask_key')
SELECT current_setting('pgcurfew.' || 'mask_key')
SELECT ('pgcurfew.mask_key'::text).current_setting
SELECT x.current_setting FROM (VALUES ('pgcurfew.mask_key'::text)) x
SELECT x.current_setting FROM unnest(ARRAY['pgcurfew.mask_key']) x
SELECT display(c) FROM customers c
SELECT c.display FROM customers c
SELECT (c).display FROM customers c
SELECT crm.display(c) FROM customers c
SELECT x.display FROM (SELECT c FROM customers c) s, LATERAL (SELECT s.c) x
SELECT (all_customers()).*
SELECT (all_customers()).email
SELECT * FROM all_customers()
SELECT a.email FROM all_customers() a
SELECT crm.email_of(1)
SELECT email_of(id) FROM customers
SELECT c.id.email_of FROM customers c
SELECT (c.id).email_of FROM customers c
SELECT (1).email_of
SELECT g.email_of FROM generate_series(1, 12) g
SELECT x.email_of FROM (SELECT 1 AS id) s, LATERAL (SELECT s.id) x
SELECT (ARRAY[1])[1].email_of
SELECT id.email_of FROM customers
SELECT (770001::oid).lo_get
SELECT f.lo_get FROM unnest(ARRAY[770001]::oid[]) f
SELECT (f).lo_get FROM (SELECT 770001::oid AS f) x
SELECT lo_get(770001)
SELECT (array_agg(x))[1].lo_get FROM (SELECT 770001::oid) x(x)
SELECT ('select email from crm.customers limit 1'::text).run
SELECT t.run FROM (VALUES ('select max(email) from crm.customers'::text)) t
SELECT (x.q).run FROM (SELECT 'select max(email) from crm.customers'::text AS q) x
SELECT q.run FROM unnest(ARRAY['select max(email) from crm.customers']) q
SELECT s.run FROM (SELECT 'select max(card) from crm.customers'::text) s
SELECT ('/etc/passwd'::text).pg_read_file
SELECT tone_email('low')
SELECT ('low'::crm.tone).tone_email
SELECT 'czqxalpha01@mail1.example' OPERATOR(crm.@@@) 1
SELECT same_mail('czqxalpha01@mail1.example', 1)
SELECT id FROM customers WHERE is_rich(salary)
SELECT id FROM customers c WHERE c.salary.is_rich
SELECT id FROM customers ORDER BY email_of(id)
UPDATE customers SET city = display(customers) WHERE id = 1 RETURNING city
UPDATE customers SET city = 'x'
UPDATE customers SET city = 'x' WHERE true
DELETE FROM customers
INSERT INTO vault.secrets VALUES (2, 'x')
TRUNCATE customers
TRUNCATE events
RESET transaction_read_only; DELETE FROM orders
SELECT set_config('transaction_read_only', $1, true)
