# A server of one's own for a test; to be sourced by bash scripts.
#
# start_server [OPTION of serve]...  on free ports and with its data in $data,
# which is kept over stops; sets $bootstrap (HOST:PORT), $http and $server (the
# process). stop_server stops it cleanly, kill_server as a crash does. The end
# of the script ends it and removes everything.
#
# With MILLRACE_TEST_BOOTSTRAP=HOST:PORT in the environment no server is
# started, and the test runs against that one: a real Kafka shows whether a
# failing test is right.
set -euo pipefail
: "${MILLRACE_BINARY:?the program under test}"
scratch=$(mktemp -d)
data=$scratch/data
server=
trap 'end_server' EXIT

end_server() {
  local code=$?
  [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
  [ "$code" != 0 ] && [ -f "$scratch/log" ] && {
    echo "--- the end of the server's log:"
    tail -30 "$scratch/log"
  }
  rm -rf "$scratch"
}

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

# Two ports that are free: below those that the system gives to connections,
# one of which might take it before the server does.
choose_ports() {
  local ports
  read -ra ports < <(python3 -c '
import random, socket
held = []
while len(held) < 2:
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randrange(12000, 32000)))
        held.append(s)
    except OSError:
        pass
print(*(s.getsockname()[1] for s in held))')
  bootstrap=127.0.0.1:${ports[0]}
  http=127.0.0.1:${ports[1]}
}

answers() { (exec 3<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null; }

# await SECONDS COMMAND...: until it succeeds.
await() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -ge "$until" ] && return 1
    [ -n "$server" ] && ! kill -0 "$server" 2>/dev/null && return 1
    read -rt 0.05 <> <(:) || true # a pause that starts no program
  done
}

# A port that is chosen before it is bound may be taken in between: the server
# takes a free one by itself, and tells. It keeps it over stops.
told_addresses() {
  grep -q 'Ctrl-C stops it' "$scratch/log"
}

start_server() {
  if [ -n "${MILLRACE_TEST_BOOTSTRAP:-}" ]; then
    bootstrap=$MILLRACE_TEST_BOOTSTRAP
    return
  fi
  : >"$scratch/log"
  "$MILLRACE_BINARY" serve --data-dir "$data" \
    --kafka "${bootstrap:-127.0.0.1:0}" --http "${http:-127.0.0.1:0}" "$@" \
    >>"$scratch/log" 2>&1 &
  server=$!
  await 20 told_addresses || fail "the server did not start"
  bootstrap=$(awk '$1 == "Kafka" { print $2; exit }' "$scratch/log")
  http=$(awk '$1 == "HTTP" { print $2; exit }' "$scratch/log")
  await 20 answers "$bootstrap" || fail "the server does not answer"
}

stop_server() {
  [ -n "$server" ] || return 0
  kill -TERM "$server"
  wait "$server" || fail "the server's exit code after SIGTERM is $?"
  server=
}

kill_server() {
  [ -n "$server" ] || return 0
  kill -9 "$server"
  wait "$server" 2>/dev/null || true
  server=
}
