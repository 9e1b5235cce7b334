#!/usr/bin/env bash
# Proves what leaving promises where several nodes share one PostgreSQL: 10,000 leavers race their own refreshes over two processes,
# and 10,000 more are refused by all of three processes at the next request. About an hour on two cores.
#   scripts/proof.sh [LEAVERS]
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

compiler
scratch

start_postgres() { ROLLCALL_TEST_POSTGRES=$(scripts/postgres.sh start "$work/postgres"); export ROLLCALL_TEST_POSTGRES; }
export ROLLCALL_TEST_RACES=${1:-10000}
nodes() { cargo test --quiet "${SERVER_HALF[@]}" --test it -- --nocapture "$@"; }

stage "PostgreSQL" start_postgres
stage "A refresh against a leaving, $ROLLCALL_TEST_RACES times" nodes nodes::a_refresh_through_one_node
stage "Three nodes under load, $ROLLCALL_TEST_RACES leavers" nodes nodes::who_left_through_one_node
stage "Nodes that are killed on the way" nodes nodes::a_node_that_is_killed
