-- What must not be refused, and for unmasked columns gives the direct result. Analysts first.
SELECT 1
SELECT id, city, signup FROM customers ORDER BY id
SELECT count(*) FROM customers
SELECT city, count(*) FROM customers GROUP BY city ORDER BY city
SELECT city, count(*) AS n FROM customers WHERE signup >= '2024-03-01' GROUP BY city HAVING count(*) > 1 ORDER BY n DESC, city
SELECT o.id, c.city, o.total FROM orders o JOIN customers c ON c.id = o.customer_id ORDER BY o.id
SELECT c.city, sum(o.total), avg(o.total), max(o.placed) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.city ORDER BY 1
SELECT c.id, count(o.id) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY c.id
SELECT c.id, c.city, count(o.id) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY c.id
SELECT id, total, sum(total) OVER (ORDER BY placed), rank() OVER (PARTITION BY placed ORDER BY total DESC) FROM orders ORDER BY id
SELECT id, lag(total) OVER w, lead(total, 2, 0) OVER w FROM orders WINDOW w AS (ORDER BY id) ORDER BY id
SELECT date_trunc('month', placed)::date AS month, sum(total) FROM orders GROUP BY 1 ORDER BY 1
SELECT to_char(placed, 'YYYY-MM') AS month, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT extract(year FROM placed), extract(isodow FROM placed) FROM orders ORDER BY id
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), percentile_disc(0.9) WITHIN GROUP (ORDER BY total) FROM orders
SELECT width_bucket(total, 0, 100, 5) AS bucket, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT count(*) FILTER (WHERE total > 50), count(*) FILTER (WHERE total <= 50) FROM orders
SELECT city, signup, count(*) FROM customers GROUP BY ROLLUP (city, signup) ORDER BY city NULLS LAST, signup NULLS LAST
SELECT grouping(city), city, count(*) FROM customers GROUP BY CUBE (city) ORDER BY 1, 2
WITH totals AS (SELECT customer_id, sum(total) AS t FROM orders GROUP BY customer_id) SELECT c.city, sum(t) FROM totals JOIN customers c ON c.id = customer_id GROUP BY c.city ORDER BY 1
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i, i * i FROM n
WITH a AS (SELECT id FROM customers WHERE city = 'Kiel'), b AS (SELECT customer_id FROM orders) SELECT a.id FROM a WHERE a.id IN (SELECT customer_id FROM b) ORDER BY 1
SELECT * FROM (SELECT id, city, row_number() OVER (PARTITION BY city ORDER BY id) AS n FROM customers) s WHERE n = 1 ORDER BY id
SELECT DISTINCT city FROM customers ORDER BY city
SELECT DISTINCT ON (city) city, id FROM customers ORDER BY city, id DESC
SELECT id FROM customers WHERE city IN ('Kiel', 'Ulm') AND signup BETWEEN '2024-01-01' AND '2024-06-30' ORDER BY id
SELECT id FROM customers WHERE city LIKE 'K%' OR city ILIKE '%u%' OR city ~ '^B' ORDER BY id
SELECT id FROM customers WHERE city = ANY ('{Kiel,Bonn}') ORDER BY id
SELECT id FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.total > 30) ORDER BY id
SELECT id FROM customers c WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id) ORDER BY id
SELECT id, (SELECT sum(total) FROM orders o WHERE o.customer_id = c.id) FROM customers c ORDER BY id
SELECT c.id, l.total FROM customers c CROSS JOIN LATERAL (SELECT total FROM orders o WHERE o.customer_id = c.id ORDER BY total DESC LIMIT 1) l ORDER BY c.id
SELECT d::date, count(o.id) FROM generate_series(date '2024-01-01', date '2024-01-10', interval '1 day') d LEFT JOIN orders o ON o.placed = d::date GROUP BY d ORDER BY d
SELECT id FROM customers UNION SELECT id FROM orders ORDER BY 1
SELECT id FROM customers EXCEPT SELECT customer_id FROM orders ORDER BY 1
SELECT id FROM customers INTERSECT ALL SELECT customer_id FROM orders ORDER BY 1
VALUES (1, 'a'), (2, 'b')
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, t) ORDER BY n
SELECT CASE WHEN total > 50 THEN 'big' ELSE 'small' END AS size, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT coalesce(max(total), 0), greatest(min(total), 5), nullif(count(*), 0) FROM orders
SELECT array_agg(id ORDER BY id), string_agg(city, ', ' ORDER BY id) FROM customers
SELECT json_agg(json_build_object('id', id, 'city', city) ORDER BY id) FROM customers
SELECT jsonb_object_agg(id, city) FROM customers
SELECT row_to_json(o) FROM (SELECT id, total FROM orders ORDER BY id) o
SELECT json_agg(t) FROM (SELECT id, placed FROM orders ORDER BY id) t
SELECT '{"a": [1, 2]}'::jsonb #> '{a,1}', '{"a": 1}'::json->>'a', '{"a": 1}'::jsonb @> '{"a": 1}'
SELECT * FROM jsonb_to_recordset('[{"a": 1, "b": "x"}]') AS r(a int, b text)
SELECT jsonb_path_query('{"a": [1, 2, 3]}', '$.a[*] ? (@ > 1)')
SELECT unnest(ARRAY[3, 1, 2]) AS x ORDER BY x
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b']) WITH ORDINALITY AS u(n, t, i)
SELECT * FROM ROWS FROM (generate_series(1, 3), generate_series(1, 2)) AS r(a, b)
SELECT regexp_replace(city, '[aeiou]', '*', 'g'), split_part(city, 'o', 1), substring(city from 2 for 2), position('o' in city), trim(both ' ' from city) FROM customers ORDER BY id
SELECT overlay(city placing 'XX' from 2), upper(city), initcap(lower(city)), length(city), lpad(city, 8, '.'), md5(city) FROM customers ORDER BY id
SELECT format('%s-%s', id, city), concat_ws(' ', id, city), city || '!' FROM customers ORDER BY id
SELECT city COLLATE "C" FROM customers ORDER BY city COLLATE "C", id
SELECT now() - interval '1 day' < now(), current_date IS NOT NULL, localtimestamp IS NOT NULL, current_user IS NOT NULL
SELECT date '2024-02-29' + interval '1 year', age(date '2024-05-01', date '2023-01-01'), make_date(2024, 2, 29), (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', date '2024-03-01')
SELECT timestamptz '2024-01-01 00:00+00' AT TIME ZONE 'Europe/Berlin', to_timestamp(0), date_part('epoch', timestamptz '2024-01-01 00:00+00')
SELECT round(1.2345, 2), trunc(9.99), ceil(1.1), floor(-1.1), mod(7, 3), power(2, 10), sqrt(16), ln(1), abs(-5), 7 / 2, 7 % 2, 2 ^ 3
SELECT int4range(1, 5) @> 3, daterange('2024-01-01', '2024-02-01') && daterange('2024-01-15', NULL), numrange(1, 2) + numrange(2, 3)
SELECT inet '10.0.0.1' << inet '10.0.0.0/8', host(inet '10.0.0.1/8'), point(1, 2) <-> point(4, 6)
SELECT to_tsvector('english', 'the quick foxes') @@ to_tsquery('english', 'fox'), ts_rank(to_tsvector('a b'), to_tsquery('a'))
SELECT '5'::int, CAST('2024-01-01' AS date), 'yes'::bool, '{1,2}'::int[], '1.5'::numeric(5, 2), 'a'::"char"
SELECT gen_random_uuid() IS NOT NULL, random() < 1, pg_typeof(1), pg_backend_pid() > 0
SELECT id FROM orders ORDER BY id LIMIT 3 OFFSET 2
SELECT id FROM orders ORDER BY total DESC, id FETCH FIRST 3 ROWS WITH TIES
SELECT id FROM customers TABLESAMPLE BERNOULLI (100) ORDER BY id
SELECT id, paid, amount FROM payments ORDER BY id
SELECT id, amount FROM payments WHERE paid >= '2025-01-01' ORDER BY id
SELECT tableoid::regclass::text, count(*) FROM payments GROUP BY 1 ORDER BY 1
SELECT id, city FROM ONLY customers ORDER BY id
SELECT id, lounge FROM vip_customers ORDER BY id
SELECT ctid, id FROM events ORDER BY id
SELECT * FROM events ORDER BY id
SELECT e FROM events e ORDER BY id
SELECT (e).what FROM events e ORDER BY (e).id
SELECT row_to_json(e) FROM events e ORDER BY id
SELECT id FROM customer_mail ORDER BY id
SELECT id, city FROM guarded ORDER BY id
SELECT c.id, e.what FROM customers c NATURAL JOIN (SELECT id, what FROM events) e ORDER BY id
SELECT id, what FROM events JOIN (SELECT id, city FROM customers) c USING (id) ORDER BY id
SELECT j.id FROM (events e JOIN orders o USING (id)) AS j ORDER BY 1
SELECT a.id, b.id FROM orders a, orders b WHERE a.total = b.total * 2 ORDER BY 1, 2
SELECT "id", "city" AS "Town Name" FROM "crm"."customers" ORDER BY "id"
SELECT crm.customers.id FROM crm.customers ORDER BY 1
SELECT x.i AS "select", 'it''s' AS "quoted ""name""" FROM (SELECT 1 AS i) x
SELECT U&'d\0061t\+000061', E'tab\tend', $tag$dollar$tag$, B'101', X'1F'
SELECT id FROM customers ORDER BY id FOR UPDATE
SELECT pg_size_pretty(pg_total_relation_size('crm.customers')) IS NOT NULL
EXPLAIN (COSTS OFF) SELECT id FROM customers WHERE id = 1
EXPLAIN SELECT email FROM customers WHERE id = 1
EXPLAIN ANALYZE SELECT email, count(*) FROM customers GROUP BY 1
EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON) SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id
EXPLAIN (ANALYZE, VERBOSE, BUFFERS) SELECT * FROM events
EXPLAIN (ANALYZE) SELECT what FROM plain_orders
EXPLAIN SELECT * FROM with_notes
EXPLAIN SELECT * FROM customer_mail
EXPLAIN (ANALYZE, COSTS OFF) SELECT nick || 'x' FROM customers
EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM orders
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM orders
COPY (SELECT id, city FROM customers ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)
COPY orders (id, total) TO STDOUT
COPY events TO STDOUT
BEGIN; SELECT id FROM orders ORDER BY id; COMMIT
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1; ROLLBACK
SAVEPOINT a; ROLLBACK TO a; RELEASE a
DECLARE c CURSOR FOR SELECT id FROM orders ORDER BY id; FETCH 2 FROM c; FETCH NEXT FROM c; CLOSE c
PREPARE q (int) AS SELECT id, city FROM customers WHERE id = $1; EXECUTE q(3); DEALLOCATE q
SET application_name = 'report'; SELECT 1 AS one
SET TimeZone = 'UTC'; SET DateStyle TO ISO, DMY; SET extra_float_digits = 3
SET LOCAL statement_timeout = '1s'
RESET ALL
DISCARD ALL
UNLISTEN *
SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL
SHOW server_version
SHOW transaction_isolation
SHOW standard_conforming_strings
SELECT current_setting('server_version_num')::int >= 140000
SELECT set_config('TimeZone', 'UTC', false)
SELECT version(), current_database(), current_schema(), current_schemas(true), session_user IS NOT NULL
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED
UPDATE customers SET city = 'Trier' WHERE id = 3
UPDATE events SET what = 'call' WHERE id < 3 RETURNING id, what
INSERT INTO events (id, email, what) VALUES (500, 'new@x.example', 'visit') RETURNING *
INSERT INTO events SELECT id + 1000, 'x', city FROM customers WHERE id < 4
INSERT INTO events (id, what) VALUES (1, 'again') ON CONFLICT (id) DO UPDATE SET what = excluded.what RETURNING id, what
DELETE FROM orders WHERE id = 10 RETURNING id, total
WITH gone AS (DELETE FROM events WHERE id = 12 RETURNING id) SELECT count(*) FROM gone
MERGE INTO events e USING orders o ON e.id = o.id WHEN MATCHED THEN UPDATE SET what = 'ordered' WHEN NOT MATCHED THEN INSERT (id) VALUES (o.id)
-- SQLAlchemy, Django, psycopg, asyncpg and JDBC ask the catalog.
select pg_catalog.version()
select current_schema()
show standard_conforming_strings
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = 'customers' AND pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog'
SELECT pg_catalog.pg_attribute.attname AS name, pg_catalog.format_type(pg_catalog.pg_attribute.atttypid, pg_catalog.pg_attribute.atttypmod) AS format_type, (SELECT pg_catalog.pg_get_expr(pg_catalog.pg_attrdef.adbin, pg_catalog.pg_attrdef.adrelid) AS pg_get_expr_1 FROM pg_catalog.pg_attrdef WHERE pg_catalog.pg_attrdef.adrelid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attrdef.adnum = pg_catalog.pg_attribute.attnum AND pg_catalog.pg_attribute.atthasdef) AS "default", pg_catalog.pg_attribute.attnotnull AS not_null, pg_catalog.pg_class.relname AS table_name, pg_catalog.pg_description.description AS comment FROM pg_catalog.pg_class LEFT OUTER JOIN pg_catalog.pg_attribute ON pg_catalog.pg_class.oid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attribute.attnum > 0 AND NOT pg_catalog.pg_attribute.attisdropped LEFT OUTER JOIN pg_catalog.pg_description ON pg_catalog.pg_description.objoid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_description.objsubid = pg_catalog.pg_attribute.attnum JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p']) AND pg_catalog.pg_namespace.nspname = 'crm' ORDER BY pg_catalog.pg_class.relname, pg_catalog.pg_attribute.attnum
SELECT attr.conrelid, array_agg(CAST(attr.attname AS TEXT) ORDER BY attr.ord) AS cols, attr.conname, min(attr.description) AS description FROM (SELECT con.conrelid AS conrelid, con.conname AS conname, con.ord, pg_catalog.pg_attribute.attname AS attname, con.description FROM pg_catalog.pg_attribute JOIN (SELECT pg_catalog.pg_constraint.conrelid AS conrelid, pg_catalog.pg_constraint.conname AS conname, unnest(pg_catalog.pg_constraint.conkey) AS attnum, generate_subscripts(pg_catalog.pg_constraint.conkey, 1) AS ord, pg_catalog.pg_description.description AS description FROM pg_catalog.pg_constraint LEFT OUTER JOIN pg_catalog.pg_description ON pg_catalog.pg_description.objoid = pg_catalog.pg_constraint.oid WHERE pg_catalog.pg_constraint.contype = 'p') AS con ON pg_catalog.pg_attribute.attnum = con.attnum AND pg_catalog.pg_attribute.attrelid = con.conrelid) AS attr GROUP BY attr.conrelid, attr.conname ORDER BY attr.conrelid, attr.conname
SELECT pg_catalog.pg_class.relname, pg_catalog.pg_constraint.conname, CASE WHEN (pg_catalog.pg_constraint.oid IS NOT NULL) THEN pg_catalog.pg_get_constraintdef(pg_catalog.pg_constraint.oid, true) END AS anon_1, nsp_ref.nspname FROM pg_catalog.pg_class LEFT OUTER JOIN pg_catalog.pg_constraint ON pg_catalog.pg_class.oid = pg_catalog.pg_constraint.conrelid AND pg_catalog.pg_constraint.contype = 'f' LEFT OUTER JOIN pg_catalog.pg_class AS pg_class_ref ON pg_class_ref.oid = pg_catalog.pg_constraint.confrelid LEFT OUTER JOIN pg_catalog.pg_namespace AS nsp_ref ON pg_class_ref.relnamespace = nsp_ref.oid WHERE pg_catalog.pg_class.relname = 'orders'
SELECT c.relname, CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END, obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v') AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND pg_catalog.pg_table_is_visible(c.oid)
SELECT a.attname AS column_name, NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)) AS is_nullable, pg_get_expr(ad.adbin, ad.adrelid) AS column_default, CASE WHEN collname = 'default' THEN NULL ELSE collname END AS collation, a.attidentity != '' AS is_autofield, col_description(a.attrelid, a.attnum) AS column_comment FROM pg_attribute a LEFT JOIN pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum LEFT JOIN pg_collation co ON a.attcollation = co.oid JOIN pg_type t ON a.atttypid = t.oid JOIN pg_class c ON a.attrelid = c.oid JOIN pg_namespace n ON c.relnamespace = n.oid WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v') AND c.relname = 'customers' AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND pg_catalog.pg_table_is_visible(c.oid)
SELECT c.conname, array(SELECT attname FROM unnest(c.conkey) WITH ORDINALITY cols(colid, arridx) JOIN pg_attribute AS ca ON cols.colid = ca.attnum WHERE ca.attrelid = c.conrelid ORDER BY cols.arridx), c.contype, (SELECT fkc.relname || '.' || fka.attname FROM pg_attribute AS fka JOIN pg_class AS fkc ON fka.attrelid = fkc.oid WHERE fka.attrelid = c.confrelid AND fka.attnum = c.confkey[1]), cl.reloptions FROM pg_constraint AS c JOIN pg_class AS cl ON c.conrelid = cl.oid WHERE cl.relname = 'orders' AND pg_catalog.pg_table_is_visible(cl.oid)
SELECT indexname, array_agg(attname ORDER BY arridx), indisunique, indisprimary, array_agg(ordering ORDER BY arridx), amname, exprdef, s2.attoptions FROM (SELECT c2.relname as indexname, idx.*, attr.attname, am.amname, CASE WHEN idx.indexprs IS NOT NULL THEN pg_get_indexdef(idx.indexrelid) END AS exprdef, CASE am.amname WHEN 'btree' THEN CASE (option & 1) WHEN 1 THEN 'DESC' ELSE 'ASC' END END as ordering, c2.reloptions as attoptions FROM (SELECT * FROM pg_index i, unnest(i.indkey, i.indoption) WITH ORDINALITY koi(key, option, arridx)) idx LEFT JOIN pg_class c ON idx.indrelid = c.oid LEFT JOIN pg_class c2 ON idx.indexrelid = c2.oid LEFT JOIN pg_am am ON c2.relam = am.oid LEFT JOIN pg_attribute attr ON attr.attrelid = c.oid AND attr.attnum = idx.key WHERE c.relname = 'customers' AND pg_catalog.pg_table_is_visible(c.oid)) s2 GROUP BY indexname, indisunique, indisprimary, amname, exprdef, attoptions
SELECT t.typname AS name, t.oid AS oid, t.typarray AS array_oid, t.oid::regtype::text AS regtype, t.typdelim AS delimiter FROM pg_type t WHERE t.oid = to_regtype('crm.mood') ORDER BY t.oid
SELECT t.oid, ns.nspname AS ns, t.typname AS name, t.typtype AS kind, (CASE WHEN t.typtype = 'd' THEN (WITH RECURSIVE typebases(oid, depth) AS (SELECT t2.typbasetype AS oid, 0 AS depth FROM pg_type t2 WHERE t2.oid = t.oid UNION ALL SELECT t2.typbasetype AS oid, tb.depth + 1 AS depth FROM pg_type t2, typebases tb WHERE tb.oid = t2.oid AND t2.typbasetype != 0) SELECT oid FROM typebases ORDER BY depth DESC LIMIT 1) ELSE NULL END) AS basetype, t.typelem AS elemtype, range_t.rngsubtype AS range_subtype FROM pg_catalog.pg_type AS t INNER JOIN pg_catalog.pg_namespace ns ON (ns.oid = t.typnamespace) LEFT JOIN pg_range range_t ON (t.oid = range_t.rngtypid) WHERE t.typtype = 'd'
SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, ct.relname AS TABLE_NAME, a.attname AS COLUMN_NAME, (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ, ci.relname AS PK_NAME FROM pg_catalog.pg_class ct JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid) JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid) JOIN pg_catalog.pg_index i ON (a.attrelid = i.indrelid) JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid) WHERE ct.relname = 'customers' AND i.indisprimary
SELECT nspname AS TABLE_SCHEM, NULL AS TABLE_CATALOG FROM pg_catalog.pg_namespace WHERE nspname <> 'pg_toast' AND (nspname !~ '^pg_temp_' OR nspname = (pg_catalog.current_schemas(true))[1]) ORDER BY TABLE_SCHEM
SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
SELECT column_name, data_type, is_nullable, column_default, character_maximum_length FROM information_schema.columns WHERE table_name = 'customers' ORDER BY ordinal_position
SELECT tc.constraint_name, kcu.column_name, ccu.table_name FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu USING (constraint_name, table_schema) JOIN information_schema.constraint_column_usage ccu USING (constraint_name, table_schema) WHERE tc.constraint_type = 'FOREIGN KEY'
SELECT * FROM pg_catalog.pg_tables WHERE schemaname = 'crm' ORDER BY tablename
SELECT * FROM pg_catalog.pg_indexes WHERE schemaname = 'crm'
SELECT name, setting, unit FROM pg_catalog.pg_settings WHERE name IN ('server_version', 'TimeZone', 'max_connections')
SELECT c.oid, c.*, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS partition_expr FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass WHERE c.relkind NOT IN ('i', 'I', 'c') AND c.relnamespace = 'crm'::regnamespace
SELECT c.relname, a.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) AS def_value, dsc.description, dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid = c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid = ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid) LEFT OUTER JOIN pg_depend dep ON dep.refobjid = a.attrelid AND dep.deptype = 'i' AND dep.refobjsubid = a.attnum AND dep.classid = dep.refclassid WHERE NOT a.attisdropped AND c.relname = 'orders' ORDER BY a.attnum
SELECT db.oid, db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate
SELECT p.oid, p.proname, pg_catalog.pg_get_function_result(p.oid), pg_catalog.pg_get_function_arguments(p.oid), l.lanname FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'crm'::regnamespace
SELECT sequence_name, start_value, increment FROM information_schema.sequences
SELECT rolname, rolsuper, rolcanlogin FROM pg_catalog.pg_roles ORDER BY 1
SELECT e.extname, e.extversion, n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
SELECT relname, n_live_tup FROM pg_stat_user_tables ORDER BY relname
SELECT has_table_privilege('crm.customers', 'select'), has_schema_privilege('crm', 'usage'), pg_has_role(current_user, 'usage')
SELECT 'customers'::regclass, 'crm.customers'::regclass::text, to_regclass('crm.customers')
SELECT tableoid::regclass, count(*) FROM payments GROUP BY 1 ORDER BY 1
SELECT pg_table_size('customers'), pg_total_relation_size('crm.orders'::regclass), pg_relation_size('orders', 'main')
SELECT c.oid::regclass::text FROM pg_class c WHERE c.oid = 'crm.customers'::regclass
SELECT conname, conrelid::regclass, confrelid::regclass FROM pg_constraint WHERE contype = 'f' AND confrelid <> 0
SELECT pg_size_pretty(pg_total_relation_size((schemaname || '.' || tablename)::regclass)) FROM pg_tables WHERE schemaname = 'crm'
SELECT attname, format_type(atttypid, atttypmod), atttypid::regtype FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attnum > 0
SELECT has_table_privilege('customers', 'select'), has_table_privilege(current_user, 'crm.orders', 'select')
SELECT col_description('customers'::regclass, 3), obj_description('customers'::regclass), obj_description('crm.orders'::regclass, 'pg_class')
SELECT to_regclass('nothing_of_that_name'), to_regtype('integer'), 'int4'::regtype, 'text[]'::regtype, to_regproc('lower')
SELECT pg_get_serial_sequence('crm.customers', 'id')
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = '"orders"'::regclass AND i.indisprimary
SELECT 'pg_class'::regclass, 'pg_catalog.pg_type'::regclass::oid, 1259::regclass
SELECT 'crm'::regnamespace, to_regnamespace('crm')
SELECT oid::regclass FROM (SELECT oid FROM pg_class WHERE relname = 'customers') x
SELECT 'customers_pkey'::regclass
SELECT count(*) FROM payments WHERE tableoid::regclass IN ('payments_2024', 'payments_2025')
SELECT pg_get_viewdef('customer_mail'::regclass, true), pg_get_indexdef('customers_pkey'::regclass)
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid IN ('crm.orders'::regclass, 'customers'::regclass)
