-- +goose Up

ALTER TABLE orders ADD COLUMN allow_stale boolean NOT NULL DEFAULT true;

-- Where a line has to come from, where the shop said so.
ALTER TABLE order_lines ADD COLUMN location_id text COLLATE "C" REFERENCES locations;
-- Who waits for stock that arrives.
CREATE INDEX order_lines_backordered ON order_lines (product_id, order_id) WHERE backordered > 0;

-- What the part was before its cancellation was asked for.
ALTER TABLE fulfillment_orders ADD COLUMN status_before text,
    ADD CONSTRAINT asked_from_somewhere CHECK ((status = 'CANCELLATION_REQUESTED') = (status_before IS NOT NULL));
-- What was taken off a part again because its location couldn't keep it.
ALTER TABLE fulfillment_order_lines ADD COLUMN withdrawn integer NOT NULL DEFAULT 0 CHECK (withdrawn BETWEEN 0 AND quantity);
CREATE INDEX fulfillment_orders_overdue ON fulfillment_orders (acknowledge_by, id) WHERE status = 'SUBMITTED' AND acknowledge_by IS NOT NULL;

CREATE TABLE returns (
    id         text COLLATE "C" PRIMARY KEY,
    order_id   text COLLATE "C" NOT NULL REFERENCES orders,
    status     text NOT NULL,
    reason     text,
    version    integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX returns_by_order ON returns (order_id, id);

CREATE TABLE return_lines (
    id            text COLLATE "C" PRIMARY KEY,
    return_id     text COLLATE "C" NOT NULL REFERENCES returns,
    order_line_id text COLLATE "C" NOT NULL REFERENCES order_lines,
    quantity      integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000000000),
    restocked     integer NOT NULL DEFAULT 0 CHECK (restocked >= 0),
    written_off   integer NOT NULL DEFAULT 0 CHECK (written_off >= 0),
    UNIQUE (return_id, order_line_id),
    CONSTRAINT no_more_than_announced CHECK (restocked::bigint + written_off <= quantity)
);
CREATE INDEX return_lines_by_order_line ON return_lines (order_line_id);

-- How much of a line has come in of the goods of one supplier; of ours, or of nobody
-- knows whose, where that is null.
CREATE TABLE return_receipts (
    return_line_id text COLLATE "C" NOT NULL REFERENCES return_lines,
    supplier_id    text COLLATE "C" REFERENCES suppliers,
    restocked      integer NOT NULL CHECK (restocked >= 0),
    written_off    integer NOT NULL CHECK (written_off >= 0),
    UNIQUE NULLS NOT DISTINCT (return_line_id, supplier_id)
);

-- +goose Down
DROP TABLE return_receipts, return_lines, returns;
DROP INDEX fulfillment_orders_overdue, order_lines_backordered;
ALTER TABLE fulfillment_order_lines DROP COLUMN withdrawn;
ALTER TABLE fulfillment_orders DROP COLUMN status_before;
ALTER TABLE order_lines DROP COLUMN location_id;
ALTER TABLE orders DROP COLUMN allow_stale;
