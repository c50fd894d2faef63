-- Reports and questions of analysts. Masked columns are among them: the twin holds what they look like.
SELECT * FROM people ORDER BY id
SELECT * FROM people p ORDER BY p.id LIMIT 5
SELECT p.* FROM people AS p JOIN regions r ON r.id = p.region ORDER BY p.id LIMIT 5
SELECT *, 1 AS one FROM people ORDER BY id LIMIT 3
SELECT people.* FROM people WHERE people.id < 4 ORDER BY people.id
SELECT market.people.name, market.people.city FROM market.people ORDER BY market.people.id LIMIT 3
TABLE regions
TABLE people ORDER BY id LIMIT 2
SELECT count(*), count(DISTINCT city), count(email), count(DISTINCT email), count(DISTINCT name) FROM people
SELECT name, count(*) FROM people GROUP BY name ORDER BY 2 DESC, 1
SELECT p.name, sum(s.total) AS spent FROM people p JOIN sales s ON s.person = p.id GROUP BY p.name ORDER BY spent DESC, 1 LIMIT 10
SELECT p.id, p.name, p.email, count(s.id) AS n FROM people p LEFT JOIN sales s ON s.person = p.id GROUP BY p.id ORDER BY n DESC, p.id
SELECT p.*, count(*) FROM people p JOIN sales s ON s.person = p.id GROUP BY p.id ORDER BY p.id LIMIT 4
SELECT p.id AS key, p.name AS who FROM people p GROUP BY key ORDER BY key LIMIT 3
SELECT id, name, max(joined) FROM people GROUP BY 1 ORDER BY 1 LIMIT 3
SELECT p.id, p.email, r.name FROM people p JOIN regions r ON p.region = r.id GROUP BY p.id, r.id ORDER BY p.id LIMIT 5
SELECT p.id, p.city || '!' AS loud FROM people p GROUP BY p.id HAVING p.active ORDER BY p.joined, p.id LIMIT 5
SELECT r.id, r.name, count(p.id) FROM regions r LEFT JOIN people p ON p.region = r.id GROUP BY r.id ORDER BY r.name
SELECT s.id, s.day, s.comment, sum(amount) FROM sales s GROUP BY s.id, s.day ORDER BY s.id LIMIT 4
SELECT r.name AS region, p.city, count(*) AS people, round(avg(p.rating), 2) AS rating FROM people p JOIN regions r ON r.id = p.region GROUP BY r.name, p.city ORDER BY 1, 2 NULLS FIRST
SELECT region, city, count(*), grouping(region, city) FROM people GROUP BY GROUPING SETS ((region, city), (region), ()) ORDER BY 1 NULLS LAST, 2 NULLS LAST, 4
SELECT extract(year FROM day) AS y, extract(quarter FROM day) AS q, sum(total) FROM sales GROUP BY ROLLUP (1, 2) ORDER BY 1 NULLS LAST, 2 NULLS LAST
SELECT kind, (price > 200) AS dear, count(*) FROM products GROUP BY CUBE (kind, price > 200) ORDER BY 1 NULLS LAST, 2 NULLS LAST
SELECT date_trunc('month', day) AS month, sum(total) AS revenue, sum(sum(total)) OVER (ORDER BY date_trunc('month', day)) AS running FROM sales GROUP BY 1 ORDER BY 1
SELECT to_char(day, 'IYYY-IW') AS week, count(*) FROM sales GROUP BY 1 ORDER BY 1
SELECT day::date, total, avg(total) OVER (ORDER BY day, id ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM sales ORDER BY day, id LIMIT 20
SELECT id, day, total, sum(total) OVER (ORDER BY day RANGE BETWEEN interval '7 days' PRECEDING AND CURRENT ROW) FROM sales ORDER BY day, id LIMIT 20
SELECT id, total, first_value(id) OVER w, last_value(id) OVER w, nth_value(id, 2) OVER w, ntile(4) OVER w FROM sales WINDOW w AS (PARTITION BY product ORDER BY total DESC, id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) ORDER BY id LIMIT 20
SELECT id, rank() OVER (ORDER BY total), dense_rank() OVER (ORDER BY total), percent_rank() OVER (ORDER BY total), cume_dist() OVER (ORDER BY total), row_number() OVER (ORDER BY total, id) FROM sales ORDER BY id LIMIT 20
SELECT person, id, total, total - lag(total, 1, 0) OVER (PARTITION BY person ORDER BY day, id) AS change FROM sales ORDER BY person, day, id LIMIT 30
SELECT id, sum(amount) OVER (ORDER BY id GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM sales ORDER BY id LIMIT 10
SELECT id, count(*) FILTER (WHERE total > 500) OVER (PARTITION BY product) FROM sales ORDER BY id LIMIT 10
SELECT p.city, percentile_cont(0.5) WITHIN GROUP (ORDER BY s.total) AS median, percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY s.total) AS quartiles, mode() WITHIN GROUP (ORDER BY s.amount) FROM sales s JOIN people p ON p.id = s.person GROUP BY p.city ORDER BY 1
SELECT rank(500) WITHIN GROUP (ORDER BY total), dense_rank(500) WITHIN GROUP (ORDER BY total), percent_rank(500) WITHIN GROUP (ORDER BY total), cume_dist(500) WITHIN GROUP (ORDER BY total) FROM sales
SELECT corr(amount, total), regr_slope(amount, total), stddev_samp(total), var_pop(total), covar_pop(amount, total) FROM sales
SELECT bool_and(active), bool_or(active), every(active), bit_and(level), bit_or(level), bit_xor(level) FROM people
SELECT string_agg(DISTINCT city, ', ' ORDER BY city), array_agg(DISTINCT level ORDER BY level DESC) FROM people
SELECT city, array_agg(id ORDER BY joined DESC, id) FILTER (WHERE active) FROM people GROUP BY city ORDER BY city
SELECT city, json_agg(json_build_object('id', id, 'name', name) ORDER BY id) FROM people WHERE id < 20 GROUP BY city ORDER BY city
SELECT jsonb_object_agg(name, value), json_object_agg(name, value ORDER BY name) FROM counters
SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id) FROM (SELECT id, title FROM tasks WHERE id < 4) x
SELECT row_to_json(t) FROM tasks t WHERE id = 1
SELECT to_jsonb(p) - 'home' FROM people p WHERE id < 3 ORDER BY id
SELECT t.id, c FROM counters c JOIN tasks t ON true WHERE c.name = 'a' AND t.id < 3 ORDER BY t.id
SELECT count(p) FROM people p
SELECT (p).city, (p).name FROM people p WHERE id < 4 ORDER BY (p).id
SELECT ROW(id, city) FROM people ORDER BY id LIMIT 2
SELECT id, (made_in).street, (made_in).number, made_in FROM products ORDER BY id LIMIT 3
SELECT (made_in).* FROM products ORDER BY id LIMIT 3
SELECT id FROM people WHERE (city, level) IN (('Kiel', 1), ('Ulm', 2)) ORDER BY id
SELECT id FROM people WHERE ROW(city, id) > ROW('Kiel', 50) ORDER BY id LIMIT 5
WITH spent AS (SELECT person, sum(total) AS s FROM sales GROUP BY person) SELECT p.city, sum(s) FROM spent JOIN people p ON p.id = spent.person GROUP BY p.city ORDER BY 1
WITH spent AS MATERIALIZED (SELECT person, sum(total) AS s FROM sales GROUP BY person), ranked AS NOT MATERIALIZED (SELECT *, rank() OVER (ORDER BY s DESC) AS r FROM spent) SELECT p.name, r.s, r.r FROM ranked r JOIN people p ON p.id = r.person WHERE r.r <= 5 ORDER BY r.r, p.id
WITH RECURSIVE tree AS (SELECT id, name, parent, 1 AS depth, ARRAY[id] AS path FROM regions WHERE parent IS NULL UNION ALL SELECT r.id, r.name, r.parent, t.depth + 1, t.path || r.id FROM regions r JOIN tree t ON r.parent = t.id) SELECT * FROM tree ORDER BY path
WITH RECURSIVE tree (id, parent) AS (SELECT id, parent FROM regions WHERE id = 1 UNION SELECT r.id, r.parent FROM regions r, tree t WHERE r.parent = t.id) SEARCH DEPTH FIRST BY id SET o SELECT id, parent FROM tree ORDER BY o
WITH RECURSIVE tree AS (SELECT id, parent FROM regions WHERE id = 1 UNION ALL SELECT r.id, r.parent FROM regions r, tree t WHERE r.parent = t.id) CYCLE id SET looped USING path SELECT id, looped, path FROM tree ORDER BY id
WITH RECURSIVE days(d) AS (SELECT date '2024-01-01' UNION ALL SELECT d + 1 FROM days WHERE d < '2024-01-10') SELECT d, count(s.id), coalesce(sum(s.total), 0) FROM days LEFT JOIN sales s ON s.day = d GROUP BY d ORDER BY d
WITH people AS (SELECT 1 AS id, 'shadow' AS name) SELECT * FROM people
WITH x AS (SELECT * FROM people), y AS (SELECT * FROM x WHERE active) SELECT count(*), min(email), max(name) FROM y
SELECT d::date AS day, coalesce(sum(s.total), 0) AS revenue FROM generate_series('2024-01-01'::date, '2024-01-31', '1 day') AS d LEFT JOIN sales s ON s.day = d::date GROUP BY 1 ORDER BY 1
SELECT p.id, last.day, last.total FROM people p LEFT JOIN LATERAL (SELECT s.day, s.total FROM sales s WHERE s.person = p.id ORDER BY s.day DESC, s.id LIMIT 1) last ON true ORDER BY p.id LIMIT 10
SELECT p.id, t.tag FROM products p CROSS JOIN LATERAL unnest(p.labels) WITH ORDINALITY AS t(tag, n) ORDER BY p.id, t.n LIMIT 10
SELECT p.id, k.key, k.value FROM products p, jsonb_each(p.attributes) k ORDER BY 1, 2 LIMIT 12
SELECT p.id, e.value FROM products p, LATERAL jsonb_array_elements_text(p.attributes -> 'parts') AS e(value) ORDER BY 1, 2 LIMIT 10
SELECT p.id, r.colour, r.size FROM products p, jsonb_to_record(p.attributes) AS r(colour text, size int) ORDER BY 1 LIMIT 5
SELECT DISTINCT ON (person) person, id, day, total FROM sales ORDER BY person, day DESC, id
SELECT DISTINCT p.city, r.name FROM people p JOIN regions r ON r.id = p.region ORDER BY 1, 2
SELECT DISTINCT name, email FROM people ORDER BY 1, 2 LIMIT 5
SELECT id, city FROM people WHERE city IS DISTINCT FROM 'Kiel' ORDER BY city NULLS FIRST, id DESC LIMIT 10
SELECT id FROM people ORDER BY joined DESC NULLS LAST, id OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY
SELECT level, id FROM people ORDER BY level DESC FETCH FIRST 3 ROWS WITH TIES
SELECT id FROM people WHERE (joined, id) < ('2024-05-01', 50) ORDER BY joined DESC, id DESC LIMIT 10
SELECT count(*) OVER () AS total_rows, id, title FROM tasks ORDER BY id LIMIT 10 OFFSET 5
SELECT id, city FROM people UNION ALL SELECT id, title FROM tasks ORDER BY 1, 2 LIMIT 10
(SELECT id FROM people ORDER BY id LIMIT 3) UNION (SELECT id FROM tasks ORDER BY id DESC LIMIT 3) ORDER BY 1
SELECT city FROM people INTERSECT SELECT city FROM active_people ORDER BY 1
SELECT id FROM people EXCEPT SELECT person FROM visits EXCEPT SELECT person FROM sales ORDER BY 1
SELECT email FROM people INTERSECT SELECT email FROM active_people ORDER BY 1
SELECT name, email FROM people UNION SELECT name, email FROM active_people ORDER BY 1, 2 LIMIT 4
SELECT a.name, b.id FROM active_people a JOIN people b USING (id, name) ORDER BY b.id LIMIT 4
SELECT p.id, a.city FROM people p NATURAL JOIN active_people a ORDER BY 1 LIMIT 4
SELECT id, p.city, v.page FROM people p FULL JOIN (SELECT person AS id, page FROM visits WHERE id < 20) v USING (id) ORDER BY 1, 3 LIMIT 10
SELECT id, j.x FROM people p JOIN (VALUES (1, 'a'), (2, 'b')) AS j(id, x) USING (id) ORDER BY id
SELECT u.id FROM people p JOIN tasks t USING (id) AS u ORDER BY 1 LIMIT 3
SELECT j.* FROM (counters c JOIN products p ON p.id = c.value) AS j ORDER BY 1
SELECT a.id, b.id FROM people a, people b WHERE a.name = b.name AND a.id < b.id ORDER BY 1, 2 LIMIT 10
SELECT p.id, v.page FROM people p RIGHT JOIN visits v ON v.person = p.id ORDER BY v.id LIMIT 5
SELECT r.name, p.name FROM regions r CROSS JOIN LATERAL (SELECT name FROM people WHERE region = r.id ORDER BY id LIMIT 1) p ORDER BY r.id
SELECT id FROM people WHERE id IN (SELECT person FROM sales WHERE total > 900) ORDER BY 1 LIMIT 5
SELECT id FROM people WHERE id NOT IN (SELECT person FROM sales WHERE person IS NOT NULL) ORDER BY 1
SELECT id FROM people p WHERE EXISTS (SELECT * FROM sales s WHERE s.person = p.id AND s.total > 990) ORDER BY 1
SELECT id FROM people p WHERE rating > ALL (SELECT rating FROM people q WHERE q.city = 'Kiel' AND rating IS NOT NULL) ORDER BY 1
SELECT id FROM people WHERE level = ANY (ARRAY[1, 2]::smallint[]) AND id <> ALL (ARRAY(SELECT person FROM visits)) ORDER BY 1
SELECT id, (SELECT name FROM regions r WHERE r.id = p.region) AS region, ARRAY(SELECT s.id FROM sales s WHERE s.person = p.id ORDER BY 1) AS sales FROM people p ORDER BY id LIMIT 5
SELECT email FROM people WHERE email LIKE '%mail1%' ORDER BY id
SELECT id FROM people WHERE name = (SELECT name FROM people WHERE id = 5) ORDER BY 1
SELECT CASE WHEN salary > 50000 THEN 'high' WHEN salary > 30000 THEN 'middle' ELSE 'low' END AS band, count(*) FROM people GROUP BY band ORDER BY band
SELECT CASE level WHEN 0 THEN 'zero' WHEN 1 THEN 'one' END, count(*) FROM people GROUP BY 1 ORDER BY 1
SELECT extract(year FROM born) AS y, count(*) FROM people GROUP BY 1 ORDER BY 1
SELECT date_part('year', age('2024-06-01', born)) AS years, count(*) FROM people GROUP BY 1 ORDER BY 1
SELECT min(salary), max(salary), avg(salary), sum(salary) FROM people
SELECT upper(name), length(email), split_part(email, '@', 2), substr(phone, 2), right(card, 4), left(name, 1) FROM people ORDER BY id LIMIT 5
SELECT name || ' <' || email || '>' AS contact FROM people ORDER BY id LIMIT 3
SELECT city || ' ' || level, id::text || '/' || region FROM people ORDER BY id LIMIT 3
SELECT coalesce(phone, 'none'), nullif(city, 'Kiel'), greatest(level, 3), least(rating, 2.5) FROM people ORDER BY id LIMIT 8
SELECT concat(city, '-', level), concat_ws(', ', city, NULL, level), format('%s (%L) %I', city, city, city), initcap('hello world'), repeat('ab', 3), reverse('abc'), translate('abc', 'ab', 'xy'), lpad('1', 3, '0'), strpos('hello', 'l'), position('l' IN 'hello'), chr(65), ascii('A'), btrim('xxaxx', 'x'), quote_literal('it''s'), to_hex(255), md5('a') FROM people WHERE id = 1
SELECT overlay('abcdef' PLACING 'xx' FROM 3 FOR 2), substring('abcdef' FROM 2 FOR 3), substring('foobar' FROM 'o(.)b'), substring('abc' SIMILAR 'a#"%#"c' ESCAPE '#'), trim(LEADING 'x' FROM 'xxa'), trim('  a '), 'abc' SIMILAR TO '%(b|d)%', 'abc' LIKE 'a\_c' ESCAPE '\', 'x' COLLATE "C" < 'y', normalize('ä', NFC), 'ä' IS NORMALIZED
SELECT regexp_replace('a1b2', '\d', '#', 'g'), regexp_match('a1b2', '([a-z])(\d)'), regexp_split_to_array('a,b;c', '[,;]'), regexp_count('aXbX', 'X'), regexp_like('abc', 'B', 'i'), regexp_substr('abc123', '\d+'), regexp_instr('abc', 'b'), 'abc' ~ 'B', 'abc' ~* 'B', 'abc' !~ 'b', 'abc' !~* 'B'
SELECT unnest(regexp_matches('a1b2', '([a-z])(\d)', 'g')), string_to_table('a,b,c,d', ',')
SELECT now()::date = current_date, current_time IS NOT NULL, localtime IS NOT NULL, current_timestamp = now(), timeofday() IS NOT NULL, statement_timestamp() >= transaction_timestamp()
SELECT date '2024-01-31' + interval '1 month', timestamp '2024-03-01' - timestamp '2024-02-01', date '2024-03-01' - date '2024-02-01', date '2024-02-01' + 5, interval '1 day' * 3, justify_hours(interval '30 hours'), date_bin('15 minutes', timestamp '2024-01-01 10:17', timestamp '2024-01-01'), make_interval(days => 3), make_timestamp(2024, 1, 2, 3, 4, 5.5), extract(epoch FROM interval '1 hour'), isfinite(date 'infinity'), to_date('2024-01-05', 'YYYY-MM-DD'), to_timestamp('2024', 'YYYY') AT TIME ZONE 'UTC', timezone('Asia/Tokyo', timestamptz '2024-01-01 00:00+00'), timestamptz '2024-01-01 00:00+00' AT TIME ZONE 'America/New_York', time '10:00' + interval '2 hours', age(timestamp '2024-01-01', timestamp '2023-05-05')
SELECT (date '2024-01-01', interval '10 days') OVERLAPS (date '2024-01-05', date '2024-02-01'), date '2024-01-01' BETWEEN '2023-01-01' AND '2024-12-31', 5 BETWEEN SYMMETRIC 9 AND 1, date 'epoch', 'infinity'::timestamp, 'today'::date = current_date, date_trunc('week', timestamp '2024-05-05'), date_trunc('day', timestamptz '2024-05-05 23:00+00', 'Asia/Tokyo'), extract(isodow FROM date '2024-05-05'), to_char(interval '25 hours', 'HH24:MI'), to_char(timestamp '2024-01-02 03:04:05', 'FMDay, DD Mon YYYY HH12:MI:SS AM')
SELECT 7 / 2, 7 % 2, -7 / 2, 7.0 / 2, 2 ^ 10, |/ 25.0, ||/ 27.0, @ -5, 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 16 >> 2, abs(-1), ceil(1.2), floor(-1.2), round(2.5), round(2.567, 1), trunc(2.567, 1), mod(7, 3), div(7, 2), gcd(12, 18), lcm(4, 6), sign(-3), sqrt(2), cbrt(8), exp(0), ln(1), log(100), log(2, 8), power(2, 3), pi(), degrees(pi()), radians(180), sin(0), cos(0), tan(0), atan2(1, 1), factorial(5), width_bucket(5, 0, 10, 5), width_bucket(5, ARRAY[1, 3, 7]), scale(1.20), trim_scale(1.20), min_scale(1.20), to_char(1234.5, '9G999D99'), to_number('1,234.5', '9G999D9'), numeric '1e3', 0.1 + 0.2, 1e10, 'NaN'::float8, '-Infinity'::float4, erf(0)
SELECT 1_000, 0x1F, 0b101, 0o17, .5, 5., 1e-3
SELECT cast('1' AS int), '1'::int, int '1', CAST(1.5 AS int), '{1,2}'::int[], '(1,2)'::point, 't'::bool, 1::bool, 'a'::char(3), 'abcdef'::varchar(3), '1 day'::interval, B'101', X'1F', '\x01ff'::bytea, 'calm'::mood, 'c@x'::contact, 5::share, '{"a":1}'::jsonb, '<a/>'::xml, '10.0.0.1'::inet, '0/16'::pg_lsn, 'a'::"char", '12.50'::money, 1::bit(4), ROW('x', 1, 'y')::place, '[1,5)'::int4range, '{[1,2)}'::int4multirange, 'english'::regconfig, 'people'::regclass, 'int4'::regtype, '08:00:2b:01:02:03'::macaddr, 'a b'::tsvector, 'a & b'::tsquery, '2024-01-01'::date::timestamp::timestamptz, 'x'::name, 5::oid
SELECT ARRAY[1, 2, 3], ARRAY[[1, 2], [3, 4]], '{}'::int[], ARRAY[1, 2] || 3, ARRAY[1] || ARRAY[2], (ARRAY[1, 2, 3])[2], (ARRAY[1, 2, 3])[2:3], ARRAY[1, 2] @> ARRAY[1], ARRAY[1] <@ ARRAY[1, 2], ARRAY[1] && ARRAY[2], array_length(ARRAY[1, 2], 1), cardinality(ARRAY[1, 2]), array_position(ARRAY['a', 'b'], 'b'), array_remove(ARRAY[1, 2], 1), array_replace(ARRAY[1, 2], 1, 9), array_to_string(ARRAY[1, NULL, 2], ',', '-'), string_to_array('a,b', ','), array_fill(0, ARRAY[2]), array_ndims(ARRAY[1]), array_dims(ARRAY[1]), array_upper(ARRAY[1], 1), array_cat(ARRAY[1], ARRAY[2]), array_prepend(0, ARRAY[1]), array_append(ARRAY[1], 2), trim_array(ARRAY[1, 2, 3], 1), 2 = ANY (ARRAY[1, 2]), 3 > ALL (ARRAY[1, 2]), ARRAY(SELECT id FROM regions ORDER BY 1)
SELECT id, sizes[1], sizes[1:2], labels || 'x'::text, 'l1' = ANY (labels), labels @> ARRAY['l1'], array_length(sizes, 1), labels[array_upper(labels, 1)] FROM products ORDER BY id LIMIT 6
SELECT id, attributes ->> 'colour', attributes -> 'parts' -> 0, attributes #>> '{parts,1}', attributes @> '{"colour": "red"}', attributes ? 'size', attributes ?| ARRAY['x', 'size'], attributes ?& ARRAY['colour', 'size'], attributes - 'parts', attributes || '{"new": true}', attributes #- '{parts,0}', attributes['size'], attributes @? '$.parts[*] ? (@ > 5)', attributes @@ '$.size > 2', jsonb_typeof(attributes), raw ->> 'n', (raw -> 'n')::text::int FROM products ORDER BY id LIMIT 5
SELECT jsonb_path_query_array('[1,2,3]', '$[*] ? (@ > $x)', '{"x": 1}'), jsonb_set('{"a": 1}', '{b}', '2'), jsonb_insert('[1]', '{0}', '0'), jsonb_strip_nulls('{"a": null}'), jsonb_pretty('{"a": 1}'), jsonb_array_length('[1, 2]'), json_typeof('1'), jsonb_build_array(1, 'a'), jsonb_build_object('a', 1), to_jsonb('x'::text), json_object('{a,1}'), jsonb_object('{a,b}', '{1,2}'), jsonb_extract_path_text('{"a": {"b": 1}}', 'a', 'b'), jsonb_concat('{}', '{}'), array_to_json(ARRAY[1]), row_to_json(ROW(1, 'a')), json_strip_nulls('{"a": null}'), jsonb_path_exists('{"a": 1}', '$.a'), jsonb_path_query_first('[1, 2]', '$[1]')
SELECT * FROM jsonb_each_text('{"a": 1, "b": "x"}')
SELECT * FROM jsonb_populate_record(NULL::place, '{"street": "s", "number": 4}')
SELECT * FROM json_to_recordset('[{"a": 1}, {"a": 2}]') AS x(a int)
SELECT * FROM jsonb_path_query('{"a": [1, 2]}', '$.a[*]') AS q
SELECT jsonb_object_keys(attributes) AS k, count(*) FROM products GROUP BY 1 ORDER BY 1
SELECT JSON_OBJECT('a': 1, 'b': 'x'), JSON_ARRAY(1, 2, NULL ABSENT ON NULL), JSON_OBJECTAGG(name: value ABSENT ON NULL), JSON_ARRAYAGG(value ORDER BY value) FROM counters
SELECT JSON_VALUE(attributes, '$.colour'), JSON_QUERY(attributes, '$.parts'), JSON_EXISTS(attributes, '$.size'), attributes IS JSON OBJECT, JSON_VALUE(attributes, '$.size' RETURNING int DEFAULT 0 ON EMPTY) FROM products ORDER BY id LIMIT 3
SELECT t.* FROM products p, JSON_TABLE(p.attributes, '$.parts[*]' COLUMNS (n FOR ORDINALITY, part int PATH '$')) t ORDER BY p.id, t.n LIMIT 5
SELECT JSON('{"a": 1}'), JSON_SCALAR(1), JSON_SERIALIZE('{"a": 1}'::json)
SELECT id, valid, lower(valid), upper(valid), valid @> date '2024-02-01', valid && daterange('2024-01-01', '2024-01-15'), isempty(valid), upper_inc(valid), span * int4range(1, 5), span -|- int4range(1, 3), valid << daterange('2025-01-01', NULL), span &< int4range(1, 9), range_merge(span, int4range(0, 1)), spans @> 3, lower(spans) FROM products ORDER BY id LIMIT 4
SELECT range_agg(valid), range_intersect_agg(span) FROM products WHERE id < 5
SELECT unnest(spans) FROM products WHERE id = 3
SELECT int4range(1, 5, '[]'), numrange(1.5, NULL), tsrange('2024-01-01', '2024-01-02'), tstzrange('2024-01-01', '2024-01-02'), int8range(1, 2), datemultirange(daterange('2024-01-01', '2024-01-02')), int4range(1, 5) + int4range(5, 9), int4range(1, 5) - int4range(3, 9)
SELECT id, lead, lead * 2, opens, opens + lead, cost, cost * 2, cost / 2, cost::numeric, flags, flags & B'0011', flags || B'1', ~flags, mask, length(mask), code, address, trunc(address), position, position - '0/0'::pg_lsn, discount, mood, mood > 'calm' FROM products ORDER BY id LIMIT 4
SELECT sum(cost), min(cost), max(lead), sum(lead), avg(lead), min(opens), max(address), min(mood), max(mood), count(DISTINCT mood), max(position) FROM products
SELECT enum_range(NULL::mood), enum_first(NULL::mood), enum_last(NULL::mood), enum_range('cross'::mood, NULL)
SELECT id, area, middle, middle[0], area @> middle, middle <-> point(0, 0), center(area::box), area(box(area)), npoints(area), circle(middle, 2), box(middle, point(9, 9)), lseg(middle, point(0, 0)), length(lseg(middle, point(0, 0))), polygon(box(area)), isclosed(path(area)), middle + point(1, 1), middle ~= point(1, -1) FROM regions ORDER BY id LIMIT 4
SELECT id, notes, xpath('/region/n/text()', notes), xmlserialize(CONTENT notes AS text), (xpath('/region/n/text()', notes))[1]::text::int FROM regions ORDER BY id LIMIT 3
SELECT xmlelement(NAME person, xmlattributes(1 AS id), xmlforest('a' AS name)), xmlconcat('<a/>', '<b/>'), xmlpi(NAME php, 'x'), xmlroot(xmlparse(DOCUMENT '<a/>'), VERSION '1.0'), xmlcomment('c'), '<a/>' IS DOCUMENT, xml_is_well_formed('<a>'), xmlexists('//n' PASSING '<n/>')
SELECT xmlagg(xmlelement(NAME r, name) ORDER BY id) FROM regions
SELECT x.* FROM regions, XMLTABLE('/region' PASSING notes COLUMNS n int PATH 'n', missing text PATH 'x' DEFAULT 'none') AS x ORDER BY regions.id LIMIT 3
SELECT id, words @@ to_tsquery('english', 'fox & jump'), ts_rank(words, to_tsquery('english', 'fox')), ts_headline('english', name, to_tsquery('english', 'product')) FROM products ORDER BY id LIMIT 3
SELECT to_tsvector('english', 'a fat cat'), plainto_tsquery('fat cat'), websearch_to_tsquery('"fat cat" -dog'), phraseto_tsquery('fat cat'), to_tsquery('simple', 'a | b') && 'c'::tsquery, !! 'a'::tsquery, setweight('a:1'::tsvector, 'A'), numnode('a & b'::tsquery), querytree('a & b'::tsquery), tsvector_to_array('a b'::tsvector), strip('a:1'::tsvector), length('a b'::tsvector), ts_lexize('english_stem', 'stars'), 'a:1'::tsvector || 'b:1'::tsvector, tsvector_to_array(to_tsvector(city)) FROM people WHERE id = 1
SELECT inet '10.0.0.5/24', host(inet '10.0.0.5/24'), network(inet '10.0.0.5/24'), broadcast(inet '10.0.0.5/24'), masklen(inet '10.0.0.5/24'), netmask(inet '10.0.0.5/24'), family(inet '::1'), abbrev(cidr '10.0.0.0/8'), inet '10.0.0.5' << inet '10.0.0.0/8', inet '10.0.0.5' + 5, inet '10.0.0.5' - inet '10.0.0.1', inet '10.0.0.5' & inet '255.0.0.0', set_masklen(inet '10.0.0.5/24', 16), inet_merge('10.0.0.1', '10.0.0.9'), text(inet '10.0.0.5')
SELECT encode('\x01ff', 'hex'), decode('01ff', 'hex'), encode('a'::bytea, 'base64'), sha256('a'), get_byte('\x01ff', 1), set_byte('\x01ff', 0, 5), '\x01'::bytea || '\x02', octet_length('\x0102'::bytea), convert_from('\xc3a4', 'UTF8'), convert_to('ä', 'LATIN1'), substr('\x010203'::bytea, 2, 1), bit_count('\x03'::bytea), position('\x02'::bytea IN '\x0102'::bytea), md5('\x01'::bytea), crc32('a') IS NOT NULL
SELECT gen_random_uuid() <> gen_random_uuid(), '00000000-0000-0000-0000-000000000001'::uuid < uid FROM products WHERE id = 1
SELECT random() BETWEEN 0 AND 1, random(1, 10) BETWEEN 1 AND 10, pg_typeof(1.5), pg_column_size(1), num_nulls(1, NULL), num_nonnulls(1, NULL), version() LIKE 'PostgreSQL%', pg_size_pretty(1024::bigint), pg_size_bytes('1kB'), hashtext('a'), coalesce(NULL, 1)
SELECT s, g FROM generate_series(1, 3) s, generate_series(s, 3) g ORDER BY 1, 2
SELECT generate_series(1, 3) AS n, unnest(ARRAY['a', 'b'])
SELECT * FROM generate_series(timestamp '2024-01-01', '2024-01-02', '6 hours') WITH ORDINALITY AS t(at, n)
SELECT generate_subscripts(ARRAY[5, 6], 1), generate_series(10, 1, -3)
SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY['a', 'b', 'c'])) AS t(n, x)
SELECT n.a, n.b FROM (VALUES (1, 'one'), (2, NULL), (3, 'three')) AS n(a, b) WHERE b IS NOT NULL ORDER BY a
VALUES (1, 'a', NULL), (2, 'b', 3.5) ORDER BY 1 DESC LIMIT 1
SELECT count(*) FROM people TABLESAMPLE SYSTEM (100)
SELECT count(*) <= 120 FROM people TABLESAMPLE BERNOULLI (50) REPEATABLE (7)
SELECT count(*) FROM sales TABLESAMPLE BERNOULLI (100)
SELECT * FROM active_people ORDER BY id LIMIT 4
SELECT * FROM totals ORDER BY city
SELECT * FROM by_month ORDER BY month LIMIT 3
SELECT a.city, count(*) FROM active_people a JOIN sales s ON s.person = a.id GROUP BY a.city ORDER BY 1
SELECT count(*), min(page), max(lasted) FROM visits
SELECT count(*) FROM ONLY visits
SELECT id, person, page, lasted, reason FROM long_visits ORDER BY id LIMIT 3
SELECT v.tableoid::regclass::text, count(*) FROM visits v GROUP BY 1 ORDER BY 1
SELECT tableoid::regclass::text, count(*), min(day) FROM sales GROUP BY 1 ORDER BY 1
SELECT ctid, id FROM tasks ORDER BY id LIMIT 2
SELECT ctid, * FROM tasks ORDER BY id LIMIT 2
SELECT ctid, xmin IS NOT NULL, p.id FROM people p ORDER BY id LIMIT 2
SELECT id, comment FROM sales_2024 ORDER BY id LIMIT 3
SELECT with_tax(total), market.with_tax(1) FROM sales ORDER BY id LIMIT 3
SELECT market.with_tax(total) AS total FROM sales ORDER BY 1 DESC, id LIMIT 3
SELECT id, total * 1.19 AS gross, round(total * 1.19, 2)::text AS t, -total AS minus FROM sales ORDER BY id LIMIT 3
SELECT count(*) AS "count", sum(total) AS "sum(total)", max(day) "Last Day" FROM sales
SELECT upper('a'), 'a'::text, 1::int4, now() IS NULL, CASE WHEN true THEN 1 END, ARRAY[1], ROW(1), (SELECT 1), EXISTS (SELECT 1), (SELECT 2 AS x), coalesce(1), greatest(1), nullif(1, 2), 1 + 1, current_date IS NULL, extract(year FROM date '2024-01-01'), CAST(1 AS text), (ARRAY[1])[1], xmlforest(1 AS a), grouping(1) FROM (SELECT 1) x GROUP BY 1
SELECT current_date = now()::date, current_user = session_user, localtimestamp(0) IS NOT NULL
SELECT position('a' IN 'b'), trim('a'), overlay('a' PLACING 'b' FROM 1), extract(day FROM date '2024-01-01'), substring('abc' FROM 1), 'a' LIKE 'b', 'a' IN ('b'), 1 BETWEEN 0 AND 2, NOT true, 1 IS NULL, -1, date '2024-01-01' AT TIME ZONE 'UTC', 'x' COLLATE "C", interval '1' day, interval '1-2' year to month, time with time zone '10:00+00', timestamp(0) '2024-01-01 00:00:00.5', true IS UNKNOWN, 'a' IS NOT DISTINCT FROM 'b'
SELECT p.name FROM people p WHERE p.id = 3 UNION ALL SELECT r.name FROM regions r WHERE r.id = 3
SELECT id, name, phone, card, born, seen, salary, score, level, notes, profile, address, temper, contact, tags, photo, home, token, shouted FROM people WHERE id BETWEEN 5 AND 9 ORDER BY id
SELECT people.id, people.name FROM people, regions WHERE people.region = regions.id AND regions.name LIKE '%3' ORDER BY 1
SELECT p1.name, p2.name FROM people p1 JOIN people p2 ON p1.id = p2.id + 1 WHERE p1.id < 5 ORDER BY p1.id
SELECT q.* FROM (SELECT p.name AS n, p.email AS e, s.total FROM people p JOIN sales s ON s.person = p.id) q ORDER BY total DESC, n, e LIMIT 5
SELECT name FROM people GROUP BY name HAVING count(*) > 3 ORDER BY name
SELECT max(name), min(email) FROM people WHERE city = 'Kiel'
SELECT id FROM people ORDER BY name, email, id LIMIT 10
SELECT id FROM people ORDER BY lower(name) DESC, id LIMIT 10
SELECT rank() OVER (ORDER BY salary DESC), id FROM people ORDER BY 1, 2 LIMIT 10
SELECT p.name AS customer, sum(s.total) FILTER (WHERE s.day >= '2024-01-01') AS this_year, sum(s.total) FILTER (WHERE s.day < '2024-01-01') AS before FROM sales s JOIN people p ON p.id = s.person GROUP BY p.id, p.name ORDER BY this_year DESC NULLS LAST, p.id LIMIT 10
SELECT sum(total) / nullif(count(DISTINCT person), 0) AS per_person, sum(total) * 100.0 / sum(sum(total)) OVER () AS share, product FROM sales GROUP BY product ORDER BY product
SELECT to_char(day, 'YYYY') AS year, sum(CASE WHEN extract(month FROM day) = 1 THEN total END) AS jan, sum(CASE WHEN extract(month FROM day) = 2 THEN total END) AS feb FROM sales GROUP BY 1 ORDER BY 1
WITH first AS (SELECT person, min(date_trunc('month', day)) AS cohort FROM sales GROUP BY 1), activity AS (SELECT s.person, date_trunc('month', s.day) AS month FROM sales s GROUP BY 1, 2) SELECT f.cohort, extract(year FROM age(a.month, f.cohort)) * 12 + extract(month FROM age(a.month, f.cohort)) AS n, count(*) FROM first f JOIN activity a USING (person) GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 30
SELECT person, day, day - lag(day) OVER (PARTITION BY person ORDER BY day, id) > 30 AS gap, sum(CASE WHEN amount > 2 THEN 1 ELSE 0 END) OVER (PARTITION BY person ORDER BY day, id) AS session FROM sales ORDER BY person, day, id LIMIT 20
SELECT a.product, b.product, count(*) FROM sales a JOIN sales b ON a.person = b.person AND a.product < b.product GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 10
SELECT width_bucket(total, 0, 1000, 10) AS bucket, min(total), max(total), count(*), repeat('*', (count(*) / 10)::int) FROM sales GROUP BY 1 ORDER BY 1
SELECT id, title, due, due - date '2024-05-10' AS days, CASE WHEN due < '2024-05-10' THEN 'late' ELSE 'fine' END FROM tasks WHERE NOT done ORDER BY due, id LIMIT 10
SELECT t.title, p.city, p.name FROM tasks t LEFT JOIN people p ON p.id = t.owner ORDER BY t.id LIMIT 5
SELECT id, meta ->> 'n' AS n, secret FROM tasks ORDER BY (meta ->> 'n')::int DESC LIMIT 5
SELECT count(*) FROM people p, regions r WHERE p.region = r.id AND (r.name ILIKE '%1' OR p.city IS NULL) AND NOT p.active
EXPLAIN SELECT * FROM people WHERE id = 1
EXPLAIN (ANALYZE, VERBOSE, BUFFERS, SETTINGS, WAL) SELECT city, count(*) FROM people GROUP BY city
EXPLAIN (FORMAT JSON) SELECT p.name FROM people p JOIN sales s ON s.person = p.id WHERE s.day > '2024-01-01'
EXPLAIN (ANALYZE, TIMING OFF, FORMAT YAML) SELECT * FROM regions
EXPLAIN (ANALYZE, FORMAT XML, SERIALIZE, MEMORY) SELECT * FROM regions
EXPLAIN ANALYZE VERBOSE SELECT id FROM people ORDER BY id
COPY tasks TO STDOUT
COPY people (id, name, city) TO STDOUT WITH (FORMAT csv, HEADER)
COPY (SELECT id, name FROM people ORDER BY id LIMIT 3) TO STDOUT (FORMAT binary)
COPY regions TO STDOUT WITH CSV HEADER DELIMITER AS ';' QUOTE AS '"' NULL AS '-'
COPY (SELECT * FROM sales ORDER BY id LIMIT 3) TO STDOUT WITH (FORMAT text, NULL 'none', DELIMITER '|')
SELECT nosuch FROM people
SELECT p.nosuch FROM people p
SELECT id FROM nosuch
SELECT id FROM market.nosuch
SELECT nosuch(1)
SELECT id FROM people WHERE name = 1
SELECT id + 'x' FROM people
SELECT city, count(*) FROM people
SELECT id FROM people p JOIN tasks t ON t.owner = p.id
SELEC 1
SELECT 1 FROM people WHERE
SELECT * FROM people ORDER BY 99
SELECT 'x'::int
SELECT '2024-13-01'::date
SELECT 1 / 0
SELECT 1 / (id - 1) FROM people ORDER BY id
SELECT (SELECT id FROM people)
SELECT x.y FROM people p
SELECT 'a'::nosuch
SELECT sum(city) FROM people
SELECT count(*) OVER (ORDER BY) FROM people
SELECT id FROM people LIMIT -1
SELECT DISTINCT ON (city) id FROM people ORDER BY id
SELECT 1 UNION SELECT 1, 2
SELECT 1 UNION SELECT 'a'
SELECT max(sum(total)) FROM sales
SELECT id, name FROM people GROUP BY region
SELECT p.id FROM people p, people p
SELECT to_date('x', 'YYYY'), 1
SELECT array_length(1, 1)
SELECT E'\xff'
SELECT "Id" FROM people
SELECT id FROM people WHERE id = 'abc'
SELECT pg_input_is_valid('12', 'integer'), pg_input_is_valid('x', 'date'), pg_catalog.pg_input_is_valid('1', 'double precision')
SELECT message FROM pg_input_error_info('x', 'int4')
SELECT cash_words('12.50'::money), hashint2(1::int2), hashname('x'), hashfloat8(1.5), hashenum('calm'::mood) IS NOT NULL, mxid_age('1'::xid) IS NOT NULL
SELECT count(*) FROM people WHERE hashtext(city) % 10 = 3
SELECT round(1.5) FILTER (WHERE true)
SELECT p FROM products p WHERE id = 1
SELECT x::text FROM people x WHERE id = 1
SELECT array_agg(c ORDER BY c.name) FROM counters c
SELECT (array_agg(c ORDER BY name))[1].name FROM counters c
SELECT row_to_json(x) FROM (SELECT p.id, p.name FROM people p WHERE id < 3 ORDER BY 1) x
SELECT jsonb_agg(p ORDER BY p.id) FROM people p WHERE id < 3
SELECT p = p FROM people p WHERE id = 1
SELECT count(DISTINCT p) FROM people p
SELECT id FROM people p WHERE p IS NOT NULL
SELECT p.id FROM people p WHERE p.* IS DISTINCT FROM NULL ORDER BY 1 LIMIT 1
SELECT coalesce(p.name, q.name) FROM people p FULL JOIN active_people q USING (id) ORDER BY id LIMIT 3
SELECT * FROM people p JOIN active_people q USING (id) ORDER BY id LIMIT 1
SELECT * FROM people NATURAL JOIN active_people ORDER BY id LIMIT 1
SELECT * FROM (people p JOIN regions r ON r.id = p.region) AS j (a, b) ORDER BY 1 LIMIT 1
SELECT p.*, r.* FROM people p, regions r WHERE p.region = r.id ORDER BY p.id LIMIT 1
SELECT id, ctid FROM people WHERE ctid = '(0,1)'
SELECT xmin IS NOT NULL, tableoid::regclass, * FROM people ORDER BY id LIMIT 1
SELECT max(ctid) IS NOT NULL FROM people
SELECT city FROM people GROUP BY city HAVING count(*) = (SELECT max(n) FROM (SELECT count(*) AS n FROM people GROUP BY city) x) ORDER BY 1
SELECT p.id, p.city, p.name, r.name FROM people p JOIN regions r ON r.id = p.region GROUP BY p.id, r.name ORDER BY p.id LIMIT 3
SELECT p.id, p.city, count(*) OVER () FROM people p GROUP BY p.id ORDER BY p.id LIMIT 3
SELECT p.id, p.home FROM people p GROUP BY p.id ORDER BY 1 LIMIT 2
SELECT p.id, p.profile ->> 'age', count(*) FROM people p GROUP BY p.id ORDER BY 1 LIMIT 2
SELECT id, raw FROM products GROUP BY id ORDER BY id LIMIT 2
SELECT id, area FROM regions GROUP BY id ORDER BY id LIMIT 2
SELECT DISTINCT ON (p.region) p.region, p.name, p.joined FROM people p ORDER BY p.region, p.joined DESC, p.id
SELECT id, CASE WHEN EXISTS (SELECT 1 FROM sales s WHERE s.person = p.id) THEN 'buyer' ELSE 'visitor' END AS kind FROM people p ORDER BY id LIMIT 5
SELECT date_trunc('week', day)::date AS week, count(*) FILTER (WHERE amount > 2) * 100 / count(*) AS pct FROM sales GROUP BY 1 ORDER BY 1 LIMIT 5
SELECT percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY total) FROM sales
SELECT string_agg(name, ', ' ORDER BY name) FILTER (WHERE value > 1) FROM counters
SELECT sum(total) OVER w, avg(total) OVER (w ROWS UNBOUNDED PRECEDING) FROM sales WINDOW w AS (ORDER BY id) ORDER BY id LIMIT 3
SELECT * FROM crosstab('select 1')
SELECT t.* FROM (TABLE counters) t ORDER BY 1
SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM sales)
SELECT * FROM people WHERE (id, city) IN (SELECT id, city FROM active_people WHERE id < 5) ORDER BY id
SELECT * FROM unnest((SELECT labels FROM products WHERE id = 1)) AS l ORDER BY 1
SELECT * FROM json_each('{"a": 1}') WITH ORDINALITY
SELECT jsonb_path_query_first_tz('["2024-01-01"]', '$[0].datetime()')
SELECT to_char(now(), 'YYYY') = extract(year FROM now())::text
SELECT extract(dow FROM day), count(*) FROM sales GROUP BY 1 ORDER BY 1
SELECT a.id FROM sales a LEFT JOIN LATERAL (SELECT sum(b.amount) AS s FROM sales b WHERE b.person = a.person AND b.day < a.day) x ON x.s > 5 ORDER BY 1 LIMIT 3
SELECT s.person, s.product FROM sales s GROUP BY GROUPING SETS ((s.person), (s.product)) ORDER BY 1 NULLS LAST, 2 LIMIT 5
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t
WITH RECURSIVE fib(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM fib WHERE b < 100) SELECT a FROM fib
SELECT pg_catalog.count(*) FROM market.people
SELECT pg_catalog.lower(city), city OPERATOR(pg_catalog.||) 'x' FROM people ORDER BY id LIMIT 2
SELECT id FROM people WHERE city OPERATOR(pg_catalog.=) 'Kiel' ORDER BY id LIMIT 2
SELECT interval '1 day' IS NOT NULL, time '10:00' AT TIME ZONE 'UTC' IS NOT NULL
SELECT id, sum(amount) FROM sales GROUP BY id, day ORDER BY id LIMIT 2
SELECT any_value(city) IS NOT NULL FROM people WHERE city = 'Kiel'
SELECT array_agg(DISTINCT temper), min(address), max(token::text) FROM people
SELECT json_object_agg(city, n ORDER BY city) FROM (SELECT city, count(*) AS n FROM people WHERE city IS NOT NULL GROUP BY 1) x
SELECT "people"."id" AS "people__id", "people"."name" AS "people__name" FROM "market"."people" WHERE "people"."id" IN (1, 2, 3) ORDER BY "people"."id" ASC
SELECT "market"."people"."id", count(*) AS "count" FROM "market"."people" GROUP BY "market"."people"."id" ORDER BY "market"."people"."id" ASC LIMIT 5
SELECT DATE_TRUNC('month', CAST("source"."joined" AS timestamp)) AS "joined", COUNT(*) AS "count" FROM (SELECT "market"."people"."joined" AS "joined" FROM "market"."people") AS "source" GROUP BY 1 ORDER BY 1
SELECT substring("market"."people"."name", 1, 1234) AS "name" FROM "market"."people" ORDER BY "id" LIMIT 3
SELECT SUM("t0"."total") AS "m", TRUNC(EXTRACT(YEAR FROM "t0"."day")) AS "y" FROM "market"."sales" "t0" GROUP BY 2 HAVING (COUNT(1) > 0) ORDER BY 2
SELECT $__timeGroup FROM people
SELECT floor(extract(epoch FROM at) / 3600) * 3600 AS time, count(*) AS value FROM visits WHERE at BETWEEN '2024-03-01T00:00:00Z' AND '2024-03-05T00:00:00Z' GROUP BY 1 ORDER BY 1
SELECT CAST(SUM(1) AS BIGINT) FROM (SELECT * FROM people) "Custom SQL Query" HAVING COUNT(1) > 0
SELECT * FROM (SELECT * FROM people LIMIT 1000) AS __virtual_table LIMIT 0
BEGIN; SET TRANSACTION READ ONLY; SELECT count(*) FROM people; COMMIT
SELECT has_column_privilege('market.people', 'name', 'select')
SELECT b'101' & b'110', '\x00ff'::bytea = '\x00ff', 'abc' < 'abd' COLLATE "C"
-- Whole rows.
SELECT s FROM sales s ORDER BY id LIMIT 3
SELECT sales FROM sales ORDER BY id LIMIT 3
SELECT s AS x, s.*, (s).day FROM sales s ORDER BY id LIMIT 3
SELECT row_to_json(s), to_jsonb(s), json_build_array(s), s::text FROM sales s ORDER BY id LIMIT 3
SELECT json_agg(s ORDER BY id), count(s), count(DISTINCT s) FROM sales s
SELECT row_to_json(s) FROM sales s(a, b) ORDER BY s.a LIMIT 3
SELECT array_agg(s ORDER BY id), ((array_agg(s ORDER BY id))[1]).day FROM sales s
SELECT (s).id, id(s), s IS NULL, s = s, ROW(s.*) = s FROM sales s ORDER BY id LIMIT 3
SELECT (s::sales).id, (GREATEST(s, s)).id, (CASE WHEN true THEN s END).day, coalesce(s, s) FROM sales s ORDER BY id LIMIT 3
SELECT NULL::sales UNION ALL (SELECT s FROM sales s ORDER BY id LIMIT 1)
SELECT r.id, s, count(s), row_to_json(s), s IS NULL FROM regions r LEFT JOIN sales s ON s.id = r.id + 1000000 GROUP BY r.id, s ORDER BY 1
SELECT a.id, to_jsonb(a), to_jsonb(b) FROM sales a FULL JOIN sales b ON b.id = a.id + 1 AND b.day > '2024-01-01' ORDER BY a.id, b.id LIMIT 5
SELECT DISTINCT s FROM sales s ORDER BY s LIMIT 3
SELECT s, count(*) FROM sales s GROUP BY s ORDER BY s LIMIT 3
SELECT s, count(*) FROM sales s GROUP BY s HAVING s IS NOT DISTINCT FROM s ORDER BY s LIMIT 3
SELECT DISTINCT ON (s) s, pg_typeof(s) FROM sales s ORDER BY s LIMIT 3
SELECT (x.s).id, x.s FROM (SELECT s FROM sales s ORDER BY id LIMIT 3) x
WITH x AS (SELECT s FROM sales s ORDER BY id LIMIT 3) SELECT (s).*, s FROM x
SELECT lag(s) OVER (ORDER BY id), first_value(s) OVER (PARTITION BY person ORDER BY id) FROM sales s ORDER BY id LIMIT 3
SELECT (SELECT s), ARRAY(SELECT s), EXISTS (SELECT s) FROM sales s ORDER BY id LIMIT 3
SELECT count(*) FROM sales s WHERE s IN (SELECT t FROM sales t) AND s = ANY (ARRAY[s]) AND s IN (s, NULL)
SELECT count(*) FROM sales s JOIN sales t ON s = t AND s IS NOT DISTINCT FROM t
SELECT row_to_json(p), to_jsonb(p), p::text FROM people p ORDER BY id LIMIT 3
-- A row, decided by its key.
SELECT p::text FROM people p GROUP BY p.id ORDER BY p.id LIMIT 5
SELECT to_jsonb(p), count(s.id) FROM people p LEFT JOIN sales s ON s.person = p.id GROUP BY p.id ORDER BY p.id LIMIT 5
SELECT p.id, (p).city, count(*) AS p2 FROM people p GROUP BY p.id ORDER BY p.id LIMIT 5
SELECT p.id AS p, p::text FROM people p GROUP BY 1 ORDER BY 1 LIMIT 3
SELECT r, count(p.id) FROM regions r JOIN people p ON p.region = r.id GROUP BY r.id HAVING (r).id > 0 ORDER BY r.id
