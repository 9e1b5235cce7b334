#!/usr/bin/env bash
# Format, clippy, where crates come from and under which licence, and what the browser must not be made of.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
compiler
cargo fmt --all --check
# One fixed list: `--workspace` would turn on the features of the server's half and the browser's half at once.
cargo clippy --quiet "${SERVER_HALF[@]}" --all-targets -- -D warnings

scripts/dependencies.sh

wasm=$(scripts/ensure-wasm.sh)
say "No server crate reaches the browser"
# What belongs to the server alone: its own crates, and those that reach a database, a socket or a secret.
forbidden='^(server|directory|migrations|scim|sea-orm|sqlx|axum|tokio|hyper|argon2|lettre|tower-sessions|leptos_axum|getrandom)[- ]'
tree=$(cargo "+$wasm" tree -p frontend --target wasm32-unknown-unknown -e normal,no-proc-macro --prefix none --no-dedupe | sort -u)
[ "$(grep -c . <<<"$tree")" -gt 20 ] || die "the tree of the browser's crates could not be read"
if found=$(grep -E "$forbidden" <<<"$tree"); then die "these reach the browser's build: $found"; fi
