#!/usr/bin/env bash
# usage: with_server.sh [OPTION of serve]... -- COMMAND [ARG]...
# Runs COMMAND with $BOOTSTRAP set to a fresh server, which is then stopped
# cleanly. `python` stands for that of the clients' environment.
. "$(dirname "$0")/server.sh"
options=()
while [ "$1" != -- ]; do
  options+=("$1")
  shift
done
shift
start_server "${options[@]}"
export BOOTSTRAP=$bootstrap
PATH=$MILLRACE_CLIENTS/venv/bin:$PATH
"$@"
stop_server
