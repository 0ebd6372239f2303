-- Grows the demo's data to the size of a shop: what bench.products and
-- bench.orders say, in all. An id is its type's prefix and a number, in what is
-- otherwise a UUIDv7 of zeros: it sorts before all ids that are made later.

CREATE FUNCTION pg_temp.id(prefix text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT prefix || '_0000000000e008' || lpad(n::text, 12, '0') $$;

-- Five locations of ours: the demo's three warehouses and two more.
INSERT INTO locations (id, code, name, kind, lead_time_days)
SELECT pg_temp.id('loc', n), code, name, 'WAREHOUSE', days
FROM (VALUES (1, 'WH-NORTH', 'North Warehouse, Duluth', 5), (2, 'WH-SOUTH', 'South Warehouse, Mobile', 6)) AS w (n, code, name, days);

CREATE TEMPORARY TABLE ours ON COMMIT DROP AS
SELECT id, row_number() OVER (ORDER BY code) - 1 AS n FROM locations WHERE kind = 'WAREHOUSE';

-- Each new product is one of the demo's auto parts in another make, as many in
-- each category.
CREATE TEMPORARY TABLE models ON COMMIT DROP AS
SELECT p.*, dense_rank() OVER (ORDER BY category) - 1 AS c, row_number() OVER (PARTITION BY category ORDER BY sku) - 1 AS i,
    count(*) OVER (PARTITION BY category) AS models
FROM products p WHERE NOT EXISTS (SELECT 1 FROM supplier_items s WHERE s.product_id = p.id);

CREATE TEMPORARY TABLE grown ON COMMIT DROP AS
SELECT n, pg_temp.id('prod', n) AS id, 'RL-' || lpad(n::text, 6, '0') AS sku, m.name || ', make ' || n AS name, m.description,
    m.brand, m.category, m.base_unit, m.price + n % 97 AS price, m.attributes
FROM generate_series(0, current_setting('bench.products')::int - (SELECT count(*) FROM products)::int - 1) n
JOIN models m ON m.c = n % (SELECT max(c) + 1 FROM models) AND m.i = n / (SELECT max(c) + 1 FROM models) % m.models;

INSERT INTO products (id, sku, name, description, brand, category, base_unit, price, currency, attributes)
SELECT id, sku, name, description, brand, category, base_unit, price, 'USD', attributes FROM grown ORDER BY n;

-- Orders beside the demo's: nine in ten are long delivered, the tenth is open.
-- Each has two, three or four lines, and one part.
CREATE TEMPORARY TABLE old_orders ON COMMIT DROP AS
SELECT n, pg_temp.id('ord', n) AS id, n % 10 = 0 AS is_open, now() - (m - n) * interval '5 minutes' AS at,
    (SELECT id FROM ours WHERE ours.n = o.n % 5) AS location
FROM (SELECT current_setting('bench.orders')::int - (SELECT count(*) FROM orders)::int AS m) AS size, generate_series(0, m - 1) AS o (n);

CREATE TEMPORARY TABLE old_lines ON COMMIT DROP AS
SELECT 4 * o.n + k AS n, o.n AS order_n, o.id AS order_id, o.is_open, o.at, o.location, k AS position, g.id AS product, 1 + k AS quantity, g.price
FROM old_orders o, generate_series(0, 3) k
JOIN grown g ON true
WHERE k < 2 + o.n % 3 AND g.n = (7919::bigint * o.n + 13 * k) % (SELECT count(*) FROM grown);

INSERT INTO orders (id, number, owner_issuer, owner_subject, external_reference, customer_id, customer_name, customer_email, status,
    currency, total, ship_to, version, placed_at, updated_at)
SELECT o.id, (100001 + o.n)::text, 'redline', 'shop-' || o.n % 20, 'ref-' || o.n, 'c-' || o.n % 5000, 'Ann Miller', 'ann@example.com',
    CASE WHEN is_open THEN 'PENDING' ELSE 'DELIVERED' END, 'USD', t.total,
    '{"name": "Ann Miller", "lines": ["12 Harbour Street"], "city": "Portland", "region": "OR", "postalCode": "97201", "country": "US"}',
    CASE WHEN is_open THEN 1 ELSE 4 END, at, CASE WHEN is_open THEN at ELSE at + interval '3 days' END
FROM old_orders o JOIN (SELECT order_n, sum(price * quantity) AS total FROM old_lines GROUP BY order_n) t ON t.order_n = o.n ORDER BY o.n;
SELECT setval('order_numbers', 100001 + current_setting('bench.orders')::int);

INSERT INTO order_status_changes (order_id, order_version, from_status, to_status, actor, at)
SELECT o.id, v, was, becomes, CASE v WHEN 1 THEN 'shop-' || o.n % 20 ELSE 'operator' END, at + (v - 1) * interval '1 day'
FROM old_orders o, (VALUES (1, NULL, 'PENDING'), (2, 'PENDING', 'PROCESSING'), (3, 'PROCESSING', 'SHIPPED'), (4, 'SHIPPED', 'DELIVERED'))
    AS h (v, was, becomes)
WHERE v = 1 OR NOT is_open ORDER BY o.n, v;

INSERT INTO order_lines (id, order_id, position, product_id, quantity, open, backordered, shipped, cancelled, unit_price, total)
SELECT pg_temp.id('line', n), order_id, position, product, quantity, CASE WHEN is_open THEN quantity ELSE 0 END, 0,
    CASE WHEN is_open THEN 0 ELSE quantity END, 0, price, price * quantity
FROM old_lines ORDER BY n;

INSERT INTO fulfillment_orders (id, order_id, location_id, status, submitted_at)
SELECT pg_temp.id('fo', n), id, location, CASE WHEN is_open THEN 'SUBMITTED' ELSE 'CLOSED' END, at FROM old_orders ORDER BY n;

INSERT INTO fulfillment_order_lines (id, fulfillment_order_id, order_line_id, quantity, accepted, shipped)
SELECT pg_temp.id('foline', n), pg_temp.id('fo', order_n), pg_temp.id('line', n), quantity,
    CASE WHEN NOT is_open THEN quantity END, CASE WHEN is_open THEN 0 ELSE quantity END
FROM old_lines ORDER BY n;

INSERT INTO fulfillments (id, fulfillment_order_id, status, carrier, tracking_number, shipped_at, delivered_at)
SELECT pg_temp.id('ship', n), pg_temp.id('fo', n), 'DELIVERED', 'UPS', '1Z' || n, at + interval '2 days', at + interval '3 days'
FROM old_orders WHERE NOT is_open ORDER BY n;

INSERT INTO fulfillment_lines (fulfillment_id, fulfillment_order_line_id, quantity)
SELECT pg_temp.id('ship', order_n), pg_temp.id('foline', n), quantity FROM old_lines WHERE NOT is_open ORDER BY n;

-- Every product at all five locations, with plenty there; what open orders hold
-- is committed.
CREATE TEMPORARY TABLE old_levels ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY p.id, ours.n) AS n, p.id AS product, ours.id AS location, 10000000 + ours.n::int AS on_hand
FROM products p, ours
WHERE NOT EXISTS (SELECT 1 FROM inventory_levels l WHERE (l.product_id, l.location_id) = (p.id, ours.id));

CREATE TEMPORARY TABLE old_claims ON COMMIT DROP AS
SELECT n, product, location, quantity, order_n, at, row_number() OVER level AS nth, sum(quantity) OVER level AS after
FROM old_lines WHERE is_open WINDOW level AS (PARTITION BY product, location ORDER BY n);

INSERT INTO inventory_levels (id, product_id, location_id, on_hand, committed, safety_stock, available, reorder_point, version, as_of)
SELECT pg_temp.id('lvl', l.n), product, location, on_hand, coalesce(held, 0), 10, on_hand - coalesce(held, 0) - 10, 50, 1 + coalesce(claims, 0), now()
FROM old_levels l LEFT JOIN (
    SELECT product, location, sum(quantity) AS held, count(*) AS claims FROM old_claims GROUP BY product, location
) AS c USING (product, location) ORDER BY l.n;

-- The ledger: a line that opens each level, and one for each claim on it.
INSERT INTO inventory_movements (id, product_id, location_id, level_version, reason, actor, actor_role, on_hand_delta,
    safety_stock_delta, changes, occurred_at, recorded_at)
SELECT pg_temp.id('mov', n), product, location, 1, 'COUNTED', 'operator', 'OPERATOR', on_hand, 10,
    json_build_array(json_build_object('state', 'ON_HAND', 'delta', on_hand, 'after', on_hand),
        json_build_object('state', 'SAFETY_STOCK', 'delta', 10, 'after', 10)), now(), now()
FROM old_levels ORDER BY n;

INSERT INTO inventory_movements (id, product_id, location_id, level_version, reason, reference, actor, actor_role, committed_delta,
    changes, occurred_at, recorded_at)
SELECT pg_temp.id('mov', 1000000 + n), product, location, 1 + nth, 'COMMITTED', (100001 + order_n)::text, 'shop-' || order_n % 20, 'STOREFRONT',
    quantity, json_build_array(json_build_object('state', 'COMMITTED', 'delta', quantity, 'after', after)), at, now()
FROM old_claims ORDER BY n;
