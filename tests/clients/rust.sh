#!/usr/bin/env bash
# usage: rust.sh [--nodes COUNT] [OPTION of a Rust test program, as NAME]...
# The crate rdkafka against the server, or against that many nodes: the tests of
# rust/, which tools/clients.sh builds. Skips (77) where no Rust that is new
# enough can be had.
set -euo pipefail
tests=$MILLRACE_CLIENTS/rust.test
[ -x "$tests" ] || {
  echo "skip: there is no Rust for rdkafka here"
  exit 77
}
tests=("$tests" --test-threads 3)
if [ "${1:-}" = --nodes ]; then
  exec python3 -B with_nodes.py "$2" "${tests[@]}" "${@:3}"
fi
. "$(dirname "$0")/server.sh"
start_server --set group.initial.rebalance.delay.ms=0
BOOTSTRAP=$bootstrap "${tests[@]}" "$@"
stop_server
