-- Code of the owner's that runs over raw values: views, policies, triggers, checks, generated columns, indexes,
-- foreign tables, domains, operator classes, functions that are listed.
SELECT id, city FROM loud
SELECT shout FROM loud
SELECT id, shout FROM loud WHERE id < 3
SELECT fails FROM loud
SELECT runs FROM loud
SELECT count(runs) FROM loud
SELECT * FROM loud WHERE id = 7
SELECT n FROM reckoned
SELECT sum(n) FROM reckoned WHERE id = 3
SELECT r FROM reckoned
SELECT q FROM reckoned
SELECT id FROM called
WITH x AS (SELECT n FROM reckoned) SELECT x.n FROM x
SELECT (SELECT n FROM reckoned WHERE id = 2)
EXPLAIN ANALYZE SELECT n FROM reckoned
COPY (SELECT n FROM reckoned) TO STDOUT
COPY loud TO STDOUT
DECLARE c CURSOR FOR SELECT n FROM reckoned; FETCH 1 FROM c
DECLARE c CURSOR FOR SELECT shout FROM loud; FETCH ALL FROM c
PREPARE p AS SELECT n FROM reckoned; EXECUTE p
PREPARE p (int) AS SELECT n FROM reckoned WHERE id = $1; EXPLAIN ANALYZE EXECUTE p (1)
SELECT n FROM reckoned WHERE n::text LIKE 'x%'
SELECT array_agg(n) FROM reckoned
SELECT * FROM watched
SELECT count(*) FROM watched
SELECT 1 FROM desk JOIN watched USING (id)
SELECT * FROM afar
SELECT id FROM afar
SELECT count(*) FROM afar
SELECT n IS NULL FROM afar
UPDATE desk SET place = 'up' WHERE id = 1
UPDATE desk SET place = 'up' WHERE id = 1 RETURNING *
UPDATE desk SET place = 'boom' WHERE id = 1
UPDATE desk SET place = 'bad' WHERE id = 2
UPDATE checked_desk SET place = 'worse' WHERE id = 2
INSERT INTO checked_desk (id, place) VALUES (3, 'worse')
DELETE FROM desk WHERE id = 2
UPDATE desk SET place = left(place, 2) WHERE place::int > 0
UPDATE desk SET place = 'bent' WHERE id = 2
UPDATE desk SET place = 'far too long a place' WHERE id = 2
WITH x AS (UPDATE desk SET place = 'boom' WHERE id = 1 RETURNING id) SELECT * FROM x
EXPLAIN (ANALYZE) UPDATE desk SET place = 'boom' WHERE id = 1
MERGE INTO desk d USING (SELECT 1 AS id) s ON d.id = s.id WHEN MATCHED THEN UPDATE SET place = 'boom'
INSERT INTO desk (id, place) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET place = 'boom'
INSERT INTO bells VALUES (1, 'x')
INSERT INTO bells SELECT 1, 'x'
COPY bells FROM STDIN
INSERT INTO reports VALUES (1, 'x'); SET CONSTRAINTS ALL IMMEDIATE
INSERT INTO reports VALUES (1, 'x'); COMMIT
SELECT 'czqxalpha01@mail1.example'::crm.known_mail
SELECT CAST('czqxalpha01@mail1.example' AS crm.known_mail)
SELECT 'czqxalpha01@mail1.example'::known_mail::text
SELECT crm.known_mail 'czqxalpha01@mail1.example'
SELECT known_mail('czqxalpha01@mail1.example'::text)
SELECT ('czqxalpha01@mail1.example'::text).known_mail
SELECT '{czqxalpha01@mail1.example}'::known_mail[]
SELECT 'czqxalpha01@mail1.example'::known_again
SELECT ROW(1, 'czqxalpha01@mail1.example')::replies
SELECT '(1,czqxalpha01@mail1.example)'::replies
SELECT * FROM json_populate_record(NULL::replies, '{"sender": "czqxalpha01@mail1.example"}')
SELECT * FROM json_to_record('{"sender": "czqxalpha01@mail1.example"}') AS x(sender known_mail)
SELECT json_populate_record(r, '{"sender": "czqxalpha01@mail1.example"}') FROM replies r
SELECT jsonb_populate_record(r, '{"sender": "czqxalpha01@mail1.example"}') FROM replies r
SELECT array_append(ARRAY[sender], 'czqxalpha01@mail1.example') FROM replies
SELECT array_position(ARRAY[sender], 'czqxalpha01@mail1.example') FROM replies
SELECT array_replace(array_agg(sender), 'nobody', 'czqxalpha01@mail1.example') FROM replies
SELECT lag(sender, 1, 'czqxalpha01@mail1.example') OVER () FROM replies
SELECT senders || 'czqxalpha01@mail1.example' FROM threads
SELECT array_append(senders, 'czqxalpha01@mail1.example') FROM threads
SELECT x FROM xmltable('/a' PASSING xmlparse(document '<a>czqxalpha01@mail1.example</a>') COLUMNS x known_mail PATH '.')
PREPARE p (known_mail) AS SELECT $1; EXECUTE p ('czqxalpha01@mail1.example')
SELECT * FROM ranked ORDER BY rank
SELECT DISTINCT rank FROM ranked
SELECT rank, count(*) FROM ranked GROUP BY rank
SELECT max(id) OVER (ORDER BY rank) FROM ranked
SELECT greatest(ROW(1)::crm.rank, ROW(2)::crm.rank)
SELECT id FROM ranked WHERE rank < ROW(2)::crm.rank
SELECT crm.stumble(1)
SELECT * FROM crm.inlined(1)
SELECT (1).stumble
SELECT i.stumble FROM (SELECT 1) i
SELECT '{czqxalpha01@mail1.example}'::crm._known_mail
