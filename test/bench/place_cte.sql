-- The same order as in place_plain.sql, decided under the same locks, all of it
-- in one statement and so in one round trip. For pgbench, with the same variables.
\set first CASE WHEN :hot = 1 THEN 0 ELSE random(0, :products - 1) END
\set second random(0, :products - 2)
\set second CASE WHEN :second >= :first THEN :second + 1 ELSE :second END
\set key random(1, 9000000000000000000)
\set tail random(10000000000, 99999999999)

WITH
-- Nothing is done where the key has an outcome, or somebody else is at work on it.
claimed AS MATERIALIZED (
    SELECT FROM (SELECT pg_try_advisory_xact_lock(:key) AS locked) AS l
    WHERE locked AND NOT EXISTS (SELECT FROM idempotency_keys k
        WHERE (k.issuer, k.subject, k.operation, k.key) = ('redline', 'pgbench', 'orderPlace', 'pgbench-' || :key))
), o AS MATERIALIZED (
    SELECT a.id AS product_a, b.id AS product_b, a.price AS price_a, b.price AS price_b, a.price + 2 * b.price AS total,
        nextval('order_numbers')::text AS number, bench_time() || 'e008' || :tail AS id
    FROM claimed, products a, products b
    WHERE a.sku = 'RL-' || lpad(:first::text, 6, '0') AND b.sku = 'RL-' || lpad(:second::text, 6, '0')
), levels AS MATERIALIZED (
    SELECT l.id, l.product_id, l.location_id, l.available, clock_timestamp() AS at FROM inventory_levels l
    WHERE l.product_id = ANY (ARRAY(SELECT unnest(ARRAY[product_a, product_b]) FROM o))
    ORDER BY l.product_id, l.location_id FOR NO KEY UPDATE
), chosen AS MATERIALIZED (
    SELECT o.*, loc.id AS location, greatest(a.at, b.at) AS now
    FROM o JOIN levels a ON a.product_id = o.product_a
        JOIN levels b ON (b.product_id, b.location_id) = (o.product_b, a.location_id) JOIN locations loc ON loc.id = a.location_id
    WHERE a.available >= 1 AND b.available >= 2 ORDER BY loc.lead_time_days, loc.code LIMIT 1
), lines AS MATERIALIZED (
    SELECT c.*, n, product, quantity, price
    FROM chosen c, LATERAL (VALUES (0, product_a, 1, price_a), (1, product_b, 2, price_b)) AS l (n, product, quantity, price)
), new_order AS (
    INSERT INTO orders (id, number, owner_issuer, owner_subject, external_reference, customer_id, customer_name, customer_email, status,
        currency, total, ship_to, placed_at, updated_at)
    SELECT 'ord_' || id || '0', number, 'redline', 'pgbench', 'web-' || :key, 'c-' || :first, 'Ann Miller', 'ann.miller@example.com', 'PENDING',
        'USD', total, '{"name": "Ann Miller", "lines": ["12 Harbour Street"], "city": "Portland", "region": "OR", "postalCode": "97201", "country": "US"}',
        now, now FROM chosen
), new_lines AS (
    INSERT INTO order_lines (id, order_id, position, product_id, quantity, open, backordered, shipped, cancelled, unit_price, total)
    SELECT 'line_' || id || 1 + n, 'ord_' || id || '0', n, product, quantity, quantity, 0, 0, 0, price, quantity * price FROM lines
), part AS (
    INSERT INTO fulfillment_orders (id, order_id, location_id, status, submitted_at)
    SELECT 'fo_' || id || '3', 'ord_' || id || '0', location, 'SUBMITTED', now FROM chosen
), part_lines AS (
    INSERT INTO fulfillment_order_lines (id, fulfillment_order_id, order_line_id, quantity)
    SELECT 'foline_' || id || 4 + n, 'fo_' || id || '3', 'line_' || id || 1 + n, quantity FROM lines
), history AS (
    INSERT INTO order_status_changes (order_id, order_version, to_status, actor, at)
    SELECT 'ord_' || id || '0', 1, 'PENDING', 'pgbench', now FROM chosen
), taken AS (
    UPDATE inventory_levels l SET committed = l.committed + lines.quantity, available = l.available - lines.quantity, version = l.version + 1
    FROM lines WHERE (l.product_id, l.location_id) = (lines.product, lines.location)
    RETURNING l.id AS level, l.version, l.committed AS after, lines.*
), movements AS (
    INSERT INTO inventory_movements (id, product_id, location_id, level_version, reason, reference, actor, actor_role, committed_delta,
        changes, occurred_at, recorded_at)
    SELECT 'mov_' || id || 6 + n, product, location, version, 'COMMITTED', number, 'pgbench', 'STOREFRONT', quantity,
        json_build_array(json_build_object('state', 'COMMITTED', 'delta', quantity, 'after', after)), now, now FROM taken
), told AS (
    INSERT INTO events (type, subject_id, at, payload)
    SELECT 'level.changed', level, now, :level_event::json FROM taken
    UNION ALL SELECT 'order.changed', 'ord_' || id || '0', now, :order_event::json FROM chosen
    RETURNING id
), audited AS (
    INSERT INTO audit_entries (id, issuer, actor, role, action, subject, request_id, outcome)
    SELECT 'audit_' || id || '8', 'redline', 'pgbench', 'STOREFRONT', 'orderPlace', 'ord_' || id || '0', :pad, 'OK' FROM chosen
)
INSERT INTO idempotency_keys (issuer, subject, operation, key, input_hash, outcome, created_at)
SELECT 'redline', 'pgbench', 'orderPlace', 'pgbench-' || :key, sha256(('pgbench-' || :key)::bytea),
    json_build_object('result', 'ord_' || id || '0', 'eventId', (SELECT max(id) FROM told)), clock_timestamp() FROM chosen;
