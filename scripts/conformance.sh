#!/usr/bin/env bash
# Runs two public SCIM suites, scim2-tester and scim-sanity, against a server on each database. The scores go to
# $CARGO_TARGET_DIR/conformance (default target/); scripts/conformance/suites.py says what has to succeed.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
# A developer's own settings are not to be tried on.
for name in "${!ROLLCALL_@}"; do unset "$name"; done

requirements=scripts/conformance/requirements.txt
venv=$TOOLS/conformance
scores=$TARGET/conformance
server=
compiler
scratch
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; clear_up' EXIT

install_suites() {
  command -v python3 >/dev/null && python3 -c 'import ensurepip' 2>/dev/null || apt_install "the suites are written in Python" python3 python3-venv
  if cmp -s "$requirements" "$venv/installed"; then return; fi
  say "Installing the suites into $venv, about half a minute"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$requirements" >&2
  "$venv/bin/pip" --disable-pip-version-check check >&2
  cp "$requirements" "$venv/installed"
}

# try NAME: a fresh organisation on the database that the environment names, and both suites against it.
try() {
  local name=$1 made port url token ready=
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  export ROLLCALL_DATA_DIR=$work/$name ROLLCALL_LISTEN=127.0.0.1:$port
  # The suites send as fast as they can.
  export ROLLCALL_SCIM_RATE=10000 ROLLCALL_SCIM_BURST=10000
  mkdir -p "$ROLLCALL_DATA_DIR"
  echo "a password for nobody at all" > "$work/password"
  made=$("$TARGET/debug/rollcall" bootstrap --org-name Conformance --owner-email owner@conformance.test \
    --owner-password-file "$work/password" --enable-scim --json)
  url=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["scim_base_url"])' "$made")
  token=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["scim_token"])' "$made")
  "$TARGET/debug/rollcall" serve > "$work/$name.log" 2>&1 &
  server=$!
  for _ in $(seq 300); do
    if python3 -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1])' "http://$ROLLCALL_LISTEN/readyz" 2>/dev/null; then ready=yes; break; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  [ -n "$ready" ] || { cat "$work/$name.log" >&2; die "the server does not come up on $name"; }
  SCIM_TOKEN=$token "$venv/bin/python" scripts/conformance/suites.py "$url" "$name" "$scores/$name.txt" || failed=1
  kill "$server"
  wait "$server" || true
  server=
}

start_postgres() {
  local admin host
  admin=$(scripts/postgres.sh start "$work/postgres")
  host=$(make_databases "$admin" rollcall)
  ROLLCALL_DATABASE_URL=postgres://rollcall_owner@$host/rollcall "$TARGET/debug/rollcall" migrate >&2
  export ROLLCALL_DATABASE_URL=postgres://rollcall_app@$host/rollcall ROLLCALL_JOBS_DATABASE_URL=postgres://rollcall_jobs@$host/rollcall
}

stage "The suites" install_suites
stage "The server" cargo build --quiet "${SERVER_HALF[@]}" --bin rollcall
mkdir -p "$scores"
failed=0
stage "The suites on SQLite" try sqlite
stage "PostgreSQL" start_postgres
stage "The suites on PostgreSQL" try postgres
say "Scores are in $scores"
[ $failed = 0 ] || die "a suite found something that is not allowed for"
