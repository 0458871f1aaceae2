#!/usr/bin/env bash
# Runs README.md's code blocks, as a reader would, on ports and data of their
# own. A block counts when the line before it is a comment of this form:
#   <!-- test: NAME -->   or   <!-- test: NAME prints "TEXT" -->
. "$(dirname "$0")/server.sh"
readme=$MILLRACE_SOURCE/README.md
choose_ports
export MILLRACE_BOOTSTRAP=$bootstrap
export PYTHONPATH=$MILLRACE_CLIENTS/kafka-python-3.0.12
export PYTHONUNBUFFERED=1
# The shell's own jobs end with the server, not at the first pipe.
set +o pipefail

# The code of block NAME, with the ports of this run.
block() {
  awk -v name="$1" '
    $1 == "<!--" && $2 == "test:" { wanted = ($3 == name) }
    /^```/ { if (inside) exit; inside = wanted; next }
    inside { print }' "$readme" |
    sed "s/localhost:9092/$bootstrap/g; s/localhost:8080/$http/g
      s|data-dev|$scratch/dev|g"
}

names=$(sed -n 's/^<!-- test: \([a-z]*\).*/\1/p' "$readme")
[ "$(echo "$names" | head -1)" = server ] || fail "README starts no server"
cd "$MILLRACE_SOURCE"

command=$(block server)
[ "$command" = ./start ] || fail "the server's block is not ./start: $command"
$command --data-dir "$data" --kafka "$bootstrap" --http "$http" \
  >>"$scratch/log" 2>&1 &
server=$!
await 120 answers "$bootstrap" || fail "./start serves nothing"

# From here on the blocks are those of three nodes.
start_cluster() {
  stop_server
  : >"$scratch/log"
  $1 --data-dir "$scratch/dev" --port "${bootstrap##*:}" >>"$scratch/log" 2>&1 &
  server=$!
  await 60 grep -q 'Ctrl-C stops' "$scratch/log" || fail "no cluster is formed"
  bootstrap=$(awk '$1 == "bootstrap" { print $2 }' "$scratch/log")
  export MILLRACE_BOOTSTRAP=$bootstrap
}

count=0
for name in $names; do
  [ "$name" = server ] && continue
  code=$(block "$name")
  [ -n "$code" ] || fail "block $name is empty"
  if [ "$name" = cluster ]; then
    start_cluster "$code"
    continue
  fi
  expected=$(sed -n "s/^<!-- test: $name prints \"\(.*\)\" -->/\1/p" "$readme")
  if grep -q '^from \|^import ' <<<"$code"; then
    output=$("$MILLRACE_CLIENTS/venv/bin/python" -c "$code" 2>&1) ||
      fail "block $name: $output"
  else
    output=$(bash -ec "$code" 2>&1) || fail "block $name: $output"
  fi
  grep -qF -- "$expected" <<<"$output" ||
    fail "block $name does not print \"$expected\" but: $output"
  echo "ok   $name"
  count=$((count + 1))
done
[ "$count" -ge 6 ] || fail "only $count blocks were found"
stop_server
echo "$count blocks of README.md run"
