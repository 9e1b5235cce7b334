#!/usr/bin/env bash
# Measures what identity providers wait for, on SQLite and on PostgreSQL, in an optimised build and with durable writes.
# The tables go to bench.md and seals.md in $CARGO_TARGET_DIR (default target/).
#   scripts/bench.sh [USERS...]   the sizes of the directory, by default 1000 and 100000
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
[ $# -gt 0 ] || set -- 1000 100000

compiler
scratch

start_postgres() {
  local admin host size
  admin=$(ROLLCALL_TEST_FSYNC=on scripts/postgres.sh start "$work/postgres")
  host=$(make_databases "$admin" "${@/#/bench}" seals)
  seals=postgres://rollcall_owner@$host/seals
  ROLLCALL_BENCH_POSTGRES=
  for size in "$@"; do ROLLCALL_BENCH_POSTGRES+="postgres://rollcall_owner@$host/bench$size "; done
  export ROLLCALL_BENCH_POSTGRES
}
seal() { ROLLCALL_BENCH_POSTGRES=$seals cargo bench --quiet "${SERVER_HALF[@]}" --bench seals -- 100000 | tee "$TARGET/seals.md"; }
measure() { cargo bench --quiet "${SERVER_HALF[@]}" --bench scim -- "$@" | tee "$TARGET/bench.md"; }

stage "PostgreSQL" start_postgres "$@"
stage "The optimised build" cargo bench --quiet "${SERVER_HALF[@]}" --bench scim --bench seals --no-run
stage "Measuring with $* users" measure "$@"
stage "Sealing 100,000 events" seal
