-- A third look at every class, from the list alone.
-- Aliases, expressions, casts.
SELECT a.b FROM (SELECT email AS b FROM customers) AS a(b)
SELECT (SELECT e FROM (SELECT c.email AS e) x) FROM customers c
SELECT CAST(CAST(email AS bytea) AS text) FROM customers
SELECT email::bytea FROM customers
SELECT convert_to(email, 'UTF8') || convert_to(notes, 'UTF8') FROM customers
SELECT encode(sha256(convert_to(notes, 'UTF8')), 'hex') FROM customers
SELECT md5(notes), sha256(photo), length(notes), octet_length(email), bit_length(card) FROM customers
SELECT ascii(substr(email, n, 1)) FROM customers, generate_series(1, 20) n
SELECT get_byte(photo, 0), get_bit(photo, 3) FROM customers
SELECT overlay(email PLACING 'x' FROM 1 FOR 1), position('zq' IN email), trim(BOTH 'c' FROM email) FROM customers
SELECT substring(notes SIMILAR '%#"zq%#"%' ESCAPE '#') FROM customers
SELECT regexp_match(email, '(.)(.)(.)'), regexp_split_to_array(notes, ''), regexp_count(notes, 'zq') FROM customers
SELECT format('%I %L %s', email, notes, phone) FROM customers
SELECT dob + 1, dob - '1957-01-01'::date, extract(month FROM dob), to_char(dob, 'MM'), age(dob), date_part('doy', dob) FROM customers
SELECT make_interval(months => extract(month FROM dob)::int) FROM customers
SELECT seen AT TIME ZONE 'UTC', date_trunc('day', seen), extract(epoch FROM seen) FROM customers
SELECT salary % 7, salary / 3, sqrt(salary), scale(salary), min_scale(salary), width_bucket(salary, 0, 1e6, 1000) FROM customers
SELECT score::numeric, trunc(score), score::int, float8send(score) FROM customers
SELECT level & 255, level << 2, to_hex(level), level::bit(16), chr(level) FROM customers
SELECT host(ip), masklen(ip), set_masklen(ip, 8), broadcast(ip), ip & '255.255.255.255', hostmask(ip), inet_send(ip) FROM customers
SELECT (home).street, (home).number, home::text, row_to_json(home) FROM customers
SELECT mood::text, mood > 'calm', enum_range(mood, NULL), ord FROM customers, unnest(enum_range(NULL::crm.mood)) WITH ORDINALITY m(m, ord) WHERE m = mood
SELECT tags[1], array_to_string(tags, ','), tags || 'x', cardinality(tags), array_position(tags, 'x') FROM customers
SELECT t, o FROM customers, unnest(tags) WITH ORDINALITY u(t, o)
SELECT nick || 'x', nick::text, upper(nick::text) FROM customers
SELECT token::text, uuid_send(token) FROM customers
SELECT profile->>'word', profile->'n', json_object_keys(profile), profile::text FROM customers
SELECT settings->'list', jsonb_path_query(settings, '$.**'), settings #> '{list,0}', jsonb_pretty(settings), settings - 'list' FROM customers
SELECT key, value FROM customers, jsonb_each_text(settings)
SELECT * FROM customers, json_to_record(profile) AS r(word text, n int, secret text)
SELECT jsonb_path_exists(settings, '$ ? (@.list[*] > 10)') FROM customers
SELECT memo, to_tsvector('simple', memo), ts_headline('simple', memo, 'x'::tsquery) FROM customers
-- Casts that raise errors with the value in them.
SELECT email::int FROM customers
SELECT notes::date FROM customers
SELECT card::inet FROM customers
SELECT phone::numeric FROM customers
SELECT (email || '')::json FROM customers
SELECT notes::crm.mood FROM customers
SELECT ('{' || notes)::text[] FROM customers
SELECT xmlparse(DOCUMENT notes) FROM customers
SELECT to_date(notes, 'YYYY-MM-DD'), to_number(notes, '999') FROM customers
SELECT make_date(1957, extract(month FROM dob)::int + 12, 1) FROM customers
SELECT 1 / (salary - 918273)::int FROM customers
SELECT factorial(level), repeat('x', level - 1000000) FROM customers
SELECT contact::crm.known_mail FROM customers
SELECT lpad('', length(notes) * 1000000) FROM customers
SELECT ('x' || notes)::regclass FROM customers
SELECT notes::regprocedure FROM customers
SELECT setseed(salary) FROM customers
-- Aggregates, windows, grouping sets, ordered sets.
SELECT min(email), max(notes), string_agg(phone, ','), array_agg(dob), json_agg(card), mode() WITHIN GROUP (ORDER BY email) FROM customers
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY salary), percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY score) FROM customers
SELECT rank('zqxalpha') WITHIN GROUP (ORDER BY notes), cume_dist(900000) WITHIN GROUP (ORDER BY salary) FROM customers
SELECT corr(salary, level), regr_slope(score, id), stddev(salary), bit_xor(level), every(mood = 'cross') FROM customers
SELECT lag(email) OVER w, lead(notes, 1, 'x') OVER w, first_value(dob) OVER w, ntile(3) OVER (ORDER BY salary), rank() OVER (ORDER BY notes) FROM customers WINDOW w AS (ORDER BY salary)
SELECT count(*) FILTER (WHERE notes LIKE 'zq%'), sum(id) FILTER (WHERE salary > 910000) FROM customers
SELECT email, grouping(email, notes), count(*) FROM customers GROUP BY CUBE (email, notes)
SELECT DISTINCT ON (salary) id, email FROM customers ORDER BY salary, notes
SELECT id FROM customers ORDER BY salary, dob, notes, photo, ip, score
SELECT id, row_number() OVER (PARTITION BY mood ORDER BY card) FROM customers
SELECT id FROM customers ORDER BY email COLLATE "C" FETCH FIRST 1 ROW WITH TIES
SELECT id FROM customers ORDER BY notes USING >
-- Set operations, VALUES, LATERAL, CTEs.
SELECT notes FROM customers INTERSECT VALUES ('zqxalpha note 01'), ('wvkbravo note 01')
SELECT email FROM customers EXCEPT ALL SELECT email FROM events
(SELECT notes FROM customers ORDER BY id LIMIT 1) UNION ALL (TABLE vault.secrets)
VALUES ((SELECT notes FROM customers WHERE id = 1)), ((SELECT word FROM measures LIMIT 1))
SELECT l.* FROM customers c, LATERAL (SELECT c.email, c.notes, c.*) l
SELECT x FROM customers c CROSS JOIN LATERAL (VALUES (c.email), (c.notes), (c.phone)) v(x)
SELECT x FROM customers c, LATERAL unnest(ARRAY[c.email::text, c.notes, c.phone]) x
WITH RECURSIVE walk(id, trail) AS (SELECT id, email::text FROM customers WHERE id = 1 UNION ALL SELECT c.id, w.trail || c.notes FROM walk w JOIN customers c ON c.id = w.id + 1) SELECT * FROM walk
WITH customers AS (SELECT * FROM crm.customers) SELECT customers.email, customers FROM customers
WITH customers AS (SELECT * FROM customers) SELECT notes FROM customers
WITH a AS (SELECT 1 AS email), b AS (WITH a AS (TABLE customers) SELECT * FROM a) SELECT * FROM b
WITH x AS NOT MATERIALIZED (SELECT * FROM customers WHERE notes > 'm') SELECT count(*) FROM x
WITH RECURSIVE t AS (SELECT id, notes FROM customers UNION SELECT id, notes FROM t WHERE false) SEARCH DEPTH FIRST BY notes SET o CYCLE notes SET c USING p SELECT o, c, p FROM t
SELECT * FROM customers NATURAL JOIN vip_customers
SELECT * FROM customers c JOIN vip_customers v USING (email, notes)
SELECT * FROM customers c JOIN events e ON e.email = c.email
SELECT (TABLE customers LIMIT 1)
SELECT * FROM ONLY customers TABLESAMPLE SYSTEM (100) REPEATABLE (1)
SELECT * FROM (customers c CROSS JOIN orders o) j
SELECT j.notes FROM (customers JOIN orders ON customer_id = customers.id) AS j(a, b, c, d, e, f, g, h, i, k, notes)
SELECT u&"em\0061il", U&"n\006ftes" FROM customers
SELECT "crm"."customers"."email" FROM "crm"."customers"
-- Whole rows and composites.
SELECT c, c.*, (c).*, (c).notes, notes(c), row(c.*), row(c) FROM customers c
SELECT (ARRAY[c])[1].notes, (array_agg(c))[1].email FROM customers c GROUP BY c.id, c
SELECT c::text, c::crm.customers, to_jsonb(c)->>'notes', row_to_json(c)->>'email' FROM customers c
SELECT c = c, c IS NULL, c < ROW(c.*)::crm.customers, hash_record(c) FROM customers c
SELECT GREATEST(c, c), COALESCE(NULL, c), CASE WHEN true THEN c END FROM customers c
SELECT (SELECT c).notes FROM customers c
SELECT (SELECT x FROM (SELECT c.*) x) FROM customers c
SELECT jsonb_populate_record(NULL::crm.customers, to_jsonb(c)) FROM customers c
SELECT json_populate_recordset(NULL::crm.customers, json_agg(c)) FROM customers c
SELECT jsonb_object_agg(id, c), xmlelement(name r, xmlforest(c.email, c.notes)), xmlagg(xmlelement(name x, c)) FROM customers c
SELECT extensions.hstore(c) FROM customers c
SELECT c.display FROM customers c
SELECT (c).display, display(c), crm.display(c) FROM customers c
SELECT row_to_json(x) FROM (SELECT * FROM customers) x
SELECT record_out(c), record_send(c) FROM customers c
SELECT u FROM unnest(ARRAY(SELECT c FROM customers c)) u
SELECT count(DISTINCT c), max(c::text) FROM customers c
SELECT c.tableoid::regclass, c.ctid, c.xmin, c.cmax FROM customers c
SELECT pg_column_size(c), pg_column_size(c.notes), pg_column_compression(c.notes) FROM customers c
-- *_to_xml, full text, crosstab, dblink, files, large objects.
SELECT table_to_xml('crm.customers', true, true, '')
SELECT query_to_xml('SELECT notes FROM crm.customers', true, true, '')
SELECT cursor_to_xml('c', 1, true, true, '')
SELECT schema_to_xmlschema('crm', true, true, ''), database_to_xml(true, true, '')
SELECT ts_stat('SELECT to_tsvector(notes) FROM crm.customers')
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, notes::tsquery FROM crm.customers')
SELECT * FROM extensions.crosstab('SELECT id, email, notes FROM crm.customers') AS t(a int, b text, c text)
SELECT * FROM extensions.connectby('crm.customers', 'id', 'level', '1', 0) AS t(a int, b int, c int)
SELECT pg_read_file('postgresql.auto.conf'), pg_ls_dir('.'), pg_stat_file('.')
SELECT lo_import('/etc/passwd'), lo_get(1), loread(lo_open(1, 262144), 10)
SELECT * FROM pg_largeobject
SELECT (1::oid).lo_get
SELECT f.pg_ls_dir FROM unnest(ARRAY['.']) f
SELECT ('SELECT 1'::text).run
-- Inference.
SELECT id FROM customers WHERE notes LIKE 'zq%' OR notes ~ '^wv' OR notes SIMILAR TO 'z%'
SELECT id FROM customers WHERE email IN ('czqxalpha01@mail1.example') OR email = ANY ('{cwvkbravo01@mail1.example}')
SELECT id FROM customers WHERE salary BETWEEN 900000 AND 910000 OR dob > '1957-05-01' OR ip << '10.7.74.0/24'
SELECT CASE WHEN notes < 'x' THEN 1/0 ELSE id END FROM customers
SELECT id FROM customers WHERE CASE WHEN notes > 'x' THEN pg_sleep(0) IS NULL ELSE true END
SELECT count(*) FROM customers a JOIN customers b ON a.notes < b.notes
SELECT exists(SELECT FROM customers WHERE notes LIKE 'zq%'), (SELECT count(*) FROM customers WHERE upper_email ~ 'ZQ')
SELECT o.id FROM orders o WHERE (SELECT c.notes FROM customers c WHERE c.id = o.customer_id) > 'x'
SELECT id FROM customers c WHERE c > ROW(c.*)::crm.customers OR (c.id, c.notes) > (0, 'x')
SELECT id FROM customers WHERE nullif(notes, 'zqxalpha note 01') IS NULL
SELECT id FROM customers GROUP BY id HAVING max(notes) LIKE 'zq%'
SELECT id FROM customers LIMIT (SELECT count(*) FROM customers WHERE notes LIKE 'zq%')
SELECT id FROM customers OFFSET (SELECT min(level) FROM customers) - 40
SELECT setval('crm.ticket_numbers', (SELECT min(level) FROM customers))
SELECT pg_advisory_lock(level) FROM customers
SELECT pg_notify('x', notes) FROM customers
SELECT set_config('application_name', min(notes), false) FROM customers
SELECT set_config('statement_timeout', min(level)::text, false) FROM customers
SELECT current_setting(notes, true) FROM customers
SELECT generate_series(1, level) FROM customers
-- Plans.
EXPLAIN SELECT * FROM customers WHERE notes = 'zqxalpha note 01'
EXPLAIN (VERBOSE, FORMAT json) SELECT notes FROM customers WHERE salary > 910000
EXPLAIN (ANALYZE, TIMING off, SUMMARY off) SELECT count(*) FROM customers WHERE notes LIKE 'zq%'
EXPLAIN (GENERIC_PLAN) SELECT * FROM customers WHERE notes = $1
EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING off, SUMMARY off, FORMAT yaml) SELECT * FROM customers ORDER BY notes
EXPLAIN (SETTINGS, VERBOSE) SELECT 1
EXPLAIN (ANALYZE, SERIALIZE text, TIMING off, SUMMARY off) SELECT * FROM customers
EXPLAIN (COSTS on) SELECT DISTINCT email FROM customers
EXPLAIN ANALYZE EXECUTE nothing
-- Catalogs and statistics.
SELECT most_common_vals, histogram_bounds, n_distinct FROM pg_stats WHERE tablename = 'customers'
SELECT * FROM pg_statistic
SELECT stxdmcv FROM pg_statistic_ext_data
SELECT query FROM pg_stat_activity
SELECT pg_get_expr(indpred, indrelid), pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'crm.customers'::regclass
SELECT pg_get_viewdef('crm.labelled'), pg_get_functiondef('crm.polite'::regproc)
SELECT prosrc, probin, pg_get_function_sqlbody(oid) FROM pg_proc WHERE proname IN ('polite', 'rooms')
SELECT ev_action, ev_qual FROM pg_rewrite
SELECT attmissingval FROM pg_attribute WHERE atthasmissing
SELECT consrc FROM pg_constraint
SELECT tgargs, tgqual FROM pg_trigger
SELECT polqual, polwithcheck FROM pg_policy
SELECT srvoptions, ftoptions, umoptions FROM pg_foreign_server, pg_foreign_table, pg_user_mappings
SELECT * FROM information_schema.view_column_usage
SELECT relname FROM pg_class WHERE relname ~ 'qwh' AND 1 / (oid::int8 - oid::int8) = 1
SELECT 1 FROM pg_class WHERE CASE WHEN relname LIKE 'qwhidden%' THEN 1 / 0 = 1 ELSE false END
SELECT 1 FROM pg_attrdef WHERE (adbin::text || '')::int > 0
SELECT string_agg(adbin::text, ';') FROM pg_attrdef
SELECT ctid, tableoid, xmin, * FROM pg_class WHERE relname LIKE 'qwh%'
SELECT * FROM pg_class TABLESAMPLE bernoulli (100) WHERE relname LIKE 'qwh%'
SELECT a FROM pg_attribute a WHERE a.attname LIKE 'qwh%'
COPY (SELECT c FROM pg_class c WHERE relname LIKE 'qwh%') TO STDOUT
SELECT pg_relation_filepath(16400), pg_filenode_relation(0, 16400), pg_relation_filenode('crm.customers')
SELECT pg_describe_object(1259, oid, 0), pg_identify_object(1259, oid, 0) FROM pg_class WHERE oid > 16384
SELECT 'qwhidden_here'::regclass, 'crm.qwhidden_here_pkey'::regclass
SELECT pg_input_error_info('crm.qwhidden_here', 'regclass')
-- Sessions: cursors, prepared statements, settings, roles, strings of several.
DECLARE c SCROLL CURSOR FOR SELECT notes FROM customers; FETCH ALL FROM c; FETCH FIRST FROM c; MOVE 1 IN c
DECLARE c CURSOR FOR SELECT * FROM customers WHERE id = 1 FOR UPDATE; FETCH c
PREPARE p(text) AS SELECT id FROM customers WHERE notes = $1 OR email = $1; EXECUTE p('zqxalpha note 01')
PREPARE p AS SELECT * FROM customers; EXPLAIN (VERBOSE) EXECUTE p; EXECUTE p
SET client_encoding = 'SQL_ASCII'; SELECT notes FROM customers
SET standard_conforming_strings = off; SELECT '\' || notes || '\'' FROM customers
SET search_path = vault; SELECT * FROM secrets
SET SESSION AUTHORIZATION postgres; SELECT * FROM vault.secrets
SET ROLE postgres; SELECT * FROM vault.secrets
SET row_security = off; SELECT * FROM guests
SET default_transaction_read_only = off; SET transaction_read_only = off; DELETE FROM customers
SET plan_cache_mode = force_generic_plan; PREPARE q AS SELECT notes FROM customers; EXECUTE q
SET pgcurfew.mask_key = 'x'; SELECT name FROM customers
SHOW pgcurfew.mask_key; SHOW ALL
SELECT setting FROM pg_settings WHERE name LIKE 'pgcurfew%'
RESET ALL; SELECT notes FROM customers
DISCARD ALL
LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0
SET log_statement = 'all'; SET debug_print_plan = on; SET client_min_messages = debug5; SELECT notes FROM customers
DO $$ BEGIN RAISE NOTICE '%', (SELECT min(notes) FROM crm.customers); END $$
CALL crm.run('SELECT 1')
CREATE FUNCTION x() RETURNS text LANGUAGE sql AS 'SELECT min(notes) FROM crm.customers'
CREATE TEMP VIEW v AS SELECT * FROM customers
CREATE TEMP TABLE events AS SELECT notes AS what FROM customers
CREATE TEMP TABLE t (LIKE customers INCLUDING DEFAULTS)
CREATE TABLE crm.t AS SELECT * FROM customers
ALTER TABLE customers RENAME notes TO city2
COMMENT ON COLUMN customers.city IS 'x'
SECURITY LABEL ON TABLE customers IS 'x'
COPY customers TO '/tmp/x'
COPY customers TO PROGRAM 'cat'
COPY customers (email, notes) TO STDOUT WITH (FORMAT binary)
COPY (SELECT row_to_json(c) FROM customers c) TO STDOUT
COPY (DELETE FROM customers WHERE id = 1 RETURNING *) TO STDOUT
LISTEN x; NOTIFY x, 'y'
PREPARE TRANSACTION 'x'
BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE; SELECT notes FROM customers; COMMIT
-- Writes.
INSERT INTO events (id, email) SELECT id + 100, notes FROM customers
INSERT INTO events (id, what) VALUES (200, (SELECT notes FROM customers WHERE id = 1)) RETURNING what
UPDATE customers SET city = notes WHERE id = 1 RETURNING city
UPDATE customers SET city = 'x' WHERE notes LIKE 'zq%'
UPDATE customers c SET city = c.email FROM events e WHERE e.id = c.id
UPDATE events SET what = c.notes FROM customers c WHERE c.id = events.id RETURNING what
UPDATE customers SET id = id WHERE id = 1 RETURNING *, customers, notes || 'x', (SELECT notes)
DELETE FROM customers WHERE id = 11 RETURNING row_to_json(customers), email::bytea
DELETE FROM events USING customers c WHERE c.notes LIKE 'zq%' AND c.id = events.id
INSERT INTO customers (id, name, email) VALUES (500, 'x', 'czqxalpha01@mail1.example') ON CONFLICT (email) DO NOTHING
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = customers.notes
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = 'x' WHERE customers.notes LIKE 'zq%' RETURNING id
MERGE INTO customers c USING events e ON c.id = e.id AND c.notes LIKE 'zq%' WHEN MATCHED THEN UPDATE SET city = 'x'
MERGE INTO events e USING customers c ON c.id = e.id WHEN MATCHED THEN UPDATE SET what = c.notes
WITH d AS (UPDATE customers SET city = city WHERE id < 3 RETURNING *) SELECT notes, d FROM d
WITH d AS (INSERT INTO events (id) VALUES (300) RETURNING id) SELECT c.notes FROM customers c, d
UPDATE customers SET (city, signup) = (SELECT notes, dob FROM customers c WHERE c.id = customers.id) WHERE id = 1
UPDATE customers SET city = DEFAULT WHERE id = 1 RETURNING upper_email
UPDATE desk SET place = 'bad' WHERE id = 1
INSERT INTO orders (id, customer_id) VALUES (900, 99)
SELECT * FROM customers FOR UPDATE; SELECT * FROM customers FOR KEY SHARE
LOCK customers IN ACCESS EXCLUSIVE MODE
TRUNCATE customers
