#!/usr/bin/env bash
# Measures what identity providers wait for, on SQLite and on PostgreSQL, in an optimised build and with durable writes.
# The table goes to $CARGO_TARGET_DIR/bench.md (default target/).
#   scripts/bench.sh [USERS...]   the sizes of the directory, by default 1000 and 100000
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
[ $# -gt 0 ] || set -- 1000 100000

work=$(mktemp -d)
finish() {
  [ -d "$work/postgres/data" ] && scripts/postgres.sh stop "$work/postgres"
  rm -rf "$work"
}
trap finish EXIT
# PostgreSQL runs as another user, who has to get in.
chmod 755 "$work"

make_databases() {
  local admin host size
  admin=$(ROLLCALL_TEST_FSYNC=on scripts/postgres.sh start "$work/postgres")
  host=${admin#*@}
  host=${host%%/*}
  psql "$admin" -v ON_ERROR_STOP=1 -q -c 'CREATE ROLE rollcall_owner LOGIN' -c 'CREATE ROLE rollcall_app LOGIN' -c 'CREATE ROLE rollcall_jobs LOGIN'
  ROLLCALL_BENCH_POSTGRES=
  for size in "$@"; do
    psql "$admin" -v ON_ERROR_STOP=1 -q -c "CREATE DATABASE bench$size OWNER rollcall_owner"
    ROLLCALL_BENCH_POSTGRES+="postgres://rollcall_owner@$host/bench$size "
  done
  export ROLLCALL_BENCH_POSTGRES
}
measure() { cargo bench --quiet "${SERVER_HALF[@]}" --bench scim -- "$@" | tee "$TARGET/bench.md"; }

stage "PostgreSQL" make_databases "$@"
stage "The optimised build" cargo bench --quiet "${SERVER_HALF[@]}" --bench scim --no-run
stage "Measuring with $* users" measure "$@"
stages
