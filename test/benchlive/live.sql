-- Products that are watched, LV-000000 and on: as many as bench.watched says, with
-- stock at one location of ours, whose every change adds one.
CREATE FUNCTION pg_temp.id(prefix text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT prefix || '_0000000000e008' || lpad(n::text, 12, '0') $$;

INSERT INTO products (id, sku, name, category, base_unit, price, currency)
SELECT pg_temp.id('prod', n), sku, 'Watched part ' || sku, 'brakes', 'PIECE', 10, 'USD'
FROM (SELECT n, 'LV-' || lpad(n::text, 6, '0') AS sku FROM generate_series(0, current_setting('bench.watched')::int - 1) n) AS w ORDER BY n;

INSERT INTO inventory_levels (id, product_id, location_id, on_hand, available, version, as_of)
SELECT pg_temp.id('lvl', n), pg_temp.id('prod', n), (SELECT id FROM locations WHERE kind = 'WAREHOUSE' ORDER BY code LIMIT 1), 1000, 1000, 1, now()
FROM generate_series(0, current_setting('bench.watched')::int - 1) n ORDER BY n;
