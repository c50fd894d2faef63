-- Questions whose answers would tell, if predicates saw raw values.
SELECT count(*) FROM customers WHERE email LIKE 'czqx%'
SELECT count(*) FROM customers WHERE email LIKE '%alpha%'
SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example'
SELECT id FROM customers WHERE email > 'cw'
SELECT id FROM customers WHERE email BETWEEN 'ca' AND 'cx'
SELECT id FROM customers WHERE substr(email, 2, 1) = 'z'
SELECT id FROM customers WHERE ascii(substr(email, 2)) > 119
SELECT id FROM customers WHERE length(phone) > 10
SELECT id FROM customers WHERE notes IS NOT NULL
SELECT id FROM customers WHERE notes LIKE 'note zqx%'
SELECT id FROM customers WHERE salary > 910000
SELECT id FROM customers WHERE salary::int % 2 = 1
SELECT id FROM customers WHERE salary = 918273.01
SELECT id FROM customers WHERE dob > '1957-05-01'
SELECT id FROM customers WHERE extract(month FROM dob) = 3
SELECT id FROM customers WHERE seen < '2025-05-01'
SELECT id FROM customers WHERE ip << '10.7.74.0/24'
SELECT id FROM customers WHERE ip = '10.7.74.1'
SELECT id FROM customers WHERE mood = 'cross'
SELECT id FROM customers WHERE mood > 'calm'
SELECT id FROM customers WHERE 'zqxalpha' = ANY (tags)
SELECT id FROM customers WHERE tags && ARRAY['zqxalpha']
SELECT id FROM customers WHERE settings ? 'word'
SELECT id FROM customers WHERE settings @> '{"word": "zqxalpha"}'
SELECT id FROM customers WHERE settings->>'word' = 'zqxalpha'
SELECT id FROM customers WHERE profile->>'word' < 'x'
SELECT id FROM customers WHERE jsonb_path_exists(settings, '$ ? (@.word starts with "zqx")')
SELECT id FROM customers WHERE (home).street = 'zqxalpha'
SELECT id FROM customers WHERE level > 43
SELECT id FROM customers WHERE score > 80
SELECT id FROM customers WHERE nick > 'nx'
SELECT id FROM customers WHERE photo > '\x78'
SELECT id FROM customers WHERE card LIKE '4929%'
SELECT id FROM customers WHERE internal_code > 'code x'
SELECT id FROM customers WHERE upper_email LIKE 'CZQX%'
SELECT id FROM customers WHERE c.email LIKE 'x' OR true
SELECT id FROM customers WHERE to_tsvector('simple', notes) @@ 'zqxalpha'::tsquery
SELECT id FROM customers WHERE c IS NOT NULL
SELECT id FROM customers c WHERE c IS NOT NULL
SELECT id FROM customers c WHERE c::text LIKE '%zqx%'
SELECT id FROM customers c WHERE row_to_json(c)::text LIKE '%zqx%'
SELECT id FROM customers c WHERE (c.email, c.salary) > ('cx', 0)
SELECT count(*) FROM customers HAVING max(email) > 'cx'
SELECT city, count(*) FROM customers GROUP BY city HAVING max(salary) > 910000
SELECT count(*) FROM customers GROUP BY notes
SELECT count(*) FROM customers GROUP BY substr(email, 2, 3)
SELECT count(DISTINCT salary), count(DISTINCT dob) FROM customers
SELECT id FROM customers ORDER BY email LIMIT 1
SELECT id FROM customers ORDER BY salary DESC, id
SELECT id FROM customers ORDER BY reverse(notes), id
SELECT id, row_number() OVER (ORDER BY score, id) FROM customers
SELECT count(*) FROM customers a JOIN customers b ON a.email < b.email
SELECT count(*) FROM customers a JOIN events e ON a.email > e.email
SELECT count(*) FROM customers JOIN (VALUES ('czqxalpha01@mail1.example')) v(email) USING (email)
SELECT count(*) FROM customers a JOIN generate_series(900000, 920000) g ON g = a.salary::int
SELECT EXISTS (SELECT FROM customers WHERE email LIKE '%zqx%')
SELECT NOT EXISTS (SELECT FROM customers WHERE salary < 910000)
SELECT CASE WHEN (SELECT max(salary) FROM customers) > 910000 THEN 'rich' END
SELECT CASE WHEN (SELECT max(dob) FROM customers) > '1957-05-05' THEN 1 / 0 END
SELECT 1 / (CASE WHEN email LIKE 'czqx%' THEN 0 ELSE 1 END) FROM customers
SELECT 1 / (level - 41) FROM customers
SELECT ln(salary - 918273.01) FROM customers
SELECT email::int FROM customers
SELECT notes::date FROM customers
SELECT salary::smallint FROM customers
SELECT score::int2 FROM customers
SELECT card::int FROM customers
SELECT phone::uuid FROM customers
SELECT email::inet FROM customers
SELECT email::json FROM customers
SELECT notes::crm.mood FROM customers
SELECT email::crm.contact FROM customers
SELECT photo::text::xml FROM customers
SELECT ip::text::macaddr FROM customers
SELECT contact::bigint FROM customers
SELECT name::int FROM customers
SELECT token::text::int FROM customers
SELECT c::text::int FROM customers c
SELECT row_to_json(c)::text::int FROM customers c
SELECT to_date(email, 'YYYY'), to_number(notes, '999') FROM customers
SELECT to_timestamp(email, 'YYYY-MM-DD') FROM customers
SELECT regclass(email) FROM customers
SELECT email::regclass FROM customers
SELECT notes::regtype FROM customers
SELECT email::regrole FROM customers
SELECT name::regproc FROM customers
SELECT name::regconfig FROM customers
SELECT to_tsvector(email::regconfig, 'x') FROM customers
SELECT to_tsquery(email) FROM customers
SELECT 'x' ~ email FROM customers
SELECT regexp_replace('x', notes, '') FROM customers
SELECT current_setting(email) FROM customers
SELECT set_config(email, 'x', true) FROM customers
SELECT set_config('application_name', email, true) FROM customers
SELECT set_config('application_name', (SELECT max(email) FROM customers), false)
SELECT has_table_privilege(email, 'select') FROM customers
SELECT convert_from(photo, email) FROM customers
SELECT decode(email, 'hex') FROM customers
SELECT encode('x', email) FROM customers
SELECT pg_size_bytes(email) FROM customers
SELECT make_date(level, 13, 45) FROM customers
SELECT timezone(email, now()) FROM customers
SELECT date_trunc(email, now()) FROM customers
SELECT extract(year FROM email::timestamp) FROM customers
SELECT chr(level * 1000000) FROM customers
SELECT generate_series(1, level) FROM customers
SELECT repeat('x', level) FROM customers
SELECT pg_sleep(CASE WHEN email LIKE 'czqx%' THEN 0.3 ELSE 0 END) FROM customers
SELECT setseed((salary - 918273) / 100) FROM customers
SELECT id FROM customers WHERE pg_input_is_valid(email, 'int')
SELECT pg_input_error_info(email, 'integer') FROM customers
SELECT width_bucket(salary, 900000, 920000, 100) FROM customers
SELECT txid_current(), email FROM customers
