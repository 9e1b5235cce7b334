# Shared by the scripts beside this file: `source "$(dirname "$0")/lib.sh"`.
# Everything that is said goes to stderr, so that a script's stdout can carry an answer.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Build tools are kept outside the checkout, so that a second clone does not build them again.
TOOLS=${ROLLCALL_TOOLS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/rollcall-tools}
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
export PATH="$TOOLS/bin:$ROOT/node_modules/.bin:$PATH"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# apt_install WHY PACKAGE...: installs what is missing and says why.
apt_install() {
  local why=$1 missing=() package
  shift
  command -v dpkg-query >/dev/null || die "$why needs: $*. This machine has no apt; install them by hand."
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  say "Installing ${missing[*]} ($why), about a minute"
  # Two scripts may install at the same time: wait for the lock rather than fail.
  as_root apt-get -o DPkg::Lock::Timeout=600 update -q >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -q --no-install-recommends "${missing[@]}" >&2
}

# install_crate CRATE BINARY VERSION MINUTES [FLAG...]: builds a tool from source, once.
install_crate() {
  local crate=$1 binary=$2 version=$3 minutes=$4
  shift 4
  if "$TOOLS/bin/$binary" --version 2>/dev/null | grep -qwF "$version"; then return; fi
  say "Building $crate $version, once, about $minutes minutes on two cores"
  CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=0 RUSTFLAGS='' CARGO_TARGET_DIR="$TOOLS/build" \
    cargo install --quiet --debug --root "$TOOLS" --version "$version" "$@" "$crate" >&2
  rm -rf "$TOOLS/build"
}

# stage NAME COMMAND...: runs a stage and records how long it took.
STAGES=()
stage() {
  local name=$1 begun=$SECONDS
  shift
  say "$name"
  "$@"
  STAGES+=("$(printf '%5ds  %s' $((SECONDS - begun)) "$name")")
}
stages() { if [ ${#STAGES[@]} -gt 0 ]; then printf '\nTime of each stage:\n' >&2; printf '%s\n' "${STAGES[@]}" >&2; fi; }

# compiler: what every build needs.
compiler() {
  command -v cargo >/dev/null || die "Rust is missing. Install it with rustup (1.95 or newer), then run this again."
  command -v cc >/dev/null || apt_install "SQLite and ring are compiled from C" build-essential
}

# scratch: a folder, $work, in which temporary files are made as well. At the end it is gone, with a PostgreSQL in $work/postgres.
scratch() {
  work=$(mktemp -d)
  trap clear_up EXIT
  # PostgreSQL runs as another user, who has to get in.
  chmod 755 "$work"
  mkdir -m 1777 "$work/tmp"
  export TMPDIR=$work/tmp
}
clear_up() {
  stages
  [ -d "$work/postgres/data" ] && "$ROOT/scripts/postgres.sh" stop "$work/postgres"
  rm -rf "$work"
}

# make_databases ADMIN NAME...: the roles that an operator makes, and the owner's databases; says where they are, as host:port.
make_databases() {
  local admin=$1 host=${1#*@} role name
  shift
  for role in owner app jobs; do psql "$admin" -v ON_ERROR_STOP=1 -q -c "CREATE ROLE rollcall_$role LOGIN" >&2; done
  for name in "$@"; do psql "$admin" -v ON_ERROR_STOP=1 -q -c "CREATE DATABASE $name OWNER rollcall_owner" >&2; done
  echo "${host%%/*}"
}

# The packages of the server's half, with the features that its binary has.
SERVER_HALF=(-p scim -p domain -p migrations -p directory -p app -p server --features app/ssr)
