-- The rights of the role with which the program serves, apart from the owner, who runs migrations.
-- Run by the owner of the database, also after each `flask db upgrade`:
--     psql --single-transaction --set ON_ERROR_STOP=1 --file postgresql-role.sql lpse
-- The role is made before: createuser --pwprompt lpse_app

-- No tables, triggers or functions are made or altered.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM lpse_app;
GRANT USAGE ON SCHEMA public TO lpse_app;

-- Rows of the register are written; what each may become, the triggers say.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO lpse_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO lpse_app;

-- The audit trail, and what verifications came to, are added to and read.
REVOKE UPDATE, DELETE ON audit_entry, audit_row, audit_check, audit_finding FROM lpse_app;
-- What an entry tells is blanked by an erasure; a trigger lets that pass only where the erasure is on record.
GRANT UPDATE (rows, reason) ON audit_entry TO lpse_app;
-- The heads of the chains, anchors and verifications that were asked for are not removed.
REVOKE DELETE ON audit_chain, audit_anchor, audit_job FROM lpse_app;
-- The revision of the schema is the owner's.
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM lpse_app;
