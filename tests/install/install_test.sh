#!/bin/sh
# What is installed is enough for a program with actors of its own: the example
# is configured, built and tested away from the tree.
#   install_test.sh BUILD_FOLDER
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/millrace-install.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cmake --install "$1" --prefix "$folder/prefix" >/dev/null
"$folder/prefix/bin/millrace" version >/dev/null
cp -r "$MILLRACE_SOURCE/apps/examples/word_counter" "$folder/example"
cmake -S "$folder/example" -B "$folder/build" -G Ninja \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$folder/prefix" >/dev/null
cmake --build "$folder/build" -j 2
ctest --test-dir "$folder/build" --output-on-failure
"$folder/build/word_counter" serve --help | grep -q -- --controllers
if grep -rlF -- "$MILLRACE_SOURCE" "$folder/prefix/lib/cmake" \
  "$folder/prefix/include"; then
  echo "what is installed names the folder that it was built from" >&2
  exit 1
fi
