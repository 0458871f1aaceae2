#!/usr/bin/env bash
# usage: sarama.sh [OPTION of go test, as -test.run=NAME]...
# Sarama against the server: the tests of sarama/, which tools/clients.sh
# builds. Skips (77) where no Go that is new enough can be had.
. "$(dirname "$0")/server.sh"
tests=$MILLRACE_CLIENTS/sarama.test
[ -x "$tests" ] || {
  echo "skip: there is no Go for Sarama here"
  exit 77
}
start_server --set group.initial.rebalance.delay.ms=0
BOOTSTRAP=$bootstrap "$tests" -test.v -test.timeout 280s "$@" |
  grep -av "^=== "
stop_server
