-- What a role that may write sends. Each line runs in a transaction that is rolled back.
INSERT INTO tasks (id, title, priority) VALUES (900, 'new', 2)
INSERT INTO tasks (id, title, priority) VALUES (900, 'new', 2) RETURNING id, title, done, priority
INSERT INTO tasks (id, title) VALUES (900, 'a'), (901, 'b'), (902, DEFAULT || 'c')
INSERT INTO tasks (id, title) VALUES (900, 'a'), (901, 'b') RETURNING id AS key, upper(title) AS "Shouted"
INSERT INTO tasks (id, title, due, meta) SELECT id + 5000, name, date '2024-01-01' + stock, attributes FROM products WHERE id < 5 RETURNING id, due
INSERT INTO tasks (id, title, owner) SELECT 6000 + p.id, p.city, p.id FROM people p WHERE p.city IS NOT NULL AND p.id < 9 RETURNING *
INSERT INTO tasks (title, priority) VALUES ('serial', 1) RETURNING id > 0, title
INSERT INTO counters VALUES ('d', 4, NULL) RETURNING *
INSERT INTO counters (name) VALUES ('d') RETURNING *
INSERT INTO counters DEFAULT VALUES
INSERT INTO counters (name, value) VALUES ('a', 5) ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING name, value
INSERT INTO counters AS c (name, value) VALUES ('a', 5), ('z', 1) ON CONFLICT (name) DO UPDATE SET value = c.value + excluded.value WHERE c.value < 100 RETURNING c.name, c.value
INSERT INTO counters (name, value) VALUES ('a', 5) ON CONFLICT DO NOTHING
INSERT INTO counters (name, value) VALUES ('a', 5) ON CONFLICT (name) DO NOTHING RETURNING name
INSERT INTO counters (name, value) VALUES ('a', 5) ON CONFLICT ON CONSTRAINT counters_pkey DO UPDATE SET value = 9 RETURNING value
INSERT INTO counters (name, value) VALUES ('a', 5)
INSERT INTO counters (name, value) SELECT 'x' || g, g FROM generate_series(1, 5) g
WITH fresh AS (INSERT INTO counters (name, value) VALUES ('n1', 1), ('n2', 2) RETURNING name, value) SELECT sum(value) FROM fresh
WITH moved AS (DELETE FROM tasks WHERE done RETURNING id, title, priority) INSERT INTO counters (name, value) SELECT title, priority FROM moved RETURNING name
WITH changed AS (UPDATE counters SET value = value * 10 WHERE value > 1 RETURNING *) SELECT name, value FROM changed ORDER BY name
UPDATE tasks SET done = true WHERE id = 1
UPDATE tasks SET done = true, due = due + 7, meta = meta || '{"seen": true}' WHERE id = 1 RETURNING id, done, due, meta
UPDATE tasks SET (done, priority) = (true, 5) WHERE id IN (1, 2) RETURNING id, done, priority
UPDATE tasks SET (done, priority) = (SELECT true, 4) WHERE id = 2 RETURNING priority
UPDATE tasks SET priority = DEFAULT WHERE id = 3 RETURNING priority
UPDATE tasks t SET priority = least(5, t.priority + 1) FROM people p WHERE t.owner = p.id AND p.city = 'Kiel' RETURNING t.id, t.priority, p.city
UPDATE tasks SET title = tasks.title || '!' FROM (SELECT id FROM products WHERE kind = 'book') b WHERE b.id = tasks.id RETURNING tasks.id, title
UPDATE tasks SET meta = jsonb_set(meta, '{n}', '7') WHERE id = 4 RETURNING meta -> 'n' AS n
UPDATE tasks SET meta['n'] = '8' WHERE id = 4 RETURNING meta
UPDATE products SET sizes[1] = 99 WHERE id = 3 RETURNING sizes
UPDATE products SET made_in.number = 5 WHERE id = 3 RETURNING (made_in).number
UPDATE products SET price = round(price * 1.1, 2), labels = array_append(labels, 'sale') WHERE kind = 'food' RETURNING id, price, labels
UPDATE products SET stock = stock - 1 WHERE id = 1 AND stock > 0 RETURNING stock
UPDATE people SET city = 'Trier' WHERE id = 3
UPDATE people SET city = 'Trier', level = 5, active = NOT active WHERE id = 3 RETURNING id, city, level, active
UPDATE people SET rating = rating + 1 WHERE city = 'Bonn' AND rating IS NOT NULL RETURNING id, rating
UPDATE sales SET amount = amount + 1 WHERE id = 7 RETURNING id, amount, tableoid::regclass
UPDATE sales SET day = day + 400 WHERE id = 7 AND day < '2024-01-01' RETURNING id, day
UPDATE visits SET lasted = lasted * 2 WHERE person = 4 RETURNING id, lasted
UPDATE ONLY visits SET lasted = interval '1 minute' WHERE id < 3 RETURNING id, lasted
DELETE FROM tasks WHERE id = 5
DELETE FROM tasks WHERE id = 5 RETURNING id, title
DELETE FROM tasks t USING people p WHERE p.id = t.owner AND p.city = 'Ulm' RETURNING t.id, p.city
DELETE FROM tasks WHERE owner IN (SELECT id FROM people WHERE NOT active) RETURNING id
DELETE FROM tasks WHERE NOT EXISTS (SELECT FROM sales s WHERE s.person = tasks.owner)
DELETE FROM sales WHERE day < '2023-06-01' AND product = 3 RETURNING id
DELETE FROM visits WHERE id > 170
DELETE FROM products WHERE id = 40
MERGE INTO counters c USING (VALUES ('a', 10), ('q', 20)) AS v (name, value) ON c.name = v.name WHEN MATCHED THEN UPDATE SET value = c.value + v.value WHEN NOT MATCHED THEN INSERT (name, value) VALUES (v.name, v.value)
MERGE INTO counters c USING products p ON c.name = p.name WHEN NOT MATCHED AND p.stock > 10 THEN INSERT (name, value) VALUES (p.name || p.id, p.stock) WHEN MATCHED THEN DO NOTHING
MERGE INTO tasks t USING (SELECT id, city FROM people WHERE active) p ON t.owner = p.id WHEN MATCHED AND p.city = 'Kiel' THEN DELETE WHEN MATCHED THEN UPDATE SET priority = 1
MERGE INTO counters c USING (VALUES ('a', 10)) AS v (name, value) ON c.name = v.name WHEN MATCHED THEN UPDATE SET value = v.value RETURNING merge_action(), c.name, c.value
TRUNCATE counters
TRUNCATE TABLE counters, tasks RESTART IDENTITY
LOCK TABLE counters IN SHARE ROW EXCLUSIVE MODE
SELECT id, title FROM tasks WHERE NOT done ORDER BY id LIMIT 3 FOR UPDATE
SELECT id, title FROM tasks ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
SELECT t.id, p.city FROM tasks t JOIN people p ON p.id = t.owner ORDER BY t.id LIMIT 3 FOR UPDATE OF t NOWAIT
SELECT id FROM counters c JOIN tasks t ON t.title = c.name FOR NO KEY UPDATE OF t
SELECT name FROM counters ORDER BY name FOR SHARE
SELECT name FROM counters ORDER BY name FOR KEY SHARE
WITH job AS (SELECT id FROM tasks WHERE NOT done ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE tasks t SET done = true FROM job WHERE t.id = job.id RETURNING t.id
UPDATE tasks SET done = true WHERE id = (SELECT id FROM tasks WHERE NOT done ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id
SAVEPOINT a; INSERT INTO counters (name) VALUES ('s'); ROLLBACK TO a; INSERT INTO counters (name) VALUES ('t'); RELEASE a; SELECT count(*) FROM counters
SAVEPOINT a; INSERT INTO counters (name) VALUES ('a'); ROLLBACK TO a; SELECT count(*) FROM counters
DECLARE c CURSOR FOR SELECT id FROM tasks ORDER BY id FOR UPDATE; FETCH 2 FROM c; UPDATE tasks SET done = true WHERE CURRENT OF c RETURNING id; DELETE FROM tasks WHERE CURRENT OF c; CLOSE c
PREPARE i (text, bigint) AS INSERT INTO counters (name, value) VALUES ($1, $2) RETURNING name; EXECUTE i('x', 1); EXECUTE i('y', 2); DEALLOCATE i
PREPARE u AS UPDATE counters SET value = $2 WHERE name = $1; EXECUTE u('a', 7); DEALLOCATE u
EXPLAIN (COSTS OFF) UPDATE tasks SET done = true WHERE id = 1
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) DELETE FROM tasks WHERE id = 1
SELECT nextval('ticket_numbers') > 0, currval('market.ticket_numbers') > 0, setval('ticket_numbers', 100), lastval() > 0
SELECT nextval('market.ticket_numbers'::regclass) > 0
INSERT INTO tasks (id, title) VALUES (nextval('tasks_id_seq') + 10000, 'by hand') RETURNING title
SELECT last_value > 0 FROM ticket_numbers
INSERT INTO products (id, name, kind, price) VALUES (99, 'New', 'book', 1.50) RETURNING id, name, stock, attributes, labels, sizes
INSERT INTO products (id, name, kind, price, raw, valid, lead, cost, flags, words, discount, made_in, mood) VALUES (99, 'New', 'book', 1, '{"a": 1}', '[2024-01-01,2024-02-01)', '1 day', '12.50', B'1010', 'a b', 10, ROW('x', 1, 'y'), 'calm') RETURNING raw, valid, lead, cost, flags, words, discount, made_in, mood
INSERT INTO products (id, name, kind, price, discount) VALUES (99, 'New', 'book', 1, 101)
INSERT INTO tasks (id, title, priority) VALUES (900, 'bad', 9)
INSERT INTO tasks (id, title) VALUES (900, NULL)
INSERT INTO tasks (id, title) VALUES (1, 'twice')
INSERT INTO tasks (id, nosuch) VALUES (1, 'x')
INSERT INTO tasks (id, title) VALUES (1)
INSERT INTO tasks (id, title, owner) VALUES (900, 'x', 99999)
UPDATE tasks SET nosuch = 1 WHERE id = 1
UPDATE tasks SET priority = 'many' WHERE id = 1
DELETE FROM nosuch WHERE id = 1
INSERT INTO sales VALUES (9000, 1, 1, '2024-05-05', '2024-05-05 10:00', 1, 9.99) RETURNING id, day, tableoid::regclass
INSERT INTO sales_2024 (id, person, product, day, at, amount, total) VALUES (9000, 1, 1, '2023-05-05', '2024-05-05 10:00', 1, 9.99)
INSERT INTO visits (id, person, lasted, at) VALUES (900, 1, '1 min', '2024-01-01') RETURNING id, lasted
VACUUM counters
ANALYZE counters
ANALYZE VERBOSE counters (name)
NOTIFY news, 'hello'
SELECT pg_notify('news', 'hello')
LISTEN news; NOTIFY news; UNLISTEN news
SET CONSTRAINTS ALL IMMEDIATE; UPDATE tasks SET done = true WHERE id = 1
COPY counters (name, value) FROM STDIN
COPY tasks (id, title) TO STDOUT
COPY (SELECT id, title FROM tasks ORDER BY id LIMIT 3) TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER ';', FORCE_QUOTE *)
