-- +goose Up

-- The log in partitions by id, so that what is past its time is dropped and not
-- deleted row by row. Attaching the table there was reads it once.
ALTER TABLE events RENAME TO events_1;
ALTER TABLE events_1 RENAME CONSTRAINT events_pkey TO events_1_pkey;
CREATE TABLE events (
    id         bigint PRIMARY KEY DEFAULT nextval('events_id'),
    type       text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    at         timestamptz NOT NULL,
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    payload    json NOT NULL
) PARTITION BY RANGE (id);
ALTER SEQUENCE events_id OWNED BY events.id;

-- The net: where an id is in no other partition its event is in this one, so that no
-- change fails for want of a partition.
CREATE TABLE events_rest PARTITION OF events DEFAULT;

-- Who had rights to the log has them still, and none to the partitions.
-- +goose StatementBegin
DO $$
DECLARE
    one record;
BEGIN
    EXECUTE format('ALTER TABLE events ATTACH PARTITION events_1 FOR VALUES FROM (1) TO (%s)',
        (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM events_id) + 100001);
    FOR one IN SELECT acl.grantee::regrole AS role, acl.privilege_type AS may FROM pg_class c, aclexplode(c.relacl) acl
        WHERE c.oid = 'events_1'::regclass AND acl.grantee NOT IN (0, c.relowner)
    LOOP
        EXECUTE format('GRANT %s ON events TO %s', one.may, one.role);
        EXECUTE format('REVOKE %s ON events_1 FROM %s', one.may, one.role);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- The highest id that was dropped. Behind an older one the log isn't whole any more.
ALTER TABLE event_log ADD COLUMN floor bigint NOT NULL DEFAULT 0;

-- The partitions but for the net, and the ids that they are for: from begins on, and
-- before ends.
CREATE VIEW event_partitions AS
SELECT c.oid::regclass AS name, b.bounds[1]::bigint AS begins, b.bounds[2]::bigint AS ends
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
    regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \('?(\d+)'?\) TO \('?(\d+)'?\)$$) AS b (bounds)
WHERE i.inhparent = 'events'::regclass AND b.bounds IS NOT NULL;

-- A gateway owns nothing, and has these two to look after the log. Both hold a lock
-- that only they take, so one runs at a time; who comes second does nothing.

-- Sees to it that two partitions lie empty ahead of the ids, and returns how many it
-- made. A partition is for as many ids as the last day took: at least 100,000, so that
-- a look into the log meets few of them, and at most 5,000,000.
-- +goose StatementBegin
CREATE FUNCTION make_event_partitions(width bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '100ms' AS $$
DECLARE
    issued bigint;
    ahead  integer;
    begins bigint;
    low    bigint;
    high   bigint;
    middle bigint;
    told   timestamptz;
    made   integer := 0;
BEGIN
    LOCK TABLE ONLY events IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO issued FROM events_id;
    SELECT count(*) FILTER (WHERE p.begins > issued), max(p.ends) INTO ahead, begins FROM event_partitions p;
    IF ahead >= 2 THEN
        RETURN 0;
    END IF;
    IF width IS NULL THEN
        -- No index knows of time: halve the ids until the first of the last day is found.
        low := greatest(issued - 5000000, 0);
        high := issued;
        WHILE low < high LOOP
            middle := (low + high) / 2;
            SELECT e.at INTO told FROM events e WHERE e.id > middle AND e.id <= high ORDER BY e.id LIMIT 1;
            IF told < clock_timestamp() - interval '1 day' THEN
                low := middle + 1;
            ELSE
                high := middle;
            END IF;
        END LOOP;
        width := least(greatest(issued - low, 100000), 5000000);
    END IF;
    -- Whoever is writing while a partition comes to be may not know of it, and would
    -- fail with an id that is the partition's. So it begins where nobody is yet, and
    -- what comes before it is for the net.
    begins := greatest(begins, issued + 1 + least(width, 100000));
    WHILE ahead + made < 2 LOOP
        -- Made on its own and then attached, which blocks neither readers nor writers.
        EXECUTE format('CREATE TABLE events_%s (LIKE events INCLUDING ALL)', begins);
        EXECUTE format('ALTER TABLE events ATTACH PARTITION events_%s FOR VALUES FROM (%s) TO (%s)', begins, begins, begins + width);
        begins := begins + width;
        made := made + 1;
    END LOOP;
    RETURN made;
EXCEPTION
    -- Somebody else is at it, or is just writing to the net: the next run tries again.
    WHEN lock_not_available OR check_violation THEN
        RETURN 0;
END
$$;
-- +goose StatementEnd

-- Drops the partitions of which all ids were given out and the newest event is older
-- than it is to be kept, and deletes such events from the net. It says how many it
-- dropped, and how many were due: the next run tries the others again. The newest event
-- is the one with the highest id; that another was told a moment later doesn't matter
-- where all are kept for an hour.
-- +goose StatementBegin
CREATE FUNCTION drop_event_partitions(keep interval, OUT dropped integer, OUT due integer)
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '100ms' AS $$
DECLARE
    kept_from timestamptz := clock_timestamp() - keep;
    issued    bigint;
    one       regclass;
    old       regclass[] := '{}';
    newest    record;
BEGIN
    dropped := 0;
    due := 0;
    IF keep IS NULL OR keep < interval '1 hour' THEN
        RAISE EXCEPTION 'the event log is kept for an hour at least, not for %', keep USING ERRCODE = 'invalid_parameter_value';
    END IF;
    LOCK TABLE ONLY events IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
    WITH oldest AS (
        SELECT e.id, e.at FROM events_rest e ORDER BY e.id LIMIT 50000
    ), gone AS (
        DELETE FROM events_rest e USING oldest WHERE e.id = oldest.id AND oldest.at < kept_from RETURNING e.id
    )
    UPDATE event_log SET floor = greatest(floor, (SELECT max(id) FROM gone)) WHERE EXISTS (SELECT FROM gone);

    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO issued FROM events_id;
    FOR one IN SELECT p.name FROM event_partitions p WHERE p.ends <= issued + 1 ORDER BY p.begins LOOP
        EXECUTE format('SELECT id, at FROM %s ORDER BY id DESC LIMIT 1', one) INTO newest;
        EXIT WHEN newest.at >= kept_from;
        old := old || one;
    END LOOP;
    due := cardinality(old);
    IF due = 0 THEN
        RETURN;
    END IF;
    BEGIN
        -- Autovacuum is kept away first, so that nothing but the log itself has to be
        -- waited for; and that for as long as lock_timeout lets writers be held up. Whoever
        -- has locked a partition through the log has the log locked as well, and is gone then.
        FOREACH one IN ARRAY old || 'events_rest'::regclass LOOP
            EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE NOWAIT', one);
        END LOOP;
        LOCK TABLE ONLY events IN ACCESS EXCLUSIVE MODE;
        FOREACH one IN ARRAY old LOOP
            -- Once more: whoever wrote meanwhile is done.
            EXECUTE format('SELECT id, at FROM %s ORDER BY id DESC LIMIT 1', one) INTO newest;
            CONTINUE WHEN newest.at >= kept_from;
            UPDATE event_log SET floor = greatest(floor, newest.id);
            EXECUTE format('DROP TABLE %s', one);
            dropped := dropped + 1;
        END LOOP;
    EXCEPTION
        WHEN lock_not_available THEN
            dropped := 0;
    END;
EXCEPTION
    WHEN lock_not_available THEN
        NULL; -- somebody else is at it
END
$$;
-- +goose StatementEnd

-- Both work in the schema that they were made in, whoever calls them.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION make_event_partitions SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION drop_event_partitions SET search_path = %I, pg_temp', current_schema());
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION make_event_partitions, drop_event_partitions FROM public;
SELECT make_event_partitions();

-- Tickets stand for a caller and what it asks, where neither can be said again, as in
-- the URL of a stream. Only a ticket's SHA-256 is here.
CREATE TABLE tickets (
    hash       bytea PRIMARY KEY,
    principal  json NOT NULL,
    operation  json NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX tickets_by_expiry ON tickets (expires_at);

-- +goose Down
DROP TABLE tickets;
DROP FUNCTION make_event_partitions, drop_event_partitions;
DROP VIEW event_partitions;
ALTER TABLE event_log DROP COLUMN floor;
CREATE TABLE events_whole (LIKE events INCLUDING DEFAULTS);
INSERT INTO events_whole SELECT * FROM events;
ALTER SEQUENCE events_id OWNED BY NONE;
DROP TABLE events;
ALTER TABLE events_whole RENAME TO events;
ALTER TABLE events ADD PRIMARY KEY (id);
ALTER SEQUENCE events_id OWNED BY events.id;
