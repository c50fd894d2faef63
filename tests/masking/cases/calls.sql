-- Functions by name and number of arguments

SELECT upper(name), count(*), pg_catalog.lower(name) FROM users
--> SELECT pg_catalog.upper(name), pg_catalog.count(*), pg_catalog.lower(name) FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT pg_read_file('/etc/passwd')
--! 42501 function-not-allowed

SELECT pg_catalog.pg_read_file('x')
--! 42501 function-not-allowed

SELECT ts_rewrite('a'::tsquery, 'SELECT 1')
--! 42501 function-not-allowed

SELECT query_to_xml('SELECT 1', true, true, '')
--! 42501 function-not-allowed

SELECT pg_terminate_backend(1)
--! 42501 function-not-allowed

SELECT nonesuch(1, 2)
--! 42883 function-unknown

SELECT leak()
--! 42501 function-not-allowed

SELECT * FROM leak()
--! 42501 function-not-allowed

SELECT display(u) FROM users u
--! 42501 function-not-allowed

SELECT public.display(u) FROM users u
--! 42501 function-not-allowed

SELECT archive.far(1)
--! 42501 function-not-allowed

SELECT far(1)
--= SELECT far(1)

-- role: writer
SELECT harmless(1), public.harmless(1)
--= SELECT public.harmless(1), public.harmless(1)

SELECT replace('a', 'b', 'c')
--= SELECT pg_catalog.replace('a', 'b', 'c')

SELECT upper(1, 2)
--! 42883 function-unknown

SELECT count(*) FILTER (WHERE id > 1) OVER (PARTITION BY name ORDER BY id) FROM users
--> SELECT pg_catalog.count(*) FILTER (WHERE id > 1) OVER (PARTITION BY name ORDER BY id) FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FROM users
--> SELECT pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT extract(year FROM now()), substring('abc' FROM 1 FOR 2), now() AT TIME ZONE 'UTC'
--= SELECT extract ('year' FROM pg_catalog.now()), SUBSTRING('abc' FROM 1 FOR 2), pg_catalog.now() AT TIME ZONE 'UTC'

SELECT * FROM generate_series(1, 2) g (n), ROWS FROM (generate_series(1, 2), unnest(ARRAY[1])) WITH ORDINALITY
--= SELECT * FROM pg_catalog.generate_series(1, 2) g(n), ROWS FROM (pg_catalog.generate_series(1, 2) , pg_catalog.unnest(ARRAY[1]) ) WITH ORDINALITY

SELECT * FROM unnest(ARRAY[1], ARRAY[2]) AS t (a, b)
--= SELECT * FROM unnest(ARRAY[1], ARRAY[2]) t(a, b)

SELECT * FROM leak() AS t (a int)
--! 42501 function-not-allowed

SELECT CASE WHEN (SELECT pg_read_file('x')) IS NULL THEN 1 END
--! 42501 function-not-allowed

SELECT 1 FROM users ORDER BY pg_sleep(1)
--> SELECT 1 FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users ORDER BY pg_catalog.pg_sleep(1)

SELECT 1 ORDER BY (pg_read_file('x'))
--! 42501 function-not-allowed

SELECT 1 LIMIT length(pg_read_file('x'))
--! 42501 function-not-allowed

SELECT ARRAY[[pg_read_file('x')]], ROW(1, pg_read_file('x'))
--! 42501 function-not-allowed

SELECT sum(1) OVER (ORDER BY pg_read_file('x'))
--! 42501 function-not-allowed

WITH t AS (SELECT pg_read_file('x')) SELECT 1
--! 42501 function-not-allowed

SELECT * FROM (VALUES (pg_read_file('x'))) v
--! 42501 function-not-allowed

SELECT xmlelement(name a, pg_read_file('x'))
--! 42501 function-not-allowed

SELECT concat(VARIADIC ARRAY['a', 'b'])
--= SELECT pg_catalog.concat(VARIADIC ARRAY['a', 'b'])

-- Attribute notation calls functions

SELECT (770001::oid).lo_get
--! 42501 function-not-allowed

SELECT ('/etc/passwd'::text).pg_read_file
--! 42501 function-not-allowed

SELECT f.lo_get FROM unnest(ARRAY[770001]::oid[]) f
--! 42501 function-not-allowed

SELECT u.display FROM users u
--! 42501 function-not-allowed

SELECT (u).display FROM users u
--! 42501 function-not-allowed

SELECT (array_agg(u))[1].lo_get FROM users u
--! 42501 function-not-allowed

SELECT (SELECT 1::oid).lo_get
--! 42501 function-not-allowed

SELECT x.lo_get FROM (SELECT 1 AS lo_get) x
--= SELECT x.lo_get FROM (SELECT 1 AS lo_get) x

SELECT ('search_path'::text).current_setting
--! 42501 function-not-allowed

SELECT ('orders_id_seq'::regclass).nextval
--! 42501 function-not-allowed

SELECT (1::oid).pg_get_viewdef
--! 42501 function-not-allowed

SELECT s.upper, (s.v).anything FROM vals s
--= SELECT s.upper, (s.v).anything FROM public.vals s

-- Operators and casts

SELECT 1 === 'a'
--! 42501 operator-not-allowed

SELECT 1 OPERATOR(public.===) 'a'
--! 42501 operator-not-allowed

SELECT 'a' ~ 'b'
--= SELECT 'a' OPERATOR(pg_catalog.~) 'b'

SELECT 'a' OPERATOR(pg_catalog.~) 'b', 'a' LIKE 'b', 1 BETWEEN 0 AND 2, 1 IN (1, 2)
--= SELECT 'a' OPERATOR(pg_catalog.~) 'b', 'a' LIKE 'b', 1 BETWEEN 0 AND 2, 1 IN (1, 2)

SELECT 1 ### 2
--! 42883 operator-unknown

SELECT 1 FROM vals ORDER BY v USING ===
--! 42501 operator-not-allowed

SELECT 1 === ANY (ARRAY['a'])
--! 42501 operator-not-allowed

SELECT 1 === ANY (SELECT 'a')
--! 42501 operator-not-allowed

SELECT 'x'::mood, CAST('x' AS public.mood)
--= SELECT 'x'::mood, 'x'::public.mood

SELECT 'x'::public.cunning
--! 42501 cast-not-allowed

SELECT cunning(1)
--! 42501 cast-not-allowed

-- Settings by their names as literals

SELECT current_setting('server_version')
--= SELECT pg_catalog.current_setting('server_version')

SELECT current_setting('pgcurfew.mask_key')
--! 42501 setting-not-listed

SELECT current_setting(name) FROM users
--! 42501 setting-not-listed

SELECT set_config('TimeZone', 'UTC', false)
--= SELECT pg_catalog.set_config('TimeZone', 'UTC', false)

SELECT set_config('application_name', 'x', false)
--= SELECT pg_catalog.set_config('application_name', pg_catalog.current_setting('application_name'), false)

SELECT set_config('search_path', 'x', false)
--! 42501 search-path

SELECT set_config('application_name', (SELECT name FROM users LIMIT 1), false)
--! 42501 setting-not-listed

SET application_name = 'x'
--= SET application_name TO DEFAULT

SET search_path = archive
--! 42501 search-path

SET LOCAL statement_timeout = '5s'
--= SET LOCAL statement_timeout TO "5s"

SET SESSION AUTHORIZATION 'x'
--! 42501 statement-kind

SET ROLE x
--! 42501 statement-kind

SET TIME ZONE 'UTC'
--= SET TIME ZONE "UTC"

SET TRANSACTION READ ONLY
--= SET TRANSACTION READ ONLY

-- READ WRITE of a role that only reads: the command that was sent, without its effect

SET TRANSACTION READ WRITE
--= SET TRANSACTION READ ONLY

SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE
--= SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY

BEGIN READ WRITE
--= BEGIN READ ONLY

START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE
--= START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

BEGIN READ ONLY, READ WRITE
--= BEGIN READ ONLY, READ ONLY

SET default_transaction_read_only = off
--= SET default_transaction_read_only TO ON

SET LOCAL transaction_read_only TO false
--= SET LOCAL transaction_read_only TO ON

SET SESSION Default_Transaction_Read_Only = 0
--= SET default_transaction_read_only TO ON

SELECT set_config('default_transaction_read_only', 'no', false)
--= SELECT pg_catalog.set_config('default_transaction_read_only', 'on', false)

SELECT set_config('Transaction_Read_Only', 'OFF', true)
--= SELECT pg_catalog.set_config('Transaction_Read_Only', 'on', true)

SELECT set_config('transaction_read_only', $1, true)
--! 42501 setting-not-listed

RESET transaction_read_only
--! 42501 setting-not-listed

-- role: writer
SET default_transaction_read_only = off
--= SET default_transaction_read_only TO OFF

-- role: writer
SELECT set_config('transaction_read_only', 'off', true)
--= SELECT pg_catalog.set_config('transaction_read_only', 'off', true)

-- role: writer
BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE
--= BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE

BEGIN
--= BEGIN

PREPARE TRANSACTION 'x'
--! 42501 statement-kind

SAVEPOINT a
--= SAVEPOINT a

RESET ALL
--= RESET ALL

RESET application_name
--= RESET application_name

RESET search_path
--= RESET search_path

-- A path of its own: less of the pinned one, and pg_temp last

SET search_path = ''
--= SET search_path TO pg_catalog, pg_temp

SELECT set_config('search_path', '', false)
--= SELECT pg_catalog.set_config('search_path', '"pg_catalog", "pg_temp"', false)

SET LOCAL search_path TO pg_temp, public
--= SET LOCAL search_path TO public, pg_temp

SELECT set_config('SEARCH_PATH', '"public", pg_temp', true)
--= SELECT pg_catalog.set_config('SEARCH_PATH', '"public", "pg_temp"', true)

SET search_path = public, archive
--! 42501 search-path

SET search_path = "$user", public
--= SET search_path TO public, pg_temp

SET SCHEMA 'public'
--= SET search_path TO public, pg_temp

SELECT set_config('search_path', 'pg_catalog,PUBLIC, nosuch', false)
--= SELECT pg_catalog.set_config('search_path', '"public", "pg_temp"', false)

SELECT set_config('search_path', $1, false)
--! 42501 setting-not-listed

-- A driver passes the name: it comes out of the list, whatever it is

SELECT current_setting($1 || 'x')
--! 42501 setting-not-listed

SELECT current_setting($1::char(3))
--! 42501 setting-not-listed

DISCARD ALL
--= DISCARD ALL

SHOW server_version
--= SHOW server_version

SHOW ALL
--! 42501 setting-not-listed

SHOW pgcurfew.mask_key
--! 42501 setting-not-listed

UNLISTEN *
--= UNLISTEN *

DEALLOCATE ALL
--= DEALLOCATE ALL

CLOSE ALL
--= CLOSE ALL

SET standard_conforming_strings = off
--! 42501 setting-not-listed

-- Sequences need write

SELECT nextval('orders_id_seq')
--! 42501 sequence-needs-write

-- role: writer
SELECT nextval('orders_id_seq'), currval('public.orders_id_seq'::regclass)
--= SELECT pg_catalog.nextval('orders_id_seq'), pg_catalog.currval('"public"."orders_id_seq"'::regclass)

-- role: writer
SELECT setval('users', 1)
--! 42501 sequence-needs-write

-- role: writer
SELECT nextval(name::regclass) FROM users
--! 42501 sequence-needs-write

SELECT lastval()
--! 42501 sequence-needs-write

-- Definitions come without their literals, under the same name

SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
--> SELECT adbin::pg_catalog.text AS pg_get_expr FROM (SELECT oid, adrelid, adnum, pg_catalog.translate(pg_catalog.replace(pg_catalog.replace(pg_catalog.regexp_replace(pg_catalog.regexp_replace(pg_catalog.pg_get_expr(adbin, adrelid, true), E'nextval\\(''([^'']+)''::regclass\\)', E'nextval(\\1::regclass)', 'g'), E'("(?:[^"]|"")*")|\\m[eE]('')(?:[^''\\\\]|''''|\\\\.)*''|('')(?:[^'']|'''')*''|\\m[0-9][0-9A-Za-z_.]*', E'\\1\\2\\3\\2\\3', 'g'), '"', '"'), '', '***'), '', '''''') AS adbin FROM (SELECT pg_attrdef.* FROM pg_catalog.pg_attrdef WHERE adrelid OPERATOR(pg_catalog.<) '16384'::pg_catalog.oid OR adrelid = ANY('{1,2,3,5,6,7,8,9,10,12}'::pg_catalog.oid[]) OFFSET 0) pg_attrdef) pg_attrdef

-- Forms of unnest and of literals that would be something else

SELECT * FROM unnest(ARRAY[1], VARIADIC ARRAY[2]) t
--! 0A000 node-not-understood

SELECT set_config('search_path_is_not_this'::char(11), '', false)
--! 42501 setting-not-listed

SELECT current_setting('server_version'::text)
--= SELECT pg_catalog.current_setting('server_version'::text)

SELECT pg_get_viewdef('user_view'::regclass)
--> SELECT pg_catalog.translate(pg_catalog.replace(pg_catalog.replace(pg_catalog.regexp_replace(pg_catalog.regexp_replace(pg_catalog.pg_get_viewdef('"public"."user_view"'::regclass), E'nextval\\(''([^'']+)''::regclass\\)', E'nextval(\\1::regclass)', 'g'), E'("(?:[^"]|"")*")|\\m[eE]('')(?:[^''\\\\]|''''|\\\\.)*''|('')(?:[^'']|'''')*''|\\m[0-9][0-9A-Za-z_.]*', E'\\1\\2\\3\\2\\3', 'g'), '"', '"'), '', '***'), '', '''''') AS pg_get_viewdef

SELECT json_object('a': email), json_value(doc, '$.a'), xmlforest(email), doc IS JSON FROM users
--> SELECT JSON_OBJECT('a': email), JSON_VALUE(doc , '$.a'), xmlforest(email), doc IS JSON FROM (SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users) users

SELECT * FROM json_table('{}', '$' COLUMNS (a int PATH '$.a')) j, xmltable('/a' PASSING '<a/>' COLUMNS b text) x
--= SELECT * FROM JSON_TABLE('{}' , '$' COLUMNS (a int PATH '$.a')) j, xmltable(('/a') PASSING '<a/>' COLUMNS b text) AS x
