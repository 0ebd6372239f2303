-- +goose Up

-- Numbers for people. Northwind's own reach from 10248 to 11077.
CREATE SEQUENCE order_numbers START 100001;

CREATE TABLE orders (
    id                 text COLLATE "C" PRIMARY KEY,
    number             text COLLATE "C" NOT NULL UNIQUE,
    owner_issuer       text COLLATE "C" NOT NULL,
    owner_subject      text COLLATE "C" NOT NULL,
    external_reference text COLLATE "C",
    customer_id        text COLLATE "C",
    customer_name      text,
    customer_email     text,
    status             text NOT NULL,
    hold_reason        text,
    currency           text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total              numeric(20, 6) NOT NULL CHECK (total >= 0),
    ship_to            json,
    version            integer NOT NULL DEFAULT 1,
    placed_at          timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    CONSTRAINT order_reference_once UNIQUE (owner_issuer, owner_subject, external_reference),
    CONSTRAINT held_with_a_reason CHECK ((status = 'ON_HOLD') = (hold_reason IS NOT NULL))
);
CREATE INDEX orders_by_placed_at ON orders (placed_at, id);
CREATE INDEX orders_by_updated_at ON orders (updated_at, id);
CREATE INDEX orders_by_total ON orders (total, id);
CREATE INDEX orders_by_status ON orders (status, placed_at, id);
CREATE INDEX orders_by_reference ON orders (external_reference) WHERE external_reference IS NOT NULL;
CREATE INDEX orders_by_owner ON orders (owner_issuer, owner_subject, placed_at, id);
-- For customers too, who see their issuer's alone: an id names hardly more than
-- one person, and another index would cost every order.
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at, id) WHERE customer_id IS NOT NULL;

CREATE TABLE order_lines (
    id          text COLLATE "C" PRIMARY KEY,
    order_id    text COLLATE "C" NOT NULL REFERENCES orders,
    position    integer NOT NULL,
    product_id  text COLLATE "C" NOT NULL REFERENCES products,
    quantity    integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000000000),
    open        integer NOT NULL CHECK (open >= 0),
    backordered integer NOT NULL CHECK (backordered >= 0),
    shipped     integer NOT NULL CHECK (shipped >= 0),
    cancelled   integer NOT NULL CHECK (cancelled >= 0),
    returned    integer NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND shipped),
    unit_price  numeric(20, 6) NOT NULL CHECK (unit_price >= 0),
    discount    numeric(20, 6) NOT NULL DEFAULT 0 CHECK (discount >= 0),
    total       numeric(20, 6) NOT NULL CHECK (total >= 0),
    UNIQUE (order_id, position),
    CONSTRAINT line_adds_up CHECK (quantity::bigint = open::bigint + backordered + shipped + cancelled)
);
CREATE INDEX order_lines_by_product ON order_lines (product_id, order_id);

CREATE TABLE fulfillment_orders (
    id             text COLLATE "C" PRIMARY KEY,
    order_id       text COLLATE "C" NOT NULL REFERENCES orders,
    location_id    text COLLATE "C" NOT NULL REFERENCES locations,
    -- The location's supplier, here so that a supplier's inbox is one index.
    supplier_id    text COLLATE "C" REFERENCES suppliers,
    status         text NOT NULL,
    version        integer NOT NULL DEFAULT 1,
    submitted_at   timestamptz NOT NULL,
    acknowledge_by timestamptz
);
CREATE INDEX fulfillment_orders_by_order ON fulfillment_orders (order_id, id);
-- Most parts are our own, and cost these nothing.
CREATE INDEX fulfillment_orders_by_supplier ON fulfillment_orders (supplier_id, order_id) WHERE supplier_id IS NOT NULL;
CREATE INDEX fulfillment_orders_inbox ON fulfillment_orders (supplier_id, submitted_at, id) WHERE supplier_id IS NOT NULL;
CREATE INDEX fulfillment_orders_by_location ON fulfillment_orders (location_id, submitted_at, id);
CREATE INDEX fulfillment_orders_by_status ON fulfillment_orders (status, submitted_at, id);
CREATE INDEX fulfillment_orders_by_submitted_at ON fulfillment_orders (submitted_at, id);

CREATE TABLE fulfillment_order_lines (
    id                   text COLLATE "C" PRIMARY KEY,
    fulfillment_order_id text COLLATE "C" NOT NULL REFERENCES fulfillment_orders,
    order_line_id        text COLLATE "C" NOT NULL REFERENCES order_lines,
    quantity             integer NOT NULL CHECK (quantity >= 1),
    accepted             integer CHECK (accepted BETWEEN 0 AND quantity),
    shipped              integer NOT NULL DEFAULT 0 CHECK (shipped BETWEEN 0 AND coalesce(accepted, quantity)),
    -- As the supplier names, sells and packs it, frozen when the line was made.
    supplier_sku         text COLLATE "C",
    supplier_unit        text,
    pack_quantity        integer,
    supplier_quantity    integer,
    UNIQUE (fulfillment_order_id, order_line_id)
);
CREATE INDEX fulfillment_order_lines_by_order_line ON fulfillment_order_lines (order_line_id);

CREATE TABLE fulfillments (
    id                   text COLLATE "C" PRIMARY KEY,
    fulfillment_order_id text COLLATE "C" NOT NULL REFERENCES fulfillment_orders,
    status               text NOT NULL,
    carrier              text,
    tracking_number      text,
    tracking_url         text,
    shipped_at           timestamptz,
    delivered_at         timestamptz
);
CREATE INDEX fulfillments_by_fulfillment_order ON fulfillments (fulfillment_order_id, id);

CREATE TABLE fulfillment_lines (
    fulfillment_id            text COLLATE "C" NOT NULL REFERENCES fulfillments,
    fulfillment_order_line_id text COLLATE "C" NOT NULL REFERENCES fulfillment_order_lines,
    quantity                  integer NOT NULL CHECK (quantity >= 1),
    PRIMARY KEY (fulfillment_id, fulfillment_order_line_id)
);

CREATE TABLE order_status_changes (
    order_id    text COLLATE "C" NOT NULL REFERENCES orders,
    order_version integer NOT NULL,
    from_status text,
    to_status   text NOT NULL,
    actor       text NOT NULL,
    note        text,
    at          timestamptz NOT NULL,
    PRIMARY KEY (order_id, order_version)
);

-- +goose Down
DROP TABLE order_status_changes, fulfillment_lines, fulfillments, fulfillment_order_lines, fulfillment_orders, order_lines, orders;
DROP SEQUENCE order_numbers;
