-- Fills a migrated database with what a shop has after years: 10,000 products,
-- 50,000 levels and 100,000 orders. An id is its type's prefix and a number, in
-- what is otherwise a UUIDv7 of zeros.

CREATE FUNCTION pg_temp.id(prefix text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT prefix || '_0000000000e008' || lpad(n::text, 12, '0') $$;

INSERT INTO suppliers (id, code, name)
SELECT pg_temp.id('sup', n), 'sup-' || n, 'Supplier ' || n FROM generate_series(0, 29) n;

-- Three warehouses of ours, then one location of each supplier.
INSERT INTO locations (id, code, name, kind, supplier_id, lead_time_days)
SELECT pg_temp.id('loc', n), 'loc-' || n, 'Location ' || n, CASE WHEN n < 3 THEN 'WAREHOUSE' ELSE 'SUPPLIER' END,
    CASE WHEN n >= 3 THEN pg_temp.id('sup', n - 3) END, n % 9
FROM generate_series(0, 32) n;

INSERT INTO products (id, sku, name, description, brand, category, base_unit, price, currency, active, updated_at)
SELECT pg_temp.id('prod', n), 'SKU-' || n, 'Part ' || md5(n::text), 'Fits model ' || n % 700, 'Brand ' || n % 50, 'Category ' || n % 20,
    'PIECE', n % 5000 + 0.5, 'USD', n % 50 <> 0, now() - n * interval '1 minute'
FROM generate_series(0, 9999) n;

INSERT INTO supplier_items (id, supplier_id, product_id, supplier_sku, gtin, unit, pack_quantity)
SELECT pg_temp.id('sitem', n), pg_temp.id('sup', n % 30), pg_temp.id('prod', n), 'S' || n, lpad(n::text, 13, '0'), 'CASE', 1 + n % 24
FROM generate_series(0, 9999) n;

INSERT INTO supplier_item_versions (supplier_item_id, version, product_id, gtin, unit, pack_quantity, minimum_order_quantity, order_multiple,
    actor, actor_role, at)
SELECT id, v, product_id, gtin, unit, pack_quantity, minimum_order_quantity, order_multiple, 'erp', 'SUPPLIER', now()
FROM supplier_items, generate_series(1, 3) v;
UPDATE supplier_items SET version = 3;

-- Each product in the three warehouses, at its supplier and at another.
INSERT INTO inventory_levels (id, product_id, location_id, on_hand, available, reorder_point, version, as_of, stale)
SELECT pg_temp.id('lvl', 5 * n + k), pg_temp.id('prod', n), pg_temp.id('loc', CASE WHEN k < 3 THEN k ELSE 3 + (n + 15 * (k - 3)) % 30 END),
    (n + 3 * k) % 11 * 10, (n + 3 * k) % 11 * 10, 20, 2, now() - n * interval '1 second', n % 500 = 0
FROM generate_series(0, 9999) n, generate_series(0, 4) k;

INSERT INTO inventory_movements (id, product_id, location_id, level_version, reason, reference, actor, actor_role, on_hand_delta,
    changes, occurred_at, recorded_at)
SELECT pg_temp.id('mov', row_number() OVER (ORDER BY v, l.id)), l.product_id, l.location_id, v, CASE v WHEN 1 THEN 'COUNTED' ELSE 'RECEIVED' END,
    CASE v WHEN 2 THEN 'delivery ' || right(l.id, 3) END, 'olga', 'OPERATOR', 0, '[]', at, at
FROM inventory_levels l, generate_series(1, 2) v, LATERAL (SELECT l.as_of - (3 - v) * interval '10 days' AS at) t;

-- Most orders are long delivered; one in twenty is not.
INSERT INTO orders (id, number, owner_issuer, owner_subject, external_reference, customer_id, status, currency, total, placed_at, updated_at)
SELECT pg_temp.id('ord', n), (100001 + n)::text, 'redline', 'shop-' || n % 200, 'ref-' || n, 'customer-' || n % 5000,
    CASE WHEN n % 20 > 0 THEN 'DELIVERED' WHEN n % 40 > 0 THEN 'PENDING' ELSE 'PROCESSING' END, 'USD', n % 900 + 1.5,
    now() - (100000 - n) * interval '10 minutes', now() - (100000 - n) * interval '9 minutes'
FROM generate_series(0, 99999) n;
SELECT setval('order_numbers', 200000);

INSERT INTO order_status_changes (order_id, order_version, from_status, to_status, actor, at)
SELECT id, 1, NULL, 'PENDING', owner_subject, placed_at FROM orders;

-- Two lines each, shipped where the order is delivered; a few wait for stock.
INSERT INTO order_lines (id, order_id, position, product_id, quantity, open, backordered, shipped, cancelled, unit_price, total)
SELECT pg_temp.id('line', 2 * n + k), pg_temp.id('ord', n), k, pg_temp.id('prod', (7 * n + 13 * k) % 10000), 1,
    (n % 20 = 0 AND n % 4000 <> 20)::int, (n % 4000 = 20)::int, (n % 20 > 0)::int, 0, 1, 1
FROM generate_series(0, 99999) n, generate_series(0, 1) k;

-- One part each; a third of them at suppliers.
INSERT INTO fulfillment_orders (id, order_id, location_id, supplier_id, status, submitted_at, acknowledge_by)
SELECT pg_temp.id('fo', n), o.id, pg_temp.id('loc', CASE WHEN n % 3 > 0 THEN n % 3 ELSE 3 + n / 3 % 30 END),
    CASE WHEN n % 3 = 0 THEN pg_temp.id('sup', n / 3 % 30) END,
    CASE WHEN n % 20 > 0 THEN 'CLOSED' WHEN n % 40 > 0 THEN 'SUBMITTED' ELSE 'ACCEPTED' END, o.placed_at, o.placed_at + interval '1 day'
FROM generate_series(0, 99999) n JOIN orders o ON o.id = pg_temp.id('ord', n);

INSERT INTO fulfillment_order_lines (id, fulfillment_order_id, order_line_id, quantity, shipped)
SELECT pg_temp.id('foline', 2 * n + k), pg_temp.id('fo', n), pg_temp.id('line', 2 * n + k), 1, (n % 20 > 0)::int
FROM generate_series(0, 99999) n, generate_series(0, 1) k;

INSERT INTO fulfillments (id, fulfillment_order_id, status, shipped_at)
SELECT pg_temp.id('ship', n), pg_temp.id('fo', n), 'DELIVERED', now() FROM generate_series(0, 99999) n WHERE n % 20 > 0;
INSERT INTO fulfillment_lines (fulfillment_id, fulfillment_order_line_id, quantity)
SELECT pg_temp.id('ship', n), pg_temp.id('foline', 2 * n + k), 1
FROM generate_series(0, 99999) n, generate_series(0, 1) k WHERE n % 20 > 0;

-- Of every tenth order something came back, which the lines don't know.
INSERT INTO returns (id, order_id, status, created_at, updated_at)
SELECT pg_temp.id('ret', n), pg_temp.id('ord', n), 'CANCELLED', now(), now() FROM generate_series(1, 99999, 10) n;
INSERT INTO return_lines (id, return_id, order_line_id, quantity)
SELECT pg_temp.id('retline', n), pg_temp.id('ret', n), pg_temp.id('line', 2 * n), 1 FROM generate_series(1, 99999, 10) n;

INSERT INTO events (type, subject_id, at, payload)
SELECT 'level.changed', pg_temp.id('lvl', n), now(), '{}' FROM generate_series(0, 19999) n;

INSERT INTO tickets (hash, principal, operation, expires_at)
SELECT sha256(n::text::bytea), '{}', '{}', now() + n * interval '1 minute' FROM generate_series(1, 20000) n;

INSERT INTO audit_entries (id, at, issuer, actor, role, action, subject, request_id, outcome)
SELECT pg_temp.id('audit', n), now() - (20000 - n) * interval '10 minutes', 'redline', 'shop-' || n % 200, 'STOREFRONT', 'orderPlace',
    pg_temp.id('ord', n), '', 'OK'
FROM generate_series(0, 19999) n;

INSERT INTO idempotency_keys (issuer, subject, operation, key, input_hash, outcome, created_at)
SELECT issuer, actor, action, id, '', '{}', at FROM audit_entries;

-- Most conflicts are long settled; one in twenty is not.
INSERT INTO conflicts (id, kind, status, cause, supplier_id, summary, facts, resolution, opened_at, updated_at, resolved_at)
SELECT pg_temp.id('conf', n), CASE WHEN n % 7 > 1 THEN 'UNMAPPED_SKU' WHEN n % 7 = 1 THEN 'OVERSOLD' WHEN n % 1000 = 0 THEN 'MASS_ZEROING' ELSE 'STALE_FEED' END,
    CASE WHEN n % 20 = 0 THEN 'OPEN' WHEN n % 20 < 18 THEN 'RESOLVED' ELSE 'DISMISSED' END, 'cause ' || n, pg_temp.id('sup', n % 30), '', '[]',
    CASE WHEN n % 20 > 0 THEN 'done' END, at, at, CASE WHEN n % 20 > 0 THEN at END
FROM generate_series(0, 49999) n, LATERAL (SELECT now() - (50000 - n) * interval '10 minutes' AS at) t;

-- One in twenty reservations is active, and has hours to go.
INSERT INTO reservations (id, owner_issuer, owner_subject, status, expires_at, created_at, updated_at)
SELECT pg_temp.id('res', n), 'redline', 'shop-' || n % 200, CASE WHEN n % 20 = 0 THEN 'ACTIVE' WHEN n % 2 = 0 THEN 'RELEASED' ELSE 'EXPIRED' END,
    CASE WHEN n % 20 = 0 THEN now() + interval '5 hours' ELSE now() - n * interval '1 minute' END, now(), now()
FROM generate_series(0, 49999) n;
INSERT INTO reservation_lines (reservation_id, position, product_id, location_id, quantity)
SELECT pg_temp.id('res', n), k, pg_temp.id('prod', (7 * n + 13 * k) % 10000), pg_temp.id('loc', 1), 1
FROM generate_series(0, 49999) n, generate_series(0, 1) k;

-- The feeds of ninety days that a person decided on, and one of every other
-- supplier that waits.
INSERT INTO supplier_feeds_held (id, supplier_id, status, sequence, as_of, reference, input, actor, held_at)
SELECT pg_temp.id('feed', n), pg_temp.id('sup', n % 30), CASE WHEN n >= 9970 AND n % 2 = 0 THEN 'HELD' WHEN n % 3 = 0 THEN 'APPLIED' ELSE 'DISMISSED' END,
    n, at, 'feed ' || n, '{}', 'erp', at
FROM generate_series(0, 9999) n, LATERAL (SELECT now() - (10000 - n) * interval '13 minutes' AS at) t;

-- What came of feeds, those that were kept among them.
INSERT INTO supplier_feeds (id, supplier_id, sequence, mode, measure, as_of, received_at, actor, actor_role, rows, applied, unchanged, rejected, emptied)
SELECT pg_temp.id('feed', n), pg_temp.id('sup', n % 30), n, 'FULL', 'ON_HAND', at, at, 'erp', 'SUPPLIER', 1, 1, 0, 0, 0
FROM generate_series(0, 49999) n, LATERAL (SELECT now() - (50000 - n) * interval '2 minutes' AS at) t;

-- Clients of each supplier, most of them revoked long ago.
INSERT INTO clients (id, name, role, created_at, created_by, revoked_at, version)
SELECT pg_temp.id('cli', n), 'ERP ' || n, 'SUPPLIER', at, 'ada', CASE WHEN n % 20 > 0 THEN at + interval '1 day' END, 1
FROM generate_series(0, 19999) n, LATERAL (SELECT now() - (20000 - n) * interval '1 hour' AS at) t;
INSERT INTO client_suppliers (client_id, supplier_id) SELECT pg_temp.id('cli', n), pg_temp.id('sup', n % 30) FROM generate_series(0, 19999) n;
INSERT INTO client_secrets (hash, client_id, created_at)
SELECT sha256(n::text::bytea), pg_temp.id('cli', n), now() - (20000 - n) * interval '1 hour' FROM generate_series(0, 19999, 20) n;
