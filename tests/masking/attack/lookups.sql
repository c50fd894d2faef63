-- Raw values of one twin where a lookup is none: not a plain conjunct of WHERE with a constant on an inner relation.
SELECT id FROM customers WHERE email <> 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE NOT email = 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE NOT (email = 'czqxalpha01@mail1.example' AND city = 'Bonn')
SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example' OR id = 3
SELECT id FROM customers WHERE id < 9 AND (email = 'czqxalpha01@mail1.example' OR city = 'Kiel')
SELECT id FROM customers WHERE (email = 'czqxalpha01@mail1.example') IS TRUE
SELECT id FROM customers WHERE (email = 'czqxalpha01@mail1.example') IS NOT FALSE
SELECT id FROM customers WHERE (email = 'czqxalpha01@mail1.example') = true
SELECT id FROM customers WHERE CASE WHEN email = 'czqxalpha01@mail1.example' THEN true ELSE false END
SELECT id FROM customers WHERE coalesce(email = 'czqxalpha01@mail1.example', false)
SELECT id FROM customers WHERE email IN ('czqxalpha01@mail1.example', 'czqxalpha02@mail2.example')
SELECT id FROM customers WHERE email = ANY (ARRAY['czqxalpha01@mail1.example'])
SELECT id FROM customers WHERE email = ANY ('{czqxalpha01@mail1.example}')
SELECT id FROM customers WHERE email = SOME (SELECT 'czqxalpha01@mail1.example')
SELECT id FROM customers WHERE email = ALL (ARRAY['czqxalpha01@mail1.example'])
SELECT id FROM customers WHERE email = (SELECT 'czqxalpha01@mail1.example')
SELECT id FROM customers WHERE email = (SELECT 'czqxalpha' || '01@mail1.example')
SELECT id FROM customers WHERE email = 'czqxalpha' || '01@mail1.example'
SELECT id FROM customers WHERE email = lower('CZQXALPHA01@mail1.example')
SELECT id FROM customers WHERE email = concat('czqxalpha', '01@mail1.example')
SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example' COLLATE "C"
SELECT id FROM customers WHERE email COLLATE "C" = 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE email::text = 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE lower(email) = 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE (customers).email = 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE email(customers) = 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE (email, id) = ('czqxalpha01@mail1.example', 1)
SELECT id FROM customers WHERE ROW(email) = ROW('czqxalpha01@mail1.example')
SELECT id FROM customers WHERE email IS NOT DISTINCT FROM 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE nullif(email, 'czqxalpha01@mail1.example') IS NULL
SELECT id FROM customers WHERE email LIKE 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE email SIMILAR TO 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE email BETWEEN 'czqxalpha01@mail1.example' AND 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE email >= 'czqxalpha01@mail1.example' AND email <= 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE email ^@ 'czqxalpha01'
SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example'::name
SELECT id FROM customers WHERE nick = 'NZQXALPHA01'::extensions.citext
SELECT email = 'czqxalpha01@mail1.example' FROM customers ORDER BY id
SELECT id FROM customers ORDER BY email = 'czqxalpha01@mail1.example', id
SELECT count(*) FROM customers GROUP BY email = 'czqxalpha01@mail1.example'
SELECT count(*) FILTER (WHERE email = 'czqxalpha01@mail1.example') FROM customers
SELECT email FROM customers GROUP BY email HAVING email = 'czqxalpha01@mail1.example'
SELECT bool_or(email = 'czqxalpha01@mail1.example') FROM customers
SELECT sum(1) OVER (PARTITION BY email = 'czqxalpha01@mail1.example') FROM customers
SELECT DISTINCT ON (email = 'czqxalpha01@mail1.example') 1 FROM customers
SELECT id FROM customers LIMIT (SELECT count(*) FROM customers WHERE id < 3 OR email = 'czqxalpha01@mail1.example')
SELECT o.id FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE c.email = 'czqxalpha01@mail1.example'
SELECT o.id FROM orders o LEFT JOIN customers c ON c.email = 'czqxalpha01@mail1.example' AND c.id = o.customer_id
SELECT o.id, c.id FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND c.email = 'czqxalpha01@mail1.example' ORDER BY 1
SELECT o.id FROM customers c RIGHT JOIN orders o ON c.id = o.customer_id WHERE c.email = 'czqxalpha01@mail1.example'
SELECT o.id FROM customers c FULL JOIN orders o ON c.id = o.customer_id WHERE c.email = 'czqxalpha01@mail1.example'
SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id AND c.email = 'czqxalpha01@mail1.example'
SELECT p.id FROM payments p LEFT JOIN (orders o JOIN customers c ON c.id = o.customer_id) ON p.id = o.id WHERE c.email = 'czqxalpha01@mail1.example'
SELECT 1 FROM (customers c JOIN orders o ON c.id = o.customer_id) AS j WHERE j.email = 'czqxalpha01@mail1.example'
SELECT 1 FROM (customers c LEFT JOIN orders o ON c.id = o.customer_id) AS j WHERE email = 'czqxalpha01@mail1.example'
SELECT 1 FROM customers c JOIN customers d USING (email) WHERE email = 'czqxalpha01@mail1.example'
SELECT 1 FROM customers c NATURAL JOIN (SELECT email FROM customers) d WHERE email = 'czqxalpha01@mail1.example'
SELECT id FROM (SELECT * FROM customers) c WHERE email = 'czqxalpha01@mail1.example'
WITH c AS (SELECT * FROM customers) SELECT id FROM c WHERE email = 'czqxalpha01@mail1.example'
WITH customers AS (SELECT * FROM crm.customers) SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example'
WITH c(v) AS (VALUES ('czqxalpha01@mail1.example'), ('czqxalpha02@mail2.example')) SELECT id FROM customers, c WHERE email = v
SELECT id FROM (VALUES ('czqxalpha01@mail1.example')) c(v) JOIN customers ON true WHERE email = v
SELECT id FROM unnest(ARRAY['czqxalpha01@mail1.example']) v, customers WHERE email = v
SELECT id FROM unnest(ARRAY['czqxalpha01@mail1.example']) v, LATERAL (SELECT id FROM customers WHERE email = v) c
SELECT (SELECT id FROM customers WHERE email = v) FROM unnest(ARRAY['czqxalpha01@mail1.example']) v
SELECT c.id FROM customers c, customers d WHERE c.email = d.notes
SELECT c.id FROM customers c WHERE c.email = c.upper_email
SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example' = true
SELECT id FROM customer_mail WHERE email = 'czqxalpha01@mail1.example'
SELECT id FROM mail_copy WHERE email = 'czqxalpha01@mail1.example'
SELECT id FROM vip_customers WHERE email = 'czqxalpha11@mail2.example'
SELECT id FROM vip_customers v WHERE v.email = 'czqxalpha11@mail2.example' AND v.id > 0
SELECT id FROM customers WHERE phone = '+49-5550177-11'
SELECT id FROM customers WHERE notes = 'note zqxalpha 01'
SELECT id FROM customers WHERE internal_code = 'code zqxalpha 01'
SELECT id FROM customers WHERE NULL = email
SELECT id FROM customers c(a, email) WHERE email = 'czqxalpha01@mail1.example'
SELECT 1 FROM customers c, orders c WHERE c.email = 'czqxalpha01@mail1.example'
UPDATE customers SET city = 'Ulm' WHERE email = 'czqxalpha01@mail1.example'
UPDATE customers SET city = 'Ulm' WHERE id = (SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example')
DELETE FROM orders USING customers c WHERE c.email = 'czqxalpha01@mail1.example' AND customer_id = c.id
UPDATE orders SET total = 0 FROM customers c WHERE c.email = 'czqxalpha01@mail1.example' AND customer_id = c.id
INSERT INTO orders (id) SELECT id + 500 FROM customers WHERE email = 'czqxalpha01@mail1.example'
WITH c AS (SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example') UPDATE orders SET total = 0 WHERE customer_id IN (SELECT id FROM c)
MERGE INTO orders o USING (SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example') c ON c.id = o.customer_id WHEN MATCHED THEN DELETE
PREPARE p AS SELECT id FROM customers WHERE email = $1; EXECUTE p('czqxalpha01@mail1.example')
PREPARE p AS SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example'; EXPLAIN ANALYZE EXECUTE p
SET transform_null_equals = on; SELECT id FROM customers WHERE email = NULL
