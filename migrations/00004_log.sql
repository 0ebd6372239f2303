-- +goose Up

-- What every mutation came to, for whoever calls again with the same key.
-- Kept for seven days.
CREATE TABLE idempotency_keys (
    issuer     text COLLATE "C" NOT NULL,
    subject    text COLLATE "C" NOT NULL,
    operation  text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    input_hash bytea NOT NULL,
    outcome    json NOT NULL, -- as it was written: nobody looks into it
    created_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject, operation, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Which log this is; with the cluster, the database and the timeline it makes
-- the epoch of the cursors.
CREATE TABLE event_log (
    id  uuid NOT NULL DEFAULT gen_random_uuid(),
    one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO event_log DEFAULT VALUES;

-- The event log. An id is taken after the rows that the event tells of are
-- locked, by a transaction that already holds RowExclusiveLock here: so for one
-- row id order is commit order, and a reader can tell which ids are settled.
CREATE SEQUENCE events_id CACHE 1;
CREATE TABLE events (
    id         bigint PRIMARY KEY DEFAULT nextval('events_id'),
    type       text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    at         timestamptz NOT NULL,
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- Text that is only read whole is not taken apart, as jsonb would be.
    payload    json NOT NULL
);
ALTER SEQUENCE events_id OWNED BY events.id;

-- Gateways keep suppliers and locations in memory, and the log tells them when
-- to read them again: whoever changes them, in whatever way, writes an event. A
-- role that may change them needs no right to the log.
-- +goose StatementBegin
CREATE FUNCTION tell_of_places() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('INSERT INTO %I.events (type, subject_id, at, payload) VALUES ($1, $2, clock_timestamp(), $3)', TG_TABLE_SCHEMA)
        USING 'places.changed', TG_TABLE_NAME, '{}'::json;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- When a supplier was last seen changes all the time, and isn't kept.
CREATE TRIGGER tell_of_places AFTER INSERT OR UPDATE OF id, code, name OR DELETE OR TRUNCATE ON suppliers
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_places();
CREATE TRIGGER tell_of_places AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON locations
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_places();

-- Who did, or was refused, what.
CREATE TABLE audit_entries (
    id         text COLLATE "C" PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    issuer     text COLLATE "C" NOT NULL,
    actor      text COLLATE "C" NOT NULL,
    role       text NOT NULL,
    action     text NOT NULL,
    subject    text COLLATE "C",
    request_id text NOT NULL,
    outcome    text NOT NULL
);
CREATE INDEX audit_entries_by_at ON audit_entries (at, id);
CREATE INDEX audit_entries_by_subject ON audit_entries (subject, at, id) WHERE subject IS NOT NULL;
CREATE INDEX audit_entries_by_actor ON audit_entries (actor, at, id);

-- +goose Down
DROP FUNCTION tell_of_places CASCADE; -- with its triggers
DROP TABLE audit_entries, events, event_log, idempotency_keys;
