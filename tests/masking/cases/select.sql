-- Every relation by its schema; a protected one as a subselect under the same name

SELECT * FROM users
--> SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT * FROM orders
--= SELECT * FROM public.orders

SELECT u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id
--> SELECT u.email, o.total FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u JOIN public.orders o ON o.user_id = u.id

SELECT u.email, u.* FROM users AS u (a, b, c)
--> SELECT u.email, u.* FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u(a, b, c)

SELECT (u).email, email(u), u FROM users u
--> SELECT (u).email, email(u), CASE WHEN true THEN u::public.users END AS u FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u

TABLE users
--> SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT * FROM ONLY users
--> SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM ONLY public.users) users

SELECT * FROM users TABLESAMPLE bernoulli (10) REPEATABLE (1)
--> SELECT * FROM LATERAL (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users TABLESAMPLE pg_catalog.bernoulli(10) REPEATABLE (1)) users

SELECT * FROM user_view
--> SELECT * FROM (SELECT id, NULL::pg_catalog.text AS email FROM public.user_view) user_view

SELECT * FROM ONLY base
--> SELECT * FROM (SELECT id, NULL::pg_catalog.text AS pin FROM ONLY public.base) base

SELECT * FROM child
--> SELECT * FROM (SELECT id, NULL::pg_catalog.text AS pin, extra FROM public.child) child

SELECT * FROM pay
--> SELECT * FROM (SELECT id, NULL::pg_catalog.text AS card FROM public.pay) pay

SELECT (SELECT email FROM users LIMIT 1), ARRAY(SELECT email FROM users), EXISTS (SELECT FROM users)
--> SELECT (SELECT email FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users LIMIT 1), ARRAY(SELECT email FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users), EXISTS (SELECT FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users)

SELECT * FROM users UNION ALL SELECT * FROM users
--> SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users UNION ALL SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT * FROM (SELECT * FROM users) s, LATERAL (SELECT s.email) t
--> SELECT * FROM (SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users) s, LATERAL (SELECT s.email) t

VALUES ((SELECT max(email) FROM users), 1)
--> VALUES ((SELECT pg_catalog.max(email) FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users), 1)

-- Names with a schema

SELECT public.users.email, shop.public.users.id FROM users
--> SELECT users.email, users.id FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT public.users.* FROM public.users
--> SELECT users.* FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT users.id, archive.users.email FROM vals AS users, archive.users
--> SELECT users.id, users_1.email FROM public.vals users, (SELECT id, NULL::pg_catalog.text AS email FROM archive.users) users_1

SELECT archive.users.email FROM orders, archive.users
--> SELECT users.email FROM public.orders, (SELECT id, NULL::pg_catalog.text AS email FROM archive.users) users

SELECT public.users.id, archive.users.id FROM public.users, archive.users
--> SELECT users_1.id, users_2.id FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users_1, (SELECT id, NULL::pg_catalog.text AS email FROM archive.users) users_2

-- Out of sight and absent are one

SELECT * FROM hidden
--! 42P01 relation-unknown

SELECT * FROM absent
--! 42P01 relation-unknown

SELECT * FROM public.hidden
--! 42P01 relation-unknown

SELECT * FROM nowhere.users
--! 42P01 relation-unknown

SELECT * FROM pay_1
--! 42P01 relation-unknown

SELECT * FROM pg_authid
--! 42P01 relation-unknown

SELECT NULL::hidden
--! 42704 type-unknown

SELECT relname FROM pg_class
--> SELECT relname FROM (SELECT oid, relname FROM (SELECT pg_class.* FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.<) '16384'::pg_catalog.oid OR oid = ANY('{1,2,3,5,6,7,8,9,10,12}'::pg_catalog.oid[]) OFFSET 0) pg_class) pg_class

-- CTEs

WITH users AS (SELECT 1 AS id) SELECT * FROM users
--= WITH users AS (SELECT 1 AS id) SELECT * FROM users

WITH users AS (SELECT * FROM users) SELECT email FROM users
--> WITH users AS (SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users) SELECT email FROM users

WITH users AS (SELECT 1 AS id) SELECT * FROM public.users
--> WITH users AS (SELECT 1 AS id) SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

WITH RECURSIVE t AS (SELECT id FROM users UNION ALL SELECT id + 1 FROM t WHERE id < 5) SELECT * FROM t
--> WITH RECURSIVE t AS (SELECT id FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users UNION ALL SELECT id + 1 FROM t WHERE id < 5) SELECT * FROM t

WITH RECURSIVE users AS (SELECT 1 AS id UNION ALL SELECT id FROM users) SELECT * FROM users
--= WITH RECURSIVE users AS (SELECT 1 AS id UNION ALL SELECT id FROM users) SELECT * FROM users

WITH a AS (WITH users AS (SELECT 1) SELECT * FROM users) SELECT * FROM a, users
--> WITH a AS (WITH users AS (SELECT 1) SELECT * FROM users) SELECT * FROM a, (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT * FROM (WITH hidden AS (SELECT 1) SELECT * FROM hidden) s, hidden
--! 42P01 relation-unknown

WITH b AS (SELECT * FROM hidden), hidden AS (SELECT 1) SELECT * FROM b
--! 42P01 relation-unknown

WITH RECURSIVE b AS (SELECT * FROM hidden), hidden AS (SELECT 1) SELECT * FROM b
--= WITH RECURSIVE b AS (SELECT * FROM hidden), hidden AS (SELECT 1) SELECT * FROM b

WITH hidden AS (SELECT 1) SELECT (SELECT count(*) FROM hidden)
--= WITH hidden AS (SELECT 1) SELECT (SELECT pg_catalog.count(*) FROM hidden)

WITH RECURSIVE t(a) AS (SELECT id FROM users UNION SELECT a FROM t) SEARCH DEPTH FIRST BY a SET s CYCLE a SET c USING p SELECT * FROM t
--> WITH RECURSIVE t(a) AS (SELECT id FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users UNION SELECT a FROM t) SEARCH DEPTH FIRST BY a SET s CYCLE a SET c TO true DEFAULT false USING p SELECT * FROM t

-- System columns join the subselect only when they are asked for

SELECT ctid FROM users
--> SELECT ctid FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc, ctid AS ctid FROM public.users) users

SELECT ctid, * FROM users
--> SELECT ctid, users.id, users.name, users.email, users.salary, users.doc FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc, ctid AS ctid FROM public.users) users

SELECT u.ctid, u.* FROM users u, orders o
--> SELECT u.ctid, u.id, u.name, u.email, u.salary, u.doc FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc, ctid AS ctid FROM public.users) u, public.orders o

SELECT ctid FROM user_view
--> SELECT ctid FROM (SELECT id, NULL::pg_catalog.text AS email FROM public.user_view) user_view

SELECT ctid, u FROM users u
--! 0A000 node-not-understood

SELECT users.ctid, * FROM users JOIN orders USING (id)
--! 0A000 node-not-understood

SELECT ctid, * FROM orders
--= SELECT ctid, * FROM public.orders

-- GROUP BY a primary key

SELECT id, name, email FROM users GROUP BY id
--> SELECT id, name, email FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users GROUP BY id, users.name, users.email

SELECT u.name, count(*) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id
--> SELECT u.name, pg_catalog.count(*) FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u JOIN public.orders o ON o.user_id = u.id GROUP BY u.id, u.name

SELECT id AS k, name FROM users GROUP BY k
--> SELECT id AS k, name FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users GROUP BY k, users.name

SELECT id, name FROM users GROUP BY 1
--> SELECT id, name FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users GROUP BY 1, users.name

SELECT id, name FROM users GROUP BY GROUPING SETS ((id))
--> SELECT id, name FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users GROUP BY id, users.name

SELECT id, name, count(*) FROM users GROUP BY id, ROLLUP (salary)
--> SELECT id, name, pg_catalog.count(*) FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users GROUP BY id, ROLLUP (salary), users.name

SELECT a, b FROM users u (a, b) GROUP BY a
--> SELECT a, b FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u(a, b) GROUP BY a, u.b

SELECT id, name FROM users GROUP BY id HAVING max(email) > '' ORDER BY salary
--> SELECT id, name FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users GROUP BY id, users.name, users.email, users.salary HAVING pg_catalog.max(email) > '' ORDER BY salary

SELECT name FROM users GROUP BY name
--> SELECT name FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users GROUP BY name

SELECT u.id, (SELECT count(*) FROM orders o WHERE o.user_id = u.id AND u.name = '') FROM users u GROUP BY u.id
--> SELECT u.id, (SELECT pg_catalog.count(*) FROM public.orders o WHERE o.user_id = u.id AND u.name = '') FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u GROUP BY u.id, u.name

-- Locking

SELECT * FROM users FOR UPDATE
--! 42501 lock-needs-write

SELECT * FROM orders FOR SHARE
--! 42501 lock-needs-write

-- role: writer
SELECT id FROM users u JOIN orders o ON true FOR UPDATE OF u
--> SELECT id FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u JOIN public.orders o ON true FOR UPDATE OF u

-- role: writer
SELECT * FROM pg_class FOR UPDATE
--! 42501 lock-needs-write

-- role: writer
SELECT * FROM (SELECT * FROM vals) v FOR UPDATE
--= SELECT * FROM (SELECT * FROM public.vals) v FOR UPDATE

SELECT * FROM (SELECT * FROM users) v FOR UPDATE
--! 42501 lock-needs-write

-- What follows is refused, or PostgreSQL's to refuse

SELECT * INTO t FROM users
--! 42501 statement-kind

SELECT * FROM users TABLESAMPLE odd (1)
--! 42501 function-not-allowed

SELECT 'a'::cunning
--! 42501 cast-not-allowed

SELECT 0x1F, 1_000
--= SELECT 31, 1000

SELECT
--= SELECT

SELECT FROM
--! 42601 syntax

-- A record's columns; a name that is kept for the gateway

SELECT (u).* FROM users u
--> SELECT (u).* FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u

SELECT (t.r).email FROM (SELECT u AS r FROM users u) t
--> SELECT (t.r).email FROM (SELECT CASE WHEN true THEN u::public.users END AS r FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u) t

SELECT DISTINCT u FROM users u ORDER BY u
--> SELECT DISTINCT CASE WHEN true THEN u::public.users END AS u FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u ORDER BY u

SELECT id AS u FROM users u ORDER BY u
--> SELECT id AS u FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u ORDER BY u

SELECT count(u) FROM orders o LEFT JOIN users u ON u = u
--> SELECT pg_catalog.count(CASE WHEN u IS DISTINCT FROM NULL THEN u::public.users END) AS count FROM public.orders o LEFT JOIN (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u ON CASE WHEN u IS DISTINCT FROM NULL THEN u::public.users END = CASE WHEN u IS DISTINCT FROM NULL THEN u::public.users END

SELECT 'pgcurfew_masked_00000_' FROM users
--! 0A000 print-mismatch

SELECT * FROM users a, users b, (SELECT * FROM users c) d
--> SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) a, (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) b, (SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) c) d

SELECT * FROM (users u JOIN orders o ON o.user_id = u.id) AS j
--> SELECT * FROM ((SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u JOIN public.orders o ON o.user_id = u.id ) j

SELECT u.id FROM (users u JOIN orders o ON o.user_id = u.id) AS j
--> SELECT u.id FROM ((SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u JOIN public.orders o ON o.user_id = u.id ) j

SELECT * FROM users NATURAL JOIN orders
--> SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users NATURAL JOIN public.orders

SELECT * FROM users u LEFT JOIN LATERAL (SELECT * FROM orders o WHERE o.user_id = u.id) l ON true
--> SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u LEFT JOIN LATERAL (SELECT * FROM public.orders o WHERE o.user_id = u.id) l ON true

SELECT * FROM users WHERE email IN (SELECT email FROM users) AND EXISTS (SELECT * FROM hidden)
--! 42P01 relation-unknown
