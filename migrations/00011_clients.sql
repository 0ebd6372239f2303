-- +goose Up

-- OAuth clients: programs that get tokens with an id and a secret.
CREATE TABLE clients (
    id           text COLLATE "C" PRIMARY KEY,
    name         text NOT NULL,
    role         text NOT NULL CHECK (role IN ('STOREFRONT', 'SUPPLIER', 'OPERATOR', 'ADMIN')),
    -- Null: all that the role has, now and later.
    scopes       text[] CHECK (cardinality(scopes) > 0),
    created_at   timestamptz NOT NULL,
    created_by   text COLLATE "C" NOT NULL,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    version      integer NOT NULL
);
CREATE INDEX clients_by_created ON clients (created_at, id);
-- Whose tokens may be alive still.
CREATE INDEX clients_by_revoked ON clients (revoked_at) WHERE revoked_at IS NOT NULL;

-- The suppliers that a client speaks for.
CREATE TABLE client_suppliers (
    client_id   text COLLATE "C" NOT NULL REFERENCES clients,
    supplier_id text COLLATE "C" NOT NULL REFERENCES suppliers,
    PRIMARY KEY (client_id, supplier_id)
);
CREATE INDEX client_suppliers_by_supplier ON client_suppliers (supplier_id, client_id);

-- The secrets of clients, of which only the SHA-256 is here. The newest of a client has no end.
CREATE TABLE client_secrets (
    hash       bytea PRIMARY KEY CHECK (length(hash) = 32),
    client_id  text COLLATE "C" NOT NULL REFERENCES clients,
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id, created_at);

-- Gateways keep in memory who is revoked, and the log tells them when to read that again, as it
-- tells of places. A new client is nothing to them.
-- +goose StatementBegin
CREATE FUNCTION tell_of_clients() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('INSERT INTO %I.events (type, subject_id, at, payload) VALUES ($1, $2, clock_timestamp(), $3)', TG_TABLE_SCHEMA)
        USING 'clients.changed', TG_TABLE_NAME, '{}'::json;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- When a client was last used changes all the time, and isn't kept.
CREATE TRIGGER tell_of_clients AFTER UPDATE OF id, role, scopes, revoked_at, version ON clients
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_clients();

-- What writes to the log in the owner's name is for the triggers above alone. Whoever could
-- hang it on a table of their own would have the owner write to a table of their own as
-- well, and run what they hung on that. Triggers that are there need nobody's right.
REVOKE ALL ON FUNCTION tell_of_places, tell_of_clients FROM public;
-- Where it isn't named, what is temporary comes before all else: a type that somebody has
-- called json would be the one that is meant.
ALTER FUNCTION tell_of_places SET search_path = pg_catalog, pg_temp;

-- Who is revoked stays so, for the owner too.
-- +goose StatementBegin
CREATE FUNCTION refuse_unrevoking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the client % is revoked, for good', OLD.id USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER refuse_unrevoking BEFORE UPDATE ON clients FOR EACH ROW
    WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at) EXECUTE FUNCTION refuse_unrevoking();

-- +goose Down
ALTER FUNCTION tell_of_places SET search_path = pg_catalog;
GRANT EXECUTE ON FUNCTION tell_of_places TO public;
DROP FUNCTION tell_of_clients, refuse_unrevoking CASCADE; -- with their triggers
DROP TABLE client_secrets, client_suppliers, clients;
