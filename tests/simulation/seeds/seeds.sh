#!/usr/bin/env bash
# Runs one part of the simulator's seeds; half of them follow from the commit.
#
# usage: seeds.sh PROGRAM PART PARTS
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MILLRACE_COMMIT=$(git -C "$here" rev-parse HEAD 2>/dev/null || echo none)
export MILLRACE_COMMIT MILLRACE_PART="$2" MILLRACE_PARTS="$3"
exec "$1"
