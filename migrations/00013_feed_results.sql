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
    actor_role  text NOT NULL,
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
INSERT INTO supplier_feeds (id, supplier_id, sequence, mode, measure, as_of, received_at, actor, actor_role, rows, applied, unchanged, rejected, emptied)
SELECT id, supplier_id, sequence, input->>'mode', input->>'measure', as_of, held_at, actor,
    coalesce((SELECT a.role FROM audit_entries a WHERE a.subject = h.supplier_id AND a.actor = h.actor AND a.action = 'supplierFeedSubmit'
        ORDER BY a.at DESC LIMIT 1), 'OPERATOR'),
    CASE json_typeof(input->'rows') WHEN 'array' THEN json_array_length(input->'rows') ELSE 0 END, 0, 0, 0, 0
FROM supplier_feeds_held h WHERE status = 'HELD';

-- +goose Down
DROP TABLE supplier_feeds;
