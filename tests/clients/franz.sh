#!/usr/bin/env bash
# usage: franz.sh [OPTION of go test, as -test.run=NAME]...
# franz-go against the server: the tests of franz/, which tools/clients.sh
# builds. Skips (77) where no Go that is new enough can be had.
. "$(dirname "$0")/server.sh"
tests=$MILLRACE_CLIENTS/franz.test
[ -x "$tests" ] || {
  echo "skip: there is no Go for franz-go here"
  exit 77
}
# Few fetch sessions, so that a full cache is seen.
start_server --set max.incremental.fetch.session.cache.slots=100
BOOTSTRAP=$bootstrap "$tests" -test.v -test.parallel 6 -test.timeout 500s "$@" |
  grep -avE "^=== |^\s*--- PASS.*\(0\.[0-9]+s\)$"
stop_server
