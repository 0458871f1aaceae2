# Brings the real clients that tests/clients runs; to be sourced.
#
# Everything goes below build/clients, where the tests look for it:
#   venv/bin/python      with confluent-kafka, and the codecs of kafka-python
#   kafka-python-2.0.2   } one folder each, for PYTHONPATH: the oldest that
#   kafka-python-3.0.12  } people still run, and the newest
#   aiokafka-0.14.0      likewise
#   kafkatop-1.16        likewise
#   pyspark-4.1.1        likewise, with Spark itself below pyspark
#   java.classpath       kafka-clients, Kafka's own tools, Streams, Connect, and
#                        what they need
#   java_3_9.classpath   those of the last release before 4.0
#   spark.classpath      what Spark needs besides to read and write topics
#   kafkajs-2.2.4        kafkajs, below node_modules
#   franz.test           the tests of tests/clients/franz, with franz-go
#   sarama.test          those of tests/clients/sarama, with Sarama
#   rust.test            those of tests/clients/rust, with the crate rdkafka
python_clients="kafka-python-2.0.2 kafka-python-3.0.12 aiokafka-0.14.0 \
kafkatop-1.16"
python_packages="confluent-kafka==2.16.1 lz4==4.4.5 zstandard==0.25.0 \
python-snappy==0.7.3"

need_python_clients() {
  local clients=$root/build/clients client python
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
  for client in $python_clients; do
    into "$clients/$client" "${client%-*}==${client##*-}"
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

# The versions stand in each one's pom.xml below tests/clients.
need_java_clients() {
  class_path java
  class_path java_3_9
}

# Half a gigabyte; for ./check --long.
need_spark_client() {
  into "$root/build/clients/pyspark-4.1.1" pyspark==4.1.1
  class_path spark
}

# class_path NAME: of what tests/clients/NAME/pom.xml names.
class_path() {
  local pom=$root/tests/clients/$1/pom.xml
  local list=$root/build/clients/$1.classpath
  if [ -s "$list" ] && [ "$list" -nt "$pom" ]; then
    return
  fi
  say "bringing what tests/clients/$1/pom.xml names"
  mvn -q -B -f "$pom" dependency:build-classpath \
    -Dmdep.outputFile="$list.part" >&2 ||
    die "Maven could not bring Kafka's Java clients"
  mv "$list.part" "$list"
}

# Where there is no Node.js and none can be had, its test skips.
need_kafkajs_client() {
  local folder=$root/build/clients/kafkajs-2.2.4
  [ -d "$folder" ] && return
  say "installing kafkajs"
  rm -rf "$folder.part"
  { { command -v node && command -v npm; } >/dev/null ||
    (need_packages js) >&2; } &&
    npm install --silent --no-audit --no-fund --prefix "$folder.part" \
      kafkajs@2.2.4 >&2 && mv "$folder.part" "$folder" ||
    say "kafkajs cannot be had: its test will be skipped"
}

need_go_clients() {
  go_tests franz
  go_tests sarama
}

# go_tests NAME: builds tests/clients/NAME, whose go.mod has the versions. Where
# no Go that is new enough can be had, or no modules, there is no NAME.test and
# its test skips; our own code that does not compile is an error.
go_tests() {
  local folder=$root/tests/clients/$1 program=$root/build/clients/$1.test go
  rm -f "$program"
  go=$(new_go "$(awk '$1 == "go" {print $2}' "$folder/go.mod")") &&
    (cd "$folder" && GOTOOLCHAIN=local "$go" mod download) || {
    say "the modules of tests/clients/$1 cannot be had: its test will be skipped"
    return 0
  }
  (cd "$folder" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly "$go" test -c \
    -buildvcs=false -o "$program" .) ||
    die "the tests of tests/clients/$1 do not compile"
}

# new_go VERSION: prints a go command of at least that version: the one that is
# there, or else a tool chain that Debian's older go brings as a module.
new_go() {
  local wanted=$1 go modules folder
  go=$(command -v go || true)
  if [ -n "$go" ] && version_at_least "$wanted" "$("$go" env GOVERSION)"; then
    printf '%s\n' "$go"
    return
  fi
  modules=$root/build/clients/go-modules
  folder=golang.org/toolchain@v0.0.1-go$wanted.linux-$(dpkg --print-architecture)
  if [ ! -x "$modules/$folder/bin/go" ]; then
    (need_packages go) >&2 || return 1
    say "bringing Go $wanted"
    # Debian's, not one of an unknown age that comes first in the PATH.
    (cd / && GOMODCACHE=$modules GOFLAGS=-modcacherw GOTOOLCHAIN=local \
      /usr/bin/go mod download "$folder") >&2 || return 1
    # A module's files are not executable.
    chmod -R u+w "$modules/$folder" &&
      chmod +x "$modules/$folder"/pkg/tool/*/* "$modules/$folder"/bin/* ||
      return 1
  fi
  printf '%s\n' "$modules/$folder/bin/go"
}

version_at_least() { # WANTED goFOUND
  printf '%s\n' "$1" "${2#go}" | sort -V -C
}

# As with Go: where no Rust that is new enough can be had, or no crates, there is
# no rust.test and its test skips; our own code that does not compile is an error.
need_rust_clients() {
  local folder=$root/tests/clients/rust program=$root/build/clients/rust.test
  local cargo built
  rm -f "$program"
  cargo=$(new_cargo "$(sed -n 's/^rust-version = "\(.*\)"/\1/p' \
    "$folder/Cargo.toml")") &&
    (cd "$folder" && "$cargo" fetch -q --locked) || {
    say "the crates of tests/clients/rust cannot be had: its test will be skipped"
    return 0
  }
  [ "$cargo" = cargo ] || export RUSTC=/usr/bin/rustc
  built=$(cd "$folder" && "$cargo" test -q --no-run --locked --offline \
    --message-format json --target-dir "$root/build/clients/rust" |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p') && [ -n "$built" ] ||
    die "the tests of tests/clients/rust do not compile"
  ln "$built" "$program"
}

# new_cargo VERSION: prints a cargo command of at least that version: the one that
# is there, or Debian's newest.
new_cargo() {
  local found
  found=$(cargo --version 2>/dev/null | awk '{print $2}') || true
  if [ -n "$found" ] && version_at_least "$1" "$found"; then
    printf 'cargo\n'
    return
  fi
  (need_packages rust) >&2 && printf '/usr/bin/cargo\n'
}
