-- One order of two lines, a statement a round trip: the rows that Redline writes
-- for it. For pgbench.
--
-- This is "decide under locks" plainly written: all levels of both products are
-- locked before it is decided where the order ships from, and stay locked while
-- the rows are written. A shop that decides first, inserts, and takes of the two
-- levels last and only where there is enough, waits less at a hot product.
--
-- Given with -D: products (how many there are), hot (1: the first line is always
-- of the same product), pad (an audit entry's request id), and order_event and
-- level_event, payloads as Redline writes them.
\set first CASE WHEN :hot = 1 THEN 0 ELSE random(0, :products - 1) END
\set second random(0, :products - 2)
\set second CASE WHEN :second >= :first THEN :second + 1 ELSE :second END
\set key random(1, 9000000000000000000)
\set tail random(10000000000, 99999999999)

BEGIN;

-- Has this key an outcome already? Whoever else has it now is at work on it.
SELECT pg_try_advisory_xact_lock(:key) AS locked, k.input_hash, k.outcome
FROM (SELECT 1) AS one LEFT JOIN idempotency_keys k
    ON (k.issuer, k.subject, k.operation, k.key) = ('redline', 'pgbench', 'orderPlace', 'pgbench-' || :key);

-- The products, the order's number, and what all its ids begin with.
SELECT a.id AS product_a, b.id AS product_b, a.price AS price_a, b.price AS price_b, a.price + 2 * b.price AS total,
    nextval('order_numbers') AS number, bench_time() || 'e008' || :tail AS id, clock_timestamp() AS now
FROM products a, products b
WHERE a.sku = 'RL-' || lpad(:first::text, 6, '0') AND b.sku = 'RL-' || lpad(:second::text, 6, '0') \gset

-- All levels of both, locked in one order, and the nearest location with enough.
WITH levels AS MATERIALIZED (
    SELECT id, product_id, location_id, available, committed, version FROM inventory_levels
    WHERE product_id IN (:product_a, :product_b) ORDER BY product_id, location_id FOR NO KEY UPDATE
)
SELECT loc.id AS location, a.id AS level_a, b.id AS level_b, a.version + 1 AS version_a, b.version + 1 AS version_b,
    a.committed + 1 AS after_a, b.committed + 2 AS after_b
FROM levels a JOIN levels b ON b.location_id = a.location_id JOIN locations loc ON loc.id = a.location_id
WHERE a.product_id = :product_a AND b.product_id = :product_b AND a.available >= 1 AND b.available >= 2
ORDER BY loc.lead_time_days, loc.code LIMIT 1 \gset

INSERT INTO orders (id, number, owner_issuer, owner_subject, external_reference, customer_id, customer_name, customer_email, status,
    currency, total, ship_to, placed_at, updated_at)
VALUES ('ord_' || :id || '0', :number, 'redline', 'pgbench', 'web-' || :key, 'c-' || :first, 'Ann Miller', 'ann.miller@example.com', 'PENDING',
    'USD', :total, '{"name": "Ann Miller", "lines": ["12 Harbour Street"], "city": "Portland", "region": "OR", "postalCode": "97201", "country": "US"}',
    :now, :now);

INSERT INTO order_lines (id, order_id, position, product_id, quantity, open, backordered, shipped, cancelled, unit_price, total)
VALUES ('line_' || :id || '1', 'ord_' || :id || '0', 0, :product_a, 1, 1, 0, 0, 0, :price_a, :price_a),
    ('line_' || :id || '2', 'ord_' || :id || '0', 1, :product_b, 2, 2, 0, 0, 0, :price_b, 2 * :price_b::numeric);

INSERT INTO fulfillment_orders (id, order_id, location_id, status, submitted_at)
VALUES ('fo_' || :id || '3', 'ord_' || :id || '0', :location, 'SUBMITTED', :now);

INSERT INTO fulfillment_order_lines (id, fulfillment_order_id, order_line_id, quantity)
VALUES ('foline_' || :id || '4', 'fo_' || :id || '3', 'line_' || :id || '1', 1),
    ('foline_' || :id || '5', 'fo_' || :id || '3', 'line_' || :id || '2', 2);

INSERT INTO order_status_changes (order_id, order_version, to_status, actor, at)
VALUES ('ord_' || :id || '0', 1, 'PENDING', 'pgbench', :now);

UPDATE inventory_levels l SET committed = committed + taken.n, available = available - taken.n, version = version + 1
FROM (VALUES (:level_a, 1), (:level_b, 2)) AS taken (id, n) WHERE l.id = taken.id;

INSERT INTO inventory_movements (id, product_id, location_id, level_version, reason, reference, actor, actor_role, committed_delta,
    changes, occurred_at, recorded_at)
VALUES ('mov_' || :id || '6', :product_a, :location, :version_a, 'COMMITTED', :number, 'pgbench', 'STOREFRONT', 1,
        json_build_array(json_build_object('state', 'COMMITTED', 'delta', 1, 'after', :after_a::int)), :now, :now),
    ('mov_' || :id || '7', :product_b, :location, :version_b, 'COMMITTED', :number, 'pgbench', 'STOREFRONT', 2,
        json_build_array(json_build_object('state', 'COMMITTED', 'delta', 2, 'after', :after_b::int)), :now, :now);

INSERT INTO events (type, subject_id, at, payload)
VALUES ('level.changed', :level_a, :now, :level_event), ('level.changed', :level_b, :now, :level_event),
    ('order.changed', 'ord_' || :id || '0', :now, :order_event);

INSERT INTO audit_entries (id, issuer, actor, role, action, subject, request_id, outcome)
VALUES ('audit_' || :id || '8', 'redline', 'pgbench', 'STOREFRONT', 'orderPlace', 'ord_' || :id || '0', :pad, 'OK');

INSERT INTO idempotency_keys (issuer, subject, operation, key, input_hash, outcome, created_at)
VALUES ('redline', 'pgbench', 'orderPlace', 'pgbench-' || :key, sha256(('pgbench-' || :key)::bytea),
    json_build_object('result', 'ord_' || :id || '0', 'eventId', lastval()), clock_timestamp());

COMMIT;
