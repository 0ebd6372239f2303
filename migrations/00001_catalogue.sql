-- +goose Up

-- Ids are a type prefix and a UUIDv7 in base 32, made by the program. They and
-- all codes sort by bytes, whatever the database's locale.

CREATE TABLE suppliers (
    id           text COLLATE "C" PRIMARY KEY,
    code         text COLLATE "C" NOT NULL UNIQUE,
    name         text NOT NULL,
    -- When it last told us anything; null where it never has.
    last_seen_at timestamptz
);

CREATE TABLE products (
    id          text COLLATE "C" PRIMARY KEY,
    sku         text COLLATE "C" NOT NULL UNIQUE,
    -- Sorted as people expect, and the same on every machine.
    name        text COLLATE "und-x-icu" NOT NULL,
    description text,
    brand       text,
    category    text NOT NULL,
    base_unit   text NOT NULL,
    price       numeric(20, 6) NOT NULL CHECK (price >= 0),
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    active      boolean NOT NULL DEFAULT true,
    attributes  jsonb NOT NULL DEFAULT '[]',
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    -- Words of what people search by; punctuation parts words, so that half a
    -- part number finds its product.
    search      tsvector NOT NULL GENERATED ALWAYS AS (
        to_tsvector('simple'::regconfig, regexp_replace(
            lower((sku || ' ' || name || ' ' || coalesce(brand, '') || ' ' || category || ' ' || coalesce(description, ''))
                COLLATE "und-x-icu"),
            '[^[:alnum:]]+', ' ', 'g'))
    ) STORED
);
CREATE INDEX products_by_name ON products (name, id);
CREATE INDEX products_by_price ON products (price, id);
CREATE INDEX products_by_updated_at ON products (updated_at, id);
CREATE INDEX products_by_category ON products (category, name, id);
CREATE INDEX products_by_brand ON products (brand, name, id);
CREATE INDEX products_withdrawn ON products (name, id) WHERE NOT active;
CREATE INDEX products_by_search ON products USING gin (search);

CREATE TABLE supplier_items (
    id                     text COLLATE "C" PRIMARY KEY,
    supplier_id            text COLLATE "C" NOT NULL REFERENCES suppliers,
    product_id             text COLLATE "C" NOT NULL REFERENCES products,
    supplier_sku           text COLLATE "C" NOT NULL,
    gtin                   text COLLATE "C",
    unit                   text NOT NULL,
    pack_quantity          integer NOT NULL CHECK (pack_quantity BETWEEN 1 AND 1000000000),
    minimum_order_quantity integer NOT NULL DEFAULT 1 CHECK (minimum_order_quantity BETWEEN 1 AND 1000000000),
    order_multiple         integer NOT NULL DEFAULT 1 CHECK (order_multiple BETWEEN 1 AND 1000000000),
    lead_time_days         integer CHECK (lead_time_days >= 0),
    cost                   numeric(20, 6) CHECK (cost >= 0),
    currency               text CHECK (currency ~ '^[A-Z]{3}$'),
    version                integer NOT NULL DEFAULT 1,
    UNIQUE (supplier_id, supplier_sku),
    CHECK ((cost IS NULL) = (currency IS NULL))
);
CREATE INDEX supplier_items_by_product ON supplier_items (product_id, supplier_id);
CREATE INDEX supplier_items_by_gtin ON supplier_items (gtin) WHERE gtin IS NOT NULL;

CREATE TABLE locations (
    id             text COLLATE "C" PRIMARY KEY,
    code           text COLLATE "C" NOT NULL UNIQUE,
    name           text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('WAREHOUSE', 'STORE', 'SUPPLIER')),
    supplier_id    text COLLATE "C" REFERENCES suppliers,
    lead_time_days integer CHECK (lead_time_days >= 0),
    CHECK ((kind = 'SUPPLIER') = (supplier_id IS NOT NULL))
);
CREATE INDEX locations_by_supplier ON locations (supplier_id);

-- +goose Down
DROP TABLE locations, supplier_items, products, suppliers;
