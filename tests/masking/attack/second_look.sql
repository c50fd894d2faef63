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
