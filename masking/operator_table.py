"""Functions of pg_catalog that stand behind its operators (pg_operator.oprcode): reviewed data.

All are plain computations on their arguments. Entries as in function_table.
aclinsert and aclremove (obsolete, behind + and - on aclitem[]) are left out.
"""

BEHIND_OPERATORS = """
    aclcontains:2 aclitemeq:2 anytextcat:2 array_eq:2 array_ge:2 array_gt:2 array_le:2 array_lt:2 array_ne:2
    arraycontained:2 arraycontains:2 arrayoverlap:2 bitand:2 bitcat:2 biteq:2 bitge:2 bitgt:2 bitle:2 bitlt:2
    bitne:2 bitnot:1 bitor:2 bitshiftleft:2 bitshiftright:2 bitxor:2 booleq:2 boolge:2 boolgt:2 boolle:2
    boollt:2 boolne:2 box_above:2 box_above_eq:2 box_add:2 box_below:2 box_below_eq:2 box_center:1 box_contain:2
    box_contain_pt:2 box_contained:2 box_distance:2 box_div:2 box_eq:2 box_ge:2 box_gt:2 box_intersect:2
    box_le:2 box_left:2 box_lt:2 box_mul:2 box_overabove:2 box_overbelow:2 box_overlap:2 box_overleft:2
    box_overright:2 box_right:2 box_same:2 box_sub:2 bpchar_pattern_ge:2 bpchar_pattern_gt:2 bpchar_pattern_le:2
    bpchar_pattern_lt:2 bpchareq:2 bpcharge:2 bpchargt:2 bpchariclike:2 bpcharicnlike:2 bpcharicregexeq:2
    bpcharicregexne:2 bpcharle:2 bpcharlike:2 bpcharlt:2 bpcharne:2 bpcharnlike:2 bpcharregexeq:2
    bpcharregexne:2 byteacat:2 byteaeq:2 byteage:2 byteagt:2 byteale:2 bytealike:2 bytealt:2 byteane:2
    byteanlike:2 cash_div_cash:2 cash_div_flt4:2 cash_div_flt8:2 cash_div_int2:2 cash_div_int4:2 cash_div_int8:2
    cash_eq:2 cash_ge:2 cash_gt:2 cash_le:2 cash_lt:2 cash_mi:2 cash_mul_flt4:2 cash_mul_flt8:2 cash_mul_int2:2
    cash_mul_int4:2 cash_mul_int8:2 cash_ne:2 cash_pl:2 chareq:2 charge:2 chargt:2 charle:2 charlt:2 charne:2
    cideq:2 circle_above:2 circle_add_pt:2 circle_below:2 circle_center:1 circle_contain:2 circle_contain_pt:2
    circle_contained:2 circle_distance:2 circle_div_pt:2 circle_eq:2 circle_ge:2 circle_gt:2 circle_le:2
    circle_left:2 circle_lt:2 circle_mul_pt:2 circle_ne:2 circle_overabove:2 circle_overbelow:2 circle_overlap:2
    circle_overleft:2 circle_overright:2 circle_right:2 circle_same:2 circle_sub_pt:2 close_ls:2 close_lseg:2
    close_pb:2 close_pl:2 close_ps:2 close_sb:2 date_eq:2 date_eq_timestamp:2 date_eq_timestamptz:2 date_ge:2
    date_ge_timestamp:2 date_ge_timestamptz:2 date_gt:2 date_gt_timestamp:2 date_gt_timestamptz:2 date_le:2
    date_le_timestamp:2 date_le_timestamptz:2 date_lt:2 date_lt_timestamp:2 date_lt_timestamptz:2 date_mi:2
    date_mi_interval:2 date_mii:2 date_ne:2 date_ne_timestamp:2 date_ne_timestamptz:2 date_pl_interval:2
    date_pli:2 datetime_pl:2 datetimetz_pl:2 dist_bp:2 dist_bs:2 dist_cpoint:2 dist_cpoly:2 dist_lp:2 dist_ls:2
    dist_pathp:2 dist_pb:2 dist_pc:2 dist_pl:2 dist_polyc:2 dist_polyp:2 dist_ppath:2 dist_ppoly:2 dist_ps:2
    dist_sb:2 dist_sl:2 dist_sp:2 elem_contained_by_multirange:2 elem_contained_by_range:2 enum_eq:2 enum_ge:2
    enum_gt:2 enum_le:2 enum_lt:2 enum_ne:2 float48div:2 float48eq:2 float48ge:2 float48gt:2 float48le:2
    float48lt:2 float48mi:2 float48mul:2 float48ne:2 float48pl:2 float4abs:1 float4div:2 float4eq:2 float4ge:2
    float4gt:2 float4le:2 float4lt:2 float4mi:2 float4mul:2 float4ne:2 float4pl:2 float4um:1 float4up:1
    float84div:2 float84eq:2 float84ge:2 float84gt:2 float84le:2 float84lt:2 float84mi:2 float84mul:2
    float84ne:2 float84pl:2 float8abs:1 float8div:2 float8eq:2 float8ge:2 float8gt:2 float8le:2 float8lt:2
    float8mi:2 float8mul:2 float8ne:2 float8pl:2 float8um:1 float8up:1 flt4_mul_cash:2 flt8_mul_cash:2 inetand:2
    inetmi:2 inetmi_int8:2 inetnot:1 inetor:2 inetpl:2 int24div:2 int24eq:2 int24ge:2 int24gt:2 int24le:2
    int24lt:2 int24mi:2 int24mul:2 int24ne:2 int24pl:2 int28div:2 int28eq:2 int28ge:2 int28gt:2 int28le:2
    int28lt:2 int28mi:2 int28mul:2 int28ne:2 int28pl:2 int2_mul_cash:2 int2abs:1 int2and:2 int2div:2 int2eq:2
    int2ge:2 int2gt:2 int2le:2 int2lt:2 int2mi:2 int2mod:2 int2mul:2 int2ne:2 int2not:1 int2or:2 int2pl:2
    int2shl:2 int2shr:2 int2um:1 int2up:1 int2xor:2 int42div:2 int42eq:2 int42ge:2 int42gt:2 int42le:2 int42lt:2
    int42mi:2 int42mul:2 int42ne:2 int42pl:2 int48div:2 int48eq:2 int48ge:2 int48gt:2 int48le:2 int48lt:2
    int48mi:2 int48mul:2 int48ne:2 int48pl:2 int4_mul_cash:2 int4abs:1 int4and:2 int4div:2 int4eq:2 int4ge:2
    int4gt:2 int4le:2 int4lt:2 int4mi:2 int4mod:2 int4mul:2 int4ne:2 int4not:1 int4or:2 int4pl:2 int4shl:2
    int4shr:2 int4um:1 int4up:1 int4xor:2 int82div:2 int82eq:2 int82ge:2 int82gt:2 int82le:2 int82lt:2 int82mi:2
    int82mul:2 int82ne:2 int82pl:2 int84div:2 int84eq:2 int84ge:2 int84gt:2 int84le:2 int84lt:2 int84mi:2
    int84mul:2 int84ne:2 int84pl:2 int8_mul_cash:2 int8abs:1 int8and:2 int8div:2 int8eq:2 int8ge:2 int8gt:2
    int8le:2 int8lt:2 int8mi:2 int8mod:2 int8mul:2 int8ne:2 int8not:1 int8or:2 int8pl:2 int8pl_inet:2 int8shl:2
    int8shr:2 int8um:1 int8up:1 int8xor:2 integer_pl_date:2 inter_lb:2 inter_sb:2 inter_sl:2 interval_div:2
    interval_eq:2 interval_ge:2 interval_gt:2 interval_le:2 interval_lt:2 interval_mi:2 interval_mul:2
    interval_ne:2 interval_pl:2 interval_pl_date:2 interval_pl_time:2 interval_pl_timestamp:2
    interval_pl_timestamptz:2 interval_pl_timetz:2 interval_um:1 json_array_element:2 json_array_element_text:2
    json_object_field:2 json_object_field_text:2 jsonb_array_element:2 jsonb_array_element_text:2 jsonb_concat:2
    jsonb_contained:2 jsonb_contains:2 jsonb_delete:2+ jsonb_delete_path:2 jsonb_eq:2 jsonb_exists:2
    jsonb_exists_all:2 jsonb_exists_any:2 jsonb_ge:2 jsonb_gt:2 jsonb_le:2 jsonb_lt:2 jsonb_ne:2
    jsonb_object_field:2 jsonb_object_field_text:2 jsonb_path_exists_opr:2 jsonb_path_match_opr:2
    line_distance:2 line_eq:2 line_horizontal:1 line_interpt:2 line_intersect:2 line_parallel:2 line_perp:2
    line_vertical:1 lseg_center:1 lseg_distance:2 lseg_eq:2 lseg_ge:2 lseg_gt:2 lseg_horizontal:1 lseg_interpt:2
    lseg_intersect:2 lseg_le:2 lseg_length:1 lseg_lt:2 lseg_ne:2 lseg_parallel:2 lseg_perp:2 lseg_vertical:1
    macaddr8_and:2 macaddr8_eq:2 macaddr8_ge:2 macaddr8_gt:2 macaddr8_le:2 macaddr8_lt:2 macaddr8_ne:2
    macaddr8_not:1 macaddr8_or:2 macaddr_and:2 macaddr_eq:2 macaddr_ge:2 macaddr_gt:2 macaddr_le:2 macaddr_lt:2
    macaddr_ne:2 macaddr_not:1 macaddr_or:2 mul_d_interval:2 multirange_adjacent_multirange:2
    multirange_adjacent_range:2 multirange_after_multirange:2 multirange_after_range:2
    multirange_before_multirange:2 multirange_before_range:2 multirange_contained_by_multirange:2
    multirange_contained_by_range:2 multirange_contains_elem:2 multirange_contains_multirange:2
    multirange_contains_range:2 multirange_eq:2 multirange_ge:2 multirange_gt:2 multirange_intersect:2
    multirange_le:2 multirange_lt:2 multirange_minus:2 multirange_ne:2 multirange_overlaps_multirange:2
    multirange_overlaps_range:2 multirange_overleft_multirange:2 multirange_overleft_range:2
    multirange_overright_multirange:2 multirange_overright_range:2 multirange_union:2 nameeq:2 nameeqtext:2
    namege:2 namegetext:2 namegt:2 namegttext:2 nameiclike:2 nameicnlike:2 nameicregexeq:2 nameicregexne:2
    namele:2 nameletext:2 namelike:2 namelt:2 namelttext:2 namene:2 namenetext:2 namenlike:2 nameregexeq:2
    nameregexne:2 network_eq:2 network_ge:2 network_gt:2 network_le:2 network_lt:2 network_ne:2
    network_overlap:2 network_sub:2 network_subeq:2 network_sup:2 network_supeq:2 numeric_abs:1 numeric_add:2
    numeric_div:2 numeric_eq:2 numeric_ge:2 numeric_gt:2 numeric_le:2 numeric_lt:2 numeric_mod:2 numeric_mul:2
    numeric_ne:2 numeric_pl_pg_lsn:2 numeric_power:2 numeric_sub:2 numeric_uminus:1 numeric_uplus:1 oideq:2
    oidge:2 oidgt:2 oidle:2 oidlt:2 oidne:2 oidvectoreq:2 oidvectorge:2 oidvectorgt:2 oidvectorle:2
    oidvectorlt:2 oidvectorne:2 on_pb:2 on_pl:2 on_ppath:2 on_ps:2 on_sb:2 on_sl:2 path_add:2 path_add_pt:2
    path_contain_pt:2 path_distance:2 path_div_pt:2 path_inter:2 path_length:1 path_mul_pt:2 path_n_eq:2
    path_n_ge:2 path_n_gt:2 path_n_le:2 path_n_lt:2 path_npoints:1 path_sub_pt:2 pg_lsn_eq:2 pg_lsn_ge:2
    pg_lsn_gt:2 pg_lsn_le:2 pg_lsn_lt:2 pg_lsn_mi:2 pg_lsn_mii:2 pg_lsn_ne:2 pg_lsn_pli:2 point_above:2
    point_add:2 point_below:2 point_distance:2 point_div:2 point_eq:2 point_horiz:2 point_left:2 point_mul:2
    point_ne:2 point_right:2 point_sub:2 point_vert:2 poly_above:2 poly_below:2 poly_center:1 poly_contain:2
    poly_contain_pt:2 poly_contained:2 poly_distance:2 poly_left:2 poly_npoints:1 poly_overabove:2
    poly_overbelow:2 poly_overlap:2 poly_overleft:2 poly_overright:2 poly_right:2 poly_same:2
    pt_contained_circle:2 pt_contained_poly:2 range_adjacent:2 range_adjacent_multirange:2 range_after:2
    range_after_multirange:2 range_before:2 range_before_multirange:2 range_contained_by:2
    range_contained_by_multirange:2 range_contains:2 range_contains_elem:2 range_contains_multirange:2
    range_eq:2 range_ge:2 range_gt:2 range_intersect:2 range_le:2 range_lt:2 range_minus:2 range_ne:2
    range_overlaps:2 range_overlaps_multirange:2 range_overleft:2 range_overleft_multirange:2 range_overright:2
    range_overright_multirange:2 range_union:2 record_eq:2 record_ge:2 record_gt:2 record_image_eq:2
    record_image_ge:2 record_image_gt:2 record_image_le:2 record_image_lt:2 record_image_ne:2 record_le:2
    record_lt:2 record_ne:2 text_ge:2 text_gt:2 text_le:2 text_lt:2 text_pattern_ge:2 text_pattern_gt:2
    text_pattern_le:2 text_pattern_lt:2 textanycat:2 textcat:2 texteq:2 texteqname:2 textgename:2 textgtname:2
    texticlike:2 texticnlike:2 texticregexeq:2 texticregexne:2 textlename:2 textlike:2 textltname:2 textne:2
    textnename:2 textnlike:2 textregexeq:2 textregexne:2 tideq:2 tidge:2 tidgt:2 tidle:2 tidlt:2 tidne:2
    time_eq:2 time_ge:2 time_gt:2 time_le:2 time_lt:2 time_mi_interval:2 time_mi_time:2 time_ne:2
    time_pl_interval:2 timedate_pl:2 timestamp_eq:2 timestamp_eq_date:2 timestamp_eq_timestamptz:2
    timestamp_ge:2 timestamp_ge_date:2 timestamp_ge_timestamptz:2 timestamp_gt:2 timestamp_gt_date:2
    timestamp_gt_timestamptz:2 timestamp_le:2 timestamp_le_date:2 timestamp_le_timestamptz:2 timestamp_lt:2
    timestamp_lt_date:2 timestamp_lt_timestamptz:2 timestamp_mi:2 timestamp_mi_interval:2 timestamp_ne:2
    timestamp_ne_date:2 timestamp_ne_timestamptz:2 timestamp_pl_interval:2 timestamptz_eq:2
    timestamptz_eq_date:2 timestamptz_eq_timestamp:2 timestamptz_ge:2 timestamptz_ge_date:2
    timestamptz_ge_timestamp:2 timestamptz_gt:2 timestamptz_gt_date:2 timestamptz_gt_timestamp:2
    timestamptz_le:2 timestamptz_le_date:2 timestamptz_le_timestamp:2 timestamptz_lt:2 timestamptz_lt_date:2
    timestamptz_lt_timestamp:2 timestamptz_mi:2 timestamptz_mi_interval:2 timestamptz_ne:2 timestamptz_ne_date:2
    timestamptz_ne_timestamp:2 timestamptz_pl_interval:2 timetz_eq:2 timetz_ge:2 timetz_gt:2 timetz_le:2
    timetz_lt:2 timetz_mi_interval:2 timetz_ne:2 timetz_pl_interval:2 timetzdate_pl:2 ts_match_qv:2
    ts_match_tq:2 ts_match_tt:2 ts_match_vq:2 tsq_mcontained:2 tsq_mcontains:2 tsquery_and:2 tsquery_eq:2
    tsquery_ge:2 tsquery_gt:2 tsquery_le:2 tsquery_lt:2 tsquery_ne:2 tsquery_not:1 tsquery_or:2
    tsvector_concat:2 tsvector_eq:2 tsvector_ge:2 tsvector_gt:2 tsvector_le:2 tsvector_lt:2 tsvector_ne:2
    uuid_eq:2 uuid_ge:2 uuid_gt:2 uuid_le:2 uuid_lt:2 uuid_ne:2 varbiteq:2 varbitge:2 varbitgt:2 varbitle:2
    varbitlt:2 varbitne:2 xid8eq:2 xid8ge:2 xid8gt:2 xid8le:2 xid8lt:2 xid8ne:2 xideq:2 xideqint4:2 xidneq:2
    xidneqint4:2
"""
