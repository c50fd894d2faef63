-- Views, children, hidden relations, statistics, definitions, files, other sessions.
SELECT * FROM customer_mail
SELECT email, who FROM crm.customer_mail
SELECT * FROM guarded
SELECT * FROM guarded WHERE email LIKE '%zqx%'
SELECT id FROM guarded WHERE 1 / (CASE WHEN email LIKE 'czqx%' THEN 0 ELSE 1 END) > 0
SELECT * FROM mail_copy
SELECT email FROM mail_copy WHERE email > 'cx'
SELECT * FROM secret_view
SELECT * FROM vault.secrets
SELECT word FROM vault.secrets
SELECT count(*) FROM vault.secrets
SELECT 1 FROM vault.secrets WHERE word LIKE 'zqx%'
SELECT EXISTS (SELECT FROM vault.secrets WHERE word = 'zqxalpha')
SELECT 'vault.secrets'::regclass::oid::bigint - 'vault.secrets'::regclass::oid::bigint
SELECT * FROM pg_stats WHERE schemaname = 'crm'
SELECT most_common_vals FROM pg_catalog.pg_stats
SELECT * FROM pg_statistic
SELECT stavalues1 FROM pg_statistic
SELECT * FROM pg_stats_ext
SELECT * FROM pg_statistic_ext_data
SELECT * FROM pg_stat_activity
SELECT query FROM pg_stat_get_activity(NULL)
SELECT pg_stat_get_backend_activity(1)
SELECT * FROM pg_stat_statements
SELECT * FROM pg_prepared_statements
SELECT * FROM pg_cursors
SELECT * FROM pg_authid
SELECT * FROM pg_shadow
SELECT * FROM pg_user_mapping
SELECT * FROM pg_user_mappings
SELECT * FROM information_schema.user_mapping_options
SELECT * FROM pg_largeobject
SELECT * FROM pg_largeobject_metadata
SELECT * FROM pg_file_settings
SELECT * FROM pg_hba_file_rules
SELECT * FROM pg_db_role_setting
SELECT * FROM pg_config
SELECT * FROM pg_toast.pg_toast_1262
SELECT * FROM pg_attrdef
SELECT adbin FROM pg_attrdef
SELECT adbin::text FROM pg_attrdef
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
SELECT pg_get_expr(d.adbin, d.adrelid, true), d FROM pg_attrdef d
SELECT d::text FROM pg_attrdef d
SELECT row_to_json(d) FROM pg_attrdef d
SELECT (d).adbin FROM pg_attrdef d
SELECT adbin(d) FROM pg_attrdef d
SELECT * FROM pg_constraint WHERE conrelid = 'crm.orders'::regclass
SELECT conbin, pg_get_constraintdef(oid), pg_get_constraintdef(oid, true) FROM pg_constraint
SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint
SELECT a.attmissingval FROM pg_attribute a WHERE attmissingval IS NOT NULL
SELECT attname, attmissingval::text FROM pg_attribute
SELECT attmissingval::text::text[] FROM pg_attribute WHERE atthasmissing
SELECT a::text FROM pg_attribute a WHERE atthasmissing
SELECT to_jsonb(a)->>'attmissingval' FROM pg_attribute a WHERE atthasmissing
SELECT column_name, column_default FROM information_schema.columns WHERE table_name = 'customers'
SELECT check_clause FROM information_schema.check_constraints
SELECT view_definition FROM information_schema.views
SELECT definition FROM pg_views
SELECT * FROM pg_indexes WHERE schemaname = 'crm'
SELECT pg_get_indexdef(indexrelid), pg_get_expr(indpred, indrelid), pg_get_expr(indexprs, indrelid) FROM pg_index
SELECT indpred, indexprs FROM pg_index
SELECT pg_get_viewdef(oid), pg_get_viewdef(oid, true) FROM pg_class WHERE relkind IN ('v', 'm')
SELECT pg_get_viewdef('crm.guarded'::regclass)
SELECT * FROM pg_get_viewdef('crm.guarded'::regclass)
SELECT 'crm.guarded'::regclass::oid.pg_get_viewdef
SELECT ('crm.guarded'::regclass::oid).pg_get_viewdef
SELECT c.oid.pg_get_viewdef FROM pg_class c
SELECT prosrc, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'crm'::regnamespace
SELECT ev_action FROM pg_rewrite
SELECT * FROM pg_proc WHERE proname = 'run'
SELECT relpartbound, pg_get_expr(relpartbound, oid) FROM pg_class
SELECT pg_relation_size('crm.customers'), pg_total_relation_size('crm.customers'), pg_table_size('crm.customers')
SELECT reltuples, relpages FROM pg_class WHERE relname = 'customers'
SELECT * FROM pg_settings WHERE name LIKE 'pgcurfew%'
SELECT name, setting FROM pg_settings WHERE name ~ 'conninfo|command|file'
-- SELECT * FROM pg_locks
SELECT pg_read_file('/etc/passwd')
SELECT pg_ls_dir('.')
SELECT * FROM pg_ls_logdir()
SELECT query_to_xml('select * from crm.customers', true, true, '')
SELECT table_to_xml('crm.customers', true, true, '')
SELECT schema_to_xml('crm', true, true, '')
SELECT database_to_xml(true, true, '')
SELECT ts_stat('select to_tsvector(email) from crm.customers')
SELECT * FROM ts_stat('select to_tsvector(''simple'', email) from crm.customers')
SELECT ts_rewrite('a'::tsquery, 'select ''a''::tsquery, plainto_tsquery(''simple'', notes) from crm.customers limit 1')
SELECT * FROM extensions.crosstab('select id, email, notes from crm.customers') AS t(a int, b text, c text)
SELECT * FROM extensions.connectby('crm.customers', 'email', 'id', '1', 0) AS t(k text, p text, l int)
SELECT * FROM dblink('dbname=attack_a', 'select email from crm.customers') AS t(e text)
SELECT pg_mcv_list_items(stxdmcv) FROM pg_statistic_ext_data
SELECT satisfies_hash_partition('crm.payments'::regclass, 2, 1, 'x'::text)
SELECT currtid2('crm.customers', '(0,1)')
SELECT get_raw_page('crm.customers', 0)
SELECT * FROM heap_page_items(get_raw_page('crm.customers', 0))
SELECT * FROM pg_buffercache
SELECT nextval('crm.ticket_numbers')
SELECT s.seqrelid, d.* FROM pg_sequence s, pg_get_sequence_data(s.seqrelid) d
SELECT (pg_get_sequence_data('crm.ticket_numbers'::regclass)).*
SELECT x.pg_get_sequence_data FROM (VALUES ('crm.ticket_numbers'::regclass)) x
SELECT setval('crm.ticket_numbers', (SELECT max(salary)::bigint FROM customers))
SELECT setval('ticket_numbers', ascii(email)) FROM customers
SELECT pg_notify('x', email) FROM customers
SELECT pg_advisory_lock(level) FROM customers
SELECT pg_logical_emit_message(true, 'x', email) FROM customers
SELECT lo_from_bytea(0, photo) FROM customers
SELECT lo_export(770001, '/tmp/x')
SELECT pg_export_snapshot()
SELECT current_query(), email FROM customers
SELECT * FROM current_setting('pgcurfew.mask_key')
SELECT current_setting('pgcurfew.mask_key')
SELECT current_setting('pgcurfew.' || 'mask_key')
SELECT ('pgcurfew.mask_key'::text).current_setting
SELECT x.current_setting FROM (VALUES ('pgcurfew.mask_key'::text)) x
SELECT x.current_setting FROM unnest(ARRAY['pgcurfew.mask_key']) x
SELECT t.pg_show_all_settings FROM pg_show_all_settings() t
SELECT reset_val FROM pg_settings
SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend WHERE refobjid = 'crm.customers'::regclass
SELECT obj_description(oid), col_description(oid, 3) FROM pg_class WHERE relname = 'customers'
SELECT * FROM information_schema.columns WHERE table_schema = 'vault'
SELECT n_live_tup FROM pg_stat_user_tables
SELECT srvoptions FROM pg_foreign_server
