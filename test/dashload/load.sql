-- Products that change, LOAD-00000 and on, as many as bench.more says, with stock at one
-- location of ours.
CREATE FUNCTION pg_temp.id(prefix text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT prefix || '_0000000000e009' || lpad(n::text, 12, '0') $$;

INSERT INTO products (id, sku, name, category, base_unit, price, currency)
SELECT pg_temp.id('prod', n), 'LOAD-' || lpad(n::text, 5, '0'), 'Part ' || n, 'brakes', 'PIECE', 10, 'USD'
FROM generate_series(0, current_setting('bench.more')::int - 1) n ORDER BY n;

INSERT INTO inventory_levels (id, product_id, location_id, on_hand, available, version, as_of)
SELECT pg_temp.id('lvl', n), pg_temp.id('prod', n), (SELECT id FROM locations WHERE kind = 'WAREHOUSE' ORDER BY code LIMIT 1), 1000, 1000, 1, now()
FROM generate_series(0, current_setting('bench.more')::int - 1) n ORDER BY n;
