#!/bin/sh
# The S3-compatible server that the tests use, in .thaw/test-stores. Needs Go; without it those tests are skipped and
# say so.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

version=v1.8.0
target=$PWD/.thaw/test-stores
[ "$(cat "$target/.versitygw" 2>/dev/null)" = "$version" ] && exit 0
if ! has go; then
  say "no Go here: the tests with an S3 server are skipped (they need Go 1.24 or newer)"
  exit 0
fi
step "versitygw $version for the tests (Go)"
mkdir -p "$target"
if GOBIN="$target" go install "github.com/versity/versitygw/cmd/versitygw@$version" > "$target/build.log" 2>&1; then
  echo "$version" > "$target/.versitygw"
else
  tail -n 5 "$target/build.log" >&2
  say "versitygw could not be built: the tests with an S3 server are skipped"
fi
