-- A supplier of its own with as many items as bench.items says, and one location
-- where all of them lie: half of them products that are at our locations too,
-- half that only the supplier has. It packs them by 1 to 24, and has a hundred
-- thousand packs of each.

CREATE FUNCTION pg_temp.supplied(prefix text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT prefix || '_0000000000e009' || lpad(n::text, 12, '0') $$;

INSERT INTO suppliers (id, code, name, confirm_within_seconds) VALUES (pg_temp.supplied('sup', 0), 'bench-supplier', 'Bench Supplier', 86400);
INSERT INTO locations (id, code, name, kind, supplier_id, lead_time_days)
VALUES (pg_temp.supplied('loc', 0), 'BENCH-SUPPLIER', 'Bench Supplier, Reno', 'SUPPLIER', pg_temp.supplied('sup', 0), 4);

INSERT INTO products (id, sku, name, description, brand, category, base_unit, price, currency, attributes)
SELECT pg_temp.supplied('prod', n), 'BS-' || lpad(n::text, 6, '0'), name || ', supplied', description, brand, category, base_unit, price, currency, attributes
FROM generate_series(0, current_setting('bench.items')::int / 2 - 1) n JOIN products ON sku = 'RL-' || lpad(n::text, 6, '0');

CREATE TEMPORARY TABLE supplied ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY sku) - 1 AS n, id AS product, base_unit, 1 + (row_number() OVER (ORDER BY sku))::int % 24 AS pack
FROM products WHERE sku LIKE 'BS-%' OR sku LIKE 'RL-%' AND substr(sku, 4)::int < current_setting('bench.items')::int / 2;

INSERT INTO supplier_items (id, supplier_id, product_id, supplier_sku, unit, pack_quantity)
SELECT pg_temp.supplied('sitem', n), pg_temp.supplied('sup', 0), product, 'B' || lpad(n::text, 6, '0'),
    CASE pack WHEN 1 THEN base_unit ELSE 'CASE' END, pack
FROM supplied ORDER BY n;
INSERT INTO supplier_item_versions SELECT id, version, product_id, gtin, unit, pack_quantity, minimum_order_quantity, order_multiple,
    lead_time_days, cost, currency, 'operator', 'OPERATOR', now() FROM supplier_items WHERE supplier_id = pg_temp.supplied('sup', 0) ORDER BY id;

INSERT INTO inventory_levels (id, product_id, location_id, on_hand, available, version, as_of)
SELECT pg_temp.supplied('lvl', n), product, pg_temp.supplied('loc', 0), 100000 * pack, 100000 * pack, 1, now() FROM supplied ORDER BY n;
INSERT INTO inventory_movements (id, product_id, location_id, level_version, reason, actor, actor_role, on_hand_delta, changes, occurred_at, recorded_at)
SELECT pg_temp.supplied('mov', n), product, pg_temp.supplied('loc', 0), 1, 'SUPPLIER_FEED', 'operator', 'OPERATOR', 100000 * pack,
    json_build_array(json_build_object('state', 'ON_HAND', 'delta', 100000 * pack, 'after', 100000 * pack)), now(), now()
FROM supplied ORDER BY n;
