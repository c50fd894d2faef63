-- Plain references and everything an expression can do to them.
SELECT * FROM customers
SELECT email FROM customers
SELECT email AS id FROM customers
SELECT c.email, c.card, c.salary, c.dob, c.notes FROM crm.customers AS c
SELECT customers.* FROM customers
TABLE customers
TABLE crm.customers ORDER BY email LIMIT 3
SELECT upper(email), lower(name), reverse(email), initcap(notes) FROM customers
SELECT email || '', '' || notes, name || city FROM customers
SELECT email::text, salary::text, dob::text, card::varchar, profile::jsonb, ip::text, tags::text FROM customers
SELECT CAST(email AS bytea), salary::int, dob::timestamp, score::numeric FROM customers
SELECT substring(email from 1 for 20), left(email, 40), right(email, 40), overlay(email placing '' from 1 for 0) FROM customers
SELECT split_part(email, '@', 1), regexp_replace(email, 'x', 'y'), translate(email, 'a', 'b') FROM customers
SELECT md5(email), sha256(email::bytea), encode(email::bytea, 'hex'), encode(email::bytea, 'base64') FROM customers
SELECT length(email), length(notes), octet_length(phone), bit_length(card), char_length(internal_code) FROM customers
SELECT ascii(email), ascii(substr(email, 2)), to_hex(ascii(substr(email, 3))) FROM customers
SELECT format('%s %I %L', email, email, email), quote_literal(notes), quote_ident(email) FROM customers
SELECT concat(email, notes), concat_ws(',', email, card, phone) FROM customers
SELECT coalesce(email, 'x'), coalesce(notes, 'none'), nullif(email, 'x'), greatest(email, ''), least(notes, 'zz') FROM customers
SELECT CASE WHEN email > 'd' THEN 1 ELSE 0 END, CASE email WHEN 'x' THEN 1 END FROM customers
SELECT ARRAY[email, notes], ARRAY[salary], (ARRAY[email])[1], array_to_string(ARRAY[email], '') FROM customers
SELECT tags[1], tags[1:2], unnest(tags), array_length(tags, 1), cardinality(tags) FROM customers
SELECT profile->>'word', profile->'word', profile#>>'{word}', settings->'list'->>0, settings @> '{"n":1}' FROM customers
SELECT settings['word'], settings['list'][0], jsonb_pretty(settings), jsonb_path_query(settings, '$.*') FROM customers
SELECT jsonb_object_keys(settings), json_each_text(profile) FROM customers
SELECT (home).street, (home).number FROM customers
SELECT (c.home).*, c.home::text FROM customers c
SELECT extract(month FROM dob), date_part('day', dob), age(dob, date '2000-01-01'), to_char(dob, 'YYYY-MM-DD') FROM customers
SELECT extract(epoch FROM seen), seen AT TIME ZONE 'UTC', date_trunc('day', seen), seen::date FROM customers
SELECT dob + 0, dob - date '1957-01-01', dob + interval '0', (dob, dob) OVERLAPS (date '1957-03-01', date '1957-04-01') FROM customers
SELECT salary + 0, salary * 1, salary % 100000, trunc(salary), round(salary, -3), sqrt(salary), -salary, @ salary FROM customers
SELECT score, score * 2, level, level & 15, level | 0, to_hex(level), width_bucket(level, 0, 100, 100) FROM customers
SELECT host(ip), text(ip), ip + 0, ip & inet '0.0.255.255', ip - inet '10.7.0.0', abbrev(ip), masklen(ip) FROM customers
SELECT encode(photo, 'escape'), photo::text, get_byte(photo, 0), convert_from(photo, 'UTF8') FROM customers
SELECT mood::text, enum_range(mood, NULL), mood > 'calm', mood = 'cross' FROM customers
SELECT contact || '', contact::text, split_part(contact, '@', 1), length(contact) FROM customers
SELECT nick, nick || '', nick::text, length(nick) FROM customers
SELECT token, token::text, left(token::text, 8) FROM customers
SELECT upper_email, later, internal_code FROM customers
SELECT to_json(email), to_jsonb(notes), json_build_object('e', email, 'n', notes), json_build_array(salary, dob) FROM customers
SELECT xmlelement(name e, email), xmlforest(email, notes), xmlconcat(xmlelement(name a, card)) FROM customers
SELECT xmlserialize(content xmlelement(name e, email) AS text), xpath('/e/text()', xmlelement(name e, notes)) FROM customers
SELECT hstore('e', email), hstore(ARRAY['e', email::text]) FROM customers
SELECT to_tsvector('simple', email), to_tsvector('simple', notes), ts_headline('simple', notes, 'x'::tsquery) FROM customers
SELECT email COLLATE "C", notes COLLATE "POSIX" FROM customers ORDER BY email COLLATE "C" DESC
SELECT max(email), min(notes), string_agg(email, ','), array_agg(card), count(DISTINCT email), avg(salary), sum(level) FROM customers
SELECT json_agg(email), jsonb_agg(notes), json_object_agg(id, email), jsonb_object_agg(email, notes) FROM customers WHERE notes IS NOT NULL
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY salary), percentile_cont(0.5) WITHIN GROUP (ORDER BY score), mode() WITHIN GROUP (ORDER BY email) FROM customers
SELECT stddev(salary), variance(score), corr(score, level), regr_slope(score, level), bit_and(level), every(mood = 'cross') FROM customers
SELECT rank('zqxalpha') WITHIN GROUP (ORDER BY notes), percent_rank(918000) WITHIN GROUP (ORDER BY salary) FROM customers
SELECT id, lag(email) OVER (ORDER BY id), first_value(notes) OVER w, rank() OVER (ORDER BY email), ntile(4) OVER (ORDER BY salary) FROM customers WINDOW w AS (ORDER BY id)
SELECT id, sum(salary) OVER (PARTITION BY dob), count(*) OVER (PARTITION BY notes), dense_rank() OVER (ORDER BY score) FROM customers
SELECT id, sum(level) OVER (ORDER BY level RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM customers
SELECT email, count(*) FILTER (WHERE notes LIKE '%a%') FROM customers GROUP BY email
SELECT email, city, count(*) FROM customers GROUP BY GROUPING SETS ((email), (city), ())
SELECT email, notes, count(*) FROM customers GROUP BY CUBE (email, notes)
SELECT dob, salary, count(*) FROM customers GROUP BY ROLLUP (dob, salary)
SELECT DISTINCT ON (email) email, notes FROM customers ORDER BY email, notes
SELECT id, c.email, count(*) FROM customers c GROUP BY id
SELECT c.id, c.*, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id
SELECT num_nulls(notes, photo, internal_code), num_nonnulls(email, notes) FROM customers
SELECT pg_typeof(email), pg_column_size(email), pg_column_size(notes), pg_column_compression(notes) FROM customers
SELECT generate_series(1, length(email)), repeat(email, 2), lpad(email, 60), rpad(notes, 60) FROM customers
SELECT string_to_array(email, NULL), regexp_split_to_table(email, ''), regexp_matches(email, '(.*)@') FROM customers
SELECT hashtext(email), hashtextextended(notes, 0), hashint4(level), crypt(email, gen_salt('bf', 4)) FROM customers
SELECT encode(digest(email, 'sha256'), 'hex'), hmac(email, 'k', 'md5'), pgp_sym_encrypt(email, 'k') FROM customers
SELECT similarity(email, 'zqxalpha'), levenshtein(email, 'x') FROM customers
SELECT email ~ 'zqx', email ~* 'ZQX', email SIMILAR TO '%zqx%', email LIKE 'czqx%', email ILIKE '%ZQX%', notes ^@ 'note z' FROM customers
SELECT email IS DISTINCT FROM 'x', (email, notes) = ('a', 'b'), email BETWEEN 'a' AND 'd', email IN ('a', 'b') FROM customers
SELECT JSON_OBJECT('e': email), JSON_ARRAY(email, notes) FROM customers
SELECT ROW(email, notes), (email, card), ROW(c.*) FROM customers c
SELECT id FROM customers ORDER BY email, notes, salary, dob, score, level
SELECT id FROM customers ORDER BY salary USING >
SELECT id FROM customers ORDER BY ROW(email, salary)
SELECT NULLIF(mood, 'calm'), mood::text::crm.mood FROM customers
SELECT email || (SELECT string_agg(notes, '') FROM customers) FROM customers
SELECT (SELECT email FROM customers WHERE id = 1), ARRAY(SELECT notes FROM customers)
