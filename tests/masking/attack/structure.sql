-- Every place where a relation can be named.
WITH c AS (SELECT * FROM customers) SELECT * FROM c
WITH customers AS (SELECT * FROM crm.customers) SELECT * FROM customers
WITH customers AS (TABLE customers) SELECT email, notes FROM customers
WITH c AS MATERIALIZED (SELECT * FROM customers) SELECT email, card FROM c
WITH c AS NOT MATERIALIZED (SELECT * FROM customers) SELECT * FROM c WHERE email LIKE '%z%'
WITH a AS (SELECT 1), customers AS (SELECT * FROM customers) SELECT * FROM customers
WITH RECURSIVE r AS (SELECT id, email FROM customers WHERE id = 1 UNION ALL SELECT c.id, c.email FROM customers c JOIN r ON c.id = r.id + 1) SELECT * FROM r
WITH RECURSIVE customers(id, email) AS (SELECT 1, 'x'::varchar UNION ALL SELECT c.id + 1, c.email FROM customers c WHERE c.id < 3) SELECT * FROM customers
WITH RECURSIVE r(id, email) AS (SELECT id, email FROM customers UNION SELECT id, notes FROM customers) SEARCH DEPTH FIRST BY id SET o SELECT * FROM r
WITH RECURSIVE r(id, email) AS (SELECT id, email FROM customers UNION ALL SELECT r.id + 100, c.email FROM r JOIN customers c ON r.id = c.id) CYCLE id SET cyc USING path SELECT * FROM r
WITH x(a, b) AS (SELECT email, notes FROM customers) SELECT a, b FROM x
WITH x AS (WITH y AS (SELECT * FROM customers) SELECT * FROM y) SELECT email FROM x
SELECT * FROM (SELECT * FROM customers) s
SELECT * FROM (SELECT * FROM (SELECT email FROM customers) a) b
SELECT * FROM (TABLE customers) AS t(a, b, c)
SELECT a, b, c FROM customers AS t(a, b, c)
SELECT email FROM customers AS t(email, id)
SELECT t.id FROM customers AS t(email, id)
SELECT * FROM customers AS c (id, id2, id3, id4, id5) WHERE id3 LIKE '%z%'
SELECT email FROM customers UNION SELECT notes FROM customers
SELECT 'x' UNION ALL SELECT email FROM customers
SELECT email FROM customers INTERSECT SELECT notes FROM customers
SELECT email FROM customers EXCEPT SELECT ship_to FROM orders
(SELECT email FROM customers) UNION (TABLE mail_copy) ORDER BY 1
(SELECT id FROM customers ORDER BY email LIMIT 3) UNION ALL (SELECT id FROM customers ORDER BY salary LIMIT 3)
VALUES ((SELECT email FROM customers WHERE id = 1)), ((SELECT notes FROM customers WHERE id = 2))
SELECT * FROM (VALUES ((SELECT max(email) FROM customers))) v(x)
SELECT * FROM orders o, LATERAL (SELECT email FROM customers c WHERE c.id = o.customer_id) x
SELECT * FROM orders o CROSS JOIN LATERAL (SELECT c.* FROM customers c WHERE c.id = o.customer_id) x
SELECT * FROM customers c, LATERAL unnest(c.tags) t
SELECT * FROM customers c, LATERAL jsonb_each_text(c.settings) t
SELECT * FROM customers c, LATERAL regexp_split_to_table(c.email, '@') t
SELECT * FROM customers c, generate_series(1, length(c.notes)) g
SELECT * FROM customers c, ROWS FROM (unnest(c.tags), generate_series(1, c.level)) r
SELECT * FROM customers c CROSS JOIN LATERAL (VALUES (c.email), (c.notes)) v(x)
SELECT * FROM customers c, json_to_record(c.profile) AS r(word text, n int)
SELECT * FROM customers c, jsonb_to_recordset(jsonb_build_array(c.settings)) AS r(word text)
SELECT * FROM customers c, XMLTABLE('/r' PASSING xmlelement(name r, c.email) COLUMNS e text PATH '.') x
SELECT * FROM customers a JOIN customers b USING (email)
SELECT email FROM customers a JOIN customers b USING (email) JOIN customers d USING (email)
SELECT * FROM customers a NATURAL JOIN customer_mail b
SELECT * FROM customers NATURAL JOIN orders
SELECT * FROM customers a JOIN customers b USING (email) AS j
SELECT j.email FROM customers a JOIN customers b USING (email, salary) AS j
SELECT j.* FROM (customers a JOIN orders o ON o.customer_id = a.id) AS j(p, q, r, s, t)
SELECT a.email, b.notes FROM customers a LEFT JOIN customers b ON a.email = b.email AND b.notes LIKE '%'
SELECT * FROM customers a FULL JOIN customers b ON a.id = b.id + 6
SELECT * FROM ONLY customers
SELECT * FROM customers *
SELECT email FROM ONLY (customers)
SELECT * FROM customers TABLESAMPLE BERNOULLI (100)
SELECT email FROM customers TABLESAMPLE SYSTEM (100) REPEATABLE (1)
SELECT c.* FROM generate_series(1, 1) g, customers c TABLESAMPLE BERNOULLI (g * 100)
SELECT * FROM vip_customers
SELECT email, notes FROM ONLY vip_customers
SELECT * FROM payments
SELECT iban FROM payments_2024
SELECT * FROM payments_2025
SELECT tableoid::regclass, * FROM customers
SELECT ctid, * FROM customers
SELECT ctid, xmin, cmin, xmax, cmax, tableoid, email FROM customers
SELECT c.ctid FROM customers c WHERE c.ctid = '(0,1)'
SELECT * FROM customers WHERE EXISTS (SELECT 1 FROM customers c WHERE c.email = customers.email AND c.notes IS NULL)
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE email LIKE '%z%')
SELECT * FROM orders WHERE customer_id = ANY (SELECT id FROM customers WHERE salary > 910000)
SELECT id, (SELECT email FROM customers WHERE id = o.customer_id) FROM orders o
SELECT id FROM orders o WHERE (SELECT notes FROM customers c WHERE c.id = o.customer_id) > 'a'
SELECT email FROM customers FETCH FIRST 2 ROWS WITH TIES
SELECT email FROM customers ORDER BY email FETCH FIRST 2 ROWS WITH TIES
SELECT id FROM customers ORDER BY notes LIMIT (SELECT max(level) FROM customers)
SELECT id FROM customers ORDER BY id OFFSET (SELECT min(level) - 40 FROM customers)
SELECT * FROM events e JOIN customers c ON c.email = e.email
SELECT events.email, customers.email FROM events, customers
SELECT email FROM events WHERE email IN (SELECT email FROM customers)
SELECT crm.customers.email FROM crm.customers
SELECT crm.customers.* FROM crm.customers
SELECT elsewhere.crm.customers.email FROM elsewhere.crm.customers
SELECT * FROM elsewhere.crm.customers
SELECT crm.customers.email, public.customers.email FROM crm.customers, public.customers
SELECT "email" FROM "customers"
SELECT "customers"."email" FROM "crm"."customers"
SELECT U&"\0065mail" FROM customers
SELECT U&"e!006dail" UESCAPE '!' FROM U&"c\0075stomers"
SELECT EMAIL FROM CuStOmErS
SELECT/**/email/**/FROM/**/customers
SELECT email -- FROM nothing
SELECT e'\x65mail', email FROM customers
SELECT $$x$$, email FROM customers
