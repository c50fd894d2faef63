-- Kinds that no role may run

DROP TABLE users
--! 42501 statement-kind

CREATE TABLE t AS SELECT * FROM users
--! 42501 statement-kind

CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
--! 42501 statement-kind

DO $$ BEGIN END $$
--! 42501 statement-kind

CALL p()
--! 42501 statement-kind

ALTER SYSTEM SET work_mem = '1GB'
--! 42501 statement-kind

GRANT ALL ON users TO x
--! 42501 statement-kind

CREATE VIEW v AS SELECT * FROM users
--! 42501 statement-kind

CREATE ROLE x PASSWORD 'secret'
--! 42501 statement-kind

REINDEX TABLE users
--! 42501 statement-kind

CLUSTER users
--! 42501 statement-kind

LOAD 'x'
--! 42501 statement-kind

COMMENT ON TABLE users IS 'x'
--! 42501 statement-kind

SECURITY LABEL ON TABLE users IS 'x'
--! 42501 statement-kind

IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c
--! 42501 statement-kind

REFRESH MATERIALIZED VIEW m
--! 42501 statement-kind

CHECKPOINT
--! 42501 statement-kind

CREATE TEMP TABLE users (id int)
--! 42501 statement-kind

ALTER TABLE users ADD COLUMN x int
--! 42501 statement-kind

-- Kinds that the role does not list

LISTEN c
--! 42501 statement-kind

NOTIFY c, 'x'
--! 42501 statement-kind

TRUNCATE users
--! 42501 statement-kind

LOCK TABLE users
--! 42501 statement-kind

-- Any query takes this lock on what it reads
LOCK TABLE ONLY users, orders IN ACCESS SHARE MODE
--= LOCK TABLE ONLY public.users, public.orders IN ACCESS SHARE MODE

LOCK TABLE users IN ROW SHARE MODE
--! 42501 statement-kind

LOCK TABLE nosuch IN ACCESS SHARE MODE
--! 42P01 relation-unknown

VACUUM users
--! 42501 statement-kind

ANALYZE users
--! 42501 statement-kind

COPY orders FROM STDIN
--! 42501 statement-kind

-- role: writer
LISTEN c
--= LISTEN c

-- role: writer
NOTIFY c, 'x'
--= NOTIFY c, 'x'

-- role: writer
TRUNCATE orders
--= TRUNCATE public.orders

-- role: writer
TRUNCATE orders CASCADE
--! 42501 cascade

-- role: writer
TRUNCATE vals
--! 42501 write-not-permitted

-- role: writer
LOCK TABLE orders IN SHARE MODE
--= LOCK TABLE public.orders IN SHARE MODE

-- role: writer
VACUUM (ANALYZE) orders
--= VACUUM (ANALYZE) public.orders

-- role: writer
VACUUM
--! 42501 relation-required

-- role: writer
ANALYZE orders (id)
--= ANALYZE public.orders(id)

-- COPY

COPY users TO STDOUT
--> COPY (SELECT id, name, email, salary, doc FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM ONLY public.users) users) TO STDOUT

COPY users (id, email) TO STDOUT WITH (FORMAT csv, HEADER)
--> COPY (SELECT id, email FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM ONLY public.users) users) TO STDOUT WITH (FORMAT CSV, HEADER)

COPY orders TO STDOUT CSV HEADER
--= COPY public.orders TO STDOUT WITH (FORMAT CSV, HEADER true)

COPY pay TO STDOUT
--! 42809 copy-not-a-table

COPY user_view TO STDOUT
--! 42809 copy-not-a-table

COPY made TO STDOUT
--> COPY (SELECT id, card FROM (SELECT id, twice, NULL::pg_catalog.text AS card FROM ONLY public.made) made) TO STDOUT

COPY made (twice) TO STDOUT
--! 42P10 column-generated

COPY base TO STDOUT
--> COPY (SELECT id, pin FROM (SELECT id, NULL::pg_catalog.text AS pin FROM ONLY public.base) base) TO STDOUT

COPY users (nothing) TO STDOUT
--! 42703 column-unknown

COPY (SELECT * FROM users) TO STDOUT
--> COPY (SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users) TO STDOUT

COPY (TABLE hidden) TO STDOUT
--! 42P01 relation-unknown

COPY users TO '/tmp/x'
--! 42501 statement-kind

COPY users TO PROGRAM 'cat'
--! 42501 statement-kind

COPY hidden TO STDOUT
--! 42P01 relation-unknown

-- role: writer
COPY orders FROM STDIN
--= COPY public.orders(id, user_id, total, note) FROM STDIN

-- role: writer
COPY orders FROM '/etc/passwd'
--! 42501 statement-kind

-- role: writer
COPY orders FROM PROGRAM 'id'
--! 42501 statement-kind

-- role: writer
COPY users FROM STDIN
--! 42501 masked-constraint

-- role: writer
COPY users (id, name) FROM STDIN
--= COPY public.users(id, name) FROM STDIN

-- role: writer
COPY users (id, name) FROM STDIN WHERE salary > 1
--! 42501 masked-column-in-write

-- role: writer
COPY orders (id) FROM STDIN WHERE id > length(pg_read_file('x'))
--! 42501 function-not-allowed

-- role: writer
COPY orders FROM STDIN (FREEZE)
--! 42501 option-not-listed

-- role: writer
COPY (DELETE FROM orders WHERE id = 1 RETURNING *) TO STDOUT
--= COPY (DELETE FROM public.orders WHERE id = 1 RETURNING *) TO STDOUT

-- What carries a statement is judged by it

EXPLAIN SELECT * FROM users
--> EXPLAIN (COSTS OFF) SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

EXPLAIN (ANALYZE, FORMAT json) SELECT email FROM users
--> EXPLAIN (ANALYZE, FORMAT "json", COSTS OFF, BUFFERS OFF) SELECT email FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

EXPLAIN DELETE FROM orders WHERE id = 1
--! 42501 statement-kind

EXPLAIN CREATE TABLE t AS SELECT 1
--! 42501 statement-kind

-- role: writer
EXPLAIN ANALYZE UPDATE users SET name = email WHERE id = 1
--! 42501 masked-column-in-write

PREPARE p (int) AS SELECT * FROM users WHERE id = $1
--> PREPARE p(int) AS SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users WHERE id = $1

PREPARE p AS DELETE FROM orders WHERE id = 1
--! 42501 statement-kind

EXECUTE p (1)
--= EXECUTE p(1)

EXECUTE p (pg_read_file('x'))
--! 42501 function-not-allowed

EXPLAIN EXECUTE p (1)
--> EXPLAIN (COSTS OFF) EXECUTE p(1)

DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT * FROM users
--> DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

DECLARE c CURSOR FOR SELECT * FROM hidden
--! 42P01 relation-unknown

FETCH FORWARD 5 FROM c
--= FETCH FORWARD 5 c

MOVE c
--= MOVE c

CLOSE c
--= CLOSE c

DEALLOCATE p
--= DEALLOCATE p

-- Several statements: one refusal refuses all

SELECT 1; SELECT * FROM users
--> SELECT 1; SELECT * FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT 1; DROP TABLE users
--! 42501 statement-kind

;;
--= 

-- Syntax errors are PostgreSQL's

SELEC 1
--! 42601 syntax

SELECT 'x
--! 42601 syntax
