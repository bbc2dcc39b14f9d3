#!/bin/sh
# Keycloak on the database of DATABASE_URL, without TLS, alone.
set -eu
home=$1 port=$2

# postgres://user:password@host:port/database
address=${DATABASE_URL#*://}
user=${address%%@*}
export KC_DB_USERNAME="${user%%:*}" KC_DB_PASSWORD="${user#*:}"
exec "$home/bin/kc.sh" start \
    --db=postgres --db-url="jdbc:postgresql://${address#*@}" \
    --http-enabled=true --http-host=127.0.0.1 --http-port="$port" --hostname="http://127.0.0.1:$port" \
    --cache=local --log-level=warn
