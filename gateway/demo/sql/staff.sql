-- The people who work here. Salaries and bank accounts are nobody's business.

SELECT setseed(0.11) \g /dev/null

INSERT INTO public.staff (id, full_name, email, phone, job_title, department, manager_id, salary, iban, hired_on)
SELECT i, name, pg_temp.mailbox(name) || i || '@shop.example', '+1 ' || 201 + i % 700 || ' 555 01' || lpad((i % 100)::text, 2, '0'),
       job,
       CASE WHEN job LIKE 'Support%' THEN 'support' WHEN job LIKE 'Ware%' THEN 'logistics'
            WHEN job IN ('Accountant', 'Buyer') THEN 'finance' WHEN job = 'Sales manager' THEN 'sales' ELSE 'product' END,
       CASE WHEN i > 1 THEN greatest(1, i / 8) END,
       (2400 + floor(random() * 5600))::numeric(10,2),
       'XX' || lpad((11 + i % 80)::text, 2, '0') || lpad(floor(random() * 1e16)::bigint::text, 18, '0'),
       date '2014-01-01' + floor(random() * 4200)::int
FROM (SELECT i, pg_temp.pick(given) || ' ' || pg_temp.pick(family) AS name, pg_temp.pick(job) AS job
      FROM generate_series(1, :staff) AS i, lists) AS people;
