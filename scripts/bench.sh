#!/usr/bin/env bash
# Measures what identity providers wait for, on SQLite and on PostgreSQL, in an optimised build and with durable writes.
# The table goes to $CARGO_TARGET_DIR/bench.md (default target/).
#   scripts/bench.sh [USERS...]   the sizes of the directory, by default 1000 and 100000
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
[ $# -gt 0 ] || set -- 1000 100000

compiler
scratch

start_postgres() {
  local admin host size
  admin=$(ROLLCALL_TEST_FSYNC=on scripts/postgres.sh start "$work/postgres")
  host=$(make_databases "$admin" "${@/#/bench}")
  ROLLCALL_BENCH_POSTGRES=
  for size in "$@"; do ROLLCALL_BENCH_POSTGRES+="postgres://rollcall_owner@$host/bench$size "; done
  export ROLLCALL_BENCH_POSTGRES
}
measure() { cargo bench --quiet "${SERVER_HALF[@]}" --bench scim -- "$@" | tee "$TARGET/bench.md"; }

stage "PostgreSQL" start_postgres "$@"
stage "The optimised build" cargo bench --quiet "${SERVER_HALF[@]}" --bench scim --no-run
stage "Measuring with $* users" measure "$@"
