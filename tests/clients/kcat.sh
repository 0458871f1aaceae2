#!/usr/bin/env bash
# kcat against the server.
. "$(dirname "$0")/server.sh"
command -v kcat >/dev/null || fail "kcat is not installed"
start_server
topic=kcat-$RANDOM$RANDOM

same() { # WHAT EXPECTED GOT
  [ "$2" = "$3" ] || fail "$1: expected <$2>, got <$3>"
  echo "ok   $1"
}

produce() { kcat -b "$bootstrap" -t "$topic" -p 0 -P "$@"; }
consume() { kcat -b "$bootstrap" -t "$topic" -p 0 -C -q -e "$@"; }

for codec in none gzip snappy lz4 zstd; do
  seq 1 1000 | produce -z "$codec"
done
same "what was produced with each codec is consumed" \
  "$(for _ in 1 2 3 4 5; do seq 1 1000; done | sort | md5sum)" \
  "$(consume -o beginning | sort | md5sum)"

same "the last record is found from the end" 1000 "$(consume -o -1)"
same "a count from an offset" "11 12" \
  "$(consume -o 10 -c 2 | paste -sd' ')"

topic=$topic-keys
printf 'k1|one\nk2|\n' | produce -K '|' -H a=1 -H b=
same "keys, headers, offsets and lengths are told" \
  "0 k1 one a=1,b= 3;1 k2  a=1,b= 0;" \
  "$(consume -o beginning -f '%o %k %s %h %S;')"
printf 'k3|x\n' | produce -K '|' -Z
kcat -b "$bootstrap" -L -J -t "$topic" >"$scratch/metadata"
same "metadata names the topic and its leader" "$topic 0" "$(python3 -c '
import json, sys
t = json.load(open(sys.argv[1]))["topics"][0]
print(t["topic"], t["partitions"][0]["leader"])' "$scratch/metadata")"

same "the end's offset is asked for" "$topic [0] offset 3" \
  "$(kcat -b "$bootstrap" -Q -t "$topic:0:-1")"
same "a time before all finds the beginning" "$topic [0] offset 0" \
  "$(kcat -b "$bootstrap" -Q -t "$topic:0:1")"

# Two runs of a balanced group: the second goes on where the first stopped.
group() {
  timeout 60 kcat -b "$bootstrap" -G "$topic-group" -q -c "$1" \
    -X auto.offset.reset=earliest -f '%o ' "$topic" 2>>"$scratch/kcat"
}
same "a group begins at the beginning" "0 1 " "$(group 2)"
same "and goes on where it was" "2 " "$(group 1)"

printf 'acks\n' | produce -X acks=0
printf 'acks\n' | produce -X acks=1
printf 'acks\n' | produce -X acks=all -X enable.idempotence=true
same "every level of acknowledgement stores" 3 \
  "$(consume -o 3 | grep -c acks)"
stop_server
