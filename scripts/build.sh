#!/usr/bin/env bash
# Builds the server and the browser's files. The server is left at $CARGO_TARGET_DIR/debug/rollcall (default target/).
#   scripts/build.sh [--release]
source "$(dirname "$0")/lib.sh"
"$ROOT/scripts/ensure-tools.sh"
[ -d "$TARGET" ] || say "Building Rollcall. The first build takes about 5 minutes on two cores, later ones seconds"
"$ROOT/scripts/leptos.sh" build "$@"
