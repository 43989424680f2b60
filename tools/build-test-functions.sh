#!/bin/sh
# What the functions of tests/functions/unique need, in .thaw/test-functions: Java libraries, Python wheels, a Rust and
# a Go program.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

source=tests/functions/unique
target=.thaw/test-functions
recipe=$(digest $source/pom.xml $source/requirements.txt $source/rust/Cargo.toml $source/rust/Cargo.lock \
  $source/rust/src/main.rs $source/go/main.go tools/build-test-functions.sh)
[ "$(cat $target/.recipe 2>/dev/null)" = "$recipe" ] && exit 0
step "Libraries and programs of the tests' functions"
rm -rf $target
mkdir -p $target/java $target/python $target/rust $target/go
run mvn -B -q -C -f $source/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/$target/java"
run python3 tools/fetch-wheels.py 3.13 $source/requirements.txt $target/python
run cargo build --release --locked --manifest-path $source/rust/Cargo.toml --target-dir $target/rust-build
cp $target/rust-build/x86_64-unknown-linux-gnu/release/unique $target/rust/bootstrap
rm -rf $target/rust-build
# Go is not part of the set-up: its rows are tested where it is.
if has go; then
  CGO_ENABLED=0 GO111MODULE=off run go build -o $target/go/bootstrap $source/go/main.go
fi
echo "$recipe" > $target/.recipe
