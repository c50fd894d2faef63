-- Whole rows, composites, attribute and function notation.
SELECT c FROM customers c
SELECT customers FROM customers
SELECT c.* FROM customers c
SELECT (c).* FROM customers c
SELECT (c).email FROM customers c
SELECT (c).* FROM (SELECT c FROM customers c) x
SELECT (x.c).email FROM (SELECT c FROM customers c) x
SELECT email(c) FROM customers c
SELECT notes(customers) FROM customers
SELECT c.email(c) FROM customers c
SELECT crm.email(c) FROM customers c
SELECT row(c.*) FROM customers c
SELECT row(c.*)::text FROM customers c
SELECT c::text FROM customers c
SELECT c::crm.customers FROM customers c
SELECT (c::crm.customers).email FROM customers c
SELECT to_json(c), row_to_json(c), to_jsonb(c) FROM customers c
SELECT row_to_json(c, true) FROM customers c
SELECT row_to_json(customers.*) FROM customers
SELECT json_agg(c), jsonb_agg(c), array_agg(c)::text FROM customers c
SELECT json_agg(c.*) FROM customers c
SELECT array_to_json(array_agg(c)) FROM customers c
SELECT (array_agg(c))[1] FROM customers c
SELECT (array_agg(c))[2].email FROM customers c
SELECT unnest(array_agg(c)) FROM customers c
SELECT string_agg(c::text, ',') FROM customers c
SELECT xmlforest(c.*) FROM customers c
SELECT hstore(c) FROM customers c
SELECT each(hstore(c)) FROM customers c
SELECT jsonb_each_text(to_jsonb(c)) FROM customers c
SELECT json_populate_record(NULL::crm.customers, row_to_json(c)) FROM customers c
SELECT (jsonb_populate_record(NULL::crm.customers, to_jsonb(c))).email FROM customers c
SELECT coalesce(c, c) FROM customers c
SELECT (GREATEST(c, c)).email FROM customers c
SELECT CASE WHEN true THEN c END FROM customers c
SELECT (CASE WHEN true THEN c END).email FROM customers c
SELECT c = c, c IS NULL, c IS NOT NULL FROM customers c
SELECT c = ROW(c.*) FROM customers c
SELECT count(c), count(DISTINCT c) FROM customers c
SELECT md5(c::text), hashtext(c::text), length(c::text) FROM customers c
SELECT concat(c), format('%s', c), quote_literal(c) FROM customers c
SELECT display(c) FROM customers c
SELECT c.display FROM customers c
SELECT (c).display FROM customers c
SELECT crm.display(c) FROM customers c
SELECT x.display FROM (SELECT c FROM customers c) s, LATERAL (SELECT s.c) x
SELECT NULL::crm.customers UNION ALL SELECT c FROM customers c
SELECT v FROM customer_mail v
SELECT row_to_json(v) FROM customer_mail v
SELECT to_jsonb(p) FROM payments p
SELECT j FROM (customers a JOIN orders o ON o.customer_id = a.id) j
SELECT a FROM customers a JOIN orders USING (id)
SELECT row_to_json(j) FROM (customers a JOIN orders o USING (id)) j
SELECT (r).email FROM (SELECT unnest(array_agg(c)) AS r FROM customers c) s
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
SELECT run FROM (VALUES ('select max(email) from crm.customers'::text)) run
SELECT (x.q).run FROM (SELECT 'select max(email) from crm.customers'::text AS q) x
SELECT q.run FROM unnest(ARRAY['select max(email) from crm.customers']) q
SELECT s.run FROM (SELECT 'select max(card) from crm.customers'::text) s
SELECT ('/etc/passwd'::text).pg_read_file
SELECT (5).pg_sleep
SELECT mood_email('calm')
SELECT ('calm'::crm.mood).mood_email
SELECT 'calm'::crm.mood::text
SELECT CAST('calm'::crm.mood AS text)
SELECT text('calm'::crm.mood)
SELECT ('calm'::crm.mood).text
SELECT 'x' || 'calm'::crm.mood
SELECT 'czqxalpha01@mail1.example' @@@ 1
SELECT 'czqxalpha01@mail1.example' OPERATOR(crm.@@@) 1
SELECT same_mail('czqxalpha01@mail1.example', 1)
SELECT id FROM customers WHERE is_rich(salary)
SELECT id FROM customers c WHERE c.salary.is_rich
SELECT id FROM customers ORDER BY email_of(id)
SELECT text(mood) FROM customers
SELECT c.mood.text FROM customers c
SELECT (c.mood).text FROM customers c
SELECT pg_catalog.text(mood) FROM customers
SELECT CAST(mood AS text), mood::varchar, mood::pg_catalog.text FROM customers
SELECT x::text FROM (SELECT unnest(array_agg(mood)) AS x FROM customers) s
SELECT ARRAY[mood]::text[] FROM customers
SELECT mood || '' FROM customers
SELECT '' || mood, mood OPERATOR(pg_catalog.||) '' FROM customers
SELECT anytextcat(mood, ''), textanycat('', mood) FROM customers
SELECT pg_catalog.textanycat('', mood) FROM customers
SELECT quote_literal(mood), quote_nullable(mood), concat(mood), format('%s', mood) FROM customers
SELECT to_json(mood), array_to_string(ARRAY[mood], ''), json_build_object('m', mood) FROM customers
SELECT upper(mood::bpchar) FROM customers
SELECT CASE WHEN true THEN mood ELSE 'x'::text END FROM customers
SELECT mood FROM customers UNION SELECT 'x'::text
SELECT mood LIKE 'c%' FROM customers
SELECT '{calm}'::crm.mood[]::text[]
SELECT xmlelement(name m, mood), xmlforest(mood) FROM customers
SELECT jsonb_build_array(mood) || '[]', hashtext(mood) FROM customers
