#!/usr/bin/env bash
# Serves what scripts/build.sh built. Ctrl-C stops it.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
exec "$TARGET/debug/rollcall" serve
