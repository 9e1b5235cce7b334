#!/usr/bin/env bash
# Licences, forbidden crates and where crates come from, by deny.toml.
#   ROLLCALL_TEST_ADVISORIES  a folder with databases of known vulnerabilities (`cargo deny fetch` fills it): then they are asked, too
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

install_crate cargo-deny cargo-deny 0.20.2 2 --locked
checks=(licenses bans sources)
if [ -n "${ROLLCALL_TEST_ADVISORIES:-}" ]; then checks+=(advisories); fi
say "Dependencies: ${checks[*]}"
# Nothing is fetched but crates, which cargo has by now.
cargo fetch --locked --quiet
cargo-deny --offline --log-level error check --hide-inclusion-graph "${checks[@]}" >&2
