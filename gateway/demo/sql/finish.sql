-- Indexes, statistics, and the rights of the login that the gateway uses: reading and writing rows, no more.

CREATE INDEX ON sales.orders (customer_id);
CREATE INDEX ON sales.orders (placed_at);
CREATE INDEX ON sales.payments (order_id);
CREATE INDEX ON public.support_tickets (customer_id);
CREATE INDEX ON public.customers (created_at);

GRANT USAGE ON SCHEMA public, sales TO pgcurfew_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, sales TO pgcurfew_gateway;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public, sales TO pgcurfew_gateway;

RESET ROLE;
VACUUM (ANALYZE) public.staff, public.customers, public.support_tickets, sales.orders, sales.payments;
