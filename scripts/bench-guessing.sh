#!/usr/bin/env bash
# Measures what guessing at tokens costs the other organisations, on SQLite and on PostgreSQL, whether the time of a refusal tells why it
# was refused, and whether that of a sign-in or of asking for a reset tells if there is an account. Optimised build; wants an idle machine.
# The results go to $CARGO_TARGET_DIR/guessing.md, refusals.txt and accounts.txt (default target/).
#   scripts/bench-guessing.sh [GUESSES] [AT_ONCE]   by default 100000 guesses, 500 at once
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
[ $# -gt 0 ] || set -- 100000 500

compiler
scratch
# Where SQLite's writes wait for no disk, if this machine has such a place.
memory=$TMPDIR
if [ -w /dev/shm ]; then memory=$(mktemp -d /dev/shm/rollcall.XXXXXX); fi
trap 'rm -rf "$memory"; clear_up' EXIT

start_postgres() {
  local admin
  admin=$(ROLLCALL_TEST_FSYNC=on scripts/postgres.sh start "$work/postgres")
  owner=postgres://rollcall_owner@$(make_databases "$admin" guessing refusals accounts)
  # The disk's share of a sign-in, which is the same for everybody, would hide the rest.
  psql "$admin" -v ON_ERROR_STOP=1 -q -c "ALTER DATABASE accounts SET synchronous_commit = off"
}
guesses() { ROLLCALL_BENCH_POSTGRES=$owner/guessing cargo bench --quiet "${SERVER_HALF[@]}" --bench guessing -- "$@" | tee "$TARGET/guessing.md"; }
# compare BENCH WHAT: compares times; fails where they tell something.
compare() {
  TMPDIR=$memory ROLLCALL_BENCH_POSTGRES=$owner/$1 cargo bench --quiet -p directory --bench "$1" | tee "$TARGET/$1.txt"
  grep -q 'max t = ' "$TARGET/$1.txt" || die "nothing was compared: see $TARGET/$1.txt"
  # max t = +1.23456: beyond 10 in either direction, time tells.
  ! grep -Eq 'max t = [+-][0-9]{2,}\.' "$TARGET/$1.txt" || die "the time of $2: see $TARGET/$1.txt"
}

stage "PostgreSQL" start_postgres
stage "The optimised build" cargo bench --quiet "${SERVER_HALF[@]}" --bench guessing --no-run
stage "$1 guesses" guesses "$@"
stage "The time of refusals" compare refusals "a refusal tells why"
stage "The time of sign-ins and resets" compare accounts "an answer tells if there is an account"
