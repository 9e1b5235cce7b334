#!/usr/bin/env bash
# The browser that the end-to-end tests drive; prints its path.
source "$(dirname "$0")/lib.sh"
command -v chromium >/dev/null || apt_install "the browser journeys run in it" chromium fonts-liberation
command -v chromium
