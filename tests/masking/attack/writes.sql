-- Writes: nothing raw comes back, nothing raw is moved to where it can be read, no answer is an oracle.
UPDATE customers SET city = email WHERE id = 1
UPDATE customers SET city = upper(notes) WHERE id = 1
UPDATE customers c SET city = c.email WHERE c.id = 1 RETURNING city
UPDATE customers SET city = (SELECT email FROM customers WHERE id = 2) WHERE id = 1 RETURNING city
UPDATE customers SET city = 'x' WHERE email LIKE 'czqx%'
UPDATE customers SET city = 'x' WHERE salary > 910000
UPDATE customers SET city = 'x' WHERE notes IS NOT NULL
UPDATE customers SET city = 'x' WHERE id = 1 RETURNING *
UPDATE customers SET city = 'x' WHERE id = 1 RETURNING email, notes, salary
UPDATE customers SET city = 'x' WHERE id = 1 RETURNING upper(email)
UPDATE customers SET city = 'x' WHERE id = 1 RETURNING customers
UPDATE customers c SET city = 'x' WHERE id = 1 RETURNING row_to_json(c)
UPDATE customers c SET city = 'x' WHERE id = 1 RETURNING (c).email
UPDATE customers c SET city = 'x' WHERE id = 1 RETURNING email(c)
UPDATE customers SET city = 'x' WHERE id = 1 RETURNING CASE WHEN salary > 910000 THEN 1 END
UPDATE customers SET (city, signup) = (SELECT email, dob FROM customers WHERE id = 2) WHERE id = 1 RETURNING city, signup
UPDATE customers SET signup = dob WHERE id = 1
UPDATE customers SET city = 'x' FROM customers b WHERE b.id = customers.id AND b.email LIKE 'czqx%'
UPDATE customers SET city = b.email FROM customers b WHERE b.id = customers.id AND customers.id = 1 RETURNING city
UPDATE customers SET city = b.email FROM customer_mail b WHERE b.id = customers.id AND customers.id = 1 RETURNING city
UPDATE customers SET city = display(customers) WHERE id = 1 RETURNING city
UPDATE customers SET city = customers.display WHERE id = 1 RETURNING city
UPDATE customers SET city = customers::text WHERE id = 1 RETURNING city
UPDATE customers SET email = email WHERE id = 1
UPDATE customers SET email = 'x' WHERE id = 1 RETURNING email
UPDATE customers SET level = level + 1 WHERE id = 1
UPDATE customers SET salary = salary * 2 WHERE id = 1
UPDATE customers SET tags[1] = 'x' WHERE id = 1
UPDATE customers SET home.street = 'x' WHERE id = 1
UPDATE customers SET city = DEFAULT WHERE id = 1 RETURNING notes
UPDATE customers SET later = DEFAULT WHERE id = 1 RETURNING later
UPDATE orders SET ship_to = c.email FROM customers c WHERE c.id = orders.customer_id AND orders.id = 1
UPDATE events SET what = c.email FROM customers c WHERE c.id = events.id RETURNING what
UPDATE events SET what = (SELECT notes FROM customers c WHERE c.id = events.id) WHERE id = 1 RETURNING what
UPDATE events SET what = 'x' WHERE email IN (SELECT email FROM customers)
UPDATE ONLY customers SET city = 'x' WHERE id = 1 RETURNING *
UPDATE vip_customers SET city = 'x' WHERE id = 11 RETURNING *
UPDATE customer_mail SET id = id WHERE email LIKE 'czqx%' RETURNING *
UPDATE guarded SET city = email WHERE id = 1 RETURNING *
UPDATE customers SET city = 'x'
UPDATE customers SET city = 'x' WHERE true
DELETE FROM customers
DELETE FROM customers WHERE id = 12 RETURNING *
DELETE FROM customers WHERE id = 12 RETURNING email, upper(notes)
DELETE FROM customers WHERE email LIKE 'czqx%'
DELETE FROM customers USING events e WHERE e.email < customers.email
DELETE FROM customers c USING events WHERE c.id = 12 AND events.id = 12 RETURNING c, c.*
DELETE FROM payments WHERE id = 1 RETURNING *
DELETE FROM orders WHERE id = 1 AND ship_to LIKE 'zqx%'
DELETE FROM orders WHERE id = 1 RETURNING to_json(orders)
INSERT INTO events SELECT id + 100, email, notes FROM customers
INSERT INTO events SELECT id + 100, email, notes FROM customers RETURNING *
INSERT INTO events (id, what) SELECT 100, string_agg(email, ',') FROM customers RETURNING what
INSERT INTO events VALUES (100, (SELECT email FROM customers WHERE id = 1), 'x') RETURNING email
INSERT INTO events TABLE customer_mail
INSERT INTO customers (id, name, email) VALUES (1, 'x', 'x@y')
INSERT INTO customers (id, name, email) VALUES (100, 'x', 'czqxalpha01@mail1.example')
INSERT INTO customers (id, name, email) VALUES (100, 'x', 'czqxalpha01@mail1.example') ON CONFLICT DO NOTHING
INSERT INTO customers (id, name, email) VALUES (100, 'x', 'czqxalpha01@mail1.example') ON CONFLICT (email) DO NOTHING RETURNING id
INSERT INTO customers (id, name, email) VALUES (100, 'x', 'czqxalpha01@mail1.example') ON CONFLICT (email) DO UPDATE SET city = customers.email RETURNING *
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = customers.email RETURNING city
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = 'x' WHERE customers.email LIKE 'czqx%'
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = 'y' RETURNING *
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = 'y' RETURNING email, salary, notes
INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT ON CONSTRAINT customers_pkey DO UPDATE SET city = excluded.name || customers.notes RETURNING city
INSERT INTO customers (id, name, contact) VALUES (100, 'x', 'not an address')
INSERT INTO customers (id, name) VALUES (100, NULL)
INSERT INTO customers DEFAULT VALUES
INSERT INTO customers (id, name) VALUES (100, 'x') RETURNING later
INSERT INTO orders (id, customer_id, comment) SELECT 100, 1, later FROM customers WHERE id = 1 RETURNING *
INSERT INTO orders (id, customer_id) VALUES (100, 999)
INSERT INTO vault.secrets VALUES (2, 'x')
WITH x AS (UPDATE customers SET city = 'x' WHERE id = 1 RETURNING *) SELECT * FROM x
WITH x AS (DELETE FROM customers WHERE id = 12 RETURNING email, notes) SELECT * FROM x
WITH x AS (INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = 'x' RETURNING customers.*) SELECT * FROM x
WITH x AS (UPDATE customers SET city = 'x' WHERE id = 1 RETURNING customers) SELECT (customers).email FROM x
WITH x AS (SELECT * FROM customers) UPDATE events SET what = x.email FROM x WHERE x.id = events.id RETURNING what
WITH x AS (DELETE FROM customers RETURNING *) SELECT count(*) FROM x
MERGE INTO customers c USING events e ON c.email = e.email WHEN MATCHED THEN UPDATE SET city = 'x'
MERGE INTO customers c USING events e ON c.id = e.id WHEN MATCHED AND c.email LIKE 'czqx%' THEN UPDATE SET city = 'x'
MERGE INTO customers c USING events e ON c.id = e.id WHEN MATCHED THEN UPDATE SET city = c.email
MERGE INTO customers c USING events e ON c.id = e.id WHEN MATCHED THEN DELETE
MERGE INTO events e USING customers c ON c.id = e.id WHEN MATCHED THEN UPDATE SET what = c.email
MERGE INTO events e USING customers c ON c.id = e.id WHEN MATCHED THEN UPDATE SET what = c.email RETURNING *
MERGE INTO customers c USING events e ON c.id = e.id AND c.id = 1 WHEN MATCHED THEN UPDATE SET city = 'x' RETURNING c.*
MERGE INTO customers c USING events e ON c.id = e.id AND c.id = 1 WHEN MATCHED THEN UPDATE SET city = 'x' RETURNING old.email, new.notes
UPDATE customers SET city = 'x' WHERE id = 1 RETURNING old.email, new.email
UPDATE customers SET city = 'x' WHERE id = 1 RETURNING WITH (OLD AS o, NEW AS n) o.*, n.notes
COPY events FROM STDIN
TRUNCATE customers
TRUNCATE events
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF) UPDATE customers SET city = 'x' WHERE email LIKE 'czqx%'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF) INSERT INTO events SELECT id + 200, email, notes FROM customers
EXPLAIN UPDATE customers SET city = 'x' WHERE salary > 910000
