-- +goose Up

-- What came of each feed that was applied, or kept for a person; kept as long as
-- supplier_feeds_held is.
CREATE TABLE supplier_feeds (
    -- That of supplier_feeds_held, where it was kept for a person.
    id          text COLLATE "C" PRIMARY KEY,
    supplier_id text COLLATE "C" NOT NULL REFERENCES suppliers,
    sequence    bigint,
    mode        text NOT NULL CHECK (mode IN ('PARTIAL', 'FULL')),
    measure     text NOT NULL CHECK (measure IN ('ON_HAND', 'AVAILABLE')),
    as_of       timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    actor       text NOT NULL,
    rows        integer NOT NULL,
    -- Of one that a person had applied these are of then.
    applied     integer NOT NULL,
    unchanged   integer NOT NULL,
    rejected    integer NOT NULL,
    emptied     integer NOT NULL
);
CREATE INDEX supplier_feeds_by_supplier ON supplier_feeds (supplier_id, received_at, id);
CREATE INDEX supplier_feeds_by_age ON supplier_feeds (received_at);

-- What came of those before isn't known any more, but for those that wait.
INSERT INTO supplier_feeds (id, supplier_id, sequence, mode, measure, as_of, received_at, actor, rows, applied, unchanged, rejected, emptied)
SELECT id, supplier_id, sequence, input->>'mode', input->>'measure', as_of, held_at, actor, json_array_length(input->'rows'), 0, 0, 0, 0
FROM supplier_feeds_held WHERE status = 'HELD';

-- +goose Down
DROP TABLE supplier_feeds;
