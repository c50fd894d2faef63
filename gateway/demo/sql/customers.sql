-- Customers, with everything about them that a mask has to deal with: text, dates, numbers, json, addresses.

SELECT setseed(0.22) \g /dev/null

INSERT INTO public.customers (id, full_name, email, phone, date_of_birth, card_number, street, postcode, city, country,
                              segment, credit_limit, last_ip, preferences, newsletter, created_at)
SELECT i, name, pg_temp.mailbox(name) || i || '@' || domain,
       CASE WHEN chance < 0.93 THEN '+1 ' || 201 + i % 700 || ' 555 01' || lpad((i / 7 % 100)::text, 2, '0') END,
       CASE WHEN chance > 0.04 THEN date '1940-01-01' + floor(random() * 24000)::int END,
       CASE WHEN random() < 0.7
            THEN pg_temp.with_check_digit((ARRAY['400000', '510510', '411111'])[1 + i % 3] || lpad((i * 7919::bigint % 1000000000)::text, 9, '0')) END,
       street || ' ' || 1 + i % 180, lpad((10000 + i * 37 % 89999)::text, 5, '0'),
       split_part(place, '/', 1), split_part(place, '/', 2),
       (CASE WHEN chance < 0.8 THEN 'private' WHEN chance < 0.95 THEN 'business' WHEN chance < 0.99 THEN 'reseller' ELSE 'vip' END)::public.customer_segment,
       floor(random() * 50) * 100,
       CASE WHEN i % 11 = 0 THEN ('2001:db8::' || to_hex(i % 65535))::inet ELSE ('198.51.100.' || i % 254 + 1)::inet END,
       jsonb_build_object('language', lower(split_part(place, '/', 2)), 'contact', jsonb_build_object('by', (ARRAY['email', 'phone', 'post'])[1 + i % 3], 'backup_email', pg_temp.mailbox(name) || '@' || domain)),
       i % 3 = 0,
       :'first_month'::timestamptz - interval '1 day' * floor(random() * 1500) - interval '1 second' * floor(random() * 86400)
FROM (SELECT i, random() AS chance, pg_temp.pick(given) || ' ' || pg_temp.pick(family) AS name, pg_temp.pick(domain) AS domain,
             pg_temp.pick(street) AS street, pg_temp.pick(city) AS place
      FROM generate_series(1, :customers) AS i, lists) AS people;

SELECT setval(pg_get_serial_sequence('public.customers', 'id'), :customers) \g /dev/null
