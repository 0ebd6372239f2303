-- +goose Up

-- The traceparent (W3C Trace Context) of the request that wrote the event, where its
-- trace is recorded: the event's way to its subscribers is part of that trace.
ALTER TABLE events ADD COLUMN trace text;

-- +goose Down
ALTER TABLE events DROP COLUMN trace;
