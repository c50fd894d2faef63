-- A payment for every order, some hours after it.

SELECT setseed(0.44) \g /dev/null

INSERT INTO sales.payments (id, order_id, method, amount, payer_name, card_last4, reference, paid_at)
SELECT o.id, o.id,
       (CASE WHEN c.card_number IS NOT NULL THEN 'card' WHEN o.id % 3 = 0 THEN 'invoice' WHEN o.id % 17 = 0 THEN 'gift_card' ELSE 'sepa_debit' END)::sales.payment_method,
       o.total, c.full_name, right(c.card_number, 4), md5('payment ' || o.id)::uuid,
       o.placed_at + interval '1 minute' * floor(random() * 2880)
FROM sales.orders o JOIN public.customers c ON c.id = o.customer_id
ORDER BY o.id;

SELECT setval(pg_get_serial_sequence('sales.payments', 'id'), :orders) \g /dev/null
