#!/usr/bin/env bash
# Makes a toolchain available that compiles for wasm32-unknown-unknown, and prints its rustup name.
#
# 1. The active toolchain, if it has the target or `rustup target add` can fetch it.
# 2. Otherwise Debian's rustc-web: the wasm32 standard library is built once, offline, from the vendored
#    source in Debian's package, and /usr is linked as a rustup toolchain.
# FORCE_DEBIAN=1 skips the first way.
source "$(dirname "$0")/lib.sh"
exec 3>&1 1>&2

command -v rustup >/dev/null || die "rustup is missing: it switches between the compilers for the server and the browser. Install Rust with it."

WASM=wasm32-unknown-unknown
LINK=rust-web

# Compiles a few lines that need std, so that a half-installed target is noticed here.
compiles_wasm() {
  local dir ok=0
  dir=$(mktemp -d)
  cat > "$dir/probe.rs" <<'RS'
use std::collections::HashMap;
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> usize { let map: HashMap<u8, u8> = HashMap::new(); map.len() }
RS
  rustup run "$1" rustc --edition 2024 --target $WASM --crate-type cdylib -o "$dir/probe.wasm" "$dir/probe.rs" 2>/dev/null || ok=1
  rm -rf "$dir"
  return $ok
}

active=$(rustup show active-toolchain 2>/dev/null | awk '{print $1; exit}')
if [ -z "${FORCE_DEBIAN:-}" ] && [ -n "$active" ]; then
  if compiles_wasm "$active"; then echo "$active" >&3; exit; fi
  if [ "$active" != $LINK ] && timeout 120 rustup target add --toolchain "$active" $WASM 2>/dev/null && compiles_wasm "$active"; then
    echo "$active" >&3; exit
  fi
fi

apt_install "Rust for WebAssembly: the active toolchain lacks $WASM" rustc-web cargo-web rust-web-src rust-web-llvm
# The package's linker is a link to one that it only recommends.
[ -e /usr/bin/rust-lld ] || apt_install "the linker of Rust for WebAssembly" "$(readlink /usr/bin/rust-lld)"
rustup toolchain list | grep -q "^$LINK\b" || rustup toolchain link $LINK /usr

built_for="$(/usr/bin/rustc -vV | sed -n 's/^commit-hash: //p')-$(dpkg-query -W -f='${Version}' libstd-rust-web-dev)"
library=/usr/lib/rustlib/$WASM
if [ "$(cat "$library/.built-for" 2>/dev/null)" != "$built_for" ]; then
  say "Building the standard library for WebAssembly, once, about 2 minutes"
  source_dir=/usr/lib/rustlib/src/rust/library
  [ -f "$source_dir/std/Cargo.toml" ] || die "no source of the standard library at $source_dir"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/crate/src" "$work/home"
  echo '#![no_std]' > "$work/crate/src/lib.rs"
  cat > "$work/crate/Cargo.toml" <<'TOML'
[package]
name = "sysroot"
version = "0.0.0"
edition = "2021"
[workspace]
[profile.release]
opt-level = 3
codegen-units = 1
debug = 0
TOML
  # An empty environment: no user's configuration, wrapper or flag leaks into the library.
  # `lto = true` in our release profile needs bitcode in it.
  (cd "$work/crate" && env -i PATH=/usr/bin:/bin HOME="$work/home" CARGO_HOME="$work/home/.cargo" \
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
    /usr/bin/cargo build --offline --release --target $WASM --target-dir "$work/target" \
    -Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test \
    --config 'source.crates-io.replace-with="deb"' --config "source.deb.directory=\"$source_dir/vendor\"")
  rm -f "$work/target/$WASM/release/deps/libsysroot-"*
  as_root rm -rf "$library.new"
  as_root mkdir -p "$library.new/lib"
  as_root cp "$work/target/$WASM/release/deps/"*.rlib "$library.new/lib/"
  echo "$built_for" | as_root tee "$library.new/.built-for" >/dev/null
  as_root rm -rf "$library"
  as_root mv "$library.new" "$library"
fi
compiles_wasm $LINK || die "$LINK still cannot compile for $WASM"
echo $LINK >&3
