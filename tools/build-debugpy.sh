#!/bin/sh
# debugpy, for the functions of tests/integration/debug.test.ts, in .thaw/test-debugpy. For npm run matrix only.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

source=tests/functions/debug/requirements.txt
target=.thaw/test-debugpy
recipe=$(digest $source tools/build-debugpy.sh)
[ "$(cat $target/.recipe 2>/dev/null)" = "$recipe" ] && exit 0
step "debugpy, for tests"
rm -rf $target
mkdir -p $target
run python3 tools/fetch-wheels.py 3.13 $source $target
echo "$recipe" > $target/.recipe
