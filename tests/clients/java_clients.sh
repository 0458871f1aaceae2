#!/usr/bin/env bash
# usage: java_clients.sh [PART OF A SENTENCE]
# Kafka's Java clients (kafka-clients as pom.xml says) against a server, or
# against the one at $BOOTSTRAP.
. "$(dirname "$0")/server.sh"
here=$(cd "$(dirname "$0")" && pwd)
classpath=$(cat "$MILLRACE_CLIENTS/java.classpath") ||
  fail "the Java clients are missing"
command -v javac >/dev/null || fail "javac is not installed"
javac -Xlint:all,-processing,-classfile,-path,-auxiliaryclass -Werror -d "$scratch/classes" \
  -cp "$classpath" "$here"/java/*.java || fail "the tests do not compile"
cat >"$scratch/log4j2.xml" <<'P'
<Configuration status="ERROR"><Loggers><Root level="OFF"/>
  <Logger name="org.apache.kafka.clients.FetchSessionHandler" level="TRACE"
    additivity="false"/>
</Loggers></Configuration>
P
own=${BOOTSTRAP:-}
if [ -z "$own" ]; then
  start_server
  export BOOTSTRAP=$bootstrap HTTP=$http
fi
java -Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  -Dlog4j2.configurationFile="$scratch/log4j2.xml" \
  -cp "$scratch/classes:$classpath" JavaClients "$@"
[ -n "$own" ] || stop_server
