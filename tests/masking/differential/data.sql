-- The same rows each time: no randomness, ties on purpose, exact floats so that sums do not depend on their order.
INSERT INTO market.regions
SELECT n, 'region ' || n, nullif(n / 2, 0), polygon(box(point(n, n), point(n + 2, n + 3))), point(n, -n),
       xmlparse(CONTENT '<region><n>' || n || '</n></region>')
FROM generate_series(1, 9) n;

INSERT INTO market.people (id, region, name, email, phone, card, born, seen, salary, score, level, notes, profile,
    address, temper, contact, tags, photo, home, token, city, joined, active, rating)
SELECT n, 1 + n % 9, 'Name ' || n % 37, 'person' || n || '@mail' || n % 4 || '.example',
       CASE WHEN n % 7 > 0 THEN '+49-30-' || 100000 + n * 7 END, lpad((n * 7919)::text, 16, '4'),
       date '1950-01-01' + n * 97, CASE WHEN n % 5 > 0 THEN timestamptz '2024-01-01 00:00+00' + n * interval '5 hours' END,
       20000 + (n * 137) % 90000 + n % 4 * 0.25, CASE WHEN n % 11 > 0 THEN (n % 40) * 0.25 END, (n % 6)::smallint,
       CASE WHEN n % 3 > 0 THEN 'call ' || n || ' before noon' END,
       jsonb_build_object('age', n % 70, 'likes', ARRAY['tea', 'go'], 'nested', jsonb_build_object('n', n)),
       ('10.0.' || n % 5 || '.' || n % 250)::inet,
       (ARRAY['calm', 'cross', 'elated', NULL])[1 + n % 4]::market.mood, 'c' || n || '@contact.example',
       ARRAY['t' || n % 3, 'all'], decode(lpad(to_hex(n), 8, '0'), 'hex'),
       ROW('Street ' || n % 12, n, 'Town')::market.place, md5(n::text)::uuid,
       (ARRAY['Kiel', 'Bonn', 'Ulm', 'Köln', NULL])[1 + n % 5], date '2023-01-01' + (n * 13) % 700, n % 9 > 0,
       CASE WHEN n % 6 > 0 THEN (n % 50) / 10.0 END
FROM generate_series(1, 120) n;
SELECT setval('market.people_id_seq', 1000);

INSERT INTO market.products
SELECT n, 'Product ' || chr(65 + n % 26), (ARRAY['book', 'tool', 'food'])[1 + n % 3], (n * 37 % 500) + 0.99,
       n * 0.5, n % 12, jsonb_build_object('colour', (ARRAY['red', 'blue'])[1 + n % 2], 'size', n % 5, 'parts', ARRAY[n, n + 1]),
       json_build_object('n', n), ARRAY['l' || n % 4, 'l' || n % 6], CASE WHEN n % 4 > 0 THEN ARRAY[n % 3, n, 7] END,
       daterange(date '2024-01-01' + n, date '2024-02-01' + n * 2), int4range(n, n + n % 9),
       int4multirange(int4range(n, n + 2), int4range(n + 5, n + 8)), n * interval '1 day 2 hours',
       time '06:00' + n * interval '7 min', (n * 1.5)::numeric::money, (n % 16)::bit(4), (n % 256)::bit(8)::varbit,
       chr(97 + n % 26)::"char", to_tsvector('english', 'the quick foxes jump over product ' || n),
       ('08:00:2b:01:02:' || lpad(to_hex(n), 2, '0'))::macaddr, ('0/' || to_hex(n * 16))::pg_lsn, n % 100,
       ROW('Mill', n, 'Ulm')::market.place, (ARRAY['calm', 'cross', 'elated'])[1 + n % 3]::market.mood,
       md5('p' || n)::uuid, decode(md5(n::text), 'hex')
FROM generate_series(1, 40) n;

INSERT INTO market.sales
SELECT n, 1 + (n * 7) % 120, 1 + (n * 11) % 40, date '2023-02-01' + (n * 3) % 900,
       timestamp '2023-02-01 08:00' + (n * 3) % 900 * interval '1 day' + n * interval '61 seconds', 1 + n % 5,
       (n * 53 % 1000) + 0.5, CASE WHEN n % 4 = 0 THEN 'gift for ' || n END
FROM generate_series(1, 600) n;

INSERT INTO market.visits
SELECT n, 1 + (n * 3) % 120, '/page/' || n % 8, n % 50 * interval '11 seconds',
       timestamptz '2024-03-01 00:00+00' + n * interval '37 minutes'
FROM generate_series(1, 150) n;
INSERT INTO market.long_visits
SELECT n, 1 + (n * 3) % 120, '/page/' || n % 8, n * interval '1 minute', timestamptz '2024-04-01 00:00+00', 'reading'
FROM generate_series(151, 180) n;

INSERT INTO market.tasks (title, done, priority, owner, due, meta, secret)
SELECT 'task ' || n, n % 3 = 0, 1 + n % 5, 1 + n % 20, date '2024-05-01' + n, jsonb_build_object('n', n), 'secret ' || n
FROM generate_series(1, 30) n;
INSERT INTO market.counters (name, value) VALUES ('a', 1), ('b', 2), ('c', 3);
REFRESH MATERIALIZED VIEW market.by_month;
