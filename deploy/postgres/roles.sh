#!/bin/sh
# Make the service's role and database, as PostgreSQL's image runs it at its first start. The role is
# no superuser: what is not its own it cannot see, and row-level security holds for people's requests.
set -eu
psql --set=ON_ERROR_STOP=1 --username=postgres --no-psqlrc \
    --set=password="$(cat /run/secrets/alfavoice_password)" <<'SQL'
CREATE ROLE alfavoice LOGIN PASSWORD :'password';
CREATE ROLE alfavoice_service NOLOGIN;
GRANT alfavoice_service TO alfavoice;
CREATE DATABASE alfavoice OWNER alfavoice ENCODING 'UTF8' TEMPLATE template0;
SQL
