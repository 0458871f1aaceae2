# What only ./check --long needs; to be sourced after packages.sh and build.sh.

# CAF itself under ThreadSanitizer, in build/caf-tsan. With Debian's binary the
# memory that CAF hands from thread to thread looks like a race in our code, and
# suppressing that would hide the real ones between actors.
need_caf_under_tsan() {
  local prefix=$root/build/caf-tsan work=$root/build/caf-source
  local source apt entry
  [ -f "$prefix/.ready" ] && return
  say "building CAF from Debian's source package under ThreadSanitizer"
  rm -rf "$work" "$prefix"
  mkdir -p "$work/parts" "$work/lists/partial"
  # The machine's own Debian sources, turned into those of source packages,
  # beside the machine's configuration and not in it.
  for entry in /etc/apt/sources.list.d/*.sources; do
    if grep -qs '^Signed-By:.*debian-archive' "$entry"; then
      sed 's/^Types:.*/Types: deb-src/' "$entry" \
        >"$work/parts/$(basename "$entry")"
    fi
  done
  grep -hs '^deb ' /etc/apt/sources.list | sed 's/^deb /deb-src /' \
    >"$work/parts/given.list" || true
  apt=(apt-get -q -o Dir::Etc::SourceList=/dev/null
    -o "Dir::Etc::SourceParts=$work/parts" -o "Dir::State::Lists=$work/lists"
    -o APT::Sandbox::User=root)
  "${apt[@]}" update || die "apt-get could not read the source packages"
  # The library as its authors released it; Debian's additions only package it.
  (cd "$work" && "${apt[@]}" source --tar-only actor-framework) ||
    die "apt-get could not bring the source package actor-framework"
  source=$work/source
  mkdir "$source"
  tar -xf "$work"/actor-framework_*.orig.tar.* -C "$source" --strip-components=1
  cmake -S "$source" -B "$work/build" -G Ninja \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_INSTALL_PREFIX="$prefix" \
    -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_CXX_FLAGS="-fsanitize=thread -g1 -O1" \
    -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
    -DCAF_NO_UNIT_TESTS=ON -DCAF_NO_EXAMPLES=ON -DCAF_NO_TOOLS=ON \
    -DCAF_NO_OPENSSL=ON -DCAF_NO_IO=ON -DCAF_NO_OPENCL=ON \
    -DCAF_NO_PYTHON=ON >"$work/configure.log" 2>&1 ||
    { cat "$work/configure.log" >&2; die "cmake failed for CAF"; }
  ninja -C "$work/build" -j "$(jobs)" install >&2 || die "CAF does not build"
  touch "$prefix/.ready"
}

# Over the fuzzers' build, as its precompiled headers are Clang's own; that of
# the tests is none of theirs, and the planted bugs are compiled with it. Only
# the rooms without CAF, with whose headers one file takes ten times as long.
# False, and not the end, when it finds something: the tests are worth running
# all the same.
clang_tidy() {
  build fuzz tests/CMakeFiles/millrace_pch_test.dir/cmake_pch.hxx.pch
  say "clang-tidy"
  (cd "$root" && git ls-files '*.cpp' |
    grep '^schema/\|^storage/\|^cluster/\|^streams/\|^net/') |
    sed "s|^|$root/|" |
    xargs -P "$(jobs)" -n 4 clang-tidy-19 -p "$root/build/fuzz" --quiet \
      2> >(grep -v ' warnings\? generated' >&2)
}
