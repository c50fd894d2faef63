-- Rows for bulk reads, a hundred bytes each, and TPC-H's tables (empty: only their judgement is measured).

CREATE TABLE bulk AS
SELECT number::integer AS id,
       timestamptz '2025-01-01 00:00:00+00' + number * interval '37 seconds' AS at,
       (number * 7919 % 1000000)::numeric(10, 2) / 100 AS amount,
       'row ' || number || ' of many, with a text of ordinary length' AS note,
       md5(number::text) AS secret
FROM generate_series(1, :rows::bigint) AS number;

CREATE UNIQUE INDEX ON bulk (id);

CREATE TABLE customer (
    c_custkey integer PRIMARY KEY, c_name varchar(25), c_address varchar(40), c_nationkey integer, c_phone char(15),
    c_acctbal numeric(15, 2), c_mktsegment char(10), c_comment varchar(117));
CREATE TABLE orders (
    o_orderkey bigint PRIMARY KEY, o_custkey integer, o_orderstatus char(1), o_totalprice numeric(15, 2),
    o_orderdate date, o_orderpriority char(15), o_clerk char(15), o_shippriority integer, o_comment varchar(79));
CREATE TABLE lineitem (
    l_orderkey bigint, l_partkey integer, l_suppkey integer, l_linenumber integer, l_quantity numeric(15, 2),
    l_extendedprice numeric(15, 2), l_discount numeric(15, 2), l_tax numeric(15, 2), l_returnflag char(1),
    l_linestatus char(1), l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct char(25),
    l_shipmode char(10), l_comment varchar(44), PRIMARY KEY (l_orderkey, l_linenumber));

VACUUM ANALYZE;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO pgcurfew_gateway;
