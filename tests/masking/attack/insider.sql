-- What a look at the engine's code suggested, beside test_insider.py.
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = excluded.later RETURNING city
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = (SELECT excluded.later) RETURNING city
INSERT INTO customers (id, name, later) VALUES (1, 'x', DEFAULT) ON CONFLICT (id) DO UPDATE SET city = excluded.later RETURNING city
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = 'y' WHERE excluded.later > 'x'
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = later(excluded) RETURNING city
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = (excluded).later RETURNING city
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = excluded::text RETURNING city
EXPLAIN (VERBOSE, COSTS OFF) INSERT INTO customers (id, name) VALUES (100, 'x')
EXPLAIN (VERBOSE, COSTS OFF) INSERT INTO customers DEFAULT VALUES
EXPLAIN (COSTS OFF) INSERT INTO customers (id, name) VALUES (100, 'x')
