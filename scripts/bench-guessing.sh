#!/usr/bin/env bash
# Measures what guessing at tokens costs the other organisations, on SQLite and on PostgreSQL, and whether the time of a refusal tells why it
# was refused. Optimised build; wants an idle machine. The results go to $CARGO_TARGET_DIR/guessing.md and refusals.txt (default target/).
#   scripts/bench-guessing.sh [GUESSES] [AT_ONCE]   by default 100000 guesses, 500 at once
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
[ $# -gt 0 ] || set -- 100000 500

compiler
scratch

start_postgres() {
  local admin
  admin=$(ROLLCALL_TEST_FSYNC=on scripts/postgres.sh start "$work/postgres")
  ROLLCALL_BENCH_POSTGRES=postgres://rollcall_owner@$(make_databases "$admin" guessing)/guessing
  export ROLLCALL_BENCH_POSTGRES
}
guesses() { cargo bench --quiet "${SERVER_HALF[@]}" --bench guessing -- "$@" | tee "$TARGET/guessing.md"; }
refusals() {
  cargo bench --quiet -p directory --bench refusals | tee "$TARGET/refusals.txt"
  grep -q 'max t = ' "$TARGET/refusals.txt" || die "nothing was compared: see $TARGET/refusals.txt"
  # max t = +1.23456: beyond 10 in either direction, time tells.
  ! grep -Eq 'max t = [+-][0-9]{2,}\.' "$TARGET/refusals.txt" || die "the time of a refusal tells why: see $TARGET/refusals.txt"
}

stage "PostgreSQL" start_postgres
stage "The optimised build" cargo bench --quiet "${SERVER_HALF[@]}" --bench guessing --no-run
stage "$1 guesses" guesses "$@"
stage "The time of refusals" refusals
