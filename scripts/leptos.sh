#!/usr/bin/env bash
# cargo-leptos, with the browser half on a toolchain that has wasm32 and the server half on the active one.
#   scripts/leptos.sh build | build --release | watch
source "$(dirname "$0")/lib.sh"

host=$(rustup show active-toolchain | awk '{print $1; exit}')
wasm=$("$ROOT/scripts/ensure-wasm.sh")
if [ "$wasm" != "$host" ]; then
  export LEPTOS_BIN_CARGO_COMMAND="cargo +$host"
  export RUSTUP_TOOLCHAIN=$wasm
fi
cd "$ROOT"
exec cargo-leptos "$@"
