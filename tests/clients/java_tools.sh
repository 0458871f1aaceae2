#!/usr/bin/env bash
# Kafka's own command-line tools against the server, and its DumpLogSegments
# against the files that the server left.
. "$(dirname "$0")/server.sh"
classpath=$(cat "$MILLRACE_CLIENTS/java.classpath") ||
  fail "the Java clients are missing"
command -v java >/dev/null || fail "java is not installed"
cat >"$scratch/log4j2.xml" <<'P'
<Configuration status="ERROR"><Loggers><Root level="ERROR"/></Loggers>
</Configuration>
P
tool() { # CLASS ARG...
  timeout 120 java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Xshare:auto -Dlog4j2.configurationFile="$scratch/log4j2.xml" \
    -cp "$classpath" "$@" 2>&1
}
expect() { # WHAT PATTERN TEXT
  grep -qE -- "$2" <<<"$3" || fail "$1: no line matches <$2> in: $3"
  echo "ok   $1"
}

start_server
topic=java-$RANDOM$RANDOM
commands=org.apache.kafka.tools
at=(--bootstrap-server "$bootstrap")

expect "kafka-broker-api-versions reads our ranges" \
  'Fetch\(1\): 4 to 18' "$(tool $commands.BrokerApiVersionsCommand "${at[@]}")"

topics() { tool $commands.TopicCommand "${at[@]}" "$@"; }
expect "kafka-topics creates" "Created topic $topic" "$(topics --create \
  --topic "$topic" --partitions 3 --config segment.bytes=1048576)"
expect "kafka-topics refuses what is there" 'already exists' \
  "$(topics --create --topic "$topic" || true)"
expect "kafka-topics lists" "^$topic$" "$(topics --list)"
described=$(topics --describe --topic "$topic")
expect "kafka-topics describes" 'PartitionCount: 3' "$described"
expect "with the configuration that was set" 'segment.bytes=1048576' \
  "$described"
topics --alter --topic "$topic" --partitions 4 >/dev/null
expect "kafka-topics grows" 'PartitionCount: 4' \
  "$(topics --describe --topic "$topic")"

configs() {
  tool kafka.admin.ConfigCommand "${at[@]}" --entity-type topics \
    --entity-name "$topic" "$@"
}
expect "kafka-configs alters" 'Completed' \
  "$(configs --alter --add-config retention.ms=7200000)"
expect "kafka-configs describes" 'retention.ms=7200000' "$(configs --describe)"

metrics() { tool $commands.ClientMetricsCommand "${at[@]}" "$@"; }
expect "kafka-client-metrics subscribes" 'Altered client metrics config' \
  "$(metrics --alter --name "$topic" --metrics org.apache. --interval 60000)"
expect "and lists" "^$topic$" "$(metrics --list)"
expect "and describes" 'interval.ms=60000' \
  "$(metrics --describe --name "$topic")"
expect "and deletes" 'Deleted client metrics config' \
  "$(metrics --delete --name "$topic")"
of_group=(--entity-type groups --entity-name "$topic")
expect "kafka-configs configures a group" 'Completed' \
  "$(tool kafka.admin.ConfigCommand "${at[@]}" --alter "${of_group[@]}" \
    --add-config consumer.session.timeout.ms=50000)"
expect "and describes it" 'consumer.session.timeout.ms=50000' \
  "$(tool kafka.admin.ConfigCommand "${at[@]}" --describe "${of_group[@]}")"

quotas() { tool kafka.admin.ConfigCommand "${at[@]}" "$@"; }
client=(--entity-type clients --entity-name "$topic")
expect "kafka-configs sets a client's quotas" 'Completed' \
  "$(quotas --alter "${client[@]}" \
    --add-config producer_byte_rate=1000000,request_percentage=50)"
expect "and describes them" 'producer_byte_rate=1000000.0' \
  "$(quotas --describe "${client[@]}")"
user=(--entity-type users --entity-name "$topic" --entity-type clients
  --entity-default)
expect "kafka-configs sets those of a user's clients by default" 'Completed' \
  "$(quotas --alter "${user[@]}" --add-config consumer_byte_rate=2000000)"
expect "and describes them" 'consumer_byte_rate=2000000.0' \
  "$(quotas --describe "${user[@]}")"
expect "kafka-configs sets those of an address" 'Completed' \
  "$(quotas --alter --entity-type ips --entity-name 192.0.2.1 \
    --add-config connection_creation_rate=100)"
expect "kafka-configs takes them away" 'Completed' \
  "$(quotas --alter "${client[@]}" \
    --delete-config producer_byte_rate,request_percentage)"
[ -z "$(quotas --describe "${client[@]}")" ] ||
  fail "a client's quotas are still there"

for codec in none gzip snappy lz4 zstd; do
  seq 1 500 | sed "s/^/$codec /" | tool $commands.ConsoleProducer \
    "${at[@]}" --topic "$topic" --compression-codec "$codec" ||
    fail "the console producer with $codec"
done
read_all() {
  tool $commands.consumer.ConsoleConsumer "${at[@]}" --topic "$topic" \
    --from-beginning --max-messages 2500 --timeout-ms 30000 "$@" |
    grep -E '^[a-z0-9]+ [0-9]+$' | sort
}
wanted=$(for codec in none gzip snappy lz4 zstd; do
  seq 1 500 | sed "s/^/$codec /"
done | sort | md5sum)
[ "$(read_all --group "$topic-group" | md5sum)" = "$wanted" ] ||
  fail "the console consumer read something else"
echo "ok   kafka-console-consumer reads what kafka-console-producer wrote"

groups() { tool $commands.consumer.group.ConsumerGroupCommand "${at[@]}" "$@"; }
expect "kafka-consumer-groups lists" "^$topic-group$" "$(groups --list)"
expect "kafka-consumer-groups describes offsets and lag" \
  "$topic-group +$topic +[0-3] +[0-9]+ +[0-9]+ +0 " \
  "$(groups --describe --group "$topic-group")"
expect "kafka-consumer-groups resets" "$topic-group +$topic +0 +0" \
  "$(groups --reset-offsets --to-earliest --topic "$topic" --execute \
    --group "$topic-group")"
expect "kafka-consumer-groups deletes" 'was successful' \
  "$(groups --delete --group "$topic-group")"

sum() { awk -F: '{s += $3} END {print s}'; }
offsets=$(tool $commands.GetOffsetShell "${at[@]}" --topic "$topic")
[ "$(sum <<<"$offsets")" = 2500 ] || fail "kafka-get-offsets says $offsets"
echo "ok   kafka-get-offsets counts all records"

expect "kafka-log-dirs describes" "$topic-0" \
  "$(tool $commands.LogDirsCommand "${at[@]}" --describe)"
expect "kafka-producer-perf-test runs with acks=all" '20000 records sent' \
  "$(tool $commands.ProducerPerformance --topic "$topic" --num-records 20000 \
    --record-size 100 --throughput -1 --producer-props acks=all \
    bootstrap.servers="$bootstrap")"
expect "kafka-verifiable-producer sees every acknowledgement" \
  '"sent":2000,"acked":2000' \
  "$(tool $commands.VerifiableProducer "${at[@]}" --topic "$topic" \
    --max-messages 2000 --acks -1)"

expect "kafka-producer-perf-test runs in transactions" '2000 records sent' \
  "$(tool $commands.ProducerPerformance --topic "$topic" --num-records 2000 \
    --record-size 100 --throughput 10000 --transactional-id "$topic-id" \
    --transaction-duration-ms 50 --producer-props \
    bootstrap.servers="$bootstrap")"
transactions() { tool $commands.TransactionsCommand "${at[@]}" "$@"; }
expect "kafka-transactions lists" "^$topic-id.*CompleteCommit" \
  "$(transactions list)"
expect "kafka-transactions describes" "$topic-id.*CompleteCommit" \
  "$(transactions describe --transactional-id "$topic-id")"
expect "kafka-transactions finds none that hangs" '^Topic' \
  "$(transactions find-hanging --topic "$topic")"

printf '{"partitions":[{"topic":"%s","partition":1,"offset":3}],"version":1}' \
  "$topic" >"$scratch/delete.json"
expect "kafka-delete-records moves the log's start" 'low_watermark: 3' \
  "$(tool $commands.DeleteRecordsCommand "${at[@]}" \
    --offset-json-file "$scratch/delete.json")"

stop_server
if [ -z "${MILLRACE_TEST_BOOTSTRAP:-}" ]; then
  # The same server, with a second log directory.
  first=$data
  data=$first,$scratch/second
  start_server
  data=$first
  described=$(tool $commands.LogDirsCommand "${at[@]}" --describe)
  node=$(grep -o '"broker":[0-9]*' <<<"$described" | cut -d: -f2)
  printf '{"version":1,"partitions":[{"topic":"%s","partition":0,
    "replicas":[%s],"log_dirs":["%s"]}]}' \
    "$topic" "$node" "$scratch/second" >"$scratch/move.json"
  reassign() {
    tool $commands.reassign.ReassignPartitionsCommand "${at[@]}" \
      --reassignment-json-file "$scratch/move.json" "$@"
  }
  expect "kafka-reassign-partitions moves a log to another directory" \
    'started moving log directory to .*second' "$(reassign --execute)"
  moved() { reassign --verify | grep -q "$topic-0-$node completed success"; }
  await 60 moved || fail "the log is not moved: $(reassign --verify)"
  [ -f "$scratch/second/$topic-0/00000000000000000000.log" ] ||
    fail "the log is not in the other directory"
  echo "ok   and --verify says that it is there"
  printf '{"version":1,"partitions":[{"topic":"%s","partition":0,
    "replicas":[%s],"log_dirs":["%s"]}]}' \
    "$topic" "$node" "$first" >"$scratch/move.json"
  reassign --execute >/dev/null
  await 60 moved || fail "the log is not moved back: $(reassign --verify)"
  stop_server

  # Every segment, index and snapshot of the topic, and the groups' own log.
  files=$(find "$data" \( -path "*/$topic-*" -o -path '*/__consumer_offsets-*' \
    -o -path '*/__transaction_state-*' \) \
    \( -name '*.log' -o -name '*.index' -o -name '*.timeindex' \
    -o -name '*.snapshot' \) -size +0 | paste -sd,)
  [ -n "$files" ] || fail "the server left no segments"
  dump=$(tool $commands.DumpLogSegments --deep-iteration --files "$files")
  if grep -E 'Found|mismatch|invalid|isvalid: false|Exception' <<<"$dump"; then
    fail "DumpLogSegments complains"
  fi
  count=$(grep -cE '^\| offset: ' <<<"$dump")
  [ "$count" -ge 24500 ] || fail "DumpLogSegments finds $count records only"
  echo "ok   DumpLogSegments reads all files, $count records deep"
fi
topic_gone() { ! topics --list | grep -q "^$topic$"; }
start_server
expect "kafka-topics deletes" '^$' "$(topics --delete --topic "$topic")"
await 20 topic_gone || fail "the topic is still listed"
stop_server
