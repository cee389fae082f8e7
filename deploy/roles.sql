-- The wallet's database roles, made once by an administrator, in the wallet's database. The passwords come from the
-- environment, or from the files that the same names with _FILE behind them name:
--   psql --file deploy/roles.sql "$ADMINISTRATOR_URL"   (psql 15 or later)
--
-- wallet_owner     migrates; tables and functions are its own.    WALLET_OWNER_DATABASE_URL, of `migrate` alone
-- wallet_service   calls the ledger's functions.                  WALLET_DATABASE_URL
-- wallet_desk      reads, for the desk's pages and reports.       WALLET_READER_DATABASE_URL
--
-- What the two groups may do is granted by every `migrate`. Other logins, of any name, can be members of them.
\set ON_ERROR_STOP on
\set owner_password `cat "${WALLET_OWNER_PASSWORD_FILE:-/dev/null}"`
\set service_password `cat "${WALLET_SERVICE_PASSWORD_FILE:-/dev/null}"`
\set desk_password `cat "${WALLET_DESK_PASSWORD_FILE:-/dev/null}"`
\getenv owner_password WALLET_OWNER_PASSWORD
\getenv service_password WALLET_SERVICE_PASSWORD
\getenv desk_password WALLET_DESK_PASSWORD
BEGIN;
-- With nothing made: lax rules in pg_hba.conf would let anybody in as a role without a password.
SELECT '' IN (:'owner_password', :'service_password', :'desk_password') AS missing \gset
\if :missing
    DO $$ BEGIN RAISE EXCEPTION 'a password is missing'; END $$;
\endif
CREATE ROLE wallet_caller NOLOGIN;
CREATE ROLE wallet_reader NOLOGIN;
CREATE ROLE wallet_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE wallet_service LOGIN PASSWORD :'service_password' IN ROLE wallet_caller;
CREATE ROLE wallet_desk LOGIN PASSWORD :'desk_password' IN ROLE wallet_reader;
ALTER ROLE wallet_desk SET default_transaction_read_only = on;
-- The service asks for these, in milliseconds, with each connection that it makes. Behind a pooler nobody hears that.
ALTER ROLE wallet_service SET lock_timeout = 1000;
ALTER ROLE wallet_service SET statement_timeout = 1500;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO wallet_owner;
COMMIT;
