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
SELECT (0.01).pg_sleep
SELECT tone_email('low')
SELECT ('low'::crm.tone).tone_email
SELECT 'low'::crm.tone::text
SELECT CAST('low'::crm.tone AS text)
SELECT text('low'::crm.tone)
SELECT ('low'::crm.tone).text
SELECT 'x' || 'low'::crm.tone
SELECT 'czqxalpha01@mail1.example' @@@ 1
SELECT 'czqxalpha01@mail1.example' OPERATOR(crm.@@@) 1
SELECT same_mail('czqxalpha01@mail1.example', 1)
SELECT id FROM customers WHERE is_rich(salary)
SELECT id FROM customers c WHERE c.salary.is_rich
SELECT id FROM customers ORDER BY email_of(id)
SELECT text(tone) FROM calls
SELECT c.tone.text FROM calls c
SELECT (c.tone).text FROM calls c
SELECT pg_catalog.text(tone) FROM calls
SELECT CAST(tone AS text), tone::varchar, tone::pg_catalog.text FROM calls
SELECT x::text FROM (SELECT unnest(array_agg(tone)) AS x FROM calls) s
SELECT ARRAY[tone]::text[] FROM calls
SELECT tone || '' FROM calls
SELECT '' || tone, tone OPERATOR(pg_catalog.||) '' FROM calls
SELECT anytextcat(tone, ''), textanycat('', tone) FROM calls
SELECT pg_catalog.textanycat('', tone) FROM calls
SELECT quote_literal(tone), quote_nullable(tone), concat(tone), format('%s', tone) FROM calls
SELECT to_json(tone), array_to_string(ARRAY[tone], ''), json_build_object('m', tone) FROM calls
SELECT upper(tone::bpchar) FROM calls
SELECT CASE WHEN true THEN tone ELSE 'x'::text END FROM calls
SELECT tone FROM calls UNION SELECT 'x'::text
SELECT tone LIKE 'c%' FROM calls
SELECT '{low}'::crm.tone[]::text[]
SELECT xmlelement(name m, tone), xmlforest(tone) FROM calls
SELECT jsonb_build_array(tone) || '[]', hashtext(tone) FROM calls
SELECT '{low}'::crm._tone::text[]
SELECT (NULL::crm.calls).tone::text
SELECT quote_literal(x.tone) FROM json_populate_record(NULL::crm.calls, '{"tone": "low"}') x
SELECT * FROM json_to_record('{"t": "low"}') AS r(t crm.tone)
SELECT unnest(enum_range(NULL::crm.tone))::text
SELECT id FROM calls
TABLE calls
COPY calls TO STDOUT
SELECT to_jsonb(c), count(c), c IS NULL FROM orders o LEFT JOIN customers c ON c.id = o.id + 6 GROUP BY c ORDER BY c
SELECT m, (m).word, m::text, (array_agg(m) OVER ())[2] FROM measures m ORDER BY m LIMIT 9
SELECT ((array_agg(m ORDER BY m))[1]).word, (GREATEST(m, m)).pad, NULL::crm.measures = m FROM measures m GROUP BY m.id, m LIMIT 9
SELECT m FROM measures m WHERE m = ROW(1, 'kind 1', '0001', 'p')::crm.measures OR m::text LIKE '%0001%' OR m > NULL
SELECT (x.p).iban, x.p, x.p.iban FROM (SELECT p FROM payments p FULL JOIN orders o ON p IS NULL) x
SELECT (x.o).display, (x.o).email_of, display(x.o), (x.o).ship_to FROM (SELECT o FROM orders o) x
