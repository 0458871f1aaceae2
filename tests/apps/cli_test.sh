#!/usr/bin/env bash
# The commands against a server: what they print, and their exit codes.
# usage: cli_test.sh [HOST:PORT]     env: MILLRACE_BINARY
# Without an address it runs a node of its own on free ports.
set -uo pipefail
M=${MILLRACE_BINARY:?MILLRACE_BINARY is the program under test}
T=$(mktemp -d)
server=
finish() {
  [ -n "$server" ] && { kill "$server" 2> /dev/null; wait "$server" 2> /dev/null; }
  rm -rf "$T"
}
trap finish EXIT

if [ $# -ge 1 ]; then
  export MILLRACE_BOOTSTRAP=$1
else
  "$M" serve --data-dir "$T/data" --kafka 127.0.0.1:0 --http off \
    --set group.initial.rebalance.delay.ms=0 --set num.partitions=4 \
    --set group.min.session.timeout.ms=1000 > "$T/serve" 2> "$T/log" &
  server=$!
  for _ in $(seq 200); do
    grep -q 'Ctrl-C stops' "$T/serve" && break
    kill -0 "$server" 2> /dev/null || { cat "$T/log"; exit 1; }
    read -rt 0.05 <> <(:) || true
  done
  MILLRACE_BOOTSTRAP=$(sed -n 's/^  Kafka *\([^, ]*\).*/\1/p' "$T/serve")
  export MILLRACE_BOOTSTRAP
fi
N=cli-$$-$RANDOM
passed=0
failed=0

fail() { failed=$((failed + 1)); printf 'FAIL %s\n' "$1"; sed 's/^/  | /' "$T/out" "$T/err"; }
# expect NAME CODE PATTERN COMMAND...: exit code, and a line of its output.
expect() {
  local name=$1 code=$2 pattern=$3 got
  shift 3
  timeout 60 "$@" > "$T/out" 2> "$T/err" < "${input:-/dev/null}"
  got=$?
  if [ "$got" != "$code" ]; then fail "$name: exit code $got, expected $code"
  elif [ -n "$pattern" ] && ! cat "$T/out" "$T/err" | grep -qE -- "$pattern"; then fail "$name: nothing like /$pattern/"
  else passed=$((passed + 1)); fi
}
# same NAME TEXT COMMAND...: exit code 0 and exactly this on stdout.
same() {
  local name=$1 text=$2
  shift 2
  timeout 60 "$@" > "$T/out" 2> "$T/err" < "${input:-/dev/null}" || { fail "$name: exit code $?"; return; }
  if [ "$(cat "$T/out"; echo .)" != "$(printf '%b' "$text"; echo .)" ]; then fail "$name: expected $text"
  else passed=$((passed + 1)); fi
}

# Topics.
expect "create" 0 "created topic '$N'" "$M" topic create "$N" -p 3 -c retention.ms=86400000
expect "create again" 1 "TOPIC_ALREADY_EXISTS" "$M" topic create "$N"
expect "create if it is not there" 0 "" "$M" topic create "$N" --if-not-exists
expect "create with a bad config" 1 "INVALID_CONFIG" "$M" topic create "$N-bad" -c retention.ms=soon
expect "only validate" 0 "could be created" "$M" topic create "$N-dry" --validate-only
expect "list" 0 "^$N +3 +1 +false" "$M" topic list
expect "list as JSON" 0 "\"topic\": \"$N\"" "$M" topic list -o json
expect "describe" 0 "retention.ms=86400000" "$M" topic describe "$N"
expect "describe as JSON" 0 "\"partition\": 2" "$M" topic describe "$N" -o json
expect "describe what is not there" 3 "no such topic" "$M" topic describe "$N-none"
expect "add partitions" 0 "has 4 partitions" "$M" topic add-partitions "$N" --total 4
expect "take partitions away" 1 "INVALID_PARTITIONS" "$M" topic add-partitions "$N" --total 2

# Records.
printf 'k1:one\nk2:two\nk1:three\n' > "$T/in"
input=$T/in same "produce" "" "$M" produce "$N" -K: -H trace=7
same "a key stays in its partition, in order" "k1=one trace=7\nk1=three trace=7\n" \
  bash -c "'$M' consume '$N' -e -f '%k=%s %h\n' | grep k1"
expect "count" 0 "" "$M" consume "$N" -c 1
[ "$(wc -l < "$T/out")" = 1 ] || fail "count: one record"
expect "JSON" 0 '"key":"k2","value":"two","headers":\[\{"name":"trace","value":"7"\}\]' "$M" consume "$N" -e --output json
"$M" topic create "$N-one" -p 1 > /dev/null
for z in none gzip snappy lz4 zstd; do
  printf '%s-1\n%s-2\n' "$z" "$z" > "$T/in"
  input=$T/in same "produce with $z" "" "$M" produce "$N-one" -z "$z"
done
same "all codecs are read back" "none-1\nnone-2\ngzip-1\ngzip-2\nsnappy-1\nsnappy-2\nlz4-1\nlz4-2\nzstd-1\nzstd-2\n" "$M" consume "$N-one" -e
same "the last two" "8 zstd-1\n9 zstd-2\n" "$M" consume "$N-one" -o -2 -e -f '%o %s\n'
same "from an offset" "zstd-2\n" "$M" consume "$N-one" -o 9 -e
same "from a time long ago, up to a count" "none-1\n" "$M" consume "$N-one" -o @2020-01-01 -c 1
same "from the end" "" "$M" consume "$N-one" -o end -e
"$M" topic create "$N-two" -p 1 > /dev/null
same "JSON goes through a pipe into another topic" "" \
  bash -c "'$M' consume '$N-one' -e --output json | '$M' produce '$N-two' --json"
same "and is the same there" "none-1\n" "$M" consume "$N-two" -c 1
for a in 0 1 all; do
  echo "acks $a" > "$T/in"
  input=$T/in same "acks $a" "" "$M" produce "$N-two" --acks "$a" -p 0
done
printf 'k:' > "$T/in"
input=$T/in same "a tombstone" "" "$M" produce "$N-two" -K: -Z
same "is null" "k NULL -1\n" "$M" consume "$N-two" -o -1 -e -Z -f '%k %s %S\n'
head -c 700000 /dev/zero | tr '\0' x > "$T/in"
input=$T/in same "a large record" "" "$M" produce "$N-two"
same "comes back whole" "700000\n" "$M" consume "$N-two" -o -1 -e -f '%S\n'
head -c 3000000 /dev/zero | tr '\0' x > "$T/in"
input=$T/in expect "a record beyond max.message.bytes" 1 "MESSAGE_TOO_LARGE" "$M" produce "$N-two"
seq 200000 > "$T/in"
"$M" topic create "$N-many" -p 4 > /dev/null
input=$T/in same "200,000 records" "" "$M" produce "$N-many" -z lz4
same "each is there once" "200000\n" bash -c "'$M' consume '$N-many' -e | sort -un | wc -l"
expect "a partition that is not there" 3 "no partition 9" "$M" consume "$N" -p 9
echo x > "$T/in"
input=$T/in expect "writing to it" 3 "no partition 9" "$M" produce "$N" -p 9
expect "a topic that is not there" 3 "no such topic" "$M" consume "$N-none" -e

# Groups.
same "a group reads everything" "10\n" bash -c "'$M' consume '$N-one' -g '$N-g' -e | wc -l"
same "and goes on where it was" "" "$M" consume "$N-one" -g "$N-g" -e
expect "list groups" 0 "^$N-g " "$M" group list
expect "describe: no lag" 0 "^$N-one +0 +10 +10 +0" "$M" group describe "$N-g"
expect "describe members" 0 '"members"' "$M" group describe "$N-g" -m -o json
expect "reset, dry" 0 "^$N-one +0 +4" "$M" group reset-offsets "$N-g" --shift-by -6 --dry-run
expect "reset" 0 "^$N-one +0 +3" "$M" group reset-offsets "$N-g" -t "$N-one" --to 3
same "the group reads again from there" "7\n" bash -c "'$M' consume '$N-one' -g '$N-g' -e | wc -l"
expect "reset needs one place" 2 "either" "$M" group reset-offsets "$N-g"
expect "forget offsets" 0 "deleted 1 offsets" "$M" group delete-offsets "$N-g" -t "$N-one"
expect "no such group" 3 "no such group" "$M" group describe "$N-none"
same "a group again" "10\n" bash -c "'$M' consume '$N-one' -g '$N-h' -e | wc -l"
expect "delete the group" 0 "deleted group" "$M" group delete "$N-h"
expect "delete it again" 3 "GROUP_ID_NOT_FOUND" "$M" group delete "$N-h"
# Two members share a topic; together they read all of it once.
"$M" consume "$N-many" -g "$N-pair" -c 100000 -q > "$T/a" 2> "$T/a.err" & a=$!
"$M" consume "$N-many" -g "$N-pair" -c 100000 -q > "$T/b" 2> "$T/b.err" & b=$!
wait "$a"; wait "$b"
same "two members read 200,000 records in all" "200000\n" bash -c "cat '$T/a' '$T/b' | wc -l"

# Configurations.
expect "set" 0 "changed" "$M" config set topic "$N" retention.ms=1000 segment.bytes=1048576
expect "show what is set" 0 "^retention.ms +1000 +topic" "$M" config describe topic "$N"
expect "show all" 0 "^max.message.bytes +" "$M" config describe topic "$N" --all
expect "unset" 0 "changed" "$M" config delete topic "$N" retention.ms segment.bytes
expect "an unknown key" 1 "INVALID_CONFIG|INVALID_REQUEST|nknown" "$M" config set topic "$N" no.such.key=1
expect "a broker's" 0 "log.retention|node.id|broker.id" "$M" config describe broker 0 --all
expect "no such kind" 2 "KIND" "$M" config describe thing x

# Deleting.
expect "delete records" 0 "^$N-one +0 +5" "$M" topic delete-records "$N-one" --before 5 -p 0
same "they are gone" "5\n" "$M" consume "$N-one" -c 1 -f '%o\n'
expect "delete topics" 0 "deleted topic" "$M" topic delete "$N" "$N-one" "$N-two" "$N-many"
expect "delete what is not there" 3 "no such topic" "$M" topic delete "$N"
expect "unless that is fine" 0 "" "$M" topic delete "$N" --if-exists

# Loads.
expect "bench produce" 0 '"records_per_s": [1-9]' "$M" bench produce "$N-load" --seconds 0.5 -o json
expect "bench consume" 0 "fetch 1024 KiB" "$M" bench consume "$N-load" --seconds 2
"$M" topic delete "$N-load" > /dev/null

# The command line itself.
expect "no command" 2 "help" "$M"
expect "an unknown command" 2 "help" "$M" bake
expect "an unknown option" 2 "help" "$M" topic list --colour
expect "a wrong position" 2 "no position" "$M" consume x -o nowhere
expect "no server" 4 "cannot reach 127.0.0.1:1" "$M" topic list -b 127.0.0.1:1
expect "help" 0 "Examples:" "$M" consume --help
expect "version" 0 "^millrace [0-9]" "$M" version
expect "an unknown key of serve" 2 "log.retention.ms" "$M" serve --set log.retention.mss=1
expect "a configuration that is not there" 3 "cannot read" "$M" serve --config "$T/none.toml"
for s in bash zsh fish; do
  expect "completion for $s" 0 "reset-offsets" "$M" completion "$s"
  if command -v "$s" > /dev/null; then
    cp "$T/out" "$T/script"
    expect "$s takes it" 0 "" "$s" -n "$T/script"
  fi
done
"$M" completion bash > "$T/script"
same "bash completes an option's words" "snappy\n" bash -c \
  "source '$T/script'; COMP_WORDS=(millrace produce t -z sn); COMP_CWORD=4; _millrace; echo \"\${COMPREPLY[*]}\""
same "bash completes commands" "reset-offsets\n" bash -c \
  "source '$T/script'; COMP_WORDS=(millrace group res); COMP_CWORD=2; _millrace; echo \"\${COMPREPLY[*]}\""

if [ -n "$server" ]; then
  kill -TERM "$server"
  wait "$server"
  code=$?
  server=
  if [ "$code" = 0 ]; then passed=$((passed + 1)); else cat "$T/log"; fail "serve stops cleanly: exit code $code"; fi
fi
echo "cli: passed $passed, failed $failed"
[ "$failed" = 0 ]
