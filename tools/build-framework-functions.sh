#!/bin/sh
# What the functions of tests/functions/frameworks need, in .thaw/framework-functions: Python wheels, Node.js packages,
# Java functions, a function and an extension in Rust and in Go, and the Lambda Web Adapter as a layer. For npm run
# matrix only.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

source=tests/functions/frameworks
target=.thaw/framework-functions
ADAPTER=1.0.0-rc1
JAVA="spring4 micronaut quarkus powertools"

# is_made NAME FILE…: whether the part NAME is there as these files make it. Where it is not, its folder is empty after.
is_made() {
  part=$target/$1
  shift
  recipe=$(digest "$@" tools/build-framework-functions.sh)
  [ "$(cat "$part.recipe" 2>/dev/null)" = "$recipe" ] && return
  rm -rf "$part" "$part.recipe"
  mkdir -p "$part"
  step "Functions of frameworks: ${part##*/}"
  return 1
}

# made: the part that is_made asked for last is whole.
made() { echo "$recipe" > "$part.recipe"; }

if ! is_made python $source/python/requirements.txt; then
  run python3 tools/fetch-wheels.py 3.13 $source/python/requirements.txt "$part"
  made
fi

if ! is_made node $source/node/package-lock.json; then
  cp $source/node/package.json $source/node/package-lock.json "$part"
  run npm ci --prefix "$part" --ignore-scripts --no-audit --no-fund
  made
fi

if ! is_made rust $source/rust/Cargo.toml $source/rust/Cargo.lock $source/rust/src/main.rs \
  $source/rust/src/bin/extension.rs; then
  run cargo build --release --locked --manifest-path $source/rust/Cargo.toml --target-dir "$part/build"
  mv "$part/build/x86_64-unknown-linux-gnu/release/framework" "$part/bootstrap"
  mv "$part/build/x86_64-unknown-linux-gnu/release/extension" "$part"
  rm -rf "$part/build"
  made
fi

# Go is not part of the set-up: its row is tested where it is.
if has go && ! is_made go $source/go/main.go $source/go/extension/main.go $source/go/go.mod $source/go/go.sum; then
  CGO_ENABLED=0 run go build -C $source/go -trimpath -o "$PWD/$part/bootstrap" .
  CGO_ENABLED=0 run go build -C $source/go -trimpath -o "$PWD/$part/extension" ./extension
  made
fi

# shellcheck disable=SC2046 # one word for each source
if ! is_made java $(find $source/java -type f | sort); then
  cp -r $source/java "$part/build"
  run mvn -B -q -C -f "$part/build/pom.xml" package
  for name in $JAVA; do
    if [ -f "$part/build/$name/target/function.zip" ]; then
      run python3 -m zipfile -e "$part/build/$name/target/function.zip" "$part/$name"
    else
      mv "$part/build/$name/target/function" "$part/$name"
    fi
  done
  rm -rf "$part/build"
  # Maven only compares what it fetches with what the registry says of it. Quarkus rewrites a few of the jars itself.
  (cd "$part" && sha256sum -- */lib/*.jar | grep -v /modified-) > "$part.jars"
  run diff "$part.jars" $source/java/jars.sha256
  made
fi

# The layer as the adapter's own releases have it. Without optimisation: it compiles in a third of the time.
if ! is_made web-adapter tools/build-framework-functions.sh; then
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_BUILD_RUSTFLAGS="-C target-feature=+crt-static" run cargo install lambda_web_adapter \
    --version "=$ADAPTER" --locked --debug --target x86_64-unknown-linux-gnu --root "$part/root" --target-dir "$part/build"
  mkdir "$part/extensions"
  mv "$part/root/bin/lambda-adapter" "$part/extensions"
  rm -rf "$part/root" "$part/build"
  made
fi
