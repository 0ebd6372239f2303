-- +goose Up

CREATE TABLE conflicts (
    id          text COLLATE "C" PRIMARY KEY,
    kind        text NOT NULL,
    status      text NOT NULL,
    -- What tells one cause from another: of those that are open there is one for each.
    cause       text COLLATE "C" NOT NULL,
    supplier_id text COLLATE "C" REFERENCES suppliers,
    subject_id  text COLLATE "C",
    summary     text NOT NULL,
    facts       json NOT NULL,
    -- What resolving it needs, which nobody is shown.
    held        json,
    resolution  text,
    version     integer NOT NULL DEFAULT 1,
    opened_at   timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    resolved_at timestamptz,
    CONSTRAINT closed_with_a_reason CHECK ((status = 'OPEN') = (resolved_at IS NULL) AND (status = 'OPEN') = (resolution IS NULL))
);
CREATE UNIQUE INDEX conflicts_one_for_a_cause ON conflicts (cause) WHERE status = 'OPEN';
CREATE INDEX conflicts_by_opened_at ON conflicts (opened_at, id);
CREATE INDEX conflicts_by_status ON conflicts (status, opened_at, id);
CREATE INDEX conflicts_by_kind ON conflicts (kind, opened_at, id);
CREATE INDEX conflicts_by_kind_and_status ON conflicts (kind, status, opened_at, id);
CREATE INDEX conflicts_by_supplier ON conflicts (supplier_id, opened_at, id);

-- +goose Down
DROP TABLE conflicts;
