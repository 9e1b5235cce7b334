#!/usr/bin/env bash
# A private PostgreSQL cluster for tests: its own directory, a free port, gone afterwards.
#   scripts/postgres.sh start DIR   prints the administrator's URL
#   scripts/postgres.sh crash DIR   ends it as a crash does, and starts it again
#   scripts/postgres.sh stop DIR
# ROLLCALL_TEST_FSYNC=on keeps writes durable (crash tests and benchmarks need that; the rest is faster without).
source "$(dirname "$0")/lib.sh"
exec 3>&1 1>&2

[ $# = 2 ] || die "usage: scripts/postgres.sh start|crash|stop DIR"
command=$1 dir=$2
server_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1; }
# PostgreSQL refuses to run as root.
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

case $command in
start)
  [ -x "$(server_bin)/initdb" ] || apt_install "the tests run on PostgreSQL too" postgresql
  bin=$(server_bin)
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null) || port=$((20000 + RANDOM % 20000))
  durability="-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
  [ "${ROLLCALL_TEST_FSYNC:-off}" = on ] && durability=""
  mkdir -p "$dir"
  [ "$(id -u)" != 0 ] || chown postgres "$dir"
  # Sorted as people do it, where this PostgreSQL can: a comparison that forgets its collation has to show.
  locale=(--locale=C.UTF-8)
  if "$bin/initdb" --help | grep -q -- --icu-locale; then locale+=(--locale-provider=icu --icu-locale=en); fi
  as_postgres "$bin/initdb" -D "$dir/data" -U admin -A trust -E UTF8 "${locale[@]}" --no-sync > "$dir/initdb.log" || { cat "$dir/initdb.log"; exit 1; }
  # The server must not keep our answer's pipe open: whoever reads it would wait for ever.
  as_postgres "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/server.log" \
    -o "-p $port -k $dir -c listen_addresses=127.0.0.1 -c max_connections=300 $durability" start >/dev/null 3>&- || { cat "$dir/server.log"; exit 1; }
  echo "postgres://admin@127.0.0.1:$port/postgres" >&3 ;;
crash)
  # Kept are the options of the start, and what had reached the disk.
  as_postgres "$(server_bin)/pg_ctl" -D "$dir/data" -w -l "$dir/server.log" -m immediate restart >/dev/null 3>&- || { cat "$dir/server.log"; exit 1; } ;;
stop)
  as_postgres "$(server_bin)/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null || true ;;
*) die "usage: scripts/postgres.sh start|crash|stop DIR" ;;
esac
