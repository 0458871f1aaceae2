# Brings the real clients that tests/clients runs; to be sourced.
#
# Everything goes below build/clients, where the tests look for it:
#   venv/bin/python      with confluent-kafka, and the codecs of kafka-python
#   kafka-python-2.0.2   } one folder each, for PYTHONPATH: the oldest that
#   kafka-python-3.0.12  } people still run, and the newest
#   java.classpath       kafka-clients and Kafka's own tools, and what they need
kafka_python_versions="2.0.2 3.0.12"
python_packages="confluent-kafka==2.16.1 lz4==4.4.5 zstandard==0.25.0 \
python-snappy==0.7.3"

need_python_clients() {
  local clients=$root/build/clients version python
  python=$clients/venv/bin/python
  mkdir -p "$clients"
  if [ "$(cat "$clients/venv/.ready" 2>/dev/null)" != "$python_packages" ]; then
    say "making a Python environment in build/clients/venv: $python_packages"
    rm -rf "$clients/venv"
    # Not whatever python3 comes first: kafka-python 2.0.2 is for 3.11 or less.
    /usr/bin/python3 -m venv "$clients/venv" || die "python3 -m venv failed"
    # shellcheck disable=SC2086
    "$python" -m pip install -q --disable-pip-version-check $python_packages ||
      die "pip could not install $python_packages"
    printf '%s\n' "$python_packages" >"$clients/venv/.ready"
  fi
  for version in $kafka_python_versions; do
    into "$clients/kafka-python-$version" "kafka-python==$version"
  done
}

# into FOLDER REQUIREMENT: a half-finished folder is never taken for a whole.
into() {
  [ -d "$1" ] && return
  say "installing $2"
  rm -rf "$1.part"
  "$root/build/clients/venv/bin/python" -m pip install -q \
    --disable-pip-version-check --target "$1.part" "$2" ||
    die "pip could not install $2"
  mv "$1.part" "$1"
}

# The versions stand in tests/clients/java/pom.xml.
need_java_clients() {
  local pom=$root/tests/clients/java/pom.xml
  local list=$root/build/clients/java.classpath
  if [ -s "$list" ] && [ "$list" -nt "$pom" ]; then
    return
  fi
  say "bringing Kafka's Java clients and tools"
  mvn -q -B -f "$pom" dependency:build-classpath \
    -Dmdep.outputFile="$list.part" >&2 ||
    die "Maven could not bring Kafka's Java clients"
  mv "$list.part" "$list"
}
