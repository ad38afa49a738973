-- Two roles for production: veza_owner makes the tables (migrations), veza_app works with them and
-- can neither change nor remove what stands in the audit log. Run once as a superuser, in the
-- database, and again after each migration that makes tables:
--
--     psql "$ADMIN_URL" -v ON_ERROR_STOP=1 -f deploy/postgres/roles.sql
--
-- The roles are made without a password: set one (\password veza_app), or use certificates.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'veza_owner') THEN
    CREATE ROLE veza_owner LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'veza_app') THEN
    CREATE ROLE veza_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
END $$;

GRANT USAGE ON SCHEMA public TO veza_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC, veza_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO veza_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO veza_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO veza_app;
ALTER DEFAULT PRIVILEGES FOR ROLE veza_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO veza_app;
ALTER DEFAULT PRIVILEGES FOR ROLE veza_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO veza_app;

REVOKE ALL ON accounts_auditentry, accounts_auditorigin, accounts_auditseal FROM veza_app;
GRANT SELECT, INSERT ON accounts_auditentry TO veza_app;
GRANT SELECT, INSERT, DELETE ON accounts_auditorigin TO veza_app;
GRANT SELECT ON accounts_auditseal TO veza_app;
