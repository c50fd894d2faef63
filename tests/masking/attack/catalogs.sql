-- Catalogs: what a role was not given has no name there, in no relation, by no function, under no OID.
SELECT oid, relname, relkind, relnatts, reltype, relfilenode FROM pg_catalog.pg_class
SELECT * FROM pg_catalog.pg_attribute
SELECT * FROM pg_catalog.pg_attrdef
SELECT * FROM pg_catalog.pg_constraint
SELECT * FROM pg_catalog.pg_index
SELECT * FROM pg_catalog.pg_inherits
SELECT * FROM pg_catalog.pg_trigger
SELECT * FROM pg_catalog.pg_rewrite
SELECT * FROM pg_catalog.pg_policy
SELECT * FROM pg_catalog.pg_sequence
SELECT * FROM pg_catalog.pg_description
SELECT * FROM pg_catalog.pg_depend
SELECT * FROM pg_catalog.pg_shdepend
SELECT * FROM pg_catalog.pg_type
SELECT * FROM pg_catalog.pg_proc
SELECT * FROM pg_catalog.pg_aggregate
SELECT * FROM pg_catalog.pg_namespace
SELECT * FROM pg_catalog.pg_tables
SELECT * FROM pg_catalog.pg_views
SELECT * FROM pg_catalog.pg_matviews
SELECT * FROM pg_catalog.pg_indexes
SELECT * FROM pg_catalog.pg_policies
SELECT * FROM pg_catalog.pg_rules
SELECT * FROM pg_catalog.pg_sequences
SELECT * FROM pg_catalog.pg_publication_tables
SELECT * FROM pg_catalog.pg_publication_rel
SELECT * FROM pg_catalog.pg_statistic_ext
SELECT * FROM pg_catalog.pg_operator
SELECT * FROM pg_catalog.pg_cast
SELECT * FROM pg_catalog.pg_enum
SELECT * FROM pg_catalog.pg_init_privs
SELECT * FROM pg_catalog.pg_seclabels
SELECT * FROM pg_catalog.pg_stat_all_tables
SELECT * FROM pg_catalog.pg_stat_user_tables
SELECT * FROM pg_catalog.pg_stat_user_indexes
SELECT * FROM pg_catalog.pg_stat_all_indexes
SELECT * FROM pg_catalog.pg_statio_user_tables
SELECT * FROM pg_catalog.pg_statio_user_indexes
SELECT * FROM pg_catalog.pg_statio_all_sequences
SELECT * FROM pg_catalog.pg_statio_user_sequences
SELECT * FROM pg_catalog.pg_stat_user_functions
SELECT * FROM pg_catalog.pg_extension
SELECT * FROM pg_catalog.pg_event_trigger
SELECT * FROM pg_catalog.pg_default_acl
SELECT * FROM pg_catalog.pg_foreign_table
SELECT * FROM pg_catalog.pg_partitioned_table
SELECT * FROM pg_catalog.pg_amproc
SELECT * FROM pg_catalog.pg_opclass
SELECT * FROM pg_catalog.pg_opfamily
SELECT * FROM pg_catalog.pg_conversion
SELECT * FROM pg_catalog.pg_collation
SELECT * FROM pg_catalog.pg_transform
SELECT * FROM pg_catalog.pg_range
SELECT * FROM pg_catalog.pg_am
SELECT * FROM pg_catalog.pg_amop
SELECT * FROM pg_catalog.pg_language
SELECT * FROM pg_catalog.pg_publication
SELECT * FROM pg_catalog.pg_ts_config
SELECT * FROM pg_catalog.pg_ts_dict
SELECT * FROM pg_catalog.pg_subscription_rel
SELECT * FROM pg_catalog.pg_publication_namespace
SELECT * FROM information_schema.tables
SELECT * FROM information_schema.columns
SELECT * FROM information_schema.views
SELECT * FROM information_schema.table_constraints
SELECT * FROM information_schema.key_column_usage
SELECT * FROM information_schema.constraint_column_usage
SELECT * FROM information_schema.constraint_table_usage
SELECT * FROM information_schema.referential_constraints
SELECT * FROM information_schema.check_constraints
SELECT * FROM information_schema.column_privileges
SELECT * FROM information_schema.table_privileges
SELECT * FROM information_schema.role_column_grants
SELECT * FROM information_schema.role_table_grants
SELECT * FROM information_schema.routines
SELECT * FROM information_schema.parameters
SELECT * FROM information_schema.routine_privileges
SELECT * FROM information_schema.role_routine_grants
SELECT * FROM information_schema.schemata
SELECT * FROM information_schema.sequences
SELECT * FROM information_schema.triggers
SELECT * FROM information_schema.triggered_update_columns
SELECT * FROM information_schema.view_column_usage
SELECT * FROM information_schema.view_table_usage
SELECT * FROM information_schema.view_routine_usage
SELECT * FROM information_schema.usage_privileges
SELECT * FROM information_schema.role_usage_grants
SELECT * FROM information_schema.element_types
SELECT * FROM information_schema.data_type_privileges
SELECT * FROM information_schema.column_udt_usage
SELECT * FROM information_schema.column_domain_usage
SELECT * FROM information_schema.column_column_usage
SELECT * FROM information_schema.routine_column_usage
SELECT * FROM information_schema.routine_table_usage
SELECT * FROM information_schema.routine_routine_usage
SELECT * FROM information_schema.routine_sequence_usage
SELECT * FROM information_schema.user_defined_types
SELECT * FROM information_schema.udt_privileges
SELECT * FROM information_schema.role_udt_grants
SELECT * FROM information_schema.attributes
SELECT * FROM information_schema.domains
SELECT * FROM information_schema.domain_constraints
SELECT * FROM information_schema.foreign_tables
SELECT g::regclass FROM generate_series(16384, 17999) g
SELECT g::oid::regclass::text FROM generate_series(16384, 17999) g
SELECT (g)::text::regclass FROM generate_series(16384, 17999) g
SELECT CAST(g AS regclass) FROM generate_series(16384, 17999) g
SELECT to_regclass(g::text) FROM generate_series(16384, 17999) g
SELECT (16384 + (random() * 1600)::int)::regclass FROM generate_series(1, 3000)
SELECT g::oid::regproc, g::oid::regprocedure, g::oid::regtype, g::oid::regnamespace FROM generate_series(16384, 17999) g
SELECT format_type(g::oid, NULL) FROM generate_series(16384, 17999) g
SELECT pg_get_viewdef(g::oid) FROM generate_series(16384, 17999) g
SELECT pg_get_indexdef(g::oid) FROM generate_series(16384, 17999) g
SELECT pg_get_constraintdef(g::oid) FROM generate_series(16384, 17999) g
SELECT pg_get_triggerdef(g::oid) FROM generate_series(16384, 17999) g
SELECT pg_get_ruledef(g::oid) FROM generate_series(16384, 17999) g
SELECT pg_get_functiondef(g::oid) FROM generate_series(17000, 17001) g
SELECT pg_get_function_arguments(g::oid), pg_get_function_identity_arguments(g::oid) FROM generate_series(16384, 17999) g
SELECT pg_get_statisticsobjdef(g::oid) FROM generate_series(16384, 17999) g
SELECT obj_description(g::oid, 'pg_class'), col_description(g::oid, 1), obj_description(g::oid, 'pg_proc') FROM generate_series(16384, 17999) g
SELECT obj_description(g::oid) FROM generate_series(16384, 17999) g
SELECT pg_describe_object(1259, g::oid, 0) FROM generate_series(16384, 17999) g
SELECT * FROM generate_series(16384, 17999) g, pg_identify_object(1259, g::oid, 0)
SELECT pg_get_object_address('table', '{crm,qwhidden_here}', '{}')
SELECT pg_table_size(g::oid::regclass) FROM generate_series(16384, 17999) g
SELECT (16700::oid).regclass
SELECT (g).regclass FROM (SELECT 16700::oid) g
SELECT g.regclass FROM unnest(ARRAY[16700, 16800]::oid[]) g
SELECT regclass(16700::oid)
SELECT x.a FROM json_to_record('{"a": "crm.qwhidden_here"}') AS x(a regclass)
SELECT ARRAY[16700, 16800, 16900]::regclass[]
SELECT '{16700,16800}'::regclass[]
SELECT (SELECT array_agg(g) FROM generate_series(16384, 17999) g)::regclass[]
SELECT tableoid::regclass FROM customers
SELECT v::regclass FROM (SELECT c.oid + g AS v FROM pg_class c, generate_series(1, 20) g WHERE relname = 'orders') x
SELECT string_agg(g::regclass::text, ',') FROM generate_series(16384, 17999) g
SELECT format('%s', g::regclass) FROM generate_series(16384, 17999) g
SELECT c.relname FROM pg_class c RIGHT JOIN generate_series(16384, 17999) g ON g = c.oid
SELECT k.v::regclass FROM (SELECT g::oid AS v FROM generate_series(16384, 17999) g) AS k
SELECT * FROM pg_partition_tree(16700)
SELECT pg_relation_filenode(16700)
SELECT pg_get_serial_sequence('vault.' || 'qwhid' || 'den', 'id')
SELECT has_table_privilege(g::oid, 'select') FROM generate_series(16384, 17999) g
SELECT relname, c.oid::regclass, reltype::regtype, relnamespace::regnamespace FROM pg_class c
SELECT pg_get_expr(adbin, adrelid), adrelid::regclass FROM pg_attrdef
