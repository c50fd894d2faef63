-- The kind, then the relation, then the column

INSERT INTO orders (id) VALUES (1)
--! 42501 statement-kind

-- role: writer
INSERT INTO orders (id, note) VALUES (1, 'x')
--= INSERT INTO public.orders (id, note) VALUES (1, 'x')

-- role: writer
INSERT INTO vals (v) VALUES ('x')
--= INSERT INTO public.vals (v) VALUES ('x')

-- role: writer
INSERT INTO vals (id, v) VALUES (1, 'x')
--! 42501 write-not-permitted

-- role: writer
INSERT INTO vals VALUES (1, 'x')
--! 42501 write-not-permitted

-- role: writer
INSERT INTO vals DEFAULT VALUES
--= INSERT INTO public.vals DEFAULT VALUES

-- role: writer
INSERT INTO hidden VALUES (1)
--! 42P01 relation-unknown

-- role: writer
INSERT INTO pg_class (relname) VALUES ('x')
--! 42501 write-not-permitted

-- role: writer
UPDATE vals SET id = 1 WHERE v = 'x'
--! 42501 write-not-permitted

-- role: writer
DELETE FROM vals WHERE v = 'x'
--! 42501 write-not-permitted

-- role: writer
DELETE FROM orders o USING vals v WHERE o.id = v.id
--= DELETE FROM public.orders o USING public.vals v WHERE o.id = v.id

-- A condition that looks at the row

-- role: writer
DELETE FROM orders
--! 42501 where-required

-- role: writer
DELETE FROM orders WHERE true
--! 42501 where-required

-- role: writer
DELETE FROM orders WHERE 1 = 1
--! 42501 where-required

-- role: writer
UPDATE orders SET note = 'x'
--! 42501 where-required

-- role: writer
UPDATE orders SET note = 'x' WHERE CURRENT OF c
--= UPDATE public.orders SET note = 'x' WHERE CURRENT OF c

-- role: writer
EXPLAIN ANALYZE DELETE FROM orders
--! 42501 where-required

-- role: writer
WITH d AS (DELETE FROM orders) SELECT 1
--! 42501 where-required

-- role: writer
MERGE INTO orders o USING vals v ON true WHEN MATCHED THEN DELETE
--! 42501 where-required

-- Nothing masked of the raw target is read

-- role: writer
UPDATE users SET name = email WHERE id = 1
--! 42501 masked-column-in-write

-- role: writer
UPDATE users SET name = 'x' WHERE email = 'y'
--! 42501 masked-column-in-write

-- role: writer
UPDATE users u SET name = 'x' WHERE u.salary > 1
--! 42501 masked-column-in-write

-- role: writer
UPDATE users u SET name = 'x' WHERE public.users.salary > 1
--= UPDATE public.users u SET name = 'x' WHERE public.users.salary > 1

-- role: writer
UPDATE users SET name = 'x' WHERE users IS NULL
--! 42501 masked-column-in-write

-- role: writer
UPDATE users SET name = 'x' WHERE id = 1 AND (users).email = ''
--! 42501 masked-column-in-write

-- role: writer
UPDATE users SET name = email(users) WHERE id = 1
--! 42501 masked-column-in-write

-- role: writer
UPDATE users SET name = 'x' WHERE users.upper = 'X'
--! 42501 masked-column-in-write

-- role: writer
UPDATE users SET name = to_json(users.*)::text WHERE id = 1
--! 42501 masked-column-in-write

-- role: writer
UPDATE users SET name = 'x' WHERE id = (SELECT 1 WHERE email = 'y')
--! 42501 masked-column-in-write

-- role: writer
UPDATE users SET name = 'x' WHERE id = (SELECT 1 FROM unnest(ARRAY[1]) f WHERE email = 'y')
--! 42501 masked-column-in-write

-- role: writer
UPDATE users SET name = 'x' WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = users.id)
--= UPDATE public.users SET name = 'x' WHERE EXISTS (SELECT 1 FROM public.orders o WHERE o.user_id = users.id)

-- role: writer
UPDATE users SET (name, salary) = (SELECT 'x', 1) WHERE id = 1
--= UPDATE public.users SET (name, salary) = (SELECT 'x', 1) WHERE id = 1

-- role: writer
UPDATE users SET name = 'x' FROM users other WHERE other.email = 'x' AND users.id = other.id
--! 42501 write-takes-masked

-- role: writer
DELETE FROM users WHERE email LIKE 'a%'
--! 42501 masked-column-in-write

-- role: writer
INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = users.email
--! 42501 masked-column-in-write

-- role: writer
INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE users.salary = 1
--! 42501 masked-column-in-write

-- role: writer
INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name
--= INSERT INTO public.users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name

-- role: writer
INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (email) DO NOTHING
--! 42501 masked-constraint

-- role: writer
MERGE INTO users u USING vals v ON u.email = v.v WHEN MATCHED THEN DO NOTHING
--! 42501 masked-column-in-write

-- role: writer
MERGE INTO users u USING vals v ON u.id = v.id WHEN MATCHED AND u.salary > 1 THEN DELETE
--! 42501 masked-column-in-write

-- role: writer
MERGE INTO users u USING vals v ON u.id = v.id WHEN MATCHED THEN UPDATE SET name = v.v
--= MERGE INTO public.users u USING public.vals v ON u.id = v.id WHEN MATCHED THEN UPDATE SET name = v.v

-- role: writer
MERGE INTO users u USING vals v ON u.id = v.id WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.v)
--= MERGE INTO public.users u USING public.vals v ON u.id = v.id WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.v)

-- What feeds a write comes clear

-- role: writer
INSERT INTO orders (note) SELECT email FROM users
--! 42501 write-takes-masked

-- role: writer
INSERT INTO orders (note) SELECT u::text FROM users u
--! 42501 write-takes-masked

-- role: writer
INSERT INTO orders (note) SELECT name FROM users
--> INSERT INTO public.orders (note) SELECT name FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

-- role: writer
INSERT INTO orders SELECT * FROM users
--! 42501 write-takes-masked

-- role: writer
WITH s AS (SELECT email FROM users) INSERT INTO orders (note) SELECT email FROM s
--! 42501 write-takes-masked

-- role: writer
UPDATE orders SET note = u.email FROM users u WHERE u.id = user_id
--! 42501 write-takes-masked

-- role: writer
UPDATE orders SET note = u.name FROM users u WHERE u.id = user_id
--> UPDATE public.orders SET note = u.name FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u WHERE u.id = user_id

-- role: writer
WITH s AS (SELECT email FROM users), i AS (INSERT INTO orders (note) SELECT email FROM s) SELECT 1
--! 42501 write-takes-masked

-- role: writer
WITH i AS (INSERT INTO orders (note) VALUES ('x')) SELECT email FROM users
--> WITH i AS (INSERT INTO public.orders (note) VALUES ('x')) SELECT email FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

-- A value under a constraint that the role cannot see would be a question

-- role: writer
INSERT INTO users (id, email) VALUES (1, 'x')
--! 42501 masked-constraint

-- role: writer
INSERT INTO users (id, email) VALUES (1, DEFAULT)
--= INSERT INTO public.users (id, email) VALUES (1, DEFAULT)

-- role: writer
UPDATE users SET email = 'x' WHERE id = 1
--! 42501 masked-constraint

-- role: writer
UPDATE users SET salary = 1 WHERE id = 1
--= UPDATE public.users SET salary = 1 WHERE id = 1

-- RETURNING shows masks under the columns' own names

-- role: writer
UPDATE users SET name = 'x' WHERE id = 1 RETURNING *
--> UPDATE public.users SET name = 'x' WHERE id = 1 RETURNING users.id, users.name, NULL::pg_catalog.text AS email, NULL::int AS salary, users.doc

-- role: writer
UPDATE users SET name = 'x' WHERE id = 1 RETURNING email, upper(email), u.email FROM users
--! 42601 syntax

-- role: writer
UPDATE users u SET name = 'x' WHERE id = 1 RETURNING u.email, upper(u.email), u.id AS n, (SELECT u.email)
--> UPDATE public.users u SET name = 'x' WHERE id = 1 RETURNING NULL::pg_catalog.text AS email, pg_catalog.upper(NULL::pg_catalog.text) AS upper, u.id AS n, (SELECT NULL::pg_catalog.text AS email) AS email

-- role: writer
UPDATE users u SET name = 'x' WHERE id = 1 RETURNING u
--! 42501 masked-column-in-write

-- role: writer
UPDATE users u SET name = 'x' WHERE id = 1 RETURNING (u).email
--! 42501 masked-column-in-write

-- role: writer
UPDATE users u SET name = 'x' WHERE id = 1 RETURNING to_json(u.*)
--! 42501 masked-column-in-write

-- role: writer
UPDATE users u SET name = 'x' WHERE id = 1 RETURNING old.email, new.email, new.id
--> UPDATE public.users u SET name = 'x' WHERE id = 1 RETURNING NULL::pg_catalog.text AS email, NULL::pg_catalog.text AS email, new.id

-- role: writer
UPDATE users u SET name = 'x' WHERE id = 1 RETURNING WITH (OLD AS o) o.email
--! 0A000 node-not-understood

-- role: writer
INSERT INTO users (id) VALUES (1) RETURNING id, email
--> INSERT INTO public.users (id) VALUES (1) RETURNING id, NULL::pg_catalog.text AS email

-- role: writer
DELETE FROM users WHERE id = 1 RETURNING *
--> DELETE FROM public.users WHERE id = 1 RETURNING users.id, users.name, NULL::pg_catalog.text AS email, NULL::int AS salary, users.doc

-- role: writer
DELETE FROM orders WHERE id = 1 RETURNING *, orders
--= DELETE FROM public.orders WHERE id = 1 RETURNING *, orders

-- role: writer
UPDATE orders o SET note = 'x' FROM users u WHERE u.id = o.user_id RETURNING *
--> UPDATE public.orders o SET note = 'x' FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) u WHERE u.id = o.user_id RETURNING *

-- role: writer
UPDATE users u SET name = 'x' FROM orders o WHERE u.id = o.user_id RETURNING *
--> UPDATE public.users u SET name = 'x' FROM public.orders o WHERE u.id = o.user_id RETURNING u.id, u.name, NULL::pg_catalog.text AS email, NULL::int AS salary, u.doc, o.id, o.user_id, o.total, o.note

-- role: writer
WITH d AS (DELETE FROM users WHERE id = 1 RETURNING *) SELECT * FROM d
--> WITH d AS (DELETE FROM public.users WHERE id = 1 RETURNING users.id, users.name, NULL::pg_catalog.text AS email, NULL::int AS salary, users.doc) SELECT * FROM d

-- role: writer
WITH d AS (DELETE FROM users WHERE id = 1 RETURNING *) INSERT INTO orders (note) SELECT email FROM d
--! 42501 write-takes-masked

-- role: writer
MERGE INTO users u USING vals v ON u.id = v.id WHEN MATCHED THEN DELETE RETURNING *
--> MERGE INTO public.users u USING public.vals v ON u.id = v.id WHEN MATCHED THEN DELETE RETURNING v.id, v.v, u.id, u.name, NULL::pg_catalog.text AS email, NULL::int AS salary, u.doc

-- The target is never a CTE

-- role: writer
WITH orders AS (SELECT 1 AS id) UPDATE orders SET note = 'x' FROM orders AS c WHERE c.id = orders.id
--= WITH orders AS (SELECT 1 AS id) UPDATE public.orders SET note = 'x' FROM orders c WHERE c.id = orders.id
