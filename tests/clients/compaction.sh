#!/usr/bin/env bash
# A topic that is compacted while it is written: what a consumer sees of it,
# before and after a crash, and what Kafka's DumpLogSegments says to its files.
. "$(dirname "$0")/server.sh"
python=$MILLRACE_CLIENTS/venv/bin/python
classpath=$(cat "$MILLRACE_CLIENTS/java.classpath") ||
  fail "the Java clients are missing"
command -v java >/dev/null || fail "java is not installed"
cat >"$scratch/log4j2.xml" <<'P'
<Configuration status="ERROR"><Loggers><Root level="ERROR"/></Loggers>
</Configuration>
P
run() { BOOTSTRAP=$bootstrap HTTP=$http "$python" -B compaction.py "$1"; }

start_server --set log.cleaner.backoff.ms=0
run write
# Written now and then, as it only saves work.
checkpointed() {
  grep -qs "^compacted 0 [1-9]" "$data/cleaner-offset-checkpoint"
}
await 30 checkpointed ||
  fail "no checkpoint says up to where the log is compacted"
kill_server
start_server --set log.cleaner.backoff.ms=0
run read
stop_server
files=$(find "$data"/compacted-0 \( -name '*.log' -o -name '*.index' \
  -o -name '*.timeindex' -o -name '*.snapshot' \) -size +0 | paste -sd,)
dump=$(timeout 120 java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  -Dlog4j2.configurationFile="$scratch/log4j2.xml" -cp "$classpath" \
  org.apache.kafka.tools.DumpLogSegments --deep-iteration --files "$files" 2>&1)
if grep -E 'Found|mismatch|invalid|isvalid: false|Exception' <<<"$dump"; then
  fail "DumpLogSegments complains"
fi
grep -q 'lastOffset: [0-9]* count: 0 ' <<<"$dump" ||
  fail "nothing was compacted away"
echo "ok   DumpLogSegments reads compacted files"
