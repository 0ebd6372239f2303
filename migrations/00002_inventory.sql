-- +goose Up

-- Stock of one product at one location. The second CHECK is the line that
-- stock must not fall under: available can't be negative, and only a supplier's
-- own report leaves a shortfall.
CREATE TABLE inventory_levels (
    id            text COLLATE "C" PRIMARY KEY,
    product_id    text COLLATE "C" NOT NULL REFERENCES products,
    location_id   text COLLATE "C" NOT NULL REFERENCES locations,
    on_hand       integer NOT NULL DEFAULT 0 CHECK (on_hand BETWEEN 0 AND 1000000000),
    reserved      integer NOT NULL DEFAULT 0 CHECK (reserved BETWEEN 0 AND 1000000000),
    committed     integer NOT NULL DEFAULT 0 CHECK (committed BETWEEN 0 AND 1000000000),
    safety_stock  integer NOT NULL DEFAULT 0 CHECK (safety_stock BETWEEN 0 AND 1000000000),
    unavailable   integer NOT NULL DEFAULT 0 CHECK (unavailable BETWEEN 0 AND 1000000000),
    available     integer NOT NULL DEFAULT 0 CHECK (available >= 0),
    shortfall     integer NOT NULL DEFAULT 0 CHECK (shortfall >= 0),
    incoming      integer NOT NULL DEFAULT 0 CHECK (incoming BETWEEN 0 AND 1000000000),
    reorder_point integer NOT NULL DEFAULT 0 CHECK (reorder_point BETWEEN 0 AND 1000000000),
    version       integer NOT NULL DEFAULT 0,
    as_of         timestamptz NOT NULL,
    stale         boolean NOT NULL DEFAULT false,
    UNIQUE (product_id, location_id),
    CONSTRAINT level_adds_up CHECK (
        on_hand::bigint + shortfall = available::bigint + reserved + committed + safety_stock + unavailable
        AND (available = 0 OR shortfall = 0)
    )
) WITH (fillfactor = 80);
CREATE INDEX inventory_levels_by_location ON inventory_levels (location_id, id);
-- None on the quantities, here or in a condition: it would cost every change of
-- a level its update in place.
CREATE INDEX inventory_levels_stale ON inventory_levels (id) WHERE stale;

-- The append-only ledger: one line for each version of a level. The deltas of
-- a level's lines add up to its quantities.
CREATE TABLE inventory_movements (
    id                 text COLLATE "C" PRIMARY KEY,
    product_id         text COLLATE "C" NOT NULL,
    location_id        text COLLATE "C" NOT NULL,
    level_version      integer NOT NULL,
    reason             text NOT NULL,
    reference          text,
    actor              text NOT NULL,
    actor_role         text NOT NULL,
    on_hand_delta      integer NOT NULL DEFAULT 0,
    reserved_delta     integer NOT NULL DEFAULT 0,
    committed_delta    integer NOT NULL DEFAULT 0,
    safety_stock_delta integer NOT NULL DEFAULT 0,
    unavailable_delta  integer NOT NULL DEFAULT 0,
    incoming_delta     integer NOT NULL DEFAULT 0,
    -- What changed, as it is told: state, delta and the quantity after.
    changes            json NOT NULL,
    occurred_at        timestamptz NOT NULL,
    recorded_at        timestamptz NOT NULL,
    UNIQUE (product_id, location_id, level_version),
    FOREIGN KEY (product_id, location_id) REFERENCES inventory_levels (product_id, location_id)
);
CREATE INDEX inventory_movements_by_recorded_at ON inventory_movements (recorded_at, id);
CREATE INDEX inventory_movements_by_product ON inventory_movements (product_id, recorded_at, id);
CREATE INDEX inventory_movements_by_location ON inventory_movements (location_id, recorded_at, id);
CREATE INDEX inventory_movements_by_reason ON inventory_movements (reason, recorded_at, id);
CREATE INDEX inventory_movements_by_reference ON inventory_movements (reference, recorded_at, id) WHERE reference IS NOT NULL;

-- +goose Down
DROP TABLE inventory_movements, inventory_levels;
