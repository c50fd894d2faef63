-- The tables of the TPC-H specification (section 1.4), and a small generator of rows that every query finds some of.
CREATE SCHEMA tpch;
CREATE TABLE tpch.region (r_regionkey int PRIMARY KEY, r_name char(25) NOT NULL, r_comment varchar(152));
CREATE TABLE tpch.nation (
    n_nationkey int PRIMARY KEY, n_name char(25) NOT NULL, n_regionkey int NOT NULL REFERENCES tpch.region,
    n_comment varchar(152)
);
CREATE TABLE tpch.part (
    p_partkey int PRIMARY KEY, p_name varchar(55) NOT NULL, p_mfgr char(25) NOT NULL, p_brand char(10) NOT NULL,
    p_type varchar(25) NOT NULL, p_size int NOT NULL, p_container char(10) NOT NULL,
    p_retailprice numeric(15, 2) NOT NULL, p_comment varchar(23) NOT NULL
);
CREATE TABLE tpch.supplier (
    s_suppkey int PRIMARY KEY, s_name char(25) NOT NULL, s_address varchar(40) NOT NULL,
    s_nationkey int NOT NULL REFERENCES tpch.nation, s_phone char(15) NOT NULL, s_acctbal numeric(15, 2) NOT NULL,
    s_comment varchar(101) NOT NULL
);
CREATE TABLE tpch.partsupp (
    ps_partkey int NOT NULL REFERENCES tpch.part, ps_suppkey int NOT NULL REFERENCES tpch.supplier,
    ps_availqty int NOT NULL, ps_supplycost numeric(15, 2) NOT NULL, ps_comment varchar(199) NOT NULL,
    PRIMARY KEY (ps_partkey, ps_suppkey)
);
CREATE TABLE tpch.customer (
    c_custkey int PRIMARY KEY, c_name varchar(25) NOT NULL, c_address varchar(40) NOT NULL,
    c_nationkey int NOT NULL REFERENCES tpch.nation, c_phone char(15) NOT NULL, c_acctbal numeric(15, 2) NOT NULL,
    c_mktsegment char(10) NOT NULL, c_comment varchar(117) NOT NULL
);
CREATE TABLE tpch.orders (
    o_orderkey int PRIMARY KEY, o_custkey int NOT NULL REFERENCES tpch.customer, o_orderstatus char(1) NOT NULL,
    o_totalprice numeric(15, 2) NOT NULL, o_orderdate date NOT NULL, o_orderpriority char(15) NOT NULL,
    o_clerk char(15) NOT NULL, o_shippriority int NOT NULL, o_comment varchar(79) NOT NULL
);
CREATE TABLE tpch.lineitem (
    l_orderkey int NOT NULL REFERENCES tpch.orders, l_partkey int NOT NULL, l_suppkey int NOT NULL,
    l_linenumber int NOT NULL, l_quantity numeric(15, 2) NOT NULL, l_extendedprice numeric(15, 2) NOT NULL,
    l_discount numeric(15, 2) NOT NULL, l_tax numeric(15, 2) NOT NULL, l_returnflag char(1) NOT NULL,
    l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
    l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL,
    PRIMARY KEY (l_orderkey, l_linenumber),
    FOREIGN KEY (l_partkey, l_suppkey) REFERENCES tpch.partsupp
);
INSERT INTO tpch.region
SELECT n, (ARRAY['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'])[n + 1], 'far' FROM generate_series(0, 4) n;
INSERT INTO tpch.nation
SELECT n, (ARRAY['ALGERIA', 'BRAZIL', 'CHINA', 'GERMANY', 'EGYPT', 'KENYA', 'CANADA', 'INDIA', 'FRANCE', 'SAUDI ARABIA'])[n + 1],
       n % 5, 'wide'
FROM generate_series(0, 9) n;
INSERT INTO tpch.part
SELECT n, (ARRAY['forest', 'green', 'ivory', 'red'])[1 + n % 4] || ' pine ' || n, 'Manufacturer#' || 1 + n % 5,
       'Brand#' || 1 + n % 5 || 1 + n % 3,
       (ARRAY['PROMO', 'STANDARD', 'ECONOMY', 'MEDIUM'])[1 + n % 4] || ' ' || (ARRAY['ANODIZED', 'POLISHED'])[1 + n % 2]
           || ' ' || (ARRAY['STEEL', 'BRASS', 'TIN'])[1 + n % 3],
       1 + n % 50, (ARRAY['SM CASE', 'MED BOX', 'LG PACK', 'MED BAG'])[1 + n % 4], 900 + n, 'part ' || n
FROM generate_series(1, 200) n;
INSERT INTO tpch.supplier
SELECT n, 'Supplier#' || lpad(n::text, 9, '0'), 'harbour ' || n, n % 10, 10 + n % 10 || '-555-' || 100000 + n,
       n * 97 % 5000, CASE WHEN n % 13 = 0 THEN 'many Customer fine Complaints' ELSE 'quick' END
FROM generate_series(1, 20) n;
INSERT INTO tpch.partsupp
SELECT p, 1 + (p + s * 5) % 20, (p * s) % 900 + 1, 10 + (p * 7 + s) % 500, 'stock'
FROM generate_series(1, 200) p, generate_series(0, 3) s;
INSERT INTO tpch.customer
SELECT n, 'Customer#' || lpad(n::text, 9, '0'), 'street ' || n, n % 10, 10 + n % 10 || '-777-' || 100000 + n * 3,
       (n * 311 % 9000) - 900 + 0.25, (ARRAY['BUILDING', 'AUTOMOBILE', 'MACHINERY', 'HOUSEHOLD', 'FURNITURE'])[1 + n % 5], 'calm'
FROM generate_series(1, 150) n;
INSERT INTO tpch.orders
SELECT n, 1 + (n * 7) % 130, (ARRAY['F', 'O', 'P'])[1 + n % 3], 1000 + n * 13 % 30000,
       date '1992-01-01' + (n * 17) % 2400, (ARRAY['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'])[1 + n % 5],
       'Clerk#' || n % 30, 0, CASE WHEN n % 9 = 0 THEN 'special ironic requests' ELSE 'as usual' END
FROM generate_series(1, 800) n;
INSERT INTO tpch.lineitem
SELECT o, p, 1 + (p + l % 4 * 5) % 20, l, 1 + (o * l) % 50 + CASE WHEN o % 100 = 0 THEN 100 ELSE 0 END,
       (900 + p) * (1 + (o * l) % 50), (o + l) % 11 / 100.0, (o * l) % 9 / 100.0, (ARRAY['R', 'A', 'N'])[1 + (o + l) % 3],
       (ARRAY['F', 'O'])[1 + (o + l) % 2], d + 3 + (o * l) % 60, d + 10 + o % 50, d + 5 + (o * l) % 80,
       (ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE'])[1 + (o + l) % 3],
       (ARRAY['AIR', 'AIR REG', 'MAIL', 'SHIP', 'TRUCK', 'RAIL', 'FOB'])[1 + (o + l * 3) % 7], 'line ' || l
FROM (SELECT o_orderkey AS o, o_orderdate AS d, l, 1 + (o_orderkey * 3 + l * 31) % 200 AS p
      FROM tpch.orders, generate_series(1, 4) l) x;
ANALYZE;
