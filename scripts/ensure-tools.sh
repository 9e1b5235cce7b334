#!/usr/bin/env bash
# The front-end tools: cargo-leptos and wasm-bindgen (built from source, once), Tailwind and wasm-opt (npm).
source "$(dirname "$0")/lib.sh"

LEPTOS=0.3.10        # 0.3.11 wants a newer compiler than our rust-version
BINDGEN=0.2.130      # has to equal the wasm-bindgen crate in Cargo.toml

compiler
command -v node >/dev/null && command -v npm >/dev/null || apt_install "Tailwind and wasm-opt come from npm" nodejs npm

if [ ! -f "$ROOT/node_modules/.installed" ] || ! cmp -s "$ROOT/package-lock.json" "$ROOT/node_modules/.installed"; then
  say "Installing Tailwind, wasm-opt and the browser test runner from npm, about half a minute"
  # Nothing may be fetched but packages: the test runner uses the system's browser.
  (cd "$ROOT" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error >&2)
  cp "$ROOT/package-lock.json" "$ROOT/node_modules/.installed"
fi

install_crate cargo-leptos cargo-leptos $LEPTOS 7 --locked
install_crate wasm-bindgen-cli wasm-bindgen $BINDGEN 2
