#!/usr/bin/env bash
# Everything that CI runs, stage by stage; prints how long each took.
#   ROLLCALL_TEST_RACES  how often each race is run (default 20; `make soak` asks for more)
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

scratch

start_postgres() { ROLLCALL_TEST_POSTGRES=$(scripts/postgres.sh start "$work/postgres"); export ROLLCALL_TEST_POSTGRES; }
browser_journeys() {
  CHROMIUM=$(scripts/ensure-chromium.sh) ROLLCALL_BINARY=$TARGET/debug/rollcall \
    npx --no-install playwright test --config end2end/playwright.config.ts
}

stage "Tools" scripts/ensure-tools.sh
stage "Format and clippy" scripts/check.sh
stage "PostgreSQL" start_postgres
stage "Unit and integration tests, on SQLite and PostgreSQL" cargo test --quiet "${SERVER_HALF[@]}"
stage "Server and browser build" scripts/leptos.sh build
stage "Browser journeys" browser_journeys
