#!/usr/bin/env bash
# usage: run.sh BUILD_DIR [SEED] [ROUNDS]
#
# Has the Java client encode random messages of every API in every version,
# and BUILD_DIR/bin/codec_oracle (target codec_oracle) decode, compare and
# encode them again. Exit code 0 when all are alike.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${1:?usage: run.sh BUILD_DIR [SEED] [ROUNDS]}
seed=${2:-1}
rounds=${3:-20}
work=$build/codec
mkdir -p "$work/classes"

list=${MILLRACE_CLIENTS:-$here/../../../build/clients}/java.classpath
if [ ! -s "$list" ]; then
  list=$work/java.classpath
  [ -s "$list" ] || mvn -q -B -f "$here/../java/pom.xml" \
    dependency:build-classpath -Dmdep.outputFile="$list" >&2
fi
classpath=$(cat "$list")

javac -d "$work/classes" -cp "$classpath" "$here/codec_lines.java"
java -Xshare:auto -cp "$work/classes:$classpath" CodecLines "$seed" "$rounds" \
  >"$work/lines.txt"
"$build/bin/codec_oracle" <"$work/lines.txt"
