-- +goose Up

-- What is written down stays so: the owner too has to take the right back before
-- it could change the ledger or the audit.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries, inventory_movements FROM CURRENT_USER;

-- A level that was made for a change that came to nothing is taken back, and then
-- a foreign key would lock the ledger's lines of it, for which Postgres wants that very
-- right. A line is only ever written with the level whose row is locked.
ALTER TABLE inventory_movements DROP CONSTRAINT inventory_movements_product_id_location_id_fkey;

-- +goose Down
ALTER TABLE inventory_movements ADD CONSTRAINT inventory_movements_product_id_location_id_fkey
    FOREIGN KEY (product_id, location_id) REFERENCES inventory_levels (product_id, location_id);
GRANT UPDATE, DELETE, TRUNCATE ON audit_entries, inventory_movements TO CURRENT_USER;
