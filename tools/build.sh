# Configures and builds the presets; to be sourced after packages.sh.

# One compiler takes up to 1.5 GB with CAF's headers.
jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  [ "$memory" -lt 1 ] && memory=1
  echo "${MILLRACE_JOBS:-$((cores < memory ? cores : memory))}"
}

# configure PRESET [-DOPTION=VALUE]...  only when the folder is new, or its
# options are; cmake reruns by itself when a file that it read has changed.
configure() {
  local preset=$1 folder=$root/build/$1
  shift
  local wanted="$*"
  if [ -f "$folder/build.ninja" ] && [ -f "$folder/.configured" ] &&
    [ "$(cat "$folder/.configured")" = "$wanted" ]; then
    return
  fi
  say "configuring $preset"
  mkdir -p "$folder"
  (cd "$root" && cmake --preset "$preset" "$@") >"$folder/configure.log" 2>&1 ||
    { cat "$folder/configure.log" >&2; die "cmake failed for preset $preset"; }
  printf '%s' "$wanted" >"$folder/.configured"
}

# build PRESET [TARGET]...
build() {
  local preset=$1 folder=$root/build/$1
  shift
  ninja -C "$folder" -j "$(jobs)" "$@" >&2 || die "the build of $preset failed"
}
