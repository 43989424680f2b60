#!/bin/sh
# What the functions of tests/functions/frameworks need, in .thaw/framework-functions: Python wheels, Node.js packages,
# a Rust and a Go program. For npm run matrix only.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

source=tests/functions/frameworks
target=.thaw/framework-functions
python=$(find "$THAW_HOME/runtimes" -maxdepth 1 -name 'python3.*' | sed -n 's/.*python\(3\.[0-9]*\)$/\1/p' | sort | head -n 1)
recipe=$(digest $source/python/requirements.txt $source/node/package-lock.json $source/rust/Cargo.toml \
  $source/rust/Cargo.lock $source/rust/src/main.rs $source/go/main.go $source/go/go.mod $source/go/go.sum \
  tools/build-framework-functions.sh)
[ "$(cat $target/.recipe 2>/dev/null)" = "$recipe" ] && exit 0
step "Libraries and programs of the tests' functions of frameworks"
rm -rf $target
mkdir -p $target/python $target/node $target/rust $target/go
run python3 tools/fetch-wheels.py "${python:-3.13}" $source/python/requirements.txt $target/python
cp $source/node/package.json $source/node/package-lock.json $target/node
run npm ci --prefix $target/node --ignore-scripts --no-audit --no-fund
run cargo build --release --locked --manifest-path $source/rust/Cargo.toml --target-dir $target/rust-build
cp $target/rust-build/x86_64-unknown-linux-gnu/release/framework $target/rust/bootstrap
rm -rf $target/rust-build
# Go is not part of the set-up: its row is tested where it is.
if has go; then
  CGO_ENABLED=0 run go build -C $source/go -trimpath -o "$PWD/$target/go/bootstrap" .
fi
echo "$recipe" > $target/.recipe
