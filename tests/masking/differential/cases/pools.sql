-- What drivers and pools send when they connect, lend a connection out and take it back.
SELECT 1
SELECT 1 AS one
select 1;
SELECT 'x'

/* ping */ SELECT 1
-- a comment and nothing else is tested elsewhere; here is one with a statement: SELECT 2
SELECT 2 -- trailing
RESET ALL
DISCARD ALL
DISCARD PLANS
DISCARD SEQUENCES
DISCARD TEMP
UNLISTEN *
CLOSE ALL
DEALLOCATE ALL
DEALLOCATE PREPARE ALL
SELECT pg_advisory_unlock_all()
SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;
CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); RESET ALL
RESET SESSION AUTHORIZATION
RESET ROLE
SET SESSION AUTHORIZATION DEFAULT
SET ROLE NONE
SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD PLANS; DISCARD SEQUENCES; DISCARD TEMP
SET extra_float_digits = 3
SET extra_float_digits TO 2
SET application_name = 'PostgreSQL JDBC Driver'
SET application_name TO 'psql'; SELECT 1
SET client_encoding TO 'UTF8'
SET client_encoding = 'utf-8'
SET NAMES 'UTF8'
SET NAMES 'utf8'
SET client_min_messages TO warning
SET standard_conforming_strings = on
SET standard_conforming_strings TO ON
SET bytea_output = 'hex'
SET bytea_output = 'escape'
SET intervalstyle = 'iso_8601'
SET intervalstyle TO postgres
SET DateStyle = ISO
SET datestyle TO 'ISO'; SET client_min_messages TO 'notice'
SET DATESTYLE TO 'ISO, MDY'
SET TIME ZONE 'UTC'
SET TIME ZONE LOCAL
SET TIME ZONE DEFAULT
SET TIME ZONE 2
SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE
SET SESSION TIME ZONE 'Europe/Berlin'
SET SESSION timezone TO 'Etc/UTC'
SET LOCAL TIME ZONE 'UTC'
SET lc_monetary = 'C'
SET lc_time TO 'C'
SET search_path TO DEFAULT
SET statement_timeout = 0
SET statement_timeout = '5min'
SET statement_timeout TO 30000
SET LOCAL statement_timeout = '1s'
SET lock_timeout = '5s'
SET idle_in_transaction_session_timeout = 60000
SET idle_session_timeout = 0
SET work_mem = '64MB'
SET work_mem TO '4MB'
SET LOCAL work_mem = '16MB'
SET maintenance_work_mem = '64MB'
SET temp_buffers = '16MB'
SET jit = off
SET jit TO 'off'
SET jit_above_cost = -1
SET geqo TO off
SET enable_seqscan = off
SET LOCAL enable_nestloop = off
SET enable_hashjoin = on
SET random_page_cost = 1.1
SET seq_page_cost = 1
SET cpu_tuple_cost = 0.01
SET effective_cache_size = '4GB'
SET effective_io_concurrency = 200
SET max_parallel_workers_per_gather = 4
SET max_parallel_workers_per_gather TO 0
SET parallel_setup_cost = 0
SET parallel_tuple_cost = 0
SET min_parallel_table_scan_size = 0
SET from_collapse_limit = 8
SET join_collapse_limit = 1
SET geqo_threshold = 12
SET cursor_tuple_fraction = 1.0
SET plan_cache_mode = force_custom_plan
SET constraint_exclusion = partition
SET enable_partition_pruning = on
SET synchronous_commit = off
SET synchronous_commit TO 'on'
SET default_text_search_config = 'pg_catalog.english'
SET xmloption = content
SET row_security = on
SET default_tablespace = ''
SET default_table_access_method = heap
SET default_transaction_isolation = 'repeatable read'
SET default_transaction_read_only = on
SET default_transaction_read_only = off
SET transaction_read_only TO off
SELECT 1 FROM set_config('default_transaction_read_only', 'off', false)
SET default_transaction_deferrable = off
SET transaction_isolation = 'read committed'
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE, ISOLATION LEVEL READ COMMITTED
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ
SET TRANSACTION READ ONLY
SHOW TRANSACTION ISOLATION LEVEL
SHOW transaction_isolation
SHOW transaction_read_only
SHOW default_transaction_isolation
SHOW server_version
SHOW server_version_num
SHOW server_encoding
SHOW client_encoding
SHOW standard_conforming_strings
SHOW TIME ZONE
SHOW timezone
SHOW DateStyle
SHOW IntervalStyle
SHOW lc_collate
SHOW lc_ctype
SHOW lc_monetary
SHOW max_identifier_length
SHOW integer_datetimes
SHOW is_superuser
SHOW session_authorization
SHOW max_connections
SHOW statement_timeout
SHOW lock_timeout
SHOW work_mem
SHOW default_text_search_config
SHOW bytea_output
SHOW extra_float_digits
SHOW server_version; SHOW server_encoding
SHOW ssl
SHOW in_hot_standby
SHOW wal_level
SHOW default_tablespace
SHOW session_replication_role
SHOW max_prepared_transactions
SHOW shared_buffers
SHOW effective_cache_size
SHOW jit
SHOW random_page_cost
SELECT current_setting('server_version_num')
SELECT current_setting('transaction_isolation'), current_setting('TimeZone')
SELECT current_setting('server_version_num')::int, current_setting('max_identifier_length'), current_setting('standard_conforming_strings')
SELECT set_config('statement_timeout', '1000', true)
SELECT set_config('TimeZone', 'UTC', false), set_config('extra_float_digits', '3', false)
SELECT pg_backend_pid() > 0
SELECT version()
SELECT current_user, session_user, current_role, user, current_catalog
SELECT current_database(), current_schema(), inet_server_port() > 0
SELECT NOT pg_is_in_recovery()
SELECT pg_is_in_recovery(), current_setting('transaction_read_only')
SELECT oid, typarray FROM pg_type WHERE typname = 'hstore'
SELECT t.oid, typarray FROM pg_type t JOIN pg_namespace ns ON typnamespace = ns.oid WHERE typname = 'hstore'
SELECT typname, oid FROM pg_catalog.pg_type WHERE typname IN ('citext', 'hstore', 'geometry')
SELECT NULL::text, '', 'ok'::text
SELECT 1 WHERE false
SELECT CAST('test plain returns' AS VARCHAR(60)) AS anon_1
SELECT CAST('test unicode returns' AS VARCHAR(60)) AS anon_1
SELECT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = 'alembic_version')
SELECT now() IS NOT NULL, clock_timestamp() IS NOT NULL
BEGIN
BEGIN; SELECT 1; COMMIT
BEGIN TRANSACTION; ROLLBACK
BEGIN READ ONLY; SELECT 1; END
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; COMMIT
START TRANSACTION; COMMIT AND CHAIN; ROLLBACK
START TRANSACTION ISOLATION LEVEL REPEATABLE READ; ABORT
BEGIN; SAVEPOINT a; SELECT 1/0
BEGIN; SAVEPOINT a; SELECT 1; RELEASE SAVEPOINT a; COMMIT
BEGIN; SAVEPOINT "sa_savepoint_1"; ROLLBACK TO SAVEPOINT "sa_savepoint_1"; COMMIT
BEGIN; SET CONSTRAINTS ALL DEFERRED; COMMIT
BEGIN; SET LOCAL TIME ZONE 'UTC'; SET LOCAL lock_timeout = '1s'; COMMIT
COMMIT
ROLLBACK
BEGIN; BEGIN; COMMIT
BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT id FROM people ORDER BY id; FETCH FORWARD 3 FROM c; MOVE 2 FROM c; FETCH c; CLOSE c; COMMIT
BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id FROM people ORDER BY id; COMMIT; FETCH LAST FROM c; FETCH PRIOR FROM c; FETCH ABSOLUTE 3 FROM c; FETCH ALL FROM c; CLOSE c
PREPARE p AS SELECT $1::int + 1; EXECUTE p(1); DEALLOCATE p
PREPARE p (int, text) AS SELECT id FROM people WHERE id = $1 AND city = $2; EXECUTE p(1, 'Bonn'); DEALLOCATE p
LISTEN channel; UNLISTEN channel
SELECT pg_sleep(0)
SELECT txid_current() > 0
SELECT pg_current_xact_id()::text IS NOT NULL
SET search_path TO public
SET search_path = "$user", public
SET SESSION search_path TO public, market, nosuch; SELECT current_schema(), current_schemas(true)
SET LOCAL search_path TO market
SET SCHEMA 'market'; SELECT current_schemas(false)
SELECT 1 FROM set_config('search_path', 'public,market', false)
