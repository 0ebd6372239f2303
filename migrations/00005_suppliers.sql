-- +goose Up

-- What was agreed with a supplier.
ALTER TABLE suppliers
    -- How long a level stays confirmed; null is for ever.
    ADD COLUMN confirm_within_seconds     integer CHECK (confirm_within_seconds BETWEEN 1 AND 31536000),
    ADD COLUMN acknowledge_within_seconds integer NOT NULL DEFAULT 86400 CHECK (acknowledge_within_seconds BETWEEN 1 AND 31536000),
    -- A FULL feed that would empty more than this share of its levels waits for
    -- a person.
    ADD COLUMN zeroing_limit_percent      integer NOT NULL DEFAULT 20 CHECK (zeroing_limit_percent BETWEEN 0 AND 100),
    ADD COLUMN version                    integer NOT NULL DEFAULT 1,
    -- Until then every level of it is as stale, or not, as it has to be.
    ADD COLUMN stale_due_at               timestamptz NOT NULL DEFAULT '-infinity';

DROP TRIGGER tell_of_places ON suppliers;
CREATE TRIGGER tell_of_places AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF id, code, name, confirm_within_seconds, acknowledge_within_seconds, zeroing_limit_percent, version ON suppliers
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_places();

-- Every version of a supplier's item, the present one too.
CREATE TABLE supplier_item_versions (
    supplier_item_id       text COLLATE "C" NOT NULL REFERENCES supplier_items,
    version                integer NOT NULL,
    product_id             text COLLATE "C" NOT NULL REFERENCES products,
    gtin                   text COLLATE "C",
    unit                   text NOT NULL,
    pack_quantity          integer NOT NULL,
    minimum_order_quantity integer NOT NULL,
    order_multiple         integer NOT NULL,
    lead_time_days         integer,
    cost                   numeric(20, 6),
    currency               text,
    actor                  text NOT NULL,
    actor_role             text NOT NULL,
    at                     timestamptz NOT NULL,
    PRIMARY KEY (supplier_item_id, version)
);
INSERT INTO supplier_item_versions SELECT id, version, product_id, gtin, unit, pack_quantity, minimum_order_quantity, order_multiple,
    lead_time_days, cost, currency, 'redline', 'ADMIN', now() FROM supplier_items;

-- How long the supplier's item takes, beside the level that allocation looks at;
-- null where only the location says.
ALTER TABLE inventory_levels ADD COLUMN lead_time_days integer CHECK (lead_time_days >= 0);
UPDATE inventory_levels l SET lead_time_days = i.days FROM (
    SELECT i.product_id, loc.id AS location_id, min(i.lead_time_days) AS days
    FROM supplier_items i JOIN locations loc ON loc.supplier_id = i.supplier_id GROUP BY i.product_id, loc.id
) AS i WHERE (i.product_id, i.location_id) = (l.product_id, l.location_id) AND i.days IS NOT NULL;

-- As of when its supplier's newest feed found the level as we have it: what the
-- ledger has no line for.
ALTER TABLE inventory_levels ADD COLUMN confirmed_at timestamptz;
-- As of when its supplier's newest feed said how much of it is available; null where
-- that feed said how much is on hand. What is on hand by such a feed is reckoned with
-- our claims, and has the goods of shipments in it that we aren't told of yet.
ALTER TABLE inventory_levels ADD COLUMN available_at timestamptz;

-- The newest feed that was applied of each supplier. Its row is locked by whoever
-- applies another.
CREATE TABLE supplier_feed_heads (
    supplier_id text COLLATE "C" PRIMARY KEY REFERENCES suppliers,
    -- The newest of those that stated all of the supplier's stock.
    full_sequence bigint,
    full_as_of  timestamptz,
    sequence    bigint,
    as_of       timestamptz,
    -- The highest sequence that was applied, or kept for a person: what is missing
    -- comes after it.
    seen        bigint
);

-- Feeds that wait for a person, and what became of them.
CREATE TABLE supplier_feeds_held (
    id          text COLLATE "C" PRIMARY KEY,
    supplier_id text COLLATE "C" NOT NULL REFERENCES suppliers,
    status      text NOT NULL CHECK (status IN ('HELD', 'APPLIED', 'DISMISSED')),
    sequence    bigint,
    as_of       timestamptz NOT NULL,
    -- What the ledger says of where a change comes from.
    reference   text NOT NULL,
    input       json NOT NULL,
    actor       text NOT NULL,
    held_at     timestamptz NOT NULL
);
CREATE INDEX supplier_feeds_held_open ON supplier_feeds_held (supplier_id) WHERE status = 'HELD';
CREATE INDEX supplier_feeds_held_by_age ON supplier_feeds_held (held_at) WHERE status <> 'HELD';

-- +goose Down
DROP TABLE supplier_feeds_held, supplier_feed_heads, supplier_item_versions;
ALTER TABLE inventory_levels DROP COLUMN lead_time_days, DROP COLUMN confirmed_at, DROP COLUMN available_at;
DROP TRIGGER tell_of_places ON suppliers;
ALTER TABLE suppliers DROP COLUMN confirm_within_seconds, DROP COLUMN acknowledge_within_seconds, DROP COLUMN zeroing_limit_percent,
    DROP COLUMN version, DROP COLUMN stale_due_at;
CREATE TRIGGER tell_of_places AFTER INSERT OR UPDATE OF id, code, name OR DELETE OR TRUNCATE ON suppliers
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_places();
