-- +goose Up

CREATE TABLE reservations (
    id            text COLLATE "C" PRIMARY KEY,
    owner_issuer  text COLLATE "C" NOT NULL,
    owner_subject text COLLATE "C" NOT NULL,
    -- The customer whose token made it, and whose it is; null where another's did.
    customer_id   text COLLATE "C",
    reference     text,
    status        text NOT NULL,
    expires_at    timestamptz NOT NULL,
    version       integer NOT NULL DEFAULT 1,
    -- The order that took it over.
    order_id      text COLLATE "C" REFERENCES orders,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT committed_to_an_order CHECK ((status = 'COMMITTED') = (order_id IS NOT NULL))
);
-- What is due is found here, by whoever decides on stock and by the sweeper.
-- What ended stays in it until the table is vacuumed, in front of all that is active:
-- hence so often, however large the table has grown.
CREATE INDEX reservations_active ON reservations (expires_at, id) WHERE status = 'ACTIVE';
ALTER TABLE reservations SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE reservation_lines (
    reservation_id text COLLATE "C" NOT NULL REFERENCES reservations,
    position       integer NOT NULL,
    product_id     text COLLATE "C" NOT NULL REFERENCES products,
    location_id    text COLLATE "C" NOT NULL REFERENCES locations,
    quantity       integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000000000),
    PRIMARY KEY (reservation_id, position),
    UNIQUE (reservation_id, product_id, location_id)
);

-- +goose Down
DROP TABLE reservation_lines, reservations;
