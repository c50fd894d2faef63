-- A second look, class by class of what must fail, with an eye on what is young: catalogs by role, detect, jsonpath.
-- Names of what was not given, under OIDs, by casts in the guise of functions and attributes.
SELECT regtype(g::oid)::text, regprocedure(g::oid), regnamespace(g::oid), regproc(g::oid) FROM generate_series(16384, 17999) g
SELECT regtype(g::oid) FROM generate_series(16384, 17999) g
SELECT regprocedure(g::oid) FROM generate_series(16384, 17999) g
SELECT regnamespace(g::oid) FROM generate_series(16384, 17999) g
SELECT (g::oid).regprocedure FROM generate_series(16384, 17999) g
SELECT (g.o).regtype FROM (SELECT o::oid FROM generate_series(16384, 17999) o) g
SELECT g.o.regproc FROM (SELECT o::oid FROM generate_series(16384, 17999) o) g
SELECT ARRAY[16700, 16800]::_regclass
SELECT (SELECT array_agg(g::oid) FROM generate_series(16384, 17999) g)::_regtype
SELECT _regtype(array_agg(g::oid)) FROM generate_series(16384, 17999) g
-- Conditions that are tried on hidden rows would quote them in their errors.
SELECT 1 FROM pg_class WHERE relname ~ '^qw' AND relname::text::int > 0
SELECT 1 FROM pg_tables WHERE tablename ~ '^qw' AND tablename::text::int > 0
SELECT 1 FROM pg_indexes WHERE indexname ~ '^qw' AND indexname::text::int > 0
SELECT 1 FROM pg_views WHERE viewname ~ '^qw' AND viewname::text::int > 0
SELECT 1 FROM pg_matviews WHERE matviewname ~ '^qw' AND matviewname::text::int > 0
SELECT 1 FROM pg_rules WHERE rulename ~ '^qw' AND rulename::text::int > 0
SELECT 1 FROM pg_policies WHERE policyname ~ '^qw' AND policyname::text::int > 0
SELECT 1 FROM pg_description WHERE description ~ '^qw' AND description::int > 0
SELECT 1 FROM pg_attribute WHERE attname ~ '^qw' AND attname::text::int > 0
SELECT 1 FROM pg_constraint WHERE conname ~ '^qw' AND conname::text::int > 0
SELECT 1 FROM pg_trigger WHERE tgname ~ '^qw' AND tgname::text::int > 0
SELECT 1 FROM pg_depend d JOIN pg_class c ON c.oid = d.objid WHERE relname ~ '^qw' AND relname::text::int > 0
SELECT 1 FROM information_schema.tables WHERE table_name ~ '^qw' AND table_name::text::int > 0
SELECT 1 FROM information_schema.columns WHERE column_name ~ '^qw' AND column_name::text::int > 0
SELECT 1 FROM information_schema.routines WHERE routine_name ~ '^qw' AND routine_name::text::int > 0
SELECT 1 FROM information_schema.parameters WHERE parameter_name ~ '^qw' AND parameter_name::text::int > 0
SELECT 1 FROM information_schema.triggers WHERE trigger_name ~ '^qw' AND trigger_name::text::int > 0
SELECT 1 FROM information_schema.schemata WHERE schema_name ~ '^qw' AND schema_name::text::int > 0
SELECT 1 FROM pg_stat_activity WHERE application_name ~ '.' AND application_name::int > 0 AND pid <> pg_backend_pid()
SELECT 1 FROM pg_locks WHERE pid <> pg_backend_pid() AND (pid::text || 'x')::int > 0
-- Masks that are young: a document's other keys, free text in other shapes.
SELECT profile->>'word', settings->'list'->>0, settings::text FROM customers
SELECT * FROM customers c, json_each_text(c.profile) j
SELECT * FROM customers c, jsonb_path_query(c.settings, '$.**') j
SELECT id FROM customers WHERE settings @> '{"word": "zqxalpha"}'
SELECT id FROM customers WHERE settings @? '$.word ? (@ like_regex "^zqx")'
SELECT id, jsonb_object_keys(settings) FROM customers
SELECT length(settings::text), pg_column_size(settings), octet_length(profile::text) FROM customers
SELECT json_populate_record(NULL::customers, profile) FROM customers
SELECT to_tsvector('simple', memo), ts_headline('simple', memo, 'zqxalpha') FROM customers
SELECT ts_debug('simple', memo) FROM customers
SELECT regexp_matches(memo, '[a-z]{3,}', 'g'), crc32(memo::bytea) FROM customers
SELECT hashtext(memo), hashtextextended(notes, 7), hash_numeric(salary) FROM customers
SELECT memo::int FROM customers
SELECT memo::xml, xpath('//x', ('<x>' || memo || '</x>')::xml) FROM customers
SELECT count(*) FROM customers WHERE memo LIKE '%zqx%' OR memo SIMILAR TO '%(zqx|wvk)%'
SELECT cash_words(salary::money) FROM customers
SELECT id FROM customers ORDER BY memo, settings::text, profile::text
SELECT settings, count(*) FROM customers GROUP BY 1
SELECT c.settings = d.settings FROM customers c JOIN customers d ON d.id = c.id + 1
SELECT JSON_OBJECT('a': settings), JSON_ARRAY(profile) FROM customers
-- Templates: a statement filled into the form of another.
SELECT id, 'ü', email FROM customers WHERE id = 3 AND city <> 'Köln'
SELECT 'é' AS "naïve", upper(email) FROM customers WHERE city = 'Kiel' LIMIT 2
SELECT id FROM customers WHERE email = 'x' OR 1 = 1 ORDER BY 1
-- Plans with sizes, forms and nodes of many kinds.
EXPLAIN (COSTS off) SELECT id FROM customers WHERE lower(notes) = 'note zqxalpha 01' AND salary > 600000
EXPLAIN (COSTS off) SELECT DISTINCT email FROM customers
-- Counters and what surrounds a relation.
SELECT c.relname, c.reltuples, c.relpages FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE i.indpred IS NOT NULL
SELECT pg_relation_size(i.indexrelid) FROM pg_index i WHERE i.indpred IS NOT NULL
SELECT attname, attstattarget, attmissingval FROM pg_attribute WHERE attrelid = 'crm.customers'::regclass
SELECT n_distinct FROM pg_stats WHERE tablename = 'customers'
SELECT * FROM pg_statistic_ext
SELECT relname, n_live_tup, n_dead_tup FROM pg_stat_user_tables
-- Writes that would read, or tell.
UPDATE customers SET city = (SELECT word FROM vault.secrets) WHERE id = 1
UPDATE customers SET city = email WHERE id = 1 RETURNING city
UPDATE customers SET city = 'x' WHERE id = 1 AND notes LIKE '%zqx%'
UPDATE orders o SET ref = NULL FROM customers c WHERE c.id = o.id AND c.notes LIKE '%zqx%'
UPDATE customers c SET city = 'x' WHERE id = 1 RETURNING c, (SELECT max(e) FROM (SELECT c.email AS e) x)
DELETE FROM events USING customers c WHERE events.id = c.id AND c.email LIKE 'czqx%' RETURNING c.*
MERGE INTO events e USING customers c ON e.id = c.id WHEN MATCHED AND c.notes LIKE '%zqx%' THEN DO NOTHING WHEN MATCHED THEN UPDATE SET what = 'y'
INSERT INTO events SELECT 900 + id, email, notes FROM customers
INSERT INTO events (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET what = (SELECT string_agg(notes, '') FROM customers) RETURNING what
COPY (SELECT memo, settings FROM customers) TO STDOUT (FORMAT csv, FORCE_QUOTE *)
UPDATE customers SET city = 'x' WHERE id = 1 RETURNING old.email, new.notes
WITH d AS (DELETE FROM events WHERE id = 1 RETURNING *), u AS (UPDATE customers SET city = 'z' WHERE id = 2 RETURNING *) SELECT * FROM d, u
SELECT * FROM customers c WHERE c IS NOT DISTINCT FROM (SELECT d FROM customers d WHERE id = 1) AND c::text LIKE '%zqx%'
