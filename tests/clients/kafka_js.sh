#!/usr/bin/env bash
# usage: kafka_js.sh
# kafkajs against the server. Skips (77) where there is no Node.js for it.
. "$(dirname "$0")/server.sh"
modules=$MILLRACE_CLIENTS/kafkajs-2.2.4/node_modules
[ -d "$modules" ] || {
  echo "skip: there is no Node.js for kafkajs here"
  exit 77
}
start_server --set group.initial.rebalance.delay.ms=0
BOOTSTRAP=$bootstrap NODE_PATH=$modules node kafka_js.js
stop_server
