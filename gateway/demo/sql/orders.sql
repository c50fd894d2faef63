-- A year of orders, spread over the customers unevenly, as orders are.

SELECT setseed(0.33) \g /dev/null

INSERT INTO sales.orders (id, customer_id, status, total, currency, items, ship_to, placed_at)
SELECT i, customer,
       (CASE WHEN chance < 0.03 THEN 'cancelled' WHEN chance < 0.07 THEN 'returned' WHEN i > :orders * 0.97 THEN 'placed'
             WHEN i > :orders * 0.94 THEN 'paid' WHEN i > :orders * 0.9 THEN 'shipped' ELSE 'delivered' END)::sales.order_status,
       (quantity * price)::numeric(12,2), CASE WHEN i % 9 = 0 THEN 'SEK' WHEN i % 7 = 0 THEN 'PLN' ELSE 'EUR' END,
       jsonb_build_array(jsonb_build_object('product', product, 'quantity', quantity, 'price', price)),
       CASE WHEN i % 5 = 0 THEN pg_temp.pick(street) || ' ' || 1 + i % 99 || ', ' || split_part(pg_temp.pick(city), '/', 1) END,
       :'first_month'::timestamptz + interval '360 days' * (i::float8 / :orders) + interval '1 second' * floor(random() * 86400)
FROM (SELECT i, 1 + floor(power(random(), 1.7) * :customers)::bigint AS customer, random() AS chance,
             1 + floor(random() * 4)::int AS quantity, (5 + floor(random() * 24000) / 100)::numeric(12,2) AS price,
             pg_temp.pick(product) AS product, street, city
      FROM generate_series(1, :orders) AS i, lists) AS baskets;

SELECT setval(pg_get_serial_sequence('sales.orders', 'id'), :orders) \g /dev/null
