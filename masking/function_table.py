"""Functions of pg_catalog that anybody may call, by topic: reviewed data, PostgreSQL 14 to 18.

Each entry is `name:counts`, counts of arguments as in `1,3-4` or `2+` (VARIADIC).
Chapters are those of the PostgreSQL manual, part "Functions and Operators".
"""

SAFE_BY_TOPIC: dict[str, str] = {
    "math": """
        abs:1 acos:1 acosd:1 acosh:1 asin:1 asind:1 asinh:1 atan:1 atan2:2 atan2d:2 atand:1 atanh:1 cbrt:1
        ceil:1 ceiling:1 cos:1 cosd:1 cosh:1 cot:1 cotd:1 crc32:1 crc32c:1 dcbrt:1 degrees:1 dexp:1 div:2
        dlog1:1 dlog10:1 dpow:2 dround:1 dsqrt:1 dtrunc:1 erf:1 erfc:1 exp:1 factorial:1 floor:1 gamma:1
        gcd:2 lcm:2 lgamma:1 ln:1 log:1-2 log10:1 min_scale:1 mod:2 numeric_div_trunc:2 numeric_exp:1
        numeric_inc:1 numeric_ln:1 numeric_log:2 numeric_sqrt:1 pi:0 pow:2 power:2 radians:1 random:0,2
        random_normal:0-2 round:1-2 scale:1 setseed:1 sign:1 sin:1 sind:1 sinh:1 sqrt:1 tan:1 tand:1 tanh:1
        trim_scale:1 trunc:1-2 width_bucket:2,4
    """,
    # Regular expressions and repeat cost CPU; statement_timeout is the bound, not this list.
    "text": """
        ascii:1 bit_count:1 bit_length:1 btrim:1-2 casefold:1 char_length:1 character_length:1 chr:1
        concat:1+ concat_ws:2+ convert:3 convert_from:2 convert_to:2 decode:2 encode:2 format:1,2+ get_bit:2
        get_byte:2 hash_numeric:1 hashbpchar:1 hashchar:1 hashenum:1 hashfloat4:1 hashfloat8:1 hashinet:1 hashint2:1
        hashint4:1 hashint4extended:2 hashint8:1 hashint8extended:2 hashname:1 hashoid:1 hashtext:1 hashtextextended:2
        cash_words:1 icu_unicode_version:0 initcap:1 is_normalized:1-2 left:2 length:1-2
        like:2 like_escape:2 lower:1 lpad:2-3 ltrim:1-2 md5:1 normalize:1-2 notlike:2 octet_length:1
        overlay:3-4 parse_ident:1-2 position:2 quote_ident:1 quote_literal:1 quote_nullable:1
        regexp_count:2-4 regexp_instr:2-7 regexp_like:2-3 regexp_match:2-3 regexp_matches:2-3
        regexp_replace:3-6 regexp_split_to_array:2-3 regexp_split_to_table:2-3 regexp_substr:2-6 repeat:2
        replace:3 reverse:1 right:2 rpad:2-3 rtrim:1-2 set_bit:3 set_byte:3 sha224:1 sha256:1 sha384:1
        sha512:1 similar_escape:2 similar_to_escape:1-2 split_part:3 starts_with:2 string_to_array:2-3
        string_to_table:2-3 strpos:2 substr:2-3 substring:2-3 textlen:1 to_ascii:1-2 to_bin:1 to_hex:1
        to_oct:1 translate:3 unicode_assigned:1 unicode_version:0 unistr:1 upper:1
    """,
    # pg_sleep and its kin hold a connection, no more; the session's limits end them.
    "date and time": """
        age:1-2 clock_timestamp:0 date_add:2-3 date_bin:3 date_part:2 date_subtract:2-3 date_trunc:2-3
        extract:2 isfinite:1 justify_days:1 justify_hours:1 justify_interval:1 make_date:3 make_interval:0-7
        make_time:3 make_timestamp:6 make_timestamptz:6-7 now:0 overlaps:4 pg_sleep:1 pg_sleep_for:1
        pg_sleep_until:1 pg_timezone_abbrevs:0 pg_timezone_names:0 statement_timestamp:0 timeofday:0
        timezone:1-2 to_char:2 to_date:2 to_number:2 to_timestamp:1-2 transaction_timestamp:0
    """,
    # The function spelling of casts (`int4('1')`). Not regclass(text): the cast is judged by what it names.
    "type conversion": """
        bit:2-3 bool:1 bpchar:1,3 bytea:1 char:1 date:1 float4:1 float8:1 int2:1 int4:1 int8:1 interval:1-2
        money:1 name:1 numeric:1-2 oid:1 text:1 time:1-2 timestamp:1-2 timestamptz:1-2 timetz:1-2
        varbit:3 varchar:1,3 xid:1 xml:1
    """,
    "json": """
        array_to_json:1-2 json_array_elements:1 json_array_elements_text:1 json_array_length:1
        json_build_array:0,1+ json_build_object:0,1+ json_each:1 json_each_text:1 json_extract_path:2+
        json_extract_path_text:2+ json_object:1-2 json_object_keys:1 json_populate_record:2-3
        json_populate_recordset:2-3 json_strip_nulls:1-2 json_to_record:1 json_to_recordset:1 json_typeof:1
        jsonb_array_elements:1 jsonb_array_elements_text:1 jsonb_array_length:1 jsonb_build_array:0,1+
        jsonb_build_object:0,1+ jsonb_each:1 jsonb_each_text:1 jsonb_extract_path:2+
        jsonb_extract_path_text:2+ jsonb_insert:3-4 jsonb_object:1-2 jsonb_object_keys:1
        jsonb_path_exists:2-4 jsonb_path_exists_tz:2-4 jsonb_path_match:2-4 jsonb_path_match_tz:2-4
        jsonb_path_query:2-4 jsonb_path_query_array:2-4 jsonb_path_query_array_tz:2-4
        jsonb_path_query_first:2-4 jsonb_path_query_first_tz:2-4 jsonb_path_query_tz:2-4
        jsonb_populate_record:2 jsonb_populate_record_valid:2 jsonb_populate_recordset:2 jsonb_pretty:1
        jsonb_set:3-4 jsonb_set_lax:3-5 jsonb_strip_nulls:1-2 jsonb_to_record:1 jsonb_to_recordset:1
        jsonb_typeof:1 row_to_json:1-2 to_json:1 to_jsonb:1
    """,
    # Only what works on a value given to it: nothing of the *_to_xml kind, which reads tables by name.
    "xml": """
        xml_is_well_formed:1 xml_is_well_formed_content:1 xml_is_well_formed_document:1 xmlcomment:1
        xmlexists:2 xmltext:1 xpath:2-3 xpath_exists:2-3
    """,
    "arrays and rows": """
        array_append:2 array_cat:2 array_dims:1 array_fill:2-3 array_length:2 array_lower:2 array_ndims:1
        array_position:2-3 array_positions:2 array_prepend:2 array_remove:2 array_replace:3 array_reverse:1
        array_sample:2 array_shuffle:1 array_sort:1-3 array_to_string:2-3 array_upper:2 cardinality:1
        generate_series:2-4 generate_subscripts:2-3 num_nonnulls:1+ num_nulls:1+ trim_array:2 unnest:1
    """,
    "enums": """
        enum_first:1 enum_last:1 enum_range:1-2
    """,
    "ranges": """
        datemultirange:0,1+ daterange:2-3 int4multirange:0,1+ int4range:2-3 int8multirange:0,1+
        int8range:2-3 isempty:1 lower_inc:1 lower_inf:1 multirange:1 nummultirange:0,1+ numrange:2-3
        range_merge:1-2 tsmultirange:0,1+ tsrange:2-3 tstzmultirange:0,1+ tstzrange:2-3 upper_inc:1
        upper_inf:1
    """,
    "aggregates": """
        any_value:1 array_agg:1 avg:1 bit_and:1 bit_or:1 bit_xor:1 bool_and:1 bool_or:1 corr:2 count:0-1
        covar_pop:2 covar_samp:2 every:1 json_agg:1 json_agg_strict:1 json_object_agg:2
        json_object_agg_strict:2 json_object_agg_unique:2 json_object_agg_unique_strict:2 jsonb_agg:1
        jsonb_agg_strict:1 jsonb_object_agg:2 jsonb_object_agg_strict:2 jsonb_object_agg_unique:2
        jsonb_object_agg_unique_strict:2 max:1 min:1 mode:0-1 percentile_cont:1-2 percentile_disc:1-2
        range_agg:1 range_intersect_agg:1 regr_avgx:2 regr_avgy:2 regr_count:2 regr_intercept:2 regr_r2:2
        regr_slope:2 regr_sxx:2 regr_sxy:2 regr_syy:2 stddev:1 stddev_pop:1 stddev_samp:1 string_agg:2 sum:1
        var_pop:1 var_samp:1 variance:1 xmlagg:1
    """,
    "windows": """
        cume_dist:0+ dense_rank:0+ first_value:1 lag:1-3 last_value:1 lead:1-3 nth_value:2 ntile:1
        percent_rank:0+ rank:0+ row_number:0
    """,
    "geometry": """
        area:1 bound_box:2 box:1-2 center:1 circle:1-2 diagonal:1 diameter:1 height:1 isclosed:1
        ishorizontal:1-2 isopen:1 isparallel:2 isperp:2 isvertical:1-2 line:2 lseg:1-2 npoints:1 path:1
        pclose:1 point:1-2 polygon:1-2 popen:1 radius:1 slope:2 width:1
    """,
    "network": """
        abbrev:1 broadcast:1 cidr:1 family:1 host:1 hostmask:1 inet_merge:2 inet_same_family:2 macaddr:1
        macaddr8:1 macaddr8_set7bit:1 masklen:1 netmask:1 network:1 set_masklen:2
    """,
    # Neither ts_stat nor the two-argument ts_rewrite: both run the text of a query.
    "full text search": """
        array_to_tsvector:1 get_current_ts_config:0 json_to_tsvector:2-3 jsonb_to_tsvector:2-3 numnode:1
        phraseto_tsquery:1-2 plainto_tsquery:1-2 querytree:1 setweight:2-3 strip:1 to_tsquery:1-2
        to_tsvector:1-2 ts_debug:1-2 ts_delete:2 ts_filter:2 ts_headline:2-4 ts_lexize:2 ts_parse:2
        ts_rank:2-4 ts_rank_cd:2-4 ts_rewrite:3 ts_token_type:1 tsquery_phrase:2-3 tsvector_to_array:1
        websearch_to_tsquery:1-2
    """,
    "uuid": """
        gen_random_uuid:0 uuid_extract_timestamp:1 uuid_extract_version:1 uuidv4:0 uuidv7:0-1
    """,
    # Arithmetic only; the server's own position is not told.
    "log positions": """
        pg_lsn:1 pg_wal_lsn_diff:2
    """,
    # current_user and session_user name the upstream login, which is no secret.
    # A session that unlocks what it never locked: asyncpg's pool sends it at every release.
    "the session": """
        current_database:0 current_schema:0 current_schemas:1 current_user:0 getdatabaseencoding:0
        inet_client_addr:0 inet_client_port:0 inet_server_addr:0 inet_server_port:0 pg_advisory_unlock_all:0
        pg_backend_pid:0 pg_client_encoding:0 pg_conf_load_time:0 pg_is_in_recovery:0
        pg_is_other_temp_schema:1 pg_is_wal_replay_paused:0 pg_jit_available:0 pg_listening_channels:0
        pg_my_temp_schema:0 pg_postmaster_start_time:0 pg_trigger_depth:0 session_user:0 system_user:0
        version:0
    """,
    # The number of one's own transaction, which `xmin` and pg_stat_database tell as well: DataGrip's first question.
    # Not whose transactions are running (snapshots, status of others).
    "one's own transaction": """
        mxid_age:1 pg_current_xact_id:0 pg_current_xact_id_if_assigned:0 txid_current:0 txid_current_if_assigned:0
    """,
    # As the view pg_stat_all_indexes shows it; DBeaver asks the function.
    "counters": """
        pg_stat_clear_snapshot:0 pg_stat_get_numscans:1
    """,
    # They answer for a relation by its name or OID; known.py sees to it that it is one the role may know of.
    "privileges": """
        acldefault:2 aclexplode:1 has_any_column_privilege:2-3 has_column_privilege:3-4
        has_database_privilege:2-3 has_foreign_data_wrapper_privilege:2-3 has_function_privilege:2-3
        has_language_privilege:2-3 has_parameter_privilege:2-3 has_schema_privilege:2-3
        has_sequence_privilege:2-3 has_server_privilege:2-3 has_table_privilege:2-3
        has_tablespace_privilege:2-3 has_type_privilege:2-3 makeaclitem:4 pg_get_acl:3 pg_has_role:2-3
        row_security_active:1
    """,
    # NULL for what the role may not know of; see known.py.
    "names and OIDs": """
        to_regclass:1 to_regcollation:1 to_regnamespace:1 to_regoper:1 to_regoperator:1 to_regproc:1
        to_regprocedure:1 to_regrole:1 to_regtype:1 to_regtypemod:1
    """,
    "visibility of names": """
        pg_collation_is_visible:1 pg_conversion_is_visible:1 pg_function_is_visible:1
        pg_opclass_is_visible:1 pg_operator_is_visible:1 pg_opfamily_is_visible:1
        pg_statistics_obj_is_visible:1 pg_table_is_visible:1 pg_ts_config_is_visible:1
        pg_ts_dict_is_visible:1 pg_ts_parser_is_visible:1 pg_ts_template_is_visible:1 pg_type_is_visible:1
    """,
    # What psql, object-relational mappers and graphical tools ask of OIDs they have read from the catalog. Functions
    # whose answer contains literals of a definition are in functions.DEFINITIONS instead.
    "the catalog described": """
        col_description:2 format_type:2 nameconcatoid:2 obj_description:1-2 oidvectortypes:1
        pg_available_extension_versions:0 pg_available_extensions:0 pg_basetype:1
        pg_char_to_encoding:1 pg_collation_actual_version:1 pg_collation_for:1 pg_column_compression:1
        pg_column_is_updatable:3 pg_column_size:1 pg_database_collation_actual_version:1
        pg_describe_object:3 pg_encoding_max_length:1 pg_encoding_to_char:1 pg_get_catalog_foreign_keys:0
        pg_get_function_identity_arguments:1 pg_get_function_result:1 pg_get_keywords:0
        pg_get_replica_identity_index:1 pg_get_serial_sequence:2
        pg_get_statisticsobjdef_columns:1 pg_get_userbyid:1 pg_identify_object:3
        pg_index_column_has_property:3 pg_index_has_property:2
        pg_indexam_has_property:2 pg_options_to_table:1 pg_partition_ancestors:1 pg_partition_root:1
        pg_partition_tree:1 pg_relation_is_publishable:1 pg_relation_is_updatable:2 pg_sequence_parameters:1
        pg_settings_get_flags:1 pg_typeof:1 shobj_description:2
    """,
    "sizes": """
        pg_database_size:1 pg_indexes_size:1 pg_relation_size:1-2 pg_size_bytes:1 pg_size_pretty:1
        pg_table_size:1 pg_tablespace_location:1 pg_tablespace_size:1 pg_total_relation_size:1
    """,
}
