-- +goose Up

-- What is written down stays so: the owner too has to take the right back before
-- it could change the ledger or the audit.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries, inventory_movements FROM CURRENT_USER;

-- +goose Down
GRANT UPDATE, DELETE, TRUNCATE ON audit_entries, inventory_movements TO CURRENT_USER;
