-- Support tickets: what customers write ends up in free text, addresses and card numbers included.

SELECT setseed(0.55) \g /dev/null

INSERT INTO public.support_tickets (customer_id, staff_id, status, subject, notes, tags, opened_at, closed_at)
SELECT c.id, 1 + i % :staff,
       status::public.ticket_status, t.subject,
       (ARRAY[
           'Hello, this is ' || c.full_name || '. Please answer to ' || c.email || ' and not to my old address.',
           'Customer asked to be called back at ' || coalesce(c.phone, 'the number on file') || ', best after 17:00.',
           'Parcel went to ' || c.street || ', ' || c.city || ' but nobody was at home. Neighbour signed for it.',
           'Paid with card ' || coalesce(c.card_number, 'unknown') || ' twice; second booking to be returned. Contact: ' || c.email,
           'Born on ' || coalesce(to_char(c.date_of_birth, 'DD.MM.YYYY'), 'an unknown day') || ', confirmed on the phone. Address change pending.',
           'No reply for a week, closing. Last mail went to ' || c.email || '.'
       ])[1 + i % 6],
       CASE WHEN i % 4 = 0 THEN ARRAY['refund', 'urgent'] WHEN i % 3 = 0 THEN ARRAY['delivery'] ELSE '{}' END,
       opened, CASE WHEN status IN ('solved', 'closed') THEN opened + interval '1 hour' * (1 + floor(random() * 200)) END
FROM (SELECT i, 1 + floor(random() * :customers)::bigint AS customer, pg_temp.pick(subject) AS subject,
             (ARRAY['open', 'waiting', 'solved', 'solved', 'closed', 'closed', 'closed'])[1 + floor(random() * 7)::int] AS status,
             :'first_month'::timestamptz + interval '360 days' * (i::float8 / :tickets) + interval '1 second' * floor(random() * 86400) AS opened
      FROM generate_series(1, :tickets) AS i, lists) AS t
JOIN public.customers c ON c.id = t.customer
ORDER BY t.i;
