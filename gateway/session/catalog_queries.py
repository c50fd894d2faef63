"""The queries of a catalog snapshot. PG manual, chapter 53 (system catalogs)."""

from __future__ import annotations

from masking.strip import strip_literals

#: format_type() qualifies what is not found on the path, so the path is empty while we read.
EMPTY_PATH = "SET LOCAL search_path = ''"

RELATIONS = """
SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S', 'c')
  AND n.nspname <> 'pg_toast' AND NOT pg_catalog.starts_with(n.nspname::text, 'pg_temp_')
ORDER BY c.oid
"""

# A domain's own type modifier is that of the innermost domain (getBaseTypeAndTypmod).
COLUMNS = """
WITH RECURSIVE base AS (
    SELECT oid, typbasetype AS type, typtypmod AS modifier FROM pg_catalog.pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT b.oid, t.typbasetype, t.typtypmod
    FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
), wire AS (
    SELECT b.oid, b.type, b.modifier
    FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype <> 'd'
)
SELECT a.attrelid::int8 AS relation, a.attname::text AS name, a.attnum::int4 AS attnum,
       t.oid::int8 AS type_oid, a.atttypid::int8 AS own_type,
       pg_catalog.format_type(t.oid, COALESCE(w.modifier, a.atttypmod)) AS type_name,
       t.typtype::text AS type_kind, t.typcategory::text AS type_category,
       a.attgenerated <> '' AS generated, w.oid IS NOT NULL AS domain,
       CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
            THEN pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname) END AS collation
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN wire w ON w.oid = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = COALESCE(w.type, a.atttypid)
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S', 'c')
  AND n.nspname <> 'pg_toast' AND NOT pg_catalog.starts_with(n.nspname::text, 'pg_temp_')
ORDER BY a.attrelid, a.attnum
"""

PRIMARY_KEYS = """
SELECT c.conrelid::int8 AS relation, c.conkey::int4[] AS columns
FROM pg_catalog.pg_constraint c
WHERE c.contype = 'p' AND NOT c.condeferrable
"""

# Columns that an index only reads in an expression or a condition count too: the outcome tells of them.
CONSTRAINED = """
SELECT c.conrelid::int8 AS relation, c.conkey::int4[] AS columns
FROM pg_catalog.pg_constraint c
WHERE c.contype IN ('p', 'u', 'x', 'f') AND c.conkey IS NOT NULL
UNION ALL
SELECT i.indrelid::int8, pg_catalog.array_agg(d.refobjsubid)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
WHERE i.indisunique OR i.indisexclusion
GROUP BY i.indexrelid, i.indrelid
"""

# What one constraint looks at together: whether a clear column may change can depend on a masked one.
COMPANIONS = """
SELECT c.conrelid::int8 AS relation, c.conkey::int4[] AS columns
FROM pg_catalog.pg_constraint c
WHERE c.contype IN ('c', 'p', 'u', 'x') AND pg_catalog.cardinality(c.conkey) > 1
UNION
SELECT i.indrelid::int8, pg_catalog.array_agg(DISTINCT d.refobjsubid)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
WHERE i.indisunique OR i.indisexclusion
GROUP BY i.indexrelid, i.indrelid
HAVING pg_catalog.count(DISTINCT d.refobjsubid) > 1
"""

FOREIGN_KEYS = """
SELECT c.conrelid::int8 AS relation, c.conkey::int4[] AS columns, c.confrelid::int8 AS target,
       c.confkey::int4[] AS target_columns, c.confdeltype IN ('a', 'r') OR c.confupdtype IN ('a', 'r') AS holds
FROM pg_catalog.pg_constraint c WHERE c.contype = 'f' ORDER BY c.oid
"""

# System indexes have no dependencies recorded, and nobody may write there.
INHERITANCE = """
SELECT i.inhrelid::int8 AS child, i.inhparent::int8 AS parent
FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
WHERE c.relkind IN ('r', 'f', 'p')
ORDER BY i.inhparent, i.inhseqno, i.inhrelid
"""

# What a view reads, directly.
BELOW = """
SELECT DISTINCT c.oid::int8 AS relation, d.refobjid::int8 AS below
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> c.oid
WHERE c.relkind = 'v' AND c.oid >= 16384
ORDER BY 1, 2
"""

# A function in SQL becomes part of the plan, and a function's defaults are printed with the call.
TOLD = """p.oid >= 16384 AND (l.lanname = 'sql' OR p.pronargdefaults > 0) AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_depend e
           WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e')"""


def _has_literals(text: str) -> str:
    return f"({strip_literals(text)} <> {text})"


# Relations over which a plan quotes a definition, and those with row security. The virtual columns of
# PostgreSQL 18 are written into the plan; views of extensions are what their authors published.
PLANS = f"""
WITH told AS (
    SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE {TOLD}
)
SELECT c.oid::int8 AS oid, c.relrowsecurity AS hides_rows,
       c.relkind = 'v' AND COALESCE({_has_literals("pg_catalog.pg_get_viewdef(c.oid)")}, true)
       OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
       OR EXISTS (
           SELECT FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = c.oid AND a.attgenerated NOT IN ('', 's') AND NOT a.attisdropped)
       OR EXISTS (
           SELECT FROM pg_catalog.pg_policy s WHERE s.polrelid = c.oid
           AND ({_has_literals("pg_catalog.pg_get_expr(s.polqual, s.polrelid)")}
                OR {_has_literals("pg_catalog.pg_get_expr(s.polwithcheck, s.polrelid)")}))
       OR EXISTS (
           SELECT FROM pg_catalog.pg_depend d
           LEFT JOIN pg_catalog.pg_rewrite r
           ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
           LEFT JOIN pg_catalog.pg_policy s
           ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND s.oid = d.objid
           LEFT JOIN pg_catalog.pg_operator o
           ON d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobjid
           JOIN told ON told.oid = o.oprcode
            OR (d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND told.oid = d.refobjid)
           WHERE c.oid IN (r.ev_class, s.polrelid)) AS quotes
FROM pg_catalog.pg_class c
WHERE c.oid >= 16384 AND (c.relkind = 'v' OR c.relrowsecurity OR c.relhasrules
    OR EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated NOT IN ('', 's')))
"""  # noqa: S608 -- put together from constants of this file

# A call with VARIADIC spells at least one argument for it, unless it has a default.
FUNCTIONS = f"""
SELECT DISTINCT n.nspname::text AS schema, p.proname::text AS name,
       p.pronargs - p.pronargdefaults AS least,
       CASE WHEN p.provariadic = 0 THEN p.pronargs::int4 END AS most,
       {TOLD} AS told
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
ORDER BY 1, 2, 3, 4, 5
"""  # noqa: S608 -- put together from constants of this file

OPERATORS = """
SELECT DISTINCT n.nspname::text AS schema, o.oprname::text AS name,
       fn.nspname::text AS function_schema, f.proname::text AS function_name,
       fn.nspname <> 'pg_catalog' AND l.lanname IN ('c', 'internal') AND EXISTS (
           SELECT FROM pg_catalog.pg_depend d
           WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = f.oid AND d.deptype = 'e'
       ) AS compiled
FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
JOIN pg_catalog.pg_proc f ON f.oid = o.oprcode
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = f.prolang
ORDER BY 1, 2, 3, 4, 5
"""

TYPES = """
SELECT t.oid::int8 AS oid, n.nspname::text AS schema, t.typname::text AS name, t.typtype::text AS kind,
       CASE WHEN t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc
            THEN t.typelem::int8 ELSE 0 END AS element,
       t.typbasetype::int8 AS base, t.typrelid::int8 AS relation,
       COALESCE((SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)), 0)::int8
           AS range_of,
       EXISTS (SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am a ON a.oid = o.opcmethod
               WHERE o.opcintype = t.oid AND o.opcdefault AND a.amname IN ('btree', 'hash')) AS compares,
       ARRAY(SELECT c.casttarget::int8 FROM pg_catalog.pg_cast c
             WHERE c.castsource = t.oid AND c.castmethod = 'b' AND c.castcontext = 'i') AS same_bits
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
ORDER BY t.oid
"""

ENUM_LABELS = """
SELECT enumtypid::int8 AS type, pg_catalog.array_agg(enumlabel::text ORDER BY enumsortorder) AS labels
FROM pg_catalog.pg_enum GROUP BY enumtypid ORDER BY enumtypid
"""

# Functions of users: all but those that are compiled and part of an extension.
_OF_USERS = """
    SELECT f.oid, n.nspname::text AS schema, f.proname::text AS name
    FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = f.prolang
    WHERE f.oid >= 16384 AND NOT (l.lanname IN ('c', 'internal') AND EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = f.oid AND d.deptype = 'e'))
"""

# What runs functions of users: (classid, objid) of what depends on one, or on an operator that is one.
_USES = f"""
WITH code AS ({_OF_USERS}), uses AS (
    SELECT d.classid, d.objid, code.schema, code.name
    FROM pg_catalog.pg_depend d
    LEFT JOIN pg_catalog.pg_operator o
    ON d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobjid
    JOIN code ON code.oid = o.oprcode
     OR (d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND code.oid = d.refobjid)
)
"""  # noqa: S608 -- put together from constants of this file

# Relations that run functions of users by themselves: views and rules, triggers, checks, defaults and
# generated columns, index expressions, policies.
RUNS = f"""{_USES}
SELECT DISTINCT COALESCE(r.ev_class, t.tgrelid, c.conrelid, a.adrelid, i.indrelid, s.polrelid)::int8 AS relation
FROM uses u
LEFT JOIN pg_catalog.pg_rewrite r ON u.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = u.objid
LEFT JOIN pg_catalog.pg_trigger t ON u.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = u.objid
LEFT JOIN pg_catalog.pg_constraint c
ON u.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND c.oid = u.objid AND c.conrelid <> 0
LEFT JOIN pg_catalog.pg_attrdef a ON u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND a.oid = u.objid
LEFT JOIN pg_catalog.pg_index i ON u.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.indexrelid = u.objid
LEFT JOIN pg_catalog.pg_policy s ON u.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND s.oid = u.objid
WHERE COALESCE(r.ev_class, t.tgrelid, c.conrelid, a.adrelid, i.indrelid, s.polrelid) IS NOT NULL
ORDER BY 1
"""  # noqa: S608 -- put together from constants of this file

# Functions of users in the CHECKs of domains.
CHECK_FUNCTIONS = f"""{_USES}
SELECT DISTINCT c.contypid::int8 AS type, u.schema, u.name
FROM uses u JOIN pg_catalog.pg_constraint c
ON u.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND c.oid = u.objid
WHERE c.contypid <> 0
ORDER BY 1, 2, 3
"""  # noqa: S608 -- put together from constants of this file

# Functions of users by which values of a type are compared (its default operator classes), and by which ranges
# of it are made: ORDER BY, GROUP BY, DISTINCT and the like run them without naming them.
SUPPORT_FUNCTIONS = f"""
WITH code AS ({_OF_USERS}), supports AS (
    SELECT oc.oid AS class, oc.opcintype AS type, oc.opcdefault AS of_all, p.amproc::oid AS function
    FROM pg_catalog.pg_opclass oc JOIN pg_catalog.pg_amproc p
    ON p.amprocfamily = oc.opcfamily AND oc.opcintype IN (p.amproclefttype, p.amprocrighttype)
    UNION
    SELECT oc.oid, oc.opcintype, oc.opcdefault, o.oprcode::oid
    FROM pg_catalog.pg_opclass oc JOIN pg_catalog.pg_amop p
    ON p.amopfamily = oc.opcfamily AND oc.opcintype IN (p.amoplefttype, p.amoprighttype)
    JOIN pg_catalog.pg_operator o ON o.oid = p.amopopr
)
SELECT s.type::int8 AS type, code.schema, code.name
FROM supports s JOIN code ON code.oid = s.function WHERE s.of_all
UNION
SELECT r.rngtypid::int8, code.schema, code.name
FROM pg_catalog.pg_range r LEFT JOIN supports s ON s.class = r.rngsubopc
JOIN code ON code.oid IN (s.function, r.rngcanonical, r.rngsubdiff)
ORDER BY 1, 2, 3
"""  # noqa: S608 -- put together from constants of this file

CAST_FUNCTIONS = """
SELECT c.castsource::int8 AS source, c.casttarget::int8 AS target, c.castcontext::text AS context,
       n.nspname::text AS function_schema, f.proname::text AS function_name
FROM pg_catalog.pg_cast c
JOIN pg_catalog.pg_proc f ON f.oid = c.castfunc
JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = f.prolang
WHERE n.nspname <> 'pg_catalog' AND NOT (l.lanname IN ('c', 'internal') AND EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = f.oid AND d.deptype = 'e'))
ORDER BY c.oid
"""

COLLATIONS = """
SELECT DISTINCT n.nspname::text AS schema, c.collname::text AS name
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE n.nspname <> 'pg_catalog'
"""

PARTS = """
SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name, i.indrelid::int8 AS owner
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid >= 16384 AND n.nspname <> 'pg_toast' AND NOT pg_catalog.starts_with(n.nspname::text, 'pg_temp_')
UNION ALL
SELECT c.oid::int8, n.nspname::text, c.relname::text, d.refobjid::int8
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND NOT pg_catalog.starts_with(n.nspname::text, 'pg_temp_')
ORDER BY 1
"""

FUNCTION_OIDS = """
SELECT p.oid::int8 AS oid, n.nspname::text AS schema, p.proname::text AS name, EXISTS (
           SELECT FROM pg_catalog.pg_depend e
           WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e')
       AS of_extension
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid >= 16384
ORDER BY p.oid
"""

TRIGGER_FUNCTIONS = """
SELECT DISTINCT tgrelid::int8 AS relation, tgfoid::int8 AS function
FROM pg_catalog.pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2
"""
