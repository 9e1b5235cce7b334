#!/usr/bin/env bash
# Measures what guessing at tokens costs the other organisations, on SQLite and on PostgreSQL, and whether the time of a refusal tells why it
# was refused. Optimised build; wants an idle machine. The results go to $CARGO_TARGET_DIR/guessing.md and refusals.txt (default target/).
#   scripts/bench-guessing.sh [GUESSES] [AT_ONCE]   by default 100000 guesses, 500 at once
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
[ $# -gt 0 ] || set -- 100000 500

work=$(mktemp -d)
finish() {
  [ -d "$work/postgres/data" ] && scripts/postgres.sh stop "$work/postgres"
  rm -rf "$work"
}
trap finish EXIT
# PostgreSQL runs as another user, who has to get in.
chmod 755 "$work"

make_database() {
  local admin host
  admin=$(ROLLCALL_TEST_FSYNC=on scripts/postgres.sh start "$work/postgres")
  host=${admin#*@}
  host=${host%%/*}
  psql "$admin" -v ON_ERROR_STOP=1 -q -c 'CREATE ROLE rollcall_owner LOGIN' -c 'CREATE ROLE rollcall_app LOGIN' -c 'CREATE ROLE rollcall_jobs LOGIN'
  psql "$admin" -v ON_ERROR_STOP=1 -q -c 'CREATE DATABASE guessing OWNER rollcall_owner'
  export ROLLCALL_BENCH_POSTGRES=postgres://rollcall_owner@$host/guessing
}
guesses() { cargo bench --quiet "${SERVER_HALF[@]}" --bench guessing -- "$@" | tee "$TARGET/guessing.md"; }
refusals() {
  cargo bench --quiet -p directory --bench refusals | tee "$TARGET/refusals.txt"
  grep -q 'max t = ' "$TARGET/refusals.txt" || die "nothing was compared: see $TARGET/refusals.txt"
  # max t = +1.23456: beyond 10 in either direction, time tells.
  ! grep -Eq 'max t = [+-][0-9]{2,}\.' "$TARGET/refusals.txt" || die "the time of a refusal tells why: see $TARGET/refusals.txt"
}

stage "PostgreSQL" make_database
stage "The optimised build" cargo bench --quiet "${SERVER_HALF[@]}" --bench guessing --no-run
stage "$1 guesses" guesses "$@"
stage "The time of refusals" refusals
stages
